"""Loitering: a vessel stays where vessels pass.

**Enter** when the speed implied by 15 minutes of positions *and* the (lower) median SOG of those reports are below
2 kn; or when *circling*: below 5 kn for an hour or more, path at least 3 times the net distance, inside 5 nm; or
*adrift*: "not under command", or moving at 0.3–5 kn with the course over ground more than 45° off the heading. What
began before it was seen (a quarter of an hour of slowness, an hour of circling) counts from its beginning: a circler
that came at speed began when it fell below 5 kn.
**Leave** at more than 3 kn for 10 minutes (a circler: when for two hours it has neither been seen circling nor
been below 5 kn within 5 nm of the middle). Holes of up to
one hour are bridged and reported; a longer one ends the episode at the last report before it: slowness is never
interpolated.

**Alert** after 4 h beyond 20 nm from shore, 2 h at 12–20 nm, 30 min inside a watch zone, and 30 min adrift (with 500 m
of drift) anywhere outside ports; never nearer than 12 nm otherwise: an alert that stands on the distance alone is
retracted when the middle of the whole episode proves to lie nearer. Ports, vessels at anchor, natural loiterers,
pleasure craft and waters where slowness is usual weigh the score down, so that they need longer or never reach it. At
anchor is what says so, and outside watch zones also what gives no status and moves at less than 0.3 kn (whatever
floats free drifts faster), within 0.3 nm. What
is usual is what was usual before the episode began, so a meeting of slow vessels does not excuse itself; it takes half
a day of listening. Trade is no excuse in a watch zone or for a vessel not under
command; a tug that moves sideways is at work.

Compare: Global Fishing Watch loitering events (< 2 kn, ≥ 20 nm from shore); Danish Maritime Authority drift (1–5 kn,
|COG − heading| > 45°, 10 min, 500 m).
"""

from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from maritime.times import FAR_S, NEVER_S
from maritime.units import HOUR_MS, MINUTE_MS, NM_M

SHORT_RING: Final = 16  # samples a minute apart: the last quarter of an hour
LONG_RING: Final = 12  # samples ten minutes apart: the last two hours
RADIUS_BINS: Final = 18  # bins of distance from the middle, each √2 wider than the last, from 50 m to 18 km
RADIUS_BIN_M: Final = 50.0

LOITER_FIELDS: Final = [
    ("base_s", "i4"),  # what the samples' times and positions are counted from; see kernels/samples.py
    ("base_lat", "i4"),
    ("base_lon", "i4"),
    ("short_s", "i2", (SHORT_RING,)),
    ("short_lat", "i2", (SHORT_RING,)),
    ("short_lon", "i2", (SHORT_RING,)),
    ("short_sog", "u2", (SHORT_RING,)),
    ("short_n", "u4"),  # samples taken so far; the next goes to short_n % SHORT_RING
    ("long_s", "i2", (LONG_RING,)),
    ("long_lat", "i2", (LONG_RING,)),
    ("long_lon", "i2", (LONG_RING,)),
    ("long_sog", "u2", (LONG_RING,)),  # the largest since the sample before
    ("long_n", "u4"),
    ("long_max_sog", "f4"),
    ("loiter_open", "u1"),
    ("loiter_alerted", "u1"),
    ("loiter_told", "u2"),  # revisions told so far
    ("loiter_modes", "u1"),  # bits: 1 slow, 2 circling, 4 adrift, 8 not under command, 16 alerted for distance alone
    ("loiter_start_t", "i8"),
    ("loiter_due_t", "i8"),  # when to look again; FAR = nothing to wait for
    ("fast_s", "i4"),  # since when (s since 2000) it has been above the leaving speed; FAR_S = it is not
    ("adrift_s", "i4"),  # since when it has been adrift; FAR_S = it is not
    ("adrift_seen_s", "i4"),
    ("adrift_lat", "f4"),
    ("adrift_lon", "f4"),
    ("circling_s", "i4"),  # when it was last seen circling
    ("calm_s", "i4"),  # since when it has been below the circling speed; FAR_S = it is not
    ("calm_lat", "f4"),
    ("calm_lon", "f4"),
    ("loiter_usual", "f4"),  # share of the vessels around that were usually slow before it began; NaN = not known
    ("loiter_n", "u4"),  # samples in the episode
    ("loiter_lat0", "f4"),  # where it began
    ("loiter_lon0", "f4"),
    ("loiter_x", "f4"),  # mean and sum of squares east and north of the beginning, metres (Welford)
    ("loiter_y", "f4"),
    ("loiter_m2", "f4"),
    ("loiter_path_m", "f4"),
    ("loiter_sog_sum", "f4"),
    ("loiter_sog_n", "u4"),
    ("loiter_sog_max", "f4"),
    ("loiter_hole_s", "f4"),
    ("loiter_turn_deg", "f4"),
    ("loiter_anchor_n", "u4"),  # samples with status at anchor or moored, or at rest without one
    ("loiter_prev_lat", "f4"),
    ("loiter_prev_lon", "f4"),
    ("loiter_prev_cog", "f4"),
    ("loiter_coast_m", "f4"),
    ("loiter_port_m", "f4"),
    ("loiter_in_port", "u1"),
    ("loiter_zone", "i2"),
    ("loiter_end_s", "i4"),  # end of the last loitering that was alerted
    ("radius_bins", "u2", (RADIUS_BINS,)),
]
LOITER_BLANK: Final = {"fast_s": FAR_S, "adrift_s": FAR_S, "calm_s": FAR_S, "loiter_end_s": NEVER_S}
"""Values of a hull that has not reported yet; 0 where not named."""


