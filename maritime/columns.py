"""The columns that flow from the sources to the engine, and what a refused row becomes.

Unknown is NaN in a float column and the code named here in an integer column, never an AIS sentinel such as
latitude 91, longitude 181, SOG 102.3, COG 360 or heading 511.
"""

from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

NAV_STATUS_UNKNOWN: Final = 15  # ITU-R M.1371-5 table 45: 15 = undefined = default
MSG_TYPE_UNKNOWN: Final = 0  # formats that do not tell the message type nor the transceiver class
LINE_UNKNOWN: Final = 0  # lines count from 1

POSITION_SCHEMA: Final = pa.schema(
    [
        pa.field("mmsi", pa.uint32(), nullable=False),
        pa.field("t", pa.int64(), nullable=False),  # ms since 1970-01-01 UTC
        pa.field("lat", pa.float64(), nullable=False),  # degrees, NaN = unknown (transmitted as 91)
        pa.field("lon", pa.float64(), nullable=False),  # degrees, NaN = unknown (transmitted as 181)
        pa.field("sog", pa.float32(), nullable=False),  # knots
        pa.field("cog", pa.float32(), nullable=False),  # degrees true, [0, 360)
        pa.field("heading", pa.float32(), nullable=False),  # degrees true, [0, 360)
        pa.field("nav_status", pa.uint8(), nullable=False),  # ITU-R M.1371-5 table 45; 15 where the class has none
        pa.field("msg_type", pa.uint8(), nullable=False),  # 1–27; CSV formats: 1 = class A, 18 = class B, 0 = unknown
        pa.field("source", pa.uint16(), nullable=False),  # code of a receiver or feed in a SourceTable
    ]
)
"""A PositionBatch is a record batch of this schema. A row whose latitude and longitude are both NaN is a report
that withheld its position; a row with only one of them is refused as a reject. A safety text (type 14) is such a row
too, with nav_status 14 when its text says ACTIVE (AIS-SART, MOB, EPIRB) and 15 otherwise (TEST)."""

PROVENANCE_SCHEMA: Final = POSITION_SCHEMA.append(pa.field("line", pa.int64(), nullable=False)).append(
    pa.field("utc_s", pa.uint8(), nullable=False)
)
"""What a source yields: a PositionBatch with the line of its file (1-based; 0 = the format has no lines) and the UTC
second that the vessel itself transmitted (0–59; 60–63 or 255 = not available): it checks a receiver's clock."""

CLOCK_SCHEMA: Final = pa.schema(
    [
        pa.field("source", pa.uint16(), nullable=False),
        pa.field("t", pa.int64(), nullable=False),  # the receiver's time of the message, ms UTC
        pa.field("reported", pa.int64(), nullable=False),  # the time that a base station transmitted in it, ms UTC
    ]
)
"""Full UTC times transmitted by base stations (message types 4 and 11), to check the receivers' clocks."""

STATIC_SCHEMA: Final = pa.schema(
    [
        pa.field("mmsi", pa.uint32(), nullable=False),
        pa.field("t", pa.int64(), nullable=False),
        pa.field("imo", pa.uint32()),  # null = unknown (transmitted as 0)
        pa.field("call_sign", pa.string()),
        pa.field("name", pa.string()),
        pa.field("ship_type", pa.uint8()),  # ITU-R M.1371-5 table 53; null = not available (0)
        pa.field("length_m", pa.float32()),
        pa.field("beam_m", pa.float32()),
        pa.field("draught_m", pa.float32()),
        pa.field("destination", pa.string()),
        pa.field("eta", pa.string()),  # "MM-DD HH:MM" as AIS gives it (no year), or RFC 3339 where a feed gives one
    ]
)
"""A StaticBatch is a record batch of this schema: who the vessel says it is. Every field but mmsi and t may be null.
A static message with only part of the fields (type 24 part A, for one) leaves the others null = "says nothing"."""


@dataclass(frozen=True, slots=True)
class Reject:
    """One refused sentence or row: counted, kept, never silently dropped."""

    file: str  # file name as given; an archive member is "day.zip!AIS.csv"
    line: int  # 1-based; 0 where the format has no lines
    reason: str  # a short fixed code in snake_case, e.g. "bad_checksum", "latitude_out_of_range"
    content: bytes  # the refused bytes, cut at 1,024


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a source yields: some thousand reports of one file, in file order."""

    file: str
    positions: pa.RecordBatch  # PROVENANCE_SCHEMA
    statics: pa.RecordBatch  # STATIC_SCHEMA
    clock: pa.RecordBatch | None = None  # CLOCK_SCHEMA; None where the format carries no base-station times
    rejects: tuple[Reject, ...] = ()
    bytes_read: int = 0  # bytes of the file on disk consumed by this chunk (compressed size), for progress
    reject_counts: dict[str, int] = field(default_factory=dict)  # by reason, ALL refused rows, kept in `rejects` or not


class SourceTable:
    """Names of receivers and feeds ↔ the u16 codes of the `source` column. Code 0 is the unnamed source.

    After 65,534 names every further one shares the last code, "(other)": memory stays bounded.
    """

    LIMIT: Final = 65_535

    def __init__(self) -> None:
        self._codes: dict[str, int] = {"": 0}
        self._names: list[str] = [""]

    def code(self, name: str) -> int:
        """Return the code of a name, giving it the next free one at first sight."""
        code = self._codes.get(name)
        if code is None:
            code = len(self._names)
            if code >= self.LIMIT:
                return self.LIMIT
            self._codes[name] = code
            self._names.append(name)
        return code

    def name(self, code: int) -> str:
        """Return the name of a code; `"(other)"` for the shared last one."""
        return self._names[code] if code < len(self._names) else "(other)"

    def __len__(self) -> int:
        return len(self._names)
