"""What a stream of plain bytes is, by its beginning. Content decides, never the file's name."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from maritime.errors import InputError, UsageError
from maritime.sources import (
    aiscatcher,
    danish,
    digitraffic,
    exactearth,
    generic,
    gfw,
    marinecadastre,
    marinetraffic,
    nmea,
    spire,
)
from maritime.sources.blocks import LONGEST_LINE
from maritime.sources.csv_table import delimiter_of, header_names
from maritime.sources.json_records import messages_in
from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping

HEAD: Final = LONGEST_LINE + 1  # bytes; so that a line which may be read is seen whole
LOOKED_AT: Final = 1 << 16  # bytes; chosen: a boat log may hold much besides AIS, but not more than this

LAYOUTS: Final = (
    *(aiscatcher.LAYOUT, digitraffic.LAYOUT, marinecadastre.LAYOUT, danish.LAYOUT, exactearth.LAYOUT),
    *(spire.LAYOUT, gfw.LAYOUT, marinetraffic.LAYOUT, generic.LAYOUT),
)
"""In the order in which they are tried; the first that fits is taken."""

FORMATS: Final = {nmea.NAME: nmea.TITLE, **{layout.name: layout.title for layout in LAYOUTS}}
"""Every name that `--format` takes, and what it is."""

_JSON_START: Final = re.compile(rb"\s*(?:\{|\[\s*[\[{\"\]])")
_JSON_KEY: Final = re.compile(rb'"([^"\\\n]{1,64})"\s*:')


@dataclass(frozen=True, slots=True)
class Finding:
    """How a stream is to be read."""

    carrier: Literal["nmea", "csv", "json", "json document", "parquet"]
    layout: Layout | None  # None for NMEA

    @property
    def format(self) -> str:
        """The name of the format."""
        return self.layout.name if self.layout is not None else nmea.NAME


def check_format(name: str | None) -> None:
    """Raise UsageError for a format that does not exist."""
    if name is not None and name not in FORMATS:
        raise UsageError(f"'{name}' is not a format; the formats are {', '.join(FORMATS)}")


def sniff(head: bytes, *, format: str | None = None, mapping: ColumnMapping | None = None) -> Finding:
    """Recognise a stream by its first bytes. A format given, or a mapping, decides what the columns mean.

    Raises InputError for content of no known format.
    """
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise InputError("holds nothing but blanks")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # the byte order mark
        raise InputError("is UTF-16 text; save it as UTF-8")
    if format == nmea.NAME:
        return Finding("nmea", None)
    topic_line = digitraffic.off_topic(head)[0] is not head
    if topic_line or _JSON_START.match(head.removeprefix(b"\xef\xbb\xbf")):
        layout = _layout_of(_json_names(head[:LOOKED_AT], topic_line=topic_line), format, mapping)
        return Finding("json" if _is_lines(head) else "json document", layout or generic.LAYOUT)
    head = head[:LOOKED_AT]
    header = next(line for line in head.split(b"\n") if line.strip(b"\0 \t\r\xef\xbb\xbf"))
    delimiter = mapping.delimiter if mapping is not None and mapping.delimiter is not None else delimiter_of(header)
    layout = _layout_of(header_names(header, delimiter), format, mapping)
    if layout is None and nmea.is_nmea(head):
        return Finding("nmea", None)
    if layout is None and (header.count(delimiter.encode()) < 2 or _is_binary(header)):
        raise InputError(
            f"is of no known format: it begins with {header[:40]!r}; known are {'; '.join(FORMATS.values())}"
        )
    return Finding("csv", layout or generic.LAYOUT)


def sniff_columns(names: Sequence[str], *, format: str | None = None, mapping: ColumnMapping | None = None) -> Finding:
    """Recognise a Parquet file by the names of its columns."""
    return Finding("parquet", _layout_of(names, format, mapping) or generic.LAYOUT)


def _layout_of(names: Sequence[str], format: str | None, mapping: ColumnMapping | None) -> Layout | None:
    if mapping is not None:
        return Layout(mapping.name, "columns by a mapping", (), mapping)
    if format is not None and format != nmea.NAME:
        return next(layout for layout in LAYOUTS if layout.name == format)
    fitting = (layout for layout in LAYOUTS if layout.fits(names))
    return next(fitting, generic.LAYOUT if generic.has_the_four(names) else None)


def _json_names(head: bytes, *, topic_line: bool) -> list[str]:
    names = [name.decode("utf-8", errors="replace") for name in dict.fromkeys(_JSON_KEY.findall(head))]
    places = ["lat", "lon"] if "coordinates" in names else []
    return [*names, *places, *(["mmsi"] if topic_line else [])]


def _is_lines(head: bytes) -> bool:
    """Whether one of the first whole lines is JSON in itself."""
    lines = head.split(b"\n")
    whole = lines[:-1] if len(head) >= HEAD else lines
    return any(_holds_messages(digitraffic.off_topic(line)[0]) for line in whole[:20])


def _holds_messages(line: bytes) -> bool:
    try:
        return any(True for _ in messages_in(json.loads(line.removeprefix(b"\xef\xbb\xbf").decode("latin-1"))))
    except (ValueError, RecursionError):
        return False


def _is_binary(header: bytes) -> bool:
    return any(byte < 32 and byte not in b"\t\r\n\0\x0b\x0c" for byte in header[:200])
