"""STIX feed: the objects of a channel's bundles, each once, in the order in which they were added.

TAXII counts objects, not bundles. An object that several bundles carry, byte for byte, was added with the first that is
still kept. Each object has a microsecond of its own (the parcel's millisecond and its place in the bundle): whoever
asks for what came after a time misses nothing and gets nothing twice.

Each parcel is read once for the index. A page then costs what it shows, however much the channel holds.
"""

import json
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from maritime.console.stix_index import Entry, IndexedObject, IndexedParcel, StixIndex, Wanted
from maritime.sharing.canonical import canonical
from maritime.sharing.desk import Channel
from maritime.sharing.formats.stix import objects_of, render
from maritime.sharing.sent import Sent, SentParcels
from maritime.times import from_rfc3339

BATCH: Final = 200  # parcels that are read at once
DIGEST_BYTES: Final = 16  # chosen: nobody gains by making two of his own objects look the same


class StixFeed:
    """One partner's channel. Its index is brought up to date before each use. Raises OutputError when that fails."""

    def __init__(self, partner: str, channel: Channel, index: Path | None) -> None:
        """`index` is the index's file; None: one that ends with the program."""
        self._partner, self._channel, self._path = partner, channel, index
        self._lock = threading.Lock()
        self._index: StixIndex | None = None

    def page(self, sent: SentParcels, wanted: Wanted, after_us: int, most: int) -> list[Entry]:
        """The first objects after a time that are wanted, in the order in which they were added."""
        with self._lock:
            return self._current(sent).page(wanted, after_us, most)

    def has(self, sent: SentParcels, thing_id: str) -> bool:
        """Whether there is an object of this id."""
        with self._lock:
            return self._current(sent).has(thing_id)

    def content(self, sent: SentParcels, entries: list[Entry]) -> list[dict[str, Any]]:
        """The objects of some entries; without those that have been purged since."""
        bundles: dict[int, dict[str, dict[str, Any]]] = {}
        for sequence in sorted({entry.sequence for entry in entries}):
            for each in sent.parcels(self._partner, self._channel, sequence - 1, 1):
                bundle = json.loads(render(each.release(), each.first_sent))
                bundles[each.sequence] = {thing["id"]: thing for thing in bundle["objects"]}
        found = (bundles.get(each.sequence, {}).get(each.id) for each in entries)
        return [thing for thing in found if thing is not None]

    def _current(self, sent: SentParcels) -> StixIndex:
        """The index, with what was sent since, without what is to be purged."""
        index = self._index = self._index or StixIndex(self._path)
        index.purge(sent.now_ms)
        last = index.last()
        if last and not self._is_of(last, sent):
            index.clear()
            last = None
        after = last.sequence if last else 0
        while new := sent.parcels(self._partner, self._channel, after, BATCH):
            index.add([(_remembered(each), _objects(each)) for each in new])
            after = new[-1].sequence
        return index

    def _is_of(self, last: IndexedParcel, sent: SentParcels) -> bool:
        """Whether the index is of this ledger, and of all that it was: one that is older was put in its place."""
        found = sent.parcels(self._partner, self._channel, last.sequence - 1, 1)
        return bool(found) and _remembered(found[0]) == last


def _remembered(parcel: Sent) -> IndexedParcel:
    return IndexedParcel(parcel.sequence, parcel.added_ms, parcel.retain_until_ms, _digest(parcel.envelope))


def _objects(parcel: Sent) -> list[IndexedObject]:
    return [_indexed(thing) for thing in objects_of(parcel.release(), parcel.first_sent)]


def _indexed(thing: dict[str, Any]) -> IndexedObject:
    version = thing.get("modified") or thing.get("created")
    version_us = None if version is None else from_rfc3339(version) * 1000
    return IndexedObject(thing["id"], thing["type"], version, version_us, _digest(canonical(thing)))


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()[:DIGEST_BYTES]
