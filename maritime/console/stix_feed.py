"""STIX feed: the objects of a channel's bundles, each once, in the order in which they were added.

TAXII counts objects, not bundles. An object that several bundles carry, byte for byte, was added with the first that is
still kept. Each object has a microsecond of its own (the parcel's millisecond and its place in the bundle): whoever
asks for what came after a time misses nothing and gets nothing twice.
"""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from sys import intern
from typing import Any, Final, NamedTuple

from maritime.sharing.canonical import canonical
from maritime.sharing.desk import Channel
from maritime.sharing.formats.stix import render
from maritime.sharing.sent import Sent, SentParcels

BATCH: Final = 200  # parcels that are read at once
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
US_PER_MS: Final = 1_000  # more than a bundle has objects: an alert has a vessel or two


class Entry(NamedTuple):
    """An object of a channel: what TAXII sorts and filters by, and where it is."""

    added_us: int
    id: str
    version: str  # modified, else created, else when it was added
    type: str
    sequence: int
    place: int

    @property
    def added(self) -> str:
        """When it was added, in microseconds as TAXII 2.1 §3.2 has them."""
        return _time(self.added_us)


class _Object(NamedTuple):
    id: str
    version: str | None
    type: str
    digest: bytes


class StixFeed:
    """The index of one partner's channel. It holds no content, and is brought up to date before each use."""

    def __init__(self, partner: str, channel: Channel) -> None:
        self._partner, self._channel = partner, channel
        self._lock = threading.Lock()
        self._parcels: dict[int, tuple[int, list[_Object]]] = {}
        self._entries: list[Entry] = []
        self._seen: set[bytes] = set()

    def entries(self, sent: SentParcels) -> list[Entry]:
        """All objects, in the order in which they were added."""
        with self._lock:
            kept = set(sent.sequences(self._partner, self._channel))
            gone = self._parcels.keys() - kept
            for sequence in gone:
                del self._parcels[sequence]
            if gone:  # what they were the first to have is now from a later one
                self._entries, self._seen = [], set()
                for sequence, (added_ms, objects) in self._parcels.items():
                    self._add(sequence, added_ms, objects)
            while new := sent.parcels(self._partner, self._channel, max(self._parcels, default=0), BATCH):
                for each in new:
                    self._parcels[each.sequence] = (each.added_ms, [_indexed(thing) for thing in _objects(each)])
                    self._add(each.sequence, *self._parcels[each.sequence])
            return self._entries.copy()

    def content(self, sent: SentParcels, entries: list[Entry]) -> list[tuple[Entry, dict[str, Any]]]:
        """The objects of some entries; without those that have been purged since."""
        bundles: dict[int, list[dict[str, Any]]] = {}
        for sequence in {entry.sequence for entry in entries}:
            for each in sent.parcels(self._partner, self._channel, sequence - 1, 1):
                bundles[each.sequence] = _objects(each)
        return [(each, bundles[each.sequence][each.place]) for each in entries if each.sequence in bundles]

    def _add(self, sequence: int, added_ms: int, objects: list[_Object]) -> None:
        for place, thing in enumerate(objects):
            if thing.digest not in self._seen:
                self._seen.add(thing.digest)
                added_us = added_ms * US_PER_MS + place
                version = thing.version or _time(added_us)
                self._entries.append(Entry(added_us, thing.id, version, thing.type, sequence, place))


def newest_versions(entries: list[Entry]) -> set[Entry]:
    """Of each object the newest version."""
    return set(_chosen(entries, lambda new, old: new.version >= old.version))


def oldest_versions(entries: list[Entry]) -> set[Entry]:
    """Of each object the oldest version."""
    return set(_chosen(entries, lambda new, old: new.version < old.version))


def _chosen(entries: list[Entry], is_better: Callable[[Entry, Entry], bool]) -> list[Entry]:
    chosen: dict[str, Entry] = {}
    for entry in entries:
        if entry.id not in chosen or is_better(entry, chosen[entry.id]):
            chosen[entry.id] = entry
    return list(chosen.values())


def _objects(parcel: Sent) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = json.loads(render(parcel.release(), parcel.first_sent))["objects"]
    return objects


def _indexed(thing: dict[str, Any]) -> _Object:
    version = thing.get("modified") or thing.get("created")
    digest = sha256(canonical(thing)).digest()[:16]
    return _Object(intern(thing["id"]), version and intern(version), intern(thing["type"]), digest)


def _time(at_us: int) -> str:
    return (EPOCH + timedelta(microseconds=at_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
