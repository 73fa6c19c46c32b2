"""Embedded: ingest and detect in one process on a log in memory, for a single station without a broker.

The same ingester, detector and records as on Kafka, and the same alerts. Nothing is kept beyond the process.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Any, Final

from maritime.alerts.alert import Alert
from maritime.detect.places import EnginePlaces
from maritime.detect.settings import DetectSettings
from streams.codec import CALL_TYPE, unpack_alert
from streams.detector import DetectSetup
from streams.ingest.ingester import Ingester, IngestPace
from streams.ingest.source import Source
from streams.memory import MemoryLog, MemoryTransport
from streams.topic_names import ALERTS, POSITIONS, REJECTS, RESCUE, STATE, VESSELS
from streams.transport import Partition, Record
from streams.worker import DetectWorker, Pace

TOPICS: Final = (POSITIONS, VESSELS, REJECTS, STATE, ALERTS, RESCUE)
NEVER_S: Final = 1e12  # no snapshots: there is nobody who could read them after this process
FORGET_EVERY: Final = 50  # turns between two times at which what was read leaves memory


class Embedded:
    """Sources in, alerts out through `on_alert`, every revision in the order in which it is told.

    `on_call` is given distress calls, as CloudEvents, ahead of their alerts; `on_reject` the dead letters: what sources
    and detector refused, with the reason. `stop` ends it.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        on_alert: Callable[[Alert], None],
        on_call: Callable[[dict[str, Any]], None],
        on_reject: Callable[[Record], None],
        places: EnginePlaces,
        settings: DetectSettings,
        pace: IngestPace,
        stop: Event,
    ) -> None:
        self._log = MemoryLog(dict.fromkeys(TOPICS, 1))
        self._reader: MemoryTransport = self._log.client(group="alerts")
        self._turns = 0
        self._read = {ALERTS: 0, RESCUE: 0, REJECTS: 0}  # offsets of what comes next
        self._on_alert = on_alert
        self._on_call = on_call
        self._on_reject = on_reject
        self.ingester = Ingester(self._log.client("ingest", "ingest"), sources, settings=settings, pace=pace, stop=stop)
        self.worker = DetectWorker(
            lambda: self._log.client("detect", "detect"),
            DetectSetup(settings, places, 1, pace.stale_s),
            Pace(cycle_s=0.0, snapshot_every_s=NEVER_S),
        )

    def run(self, after_turn: Callable[[], None] = lambda: None) -> None:
        """Until `stop` is set or every source has come to its end; then all that was taken is judged and told."""

        def turn() -> None:
            self._turn()
            after_turn()

        try:
            self.ingester.run(turn)
        finally:
            while self.worker.cycle():
                self._tell()
            self._tell()

    def _turn(self) -> None:
        while self.worker.cycle():
            self._tell()
        self._tell()
        self._turns += 1
        if self._turns % FORGET_EVERY == 0:
            read = self._log.group_positions("detect").get(Partition(POSITIONS, 0), 0)
            self._log.forget_before(Partition(POSITIONS, 0), read)
            for topic in (VESSELS, REJECTS, STATE, ALERTS, RESCUE):
                partition = Partition(topic, 0)
                self._log.forget_before(partition, self._read.get(topic, self._log.ends()[partition]))

    def _tell(self) -> None:
        for record in self._next(RESCUE):
            event = json.loads(record.value or b"{}")
            if event["type"] == CALL_TYPE:  # what else is in it comes as an alert too
                self._on_call(event)
        for record in self._next(ALERTS):
            self._on_alert(unpack_alert(record.value))
        for record in self._next(REJECTS):
            self._on_reject(record)

    def _next(self, topic: str) -> Iterator[Record]:
        for record in self._reader.read(Partition(topic, 0), self._read[topic]):
            self._read[topic] = record.offset + 1
            yield record
