"""Resume: what an ingester that starts anew must know of the log that it goes on writing.

Codes of sources mean what the log says they mean, and time goes on from where it stands. Both are found by reading
partition 0 from its end backwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from maritime.columns import POSITION_SCHEMA
from maritime.detect.heartbeat import HeartbeatMaker
from streams import codec
from streams.log_writer import NAMES_RESTATED
from streams.poison import PoisonError
from streams.topic_names import POSITIONS
from streams.transport import Partition, Record, Transport

FIRST_STEP: Final = 500  # records; each step back reads four times as many as the one before
MOST_RECORDS: Final = 500_000  # chosen: a day of a quiet log, half an hour of a busy one
BASE_STATION: Final = 4  # a message type that is no vessel's, so that nothing is counted as heard


@dataclass(slots=True)
class Resumed:
    """What was found; nothing in a new log."""

    names: dict[int, str] = field(default_factory=dict)  # of sources, by code
    watermark_ms: int | None = None


def resumed(transport: Transport) -> Resumed:
    """Read back the names of the sources and the watermark."""
    found = Resumed()
    stated = 0
    for record in _backwards(transport, Partition(POSITIONS, 0)):
        try:
            kind = codec.kind_of(record.headers)
            if kind == codec.NAMES:
                names = codec.unpack_names(record.value, record.headers)
                stated += len(names)
                found.names = names | found.names
            elif kind == codec.HEARTBEATS and found.watermark_ms is None:
                found.watermark_ms = int(
                    codec.unpack_heartbeats(record.value, record.headers).heartbeats.watermark_ms[-1]
                )
        except PoisonError:
            continue
        if found.watermark_ms is not None and _is_complete(found.names, stated):
            break
    return found


def continue_time(maker: HeartbeatMaker, watermark_ms: int, lateness_s: float) -> None:
    """Bring a new maker to a watermark, as if it had made the heartbeats up to there."""
    newest_ms = watermark_ms + round(lateness_s * 1000)
    row = {
        "mmsi": 0,
        "t": newest_ms,
        "lat": float("nan"),
        "lon": float("nan"),
        "sog": float("nan"),
        "cog": float("nan"),
        "heading": float("nan"),
        "nav_status": 15,
        "msg_type": BASE_STATION,
        "source": 0,
    }
    maker.feed(pa.RecordBatch.from_pylist([row, row], schema=POSITION_SCHEMA))  # a second report bears the first out


def _is_complete(names: dict[int, str], stated: int) -> bool:
    """Whether these are all names: with each reception window a writer states so many again, in turn."""
    whole = bool(names) and len(names) == max(names)
    return whole and (len(names) < NAMES_RESTATED or stated >= 2 * len(names))


def _backwards(transport: Transport, partition: Partition) -> Iterator[Record]:
    """The newest records, the newest first."""
    oldest, end = transport.bounds(partition)
    step, read = FIRST_STEP, 0
    until = end
    while until > oldest and read < MOST_RECORDS:
        begin = max(oldest, until - step)
        part = []
        for record in transport.read(partition, begin):
            if record.offset >= until:
                break
            part.append(record)
        yield from reversed(part)
        read += len(part)
        until, step = begin, step * 4
