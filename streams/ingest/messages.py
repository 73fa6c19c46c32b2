"""MessageDecoder: JSON messages of a live source into chunks, with the readers of maritime.sources."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Final

from maritime.ais import layout as sentence_layout
from maritime.columns import Chunk, SourceTable
from maritime.sources import aiscatcher, digitraffic
from maritime.sources.blocks import Block
from maritime.sources.json_records import Json, Record, RecordReader, as_it_is, records
from maritime.sources.layout import Layout
from maritime.sources.rejects import RejectBook
from maritime.sources.table import TableDecoder
from streams.ingest.sentences import KEEPS_ALL, SentenceDecoder

LARGEST_MESSAGE: Final = 64 * 1024  # bytes; chosen: the largest AIS message as JSON is some 2 KiB
UNKNOWN_SENTENCE: Final = sentence_layout.REASONS[sentence_layout.UNKNOWN_SENTENCE]

Peel = Callable[[bytes], tuple[bytes, Json]]
Unpack = Callable[[Json], Json]
Spread = Callable[[Json], Iterator[Json]]


class MessageDecoder:
    """Decodes one source of a known layout; `feed` is what its reports are said to come from.

    `peel` and `unpack` are those of `maritime.sources.json_records.records`; `spread` makes several records of one
    object, or none.
    """

    def __init__(
        self,
        layout: Layout,
        table: SourceTable,
        feed: str,
        *,
        peel: Peel | None = None,
        unpack: Unpack = as_it_is,
        spread: Spread | None = None,
    ) -> None:
        self._feed = feed
        self._is_aiscatcher = layout is aiscatcher.LAYOUT
        self._rejects = RejectBook(feed, KEEPS_ALL)
        mapping = layout.mapping.model_copy(update={"name": feed})
        self._reader = RecordReader(mapping, TableDecoder(mapping, table, self._rejects, file=feed, newest_ms=None))
        self._sentences = SentenceDecoder(table, feed)
        self._peel = peel or _whole
        self._unpack = unpack
        self._spread = spread
        self._numbers = count(1)  # messages take the place of lines

    def decode(self, messages: Sequence[bytes], received_ms: int) -> list[Chunk]:
        """The chunks of some messages, each one JSON document, or lines of JSON."""
        page = [record for message in messages for record in self._records(message)]
        if self._spread is not None:
            page = [Record(r.line, r.content, fields) for r in page for fields in self._spread(r.fields)]
        if self._is_aiscatcher:
            return self._with_sentences([_timed(record, received_ms) for record in page])
        return [self._reader.chunk(page)]

    def _records(self, message: bytes) -> list[Record]:
        number = next(self._numbers)
        # no string in JSON holds a newline as it is, so that a document may be put on one line
        one_line = message.replace(b"\n", b" ") + b"\n"
        if b"\n" in message.strip() and not _is_json(one_line):
            text = message if message.endswith(b"\n") else message + b"\n"
            return records(Block(number, text, text.count(b"\n")), self._rejects, self._peel, self._unpack)
        return records(Block(number, one_line, 1), self._rejects, self._peel, self._unpack)

    def _with_sentences(self, page: list[Record]) -> list[Chunk]:
        """AIS-catcher's objects: sentences where they carry any, else their own fields."""
        for record in page:
            for _ in range(aiscatcher.unread_sentences(record)):
                self._rejects.add(record.line, UNKNOWN_SENTENCE, record.content)
        chunks = []
        for _, run in aiscatcher.tagged_runs(page):
            chunks += self._sentences.decode(run, None)
        chunks.append(self._reader.chunk([record for record in page if not aiscatcher.has_sentences(record)]))
        return chunks


def digitraffic_decoder(table: SourceTable, feed: str) -> MessageDecoder:
    """Of `topic payload` lines, as `mosquitto_sub -v` writes them."""
    return MessageDecoder(digitraffic.LAYOUT, table, feed, peel=digitraffic.off_topic, unpack=digitraffic.unpacked)


def _whole(line: bytes) -> tuple[bytes, Json]:
    return line, {}


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _timed(record: Record, received_ms: int) -> Record:
    """The record with the receive time where it tells none."""
    if record.fields.get("rxuxtime") is not None or record.fields.get("rxtime") is not None:
        return record
    return Record(record.line, record.content, {**record.fields, "rxuxtime": received_ms / 1000.0})
