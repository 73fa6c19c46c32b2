"""CSV: blocks of lines to columns. The fast way is Arrow's parser; a block in which anything is odd (a field too few, a
quote left open, a number that is none) goes line by line instead, and gives the same values.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from maritime.columns import Chunk
from maritime.errors import InputError
from maritime.sources.aliases import NULL_WORDS, NUMBER_FIELDS
from maritime.sources.blocks import Block
from maritime.sources.mapping import ColumnMapping
from maritime.sources.rejects import RejectBook
from maritime.sources.table import Column, TableDecoder
from maritime.sources.values import numbers

DELIMITERS: Final = (",", ";", "\t", "|")
BOM: Final = b"\xef\xbb\xbf"
_NULL_SPELLINGS: Final = sorted({form for w in NULL_WORDS for form in (w, w.upper(), w.title(), w.capitalize(), "NaN")})


def delimiter_of(header: bytes) -> str:
    """The delimiter that a header line has most of."""
    return max(DELIMITERS, key=lambda d: header.count(d.encode()))


def header_names(line: bytes, delimiter: str) -> list[str]:
    """The column names of a header line. Raises InputError where it cannot be split."""
    text = line.removeprefix(BOM).decode("utf-8", errors="replace").rstrip("\r\n").replace("\0", "")
    try:
        return [name.strip() for name in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:
        raise InputError(
            "has a header that is too long or ends with CR alone; end its lines with LF or CR LF"
        ) from None


class CsvReader:
    """Reads the blocks of one CSV file, whose first line that is not blank is its header."""

    def __init__(self, mapping: ColumnMapping, decoder: TableDecoder, rejects: RejectBook, *, mapped_too: bool) -> None:
        self._mapping = mapping
        self._decoder = decoder
        self._rejects = rejects
        self._mapped_too = mapped_too
        self._nulls = sorted({*_NULL_SPELLINGS, *mapping.nulls})
        self._delimiter = ","
        self._width = 0
        self._fields: dict[str, int] = {}

    def read(self, blocks: Iterator[Block]) -> Iterator[Chunk]:
        """Chunks of the rows of all blocks. Raises InputError when the header lacks a column that is needed."""
        for block in blocks:
            body = block if self._fields else self._behind_header(block)
            if body.text:
                yield self._chunk(body)

    def _behind_header(self, block: Block) -> Block:
        """Take the header off the front of a block; an empty block while only blank lines have come."""
        skipped, begin = 0, 0
        while begin < len(block.text):
            behind = block.text.find(b"\n", begin) + 1
            header = block.text[begin:behind]
            skipped, begin = skipped + 1, behind
            if header.strip(b"\r\n\t \0\xef\xbb\xbf"):
                self._delimiter = self._mapping.delimiter or delimiter_of(header)
                names = header_names(header, self._delimiter)
                self._width = len(names)
                self._fields = self._mapping.check(names, mapped_too=self._mapped_too)
                break
        return Block(block.first_line + skipped, block.text[begin:], block.lines - skipped)

    def _chunk(self, block: Block) -> Chunk:
        if block.text.count(b"\r") != block.text.count(b"\r\n"):  # Arrow would end a line there
            return self._chunk_by_line(block)
        try:
            columns, rows = self._fast(block.text)
        except pa.ArrowInvalid:
            return self._chunk_by_line(block)
        if rows != block.lines:  # blank lines, or a quote that swallowed some
            return self._chunk_by_line(block)
        lines = np.arange(block.first_line, block.first_line + rows, dtype=np.int64)
        return self._decoder.decode(columns, lines, _LineFinder(block.text))

    def _fast(self, text: bytes) -> tuple[dict[str, Column], int]:
        names = [str(i) for i in range(self._width)]
        table = pacsv.read_csv(
            pa.BufferReader(text),
            read_options=pacsv.ReadOptions(column_names=names, block_size=len(text) + 1),
            parse_options=pacsv.ParseOptions(delimiter=self._delimiter),
            convert_options=pacsv.ConvertOptions(
                include_columns=sorted({str(i) for i in self._fields.values()}),
                column_types={
                    str(i): pa.float64() if field in NUMBER_FIELDS else pa.binary() for field, i in self._fields.items()
                },
                null_values=self._nulls,
                strings_can_be_null=True,
                decimal_point=self._mapping.decimal,
                check_utf8=False,
            ),
        )
        columns: dict[str, Column] = {}
        for field, i in self._fields.items():
            column = table.column(str(i)).combine_chunks()
            column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
            columns[field] = column.to_numpy(zero_copy_only=False).copy() if field in NUMBER_FIELDS else column
        return columns, table.num_rows

    def _chunk_by_line(self, block: Block) -> Chunk:
        rows: list[list[str]] = []
        lines: list[int] = []
        texts: list[bytes] = []
        for line, ended in enumerate(block.text.split(b"\n")[:-1], block.first_line):
            text = ended.rstrip(b"\r")
            if not text.strip(b"\t \0"):
                continue
            fields = _fields_of(text, self._delimiter)
            if len(fields) != self._width:
                self._rejects.add(line, "wrong_field_count", text)
                continue
            rows.append(fields)
            lines.append(line)
            texts.append(text)
        columns = {field: self._column(field, [row[i] for row in rows]) for field, i in self._fields.items()}
        return self._decoder.decode(columns, np.array(lines, np.int64), texts.__getitem__)

    def _column(self, field: str, fields: Sequence[str]) -> Column:
        texts = [text.encode("latin-1") for text in fields]
        column = pa.array([None if self._is_null(text) else text for text in texts], pa.binary())
        return numbers(column, self._mapping.decimal) if field in NUMBER_FIELDS else column

    def _is_null(self, text: bytes) -> bool:
        return text.decode("latin-1") in self._nulls


class _LineFinder:
    """The bytes of one line of a block, looked for only when asked."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._ends: NDArray[np.int64] | None = None

    def __call__(self, row: int) -> bytes:
        if self._ends is None:
            self._ends = np.flatnonzero(np.frombuffer(self._text, np.uint8) == 10)
        begin = int(self._ends[row - 1]) + 1 if row else 0
        return self._text[begin : int(self._ends[row])].rstrip(b"\r")


def _fields_of(text: bytes, delimiter: str) -> list[str]:
    """The fields of one line, as Latin-1 so that every byte survives; none where it cannot be split."""
    try:
        return next(csv.reader(io.StringIO(text.decode("latin-1")), delimiter=delimiter), [])
    except csv.Error:
        return []
