"""Ledger: every decision about sharing, released or not, in the order it was made; nothing is ever changed or removed.

Each entry's hash covers its canonical JSON (RFC 8785), a salt and the hash of the entry before:

    hash = SHA-256({"entry": …, "previous": hex, "salt": hex})

What partners can check is a Merkle tree (RFC 9162) whose leaves say no more than a recipient knows of its own copy:

    leaf = {"alert_id", "revision", "kind", "partner", "sha256", "entry": hash}

The rest (internal id, rule, reason, time of decision) enters through the salted hash alone, so that it can be neither
read nor guessed from a receipt. Each row also holds the nodes of the tree that it completes: heads and proofs take a
number of reads that grows with the logarithm of the size.

The database shows edits by whoever does not recompute all hashes. Signed heads, kept elsewhere, show every edit.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from maritime.errors import InputError, OutputError, UsageError
from maritime.sharing.canonical import canonical
from maritime.sharing.envelope import Kind, PolicyMark, Time, Uuid4
from maritime.sharing.merkle import Frontier, consistency_path, frontier, inclusion_path, leaf_hash
from maritime.sharing.receipts import Head
from maritime.sharing.sqlite_file import closed_if_other, opened
from maritime.sharing.untrusted import read_object

Decision = Literal["released", "unchanged", "denied", "held", "cancelled", "purged", "feedback", "answer", "reviewed"]
SPOKEN: Final = ("feedback", "answer")
"""What a partner said of its copy, and what it was answered. Their `sha256` is that of the words, not of a copy."""

SALT_BYTES: Final = 32  # chosen: as many as the hash has, so that it hides what it covers
HASH_BYTES: Final = sha256().digest_size
BEGINNING: Final = bytes(HASH_BYTES)
"""Stands for the hash before the first entry."""

LEAF: Final = ("alert_id", "revision", "kind", "partner", "sha256")
"""Fields of an entry that its recipient knows."""

VERSION: Final = 1
"""Of the tables, as SQLite's user_version."""


