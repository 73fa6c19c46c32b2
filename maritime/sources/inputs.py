"""Inputs: files and directories of any formats as one stream of chunks, in bounded memory. A bad file is told, not
raised, and the next one follows.
"""

import os
import re
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maritime.ais import layout
from maritime.ais.decoder import TYPES_WITH_ROWS
from maritime.columns import PROVENANCE_SCHEMA, Chunk, Reject, SourceTable
from maritime.errors import InputError, UsageError
from maritime.sources.blocks import BLOCK
from maritime.sources.expansion import BROKEN
from maritime.sources.kernels.rows import TIME_INVALID
from maritime.sources.mapping import ColumnMapping
from maritime.sources.members import Member, members
from maritime.sources.naming import shown
from maritime.sources.reading import MemberReader, ReadOptions
from maritime.sources.rejects import RejectBook
from maritime.sources.sniffer import check_format
from maritime.sources.statics import EMPTY_STATICS
from maritime.sources.table import REASONS
from maritime.units import DAY_MS

LOOK_BYTES: Final = 1 << 16  # chosen: some 600 rows tell whether a file is sorted by time or by vessel
_SLASHED_DATE: Final = re.compile(rb"\b[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}\b")
NO_TIME: Final = layout.REASONS[layout.NO_TIME_KNOWN]
UNKNOWN_MS: Final = -(2**62)
NOTHING_MS: Final = 2**62
EMPTY_POSITIONS: Final = pa.RecordBatch.from_pylist([], PROVENANCE_SCHEMA)


