"""AIS-catcher's JSON lines: sentences in `nmea`, decoded at the receiver's time, or else its own fields.

    {"class":"AIS","rxuxtime":1726.1,"station_id":7,"mmsi":…,"type":1,"nmea":["!AIVDM,1,1,,A,…*5C"]}
    {"class":"AIS","rxuxtime":1726.1,"mmsi":…,"type":1,"lat":…,"lon":…,"speed":…,"shipname":…}

Source: https://docs.aiscatcher.org (JSON decoding).
"""

from collections.abc import Sequence
from functools import reduce
from operator import xor
from typing import Final

from maritime.sources.json_records import Record
from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns

LAYOUT: Final = Layout(
    name="aiscatcher",
    title="AIS-catcher JSON lines",
    known_by=(frozenset({"rxuxtime"}), frozenset({"rxtime", "class", "mmsi"})),
    mapping=ColumnMapping(
        name="aiscatcher",
        columns=Columns(t=("rxuxtime", "rxtime"), msg_type=("type",), receiver=("station_id", "stationid")),
    ),
)


def has_sentences(record: Record) -> bool:
    """Whether a record carries the sentences as they were received."""
    sentences = record.fields.get("nmea")
    return isinstance(sentences, list) and any(isinstance(sentence, str) for sentence in sentences)


def as_tagged_lines(page: Sequence[Record], first_line: int, lines: int) -> bytes:
    """The sentences of some records under tag blocks with their times, each on the line of its record.

    Lines of other records stay empty, so that the decoder counts the same lines as the file has.
    """
    tagged = [b""] * lines
    for record in page:
        if has_sentences(record):
            tagged[record.line - first_line] += _tagged(record)
    return b"".join(line + b"\n" for line in tagged)


def _tagged(record: Record) -> bytes:
    """IEC 61162-450 tag block: c = time in s, s = source; its checksum is the exclusive or of its bytes."""
    rx_time_s, station = record.fields.get("rxuxtime"), record.fields.get("station_id")
    parts = [f"s:{str(station)[:15]}"] if station is not None else []
    if isinstance(rx_time_s, (int, float)):
        parts.append(f"c:{round(rx_time_s * 1000)}" if rx_time_s != int(rx_time_s) else f"c:{int(rx_time_s)}")
    tag = ",".join(parts).encode("ascii", errors="replace")
    head = b"\\%s*%02X\\" % (tag, reduce(xor, tag)) if tag else b""
    sentences = [s for s in record.fields["nmea"] if isinstance(s, str)]
    return b"".join(head + s.encode("ascii", errors="replace") for s in sentences)
