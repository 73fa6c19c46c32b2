"""Aligner: reports of several sources in, the same reports in time order out.

Sources run ahead of each other. The watermark follows the newest report, so a source that is behind would find its
reports late; so reports are held until every live source has reached their time. Nobody is waited for longer than
`hold_s`: a source further behind than that is covered by the allowed lateness, or needs a longer hold. A source without
a report for `idle_s` is idle and not waited for; with one live source nothing is held at all.

No clock: the wall time is handed in.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maritime.columns import CLOCK_SCHEMA, PROVENANCE_SCHEMA, STATIC_SCHEMA, Chunk
from maritime.times import NEVER

HOLD_S: Final = 5.0  # chosen: the part of the latency that alignment may take
IDLE_S: Final = 60.0  # chosen: a moored class A reports every 3 min, so a source near any traffic says more
MOST_ROWS: Final = 100_000  # chosen: held of one source, some 7 MB; five seconds of 20,000 reports/s
AHEAD_MS: Final = 60_000  # chosen: a stamp further ahead of the wall clock says nothing of how far its source is


class Aligned(NamedTuple):
    """Reports that nobody is waited for any more; see maritime.columns for the schemas."""

    positions: pa.RecordBatch  # PROVENANCE_SCHEMA
    statics: pa.RecordBatch  # STATIC_SCHEMA
    clock: pa.RecordBatch  # CLOCK_SCHEMA

    @property
    def rows(self) -> int:
        """How many reports and static reports these are."""
        return int(self.positions.num_rows + self.statics.num_rows + self.clock.num_rows)


NOTHING: Final = Aligned(
    *(pa.RecordBatch.from_pylist([], schema) for schema in (PROVENANCE_SCHEMA, STATIC_SCHEMA, CLOCK_SCHEMA))
)


class _Held(NamedTuple):
    came_ms: int  # wall time
    rows: Aligned


@dataclass(slots=True)
class _Source:
    last_ms: int  # wall time of its newest report, or of when it began
    frontier_ms: int = NEVER  # event time that it has reached
    has_ended: bool = False
    held: list[_Held] = field(default_factory=list)
    held_rows: int = 0


class Aligner:
    """One for all sources of an ingester. `most_rows` bounds what is held of each, together with `has_room`."""

    def __init__(self, *, hold_s: float = HOLD_S, idle_s: float = IDLE_S, most_rows: int = MOST_ROWS) -> None:
        self._hold_ms = hold_s * 1000.0
        self._idle_ms = idle_s * 1000.0
        self._most_rows = most_rows
        self._sources: dict[str, _Source] = {}

    @property
    def held_rows(self) -> int:
        """How many rows wait."""
        return sum(source.held_rows for source in self._sources.values())

    def open(self, name: str, now_ms: int) -> None:
        """A source begins; until it is idle it is waited for."""
        self._sources[name] = _Source(now_ms)

    def end(self, name: str) -> None:
        """A source has come to its end; what it gave is still held for the others."""
        self._sources[name].has_ended = True

    def has_room(self, name: str) -> bool:
        """Whether more may be taken of a source; if not, it must be left unread for now."""
        return self._sources[name].held_rows < self._most_rows

    def is_idle(self, name: str, now_ms: int) -> bool:
        """Whether a source is not waited for: silent for long, or at its end."""
        source = self._sources[name]
        return source.has_ended or now_ms - source.last_ms > self._idle_ms

    def take(self, name: str, chunk: Chunk, now_ms: int) -> None:
        """Take the rows of a chunk; its rejects are not the aligner's."""
        rows = Aligned(chunk.positions, chunk.statics, NOTHING.clock if chunk.clock is None else chunk.clock)
        if not rows.rows:
            return
        source = self._sources[name]
        source.last_ms = max(source.last_ms, now_ms)
        t_ms = _times(rows)
        believed = t_ms[t_ms <= now_ms + AHEAD_MS]
        source.frontier_ms = max(source.frontier_ms, int(believed.max(initial=NEVER)))
        source.held.append(_Held(now_ms, rows))
        source.held_rows += rows.rows

    def release(self, now_ms: int) -> Aligned:
        """The rows whose turn has come, by time; those of a single source as they came."""
        waited_for = [source for name, source in self._sources.items() if not self.is_idle(name, now_ms)]
        if len(waited_for) <= 1:
            return self.drain()
        until_ms = min(source.frontier_ms for source in waited_for)
        for source in self._sources.values():
            for held in source.held:
                if now_ms - held.came_ms >= self._hold_ms or held.came_ms > now_ms:  # or the clock was put back
                    until_ms = max(until_ms, int(_times(held.rows).max()))
        return self._up_to(until_ms)

    def drain(self) -> Aligned:
        """All rows that are held."""
        return self._up_to(None)

    def _up_to(self, until_ms: int | None) -> Aligned:
        taken: list[Aligned] = []
        givers = 0
        for source in self._sources.values():
            given = len(taken)
            stays: list[_Held] = []
            for held in source.held:
                ready, rest = (held.rows, NOTHING) if until_ms is None else _split(held.rows, until_ms)
                if ready.rows:
                    taken.append(ready)
                if rest.rows:
                    stays.append(_Held(held.came_ms, rest))
            source.held = stays
            source.held_rows = sum(held.rows.rows for held in stays)
            givers += len(taken) > given
        return joined(taken, by_time=givers > 1)


def joined(parts: list[Aligned], *, by_time: bool = False) -> Aligned:
    """Rows one part after the other, or by time; rows of one time as they stand."""
    if not parts:
        return NOTHING
    batches = []
    for column in zip(*parts, strict=True):
        batch = column[0] if len(column) == 1 else pa.concat_batches(column)
        t_ms = batch["t"].to_numpy()
        if by_time and (t_ms[1:] < t_ms[:-1]).any():
            batch = batch.take(pa.array(np.argsort(t_ms, kind="stable")))
        batches.append(batch)
    return Aligned(*batches)


def _times(rows: Aligned) -> NDArray[np.int64]:
    return np.concatenate([batch["t"].to_numpy() for batch in rows])


def _split(rows: Aligned, until_ms: int) -> tuple[Aligned, Aligned]:
    """The rows up to a time, and the others."""
    ready, rest = [], []
    for batch in rows:
        up_to = batch["t"].to_numpy() <= until_ms
        ready.append(batch if up_to.all() else batch.filter(pa.array(up_to)))
        rest.append(batch.slice(0, 0) if up_to.all() else batch.filter(pa.array(~up_to)))
    return Aligned(*ready), Aligned(*rest)
