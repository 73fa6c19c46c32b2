"""ShareWorker: takes alerts and distress calls from the log, decides by the policy, delivers to the topics of partners.

Decisions and the place in the log that they reach are one transaction of the ledger's file; what is to be delivered
lies in its outbox. So a crash anywhere loses nothing and decides nothing twice. Calls and alerts of distress come
first, for those who rescue alone, then all alerts for all others; topics of partners who rescue are delivered to
first, through a client of their own.

Whether it is an exercise: all of a log that is one, all that does not say it is actual, and in an actual log what lies
more than a day from now in event time. An alert that began to be told as actual goes on so, with higher revisions;
those that were decided about already are passed over, so a replay of it tells nothing. One that was raised so long ago
that it may have been told of and forgotten is never actual again.
"""

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from threading import Event
from typing import Final, Literal, NamedTuple

from pydantic import ValidationError

from maritime.alerts.alert import Alert, Detector
from maritime.alerts.schema import PublishedAlert
from maritime.errors import FencedError, OutputError, TransportError, UsageError
from maritime.sharing.desk import REMEMBERED_MS, Channel, Desk, Feed, Parcel, id_apart
from maritime.sharing.heads import DailyHeads
from maritime.sharing.ledger import Ledger
from maritime.units import DAY_MS, MINUTE_MS
from streams.codec import ToldAlert, ToldCall, unpack_event
from streams.exercise import LogStatus
from streams.observe.json_log import tell
from streams.poison import PoisonError
from streams.share.beacons import BEACON, alert_of
from streams.share.courier import LONGEST_RESCUE_PAUSE_S, Courier
from streams.share.feedback_door import FeedbackDoor
from streams.share.inlet import Inlet
from streams.share.lane import HereLane, OwnLane
from streams.share.policy_watch import PolicyWatch
from streams.topic_names import ALERTS, RESCUE
from streams.transport import Record, Transport

