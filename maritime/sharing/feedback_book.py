"""Feedback book: keeps what partners said of their copies, what was refused, and what they were answered.

It lies in the ledger's own file, so that what is kept and its entry are written together. A partner can speak of what
it was sent and of nothing else: another's alert is refused with the same word as one that never was. Nothing of it
changes what the originator's people have said of an alert. What is kept goes when the partner's copy is purged; then
only the count of its verdict stays.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final, Literal, NamedTuple
from uuid import UUID

from maritime.errors import InputError, UsageError
from maritime.sharing.answer import LONGEST_ANSWER, Answer
from maritime.sharing.envelope import offset_time
from maritime.sharing.feedback import (
    LONGEST_ROLE,
    MOST_BYTES,
    Dismissed,
    Kind,
    Request,
    Said,
    is_safe,
    read_event,
    read_message,
)
from maritime.sharing.feedback_reading import COLUMNS, PAST, FeedbackReading, Had, Kept, Refusal, Way, Written
from maritime.sharing.ledger import Entry, Ledger, PolicyState
from maritime.times import from_rfc3339
from maritime.units import DAY_MS

MOST_REFUSED: Final = 1000  # kept of each partner, the newest
REFUSED_KEPT_MS: Final = 30 * DAY_MS  # chosen: time to find out what a partner's program does wrong
LONGEST_SENTENCE: Final = 200

TABLES: Final = """
CREATE TABLE IF NOT EXISTS feedback (
    number INTEGER PRIMARY KEY AUTOINCREMENT, partner TEXT NOT NULL, sequence INTEGER NOT NULL,
    feedback_id TEXT NOT NULL, internal_id TEXT NOT NULL, alert_id TEXT NOT NULL, revision INTEGER NOT NULL,
    type TEXT NOT NULL, kind TEXT NOT NULL, role TEXT NOT NULL, at_ms INTEGER NOT NULL, taken_ms INTEGER NOT NULL,
    way TEXT NOT NULL, reason TEXT, answer_by_ms INTEGER, message TEXT NOT NULL, UNIQUE (partner, feedback_id)
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS feedback_by_sequence ON feedback (partner, sequence);
CREATE INDEX IF NOT EXISTS feedback_of_alert ON feedback (internal_id, partner);
CREATE INDEX IF NOT EXISTS feedback_requests ON feedback (answer_by_ms) WHERE answer_by_ms IS NOT NULL;
CREATE TABLE IF NOT EXISTS feedback_last (partner TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS answers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, partner TEXT NOT NULL, feedback_id TEXT NOT NULL,
    answer_id TEXT NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL, written_ms INTEGER NOT NULL,
    answer TEXT, jws TEXT, is_delivered INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS answers_of ON answers (partner, feedback_id);
CREATE INDEX IF NOT EXISTS answers_waiting ON answers (number) WHERE NOT is_delivered;
CREATE TABLE IF NOT EXISTS feedback_refused (
    number INTEGER PRIMARY KEY AUTOINCREMENT, partner TEXT NOT NULL, feedback_id TEXT, way TEXT NOT NULL,
    place TEXT NOT NULL, refused_ms INTEGER NOT NULL, reason TEXT NOT NULL, said TEXT NOT NULL, document BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS refused_of ON feedback_refused (partner, number);
CREATE TABLE IF NOT EXISTS past_verdicts (
    type TEXT NOT NULL, verdict TEXT NOT NULL, votes INTEGER NOT NULL, PRIMARY KEY (type, verdict)
) STRICT;
CREATE INDEX IF NOT EXISTS ids_by_shared ON ids (shared_id);
"""


class Taken(NamedTuple):
    """What became of a message."""

    outcome: Literal["taken", "repeated", "refused"]
    partner: str
    kind: Kind | None
    refusal: Refusal | None = None


class FeedbackBook:
    """The tables beside a ledger. All that is written goes into the ledger's open transaction."""

    def __init__(self, ledger: Ledger, random_bytes: Callable[[int], bytes]) -> None:
        """The desk's tables must be there. `random_bytes` makes the answers' ids and the salts of entries."""
        self._ledger, self._database, self._random_bytes = ledger, ledger.database, random_bytes
        with ledger.transaction():
            for statement in filter(str.strip, TABLES.split(";")):
                self._database.execute(statement)

    def take(
        self,
        partner: str,
        document: bytes,
        way: Way,
        place: str,
        policy: PolicyState,
        now_ms: int,
        *,
        may_speak: bool = True,
    ) -> Taken:
        """Keep what a partner said, with its entry in the ledger, or that it was refused. Said again, it counts once.

        `place` says where it lay; whether the agreement is in force is `may_speak`.
        """
        with self._ledger.transaction():
            if not may_speak:
                return self._refuse(partner, None, document, way, place, "agreement_not_in_force", "", now_ms)
            try:
                said = (read_event if way == "log" else read_message)(document)
            except InputError as error:
                return self._refuse(partner, None, document, way, place, "not_valid", str(error), now_ms)
            reader = FeedbackReading(self._database)
            refusal = reader.refusal(partner, said, now_ms)
            if refusal is not None:
                return self._refuse(partner, said, document, way, place, refusal, "", now_ms)
            if reader.is_known(partner, said):
                return Taken("repeated", partner, said.message.kind)
            had = reader.had(partner, said.message.alert_id, now_ms)
            assert had is not None  # or it was refused
            kept = self._keep(partner, said, had, way, now_ms)
            entry = _entry(kept, "feedback", kept.kind, said.canonical, policy, now_ms)
            self._ledger.append([entry], self._random_bytes)
        return Taken("taken", partner, said.message.kind)

    def answer(self, feedback_id: str, text: str, role: str, now_ms: int, partner: str | None = None) -> str:
        """Write an answer to a request, to be signed and sent by who shares; gives its id.

        Raises UsageError when there is no such request, when its partner has the alert no more, or when the words are
        too long or not plain text.
        """
        for what, value, longest in (("text", text, LONGEST_ANSWER), ("role", role, LONGEST_ROLE)):
            if not 0 < len(value) <= longest or not is_safe(value):
                raise UsageError(f"the {what} has {len(value)} characters; write 1 to {longest} of plain text")
        with self._ledger.transaction():
            asked = FeedbackReading(self._database).request(feedback_id, partner)
            if not self._has_copy(asked):
                raise UsageError(f"{asked.partner} has no copy of the alert of {feedback_id} any more")
            answer_id = str(UUID(bytes=self._random_bytes(16), version=4))
            self._database.execute(
                "INSERT INTO answers (partner, feedback_id, answer_id, role, text, written_ms) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (asked.partner, feedback_id, answer_id, role, text, now_ms),
            )
        return answer_id

    def sign_answers(
        self,
        partners: frozenset[str],
        org_id: str,
        sign: Callable[[bytes], tuple[str, str]],
        policy: PolicyState,
        now_ms: int,
        most: int,
    ) -> int:
        """Sign what was written to these partners, with an entry for each in the ledger; how many.

        `sign` gives the signature over canonical bytes, and the key's name.
        """
        with self._ledger.transaction():
            unsigned = [Written(*row) for row in self._database.execute("SELECT * FROM answers WHERE jws IS NULL")]
            unsigned = [each for each in unsigned if each.partner in partners][:most]
            for each in unsigned:
                asked = FeedbackReading(self._database).request(each.feedback_id, each.partner)
                answer = Answer.model_validate(
                    {
                        "answer_id": each.answer_id,
                        "feedback_id": each.feedback_id,
                        "alert_id": asked.alert_id,
                        "originator": {"org_id": org_id},
                        "sent": offset_time(now_ms),
                        "role": each.role,
                        "text": each.text,
                    }
                )
                canonical = answer.canonical()
                jws, kid = sign(canonical)
                self._database.execute(
                    "UPDATE answers SET answer = ?, jws = ? WHERE number = ?", (canonical.decode(), jws, each.number)
                )
                entry = _entry(asked, "answer", "answered", canonical, policy, now_ms)
                self._ledger.append([entry.model_copy(update={"kid": kid})], self._random_bytes)
        return len(unsigned)

    def undelivered(self, most: int) -> list[Written]:
        """Signed answers that are to go into the partners' topics, oldest first; of each partner at most one."""
        rows = self._database.execute(
            "SELECT * FROM answers WHERE number IN (SELECT min(number) FROM answers WHERE NOT is_delivered "
            "AND jws IS NOT NULL GROUP BY partner) ORDER BY number LIMIT ?",
            (most,),
        )
        return [Written(*row) for row in rows]

    def delivered(self, number: int) -> None:
        """An answer has arrived."""
        self._database.execute("UPDATE answers SET is_delivered = 1 WHERE number = ?", (number,))

    def purge(self, now_ms: int) -> int:
        """Forget feedback whose copy is gone, and its answers; of verdicts the count stays. How many went.

        To be called after the desk's own purge.
        """
        with self._ledger.transaction():
            for verdict in FeedbackReading(self._database).verdicts(only_past=True):
                self._database.execute(
                    "INSERT INTO past_verdicts VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET votes = votes + 1",
                    (verdict.type, verdict.verdict),
                )
            gone = self._database.execute(
                f"DELETE FROM feedback WHERE {PAST} RETURNING partner, feedback_id"
            ).fetchall()
            self._database.executemany("DELETE FROM answers WHERE partner = ? AND feedback_id = ?", gone)
            self._database.execute("DELETE FROM feedback_refused WHERE refused_ms <= ?", (now_ms - REFUSED_KEPT_MS,))
        return len(gone)

    def _keep(self, partner: str, said: Said, had: Had, way: Way, now_ms: int) -> Kept:
        message = said.message
        ((sequence,),) = self._database.execute(
            "INSERT INTO feedback_last VALUES (?, 1) ON CONFLICT DO UPDATE SET sequence = sequence + 1 "
            "RETURNING sequence",
            (partner,),
        ).fetchall()
        kept = Kept(
            partner,
            sequence,
            message.feedback_id,
            had.internal_id,
            message.alert_id,
            message.revision,
            had.type,
            message.kind,
            message.role,
            from_rfc3339(message.at),
            now_ms,
            way,
            message.reason if isinstance(message, Dismissed) else None,
            from_rfc3339(message.answer_by) if isinstance(message, Request) else None,
            said.canonical.decode(),
        )
        marks = ", ".join("?" * len(kept))
        self._database.execute(f"INSERT INTO feedback ({COLUMNS}) VALUES ({marks})", kept)
        return kept

    def _refuse(
        self,
        partner: str,
        said: Said | None,
        document: bytes,
        way: Way,
        place: str,
        refusal: Refusal,
        sentence: str,
        now_ms: int,
    ) -> Taken:
        feedback_id = said.message.feedback_id if said else None
        self._database.execute(
            "INSERT INTO feedback_refused (partner, feedback_id, way, place, refused_ms, reason, said, document) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (partner, feedback_id, way, place, now_ms, refusal, sentence[:LONGEST_SENTENCE], document[:MOST_BYTES]),
        )
        self._database.execute(
            "DELETE FROM feedback_refused WHERE partner = ? AND number <= (SELECT number FROM feedback_refused "
            "WHERE partner = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (partner, partner, MOST_REFUSED),
        )
        return Taken("refused", partner, said.message.kind if said else None, refusal)

    def _has_copy(self, asked: Kept) -> bool:
        found = self._database.execute(
            "SELECT 1 FROM copies WHERE internal_id = ? AND partner = ?", (asked.internal_id, asked.partner)
        )
        return found.fetchone() is not None


def _entry(
    kept: Kept, decision: Literal["feedback", "answer"], reason: str, words: bytes, policy: PolicyState, now_ms: int
) -> Entry:
    return Entry(
        at=offset_time(now_ms),
        internal_id=kept.internal_id,
        internal_revision=0,
        partner=kept.partner,
        decision=decision,
        reason=reason,
        policy=policy,
        alert_id=kept.alert_id,
        revision=kept.revision,
        sha256=sha256(words).hexdigest(),
    )
