"""Kafka's partitioner: murmur2 over the key, so that any keyed producer puts a vessel into the same partition.

Austin Appleby's MurmurHash2 with the seed and the order of bytes of Kafka's Java client (`Utils.murmur2`). The key of a
vessel is its MMSI as nine ASCII digits.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SEED: Final = 0x9747B28C
M: Final = 0x5BD1E995
MASK: Final = 0xFFFFFFFF
KEY_DIGITS: Final = 9


def murmur2(key: bytes) -> int:
    """The hash of a key, a signed 32-bit integer as Java gives it."""
    h = SEED ^ len(key)
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * M & MASK
        h = (h * M & MASK) ^ ((k ^ k >> 24) * M & MASK)
    if rest := key[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * M & MASK
    h = (h ^ h >> 13) * M & MASK
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h


def partition_of(key: bytes, n: int) -> int:
    """The partition of a key among n."""
    return (murmur2(key) & 0x7FFFFFFF) % n


def vessel_key(mmsi: int) -> bytes:
    """The key of a vessel: nine digits."""
    return b"%09d" % mmsi


def partitions_of(mmsi: NDArray[np.uint32], n: int) -> NDArray[np.int64]:
    """The partition of each vessel among n."""
    vessels, place = np.unique(mmsi, return_inverse=True)
    found = [partition_of(vessel_key(vessel), n) for vessel in vessels.tolist()]
    return np.array(found, np.int64)[place]
