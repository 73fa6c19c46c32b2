"""Logs for the decoder's tests: the shared ones, and one made here in which every framing occurs."""

import gzip
import os
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from maritime.ais.decoder import Decoder
from maritime.ais.messages import sentence
from maritime.columns import Chunk, Reject, SourceTable
from tests.naive_ais import checksum

SHARED = Path(os.environ.get("MARITIME_SHARED_DIR", Path(__file__).parents[2] / "../shared")) / "data" / "nmea"
SHARED_LOGS = sorted(SHARED.glob("*"))


def shared_logs() -> list[object]:
    """One test parameter per shared log, or a single skipped one that says why."""
    if not SHARED_LOGS:
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no shared logs in {SHARED}"))]
    return [pytest.param(path, id=path.name) for path in SHARED_LOGS]


def read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def tagged(sentence_bytes: bytes, *tags: str) -> bytes:
    body = ",".join(tags).encode()
    return b"\\%s*%02X\\%s" % (body, checksum(body), sentence_bytes)


def nmea(body: str) -> bytes:
    return f"{body[0]}{body[1:]}*{checksum(body[1:].encode()):02X}".encode()


class Decoded:
    """All chunks of a log together."""

    def __init__(self, chunks: list[Chunk], decoder: Decoder, sources: SourceTable) -> None:
        self.positions = pa.Table.from_batches([chunk.positions for chunk in chunks])
        self.statics = pa.Table.from_batches([chunk.statics for chunk in chunks])
        self.clock = pa.Table.from_batches([chunk.clock for chunk in chunks])
        self.rejects: list[Reject] = [reject for chunk in chunks for reject in chunk.rejects]
        self.reject_counts: dict[str, int] = {}
        for chunk in chunks:
            for reason, count in chunk.reject_counts.items():
                self.reject_counts[reason] = self.reject_counts.get(reason, 0) + count
        self.message_counts = decoder.message_counts.tolist()
        self.sources = sources

    @property
    def reasons(self) -> list[str]:
        return [reject.reason for reject in self.rejects]

    def everything(self) -> tuple[object, ...]:
        """What must not depend on how the bytes were split."""
        tables = [table.combine_chunks().to_batches() for table in (self.positions, self.statics, self.clock)]
        streams = tuple(b"".join(bytes(batch.serialize()) for batch in table) for table in tables)
        return streams, self.rejects, self.reject_counts, self.message_counts


def decode(
    log: bytes, *, cuts: list[int] | None = None, start_ms: int | None = None, feed: str = "", kept: int = 10_000
) -> Decoded:
    """Decode a log, cut into blocks at the given places."""
    sources = SourceTable()
    decoder = Decoder(sources, file="log", start_ms=start_ms, feed=feed, max_rejects_kept=kept)
    places = [0, *sorted(cuts or []), len(log)]
    chunks = [decoder.feed(log[start:stop]) for start, stop in pairwise(places)]
    return Decoded([*chunks, decoder.finish()], decoder, sources)


CLASS_A = "15RTgt0PAso;90TKcjM8h6g208CQ"
STATIC_1 = "55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8"
STATIC_2 = "88888888880"

ALL_FRAMINGS = b"\r\n".join(
    [
        b"# a comment !AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A",
        b"",
        sentence(CLASS_A, 0),  # no time yet
        nmea("$GPRMC,235959.50,A,4810.0,N,01130.0,E,0.0,0.0,311219,,,A"),
        sentence(CLASS_A, 0),
        tagged(sentence(CLASS_A, 0), "s:coast", "c:1577836800"),
        tagged(nmea(f"!BSVDM,2,1,7,B,{STATIC_1},0"), "g:1-2-99", "s:group", "c:1577836801250"),
        tagged(sentence(CLASS_A, 0, "B2"), "c:1577836802.5"),
        tagged(nmea(f"!BSVDM,2,2,7,B,{STATIC_2},2"), "g:2-2-99"),
        nmea("$PGHP,1,2020,1,1,0,0,5,125,239,0,2391100,1,2C"),
        nmea(f"!AIVDM,2,1,3,A,{STATIC_1},0"),
        nmea(f"!AIVDM,2,2,3,A,{STATIC_2},2"),
        sentence(CLASS_A, 0) + b",d-109,S2105,t050056.00,T56.13718694,r003669946,1577836860,1577836806",
        sentence(CLASS_A, 0) + b",b003669794,1577836807",
        b"2020-01-01T00:00:08.25Z " + sentence(CLASS_A, 0),
        b"01/01/20 00:00:09:075 " + tagged(sentence(CLASS_A, 0), "s:prefixed"),
        b"[1577836810] " + sentence(CLASS_A, 0) + sentence(CLASS_A, 0),
        b"1577836811," + sentence(CLASS_A, 0),
        nmea(f"!AIVDM,1,1,1,,{CLASS_A},0,0"),
        nmea(f"!AIVDM,2,1,5,A,{STATIC_1},0"),  # its second part never comes
        sentence(CLASS_A, 0)[:-1] + b"0",
        b"\\s:bad,c:1577836812*00\\" + sentence(CLASS_A, 0),
        b"AIVDM,1,1,,A,nonsense,0*00",
        b"caf\xe9 \x00\x00" + sentence(CLASS_A, 0) + b"\x00",
        nmea("$GPGGA,195719,5310.8115,N,00525.7025,E,1,00,1.10,-2,M,,M,,"),
        sentence("402=481uaUcf;OQ55JS9ITi025Jp", 0),
        b"!AIVDM,1,1,,A," + b"0" * 70_000,
        sentence(CLASS_A, 0),
    ]
)
