"""AIS-catcher's JSON lines: sentences in `nmea`, decoded at the receiver's time, or else its own fields.

    {"class":"AIS","rxuxtime":1726.1,"station_id":7,"mmsi":…,"type":1,"nmea":["!AIVDM,1,1,,A,…*5C"]}
    {"class":"AIS","rxuxtime":1726.1,"mmsi":…,"type":1,"lat":…,"lon":…,"speed":…,"shipname":…}

Source: https://docs.aiscatcher.org (JSON decoding).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import xor
from typing import Final

from maritime.ais.layout import LINE_LIMIT_BYTES
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


_UNFIT: Final = {ord(c): "_" for c in ",*\\!$"} | dict.fromkeys(range(32), "_")  # what would end a tag block's field


def has_sentences(record: Record) -> bool:
    """Whether a record carries the sentences as they were received."""
    return bool(_sentences(record))


def unread_sentences(record: Record) -> int:
    """How many of a record's sentences say nothing of VDM or VDO, so that the decoder would pass them over."""
    return sum("VDM," not in s and "VDO," not in s for s in _sentences(record))


def tagged_runs(page: Sequence[Record]) -> Iterator[tuple[int, bytes]]:
    """The sentences of some records under tag blocks with their times, as runs of lines: (number of the first, bytes).

    Each sentence stands on the line of its record, so that the decoder counts the same lines as the file has. A line
    that would be too long for the decoder goes on in the next run, under the same number.
    """
    first_line = line = length = 0
    run = bytearray()
    for record in page:
        for sentence in _tagged(record):
            if run and record.line > line:
                run += b"\n" * (record.line - line)
                length = 0
            elif run and length + len(sentence) > LINE_LIMIT_BYTES:
                yield first_line, bytes(run + b"\n")
                run.clear()
            if not run:
                first_line, length = record.line, 0
            line = record.line
            run += sentence
            length += len(sentence)
    if run:
        yield first_line, bytes(run + b"\n")


def _sentences(record: Record) -> list[str]:
    sentences = record.fields.get("nmea")
    if isinstance(sentences, str):
        return [sentences]
    return [s for s in sentences if isinstance(s, str)] if isinstance(sentences, list) else []


def _tagged(record: Record) -> list[bytes]:
    """IEC 61162-450 tag block: c = time in s, s = source; its checksum is the exclusive or of its bytes."""
    rx_time_s, fields = _rx_time_s(record), record.fields
    station = fields.get("station_id", fields.get("stationid"))  # of the message, or of the body around it
    parts = [f"s:{str(station).translate(_UNFIT)}"] if station is not None else []
    if rx_time_s is not None:
        parts.append(f"c:{rx_time_s:.3f}")
    tag = ",".join(parts).encode("utf-8", errors="replace")
    head = b"\\%s*%02X\\" % (tag, reduce(xor, tag)) if tag else b""
    return [head + b" ".join(s.encode("ascii", errors="replace").split()) for s in _sentences(record)]


def _rx_time_s(record: Record) -> float | None:
    """When a message was received: `rxuxtime` in s, or else `rxtime` as YYYYMMDDHHMMSS."""
    told = record.fields.get("rxuxtime")
    try:
        if told is not None:
            return float(told)
        return datetime.strptime(str(record.fields.get("rxtime")), "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
