"""JSON: one object a line, or one document that holds the objects in a list or as GeoJSON features."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final

import numpy as np
import pyarrow as pa

from maritime.columns import LINE_UNKNOWN, Chunk
from maritime.errors import InputError
from maritime.sources.aliases import NULL_WORDS, NUMBER_FIELDS, plain
from maritime.sources.blocks import Block
from maritime.sources.mapping import ColumnMapping, Columns
from maritime.sources.rejects import RejectBook
from maritime.sources.table import Column, TableDecoder
from maritime.sources.values import number

LARGEST_DOCUMENT: Final = 256 << 20  # bytes; chosen: a world of vessels in GeoJSON is some 60 MiB
DOCUMENT_BATCH: Final = 10_000  # chosen: records a chunk

MOST_PLANS: Final = 10_000  # chosen: a file whose keys differ in every record must not fill the memory
LARGEST_INTEGER: Final = 2**53  # float64 holds no larger ones exactly
FIELDS: Final = tuple(Columns.model_fields)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """One object that tells of one message, where it stands, and how it looked."""

    line: int
    content: bytes
    fields: Json


def _whole(line: bytes) -> tuple[bytes, Json]:
    return line, {}


def as_it_is(fields: Json) -> Json:
    """An object that is flat already."""
    return fields


def records(
    block: Block,
    rejects: RejectBook,
    peel: Callable[[bytes], tuple[bytes, Json]] = _whole,
    unpack: Callable[[Json], Json] = as_it_is,
) -> list[Record]:
    """The records of a block of lines. A line that is no JSON object or list is refused.

    `peel` takes what a format puts before the object off a line, and gives it as further fields; `unpack` makes the
    object flat.
    """
    found: list[Record] = []
    for line, text in enumerate(block.text.split(b"\n")[:-1], block.first_line):
        if not text.strip(b"\r\t \0\xef\xbb\xbf"):
            continue
        rest, extra = peel(text)
        try:
            messages = list(messages_in(json.loads(_decoded(rest))))
        except (ValueError, RecursionError):
            rejects.add(line, "not_json", text)
            continue
        if not messages:
            rejects.add(line, "not_an_object", text)
        found.extend(Record(line, text, unpack({**extra, **message})) for message in messages)
    return found


def document_records(pieces: Iterable[bytes], unpack: Callable[[Json], Json] = as_it_is) -> Iterator[list[Record]]:
    """The records of one JSON document. Raises InputError when it is too large or no JSON."""
    text = bytearray()
    for piece in pieces:
        text += piece
        if len(text) > LARGEST_DOCUMENT:
            raise InputError(f"is one JSON document of more than {LARGEST_DOCUMENT >> 20} MiB; give one object a line")
    try:
        messages = list(messages_in(json.loads(_decoded(bytes(text)))))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is no JSON document ({error}); give one object a line, or one list") from None
    for begin in range(0, len(messages), DOCUMENT_BATCH):
        yield [Record(LINE_UNKNOWN, b"", unpack(message)) for message in messages[begin : begin + DOCUMENT_BATCH]]


def messages_in(value: Any) -> Iterator[Json]:
    """The objects that tell of messages, out of what publishers wrap around them."""
    if isinstance(value, list):
        for part in value:
            yield from messages_in(part)
    if not isinstance(value, dict):
        return
    if isinstance(value.get("features"), list):  # GeoJSON, RFC 7946 §3.3
        yield from messages_in(value["features"])
    elif isinstance(value.get("msgs"), list):  # AIS-catcher's HTTP body
        told = {"stationid": value["stationid"]} if "stationid" in value else {}
        yield from ({**told, **message} for message in messages_in(value["msgs"]))
    elif isinstance(value.get("AIS"), dict):  # VesselFinder
        yield value["AIS"]
    elif value.get("type") == "Feature":
        yield _of_feature(value)
    elif "ERROR" not in value:  # AISHub's first object tells of the request
        yield value


def _of_feature(feature: Json) -> Json:
    """A GeoJSON feature as a flat record."""
    geometry, properties = feature.get("geometry") or {}, feature.get("properties") or {}
    record = {k: v for k, v in feature.items() if k not in ("type", "geometry", "properties")}
    place = geometry.get("coordinates") if isinstance(geometry, dict) and geometry.get("type") == "Point" else None
    if isinstance(place, list) and len(place) >= 2:
        record |= {"lon": place[0], "lat": place[1]}
    return {**record, **properties} if isinstance(properties, dict) else record


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        return text.decode("latin-1")


class RecordReader:
    """Turns records into columns and these into chunks."""

    def __init__(self, mapping: ColumnMapping, decoder: TableDecoder) -> None:
        self._mapping = mapping
        self._decoder = decoder
        self._plans: dict[tuple[str, ...], list[tuple[str, str, list[str]]]] = {}

    def chunk(self, page: Sequence[Record]) -> Chunk:
        """The chunk of some records, in their order."""
        columns: dict[str, list[Any]] = {field: [None] * len(page) for field in ("mmsi", "t", "lat", "lon")}
        for row, record in enumerate(page):
            for field, best, others in self._plan(tuple(record.fields)):
                value = record.fields[best]
                if value is None and others:
                    value = next((v for key in others if (v := record.fields[key]) is not None), None)
                if value is not None:
                    if field not in columns:
                        columns[field] = [None] * len(page)
                    columns[field][row] = value
        lines = np.array([record.line for record in page], np.int64)
        typed = {field: _numbers(v) if field in NUMBER_FIELDS else _texts(v) for field, v in columns.items()}
        return self._decoder.decode(typed, lines, lambda row: _shown(page[row]))

    def _plan(self, keys: tuple[str, ...]) -> list[tuple[str, str, list[str]]]:
        """Our fields, each with the key of a record that holds it best, and further ones."""
        plan = self._plans.get(keys)
        if plan is None:
            if len(self._plans) > MOST_PLANS:
                self._plans.clear()
            by_name = {plain(key): key for key in reversed(keys)}
            found = {field: [by_name[n] for n in self._mapping.names(field) if n in by_name] for field in FIELDS}
            plan = self._plans[keys] = [(field, names[0], names[1:]) for field, names in found.items() if names]
        return plan


def _shown(record: Record) -> bytes:
    return record.content or json.dumps(record.fields, ensure_ascii=False, default=str).encode()


def _texts(values: list[Any]) -> pa.Array:
    return pa.array([_text(value) for value in values], pa.binary())


def _text(value: Any) -> bytes | None:
    """A JSON value as text; None for what is no value."""
    if value is None or isinstance(value, (dict, list)):
        return None
    text = value if isinstance(value, str) else str(value)
    return None if text.strip().casefold() in NULL_WORDS else text.encode("utf-8", errors="replace")


def _numbers(values: list[Any]) -> Column:
    if set(map(type, values)) <= {float, NoneType}:
        return np.array(values, np.float64)
    return np.array([_number(value) for value in values], np.float64)


def _number(value: Any) -> float:
    """A JSON value as a number: NaN where there is none, infinity where it is something else."""
    if isinstance(value, float):
        return value
    if value is None:
        return math.nan
    if isinstance(value, str):
        parsed = number(value.encode("utf-8", errors="replace"))
        return math.nan if math.isinf(parsed) and _text(value) is None else parsed
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_INTEGER:
        return float(value)
    return math.inf
