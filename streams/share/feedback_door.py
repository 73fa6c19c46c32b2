"""FeedbackDoor: takes what partners say, from their topics and from the server's folder, and has answers delivered.

It works between the deliveries of alerts, a little at a time. What is taken and the place in the log that it reaches
are one transaction of the ledger's file; what comes twice has the same id and counts once. A partner is who may write
to the topic (the log sees to that), or whose name the server wrote on the file.
"""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from maritime.errors import OutputError
from maritime.sharing.answer import ANSWER, Answer, render
from maritime.sharing.desk import Desk
from maritime.sharing.feedback_book import FeedbackBook, Taken
from maritime.sharing.feedback_reading import FeedbackReading, Way
from maritime.sharing.feedback_spool import FeedbackSpool
from maritime.sharing.keys import SigningKey
from maritime.sharing.ledger import Ledger, PolicyState
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.signatures import sign_bytes
from streams.observe.json_log import tell
from streams.share.feedback_exchange import EVERYBODY, Exchanged, FeedbackExchange, Letter
from streams.topic_names import feedback_of
from streams.transport import Record, Transport

EVERY_S: Final = 1.0  # chosen: people write feedback
LONGEST_PAUSE_S: Final = 60.0  # after failures
MOST_FROM_FOLDER: Final = 20  # at a time
MOST_LETTERS: Final = 20

_log = logging.getLogger("maritime.share")


@dataclass(slots=True)
class FeedbackCounts:
    """What this process did."""

    taken: Counter[tuple[str, str]] = field(default_factory=Counter)  # partner and kind
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)  # partner and reason
    answered: Counter[str] = field(default_factory=Counter)  # partner
    missing: int = 0


