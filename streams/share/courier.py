"""Courier: delivers the outbox to the topics of partners, each parcel once for readers of committed records.

Parcels leave the outbox when their transaction is committed. A record says in its header `sequence` which parcel of its
feed it is, and nothing of the outbox, which others' parcels go through: whose numbers count them tells how many.
Where the end of a transaction is not known, after a crash or a failure, the end of the topic is read first: what lies
there was delivered. A feed that fails does not hold up others: it is tried alone, and again after a pause. What takes
its time, as at a topic that hangs, goes on in its lane while the worker does other things.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from maritime.errors import FencedError, RefusedError, TransportError
from maritime.sharing.desk import Desk, Feed, Parcel
from maritime.sharing.envelope import Envelope
from maritime.sharing.formats import cloudevent
from maritime.sharing.ledger import Ledger
from maritime.sharing.release import Release
from streams.codec import EVENT_HEADERS
from streams.exercise import named
from streams.share.lane import Lane
from streams.topic_names import ALERTS
from streams.transport import Outgoing, Partition, Record, Transport

SEQUENCE: Final = "sequence"
"""Header of a record: which parcel of its feed it is."""
MOST_OF_A_FEED: Final = 100  # chosen: parcels of one feed in a transaction; what is read again after a crash
MOST_AT_ONCE: Final = 100  # chosen: of a transaction, some 0.1 s of work that a distress call may have to wait for
SHORTEST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
LONGEST_RESCUE_PAUSE_S: Final = 5.0  # chosen: to those who rescue it is tried all the time
MOST_NEW: Final = 3  # measured: the first record to a topic takes a client of Kafka 0.1 s, when it asks where that is
PATIENCE_S: Final = 0.25  # chosen: that a round may take before the worker goes on; most take a tenth of it
LOOK_BACK: Final = 16  # records beyond a transaction's own: marks of it and of others


def topic_of(feed: Feed) -> str:
    """The topic of a feed. That of an exercise is one by its whole name, whatever client writes it."""
    return named(f"{ALERTS}.{feed.partner}", feed.channel)


def outgoing(parcel: Parcel) -> Outgoing:
    """A parcel as a record: a CloudEvent, keyed by the recipient's id of the alert."""
    envelope = Envelope.model_validate_json(parcel.envelope)
    return Outgoing(
        topic_of(Feed(parcel.partner, parcel.channel)),
        cloudevent.render(Release(envelope, parcel.jws, parcel.envelope), parcel.sequence),
        envelope.alert_id.encode(),
        headers=(*EVENT_HEADERS, (SEQUENCE, b"%d" % parcel.sequence)),
    )


@dataclass(frozen=True, slots=True)
class Failing:
    """A feed that could not be delivered to."""

    why: str
    times: int
    again_at_s: float


Steps = Generator[Callable[[Transport], object], object, None]
"""What is to be done with the client, one after the other; each is sent back what it came to, or thrown its error."""


