"""What a detector's worker is at, as whole values that other threads may read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.observe.observed_transport import ObservedTransport, SnapshotSeen
from streams.topic_names import POSITIONS
from streams.transport import Partition
from streams.worker import DetectWorker


@dataclass(frozen=True, slots=True)
class PartitionReading:
    """One partition. `lag_rows` is an estimate: records behind × rows per record so far."""

    is_live: bool  # restored, and past what was written before
    watermark_ms: int | None
    watermark_moved_at_s: float  # when it was first seen to be that, seconds since 1970
    lag_records: int | None  # None until the log told where it ends
    lag_rows: float | None
    counters: Mapping[str, int]
    snapshot: SnapshotSeen | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A worker after a cycle."""

    at_s: float  # seconds since 1970
    has_joined: bool
    failures_in_a_row: int
    last_error: str | None
    counters: Mapping[str, int]
    client: Mapping[str, float]
    standing: tuple[int, ...] = ()  # partitions that seem to have stalled
    partitions: Mapping[int, PartitionReading] = field(default_factory=dict)


def reading_of(
    worker: DetectWorker, transport: ObservedTransport | None, before: Reading | None, at_s: float
) -> Reading:
    """What a worker is at; `before` is the reading before this one."""
    standings = worker.standings()
    partitions: dict[int, PartitionReading] = {}
    for number, detector in worker.detectors().items():
        known = before.partitions.get(number) if before else None
        watermark_ms, counters = detector.watermark_ms, detector.counters
        moved = known is None or known.watermark_ms != watermark_ms
        standing = standings[number]
        end = transport.ends.get(Partition(POSITIONS, number)) if transport else None
        lag = None if end is None else max(0, end - standing.next_offset)
        rows_per_record = counters.get("rows", 0) / max(1, counters.get("records", 0))
        partitions[number] = PartitionReading(
            is_live=standing.is_restored and standing.next_offset >= standing.live_from,
            watermark_ms=watermark_ms,
            watermark_moved_at_s=at_s if moved or known is None else known.watermark_moved_at_s,
            lag_records=lag,
            lag_rows=None if lag is None else lag * rows_per_record,
            counters=counters,
            snapshot=transport.snapshots.get(number) if transport else None,
        )
    return Reading(
        at_s=at_s,
        has_joined=transport is not None and transport.joined,
        failures_in_a_row=worker.failures_in_a_row,
        last_error=str(worker.last_error) if worker.failures_in_a_row and worker.last_error else None,
        counters=worker.counters(),
        client=transport.metrics() if transport and transport.joined else {},
        standing=tuple(number for number, standing in standings.items() if standing.is_standing),
        partitions=partitions | {n: _UNRESTORED for n in standings if n not in partitions},
    )


_UNRESTORED = PartitionReading(False, None, 0.0, None, None, {}, None)
