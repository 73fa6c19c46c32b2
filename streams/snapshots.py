"""Snapshots in the log: what a detector knows, in chunks with a manifest, in two slots that take turns.

A chunk is keyed `partition/slot/number`, the manifest `partition/slot/manifest`, so compaction keeps two snapshots of
each partition. The manifest comes last and says everything that must fit: a half-written, altered or foreign snapshot
is passed over, and the one before it counts.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

from streams.arrow_frames import MOST_BYTES
from streams.topic_names import STATE
from streams.transport import Outgoing, Record

SLOTS: Final = 2
SCHEMA: Final = 1
CHUNK_BYTES: Final = MOST_BYTES
MOST_CHUNKS: Final = 4_096  # chosen: 2 GiB, a million hulls of one partition
MANIFEST: Final = "manifest"


@dataclass(frozen=True, slots=True)
class Maker:
    """What a snapshot depends on besides the records: of another one it is foreign."""

    detector_version: str
    config_sha256: str
    places_sha256: str
    partitions: int
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot as it was found: the detector's bytes, and the offset of the first record that it has not seen."""

    offset: int
    slot: int
    sequence: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the state topic holds of one partition: whole snapshots of this maker, newest first, and where to write on.

    `foreign` counts the manifests that were passed over.
    """

    saved: tuple[Saved, ...]
    next_slot: int
    next_sequence: int
    foreign: int = 0


def records_of(body: bytes, partition: int, offset: int, slot: int, sequence: int, maker: Maker) -> Iterator[Outgoing]:
    """The records of a snapshot, its manifest last."""
    chunks = max(1, -(-len(body) // CHUNK_BYTES))
    for number in range(chunks):
        chunk = body[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
        yield Outgoing(STATE, chunk, _key(partition, slot, str(number)), partition)
    manifest = {
        "slot": slot,
        "sequence": sequence,
        "offset": offset,
        "chunks": chunks,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        **asdict(maker),
    }
    yield Outgoing(STATE, json.dumps(manifest).encode(), _key(partition, slot, MANIFEST), partition)


def shelf_of(records: Iterable[Record], partition: int, maker: Maker) -> Shelf:
    """What the records of a state partition hold. Takes memory for two snapshots."""
    newest: dict[bytes, bytes] = {}
    for record in records:
        if record.key is None or not _is_ours(record.key, partition):
            continue
        if record.value is None:
            newest.pop(record.key, None)
        else:
            newest[record.key] = record.value
    found: list[Saved] = []
    last, foreign = -1, 0  # sequence of the newest manifest, foreign or not
    for slot in range(SLOTS):
        text = newest.get(_key(partition, slot, MANIFEST))
        if text is None:
            continue
        last = max(last, _sequence(text))
        saved = _saved(text, newest, partition, slot, maker)
        if saved is None:
            foreign += 1
        else:
            found.append(saved)
    found.sort(key=lambda saved: -saved.sequence)
    return Shelf(tuple(found), 1 - found[0].slot if found else 0, last + 1, foreign)


def _is_ours(key: bytes, partition: int) -> bool:
    """Whether a key is one of this partition's chunks or manifests."""
    number, _, rest = key.partition(b"/")
    slot, _, name = rest.partition(b"/")
    known = name == MANIFEST.encode() or (name.isdigit() and len(name) <= 4 and int(name) < MOST_CHUNKS)
    return number == str(partition).encode() and slot in (b"0", b"1") and known


def _key(partition: int, slot: int, name: str) -> bytes:
    return f"{partition}/{slot}/{name}".encode()


def _sequence(text: bytes) -> int:
    try:
        sequence = json.loads(text)["sequence"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return -1
    return sequence if type(sequence) is int and 0 <= sequence < 1 << 62 else -1


def _saved(text: bytes, newest: dict[bytes, bytes], partition: int, slot: int, maker: Maker) -> Saved | None:
    """The snapshot of a manifest; None when it is not whole or not of this maker."""
    try:
        manifest = json.loads(text)
        if any(manifest[name] != value for name, value in asdict(maker).items()) or manifest["slot"] != slot:
            return None
        offset, sequence, chunks = manifest["offset"], manifest["sequence"], manifest["chunks"]
        if not all(type(number) is int and number >= 0 for number in (offset, sequence, chunks)):
            return None
        if chunks > MOST_CHUNKS:
            return None
        body = b"".join(newest[_key(partition, slot, str(number))] for number in range(chunks))
        whole = len(body) == manifest["bytes"] and hashlib.sha256(body).hexdigest() == manifest["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return Saved(offset, slot, sequence, body) if whole else None
