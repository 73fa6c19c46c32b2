"""Received: what partners sent, as they signed it, until they want it purged.

An alert is known by who made it, its id, its status and its standing together. So the same id from another originator
is another alert, an exercise never touches what is actual, and what nobody vouches for never touches what was verified.
Of each the highest revision counts; an older one changes nothing. A cancel takes the content away at once, the purge
when `retain_until` has passed; what remains is a tombstone: a hash, an id and when.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

from maritime.errors import InputError, OutputError, UsageError
from maritime.sharing.envelope import Envelope, Status
from maritime.sharing.intake import Accepted, Rejected, Standing
from maritime.sharing.sqlite_file import closed_if_other, opened
from maritime.times import from_rfc3339
from maritime.units import DAY_MS

VERSION: Final = 1
"""Of the tables, as SQLite's user_version."""
UNSAID_RETENTION_DAYS: Final = 30  # chosen: where an originator does not say, as short as our own view is kept
TOMBSTONE_DAYS: Final = 366  # chosen: a yearly audit can see what was purged since the last one
MOST_OF_ONE: Final = 100_000  # alerts of one originator; chosen: ten years at thirty a day, so a flood ends here
MOST_REJECTS: Final = 10_000  # kept, the newest; chosen: they are some 300 bytes each
LONGEST_SAID: Final = 300  # characters of a reject's sentence

TABLES: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE alerts (
    originator TEXT NOT NULL, alert_id TEXT NOT NULL, status TEXT NOT NULL, standing TEXT NOT NULL,
    revision INTEGER NOT NULL, kind TEXT NOT NULL, event_type TEXT NOT NULL, context_id TEXT, sent TEXT NOT NULL,
    expires TEXT, retain_until_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL, format TEXT NOT NULL, kid TEXT,
    jws TEXT, envelope BLOB NOT NULL, PRIMARY KEY (originator, alert_id, status, standing)
) STRICT;
CREATE INDEX by_id ON alerts (alert_id);
CREATE INDEX by_context ON alerts (context_id);
CREATE INDEX by_retention ON alerts (retain_until_ms);
CREATE TABLE tombstones (
    originator TEXT NOT NULL, alert_id TEXT NOT NULL, status TEXT NOT NULL, standing TEXT NOT NULL,
    revision INTEGER NOT NULL, sha256 TEXT NOT NULL, purged_ms INTEGER NOT NULL,
    PRIMARY KEY (originator, alert_id, status, standing)
) STRICT;
CREATE TABLE rejects (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, file TEXT NOT NULL, line INTEGER,
    reason TEXT NOT NULL, said TEXT NOT NULL, sha256 TEXT NOT NULL
) STRICT;
CREATE TABLE links (
    number INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL, b TEXT NOT NULL, role TEXT NOT NULL,
    joined_ms INTEGER NOT NULL, left_by TEXT, left_ms INTEGER
) STRICT;
PRAGMA user_version = {VERSION};
COMMIT;
"""
STANDINGS: Final[tuple[Standing, ...]] = ("own", "verified", "unverified")
"""The most trusted first."""
KEY: Final = "originator = ? AND alert_id = ? AND status = ? AND standing = ?"

Outcome = Literal["added", "updated", "withdrawn", "unchanged", "older"]


class Kept(NamedTuple):
    """The newest revision of an alert, in the order of the table's columns."""

    originator: str
    alert_id: str
    status: Status
    standing: Standing
    revision: int
    kind: str
    event_type: str
    context_id: str | None
    sent: str
    expires: str | None
    retain_until_ms: int
    received_ms: int
    format: str
    kid: str | None
    jws: str | None
    canonical: bytes

    def envelope(self) -> Envelope:
        """The envelope as it was received."""
        return Envelope.model_validate_json(self.canonical)


class Tombstone(NamedTuple):
    """What remains of an alert whose content was purged."""

    originator: str
    alert_id: str
    status: Status
    standing: Standing
    revision: int
    sha256: str
    purged_ms: int


class KeptReject(NamedTuple):
    """A document that was not kept, without its content, for which nobody vouches or has set a retention."""

    number: int
    at_ms: int
    file: str
    line: int | None
    reason: str
    said: str
    sha256: str


