"""Desk: what the publisher remembers: ids, the last copy of each recipient, what waits, what is to be delivered, and
up to where the log was decided about.

It lies in the ledger's own file, so that a decision, its copy and its entry are written together or not at all. A copy
leaves the outbox only when it was delivered; who delivers begins with what is left there. Beside that every parcel is
kept until its recipient must have purged it, for those who fetch (`maritime.sharing.sent`).

What is known of an alert (its ids, how far it was decided about, its calls) leaves together: `REMEMBERED_MS` after the
last decision, and not before its copies are purged and nothing waits. The newest revision itself is kept while a person
may say something of it that counts: until it expires, and as long as anybody has a copy.
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple
from uuid import UUID

from maritime.errors import UsageError
from maritime.sharing.envelope import Kind, Status
from maritime.sharing.ledger import Ledger
from maritime.times import from_rfc3339
from maritime.units import DAY_MS

Channel = Literal["actual", "exercise"]

TABLES: Final = """
CREATE TABLE IF NOT EXISTS ids (
    internal_id TEXT NOT NULL, partner TEXT NOT NULL, shared_id TEXT NOT NULL, PRIMARY KEY (internal_id, partner)
) STRICT;
CREATE TABLE IF NOT EXISTS copies (
    internal_id TEXT NOT NULL, partner TEXT NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL, sent TEXT NOT NULL,
    retain_until_ms INTEGER NOT NULL, envelope BLOB NOT NULL, PRIMARY KEY (internal_id, partner)
) STRICT;
CREATE TABLE IF NOT EXISTS held (
    internal_id TEXT NOT NULL, internal_revision INTEGER NOT NULL, partner TEXT NOT NULL,
    release_at_ms INTEGER NOT NULL, sent_ms INTEGER NOT NULL, status TEXT NOT NULL, alert BLOB NOT NULL,
    PRIMARY KEY (internal_id, internal_revision, partner)
) STRICT;
CREATE INDEX IF NOT EXISTS held_by_time ON held (release_at_ms);
CREATE TABLE IF NOT EXISTS feeds (
    partner TEXT NOT NULL, channel TEXT NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (partner, channel)
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT, partner TEXT NOT NULL, channel TEXT NOT NULL, sequence INTEGER NOT NULL,
    envelope BLOB NOT NULL, jws TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS parcels (
    partner TEXT NOT NULL, channel TEXT NOT NULL, sequence INTEGER NOT NULL, added_ms INTEGER NOT NULL,
    retain_until_ms INTEGER NOT NULL, alert_id TEXT NOT NULL, revision INTEGER NOT NULL, first_sent TEXT NOT NULL,
    envelope BLOB NOT NULL, jws TEXT NOT NULL, PRIMARY KEY (partner, channel, sequence)
) STRICT;
CREATE INDEX IF NOT EXISTS parcels_of_alert ON parcels (partner, alert_id, revision);
CREATE INDEX IF NOT EXISTS parcels_by_retention ON parcels (retain_until_ms);
CREATE INDEX IF NOT EXISTS outbox_by_feed ON outbox (partner, channel, number);
CREATE TABLE IF NOT EXISTS bound (status TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS passed (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) STRICT;
CREATE TABLE IF NOT EXISTS taken (internal_id TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS taken_of_alert ON taken (substr(internal_id, instr(internal_id, '|') + 1));
CREATE TABLE IF NOT EXISTS remembered (internal_id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS remembered_by_time ON remembered (until_ms);
CREATE TABLE IF NOT EXISTS calls (
    status TEXT NOT NULL, mmsi INTEGER NOT NULL, heard_ms INTEGER NOT NULL, internal_id TEXT NOT NULL, alert_id TEXT,
    PRIMARY KEY (status, mmsi, heard_ms)
) STRICT;
CREATE INDEX IF NOT EXISTS calls_by_time ON calls (heard_ms);
CREATE TABLE IF NOT EXISTS wholes (
    internal_id TEXT PRIMARY KEY, internal_revision INTEGER NOT NULL, status TEXT NOT NULL, sent_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL, alert BLOB NOT NULL, until_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS wholes_by_time ON wholes (until_ms);
CREATE INDEX IF NOT EXISTS wholes_by_expiry ON wholes (expires_ms);
"""
REMEMBERED_MS: Final = 90 * DAY_MS
"""So long after the last decision about it an alert is known at least. Chosen: longer than episodes are told of."""
MOST_FORGOTTEN: Final = 1_000  # chosen: alerts at a time, some 30 ms of work that a call may have to wait for
NOBODY: Final = ""
"""In place of a partner: the id is the context's, which several recipients may be told."""


class Copy(NamedTuple):
    """The newest copy that a recipient has of an alert."""

    revision: int
    kind: Kind
    sent: str
    envelope: bytes  # canonical


class Waiting(NamedTuple):
    """A revision that waits for its hour; `alert` is the alert as JSON."""

    internal_id: str
    internal_revision: int
    partner: str
    release_at_ms: int
    sent_ms: int
    status: str
    alert: bytes


class Whole(NamedTuple):
    """The newest revision of an alert that was decided about, when, and until when it may be sent anew."""

    internal_id: str
    internal_revision: int
    status: str
    sent_ms: int
    expires_ms: int
    alert: bytes  # as JSON


class Parcel(NamedTuple):
    """A signed copy on its way; `sequence` counts the parcels of a partner's channel from 1, without a gap."""

    number: int
    partner: str
    channel: Channel
    sequence: int
    envelope: bytes  # canonical
    jws: str


class Feed(NamedTuple):
    """What one partner is sent on one channel."""

    partner: str
    channel: Channel


def id_apart(internal_id: str, status: Status) -> str:
    """The id under which the desk keeps an alert: a replay's bears that of the real one, and must never touch it."""
    return internal_id if status == "actual" else f"{status}:{internal_id}"


class Desk:
    """The tables beside a ledger. All that is written goes into the ledger's open transaction."""

    def __init__(self, ledger: Ledger, random_bytes: Callable[[int], bytes]) -> None:
        """`random_bytes` makes the shared ids and must not be guessable."""
        self._database, self._random_bytes = ledger.database, random_bytes
        with ledger.transaction():
            for statement in filter(str.strip, TABLES.split(";")):
                self._database.execute(statement)

    def shared_id(self, internal_id: str, partner: str = NOBODY) -> str:
        """The UUIDv4 by which a recipient knows an alert, or will when it is sent a copy. It tells nothing."""
        found = self._database.execute(
            "SELECT shared_id FROM ids WHERE internal_id = ? AND partner = ?", (internal_id, partner)
        ).fetchone()
        if found:
            return str(found[0])
        made = str(UUID(bytes=self._random_bytes(16), version=4))
        if partner == NOBODY:
            self._keep_id(internal_id, partner, made)
        return made

    def _keep_id(self, internal_id: str, partner: str, shared_id: str) -> None:
        self._database.execute("INSERT OR IGNORE INTO ids VALUES (?, ?, ?)", (internal_id, partner, shared_id))

    def copy(self, internal_id: str, partner: str) -> Copy | None:
        """The newest copy that a recipient has; None when it has none, or when it was purged."""
        found = self._database.execute(
            "SELECT revision, kind, sent, envelope FROM copies WHERE internal_id = ? AND partner = ?",
            (internal_id, partner),
        ).fetchone()
        return Copy(*found) if found else None

    def recipients(self, internal_id: str) -> list[str]:
        """Who has a copy of an alert, by name."""
        found = self._database.execute(
            "SELECT partner FROM copies WHERE internal_id = ? ORDER BY partner", (internal_id,)
        )
        return [partner for (partner,) in found]

    def send(
        self,
        internal_id: str,
        alert_id: str,
        partner: str,
        channel: Channel,
        copy: Copy,
        retain_until_ms: int,
        jws: str,
    ) -> Parcel:
        """Put a copy into the outbox, and keep it as the recipient's newest, and the id by which it knows it."""
        self._keep_id(internal_id, partner, alert_id)
        self._database.execute(
            "INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?, ?, ?, ?)",
            (internal_id, partner, copy.revision, copy.kind, copy.sent, retain_until_ms, copy.envelope),
        )
        ((sequence,),) = self._database.execute(
            "INSERT INTO feeds VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
            (partner, channel),
        ).fetchall()
        ((number,),) = self._database.execute(
            "INSERT INTO outbox (partner, channel, sequence, envelope, jws) VALUES (?, ?, ?, ?, ?) RETURNING number",
            (partner, channel, sequence, copy.envelope, jws),
        ).fetchall()
        parcel = Parcel(number, partner, channel, sequence, copy.envelope, jws)
        self._keep(parcel, alert_id, copy, retain_until_ms)
        return parcel

    def _keep(self, parcel: Parcel, alert_id: str, copy: Copy, retain_until_ms: int) -> None:
        """Keep a parcel for those who fetch. Its time in the channel is later than that of the one before."""
        feed = (parcel.partner, parcel.channel)
        last = self._database.execute(
            "SELECT added_ms FROM parcels WHERE partner = ? AND channel = ? ORDER BY sequence DESC LIMIT 1", feed
        ).fetchone()
        first = self._database.execute(
            "SELECT first_sent FROM parcels WHERE partner = ? AND alert_id = ? LIMIT 1", (parcel.partner, alert_id)
        ).fetchone()
        sent_ms = from_rfc3339(copy.sent)
        added_ms = max(sent_ms, last[0] + 1) if last else sent_ms
        first_sent = first[0] if first else copy.sent
        self._database.execute(
            "INSERT INTO parcels VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*feed, parcel.sequence, added_ms, retain_until_ms, alert_id, copy.revision, first_sent, *parcel[4:]),
        )

    def outbox(self, most: int = 1000) -> list[Parcel]:
        """What is to be delivered, oldest first."""
        return [Parcel(*row) for row in self._database.execute("SELECT * FROM outbox ORDER BY number LIMIT ?", (most,))]

    def waiting_feeds(self) -> dict[Feed, int]:
        """The feeds with something to be delivered, and how much; the one whose first is oldest comes first."""
        rows = self._database.execute(
            "SELECT partner, channel, count(*) FROM outbox GROUP BY partner, channel ORDER BY min(number)"
        )
        return {Feed(partner, channel): count for partner, channel, count in rows}

    def outbox_of(self, feed: Feed, most: int) -> list[Parcel]:
        """What is to be delivered to one feed, oldest first."""
        rows = self._database.execute(
            "SELECT * FROM outbox WHERE partner = ? AND channel = ? ORDER BY number LIMIT ?", (*feed, most)
        )
        return [Parcel(*row) for row in rows]

    def delivered(self, number: int) -> None:
        """A parcel has arrived."""
        self._database.execute("DELETE FROM outbox WHERE number = ?", (number,))

    def bind(self, status: Channel) -> None:
        """Keep this ledger for logs of one status: what is an exercise must find nothing actual to be delivered.

        Raises UsageError for the ledger of another.
        """
        found = self._database.execute("SELECT status FROM bound").fetchone()
        if found is None:
            self._database.execute("INSERT INTO bound VALUES (?)", (status,))
        elif found[0] != status:
            raise UsageError(
                f"this ledger is of a log that is {found[0]}, and log.status is {status}; give each a ledger of its own"
            )

    def passed(self, topic: str, partition: int) -> int | None:
        """Up to where a partition of the log was decided about: the offset that comes next. None: it never was."""
        found = self._database.execute(
            "SELECT next FROM passed WHERE topic = ? AND partition = ?", (topic, partition)
        ).fetchone()
        return None if found is None else int(found[0])

    def set_passed(self, topic: str, partition: int, offset: int) -> None:
        """All before this offset was decided about."""
        self._database.execute("INSERT OR REPLACE INTO passed VALUES (?, ?, ?)", (topic, partition, offset))

    def newest_taken(self, internal_id: str) -> int:
        """The highest revision of an alert that was decided about; -1 when there is none."""
        found = self._database.execute("SELECT revision FROM taken WHERE internal_id = ?", (internal_id,)).fetchone()
        return -1 if found is None else int(found[0])

    def set_taken(self, internal_id: str, revision: int) -> None:
        """Decided about up to this revision."""
        self._database.execute("INSERT OR REPLACE INTO taken VALUES (?, ?)", (internal_id, revision))

    def called(self, status: Channel, mmsi: int, heard_ms: int, internal_id: str, *, is_first: bool) -> str:
        """Remember the call of a beacon; the id of its episode, which is that of the first call where there was one."""
        if not is_first:
            found = self._database.execute(
                "SELECT internal_id FROM calls WHERE status = ? AND mmsi = ? AND heard_ms <= ? "
                "ORDER BY heard_ms DESC LIMIT 1",
                (status, mmsi, heard_ms),
            ).fetchone()
            if found:
                return str(found[0])
        self._database.execute(
            "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, NULL)", (status, mmsi, heard_ms, internal_id)
        )
        return internal_id

    def call_of(self, status: Channel, mmsi: int, alert_id: str, started_ms: int, within_ms: int) -> str | None:
        """The id under which the episode of a beacon's alert was called ahead of it; None when it was not.

        A call may name a later report than the alert does, as reports come in any order.
        """
        found = self._database.execute(
            "SELECT heard_ms, internal_id FROM calls WHERE status = ? AND mmsi = ? AND "
            "(alert_id = ? OR (alert_id IS NULL AND abs(heard_ms - ?) <= ?)) "
            "ORDER BY alert_id IS NULL, abs(heard_ms - ?) LIMIT 1",
            (status, mmsi, alert_id, started_ms, within_ms, started_ms),
        ).fetchone()
        if found is None:
            return None
        self._database.execute(
            "UPDATE calls SET alert_id = ? WHERE status = ? AND mmsi = ? AND heard_ms = ?",
            (alert_id, status, mmsi, found[0]),
        )
        return str(found[1])

    def hold(self, waiting: Waiting) -> None:
        """Let a revision wait."""
        self._database.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?)", waiting)

    def due(self, now_ms: int) -> Iterator[Waiting]:
        """What has waited long enough, in the order of its hour; all that is due is taken from what waits.

        Of several revisions of one alert only the newest is given: the others are old news by now. Within an hour the
        order is that of the internal ids, which are digests and tell nothing of the order in which things happened.
        """
        rows = [
            Waiting(*row)
            for row in self._database.execute(
                "SELECT * FROM held WHERE release_at_ms <= ? "
                "ORDER BY release_at_ms, internal_id, partner, internal_revision",
                (now_ms,),
            ).fetchall()
        ]
        newest = {(row.internal_id, row.partner): row for row in sorted(rows, key=lambda row: row.internal_revision)}
        for waiting in rows:
            self.drop(waiting)
            if newest[waiting.internal_id, waiting.partner] is waiting:
                yield waiting

    def waiting(self, internal_id: str) -> list[Waiting]:
        """What waits of one alert."""
        rows = self._database.execute("SELECT * FROM held WHERE internal_id = ?", (internal_id,)).fetchall()
        return [Waiting(*row) for row in rows]

    def supersede(self, internal_id: str, internal_revision: int, partner: str) -> None:
        """Let no earlier revision wait: a recipient must not hear old news after new ones."""
        self._database.execute(
            "DELETE FROM held WHERE internal_id = ? AND internal_revision < ? AND partner = ?",
            (internal_id, internal_revision, partner),
        )

    def drop(self, waiting: Waiting) -> None:
        """Let it wait no more."""
        self._database.execute(
            "DELETE FROM held WHERE internal_id = ? AND internal_revision = ? AND partner = ?", waiting[:3]
        )

    def keep_whole(self, whole: Whole) -> None:
        """Keep the newest revision of an alert, in place of the one before."""
        self._database.execute("INSERT OR REPLACE INTO wholes VALUES (?, ?, ?, ?, ?, ?, ?)", (*whole, whole.expires_ms))

    def whole(self, internal_id: str) -> Whole | None:
        """The newest revision of an alert; None when there is none to be reviewed."""
        found = self._database.execute(
            f"SELECT {', '.join(Whole._fields)} FROM wholes WHERE internal_id = ?", (internal_id,)
        ).fetchone()
        return Whole(*found) if found else None

    def drop_whole(self, internal_id: str) -> None:
        """Keep it no more: it was none after all, or is forgotten."""
        self._database.execute("DELETE FROM wholes WHERE internal_id = ?", (internal_id,))

    def _purge_wholes(self, now_ms: int) -> None:
        """Let go of expired revisions of which nobody has a copy; some at a time, the oldest first."""
        rows = self._database.execute(
            "SELECT internal_id, (SELECT max(retain_until_ms) FROM copies "
            "WHERE copies.internal_id = wholes.internal_id) FROM wholes WHERE until_ms <= ? ORDER BY until_ms LIMIT ?",
            (now_ms, MOST_FORGOTTEN),
        ).fetchall()
        for internal_id, kept_until_ms in rows:
            if kept_until_ms is None or kept_until_ms <= now_ms:
                self.drop_whole(internal_id)
            else:
                self._database.execute(
                    "UPDATE wholes SET until_ms = ? WHERE internal_id = ?", (kept_until_ms, internal_id)
                )

    def purge(self, now_ms: int) -> list[tuple[str, str, Copy]]:
        """Forget the copies and parcels whose time is over: internal id, partner and what the newest copy was."""
        self._purge_wholes(now_ms)
        self._database.execute("DELETE FROM parcels WHERE retain_until_ms <= ?", (now_ms,))
        rows = self._database.execute(
            "DELETE FROM copies WHERE retain_until_ms <= ? "
            "RETURNING internal_id, partner, revision, kind, sent, envelope",
            (now_ms,),
        ).fetchall()
        return [(row[0], row[1], Copy(*row[2:])) for row in rows]

    def remember(self, internal_id: str, now_ms: int) -> None:
        """It is decided about now."""
        self._database.execute(
            "INSERT INTO remembered VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET until_ms = max(until_ms, excluded.until_ms)",
            (internal_id, now_ms + REMEMBERED_MS),
        )

    def forget(self, now_ms: int) -> int:
        """Forget alerts whose time is over, of which nobody has a copy and nothing waits; how many, the oldest first.

        One whose copies are kept for longer is looked at again after as long as it was remembered.
        """
        rows = self._database.execute(
            "SELECT internal_id, EXISTS (SELECT 1 FROM copies WHERE copies.internal_id = remembered.internal_id) "
            "OR EXISTS (SELECT 1 FROM held WHERE held.internal_id = remembered.internal_id) "
            "FROM remembered WHERE until_ms <= ? ORDER BY until_ms LIMIT ?",
            (now_ms, MOST_FORGOTTEN),
        ).fetchall()
        gone = [(internal_id,) for internal_id, is_wanted in rows if not is_wanted]
        for internal_id in (internal_id for internal_id, is_wanted in rows if is_wanted):
            self.remember(internal_id, now_ms)
        self._database.executemany("DELETE FROM taken WHERE substr(internal_id, instr(internal_id, '|') + 1) = ?", gone)
        self._database.executemany("DELETE FROM ids WHERE internal_id = ?", gone)
        self._database.executemany("DELETE FROM wholes WHERE internal_id = ?", gone)
        self._database.executemany("DELETE FROM remembered WHERE internal_id = ?", gone)
        self._database.execute(
            "DELETE FROM calls WHERE heard_ms <= ? AND NOT EXISTS (SELECT 1 FROM remembered WHERE "
            "remembered.internal_id = iif(status = 'actual', '', status || ':') || calls.internal_id)",
            (now_ms - REMEMBERED_MS,),
        )
        return len(gone)
