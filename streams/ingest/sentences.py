"""SentenceDecoder: NMEA lines of a live source into chunks, with maritime.ais.decoder.

Parts of a message join only within one stream: a connection, or a sender of datagrams. A sentence that carries no time
of its own gets the receive time, as a tag block in front of it (IEC 61162-450: c = time in s).
"""

import re
from collections import OrderedDict
from functools import reduce
from operator import xor
from typing import Final

from maritime.ais.decoder import Decoder
from maritime.columns import Chunk, SourceTable
from maritime.sources.table import OLDEST_MS
from maritime.times import LAST_MS

MOST_STREAMS: Final = 64  # chosen: 7 MB of unfinished messages each; the least recent is finished and leaves
KEEPS_ALL: Final = 1 << 40  # rejects: the log keeps them
_TIMED_TAG: Final = re.compile(rb"[\\,](?:c:|g:|[0-9]G[0-9]:)")  # a group has the time of its first line
_TIME_AT_END: Final = re.compile(rb",[0-9]{9,13}(?:\.[0-9]+)?\s*\Z")  # the US Coast Guard's suffix: seconds since 1970


class SentenceDecoder:
    """Decodes one source; `feed` is the source of sentences that name no station, `file` where rejects are from."""

    def __init__(self, table: SourceTable, feed: str, *, file: str | None = None, start_ms: int | None = None) -> None:
        self._table = table
        self._feed = feed
        self._file = feed if file is None else file
        self._start_ms = start_ms
        self._decoders: OrderedDict[str, Decoder] = OrderedDict()

    def decode(self, lines: bytes, received_ms: int | None, stream: str = "") -> list[Chunk]:
        """The chunks of whole lines; `received_ms` is None where lines have the time they have, or none."""
        chunks: list[Chunk] = []
        decoder = self._decoders.get(stream)
        if decoder is None:
            while len(self._decoders) >= MOST_STREAMS:
                chunks.append(self._decoders.popitem(last=False)[1].finish())
            decoder = self._decoders[stream] = Decoder(
                self._table,
                file=self._file,
                start_ms=self._start_ms,
                oldest_ms=OLDEST_MS,
                newest_ms=LAST_MS,
                feed=self._feed,
                max_rejects_kept=KEEPS_ALL,
            )
        self._decoders.move_to_end(stream)
        chunks.append(decoder.feed(lines if received_ms is None else stamped(lines, received_ms)))
        return chunks

    def end(self, stream: str = "") -> list[Chunk]:
        """A stream is over: its unfinished messages are refused."""
        decoder = self._decoders.pop(stream, None)
        return [] if decoder is None else [decoder.finish()]

    def end_all(self) -> list[Chunk]:
        """Every stream is over."""
        return [chunk for stream in list(self._decoders) for chunk in self.end(stream)]


def stamped(lines: bytes, received_ms: int) -> bytes:
    """The lines with the receive time in front of those sentences that have none.

    >>> stamped(b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24", 1_673_418_600_000)[:20]
    b'\\\\c:1673418600.000*4F'
    """
    time = b"c:%d.%03d" % divmod(received_ms, 1000)
    tag = b"\\%s*%02X\\" % (time, reduce(xor, time))
    after_wrapper = False
    out = []
    for line in lines.split(b"\n"):
        at = line.find(b"!")
        if line.startswith(b"$PGHP"):
            after_wrapper = True
        elif at >= 0 and not after_wrapper and not _has_time(line, at):
            line = tag + line if line[:1] in (b"!", b"\\") else line[:at] + tag + line[at:]
        elif at >= 0:
            after_wrapper = False
        out.append(line)
    return b"\n".join(out)


def _has_time(line: bytes, at: int) -> bool:
    """Whether a tag block, a prefix or a suffix tells the time of the sentence at a place of the line."""
    if line.startswith(b"\\"):
        return _TIMED_TAG.search(line, 0, at) is not None
    if any(48 <= byte <= 57 for byte in line[:at]):
        return True
    star = line.find(b"*", at)
    return len(line) - star > 10 and star >= 0 and _TIME_AT_END.search(line, star) is not None
