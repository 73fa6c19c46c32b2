"""Parquet and GeoParquet: row groups to columns."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from maritime.columns import Chunk
from maritime.errors import InputError
from maritime.sources.aliases import NUMBER_FIELDS
from maritime.sources.expansion import Allowance
from maritime.sources.mapping import ColumnMapping
from maritime.sources.table import Column, TableDecoder
from maritime.sources.values import as_texts, numbers, timestamps

BATCH_ROWS = 1 << 16  # chosen: a few MB of columns at a time


def parquet_header(path: Path) -> list[str]:
    """The names of a Parquet file's columns. Raises OSError, pyarrow.ArrowException or InputError."""
    try:
        return list(pq.read_schema(path).names)
    except UnicodeDecodeError as error:
        raise InputError(f"has a column whose name is no text ({error}); get the file again") from None


def read_parquet(path: Path, mapping: ColumnMapping, decoder: TableDecoder, *, mapped_too: bool) -> Iterator[Chunk]:
    """Chunks of a Parquet file; a row's number stands for its line. Raises InputError when a column is missing."""
    with pq.ParquetFile(path) as file:
        names = list(file.schema_arrow.names)
        fields = mapping.check(names, mapped_too=mapped_too)
        size, rows_total = path.stat().st_size, max(1, file.metadata.num_rows)
        allowance = Allowance(lambda: size)
        row = 0
        for batch in file.iter_batches(BATCH_ROWS, columns=sorted({names[i] for i in fields.values()})):
            allowance.take(batch.nbytes)
            columns = {field: _column(field, batch.column(names[i]), mapping) for field, i in fields.items()}
            lines = np.arange(row + 1, row + 1 + batch.num_rows, dtype=np.int64)
            bytes_read = size * (row + batch.num_rows) // rows_total - size * row // rows_total
            yield decoder.decode(columns, lines, _RowText(batch), bytes_read)
            row += batch.num_rows


def _column(field: str, column: pa.Array, mapping: ColumnMapping) -> Column:
    if field == "t" and pa.types.is_timestamp(column.type):
        return timestamps(column, mapping.time.zone)
    if field not in NUMBER_FIELDS:
        return as_texts(column)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values: Column = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).copy()
        return values
    return numbers(as_texts(column), mapping.decimal)


class _RowText:
    """The values of one row of a batch as bytes, for its reject."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __call__(self, row: int) -> bytes:
        return ",".join(_shown(column[row]) for column in self._batch.columns).encode()


def _shown(value: pa.Scalar) -> str:
    """A value as Python writes it, or else what it is made of: a text of no encoding, a time of no calendar."""
    try:
        return str(value.as_py())
    except UnicodeDecodeError:
        return str(value.as_buffer().to_pybytes())
    except (OverflowError, ValueError):
        return f"{value.cast(pa.int64()).as_py()} ({value.type})"