TABLES: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL, nodes BLOB NOT NULL
) STRICT;
CREATE INDEX by_shared ON entries (json_extract(entry, '$.alert_id'));
CREATE TRIGGER never_changed BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'a ledger only grows'); END;
CREATE TRIGGER never_removed BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'a ledger only grows'); END;
PRAGMA user_version = {VERSION};
COMMIT;
"""


class PolicyState(PolicyMark):
    """Under which policy it was decided, to the byte."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Entry(BaseModel):
    """A decision, or what was said of one. The shared fields are those of the copy that left, null where none did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Time
    internal_id: str = Field(min_length=1)
    internal_revision: int = Field(ge=0)
    partner: str = Field(min_length=1)
    decision: Decision
    reason: str = Field(min_length=1, description="code")
    rule: str | None = None
    policy: PolicyState
    alert_id: Uuid4 | None = None
    revision: int | None = Field(None, ge=0)
    kind: Kind | None = None
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of the copy's canonical bytes")
    kid: str | None = None
    role: str | None = Field(None, description="of who reviewed it")

    @model_validator(mode="after")
    def _what_left_is_named_whole(self) -> Self:
        known = [each is not None for each in (self.alert_id, self.revision, self.kind, self.sha256)]
        if self.decision in SPOKEN:
            if known != [True, True, False, True]:
                raise ValueError("what was said has alert_id, revision and sha256, and no kind")
        elif self.decision == "reviewed":
            if known != [False, False, False, True] or not self.role:
                raise ValueError("a review has a role and a sha256 of its words, and nothing that left")
        elif self.sha256 is not None and not all(known):
            raise ValueError("a copy that left has alert_id, revision, kind and sha256")
        if self.decision == "released" and self.sha256 is None:
            raise ValueError("what was released has a sha256")
        return self


class Ledger:
    """A ledger in an SQLite file. One process appends at a time; others wait."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open a ledger, or make it. Raises InputError when the file is none, OutputError when it cannot be made."""
        self.path = path
        self._database = opened(path, "ledger", read_only=read_only)
        with closed_if_other(self._database, f"{path} is no ledger"):
            self._prepare(read_only)

    def _prepare(self, read_only: bool) -> None:
        if not read_only:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            if self._rows("SELECT count(*) FROM sqlite_schema")[0] == (0,):
                self._database.executescript(TABLES)
        ((version,),) = self._rows("PRAGMA user_version")
        if version != VERSION:
            raise InputError(f"{self.path} is no ledger of version {VERSION}, its version is {version}")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def database(self) -> sqlite3.Connection:
        """The database: what the desk keeps lies beside the entries, so that both change at once."""
        return self._database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is written together, or not at all; one inside another is part of it."""
        if self._database.in_transaction:
            yield
            return
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def append(self, entries: Iterable[Entry], random_bytes: Callable[[int], bytes]) -> range:
        """Add entries in one transaction, which is on the disk when this returns; gives their places.

        `random_bytes` makes the salts and must not be guessable. Raises OutputError, and adds none, when the file
        cannot be written.
        """
        try:
            with self.transaction():
                size, previous = self._tail()
                tree = frontier(size, self._node)
                self._database.executemany(
                    "INSERT INTO entries VALUES (?, ?, ?, ?, ?)", _rows_of(entries, tree, previous, random_bytes)
                )
        except sqlite3.Error as error:
            raise OutputError(f"ledger {self.path} cannot be written ({error}); nothing was added") from None
        return range(size, tree.size)

    def __len__(self) -> int:
        return self._tail()[0]

    def entry(self, seq: int) -> Entry:
        """The entry at a place. Raises UsageError when there is none."""
        return Entry.model_validate_json(self._entry_row(seq)[0])

    def decisions_since(self, size: int) -> dict[Decision, int]:
        """How often each was decided since the ledger had that size."""
        query = "SELECT json_extract(entry, '$.decision'), count(*) FROM entries WHERE seq >= ? GROUP BY 1"
        return dict(self._rows(query, size))

    def find(self, alert_id: str, revision: int, partner: str) -> int:
        """The place of the copy that a partner got, by its shared id. Raises UsageError when there is none."""
        found = self._rows(
            "SELECT seq, entry FROM entries WHERE json_extract(entry, '$.alert_id') = ? ORDER BY seq DESC", alert_id
        )
        for seq, text in found:
            entry = Entry.model_validate_json(text)
            if (entry.revision, entry.partner) == (revision, partner) and entry.kind and entry.sha256 is not None:
                return int(seq)
        raise UsageError(f"{partner} was sent no revision {revision} of {alert_id} by this ledger")

    def find_words(self, alert_id: str, partner: str, sha256_hex: str) -> int:
        """The place of what a partner said of its copy, or was answered, by the SHA-256 of its canonical bytes.

        Raises UsageError when there is none.
        """
        found = self._rows(
            "SELECT seq, entry FROM entries WHERE json_extract(entry, '$.alert_id') = ? ORDER BY seq", alert_id
        )
        for seq, text in found:
            entry = Entry.model_validate_json(text)
            if entry.decision in SPOKEN and (entry.partner, entry.sha256) == (partner, sha256_hex):
                return int(seq)
        raise UsageError(f"{partner} said nothing of that kind of {alert_id} by this ledger")

    def head(self, at: str) -> Head:
        """The ledger's state at that time, to be signed: that of now."""
        size, last_hash = self._tail()
        return Head(size, frontier(size, self._node).root(), last_hash, at)

    def prove(self, seq: int, size: int) -> dict[str, Any]:
        """A receipt: that the copy at a place is in the ledger of the head of that size.

        Raises UsageError when the head is older than the entry, or when no copy left with it.
        """
        text, hash_of_entry = self._entry_row(seq)
        if not seq < size <= len(self):
            raise UsageError(f"entry {seq} is not in a head of size {size}; take a newer head")
        fields = read_object(text.encode())
        if fields["sha256"] is None:
            raise UsageError(f"entry {seq} sent nothing, so there is no copy to prove")
        path = inclusion_path(seq, size, self._node)
        return {
            "leaf": leaf_of(fields, hash_of_entry),
            "index": seq,
            "size": size,
            "path": [step.hex() for step in path],
        }

    def prove_growth(self, first: int, second: int) -> dict[str, Any]:
        """A proof that the head of size `second` begins with all that the head of size `first` had.

        Raises UsageError when they are not sizes of this ledger in this order.
        """
        if not 0 <= first <= second <= len(self):
            raise UsageError(f"{first} and {second} are not two sizes of this ledger, which has {len(self)} entries")
        path = consistency_path(first, second, self._node)
        return {"first": first, "second": second, "path": [step.hex() for step in path]}

    def stored(self) -> Iterator[tuple[Any, ...]]:
        """Every row as it is stored: place, entry, salt, hash, nodes. For `check`, which trusts none of it."""
        try:
            yield from self._database.execute(
                "SELECT seq, CAST(entry AS BLOB), salt, hash, nodes FROM entries ORDER BY seq"
            )
        except sqlite3.Error as error:
            raise InputError(f"ledger {self.path} cannot be read to its end ({error})") from None

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._database.execute(query, values).fetchall()

    def _tail(self) -> tuple[int, bytes]:
        """The size, and the hash of the last entry."""
        found = self._rows("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1")
        return (found[0][0] + 1, found[0][1]) if found else (0, BEGINNING)

    def _entry_row(self, seq: int) -> tuple[str, bytes]:
        found = self._rows("SELECT entry, hash FROM entries WHERE seq = ?", seq)
        if not found:
            raise UsageError(f"the ledger has no entry {seq}")
        return found[0][0], found[0][1]

    def _node(self, level: int, index: int) -> bytes:
        """A node of the tree, from the row that completed it."""
        seq = (index + 1 << level) - 1
        found = self._rows(
            "SELECT substr(nodes, ?, ?) FROM entries WHERE seq = ?", level * HASH_BYTES + 1, HASH_BYTES, seq
        )
        if not found:
            raise InputError(f"ledger {self.path} lacks entry {seq}; check it against its signed heads")
        return bytes(found[0][0])


def _rows_of(
    entries: Iterable[Entry], tree: Frontier, previous: bytes, random_bytes: Callable[[int], bytes]
) -> Iterator[tuple[int, str, bytes, bytes, bytes]]:
    """The rows of new entries; the tree grows with them."""
    for entry in entries:
        fields = entry.model_dump(mode="json")
        text, salt = canonical(fields), random_bytes(SALT_BYTES)
        previous = entry_hash(text, previous, salt)
        seq, leaf = tree.size, canonical(leaf_of(fields, previous))
        yield seq, text.decode(), salt, previous, b"".join(tree.add(leaf_hash(leaf)))


def entry_hash(text: bytes, previous: bytes, salt: bytes) -> bytes:
    """Hash of an entry: of the canonical JSON of entry, previous and salt, which is their text in a row."""
    rest = f',"previous":"{previous.hex()}","salt":"{salt.hex()}"}}'
    return sha256(b'{"entry":' + text + rest.encode()).digest()


def leaf_of(fields: dict[str, Any], hash_of_entry: bytes) -> dict[str, Any]:
    """The leaf of an entry: what its recipient knows of it, and its hash."""
    return {**{name: fields[name] for name in LEAF}, "entry": hash_of_entry.hex()}
