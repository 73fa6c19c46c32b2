"""Decode: AIS files into columns on disk, every report with the file and line that it came from."""

import json
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from maritime.ais.messages import decode_all
from maritime.alerts.output import whole_files
from maritime.alerts.writers.rejects import RejectFile
from maritime.columns import POSITION_SCHEMA, STATIC_SCHEMA, Chunk, SourceTable
from maritime.sources import nmea
from maritime.sources.expansion import BROKEN
from maritime.sources.inputs import Inputs
from maritime.sources.mapping import ColumnMapping
from maritime.sources.members import members
from maritime.sources.naming import shown
from maritime.sources.reading import start_in_names

ROWS_PER_GROUP: Final = 1 << 18
SOURCES_KEY: Final = "sources"

DECODED_SCHEMA: Final = POSITION_SCHEMA.append(pa.field("file", pa.dictionary(pa.int32(), pa.string()))).append(
    pa.field("line", pa.int64(), nullable=False)
)
"""A PositionBatch with the file and line of each report. The names of the `source` codes are in the Parquet file's
metadata, key `sources`, one per line in the order of their codes."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was decoded."""

    positions: int
    statics: int
    messages: int | None  # of every type; None = not asked for
    sources: int  # receivers and feeds that were named
    rejects: dict[str, int]  # by reason
    inputs: tuple[str, ...]
    failures: tuple[dict[str, str], ...]  # inputs that could not be read to their end

    def to_dict(self) -> dict[str, Any]:
        """The counts as plain values for JSON."""
        return {
            "positions": self.positions,
            "statics": self.statics,
            "messages": self.messages,
            "sources": self.sources,
            "rejects": self.rejects,
            "inputs": list(self.inputs),
            "failures": list(self.failures),
        }


def decode_files(
    paths: Sequence[Path | str],
    out: Path,
    *,
    static: Path | None = None,
    messages: Path | None = None,
    rejects: Path | None = None,
    format: str | None = None,
    mapping: ColumnMapping | None = None,
    start_ms: int | None = None,
    newest_ms: int | None = None,
) -> Decoded:
    """Write the position reports of AIS files as Parquet to `out`; static reports, every message of NMEA inputs as JSON
    lines, and rejects where asked for.

    The files appear together, or none of them. Inputs that cannot be read to their end are listed in `failures`, with
    what was read of them kept. Raises OutputError when a file cannot be written, UsageError when two are the same or
    one is an input.
    """
    sources = SourceTable()
    refused: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    wanted = [path for path in (out, static, messages, rejects) if path]
    inputs = Inputs(
        paths, sources, format=format, mapping=mapping, start_ms=start_ms, newest_ms=newest_ms, results=wanted
    )
    with whole_files(*wanted) as partials, ExitStack() as files:
        partial = dict(zip(wanted, partials, strict=True))
        positions = files.enter_context(_ParquetFile(partial[out], DECODED_SCHEMA))
        statics = files.enter_context(_ParquetFile(partial[static], STATIC_SCHEMA)) if static else None
        kept = files.enter_context(closing(RejectFile(partial[rejects]))) if rejects else None
        for chunk in inputs:
            counted["positions"] += chunk.positions.num_rows
            counted["statics"] += chunk.statics.num_rows
            refused.update(chunk.reject_counts)
            positions.write(_with_file(chunk))
            if statics:
                statics.write(chunk.statics)
            if kept:
                kept.add(chunk.rejects, chunk.reject_counts)
        if messages:
            with partial[messages].open("w", encoding="utf-8") as lines:
                for message in _messages(inputs, start_ms):
                    lines.write(json.dumps(message, ensure_ascii=False) + "\n")
                    counted["messages"] += 1
        positions.describe({SOURCES_KEY: "\n".join(sources.name(code) for code in range(len(sources)))})
    return Decoded(
        positions=counted["positions"],
        statics=counted["statics"],
        messages=counted["messages"] if messages else None,
        sources=len(sources) - 1,
        rejects=dict(sorted(refused.items())),
        inputs=tuple(shown(file) for file in inputs.files),
        failures=tuple({"file": failure.file, "reason": failure.reason} for failure in inputs.failures),
    )


def _messages(inputs: Inputs, start_ms: int | None) -> Iterator[dict[str, Any]]:
    """Every message of the inputs that turned out to be NMEA; what breaks was told when the positions were read."""
    sentences = {read.file for read in inputs.reads if read.format == nmea.NAME}
    for source in inputs.files:
        with suppress(*BROKEN):
            for member in members(source):
                if member.file not in sentences:
                    deque(member.pieces, maxlen=0)
                    continue
                begins_ms = start_ms or start_in_names(member, source)
                yield from decode_all(member.pieces, file=member.file, start_ms=begins_ms)


class _ParquetFile:
    """A Parquet file written in row groups of at least some hundred thousand rows, whatever the size of the chunks."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._rows += batch.num_rows
        if self._rows >= ROWS_PER_GROUP:
            self._flush()

    def describe(self, metadata: dict[str, str]) -> None:
        self._writer.add_key_value_metadata(metadata)

    def __enter__(self) -> "_ParquetFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_batches(self._batches, self._schema).unify_dictionaries())
        self._batches, self._rows = [], 0


def _with_file(chunk: Chunk) -> pa.RecordBatch:
    batch = chunk.positions
    file = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), batch.num_rows), pa.array([chunk.file]))
    columns = [file if name == "file" else batch[name] for name in DECODED_SCHEMA.names]
    return pa.RecordBatch.from_arrays(columns, schema=DECODED_SCHEMA)
