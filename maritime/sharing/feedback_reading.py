"""Reading of feedback: what partners said of their copies, and what they were answered. Never written here.

The tables are those of `feedback_book`, in the ledger's file.
"""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from maritime.errors import UsageError
from maritime.sharing.feedback import Kind, Said
from maritime.sharing.signatures import SKEW_MS
from maritime.times import from_rfc3339

Way = Literal["log", "http"]
Refusal = Literal[
    "not_valid",
    "unknown_alert",
    "unknown_revision",
    "id_used_otherwise",
    "said_in_future",
    "too_much",
    "agreement_not_in_force",
]
"""Why feedback is not taken. `unknown_alert` is also that of somebody else."""

MOST_OF_ALERT: Final = 100  # chosen: of one partner about one alert; nobody says more by hand

COLUMNS: Final = (
    "partner, sequence, feedback_id, internal_id, alert_id, revision, type, kind, role, at_ms, taken_ms, way, "
    "reason, answer_by_ms, message"
)
_HAD: Final = (
    "SELECT ids.internal_id, copies.revision, json_extract(CAST(copies.envelope AS TEXT), '$.event.type') "
    "FROM ids JOIN copies USING (internal_id, partner) "
    "WHERE ids.shared_id = ? AND ids.partner = ? AND copies.retain_until_ms > ?"
)
_OPEN: Final = (
    "FROM feedback AS asked WHERE answer_by_ms IS NOT NULL "
    "AND NOT EXISTS (SELECT 1 FROM answers USING_ASKED) "
    "AND NOT EXISTS (SELECT 1 FROM feedback AS later WHERE later.internal_id = asked.internal_id "
    "AND later.partner = asked.partner AND later.kind = 'resolved' "
    "AND (later.at_ms, later.sequence) > (asked.at_ms, asked.sequence))"
).replace("USING_ASKED", "WHERE answers.partner = asked.partner AND answers.feedback_id = asked.feedback_id")
PAST: Final = (
    "NOT EXISTS (SELECT 1 FROM copies WHERE copies.internal_id = feedback.internal_id "
    "AND copies.partner = feedback.partner)"
)


class Had(NamedTuple):
    """An alert of which a partner has a copy."""

    internal_id: str
    revision: int  # the newest that it was sent
    type: str


class Kept(NamedTuple):
    """Feedback as it is kept."""

    partner: str
    sequence: int  # counts the feedback of one partner
    feedback_id: str
    internal_id: str
    alert_id: str
    revision: int
    type: str
    kind: Kind
    role: str
    at_ms: int
    taken_ms: int
    way: Way
    reason: str | None  # of a dismissal
    answer_by_ms: int | None
    message: str  # as it came, canonical


class Written(NamedTuple):
    """An answer; without `answer` and `jws` until it is signed."""

    number: int
    partner: str
    feedback_id: str
    answer_id: str
    role: str
    text: str
    written_ms: int
    answer: str | None
    jws: str | None
    is_delivered: int


class Verdict(NamedTuple):
    """The last word of a partner about an alert that was told in earnest."""

    internal_id: str
    partner: str
    type: str
    verdict: Literal["confirmed", "dismissed"]
    at_ms: int


