"""Feedback exchange: one look at the partners' topics of feedback, and one try to deliver answers.

It knows the log alone and runs in a thread of its own, with a client of its own: however long the log takes, or
however much a partner writes, alerts and distress calls do not wait for it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from maritime.errors import RefusedError, TransportError
from streams.codec import EVENT_HEADERS
from streams.topic_names import answers_of, feedback_of
from streams.transport import Outgoing, Partition, Record, Transport

MOST_RECORDS: Final = 50  # chosen: of a look; keeping them takes less than 0.1 s, which a distress call may wait
MOST_OF_PARTNER: Final = 20  # so that one who writes a lot leaves room for others
LOOKS_LEFT_OUT: Final = 60  # chosen: a minute, for a topic that the log refuses; trying costs up to 0.1 s
EVERYBODY: Final = ""
"""In place of a partner: the log itself fails."""


class Letter(NamedTuple):
    """An answer on its way; `key` is the alert's id."""

    number: int
    partner: str
    key: str
    event: bytes


@dataclass(slots=True)
class Exchanged:
    """What came of it."""

    records: list[tuple[str, Record]] = field(default_factory=list)  # with the partner
    reached: dict[str, int] = field(default_factory=dict)  # by topic, the offset that comes next
    sent: list[int] = field(default_factory=list)  # numbers of letters
    failing: dict[str, str] = field(default_factory=dict)  # by partner, why
    missing: int = 0  # times that records were gone before they were read


class FeedbackExchange:
    """Used by one thread. After a failure it connects anew."""

    def __init__(self, connect: Callable[[], Transport]) -> None:
        self._connect = connect
        self._transport: Transport | None = None
        self._turn = 0
        self._left_out: dict[str, tuple[int, str]] = {}  # by topic, for how many more looks, and why

    def look(self, places: Mapping[str, int | None], letters: Sequence[Letter]) -> Exchanged:
        """Send the letters; then read each partner's feedback from its place on, the oldest where it has none.

        Raises nothing: what fails is told.
        """
        done = Exchanged()
        try:
            if self._transport is None:
                self._transport = self._connect()
            known = self._transport.topics()
            for letter in letters:
                topic = answers_of(letter.partner)
                if topic in known and self._may_try(topic, letter.partner, done):  # else it is fetched over HTTP
                    self._send(self._transport, letter, done)
            for partner in self._in_turn([name for name in places if feedback_of(name) in known]):
                if self._may_try(feedback_of(partner), partner, done):
                    self._read(self._transport, partner, places[partner], done)
        except TransportError as error:
            done.failing[EVERYBODY] = str(error)
            self.close()
        return done

    def close(self) -> None:
        """Let go of the client."""
        transport, self._transport = self._transport, None
        if transport is not None:
            with suppress(TransportError):
                transport.close()

    def _may_try(self, topic: str, partner: str, done: Exchanged) -> bool:
        """Whether it is time for a topic, which is always so but after a refusal."""
        left, why = self._left_out.pop(topic, (0, ""))
        if left > 0:
            self._left_out[topic] = (left - 1, why)
            done.failing[partner] = why
        return left <= 0

    def _refused(self, topic: str, partner: str, error: TransportError, done: Exchanged) -> None:
        done.failing[partner] = str(error)
        self._left_out[topic] = (LOOKS_LEFT_OUT, str(error))

    def _in_turn(self, partners: Sequence[str]) -> list[str]:
        """Each time another one comes first."""
        self._turn += 1
        begin = self._turn % len(partners) if partners else 0
        return [*partners[begin:], *partners[:begin]]

    def _read(self, transport: Transport, partner: str, place: int | None, done: Exchanged) -> None:
        most = min(MOST_OF_PARTNER, MOST_RECORDS - len(done.records))
        partition = Partition(feedback_of(partner), 0)  # it has no other
        if most <= 0:
            return
        try:
            first, end = transport.bounds(partition)
            done.missing += place is not None and place < first
            begin = first if place is None or place > end else max(place, first)  # beyond: of a log that is no more
            found = list(islice(transport.read(partition, begin), most)) if begin < end else []
            done.records += [(partner, record) for record in found]
            # at its end all was read, also marks of transactions, which have offsets too
            done.reached[partition.topic] = found[-1].offset + 1 if len(found) == most else max(begin, end)
        except TransportError as error:
            self._refused(partition.topic, partner, error, done)
            if not isinstance(error, RefusedError):  # be it the log or this topic, the next look begins with others
                raise

    def _send(self, transport: Transport, letter: Letter, done: Exchanged) -> None:
        topic = answers_of(letter.partner)
        try:
            transport.send([Outgoing(topic, letter.event, letter.key.encode(), headers=EVENT_HEADERS)])
            transport.commit()
            done.sent.append(letter.number)
        except RefusedError as error:
            self._refused(topic, letter.partner, error, done)
