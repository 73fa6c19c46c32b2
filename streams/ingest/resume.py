"""Resume: what an ingester that starts anew must know of the log that it goes on writing.

Codes of sources mean what the log says they mean, and time goes on from where it stands. Both are found by reading
partition 0 from its end backwards. Where all sources were cut for days it holds nothing but statuses, which tell the
watermark too, with names among them.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
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
NEWEST_KEPT: Final = 16  # chosen: heartbeats and statuses of a part, should the newest be damaged
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
    for part in _backwards(transport, Partition(POSITIONS, 0)):
        names: dict[int, str] = {}
        newest: dict[str, deque[Record]] = {
            kind: deque(maxlen=NEWEST_KEPT) for kind in (codec.HEARTBEATS, codec.STATUS)
        }
        for record in part:
            try:
                kind = codec.kind_of(record.headers)
                if kind == codec.NAMES:
                    told = codec.unpack_names(record.value, record.headers)
                    stated += len(told)
                    names |= told
                elif kind in newest and found.watermark_ms is None:
                    newest[kind].append(record)
            except PoisonError:
                continue
        found.names = names | found.names
        if found.watermark_ms is None:
            reached = [_newest_readable(records, kind) for kind, records in newest.items()]
            found.watermark_ms = max((t_ms for t_ms in reached if t_ms is not None), default=None)
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


def _newest_readable(records: Iterable[Record], kind: str) -> int | None:
    """The watermark that the newest of some records tells, of those that can be read."""
    found: int | None = None
    for record in records:
        try:
            if kind == codec.STATUS:
                told = codec.unpack_status(record.value, record.headers).watermark_ms
                found = found if told is None else told
            else:
                found = int(codec.unpack_heartbeats(record.value, record.headers).heartbeats.watermark_ms[-1])
        except PoisonError:
            continue
    return found


def _backwards(transport: Transport, partition: Partition) -> Iterator[Iterator[Record]]:
    """Parts of the newest records, the newest part first, each in the order of the log. None is held in memory."""
    oldest, until = transport.bounds(partition)
    step, read = FIRST_STEP, 0
    while until > oldest and read < MOST_RECORDS:
        begin = max(oldest, until - step)
        yield _up_to(transport.read(partition, begin), until)
        read += until - begin
        until, step = begin, step * 4


def _up_to(records: Iterator[Record], until: int) -> Iterator[Record]:
    return takewhile(lambda record: record.offset < until, records)
