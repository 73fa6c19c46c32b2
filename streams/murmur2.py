"""Partition of a key, as Kafka's own clients choose it, so that any keyed producer agrees with this project.

Kafka takes murmur2 (seed 0x9747b28c) of the key, clears the sign bit and divides by the number of partitions
(BuiltInPartitioner in org.apache.kafka.clients.producer.internals; Utils in org.apache.kafka.common.utils). The key of
a vessel is its MMSI in nine ASCII digits, zero-padded.

>>> murmur2(b"foobar")
-790332482
>>> vessel_key(2320042)
b'002320042'
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SEED: Final = 0x9747B28C
MULTIPLIER: Final = 0x5BD1E995
SHIFT: Final = 24
WORD: Final = 0xFFFFFFFF
POSITIVE: Final = 0x7FFFFFFF
KEY_BYTES: Final = 9


def murmur2(key: bytes) -> int:
    """Kafka's hash of a key as a signed 32-bit integer, equal to Utils.murmur2 in Java."""
    h = SEED ^ len(key)
    whole = len(key) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * MULTIPLIER & WORD
        k = (k ^ k >> SHIFT) * MULTIPLIER & WORD
        h = h * MULTIPLIER & WORD ^ k
    if whole < len(key):
        h = (h ^ int.from_bytes(key[whole:], "little")) * MULTIPLIER & WORD
    h = (h ^ h >> 13) * MULTIPLIER & WORD
    h ^= h >> 15
    return h - (1 << 32) if h > POSITIVE else h


def partition_of(key: bytes, partitions: int) -> int:
    """Partition of a key among so many."""
    return (murmur2(key) & POSITIVE) % partitions


def vessel_key(mmsi: int) -> bytes:
    """Key of a vessel: nine digits."""
    return b"%09d" % mmsi


def partitions_of(mmsi: NDArray[np.uint32], partitions: int) -> NDArray[np.int32]:
    """Partition of every vessel, uint32[n] -> int32[n]: `partition_of(vessel_key(…))`, for whole columns."""
    with np.errstate(over="ignore"):
        h = np.full(len(mmsi), SEED ^ KEY_BYTES, np.uint32)
        for word in (_digits(mmsi, 0, 4), _digits(mmsi, 4, 8)):
            k = word * np.uint32(MULTIPLIER)
            k = (k ^ k >> np.uint32(SHIFT)) * np.uint32(MULTIPLIER)
            h = h * np.uint32(MULTIPLIER) ^ k
        h = (h ^ _digits(mmsi, 8, 9)) * np.uint32(MULTIPLIER)
        h = (h ^ h >> np.uint32(13)) * np.uint32(MULTIPLIER)
        h ^= h >> np.uint32(15)
    found = ((h & np.uint32(POSITIVE)) % np.uint32(partitions)).astype(np.int32)
    for i in np.flatnonzero(mmsi >= 10**KEY_BYTES):  # the field has 30 bits, so ten digits fit in; no MMSI has them
        found[i] = partition_of(vessel_key(mmsi[i]), partitions)
    return found


def _digits(mmsi: NDArray[np.uint32], begin: int, end: int) -> NDArray[np.uint32]:
    """Digits of the key as the little-endian word that they make in ASCII."""
    word = np.zeros(len(mmsi), np.uint32)
    for at in range(begin, end):
        digit = mmsi // np.uint32(10 ** (KEY_BYTES - 1 - at)) % np.uint32(10)
        word |= (digit + np.uint32(ord("0"))) << np.uint32(8 * (at - begin))
    return word
