"""One stream of bytes to chunks: the sniffer's finding put to work."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maritime.ais import layout
from maritime.ais.decoder import Decoder
from maritime.columns import Chunk, SourceTable
from maritime.sources import aiscatcher, digitraffic, nmea
from maritime.sources.blocks import BLOCK, Block, line_blocks
from maritime.sources.csv_table import CsvReader
from maritime.sources.expansion import BROKEN
from maritime.sources.json_records import Record, RecordReader, as_it_is, document_records, records
from maritime.sources.mapping import ColumnMapping
from maritime.sources.members import Member
from maritime.sources.parquet_table import parquet_header, read_parquet
from maritime.sources.rejects import RejectBook
from maritime.sources.sniffer import HEAD, Finding, sniff, sniff_columns
from maritime.sources.table import MESSAGE_TYPES, OLDEST_MS, TableDecoder
from maritime.times import LAST_MS

UNKNOWN_SENTENCE: Final = layout.REASONS[layout.UNKNOWN_SENTENCE]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a caller may know about the inputs beforehand; None = nothing."""

    format: str | None = None
    mapping: ColumnMapping | None = None
    start_ms: int | None = None  # when a log without times begins
    newest_ms: int | None = None  # rows after it are refused
    block_bytes: int = BLOCK


@dataclass(slots=True)
class MemberReader:
    """Reads one file or archive member; `finding` and `message_counts` tell about it afterwards."""

    member: Member
    path: Path
    sources: SourceTable
    options: ReadOptions
    rejects: RejectBook
    finding: Finding | None = None
    message_counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MESSAGE_TYPES + 1, np.int64))

    def chunks(self) -> Generator[Chunk, None, None]:
        """The chunks in file order. Raises one of BROKEN, after everything that could be read."""
        pieces: Iterator[bytes] = iter(())
        if self.member.container == "parquet":
            names = parquet_header(self.path)
            self.finding = sniff_columns(names, format=self.options.format, mapping=self.options.mapping)
        else:
            head, pieces = _head(self.member.pieces)
            self.finding = sniff(head, format=self.options.format, mapping=self.options.mapping)
        if self.finding.layout is None:
            yield from self._sentences(pieces)
        else:
            yield from self._table(self.finding, self.finding.layout.mapping, pieces)

    def _decoder(self, feed: str) -> Decoder:
        start_ms = self.options.start_ms or start_in_names(self.member, self.path)
        decoder = Decoder(
            self.sources,
            file=self.member.file,
            start_ms=start_ms,
            oldest_ms=OLDEST_MS,
            newest_ms=LAST_MS if self.options.newest_ms is None else self.options.newest_ms,
            feed=feed,
        )
        decoder.message_counts = self.message_counts
        return decoder

    def _sentences(self, pieces: Iterator[bytes]) -> Iterator[Chunk]:
        yield from nmea.read_nmea(pieces, self._decoder(nmea.NAME))

    def _table(self, finding: Finding, mapping: ColumnMapping, pieces: Iterator[bytes]) -> Iterator[Chunk]:
        decoder = TableDecoder(
            mapping, self.sources, self.rejects, file=self.member.file, newest_ms=self.options.newest_ms
        )
        decoder.message_counts = self.message_counts
        if finding.carrier == "parquet":
            yield from read_parquet(self.path, mapping, decoder, mapped_too=self._is_mapped)
        elif finding.carrier == "csv":
            yield from CsvReader(mapping, decoder, self.rejects, mapped_too=self._is_mapped).read(self._blocks(pieces))
        else:
            reader = RecordReader(mapping, decoder)
            pages = self._pages(finding, pieces)
            if finding.layout is aiscatcher.LAYOUT:
                yield from self._aiscatcher(reader, pages)
            else:
                yield from map(reader.chunk, pages)

    def _pages(self, finding: Finding, pieces: Iterator[bytes]) -> Iterator[list[Record]]:
        unpack = digitraffic.unpacked if finding.layout is digitraffic.LAYOUT else as_it_is
        if finding.carrier == "json document":
            return document_records(pieces, unpack)
        return (records(block, self.rejects, digitraffic.off_topic, unpack) for block in self._blocks(pieces))

    def _aiscatcher(self, reader: RecordReader, pages: Iterator[list[Record]]) -> Iterator[Chunk]:
        decoder = self._decoder(aiscatcher.LAYOUT.name)
        for page in pages:
            for record in page:
                for _ in range(aiscatcher.unread_sentences(record)):
                    self.rejects.add(record.line, UNKNOWN_SENTENCE, record.content)
            for first_line, run in aiscatcher.tagged_runs(page):
                decoder.go_to_line(first_line)
                yield decoder.feed(run)
            yield reader.chunk([record for record in page if not aiscatcher.has_sentences(record)])
        yield decoder.finish()

    @property
    def _is_mapped(self) -> bool:
        return self.options.mapping is not None

    def _blocks(self, pieces: Iterator[bytes]) -> Iterator[Block]:
        return line_blocks(pieces, self.rejects, size=self.options.block_bytes)


def start_in_names(member: Member, path: Path) -> int | None:
    """When an untimed log begins by its own name, or else by that of the archive that holds it, in ms UTC; or None."""
    name = member.file.rpartition("!")[2]
    return nmea.start_in_name(Path(name).name) or nmea.start_in_name(path.name)


def _head(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of a stream, and the whole stream again. A break is left for whoever reads on."""
    held: list[bytes] = []
    size = 0
    broken: Exception | None = None
    try:
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size >= HEAD:
                break
    except BROKEN as error:
        if not size:
            raise
        broken = error
    return b"".join(held)[:HEAD], _again(held, pieces, broken)


def _again(held: list[bytes], pieces: Iterator[bytes], broken: Exception | None) -> Iterator[bytes]:
    yield from held
    held.clear()
    if broken is not None:
        raise broken
    yield from pieces
