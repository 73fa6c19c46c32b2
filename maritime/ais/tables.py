"""The messages as tables: where each field begins, in bits from the start of the message.

Source: ITU-R M.1371-5, annex 8, sections 3.1–3.25. Types that are not in a table give no rows of its kind. A field that
a message lacks has the start ABSENT.
"""

from typing import Final

import numpy as np

ABSENT: Final = -1

# int64 and not plain numbers, for each of which numba would compile the bit kernels anew
MMSI_START: Final = np.int64(8)
MMSI_BITS: Final = np.int64(30)
STATUS_BITS: Final = np.int64(4)
HEADING_BITS: Final = np.int64(9)
SECOND_BITS: Final = np.int64(6)
CHARACTER_BITS: Final = np.int64(6)
HEADER_BITS: Final = 38
PART_START: Final = np.int64(38)  # of type 24: 0 = A, 1 = B
PART_BITS: Final = np.int64(2)
TEXT_START: Final = np.int64(40)  # of type 14
STATION_TIME: Final = np.array([(38, 14), (52, 4), (56, 5), (61, 5), (66, 6), (72, 6)])  # year … second of 4 and 11
IMO_BITS, SHIP_TYPE_BITS, DIMENSIONS_BITS, DRAUGHT_BITS, ETA_BITS = np.array([30, 8, 30, 8, 20])
ETA: Final = np.array([(0, 4), (4, 5), (9, 5), (14, 6)])  # month, day, hour, minute within the field

POSITION_FIELDS: Final = (
    "status",
    "sog",
    "sog_bits",
    "sog_per_kn",
    "lon",
    "lon_bits",
    "lat",
    "lat_bits",
    "units_per_deg",
    "cog",
    "cog_bits",
    "cog_per_deg",
    "heading",
    "second",
)
_CLASS_A: Final = (38, 50, 10, 10, 61, 28, 89, 27, 600_000, 116, 12, 10, 128, 137)
_STATION: Final = (ABSENT, ABSENT, 10, 10, 79, 28, 107, 27, 600_000, ABSENT, 12, 10, ABSENT, 72)
_CLASS_B: Final = (ABSENT, 46, 10, 10, 57, 28, 85, 27, 600_000, 112, 12, 10, 124, 133)
_POSITIONS: Final = {
    1: _CLASS_A,
    2: _CLASS_A,
    3: _CLASS_A,
    4: _STATION,
    9: (ABSENT, 50, 10, 1, 61, 28, 89, 27, 600_000, 116, 12, 10, ABSENT, 128),
    11: _STATION,
    18: _CLASS_B,
    19: _CLASS_B,
    21: (ABSENT, ABSENT, 10, 10, 164, 28, 192, 27, 600_000, ABSENT, 12, 10, ABSENT, 253),
    27: (40, 79, 6, 1, 44, 18, 62, 17, 600, 85, 9, 1, ABSENT, ABSENT),
}
POSITION_TABLE: Final = np.zeros((28, len(POSITION_FIELDS)), dtype=np.int64)  # a row of zeros: no position in this type
for _type, _row in _POSITIONS.items():
    POSITION_TABLE[_type] = _row

STATIC_FIELDS: Final = ("imo", "call_sign", "name", "ship_type", "dimensions", "eta", "draught", "destination")
STATIC_TABLE: Final = np.array(
    [
        (40, 70, 112, 232, 240, 274, 294, 302),  # type 5
        (ABSENT, ABSENT, 143, 263, 271, ABSENT, ABSENT, ABSENT),  # type 19
        (ABSENT, ABSENT, 40, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT),  # type 24, part A
        (ABSENT, 90, ABSENT, 40, 132, ABSENT, ABSENT, ABSENT),  # type 24, part B
        (ABSENT, 90, ABSENT, 40, ABSENT, ABSENT, ABSENT, ABSENT),  # part B of a craft: its mother ship at 132
    ],
    dtype=np.int64,
)
TYPE_5, TYPE_19, TYPE_24_A, TYPE_24_B, TYPE_24_B_CRAFT = range(5)
CALL_SIGN_CHARS, NAME_CHARS, DESTINATION_CHARS = np.array([7, 20, 20])
ETA_CHARS: Final = 11  # "MM-DD HH:MM"

ACTIVE: Final = np.frombuffer(b"ACTIVE", dtype=np.uint8) - 64  # in six-bit characters

LEAST_BITS: Final = np.full(28, HEADER_BITS, dtype=np.int64)
"""The fewest bits of a type that make a row: all of the latitude, or the first half of the static fields. Receivers cut
messages short; what is then missing is unknown."""
for _type, _row in _POSITIONS.items():
    LEAST_BITS[_type] = max(_row[4] + _row[5], _row[6] + _row[7])
LEAST_BITS[5] = 240
LEAST_BITS[14] = TEXT_START
LEAST_BITS[24] = PART_START + PART_BITS
LEAST_BITS_24_A: Final = 160
LEAST_BITS_24_B: Final = 132
