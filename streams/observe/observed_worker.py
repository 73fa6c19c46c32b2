"""ObservedWorker: a DetectWorker with metrics, health and logs around it; what is found is the same without."""

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import Final

from maritime.errors import TransportError
from streams.detector import DetectSetup
from streams.observe.detector_metrics import DetectorMetrics
from streams.observe.health import Answer
from streams.observe.json_log import tell
from streams.observe.log_metrics import LogMetrics
from streams.observe.observed_transport import ObservedTransport
from streams.observe.reading import Reading, reading_of
from streams.transport import Transport
from streams.worker import DetectWorker, Pace

SILENT_S: Final = 120.0  # chosen: eight times the session timeout; the longest call, a restore, should take 15 s

_log = logging.getLogger("maritime.detect")
_TOLD_WHEN_COUNTED: Final = {
    "fenced": logging.WARNING,
    "stalled": logging.WARNING,
    "snapshots_passed_over": logging.WARNING,
    "history_missing": logging.ERROR,
    "restored": logging.INFO,
    "snapshots": logging.DEBUG,
}


class ObservedWorker:
    """Makes the worker, and watches it. `clock` and `wall` give seconds, of this process and since 1970.

    `registry` is what /metrics serves; `alive` and `ready` may be asked from any thread.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        setup: DetectSetup,
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._transport: ObservedTransport | None = None
        self._log_metrics = LogMetrics(self._source_name)
        self.registry = self._log_metrics.registry
        self._metrics = DetectorMetrics(wall)
        self.registry.register(self._metrics)
        self._connect = connect
        self.worker = DetectWorker(self._observed, setup, pace, clock=clock)
        self._cycled_s = clock()

    def run(self, stop: Event, *, stop_when_idle_s: float | None = None) -> None:
        """Cycle as DetectWorker.run does, and raise what it raises."""
        tell(_log, "started")
        try:
            self.worker.run(stop, self._look, stop_when_idle_s=stop_when_idle_s)
        except TransportError as error:
            tell(_log, "gave up", logging.ERROR, error=error)
            raise
        self._look()
        tell(_log, "stopped", counters=self.worker.counters())

    def cycle(self) -> int:
        """One cycle, as DetectWorker.cycle."""
        taken = self.worker.cycle()
        self._look()
        return taken

    def alive(self) -> Answer:
        """Whether it cycles, or the log has answered it a moment ago."""
        transport = self._transport
        last_s = max(self._cycled_s, transport.answered_s if transport else self._cycled_s)
        silent_s = self._clock() - last_s
        return Answer.of(f"nothing was done for {silent_s:.0f} s" if silent_s > SILENT_S else None)

    def ready(self) -> Answer:
        """Whether it has joined, its partitions are live, the log answers and none stands still."""
        reading = self._metrics.reading
        if reading is None:
            return Answer.of("no cycle has ended yet")
        coming = sorted(number for number, partition in reading.partitions.items() if not partition.is_live)
        return Answer.of(
            *self.alive().why_not,
            None if reading.has_joined else "not a member of the group",
            f"the log fails: {reading.last_error}" if reading.failures_in_a_row else None,
            f"partitions are not restored: {_listed(coming)}" if coming else None,
            f"partitions stand still though the log goes on: {_listed(reading.standing)}" if reading.standing else None,
        )

    def _observed(self) -> Transport:
        self._transport = ObservedTransport(self._connect(), self._log_metrics, clock=self._clock, wall=self._wall)
        return self._transport

    def _look(self) -> None:
        """Take a reading after a cycle, and log what has changed since the one before."""
        before = self._metrics.reading
        reading = reading_of(self.worker, self._transport, before, self._wall())
        self._metrics.reading = reading
        self._cycled_s = self._clock()
        _tell_changes(before, reading, self.worker.last_error)

    def _source_name(self, code: int) -> str | None:
        """The name of a source, by any of the detectors: names are in every partition."""
        told = (detector.source_name(code) for detector in self.worker.detectors().values())
        return next((name for name in told if name), None)


def _tell_changes(before: Reading | None, now: Reading, error: TransportError | None) -> None:
    earlier = before.counters if before else {}
    if now.failures_in_a_row:
        tell(_log, "cycle failed", logging.WARNING, in_a_row=now.failures_in_a_row, error_text=str(error))
    elif before is not None and before.failures_in_a_row:
        tell(_log, "cycle succeeded again", after_failures=before.failures_in_a_row)
    for name, level in _TOLD_WHEN_COUNTED.items():
        more = now.counters.get(name, 0) - earlier.get(name, 0)
        if more:
            tell(_log, name.replace("_", " "), level, count=more)
    held = set(before.partitions) if before else set()
    if set(now.partitions) != held:
        tell(_log, "partitions changed", now=sorted(now.partitions), before=sorted(held))


def _listed(numbers: tuple[int, ...] | list[int]) -> str:
    return ", ".join(map(str, numbers))
