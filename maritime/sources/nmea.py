"""NMEA 0183 logs: what `maritime.ais.decoder` needs to know beside the bytes."""

import re
from collections.abc import Iterator
from typing import Final

from maritime.ais.decoder import Decoder
from maritime.columns import Chunk
from maritime.sources.expansion import BROKEN
from maritime.sources.kernels.times import days_since_1970, is_date
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

NAME: Final = "nmea"
TITLE: Final = "NMEA 0183 with AIS sentences (plain, tag blocks, $PGHP, prefixes, suffixes)"
SENTENCE: Final = re.compile(rb"![A-Z0-9]{2}VD[MO],")  # the `!` too: call signs end in VDM and VDO
HEAD_LINE: Final = re.compile(rb"^[!$][A-Z0-9]{3,6},", re.MULTILINE)
_DATE_IN_NAME: Final = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<sep>[-_.]?)(?P<month>\d\d)(?P=sep)(?P<day>\d\d)"
    r"(?:[-_T ]?(?P<hour>\d\d)[-_:h.]?(?P<minute>\d\d)(?:[-_:m.]?(?P<second>\d\d))?)?(?!\d)"
)


def is_nmea(head: bytes) -> bool:
    """Whether the first bytes of a file hold AIS sentences, or at least NMEA sentences among which some may come."""
    if SENTENCE.search(head):
        return True
    return len(HEAD_LINE.findall(head)) >= max(1, head.count(b"\n") // 2)


def read_nmea(pieces: Iterator[bytes], decoder: Decoder) -> Iterator[Chunk]:
    """The chunks of a log. When its stream breaks, what came before is decoded, and then the stream's error raised."""
    broken: Exception | None = None
    try:
        for piece in pieces:
            yield decoder.feed(piece)
    except BROKEN as error:
        broken = error
    yield decoder.finish()
    if broken is not None:
        raise broken


def start_in_name(name: str) -> int | None:
    """The date, with a time of day if there is one, in a file name, as ms UTC: when an untimed log began. Or None.

    >>> start_in_name("station7_2023-01-11_0630.nmea")
    1673418600000
    """
    for match in _DATE_IN_NAME.finditer(name):
        year, month, day, hour, minute, second = (
            int(match[part] or 0) for part in ("year", "month", "day", "hour", "minute", "second")
        )
        if is_date(year, month, day) and hour < 24 and minute < 60 and second < 60:
            day_ms = int(days_since_1970(year, month, day)) * DAY_MS
            return day_ms + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS
    return None