class FeedbackDoor:
    """One for each ledger. `now_ms` is the wall clock; `clock` gives seconds and only paces."""

    def __init__(
        self,
        ledger: Ledger,
        desk: Desk,
        book: FeedbackBook,
        signing: Callable[[], SigningKey],
        connect: Callable[[], Transport],
        executor: Executor,
        now_ms: Callable[[], int],
        clock: Callable[[], float],
        spool: Path | None = None,
        every_s: float = EVERY_S,
    ) -> None:
        """`signing` is the key of now; `executor` runs one thing at a time; `spool` is the folder in which the server
        lays what came over HTTP.
        """
        self._ledger, self._desk, self._book, self._signing = ledger, desk, book, signing
        self._exchange, self._executor = FeedbackExchange(connect), executor
        self._now_ms, self._clock, self._every_s = now_ms, clock, every_s
        self._spool = None if spool is None else FeedbackSpool(spool)
        self._looking: Future[Exchanged] | None = None
        self._look_at_s = self._spool_at_s = clock()
        self._failures = 0
        self._letters: dict[int, str] = {}  # on their way: number and partner
        self.failing: dict[str, str] = {}
        self.folder_fails: str | None = None
        self.counts = FeedbackCounts()

    def work(self, policy: ReleasePolicy, state: PolicyState) -> int:
        """Take what has come, sign what was written, look again when it is time; how much there was to do."""
        done = 0
        now_s = self._clock()
        if self._looking is not None and self._looking.done():
            exchanged, self._looking = self._looking.result(), None
            done += self._take(exchanged, policy, state)
        if self._spool is not None and now_s >= self._spool_at_s:
            done += self._take_from_folder(self._spool, policy, state)
            self._spool_at_s = now_s + self._every_s
        if self._looking is None and now_s >= self._look_at_s:
            done += self._sign(policy, state)
            self._look(policy)
            self._look_at_s = now_s + min(self._every_s * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_S)
        return done

    def purge(self) -> int:
        """Forget what is to be forgotten, after the desk did."""
        return self._book.purge(self._now_ms())

    def not_heard(self) -> dict[str, str]:
        """Whose feedback cannot be read or answered, and why; `log` and `folder` stand for everybody's."""
        found = {partner or "log": why for partner, why in self.failing.items()}
        return found | ({"folder": self.folder_fails} if self.folder_fails else {})

    def open_requests(self) -> dict[str, tuple[int, int]]:
        """Of each partner with open requests, how many there are and how many are overdue."""
        return FeedbackReading(self._ledger.database).open_counts(self._now_ms())

    def close(self) -> None:
        """Let go of the log."""
        self._executor.submit(self._exchange.close)
        self._executor.shutdown(wait=True, cancel_futures=False)

    def _look(self, policy: ReleasePolicy) -> None:
        places = {name: self._desk.passed(feedback_of(name), 0) for name in policy.partners}
        letters = []
        for each in self._book.undelivered(MOST_LETTERS):
            assert each.answer is not None
            assert each.jws is not None
            answer = Answer.model_validate_json(each.answer)
            letters.append(Letter(each.number, each.partner, answer.alert_id, render(answer, each.jws)))
        self._letters = {letter.number: letter.partner for letter in letters}
        self._looking = self._executor.submit(self._exchange.look, places, letters)

    def _take(self, exchanged: Exchanged, policy: ReleasePolicy, state: PolicyState) -> int:
        with self._ledger.transaction():
            taken = [
                self._took(partner, record.value or b"", "log", _place(record), policy, state)
                for partner, record in exchanged.records
            ]
            for topic, offset in exchanged.reached.items():
                self._desk.set_passed(topic, 0, offset)
            for number in exchanged.sent:
                self._book.delivered(number)
        self._count(taken)
        self.counts.answered.update(self._letters[number] for number in exchanged.sent)
        self.counts.missing += exchanged.missing
        for partner in exchanged.failing.keys() - self.failing.keys():
            tell(_log, "feedback not reached", logging.WARNING, partner=partner, why=exchanged.failing[partner])
        self.failing = exchanged.failing
        self._failures = self._failures + 1 if EVERYBODY in exchanged.failing else 0
        return len(taken) + len(exchanged.sent)

    def _took(
        self, partner: str, document: bytes, way: Way, place: str, policy: ReleasePolicy, state: PolicyState
    ) -> Taken:
        terms, now_ms = policy.partners.get(partner), self._now_ms()
        may_speak = terms is not None and terms.agreement.is_in_force(now_ms)
        return self._book.take(partner, document, way, place, state, now_ms, may_speak=may_speak)

    def _take_from_folder(self, spool: FeedbackSpool, policy: ReleasePolicy, state: PolicyState) -> int:
        """A folder that cannot be used is told, and holds up nothing else."""
        taken: list[Taken] = []
        try:
            waiting = spool.waiting()[:MOST_FROM_FOLDER]
            with self._ledger.transaction():
                for each in waiting:
                    taken.append(self._took(each.partner, spool.read(each), "http", each.path.name, policy, state))
            for each in waiting:  # they are on the disk in the ledger's file by now
                spool.remove(each)
            self.folder_fails = None
        except OutputError as error:
            if self.folder_fails is None:
                tell(_log, "feedback folder fails", logging.ERROR, why=str(error))
            self.folder_fails = str(error)
        self._count(taken)
        return sum(each.outcome != "repeated" for each in taken)

    def _sign(self, policy: ReleasePolicy, state: PolicyState) -> int:
        now_ms, key = self._now_ms(), self._signing()
        told = frozenset(name for name, terms in policy.partners.items() if terms.agreement.is_in_force(now_ms))

        def signed(words: bytes) -> tuple[str, str]:
            return sign_bytes(words, key, ANSWER, detached=True), key.kid

        return self._book.sign_answers(told, policy.originator.org_id, signed, state, now_ms, MOST_LETTERS)

    def _count(self, taken: list[Taken]) -> None:
        for each in taken:
            if each.outcome == "taken":
                self.counts.taken[each.partner, str(each.kind)] += 1
            elif each.outcome == "refused":
                self.counts.refused[each.partner, str(each.refusal)] += 1
                tell(_log, "feedback refused", logging.WARNING, partner=each.partner, reason=each.refusal)


def _place(record: Record) -> str:
    return f"{record.partition.topic}/{record.partition.number}/{record.offset}"