class FeedbackReading:
    """Reads the tables, also beside the process that writes them. Where there are none yet, there is no feedback."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._is_there = bool(self._rows("SELECT 1 FROM sqlite_schema WHERE name = 'past_verdicts'"))

    def had(self, partner: str, alert_id: str, now_ms: int) -> Had | None:
        """What a partner was sent under an id of its own; None for all else."""
        found = self._rows(_HAD, alert_id, partner, now_ms)
        return Had(*found[0]) if found else None

    def refusal(self, partner: str, said: Said, now_ms: int) -> Refusal | None:
        """Why a message cannot be taken; None when it can, or was."""
        message = said.message
        if self._there(partner, message.feedback_id) is not None:
            return None if self.is_known(partner, said) else "id_used_otherwise"
        had = self.had(partner, message.alert_id, now_ms)
        if had is None:
            return "unknown_alert"
        if message.revision > had.revision:
            return "unknown_revision"
        if from_rfc3339(message.at) > now_ms + SKEW_MS:
            return "said_in_future"
        ((count,),) = self._asked(
            "SELECT count(*) FROM feedback WHERE internal_id = ? AND partner = ?", had.internal_id, partner
        ) or [(0,)]
        return "too_much" if count >= MOST_OF_ALERT else None

    def is_known(self, partner: str, said: Said) -> bool:
        """Whether this very message was taken."""
        return self._there(partner, said.message.feedback_id) == said.canonical.decode()

    def one(self, partner: str, feedback_id: str) -> Kept | None:
        """What a partner said under an id; None when it did not."""
        found = self._asked(
            f"SELECT {COLUMNS} FROM feedback WHERE partner = ? AND feedback_id = ?", partner, feedback_id
        )
        return Kept(*found[0]) if found else None

    def of_partner(self, partner: str, after_sequence: int, most: int) -> list[Kept]:
        """What a partner said after a sequence, in the order in which it was taken."""
        rows = self._asked(
            f"SELECT {COLUMNS} FROM feedback WHERE partner = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            partner,
            after_sequence,
            most,
        )
        return [Kept(*row) for row in rows]

    def newest(self, most: int, partner: str | None = None) -> list[Kept]:
        """The newest of all feedback, or of one partner's, the newest first."""
        rows = self._asked(
            f"SELECT {COLUMNS} FROM feedback WHERE ? IS NULL OR partner = ? ORDER BY number DESC LIMIT ?",
            partner,
            partner,
            most,
        )
        return [Kept(*row) for row in rows]

    def open_requests(self, partner: str | None = None) -> list[Kept]:
        """Requests without an answer that the partner has not done with, the most urgent first."""
        rows = self._asked(
            f"SELECT {COLUMNS} {_OPEN} AND (? IS NULL OR partner = ?) ORDER BY answer_by_ms, number", partner, partner
        )
        return [Kept(*row) for row in rows]

    def open_counts(self, now_ms: int) -> dict[str, tuple[int, int]]:
        """Of each partner with open requests, how many there are and how many are overdue."""
        rows = self._asked(f"SELECT partner, count(*), sum(answer_by_ms <= ?) {_OPEN} GROUP BY partner", now_ms)
        return {partner: (count, overdue) for partner, count, overdue in rows}

    def request(self, feedback_id: str, partner: str | None = None) -> Kept:
        """The request of that id. Raises UsageError when there is none, or several partners made one."""
        rows = self._asked(
            f"SELECT {COLUMNS} FROM feedback WHERE feedback_id = ? AND answer_by_ms IS NOT NULL "
            "AND (? IS NULL OR partner = ?)",
            feedback_id,
            partner,
            partner,
        )
        if not rows:
            raise UsageError(f"there is no request {feedback_id}; see 'maritime feedback list --open'")
        if len(rows) > 1:
            raise UsageError(f"{len(rows)} partners made a request {feedback_id}; say which with --partner")
        return Kept(*rows[0])

    def answers(self, partner: str, feedback_id: str) -> list[Written]:
        """What was answered to a request, oldest first; the last of it may not be signed yet."""
        rows = self._asked(
            "SELECT * FROM answers WHERE partner = ? AND feedback_id = ? ORDER BY number", partner, feedback_id
        )
        return [Written(*row) for row in rows]

    def refused(self, partner: str, feedback_id: str) -> Refusal | None:
        """Why feedback of that id was not taken; None when it was not refused."""
        found = self._asked(
            "SELECT reason FROM feedback_refused WHERE partner = ? AND feedback_id = ? ORDER BY number DESC LIMIT 1",
            partner,
            feedback_id,
        )
        return found[0][0] if found else None

    def refusals(self, most: int, partner: str | None = None) -> list[dict[str, Any]]:
        """The newest refusals, without what was refused."""
        rows = self._asked(
            "SELECT partner, feedback_id, way, place, refused_ms, reason, said FROM feedback_refused "
            "WHERE ? IS NULL OR partner = ? ORDER BY number DESC LIMIT ?",
            partner,
            partner,
            most,
        )
        names = ("partner", "feedback_id", "way", "place", "refused_ms", "reason", "said")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def verdicts(self, *, only_past: bool = False) -> Iterator[Verdict]:
        """Of each partner and alert the last verdict, by when it was said; exercises are left out."""
        condition = f"AND {PAST}" if only_past else ""
        rows = self._asked(
            "SELECT internal_id, partner, type, kind, at_ms FROM (SELECT *, row_number() OVER "
            "(PARTITION BY internal_id, partner ORDER BY at_ms DESC, sequence DESC) AS place FROM feedback "
            "WHERE kind IN ('confirmed', 'dismissed') AND internal_id NOT LIKE '%:%') AS feedback "
            f"WHERE place = 1 {condition} ORDER BY at_ms, internal_id, partner"
        )
        return (Verdict(*row) for row in rows)

    def past_verdicts(self) -> dict[tuple[str, str], int]:
        """How many verdicts there were of what is purged, by type and verdict."""
        rows = self._asked("SELECT type, verdict, votes FROM past_verdicts")
        return {(kind, verdict): votes for kind, verdict, votes in rows}

    def _there(self, partner: str, feedback_id: str) -> str | None:
        found = self._asked("SELECT message FROM feedback WHERE partner = ? AND feedback_id = ?", partner, feedback_id)
        return found[0][0] if found else None

    def _asked(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._rows(query, *values) if self._is_there else []

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._database.execute(query, values).fetchall()


def standing(kept: list[Kept]) -> Kind | None:
    """How a partner stands to an alert after all that it said of it: a change of mind counts, a late receipt does not.

    None when it said nothing but questions.
    """
    stands: Kind | None = None
    for each in sorted(kept, key=lambda each: (each.at_ms, each.sequence)):
        if each.kind in ("confirmed", "dismissed", "resolved") or (each.kind == "received" and stands is None):
            stands = each.kind
    return stands


def said_again(kept: Kept) -> dict[str, Any]:
    """A message as it came."""
    record: dict[str, Any] = json.loads(kept.message)
    return record
