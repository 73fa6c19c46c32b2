"""Everything that inputs give, as plain Python."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from maritime.columns import Chunk, Reject, SourceTable
from maritime.sources.inputs import InputFailure, InputRead, Inputs

SHARED = Path(os.environ.get("MARITIME_SHARED_DIR", Path(__file__).parents[3] / "shared")) / "data"


def shared(name: str) -> Path:
    """A file of real data; skips the test where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"real data file {name} is not at {SHARED}; set MARITIME_SHARED_DIR")
    return path


@dataclass
class Gathered:
    rows: list[dict[str, Any]] = field(default_factory=list)
    statics: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    bytes_read: int = 0
    sources: list[str] = field(default_factory=list)
    failures: list[InputFailure] = field(default_factory=list)
    reads: list[InputRead] = field(default_factory=list)
    total_bytes: int = 0

    def add(self, chunks: Iterable[Chunk]) -> "Gathered":
        for chunk in chunks:
            chunk.positions.validate(full=True)
            chunk.statics.validate(full=True)
            self.rows += [{**row, "file": chunk.file} for row in _none_for_nan(chunk.positions.to_pylist())]
            self.statics += chunk.statics.to_pylist()
            self.rejects += chunk.rejects
            self.counts.update(chunk.reject_counts)
            self.bytes_read += chunk.bytes_read
        return self


def gather(*paths: Path | str, **options: Any) -> Gathered:
    """Read inputs to their end."""
    table = SourceTable()
    inputs = Inputs(paths, table, **options)
    gathered = Gathered().add(inputs)
    gathered.sources = [table.name(row["source"]) for row in gathered.rows]
    gathered.failures, gathered.reads, gathered.total_bytes = inputs.failures, inputs.reads, inputs.total_bytes
    assert inputs.reject_counts == gathered.counts
    return gathered


def _none_for_nan(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: None if v != v else v for k, v in row.items()} for row in rows]
