"""ObservedTransport: a client of the log, and around it counters of what passes through."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from maritime.errors import TransportError
from streams.observe.log_metrics import LogMetrics
from streams.snapshots import MANIFEST
from streams.topic_names import STATE
from streams.transport import Listener, Outgoing, Partition, Record, Transport


class SnapshotSeen(NamedTuple):
    """The newest snapshot of a partition that this client committed or found."""

    at_s: float
    size_bytes: int


class ObservedTransport:
    """Passes everything on to `inner`. Used, as that is, by one thread; what others read of it are whole values.

    `clock` counts seconds of this process, `wall` gives seconds since 1970.
    """

    def __init__(
        self,
        inner: Transport,
        metrics: LogMetrics,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._inner = inner
        self._metrics = metrics
        self._clock = clock
        self._wall = wall
        self._open: list[Outgoing] = []
        self.answered_s = clock()  # when the log last answered a call
        self.joined = False  # a poll came back since this client subscribed
        self.ends: dict[Partition, int] = {}  # as the log last told them
        self.snapshots: dict[int, SnapshotSeen] = {}
        self._restoring_since_s: dict[Partition, float] = {}

    def subscribe(self, topic: str, listener: Listener) -> None:
        """See Transport."""
        self._inner.subscribe(topic, listener)
        self._answered()

    def send(self, records: Sequence[Outgoing]) -> None:
        """See Transport."""
        try:
            self._inner.send(records)
        except TransportError:
            self._dropped()
            raise
        self._open += records
        self._answered()

    def poll(self, timeout_s: float, most_records: int = 500) -> list[Record]:
        """See Transport."""
        try:
            records = self._inner.poll(timeout_s, most_records)
        except TransportError:
            self._dropped()
            raise
        self._metrics.read(records)
        self.joined = True
        self._answered()
        return records

    def commit(self, positions: Mapping[Partition, int] | None = None) -> None:
        """See Transport."""
        began_s = self._clock()
        try:
            self._inner.commit(positions)
        except TransportError:
            self._dropped(always=True)
            raise
        outgoing, self._open = self._open, []
        self._metrics.committed(outgoing, self._clock() - began_s)
        self._note_snapshots(outgoing)
        self._answered()

    def abort(self) -> None:
        """See Transport."""
        self._dropped()
        self._inner.abort()
        self._answered()

    def seek(self, partition: Partition, offset: int) -> None:
        """See Transport. Ends a restore that `committed` began."""
        self._inner.seek(partition, offset)
        began_s = self._restoring_since_s.pop(partition, None)
        if began_s is not None:
            self._metrics.restore_s.observe(self._clock() - began_s)
        self._answered()

    def committed(self, partition: Partition) -> int | None:
        """See Transport. A worker asks when it begins to restore a partition."""
        self._restoring_since_s[partition] = self._clock()
        offset = self._inner.committed(partition)
        self._answered()
        return offset

    def position(self, partition: Partition) -> int:
        """See Transport."""
        position = self._inner.position(partition)
        self._answered()
        return position

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """See Transport."""
        bounds = self._inner.bounds(partition)
        self.ends[partition] = bounds[1]
        self._answered()
        return bounds

    def read(self, partition: Partition, offset: int = 0) -> Iterator[Record]:
        """See Transport."""
        for record in self._inner.read(partition, offset):
            self._note_snapshot(partition, record.key, record.value, record.timestamp_ms / 1000)
            self._answered()
            yield record

    def topics(self) -> dict[str, int]:
        """See Transport."""
        topics = self._inner.topics()
        self._answered()
        return topics

    def metrics(self) -> dict[str, float]:
        """See Transport."""
        return self._inner.metrics()

    def close(self) -> None:
        """See Transport."""
        self._dropped()
        self.joined = False
        self._inner.close()

    def _answered(self) -> None:
        self.answered_s = self._clock()

    def _dropped(self, *, always: bool = False) -> None:
        """What was open is no more; one transaction counts once."""
        if self._open or always:
            self._metrics.aborted()
        self._open = []

    def _note_snapshots(self, outgoing: Sequence[Outgoing]) -> None:
        for record in outgoing:
            if record.partition is not None:
                self._note_snapshot(Partition(record.topic, record.partition), record.key, record.value, self._wall())

    def _note_snapshot(self, partition: Partition, key: bytes | None, value: bytes | None, at_s: float) -> None:
        """Remember a snapshot by its manifest; the newest in the log comes last."""
        if partition.topic != STATE or value is None or not (key or b"").endswith(b"/" + MANIFEST.encode()):
            return
        try:
            size_bytes = int(json.loads(value)["bytes"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        self.snapshots = self.snapshots | {partition.number: SnapshotSeen(at_s, size_bytes)}