NEAR_MS: Final = DAY_MS  # chosen: what is older is no news, whoever says so
SAME_BEACON_MS: Final = 30 * MINUTE_MS  # as maritime.detect.beacon ends an episode by default
DECIDE_S: Final = 0.15  # chosen: of deciding at a time, so that a call waits no longer
FIRST_RECORDS: Final = 2
MOST_RECORDS: Final = 200
MOST_REVIEWS: Final = 5  # chosen: at a time, so that a call does not wait for them
LONGEST_PAUSE_S: Final = 5.0
SHORTEST_PAUSE_S: Final = 0.1
MOST_FAILURES: Final = 20  # as of detectors
COUNTED: Final = (
    *("cycles", "alerts", "calls", "old", "poison", "repeated"),
    *("purged", "reviews", "reviews_failed", "heads", "heads_failed", "failures", "fenced"),
)
CONTENT_ERRORS: Final = (UsageError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What an alert may lead to that says something else than its schema allows."""

Told = tuple[Alert, Channel, Literal["call", "ahead", "alert"]]
"""An alert, its status, and how it came: as a call, ahead of others for those who rescue, or for all."""

_log = logging.getLogger("maritime.share")


@dataclass(frozen=True, slots=True)
class SharePace:
    """How often things happen."""

    wait_s: float = 0.2  # for calls, then the other things are looked at
    join_s: float = 1.0  # for partitions; a poll that ends earlier begins to join anew, for ever
    due_every_s: float = 1.0  # what has waited for its hour, and what people have said
    purge_every_s: float = 60.0
    head_every_s: float = 60.0  # looked whether it is another day


class Clients(NamedTuple):
    """How the worker connects: clients that read alerts, that take calls to rescuers, that deliver to all others."""

    ordinary: Callable[[], Transport]
    rescue: Callable[[], Transport]
    delivery: Callable[[], Transport]


class ShareWorker:
    """One for each ledger. `now_ms` is the wall clock; `clock` gives seconds and only paces.

    Raises UsageError for the ledger of a log of the other status. `cycle` raises ConfigurationError for a bad policy
    and OutputError when the ledger cannot be written, never for a log that fails; `run` does after MOST_FAILURES.
    """

    def __init__(
        self,
        clients: Clients,
        ledger: Ledger,
        desk: Desk,
        policies: PolicyWatch,
        status: LogStatus,
        maker: Detector,
        now_ms: Callable[[], int],
        clock: Callable[[], float],
        pace: SharePace | None = None,
        *,
        from_beginning: bool = False,
        heads: DailyHeads | None = None,
        feedback: FeedbackDoor | None = None,
    ) -> None:
        """`maker` is who calls beacons, as alerts say it; with `heads` each day's head of the ledger is signed.

        Without `feedback` nobody hears what partners say.
        """
        with _ledger_errors(ledger), ledger.transaction():
            desk.bind(status)
        self._ledger, self._desk, self._policies = ledger, desk, policies
        self._status, self._maker, self._now_ms, self._clock = status, maker, now_ms, clock
        self._pace, self._feedback = pace or SharePace(), feedback
        self._alerts = Inlet(clients.ordinary, ALERTS, desk, from_beginning=from_beginning)
        self._calls = Inlet(clients.rescue, RESCUE, desk, from_beginning=from_beginning)
        self._unsure = set(desk.waiting_feeds())
        self._ordinary = Courier(ledger, desk, OwnLane(clients.delivery), clock, self._delivered, self._unsure)
        self._rescue = Courier(
            ledger,
            desk,
            HereLane(self._calls.transport),
            clock,
            self._delivered,
            self._unsure,
            longest_pause_s=LONGEST_RESCUE_PAUSE_S,
        )
        self._heads = heads
        self._due_at_s = self._purge_at_s = self._head_at_s = clock()
        self._most = FIRST_RECORDS  # of a poll; as many as can be decided about in DECIDE_S
        self._counts = Counter(dict.fromkeys(COUNTED, 0))
        self._arrived: Counter[Feed] = Counter()
        self.failures_in_a_row = 0
        self.last_error: TransportError | None = None

    def run(
        self,
        stop: Event,
        after_cycle: Callable[[], None] = lambda: None,
        *,
        stop_when_idle_s: float | None = None,
    ) -> None:
        """Cycle until `stop` is set, or nothing came for so long and nothing is left to deliver; then leave cleanly."""
        busy_s = self._clock()
        try:
            while not stop.is_set() and (stop_when_idle_s is None or self._clock() - busy_s < stop_when_idle_s):
                if self.cycle() or self.failures_in_a_row or not self.is_joined or self.is_delivering:
                    busy_s = self._clock()
                after_cycle()
                if self.failures_in_a_row:
                    if self.failures_in_a_row >= MOST_FAILURES and self.last_error is not None:
                        raise self.last_error
                    stop.wait(min(SHORTEST_PAUSE_S * 2.0 ** (self.failures_in_a_row - 1), LONGEST_PAUSE_S))
        finally:
            self.stop()
            if self._feedback is not None:
                self._feedback.close()

    def cycle(self) -> int:
        """Take what there is and deliver; how many records were taken and parcels delivered."""
        self._counts["cycles"] += 1
        done = 0
        try:
            with _ledger_errors(self._ledger):
                self._policies.publisher()
                records = self._calls.poll(self._wait_s(self._calls, self._pace.wait_s), MOST_RECORDS)
                if records:
                    self._take(self._calls, records)
                    done += len(records) + self._deliver_rescue()
                if self._calls.is_joined:  # a call comes before its alert
                    began_s = self._clock()
                    records = self._alerts.poll(self._wait_s(self._alerts, 0.0), self._most)
                    self._take(self._alerts, records)
                    self._aim(len(records), self._clock() - began_s)
                    done += len(records)
                done += self._keep_time()
                if self.is_joined:
                    done += self._deliver_rescue() + self._deliver_ordinary()
                done += self._hear()
            self.failures_in_a_row = 0
        except TransportError as error:
            self._failed(error)
        except BaseException:
            self.stop()
            raise
        return done

    def stop(self) -> None:
        """Leave the log. What is in the outbox stays there."""
        self._ordinary.leave()
        self._leave()

    @property
    def is_joined(self) -> bool:
        """Whether it reads all of both topics."""
        return self._alerts.is_joined and self._calls.is_joined

    @property
    def is_delivering(self) -> bool:
        """Whether a delivery to ordinary partners is under way."""
        return self._ordinary.is_under_way

    def counters(self) -> dict[str, int]:
        """What this worker did; `missing` are places in the log that were gone before they were read."""
        return dict(self._counts) | {
            "delivered": self._arrived.total(),
            "missing": self._alerts.missing + self._calls.missing,
            "policies_read": self._policies.reads,
        }

    def delivered(self) -> dict[Feed, int]:
        """How many parcels each feed was delivered."""
        return dict(self._arrived)

    def failing(self) -> dict[Feed, str]:
        """Why feeds are not delivered to."""
        return {f: failing.why for courier in (self._rescue, self._ordinary) for f, failing in courier.failing.items()}

    @property
    def feedback(self) -> FeedbackDoor | None:
        """Where it hears what partners say; None when it does not."""
        return self._feedback

    def lag_records(self) -> int:
        """How far it is behind the log, in offsets."""
        return self._alerts.lag_records() + self._calls.lag_records()

    def _wait_s(self, inlet: Inlet, joined_s: float) -> float:
        return joined_s if inlet.is_joined else max(joined_s, self._pace.join_s)

    def _take(self, inlet: Inlet, records: Sequence[Record]) -> None:
        """Decide about records, in one transaction with their place in the log."""
        if not records:
            return
        counts = self._counts.copy()
        try:
            with self._ledger.transaction():
                self._decide(records)
                inlet.passed(records)
        except CONTENT_ERRORS as error:
            self._counts = counts
            if len(records) > 1:
                for record in records:
                    self._take(inlet, [record])
                return
            tell(_log, "poison record", logging.ERROR, at=_place(records[0]), why=str(error)[:200])
            with self._ledger.transaction():
                self._counts["poison"] += 1
                inlet.passed(records)
        inlet.written(records)

    def _decide(self, records: Sequence[Record]) -> None:
        publisher, now_ms = self._policies.publisher(), self._now_ms()
        for status, told in groupby(self._told(records, now_ms), key=lambda each: each[1]):
            for way, some in groupby(told, key=lambda each: each[2]):
                alerts = [alert for alert, _, _ in some]
                if way == "alert":
                    publisher.take(alerts, status, now_ms)
                    continue
                for alert in alerts:
                    if way == "call":
                        publisher.take_call(alert, status, now_ms)
                    else:
                        publisher.take_urgent(alert, now_ms)

    def _told(self, records: Sequence[Record], now_ms: int) -> Iterator[Told]:
        """What records tell that is new."""
        for record in records:
            try:
                told = unpack_event(record.value)
                if isinstance(told, ToldAlert):
                    PublishedAlert.model_validate(told.alert.to_dict())
            except (PoisonError, ValidationError) as error:
                self._counts["poison"] += 1
                tell(_log, "poison record", logging.ERROR, at=_place(record), why=str(error)[:200])
                continue
            is_ahead = record.partition.topic == RESCUE
            found = self._call(told, now_ms) if isinstance(told, ToldCall) else self._alert(told, is_ahead, now_ms)
            if found is not None:
                yield found

    def _call(self, told: ToldCall, now_ms: int) -> Told | None:
        self._counts["calls"] += 1
        alert, status = alert_of(told, self._maker), self._of_now(told.status, told.call.heard_ms, now_ms)
        known = self._desk.called(status, alert.mmsi, alert.started_ms, alert.alert_id, is_first=told.call.number == 1)
        alert = replace(alert, alert_id=known)
        if self._desk.newest_taken(id_apart(alert.alert_id, status)) >= 0:  # its alert came first, and says more
            self._counts["repeated"] += 1
            return None
        return alert, status, "call"

    def _alert(self, told: ToldAlert, is_ahead: bool, now_ms: int) -> Told | None:
        """An alert under the id of its call; None when that revision was decided about."""
        self._counts["alerts"] += not is_ahead
        alert = told.alert
        status: Channel = "actual"
        if told.status != "actual" or self._desk.newest_taken(self._called(alert, "actual").alert_id) < 0:
            may_be_forgotten = now_ms - alert.raised_ms >= REMEMBERED_MS - NEAR_MS
            ended_ms = 0 if may_be_forgotten else alert.ended_ms or 0  # its end makes it no news to who may have had it
            status = self._of_now(told.status, max(alert.raised_ms, ended_ms), now_ms)
        alert = self._called(alert, status)
        if alert.revision <= self._desk.newest_taken(id_apart(alert.alert_id, status)):
            self._counts["repeated"] += 1
            return None
        if is_ahead:  # it comes once more in `alerts`, where all others are decided about
            return (alert, status, "ahead") if status == "actual" else None
        self._desk.set_taken(id_apart(alert.alert_id, status), alert.revision)
        return alert, status, "alert"

    def _called(self, alert: Alert, status: Channel) -> Alert:
        if alert.type != BEACON:
            return alert
        called = self._desk.call_of(status, alert.mmsi, alert.alert_id, alert.started_ms, SAME_BEACON_MS)
        return alert if called is None else replace(alert, alert_id=called)

    def _of_now(self, said: LogStatus, at_ms: int, now_ms: int) -> Channel:
        """The status of what happened at that time, ms UTC."""
        if self._status == "exercise" or said == "exercise":
            return "exercise"
        if abs(now_ms - at_ms) <= NEAR_MS:
            return "actual"
        self._counts["old"] += 1
        tell(_log, "too old to be actual", logging.WARNING, hours=round((now_ms - at_ms) / 3_600_000))
        return "exercise"

    def _keep_time(self) -> int:
        """Act on reviews, release what has waited for its hour, purge, sign the day's head; how many reviews."""
        now_s, reviews = self._clock(), 0
        if now_s >= self._due_at_s:
            reviews = self._take_reviews()
            self._policies.publisher().release_due(self._now_ms())
            self._due_at_s = now_s + self._pace.due_every_s
        if now_s >= self._purge_at_s:
            self._counts["purged"] += self._policies.publisher().purge(self._now_ms())
            if self._feedback is not None:
                self._feedback.purge()
            self._purge_at_s = now_s + self._pace.purge_every_s
        if self._heads is not None and now_s >= self._head_at_s:
            self._head_at_s = now_s + self._pace.head_every_s
            self._sign_head(self._heads)
        return reviews

    def _take_reviews(self) -> int:
        """Act on what people in the house said. One that cannot be acted on is told, and tried no more."""
        publisher = self._policies.publisher()
        waiting = publisher.reviews.reading.waiting(MOST_REVIEWS)
        for filed in waiting:
            try:
                publisher.take_review(filed, self._now_ms())
                self._counts["reviews"] += 1
            except CONTENT_ERRORS as error:
                publisher.reviews.take(filed.number, self._now_ms(), is_refused=True)
                self._counts["reviews_failed"] += 1
                tell(_log, "review not acted on", logging.ERROR, number=filed.number, why=str(error)[:200])
        return len(waiting)

    def _sign_head(self, heads: DailyHeads) -> None:
        """Sign the day's head. That it cannot be written stops nobody from being told of distress."""
        try:
            head = heads.sign_due(self._now_ms())
        except OutputError as error:
            self._counts["heads_failed"] += 1
            tell(_log, "head not written", logging.ERROR, why=str(error))
            return
        if head is not None:
            self._counts["heads"] += 1
            tell(_log, "head signed", size=head.size, root=head.root.hex())

    def _hear(self) -> int:
        """Take some of what partners say."""
        if self._feedback is None:
            return 0
        return self._feedback.work(self._policies.policy, self._policies.publisher().state)

    def _deliver_rescue(self) -> int:
        may = self.is_joined or (self._calls.is_joined and not self._unsure)  # what a crash left open is ended by then
        return self._rescue.deliver(self._feeds(rescue=True)) if may else 0

    def _deliver_ordinary(self) -> int:
        return self._ordinary.deliver(self._feeds(rescue=False))

    def _feeds(self, *, rescue: bool) -> list[Feed]:
        """Feeds with something in the outbox; one that is no partner any more may still be sent a cancel."""
        partners = self._policies.policy.partners
        waiting = self._desk.waiting_feeds()
        return [f for f in waiting if (f.partner in partners and partners[f.partner].rescue) == rescue]

    def _delivered(self, parcels: Sequence[Parcel]) -> None:
        self._arrived.update(Feed(parcel.partner, parcel.channel) for parcel in parcels)

    def _aim(self, taken: int, took_s: float) -> None:
        """Take as many alerts at a time as can be decided about while a call may wait."""
        if taken:
            self._most = min(MOST_RECORDS, max(1, round(taken * DECIDE_S / max(took_s, 1e-3))))

    def _failed(self, error: TransportError) -> None:
        """Let go of both clients: what was polled and not decided about is polled again."""
        self.failures_in_a_row += 1
        self.last_error = error
        self._counts["failures"] += 1
        self._counts["fenced"] += isinstance(error, FencedError)
        self._leave()

    def _leave(self) -> None:
        self._alerts.leave()
        self._calls.leave()


def _place(record: Record) -> str:
    return f"{record.partition.topic}/{record.partition.number}/{record.offset}"


@contextmanager
def _ledger_errors(ledger: Ledger) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OutputError(f"ledger {ledger.path} cannot be written ({error})") from None
