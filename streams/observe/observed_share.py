"""ObservedShare: a ShareWorker with metrics, health and logs around it."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from maritime.errors import TransportError
from maritime.sharing.desk import Desk, Feed
from maritime.sharing.ledger import Decision, Ledger
from streams.observe.feedback_metrics import FeedbackTold, feedback_told
from streams.observe.health import Answer
from streams.observe.json_log import tell
from streams.observe.log_metrics import LogMetrics
from streams.observe.observed_transport import ObservedTransport
from streams.share.worker import Clients, ShareWorker
from streams.transport import Transport

SILENT_S: Final = 120.0  # as of detectors
LAG_EVERY_S: Final = 15.0
COUNTERS: Final = {
    "cycles": "Cycles begun",
    "alerts": "Revisions of alerts read",
    "calls": "Distress calls read",
    "old": "Of these too far from now in event time to be actual: they became exercises",
    "repeated": "Of these decided about already",
    "poison": "Records that could not be decided about",
    "purged": "Copies forgotten, as their recipients must",
    "reviews": "Reviews of people acted on",
    "reviews_failed": "Of people's reviews those that could not be acted on",
    "heads": "Heads of the ledger signed, one each day",
    "heads_failed": "Times that a head could not be written",
    "failures": "Cycles that failed",
    "fenced": "Times another client took this one's place",
    "missing": "Partitions whose records were gone before they were read",
    "policies_read": "Times the policy was read",
}
FEED: Final = ("partner", "channel")

_log = logging.getLogger("maritime.share")


@dataclass(frozen=True, slots=True)
class ShareReading:
    """A worker after a cycle, as whole values that other threads may read."""

    at_s: float  # seconds since 1970
    is_joined: bool
    failures_in_a_row: int
    last_error: str | None
    lag_records: int | None
    counters: dict[str, int]
    waiting: dict[Feed, int]
    delivered: dict[Feed, int]
    failing: dict[Feed, str] = field(default_factory=dict)
    decisions: dict[Decision, int] = field(default_factory=dict)
    feedback: FeedbackTold = field(default_factory=FeedbackTold)


class ShareMetrics(Collector):
    """A collector for a registry; `reading` is what it tells of."""

    def __init__(self) -> None:
        self.reading: ShareReading | None = None

    def collect(self) -> Iterator[Metric]:
        """All families; empty before the first reading."""
        reading = self.reading
        waiting = GaugeMetricFamily("maritime_share_waiting", "Parcels that are to be delivered", labels=FEED)
        failing = GaugeMetricFamily(
            "maritime_share_failing", "1 while a feed cannot be delivered to, else 0; others go on", labels=FEED
        )
        delivered = CounterMetricFamily("maritime_share_delivered", "Parcels delivered", labels=FEED)
        decisions = CounterMetricFamily("maritime_share_decisions", "Decisions in the ledger", labels=["decision"])
        if reading is not None:
            for feed in sorted(reading.waiting.keys() | reading.delivered.keys() | reading.failing.keys()):
                waiting.add_metric(feed, reading.waiting.get(feed, 0))
                failing.add_metric(feed, float(feed in reading.failing))
                delivered.add_metric(feed, reading.delivered.get(feed, 0))
            for decision, count in sorted(reading.decisions.items()):
                decisions.add_metric([decision], count)
        yield from (waiting, failing, delivered, decisions)
        yield from (reading.feedback if reading else FeedbackTold()).families()
        lag = GaugeMetricFamily("maritime_share_lag_records", "Offsets behind the log when last looked; marks count")
        if reading is None:
            return
        if reading.lag_records is not None:
            lag.add_metric([], reading.lag_records)
        yield lag
        yield GaugeMetricFamily("maritime_share_joined", "1 when it reads the log", value=float(reading.is_joined))
        yield GaugeMetricFamily(
            "maritime_share_last_cycle_timestamp_seconds", "When the last cycle ended", value=reading.at_s
        )
        yield GaugeMetricFamily(
            "maritime_share_failures_in_a_row", "Cycles that failed, one after the other", reading.failures_in_a_row
        )
        for name, says in COUNTERS.items():
            yield CounterMetricFamily(f"maritime_share_{name}", says, value=reading.counters.get(name, 0))


class ObservedShare:
    """Watches a worker, which `make` makes with clients that are watched too."""

    def __init__(
        self,
        make: Callable[[Clients], ShareWorker],
        clients: Clients,
        ledger: Ledger,
        desk: Desk,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock, self._wall, self._ledger, self._desk = clock, wall, ledger, desk
        self._log_metrics, self._metrics = LogMetrics(), ShareMetrics()
        self.registry = self._log_metrics.registry
        self.registry.register(self._metrics)
        self._transports: dict[str, ObservedTransport] = {}
        self.worker = make(Clients(*(self._observed(name, connect) for name, connect in clients._asdict().items())))
        self._cycled_s = self._looked_s = clock()
        self._size = len(ledger)

    def run(self, stop: Event, *, stop_when_idle_s: float | None = None) -> None:
        """Cycle as ShareWorker.run does, and raise what it raises."""
        tell(_log, "started")
        try:
            self.worker.run(stop, self.look, stop_when_idle_s=stop_when_idle_s)
        except TransportError as error:
            tell(_log, "gave up", logging.ERROR, error=error)
            raise
        tell(_log, "stopped", counters=self.worker.counters())

    def alive(self) -> Answer:
        """Whether it cycles, or the log has answered it a moment ago."""
        last_s = max([self._cycled_s, *(transport.answered_s for transport in self._transports.values())])
        silent_s = self._clock() - last_s
        return Answer.of(f"nothing was done for {silent_s:.0f} s" if silent_s > SILENT_S else None)

    def ready(self) -> Answer:
        """Whether it reads the log and reaches all partners."""
        reading = self._metrics.reading
        if reading is None:
            return Answer.of("no cycle has ended yet")
        return Answer.of(
            *self.alive().why_not,
            None if reading.is_joined else "does not read the log yet",
            f"the log fails: {reading.last_error}" if reading.failures_in_a_row else None,
            *(f"{feed.partner} ({feed.channel}) is not reached: {why}" for feed, why in reading.failing.items()),
        )

    def look(self) -> None:
        """Take a reading after a cycle, and log what has changed since the one before."""
        before, worker = self._metrics.reading, self.worker
        lag = before.lag_records if before else None
        is_time = self._clock() - self._looked_s >= LAG_EVERY_S
        requests = worker.feedback.open_requests() if worker.feedback and (is_time or before is None) else None
        if worker.is_joined and is_time:
            self._looked_s = self._clock()
            try:
                lag = worker.lag_records()
            except TransportError as error:
                tell(_log, "lag is not known", logging.WARNING, error_text=str(error))
        size, decisions = len(self._ledger), dict(before.decisions) if before else {}
        if size != self._size:
            for decision, count in self._ledger.decisions_since(self._size).items():
                decisions[decision] = decisions.get(decision, 0) + count
            self._size = size
        failed = worker.failures_in_a_row
        reading = ShareReading(
            at_s=self._wall(),
            is_joined=worker.is_joined,
            failures_in_a_row=failed,
            last_error=str(worker.last_error) if failed and worker.last_error else None,
            lag_records=lag,
            counters=worker.counters(),
            waiting=self._desk.waiting_feeds(),
            delivered=worker.delivered(),
            failing=worker.failing(),
            decisions=decisions,
            feedback=feedback_told(worker.feedback, before.feedback if before else FeedbackTold(), requests),
        )
        self._metrics.reading = reading
        self._cycled_s = self._clock()
        _tell_changes(before, reading)

    def _observed(self, name: str, connect: Callable[[], Transport]) -> Callable[[], Transport]:
        def connected() -> Transport:
            self._transports[name] = ObservedTransport(connect(), self._log_metrics, clock=self._clock, wall=self._wall)
            return self._transports[name]

        return connected


def _tell_changes(before: ShareReading | None, now: ShareReading) -> None:
    if now.failures_in_a_row:
        tell(_log, "cycle failed", logging.WARNING, in_a_row=now.failures_in_a_row, error_text=now.last_error)
    known = before.failing if before else {}
    for feed in now.failing.keys() - known.keys():
        tell(_log, "partner not reached", logging.WARNING, **feed._asdict(), why=now.failing[feed])
    for feed in known.keys() - now.failing.keys():
        tell(_log, "partner reached again", **feed._asdict())
    if before is not None and now.counters["policies_read"] != before.counters["policies_read"]:
        tell(_log, "policy read again")
