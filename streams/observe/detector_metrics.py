"""DetectorMetrics: the numbers of a detector's worker, made from its last reading whenever they are asked for.

Ages are counted when asked, so they go on growing when the worker stands still. A partition's numbers leave with it.
"""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from streams.observe.reading import PartitionReading, Reading

Value = Callable[[PartitionReading, float], float | None]

PARTITION_GAUGES: Final[tuple[tuple[str, str, Value], ...]] = (
    (
        "maritime_partition_live",
        "1 when the partition is restored and past what was written before",
        lambda reading, now_s: float(reading.is_live),
    ),
    (
        "maritime_partition_watermark_timestamp_seconds",
        "Event time that the partition has reached",
        lambda reading, now_s: None if reading.watermark_ms is None else reading.watermark_ms / 1000,
    ),
    (
        "maritime_partition_event_time_lag_seconds",
        "Now minus the watermark: how old the newest alerts are",
        lambda reading, now_s: None if reading.watermark_ms is None else now_s - reading.watermark_ms / 1000,
    ),
    (
        "maritime_partition_watermark_age_seconds",
        "How long ago the watermark was last seen to move",
        lambda reading, now_s: None if reading.watermark_ms is None else now_s - reading.watermark_moved_at_s,
    ),
    (
        "maritime_partition_lag_records",
        "Offsets between the worker and the end of the log when it was last asked; marks of transactions count",
        lambda reading, now_s: reading.lag_records,
    ),
    (
        "maritime_partition_lag_rows",
        "Estimate of the rows behind: records behind times rows per record so far",
        lambda reading, now_s: reading.lag_rows,
    ),
    (
        "maritime_partition_snapshot_bytes",
        "Size of the newest snapshot",
        lambda reading, now_s: reading.snapshot and reading.snapshot.size_bytes,
    ),
    (
        "maritime_partition_snapshot_age_seconds",
        "Age of the newest snapshot: what a restore would read again",
        lambda reading, now_s: reading.snapshot and now_s - reading.snapshot.at_s,
    ),
)
WORKER_GAUGES: Final[tuple[tuple[str, str, Callable[[Reading], float]], ...]] = (
    ("maritime_worker_joined", "1 when the worker is a member of its group", lambda reading: float(reading.has_joined)),
    ("maritime_worker_partitions", "Partitions of this worker", lambda reading: len(reading.partitions)),
    (
        "maritime_worker_partitions_standing",
        "Partitions that stood still although the log went on, when they were last looked at",
        lambda reading: len(reading.standing),
    ),
    (
        "maritime_worker_failures_in_a_row",
        "Cycles that failed, one after the other",
        lambda reading: reading.failures_in_a_row,
    ),
    ("maritime_worker_last_cycle_timestamp_seconds", "When the last cycle ended", lambda reading: reading.at_s),
)
WORKER_COUNTERS: Final = {
    "cycles": "Cycles begun",
    "records": "Records taken by detectors",
    "commits": "Cycles that committed",
    "failures": "Cycles that failed",
    "fenced": "Times another client took this one's place",
    "stalled": "Times the client was made anew because it stood still",
    "distress_calls": "Beacons called in distress, ahead of their alerts",
    "snapshots": "Snapshots written",
    "restored": "Partitions restored",
    "restored_from_start": "Partitions restored without a snapshot",
    "snapshots_passed_over": "Snapshots that could not be used",
    "replayed_records": "Records taken again after a restore, with their output suppressed",
    "history_missing": "Restores without a snapshot where the log no longer begins at its beginning",
}


class DetectorMetrics:
    """A collector for a registry; `reading` is what it tells of. `wall` gives seconds since 1970."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self.reading: Reading | None = None

    def collect(self) -> Iterator[Metric]:
        """All families; those of partitions are empty before the first reading."""
        reading, now_s = self.reading, self._wall()
        for name, says, of_partition in PARTITION_GAUGES:
            gauge = GaugeMetricFamily(name, says, labels=["partition"])
            for number, partition in sorted(reading.partitions.items()) if reading else ():
                value = of_partition(partition, now_s)
                if value is not None:
                    gauge.add_metric([str(number)], value)
            yield gauge
        yield self._detectors(reading)
        yield self._client(reading)
        if reading is None:
            return
        for name, says, of_worker in WORKER_GAUGES:
            yield GaugeMetricFamily(name, says, value=of_worker(reading))
        for name, says in WORKER_COUNTERS.items():
            yield CounterMetricFamily(f"maritime_worker_{name}", says, value=reading.counters.get(name, 0))

    def _detectors(self, reading: Reading | None) -> Metric:
        """What each detector counted; a restore brings the counts back, so they are no counters of this process."""
        gauge = GaugeMetricFamily(
            "maritime_detector_count", "What the partition's detector counted, by what", labels=["partition", "what"]
        )
        for number, partition in sorted(reading.partitions.items()) if reading else ():
            for what, count in sorted(partition.counters.items()):
                gauge.add_metric([str(number), what], count)
        return gauge

    def _client(self, reading: Reading | None) -> Metric:
        gauge = GaugeMetricFamily(
            "maritime_client_count", "What the client of the log counted, by what", labels=["what"]
        )
        for what, count in sorted(reading.client.items()) if reading else ():
            gauge.add_metric([what], count)
        return gauge