@dataclass(frozen=True, slots=True)
class InputFailure:
    """A whole input, a file or an archive member, that could not be read, or not to its end."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class InputRead:
    """What one file or archive member turned out to be, once it was read."""

    file: str
    container: str  # "plain", "gz", "zip/gz", "parquet", …
    format: str  # a name of maritime.sources.sniffer.FORMATS, or "unknown"
    positions: int
    statics: int
    rejects: int
    message_counts: tuple[int, ...]  # by type 0–27; 0 = the format does not tell it


class Inputs:
    """The chunks of files and directories; directories are searched through and through, sorted by name.

    `format` forces one of `maritime.sources.sniffer.FORMATS`, `mapping` tells the columns of tables, `start_ms` is when
    a log without times begins, and rows after `newest_ms` are refused (None = none is). `results` are the files about
    to be written: what an earlier run left of them in a directory is no input. Raises UsageError for a format that does
    not exist, and for an input that is one of the results. Iterating never raises for a bad file: it is listed in
    `failures`, which begin anew with each iteration, as `reads` and `reject_counts` do.
    """

    def __init__(
        self,
        paths: Sequence[Path | str],
        sources: SourceTable,
        *,
        format: str | None = None,
        mapping: ColumnMapping | None = None,
        start_ms: int | None = None,
        newest_ms: int | None = None,
        results: Collection[Path] = (),
        block_bytes: int = BLOCK,
    ) -> None:
        check_format(format)
        self._results = {os.path.realpath(path): path for path in results}
        self._sources = sources
        self._options = ReadOptions(format, mapping, start_ms, newest_ms, block_bytes)
        self.failures: list[InputFailure] = []
        self._unsearched: list[InputFailure] = []  # directories, known before anything is read
        self.reject_counts: Counter[str] = Counter()
        self.reads: list[InputRead] = []
        self._at = 0  # the file being read
        self._floors: NDArray[np.int64] | None = None  # by file: the earliest time that it or a later one begins with
        self.files: list[Path] = list(dict.fromkeys(file for path in paths for file in self._files_at(Path(path))))
        self.failures += self._unsearched
        self.total_bytes: int = sum(_size(file) for file in self.files)

    def _files_at(self, path: Path) -> Iterator[Path]:
        if not os.path.isdir(path):  # unlike Path.is_dir it does not raise where the way there is barred
            if os.path.realpath(path) in self._results:
                raise UsageError(f"{shown(path)} is an input and would be overwritten; write to another place")
            yield path
            return
        found = False
        searched: set[tuple[int, int]] = set()  # links may lead back to where they are
        for folder, folders, names in os.walk(path, onerror=self._unreadable, followlinks=True):
            place = _place_of(folder)
            if place in searched:
                folders.clear()
                continue
            searched.add(place)
            folders.sort()
            for name in sorted(names):
                if not name.startswith(".") and os.path.realpath(Path(folder) / name) not in self._results:
                    found = True
                    yield Path(folder) / name
        if not found:
            self._unsearched.append(InputFailure(shown(path), "is a directory without files"))

    def _unreadable(self, error: OSError) -> None:
        self._unsearched.append(InputFailure(shown(error.filename), _reason(error)))

    def __iter__(self) -> Iterator[Chunk]:
        self.failures[:] = self._unsearched
        self.reject_counts.clear()
        self.reads.clear()
        for at, file in enumerate(self.files):
            self._at = at
            yield from self._file(file)

    def _file(self, path: Path) -> Iterator[Chunk]:
        told = 0
        try:
            for member in members(path):
                with closing(self._member(path, member)) as chunks:
                    for chunk in chunks:
                        self.reject_counts.update(chunk.reject_counts)
                        consumed = min(member.consumed(), _size(path)) if member.container != "parquet" else 0
                        bytes_read = chunk.bytes_read if member.container == "parquet" else max(0, consumed - told)
                        told += bytes_read
                        yield replace(chunk, bytes_read=bytes_read)
        except BROKEN as error:
            self.failures.append(InputFailure(shown(path), _reason(error)))
        if told < _size(path):  # what archives hold beside their members, or what could not be read
            yield Chunk(shown(path), EMPTY_POSITIONS, EMPTY_STATICS, bytes_read=_size(path) - told)

    def _member(self, path: Path, member: Member) -> Generator[Chunk, None, None]:
        reader = MemberReader(member, path, self._sources, self._options, RejectBook(member.file))
        rows: Counter[str] = Counter()
        first_refused = ""
        for chunk in self._to_its_end(reader):
            rows.update(positions=chunk.positions.num_rows, statics=chunk.statics.num_rows)
            rows.update(rejects=sum(chunk.reject_counts.values()))
            if chunk.rejects and not first_refused:
                first_refused = _told(chunk.rejects[0])
            yield chunk
        format = reader.finding.format if reader.finding is not None else "unknown"
        messages = tuple(reader.message_counts.tolist())
        self.reads.append(
            InputRead(
                member.file, member.container, format, rows["positions"], rows["statics"], rows["rejects"], messages
            )
        )
        others = sum(count for kind, count in enumerate(messages) if kind not in TYPES_WITH_ROWS)
        if rows["rejects"] and not rows["positions"] and not rows["statics"] and not others:
            reason = f"holds no usable row: all {rows['rejects']} were refused, the first in {first_refused}"
            self.failures.append(InputFailure(member.file, reason))

    def _to_its_end(self, reader: MemberReader) -> Iterator[Chunk]:
        """The chunks of a member, then what its end or its break still gave; a break is noted."""
        try:
            yield from reader.chunks()
        except BROKEN as error:
            self.failures.append(InputFailure(reader.member.file, _reason(error)))
        kept, counts = reader.rejects.page()
        if counts:
            yield Chunk(reader.member.file, EMPTY_POSITIONS, EMPTY_STATICS, None, kept, 0, counts)

    def floor_ms(self, lateness_ms: int) -> int | None:
        """No report still to come is expected to be older than this; None when nothing can be said."""
        if len(self.files) < 2:
            return None
        if self._floors is None:
            earliest = [_earliest(file, self._options, lateness_ms) for file in self.files]
            self._floors = np.minimum.accumulate(np.array(earliest, np.int64)[::-1])[::-1]
        floor_ms = int(self._floors[min(self._at, len(self.files) - 1)])
        return floor_ms - DAY_MS if floor_ms > UNKNOWN_MS else None


def _earliest(path: Path, options: ReadOptions, lateness_ms: int) -> int:
    """The oldest time among a file's first rows, if these are in order; UNKNOWN_MS if not, NOTHING_MS without rows."""
    earliest_ms = NOTHING_MS
    sources = SourceTable()
    try:
        for member in members(path):
            reader = MemberReader(member, path, sources, replace(options, block_bytes=LOOK_BYTES), RejectBook(""))
            with closing(reader.chunks()) as chunks:
                t_ms = next((c.positions["t"].to_numpy() for c in chunks if c.positions.num_rows), None)
            if t_ms is None:
                continue
            if (np.maximum.accumulate(t_ms) - t_ms).max() > lateness_ms:
                return UNKNOWN_MS
            earliest_ms = min(earliest_ms, int(t_ms.min()))
    except BROKEN:
        return UNKNOWN_MS if _size(path) else NOTHING_MS
    return earliest_ms


def _place_of(folder: str) -> tuple[int, int]:
    """What tells a directory from all others, by whichever way it was come to."""
    try:
        found = os.stat(folder)
    except OSError:
        return 0, 0  # it has just vanished
    return found.st_dev, found.st_ino


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _told(reject: Reject) -> str:
    """Where and why a row was refused, and what may help."""
    text = f"line {reject.line} for {reject.reason}: {reject.content[:80]!r}"
    if reject.reason == REASONS[TIME_INVALID] and _SLASHED_DATE.search(reject.content):
        text += "; say in a mapping whether days or months come first (time: {format: day_first} or month_first)"
    if reject.reason == NO_TIME:
        text += "; say with --start when the log begins"
    return text


def _reason(error: Exception) -> str:
    """Why an input could not be read, as a sentence that begins behind its name."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror}); check the path and its permissions"
    return f"cannot be read to its end ({' '.join(str(error).split())}); get the file again"
