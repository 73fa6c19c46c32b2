"""STIX index: the objects of a channel, each once, by what TAXII sorts and filters by, in an SQLite file; no content.

    parcels ── carried ── objects ── things        an object is a thing's version, byte for byte

An object that several parcels carry was added with the first of them that is still kept. Pages are read along the
indexes: what one costs does not depend on how much there is. A file is only a memory, and is made anew when it is gone.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple

from maritime.errors import OutputError

VERSION: Final = 1
"""Of the tables and of the objects that parcels become, as SQLite's user_version: another one is made anew."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
US_PER_MS: Final = 1_000  # more than a bundle has objects: an alert has a vessel or two
WAIT_S: Final = 10.0  # chosen: for another server with the same file, which writes for less
BATCH: Final = 200  # parcels that are forgotten at once

TABLES: Final = f"""
CREATE TABLE parcels (
    sequence INTEGER PRIMARY KEY, added_ms INTEGER NOT NULL UNIQUE, retain_until_ms INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE INDEX parcels_by_retention ON parcels (retain_until_ms);
CREATE TABLE things (thing INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, oldest INTEGER, newest INTEGER) STRICT;
CREATE TABLE objects (
    object INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, thing INTEGER NOT NULL, type TEXT NOT NULL, version TEXT,
    version_us INTEGER NOT NULL, added_us INTEGER NOT NULL, is_oldest INTEGER NOT NULL, is_newest INTEGER NOT NULL
) STRICT;
CREATE INDEX all_of_type ON objects (type, added_us);
CREATE INDEX oldest_of_type ON objects (type, added_us) WHERE is_oldest;
CREATE INDEX newest_of_type ON objects (type, added_us) WHERE is_newest;
CREATE INDEX version_of_type ON objects (type, version_us, added_us);
CREATE INDEX all_of_thing ON objects (thing, added_us);
CREATE INDEX version_of_thing ON objects (thing, version_us, added_us);
CREATE TABLE carried (
    object INTEGER NOT NULL, added_us INTEGER NOT NULL, PRIMARY KEY (object, added_us)
) STRICT, WITHOUT ROWID;
CREATE INDEX carried_by_time ON carried (added_us);
PRAGMA user_version = {VERSION};
"""

Choice = Literal["first", "last", "all"]
Condition = tuple[str, tuple[str | int, ...]]  # in SQL, and its values


class Entry(NamedTuple):
    """An object of a channel, and the parcel that it is in."""

    added_us: int
    id: str
    version: str  # modified, else created, else when it was added
    type: str
    sequence: int

    @property
    def added(self) -> str:
        """When it was added, in microseconds as TAXII 2.1 §3.2 has them."""
        return time_of(self.added_us)


class IndexedParcel(NamedTuple):
    """A parcel as it is remembered; `digest` is of its bytes."""

    sequence: int
    added_ms: int
    retain_until_ms: int
    digest: bytes


class IndexedObject(NamedTuple):
    """An object of a parcel, in its place; the version is None where it has none of its own."""

    id: str
    type: str
    version: str | None
    version_us: int | None
    digest: bytes


class Wanted(NamedTuple):
    """What is asked for; None: any. Versions by words, or by the microsecond that they name."""

    ids: frozenset[str] | None
    types: frozenset[str] | None
    choices: frozenset[Choice]
    versions_us: frozenset[int] = frozenset()


