"""A span of time: reports before and after it are left out."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from maritime.columns import Chunk
from maritime.errors import UsageError
from maritime.times import to_rfc3339


def check_span(from_ms: int | None, to_ms: int | None) -> None:
    """Raise UsageError when a span ends before it begins; None is open."""
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        span = f"from {to_rfc3339(from_ms)} to {to_rfc3339(to_ms)}"
        raise UsageError(f"no time lies {span}; let the span end after it begins")


def within(chunks: Iterable[Chunk], from_ms: int | None, to_ms: int | None) -> Iterator[Chunk]:
    """Chunks with only the reports in `[from_ms, to_ms)`; who a vessel is may be told earlier."""
    if from_ms is None and to_ms is None:
        yield from chunks
        return
    for chunk in chunks:
        positions, statics = _rows(chunk.positions, from_ms, to_ms), _rows(chunk.statics, None, to_ms)
        yield replace(chunk, positions=positions, statics=statics)


def _rows(batch: pa.RecordBatch, from_ms: int | None, to_ms: int | None) -> pa.RecordBatch:
    if from_ms is not None:
        batch = batch.filter(pc.greater_equal(batch["t"], from_ms))
    if to_ms is not None:
        batch = batch.filter(pc.less(batch["t"], to_ms))
    return batch
