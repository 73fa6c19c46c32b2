"""Distress beacons and withheld positions: two behaviours that need no history.

**Distress beacon.** A report of an AIS-SART (970…), man-overboard device (972…) or EPIRB-AIS (974…), or navigational
status 14 from any vessel. Active (status 14, or a safety text that says ACTIVE; ITU-R M.1371-5 annex 9) is an alert
at the first report; TEST is recorded and alerts nobody. The episode ends after half an hour without a report.

**Position withheld.** A vessel that had given its position goes on transmitting with latitude 91 and longitude 181:
an alert after half an hour and three such reports. A transceiver never seen to give a position is recorded as such.
"""

import math
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from maritime.units import MINUTE_MS

BEACON_FIELDS: Final = [
    ("beacon_open", "u1"),
    ("beacon_active", "u1"),
    ("beacon_told", "u2"),
    ("beacon_n", "u4"),
    ("beacon_start_t", "i8"),
    ("beacon_seen_t", "i8"),
    ("beacon_lat", "f4"),  # NaN until a position is known
    ("beacon_lon", "f4"),
    ("positions_n", "u4"),  # reports with a position so far
    ("withheld_open", "u1"),
    ("withheld_alerted", "u1"),
    ("withheld_told", "u2"),
    ("withheld_n", "u4"),
    ("withheld_start_t", "i8"),
    ("withheld_seen_t", "i8"),
]
BEACON_BLANK: Final = {"beacon_lat": math.nan, "beacon_lon": math.nan}
"""Values of a hull that has not reported yet; 0 where not named."""


class DistressSettings(BaseModel):
    """How long a beacon may pause within one episode."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    pause_min: float = Field(30.0, gt=0)

    def parameters(self) -> "DistressParameters":
        """The settings in milliseconds."""
        return DistressParameters(int(self.enabled), round(self.pause_min * MINUTE_MS))


class WithheldSettings(BaseModel):
    """When transmitting without a position is an alert."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    after_min: float = Field(30.0, ge=0)
    reports: int = Field(3, ge=1)
    positions_before: int = Field(14, ge=0, description="reports with a position that must have come before")
    pause_min: float = Field(60.0, gt=0, description="silence that ends the episode")

    def parameters(self) -> "WithheldParameters":
        """The settings in milliseconds."""
        return WithheldParameters(
            int(self.enabled),
            round(self.after_min * MINUTE_MS),
            self.reports,
            self.positions_before,
            round(self.pause_min * MINUTE_MS),
        )


class DistressParameters(NamedTuple):
    """DistressSettings for the kernels."""

    enabled: int
    pause_ms: int


class WithheldParameters(NamedTuple):
    """WithheldSettings for the kernels."""

    enabled: int
    after_ms: int
    reports: int
    positions_before: int
    pause_ms: int