class LoiteringSettings(BaseModel):
    """When slowness is an episode, and when the episode is an alert."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    enter_kn: float = Field(2.0, gt=0, description="implied speed and median SOG below which a vessel is slow")
    leave_kn: float = Field(3.0, gt=0, description="speed above which it leaves …")
    leave_min: float = Field(10.0, ge=0, description="… when held for so long")
    window_min: float = Field(15.0, ge=5, le=15, description="span over which the implied speed is taken")
    circling_kn: float = Field(5.0, gt=0)
    circling_ratio: float = Field(3.0, gt=1, description="path over net distance")
    circling_radius_nm: float = Field(5.0, gt=0)
    adrift_min_kn: float = Field(0.3, ge=0)
    adrift_max_kn: float = Field(5.0, gt=0)
    adrift_angle_deg: float = Field(45.0, gt=0, lt=180)
    adrift_after_min: float = Field(30.0, gt=0)
    adrift_m: float = Field(500.0, ge=0, description="drift below which a vessel is not adrift (DMA)")
    bridge_min: float = Field(60.0, gt=0, description="longest hole that is bridged")
    far_nm: float = Field(20.0, gt=0)
    far_after_min: float = Field(240.0, gt=0)
    near_nm: float = Field(12.0, ge=0, description="nearer to shore than this only zones and drifting alert")
    near_after_min: float = Field(120.0, gt=0)
    zone_after_min: float = Field(30.0, gt=0)
    port_in_km: float = Field(3.0, ge=0, description="nearer than this to a port is in port …")
    port_out_km: float = Field(4.0, ge=0, description="… until farther than this")
    anchor_rms_nm: float = Field(
        0.3, ge=0, description="at anchor when the status says so, or nothing and it lies still, and it drifts less"
    )
    port_weight: float = Field(0.4, ge=0, le=1, description="score weight in port; below 0.5 never alerts")
    anchor_weight: float = Field(0.4, ge=0, le=1, description="score weight at anchor")
    usual_weight: float = Field(0.4, ge=0, le=1, description="score weight where every other vessel is slow")
    usual_after_h: float = Field(12.0, ge=0, description="hours of listening before anything is called usual")
    natural_weight: float = Field(0.4, ge=0, le=1, description="score weight of pilots, tugs, dredgers, fishers, …")
    leisure_weight: float = Field(0.7, ge=0, le=1, description="score weight of sailing and pleasure craft")
    episode_after_min: float = Field(30.0, ge=0, description="shorter slow periods are not recorded")

    def parameters(self) -> "LoiteringParameters":
        """The settings in the units of the kernels."""
        return LoiteringParameters(
            int(self.enabled),
            self.enter_kn,
            self.leave_kn,
            round(self.leave_min * MINUTE_MS),
            round(self.window_min * 60),
            self.circling_kn,
            self.circling_ratio,
            self.circling_radius_nm * NM_M,
            self.adrift_min_kn,
            self.adrift_max_kn,
            self.adrift_angle_deg,
            round(self.adrift_after_min * MINUTE_MS),
            self.adrift_m,
            round(self.bridge_min * MINUTE_MS),
            self.far_nm * NM_M,
            round(self.far_after_min * MINUTE_MS),
            self.near_nm * NM_M,
            round(self.near_after_min * MINUTE_MS),
            round(self.zone_after_min * MINUTE_MS),
            self.port_in_km * 1000.0,
            self.port_out_km * 1000.0,
            self.anchor_rms_nm * NM_M,
            self.port_weight,
            self.anchor_weight,
            self.usual_weight,
            round(self.usual_after_h * HOUR_MS),
            self.natural_weight,
            self.leisure_weight,
            round(self.episode_after_min * MINUTE_MS),
        )


class LoiteringParameters(NamedTuple):
    """LoiteringSettings in metres, milliseconds and knots."""

    enabled: int
    enter_kn: float
    leave_kn: float
    leave_ms: int
    window_s: int
    circling_kn: float
    circling_ratio: float
    circling_radius_m: float
    adrift_min_kn: float
    adrift_max_kn: float
    adrift_angle_deg: float
    adrift_after_ms: int
    adrift_m: float
    bridge_ms: int
    far_m: float
    far_after_ms: int
    near_m: float
    near_after_ms: int
    zone_after_ms: int
    port_in_m: float
    port_out_m: float
    anchor_rms_m: float
    port_weight: float
    anchor_weight: float
    usual_weight: float
    usual_after_ms: int
    natural_weight: float
    leisure_weight: float
    episode_after_ms: int
