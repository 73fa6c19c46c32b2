"""Reception outage: about the sensor, not the ship.

Many hulls of one source, or of one region of a degree, fall silent together: after an hour of steady reception, of at
least 5 vessels usually heard in ten minutes a tenth or fewer are heard for two windows on end, where half or more, and
at least 5, were heard just before: fewer may have left one by one. (A passing satellite is never steady for an hour.)
A region is not quiet when half of those last heard there are heard in the regions around it: a convoy that sailed on.
One notice tells it, dark periods within are held back, and it closes when half of the usual number is heard again.
While a source is out, its regions are out with it and have no notice of their own. Known from heartbeats alone, so
every engine sees the same; only the engine that owns partition 0 tells it.
"""

from typing import Final, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

SOURCE_DTYPE: Final = np.dtype(
    [
        ("heard", "u1"),  # whether it was ever heard
        ("steady", "u4"),  # windows on end in which it was heard as usual
        ("vessels", "u4"),  # vessels in the window being closed
        ("vessels_before", "u4"),  # … and in the one before
        ("vessels_sum", "f8"),  # of earlier windows, forgetting over 12 h; stands still while quiet
        ("weight", "f8"),
        ("first_t", "i8"),  # first and last report in the window being closed, ms UTC
        ("last_t", "i8"),
        ("quiet", "u4"),  # quiet windows on end
        ("quiet_t", "i8"),  # last report before they began
        ("out", "u1"),  # 1 told, 2 a region within the outage of a source
        ("ended_t", "i8"),  # end of its last outage; 0 = none
        ("told", "u2"),
        ("usual", "f4"),  # vessels in ten minutes before the outage
        ("silenced", "u4"),  # vessels in the last window before it
        ("who", "u8"),  # of a region: sketch of the vessels in the window being closed
        ("who_before", "u8"),  # … and in the one before
        ("silenced_who", "u8"),  # … and in the last one before it went quiet
        ("clock", "u1"),  # doubt in the source's clock: 1 off, 2 so far off that its reports are refused
        ("clock_off_s", "f4"),
    ],
    align=True,
)
"""State of one source or region."""


class OutageSettings(BaseModel):
    """When a source or region is out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    usual_vessels: float = Field(
        5.0, ge=1, description="least number of vessels in ten minutes, usually and just before, to judge by"
    )
    quiet_share: float = Field(0.1, ge=0, lt=1, description="share of the usual number at or below which it is quiet")
    back_share: float = Field(0.5, gt=0, le=1, description="share of the usual number at which it is back")
    quiet_windows: int = Field(2, ge=1, description="quiet windows of ten minutes that make an outage")
    steady_windows: int = Field(
        6, ge=1, description="windows on end heard as usual before: a satellite's pass is shorter"
    )

    def parameters(self) -> "OutageParameters":
        """The settings for the kernels."""
        return OutageParameters(
            int(self.enabled),
            self.usual_vessels,
            self.quiet_share,
            self.back_share,
            self.quiet_windows,
            self.steady_windows,
        )


class OutageParameters(NamedTuple):
    """OutageSettings for the kernels."""

    enabled: int
    usual_vessels: float
    quiet_share: float
    back_share: float
    quiet_windows: int
    steady_windows: int