class Courier:
    """Delivers through the client of one lane. `clock` gives seconds and only paces.

    Of the feeds in `unsure`, which couriers share, some of what is in the outbox may have been delivered.
    """

    def __init__(
        self,
        ledger: Ledger,
        desk: Desk,
        lane: Lane,
        clock: Callable[[], float],
        on_delivered: Callable[[Sequence[Parcel]], None],
        unsure: set[Feed],
        *,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._ledger, self._desk, self._lane, self._clock = ledger, desk, lane, clock
        self._on_delivered, self._unsure, self._longest_pause_s = on_delivered, unsure, longest_pause_s
        self._reached: set[Feed] = set()  # by the connection there is
        self._apart: set[Feed] = set()  # of a transaction that failed
        self._steps: Steps | None = None  # of the round that is under way
        self._answer: object = None  # of its last step; written by the lane
        self._count = 0
        self.failing: dict[Feed, Failing] = {}

    @property
    def is_under_way(self) -> bool:
        """Whether a round has not ended yet."""
        return self._steps is not None

    def deliver(self, feeds: Iterable[Feed]) -> int:
        """Deliver what these feeds have in the outbox, or the beginning of it; how many parcels have arrived meanwhile.

        A round that takes its time goes on with the next call, which then begins no other. Raises FencedError; of other
        failures `failing` tells.
        """
        before, patience_s = self._count, 0.0
        try:
            if self._steps is None:
                self._steps, patience_s = self._round(list(feeds)), PATIENCE_S
                self._go_on(self._steps, None)
            while self._steps is not None:
                error: TransportError | None = None
                try:
                    if not self._lane.ended(patience_s):
                        break
                except TransportError as raised:
                    error = raised
                self._go_on(self._steps, error)
                patience_s = PATIENCE_S
        except BaseException:
            self._steps = self._answer = None
            raise
        return self._count - before

    def leave(self) -> None:
        """Let go of the client. What was under way may have been delivered."""
        steps, self._steps = self._steps, None
        if steps is not None:
            steps.close()
        self._lane.close()

    def _go_on(self, steps: Steps, error: TransportError | None) -> None:
        """Take the next step of a round."""
        try:
            answer, self._answer = self._answer, None
            do = steps.throw(error) if error is not None else steps.send(answer)
        except StopIteration:
            self._steps = None
            return

        def job(transport: Transport) -> None:
            self._answer = do(transport)

        self._lane.start(job)

    def _round(self, feeds: Sequence[Feed]) -> Steps:
        """Deliver to these feeds, those that fail alone."""
        now_s = self._clock()
        ready = [f for f in feeds if f not in self.failing or self.failing[f].again_at_s <= now_s]
        together = [feed for feed in ready if feed not in self.failing and feed not in self._apart]
        new = [feed for feed in together if feed not in self._reached][:MOST_NEW]
        together = [feed for feed in together if feed in self._reached or feed in new]
        settled = []
        for feed in together:
            if (yield from self._settled(feed)):
                settled.append(feed)
        if settled:
            error = yield from self._sent(settled)
            if error is not None:
                self._apart.update(settled)  # one of them fails; which one shows when each is tried alone
        for feed in [feed for feed in ready if feed in self.failing or feed in self._apart][:MOST_NEW]:
            if not (yield from self._settled(feed)):
                continue
            error = yield from self._sent([feed])
            self._apart.discard(feed)
            if error is None:
                self.failing.pop(feed, None)
                continue
            self._fails(feed, error)
            if not isinstance(error, RefusedError):
                break  # it took its time to fail; the others come next time

    def _sent(self, feeds: Sequence[Feed]) -> Generator[Callable[[Transport], object], object, TransportError | None]:
        """Deliver to some feeds in one transaction, or to none of them, and why not."""
        parcels: list[Parcel] = []
        for feed in feeds:
            parcels += self._desk.outbox_of(feed, min(MOST_OF_A_FEED, MOST_AT_ONCE - len(parcels)))
        if not parcels:
            return None

        def send(transport: Transport) -> None:
            transport.send([outgoing(parcel) for parcel in parcels])
            transport.commit()

        try:
            yield send
        except GeneratorExit:
            self._unsure.update(feeds)
            raise
        except TransportError as error:
            self._reached.clear()  # a client begins anew after a failure
            if not isinstance(error, RefusedError):  # a refusal is an answer: nothing was committed
                self._unsure.update(feeds)
            if isinstance(error, FencedError):
                raise
            return error
        self._reached.update(Feed(parcel.partner, parcel.channel) for parcel in parcels)
        self._mark(parcels)
        self._count += len(parcels)
        return None

    def _settled(self, feed: Feed) -> Generator[Callable[[Transport], object], object, bool]:
        """See what of a feed was delivered already; False when that cannot be found out now."""
        if feed not in self._unsure:
            return True
        pending = self._desk.outbox_of(feed, MOST_OF_A_FEED)
        try:
            found = yield lambda transport: _delivered(transport, topic_of(feed), pending)
        except FencedError:
            raise
        except TransportError as error:
            self._fails(feed, error)
            return False
        assert isinstance(found, set)
        self._mark([parcel for parcel in pending if parcel.sequence in found])
        self._unsure.discard(feed)
        return True

    def _mark(self, parcels: Sequence[Parcel]) -> None:
        with self._ledger.transaction():
            for parcel in parcels:
                self._desk.delivered(parcel.number)
        self._on_delivered(parcels)

    def _fails(self, feed: Feed, error: TransportError) -> None:
        times = self.failing[feed].times + 1 if feed in self.failing else 1
        pause_s = min(SHORTEST_PAUSE_S * 2.0 ** min(times - 1, 10), self._longest_pause_s)
        self.failing[feed] = Failing(str(error), times, self._clock() + pause_s)


def _delivered(transport: Transport, topic: str, pending: Sequence[Parcel]) -> set[int]:
    """Sequences of those parcels that lie at the end of a topic."""
    partitions = transport.topics().get(topic, 0)
    if partitions == 0:
        raise RefusedError(f"{topic}: no such topic, or this user may not see it; make it with the partner's rights")
    wanted = {parcel.sequence: Envelope.model_validate_json(parcel.envelope).alert_id.encode() for parcel in pending}
    found: set[int] = set()
    for number in range(partitions if pending else 0):
        first, end = transport.bounds(Partition(topic, number))
        span, oldest = len(pending) + LOOK_BACK, min(wanted)
        while True:
            begin = max(first, end - span)
            numbers = {
                n: record.key for record in transport.read(Partition(topic, number), begin) if (n := _sequence(record))
            }
            found |= {n for n, key in numbers.items() if wanted.get(n) == key}
            if begin == first or any(n < oldest for n in numbers):
                break
            span *= 4
    return found


def _sequence(record: Record) -> int:
    """The sequence of a record's parcel; 0 for what is no parcel of ours."""
    text = dict(record.headers).get(SEQUENCE, b"")
    return int(text) if text.isdigit() and len(text) < 19 else 0
