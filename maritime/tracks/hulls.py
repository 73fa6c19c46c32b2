"""Hulls: one physical transmitter behind an MMSI, told apart by where it can have gone.

**Rule.** A report belongs to the hull that could have reached it: within `speed · Δt` of the hull's last fix, where
the speed is 25 kn or 1.3 × what either report claims (50 kn where neither says its speed: it may be a fast ferry). Of
several, the one by which the report is likeliest: its position spread normally round the last fix, with the reach as
three standard deviations, so that a hull silent for long, which can be anywhere, takes no reports from one that is
heard. A report that no hull could have reached is kept aside; when three of them bear each other out, they become a new
hull (reports from elsewhere may come between them, two on end at most: several ships on one MMSI report by turns). So a
single bad point ends nothing, two ships on one MMSI are two hulls, and a ship that truly jumped is picked up again.

**Also here.** One transmission heard by several stations counts once: the same content within seconds. A hull is
forgotten after 30 days of silence, and so is a vessel with all that it said of itself. With none left, hulls are
numbered from 1 again.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from maritime.times import NEVER
from maritime.units import DAY_MS, KN_MS

DUPLICATE_RING: Final = 4  # contents remembered per hull: stations relay a transmission within a few reports
HULLS_PER_MMSI: Final = 8  # chosen: more transmitters on one number (123456789 and the like) cannot be told apart
LARGEST_NUMBER: Final = 255  # of a hull: one byte
INTERVAL_BINS: Final = 28  # bins of report intervals, each √2 wider than the last, from 1 s to over 3 hours
HOURS_KEPT: Final = 12


def packed(fields: list[Any]) -> np.dtype[np.void]:
    """A record of the fields, those of large items first, so that alignment wastes no room."""
    return np.dtype(sorted(fields, key=lambda field: -np.dtype(field[1]).itemsize), align=True)


TRACK_FIELDS: Final = [
    ("mmsi", "u4"),
    ("vessel", "i4"),  # row in the vessel table
    ("next_hull", "i4"),  # next hull of the same MMSI, -1 at the end
    ("number", "u1"),  # which transmitter of the MMSI, from 1
    ("transceiver", "u1"),  # 0 class A, 1 class B, 2 unknown
    ("status", "u1"),  # navigational status of the last report
    ("source", "u2"),  # of the last report
    ("first_s", "i4"),  # first report, seconds since 2000-01-01 UTC
    ("last_t", "i8"),  # ms UTC of the last report with a position
    ("heard_t", "i8"),  # ms UTC of the last report of any kind
    ("lat", "f8"),
    ("lon", "f8"),
    ("sog", "f4"),
    ("cog", "f4"),
    ("n_reports", "u4"),
    ("content", "u4", (DUPLICATE_RING,)),  # hashes of the last contents
    ("content_t", "u4", (DUPLICATE_RING,)),  # their times, ms UTC modulo 2³²; see since_ms
    ("interval_bins", "u2", (INTERVAL_BINS,)),
    ("hour_reports", "u2", (HOURS_KEPT,)),  # reports in each of the hours up to that of heard_t, newest first
    ("windows_heard", "u8"),  # one bit per ten-minute window up to that of heard_t, newest first
]
"""State of a hull that every behaviour reads."""

TRACK_BLANK: Final = {
    "last_t": NEVER,
    "lat": np.nan,
    "lon": np.nan,
    "sog": np.nan,
    "cog": np.nan,
}
"""Values of a hull that has not reported yet; 0 where not named."""

VESSEL_FIELDS: Final = [
    ("mmsi", "u4"),
    ("first_hull", "i4"),  # head of the chain of its hulls; of a row that is free: the next free row
    ("n_hulls", "u1"),  # number of its newest hull
    ("ship_type", "u1"),  # ITU-R M.1371-5 table 53; 0 = unknown
    ("length_m", "f4"),
    ("imo", "u4"),
    ("name_hash", "u4"),  # 0 = unknown
    ("call_sign_hash", "u4"),
    ("destination_port", "i4"),  # row in the port list that the declared destination names, -1 = none
    ("identity_t", "i8"),  # when name, call sign, IMO, type or length last changed; NEVER = not seen to change
    ("heard_t", "i8"),  # ms UTC of its last report of any kind; NEVER = the row is free
    ("stray_n", "u1"),  # reports kept aside, consistent with each other
    ("stray_t", "i8"),
    ("stray_span_ms", "u4"),  # from the first of them to the last
    ("stray_lat", "f4"),
    ("stray_lon", "f4"),
    ("stray_sog", "f4"),
    ("stray_misses", "u1"),  # reports from elsewhere since the last of them
    ("stray_content", "u4"),  # of the last unreachable report, whether of them or not
    ("stray_content_t", "u4"),  # its time; see since_ms
]
VESSEL_DTYPE: Final = packed(VESSEL_FIELDS)
"""State of an MMSI: its hulls, what it says of itself, and reports that fit none of its hulls."""


class HullSettings(BaseModel):
    """How hulls are told apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reachable_kn: float = Field(25.0, gt=0, description="speed that any vessel is granted between two reports")
    claimed_factor: float = Field(1.3, ge=1, description="… or this many times the speed over ground it reports")
    unclaimed_kn: float = Field(50.0, gt=0, description="… or this where neither report gives its speed")
    margin_m: float = Field(1000.0, ge=0, description="distance that is always reachable: position and clock errors")
    stray_reports: int = Field(3, ge=2, le=20, description="consistent unreachable reports that make a new hull")
    stray_within_s: float = Field(3600.0, gt=0, description="longest time between reports kept aside")
    duplicate_s: float = Field(6.0, ge=0, description="the same content within this time is one transmission")
    forget_days: float = Field(30.0, gt=0, description="silence after which a hull is forgotten")

    def parameters(self) -> "HullParameters":
        """The settings in the units of the kernels."""
        return HullParameters(
            self.reachable_kn * KN_MS,
            self.claimed_factor,
            self.unclaimed_kn * KN_MS,
            self.margin_m,
            self.stray_reports,
            round(self.stray_within_s * 1000),
            round(self.duplicate_s * 1000),
            round(self.forget_days * DAY_MS),
        )


class HullParameters(NamedTuple):
    """HullSettings in the units of the kernels."""

    reachable_ms: float
    claimed_factor: float
    unclaimed_ms: float
    margin_m: float
    stray_reports: int
    stray_within_ms: int
    duplicate_ms: int
    forget_ms: int
