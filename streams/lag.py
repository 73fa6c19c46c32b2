"""Lag: how far a group is behind the log. Records are micro-batches, so rows and event time are told too."""

from typing import NamedTuple

from streams import codec
from streams.poison import PoisonError
from streams.topic_names import POSITIONS
from streams.transport import Partition, Transport


class Lag(NamedTuple):
    """What one partition holds that the group has not processed."""

    partition: int
    records: int  # offsets, marks of transactions among them
    rows: int  # position reports
    event_time_s: float | None  # from the first time unread to the last; None when nothing is unread
    is_whole: bool  # whether all unread records were looked into


def lags(transport: Transport, most_records: int = 10_000) -> list[Lag]:
    """The lag of the transport's group in every partition of the positions; looks into so many records of each."""
    return [
        _lag(transport, Partition(POSITIONS, number), most_records)
        for number in range(transport.topics().get(POSITIONS, 0))
    ]


def _lag(transport: Transport, partition: Partition, most_records: int) -> Lag:
    first, end = transport.bounds(partition)
    position = max(transport.committed(partition) or 0, first)
    rows = looked = 0
    times_ms: list[int] = []
    for record in transport.read(partition, position):
        if looked == most_records:
            break
        looked += 1
        try:
            n, span_ms = codec.rows_and_span(record.headers)
        except PoisonError:
            continue
        rows += n
        times_ms += span_ms
    event_time_s = (max(times_ms) - min(times_ms)) / 1000.0 if times_ms else None
    return Lag(partition.number, max(end - position, 0), rows, event_time_s, looked < most_records)
