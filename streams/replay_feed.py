"""Files into the log, as `maritime replay` would read them: same reader, same order, same heartbeats of event time.

Detectors that read the log then find the alerts that a replay of the files finds.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from maritime.alerts.recorder import CLOCK_AHEAD
from maritime.columns import Chunk
from maritime.detect.heartbeat import HeartbeatMaker, Heartbeats
from maritime.detect.settings import DetectSettings
from maritime.sources.inputs import InputFailure, Inputs
from maritime.sources.mapping import ColumnMapping
from maritime.sources.ordering import in_time_order
from maritime.sources.span import check_span, within
from maritime.sources.statics import EMPTY_STATICS
from streams import codec
from streams.ingest.resume import resumed
from streams.log_writer import REPLAY_ROWS, LogWriter
from streams.source_names import SourceNames
from streams.transport import Transport

SLICE_ROWS: Final = 5_000  # chosen: of one transaction where the speed is kept, so that time does not move in jumps
CHUNK_ROWS: Final = 1 << 16  # the most rows of one transaction; what maritime.sources.ordering gives at once


@dataclass(slots=True)
class Fed:
    """What was written so far."""

    reports: int = 0
    statics: int = 0
    heartbeats: int = 0
    refused_ahead: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    failures: list[InputFailure] = field(default_factory=list)
    bytes_read: int = 0
    bytes_total: int = 0
    first_ms: int | None = None  # first heartbeat: where event time begins …
    watermark_ms: int | None = None  # … and what it has reached


def feed(paths: Sequence[Path | str], transport: Transport, **options: Any) -> Fed:
    """Write AIS files and directories into the log to their end; options as for `feeding`."""
    fed = Fed()
    for fed in feeding(paths, transport, **options):  # noqa: B007 - the last one is wanted
        pass
    return fed


def feeding(
    paths: Sequence[Path | str],
    transport: Transport,
    *,
    settings: DetectSettings | None = None,
    format: str | None = None,
    mapping: ColumnMapping | None = None,
    start_ms: int | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    newest_ms: int | None = None,
    most_rows: int = REPLAY_ROWS,
    chunk_rows: int = CHUNK_ROWS,
    spill_dir: Path | None = None,
) -> Iterator[Fed]:
    """Write AIS files and directories into the log, a transaction at a step; yields the counts after each.

    Settings and times are those of `maritime.replay.replay`. `most_rows` is the size of a micro-batch, `chunk_rows` of
    a transaction. An input that cannot be read is listed in `failures`, and the others are used. In a log that has been
    written to, sources keep their codes, and heartbeats of times that it has reached are not repeated.
    """
    check_span(from_ms, to_ms)
    settings = settings or DetectSettings()
    before = resumed(transport)
    sources = SourceNames()
    sources.learn(before.names)  # codes mean what the log says they mean
    inputs = Inputs(paths, sources, format=format, mapping=mapping, start_ms=start_ms, newest_ms=newest_ms)
    heartbeats = HeartbeatMaker(settings.time, settings.clocks)
    writer = LogWriter(transport, sources, most_rows=most_rows)
    fed = Fed(failures=inputs.failures)
    chunks = in_time_order(inputs, lateness_ms=round(settings.time.lateness_s * 1000), spill_dir=spill_dir)
    for chunk in _sliced(within(chunks, from_ms, to_ms), chunk_rows):
        beats = heartbeats.feed(chunk.positions, chunk.clock)
        believed, ahead = heartbeats.believed(chunk.positions)
        writer.reports(believed, chunk.statics)
        writer.heartbeats(_after(beats, before.watermark_ms))
        writer.rejects(chunk.rejects)
        writer.refused([ahead] if ahead else [], CLOCK_AHEAD)
        writer.commit()
        if len(beats):
            fed.watermark_ms = int(beats.watermark_ms[-1])
            fed.first_ms = int(beats.watermark_ms[0]) if fed.first_ms is None else fed.first_ms
        fed.bytes_total = inputs.total_bytes
        fed.rejects.update(chunk.reject_counts)
        fed.refused_ahead += ahead.num_rows if ahead else 0
        fed.bytes_read += chunk.bytes_read
        yield _counted(fed, writer)
    writer.heartbeats(_after(heartbeats.finish(), before.watermark_ms))
    writer.commit()
    yield _counted(fed, writer)


def pause_s(fed: Fed, speed: float | None, elapsed_s: float) -> float:
    """How long to wait before going on, so that event time passes at `speed` against wall time; None = do not wait."""
    if speed is None or fed.first_ms is None or fed.watermark_ms is None:
        return 0.0
    return max(0.0, (fed.watermark_ms - fed.first_ms) / 1000.0 / speed - elapsed_s)


def _after(beats: Heartbeats, watermark_ms: int | None) -> Heartbeats:
    passed = 0 if watermark_ms is None else int(np.searchsorted(beats.watermark_ms, watermark_ms, "right"))
    return codec.between(beats, passed, len(beats)) if passed else beats


def _counted(fed: Fed, writer: LogWriter) -> Fed:
    fed.reports, fed.statics, fed.heartbeats = writer.rows, writer.static_rows, writer.heartbeats_written
    return fed


def _sliced(chunks: Iterable[Chunk], most_rows: int) -> Iterator[Chunk]:
    """Chunks of no more reports than that; everything else of a chunk comes with its first slice."""
    for chunk in chunks:
        yield replace(chunk, positions=chunk.positions.slice(0, most_rows))
        for begin in range(most_rows, chunk.positions.num_rows, most_rows):
            yield Chunk(chunk.file, chunk.positions.slice(begin, most_rows), EMPTY_STATICS)