class StixIndex:
    """The index of one channel; used by one thread at a time. Raises OutputError when its file cannot be used."""

    def __init__(self, path: Path | None) -> None:
        """`path` is the file; None: one of SQLite's own, which ends with the program."""
        self._path = path
        with self._told():
            if path is not None:
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(path or "", timeout=WAIT_S, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA secure_delete = ON")  # what is purged is overwritten
            if self._database.execute("PRAGMA user_version").fetchone() != (VERSION,):
                self.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self._transaction():
            names = self._database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
            for (name,) in names:
                self._database.execute(f'DROP TABLE "{name}"')
            for statement in filter(str.strip, TABLES.split(";")):
                self._database.execute(statement)

    def last(self) -> IndexedParcel | None:
        """The newest parcel that it knows."""
        with self._told():
            row = self._database.execute("SELECT * FROM parcels ORDER BY sequence DESC LIMIT 1").fetchone()
            return row and IndexedParcel(*row)

    def add(self, parcels: Iterable[tuple[IndexedParcel, list[IndexedObject]]]) -> None:
        """Add parcels that come after all that it knows, in their order; again: nothing changes."""
        with self._transaction():
            for parcel, objects in parcels:
                if self._database.execute("INSERT OR IGNORE INTO parcels VALUES (?, ?, ?, ?)", parcel).rowcount:
                    for place, each in enumerate(objects):
                        self._add(each, parcel.added_ms * US_PER_MS + place)

    def purge(self, now_ms: int) -> None:
        """Forget the parcels whose time is over; what others carry as well is now from the first of those."""
        due = "SELECT sequence, added_ms FROM parcels WHERE retain_until_ms <= ? LIMIT ?"
        with self._told():
            while rows := self._database.execute(due, (now_ms, BATCH)).fetchall():
                with self._transaction():
                    for sequence, added_ms in rows:
                        self._remove(added_ms * US_PER_MS)
                        self._database.execute("DELETE FROM parcels WHERE sequence = ?", (sequence,))

    def has(self, thing_id: str) -> bool:
        """Whether there is an object of this id."""
        with self._told():
            return self._database.execute("SELECT 1 FROM things WHERE id = ?", (thing_id,)).fetchone() is not None

    def page(self, wanted: Wanted, after_us: int, most: int) -> list[Entry]:
        """The first objects after a time that are wanted, in the order in which they were added."""
        with self._told():
            found: list[Entry] = []
            for condition, values in self._conditions(wanted):
                if more := self._rows(condition, *values, after_us, most):
                    found = sorted({*found, *more})[:most]
            return found

    def _rows(self, condition: str, *values: str | int) -> list[Entry]:
        rows = self._database.execute(
            "SELECT added_us, id, version, type, sequence FROM "
            f"(SELECT * FROM objects WHERE {condition} AND added_us > ? ORDER BY added_us LIMIT ?) AS found "
            f"JOIN things ON things.thing = found.thing JOIN parcels ON parcels.added_ms = added_us / {US_PER_MS}",
            values,
        )
        return [Entry(added_us, i, version or time_of(added_us), t, s) for added_us, i, version, t, s in rows]

    def _conditions(self, wanted: Wanted) -> Iterator[Condition]:
        """Conditions of which one has to hold; each is answered along an index, in order."""
        if wanted.ids is None:
            types = self._types() if wanted.types is None else wanted.types.intersection(self._types())
            return (each for name in types for each in _of_type(name, wanted))
        ids = (each for each in wanted.ids if wanted.types is None or each.partition("--")[0] in wanted.types)
        return (each for thing_id in ids for each in self._of_thing(thing_id, wanted))

    def _of_thing(self, thing_id: str, wanted: Wanted) -> Iterator[Condition]:
        found = "SELECT thing, oldest, newest FROM things WHERE id = ?"
        for thing, oldest, newest in self._database.execute(found, (thing_id,)).fetchall():
            of_choice = {"all": ("thing = ?", thing), "first": ("object = ?", oldest), "last": ("object = ?", newest)}
            for choice in wanted.choices:
                condition, number = of_choice[choice]
                yield condition, (number,)
            for version_us in wanted.versions_us:
                yield "thing = ? AND version_us = ?", (thing, version_us)

    def _types(self) -> Iterator[str]:
        """The types that there are, one step along the index for each."""
        name = ""
        while True:
            ((name,),) = self._database.execute("SELECT min(type) FROM objects WHERE type > ?", (name,)).fetchall()
            if name is None:
                return
            yield name

    def _add(self, new: IndexedObject, added_us: int) -> None:
        known = self._database.execute("SELECT object FROM objects WHERE digest = ?", (new.digest,)).fetchone()
        if known is None:
            self._database.execute("INSERT OR IGNORE INTO things (id) VALUES (?)", (new.id,))
            ((thing,),) = self._database.execute("SELECT thing FROM things WHERE id = ?", (new.id,)).fetchall()
            version_us = added_us if new.version_us is None else new.version_us
            known = self._database.execute(
                "INSERT INTO objects (digest, thing, type, version, version_us, added_us, is_oldest, is_newest) "
                "VALUES (?, ?, ?, ?, ?, ?, 0, 0) RETURNING object",
                (new.digest, thing, new.type, new.version, version_us, added_us),
            ).fetchall()[0]
            self._rank(thing)
        self._database.execute("INSERT OR IGNORE INTO carried VALUES (?, ?)", (known[0], added_us))

    def _remove(self, from_us: int) -> None:
        """Take a parcel out of what objects are carried by."""
        rows = self._database.execute(
            "DELETE FROM carried WHERE added_us >= ? AND added_us < ? RETURNING object", (from_us, from_us + US_PER_MS)
        ).fetchall()
        for (number,) in rows:
            ((thing,),) = self._database.execute("SELECT thing FROM objects WHERE object = ?", (number,)).fetchall()
            ((first_us,),) = self._database.execute(
                "SELECT min(added_us) FROM carried WHERE object = ?", (number,)
            ).fetchall()
            if first_us is None:
                self._database.execute("DELETE FROM objects WHERE object = ?", (number,))
            else:
                self._database.execute(
                    "UPDATE objects SET added_us = ?1, version_us = iif(version IS NULL, ?1, version_us) "
                    "WHERE object = ?2 AND added_us <> ?1",
                    (first_us, number),
                )
            self._rank(thing)

    def _rank(self, thing: int) -> None:
        """See which of a thing's versions is the oldest and which the newest; of equal ones by when they were added."""
        for name, order in (("oldest", "version_us, added_us"), ("newest", "version_us DESC, added_us DESC")):
            best = self._database.execute(
                f"SELECT object FROM objects WHERE thing = ? ORDER BY {order} LIMIT 1", (thing,)
            ).fetchone()
            if best is None:
                self._database.execute("DELETE FROM things WHERE thing = ?", (thing,))
                return
            before = self._database.execute(f"SELECT {name} FROM things WHERE thing = ?", (thing,)).fetchone()
            if best != before:
                self._database.execute(f"UPDATE objects SET is_{name} = 0 WHERE object = ?", before)
                self._database.execute(f"UPDATE objects SET is_{name} = 1 WHERE object = ?", best)
                self._database.execute(f"UPDATE things SET {name} = ? WHERE thing = ?", (*best, thing))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All that is written together, or nothing of it."""
        with self._told():
            self._database.execute("BEGIN IMMEDIATE")
            with self._database:
                yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutputError(
                f"index {self._path or 'of STIX'} cannot be used ({error}); delete it, and it is made anew"
            ) from None


def _of_type(name: str, wanted: Wanted) -> Iterator[Condition]:
    of_choice = {"all": "type = ?", "first": "type = ? AND is_oldest", "last": "type = ? AND is_newest"}
    for choice in wanted.choices:
        yield of_choice[choice], (name,)
    for version_us in wanted.versions_us:
        yield "type = ? AND version_us = ?", (name, version_us)


def time_of(at_us: int) -> str:
    """Microseconds UTC as RFC 3339 with six digits of a second."""
    return (EPOCH + timedelta(microseconds=at_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