class ReceivedStore:
    """The store in an SQLite file of its own. One process writes at a time; others wait."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open a store, or make it. Raises InputError when the file is none, OutputError when it cannot be made."""
        self.path = path
        self._database = opened(path, "store", read_only=read_only)
        with closed_if_other(self._database, f"{path} is no store of received alerts"):
            self._prepare(read_only)

    def _prepare(self, read_only: bool) -> None:
        if not read_only:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")  # a lost document is imported again
            self._database.execute("PRAGMA secure_delete = ON")  # what is purged is overwritten
            if self._database.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
                self._database.executescript(TABLES)
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        names = {name for (name,) in self._database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if version != VERSION or not {"alerts", "tombstones", "rejects", "links"} <= names:
            raise InputError(f"{self.path} is no store of received alerts of version {VERSION}; name another file")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def database(self) -> sqlite3.Connection:
        """The file, for the other tables in it."""
        return self._database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make changes together or not at all. Raises OutputError when the file cannot be written."""
        if self._database.in_transaction:
            yield
            return
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise OutputError(f"store {self.path} cannot be written ({error}); nothing was changed") from None
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def add(self, accepted: Accepted, now_ms: int) -> Outcome | Rejected:
        """Keep an envelope; what it did. The same again, or an older revision, changes nothing."""
        envelope = accepted.envelope
        key = (envelope.originator.org_id, envelope.alert_id, envelope.status, accepted.standing)
        until = envelope.handling.retain_until
        until_ms = now_ms + UNSAID_RETENTION_DAYS * DAY_MS if until is None else from_rfc3339(until)
        if until_ms <= now_ms:
            return Rejected("retention_over", f"it was to be purged at {until}")
        with self.transaction():
            had = self._one(key)
            buried = self._database.execute(f"SELECT revision FROM tombstones WHERE {KEY}", key).fetchone()
            if buried is not None and envelope.revision <= buried[0]:
                return "older"
            if had is not None and envelope.revision <= had.revision:
                return _again(had, accepted)
            if had is None and self._count_of(key[0]) >= MOST_OF_ONE:
                return Rejected("too_many", f"{MOST_OF_ONE:,} alerts of {key[0]} are kept already; purge, or ask why")
            context_id = envelope.context_id or (had.context_id if had else None)  # a cancel says little again
            self._database.execute(
                f"INSERT OR REPLACE INTO alerts VALUES ({', '.join('?' * len(Kept._fields))})",
                Kept(
                    *key,
                    envelope.revision,
                    envelope.kind,
                    envelope.event.type,
                    context_id,
                    envelope.sent,
                    envelope.expires,
                    until_ms,
                    now_ms,
                    accepted.format,
                    accepted.kid,
                    accepted.jws,
                    accepted.canonical,
                ),
            )
        return "withdrawn" if envelope.kind == "cancel" else "added" if had is None else "updated"

    def reject(self, rejected: Rejected, document: bytes, file: str, line: int | None, now_ms: int) -> None:
        """Note that a document was not kept, why, and where it came from."""
        with self.transaction():
            digest, said = sha256(document).hexdigest(), rejected.said[:LONGEST_SAID]
            self._database.execute(
                "INSERT INTO rejects VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                (now_ms, file, line, rejected.reason, said, digest),
            )
            self._database.execute(
                "DELETE FROM rejects WHERE number <= (SELECT max(number) FROM rejects) - ?", (MOST_REJECTS,)
            )

    def alerts(self, now_ms: int, *, event_type: str | None = None, originator: str | None = None) -> Iterator[Kept]:
        """The newest revision of each alert that may still be kept, in the order of originator and id."""
        for row in self._database.execute(
            "SELECT * FROM alerts WHERE retain_until_ms > ? AND (?2 IS NULL OR event_type = ?2) "
            "AND (?3 IS NULL OR originator = ?3) ORDER BY originator, alert_id, status, standing",
            (now_ms, event_type, originator),
        ):
            yield Kept(*row)

    def find(self, name: str, now_ms: int) -> Kept:
        """The only alert whose id begins so; ORG/ID where several originators have one. What is verified comes first.

        Raises UsageError where there is none, or several.
        """
        originator, _, beginning = name.rpartition("/")
        rows = self._database.execute(
            "SELECT * FROM alerts WHERE retain_until_ms > ? AND (?2 = '' OR originator = ?2) "
            "AND substr(alert_id, 1, ?3) = ?4",
            (now_ms, originator, len(beginning), beginning),
        )
        found = sorted((Kept(*row) for row in rows), key=lambda kept: (STANDINGS.index(kept.standing), kept.status))
        if not found or not beginning:
            raise UsageError(f"no alert in {self.path} begins with '{name}'; 'maritime received list' lists them")
        if len({kept[:2] for kept in found}) > 1:
            told = ", ".join(f"{kept.originator}/{kept.alert_id}" for kept in found[:5])
            raise UsageError(f"{len(found)} alerts in {self.path} begin with '{name}' ({told}); give more of the id")
        return found[0]

    def tombstones(self) -> Iterator[Tombstone]:
        """What was purged, the newest last."""
        for row in self._database.execute("SELECT * FROM tombstones ORDER BY purged_ms, originator, alert_id"):
            yield Tombstone(*row)

    def rejects(self) -> Iterator[KeptReject]:
        """The documents that were not kept, the newest last."""
        for row in self._database.execute("SELECT * FROM rejects ORDER BY number"):
            yield KeptReject(*row)

    def purge(self, now_ms: int) -> list[Tombstone]:
        """Delete the content of all that is to be purged by now, and tombstones older than a year; what was purged."""
        with self.transaction():
            rows = self._database.execute(
                "DELETE FROM alerts WHERE retain_until_ms <= ? "
                "RETURNING originator, alert_id, status, standing, revision, envelope",
                (now_ms,),
            ).fetchall()
            made = [Tombstone._make([*row[:5], sha256(row[5]).hexdigest(), now_ms]) for row in rows]
            self._database.executemany("INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?, ?, ?, ?)", made)
            self._database.execute("DELETE FROM tombstones WHERE purged_ms <= ?", (now_ms - TOMBSTONE_DAYS * DAY_MS,))
        if made:  # the log of changes still has what was deleted
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return made

    def _one(self, key: tuple[str, str, str, str]) -> Kept | None:
        row = self._database.execute(f"SELECT * FROM alerts WHERE {KEY}", key).fetchone()
        return None if row is None else Kept(*row)

    def _count_of(self, originator: str) -> int:
        (count,) = self._database.execute("SELECT count(*) FROM alerts WHERE originator = ?", (originator,)).fetchone()
        return int(count)


def _again(had: Kept, accepted: Accepted) -> Outcome | Rejected:
    """What a revision does that is no newer than the one that is kept."""
    if accepted.envelope.revision < had.revision:
        return "older"
    if accepted.canonical == had.canonical:
        return "unchanged"
    return Rejected(
        "conflicting_revision", f"revision {had.revision} was received before with other content; the first is kept"
    )
