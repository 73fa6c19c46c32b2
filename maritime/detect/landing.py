"""Unusual landing: a vessel comes ashore where, or in a way, that vessels do not.

**Stop.** From below 0.2 kn (class B or unknown speed 0.5 kn) until above 0.5 kn, or more than 200 m (and twice its
length) away, in two reports that are a minute or those 200 m apart: one bad point ends nothing. Unknown SOG is the
speed implied over three minutes.
**Landfall.** A stop of 10 minutes or more within 300 m of the coast (500 m for vessels longer than 24 m) plus the
coastline's own median error, or at a known place on land (rivers and basins that the coastline does not draw).
Elsewhere on the land polygon the answer is *unknown*.
**Inferred landfall.** The last report heads for the shore from within 1 nm, no more than 15 minutes away at its speed
(or has just stopped there), and then nothing is heard for an hour in which others are. Retracted when the vessel turns
up again so far off, so soon, that there was no time for a stop.

**Unusual** is a sum of named terms: PLACE (over 3 km from every known place, fewer than 3 others ever seen at rest
there), DESTINATION (names a port over 50 km away), ANTECEDENT (dark period or loitering in the 24 hours before, or a
run above 20 kn in the 2 hours before by a craft not made for it), SHORT_STAY (under way again within 60 minutes),
DORMANCY (the first voyage after 7 days without one). NOVELTY, TYPE and HOUR need learned history; without it they are
*unknown*, and what is unknown is never counted. **Alert** on PLACE or NOVELTY and one term more, while the vessel lies
there; SHORT_STAY can raise it at departure.
**Held back:** known places, rescue craft, ferries, places that the vessel came to twice before, weather shelter (others
lie there, and most vessels around are slow), vessels never seen to arrive.

Confidence, as of Global Fishing Watch port visits: a quarter for each of approach, stop, stay and departure seen.
"""

from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from maritime.times import FAR, FAR_S, NEVER_S
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS, NM_M

VISITED: Final = 5  # landfall places remembered per hull, newest first: home, work and a few more

LANDFALL_FIELDS: Final = [
    ("stop_t", "i8"),  # since when it has been at rest; FAR = it is not
    ("stop_lat", "f8"),
    ("stop_lon", "f8"),
    ("stop_seen_t", "i8"),  # last report at rest
    ("leaving_t", "i8"),  # first of the reports under way that may end the stop
    ("moved_s", "i4"),  # last report under way, s since 2000; NEVER_S = none yet
    ("woke_s", "i4"),  # when it last moved again after a long rest or silence
    ("sprint_from_s", "i4"),  # since when it has been fast; FAR_S = it is not
    ("sprint_s", "i4"),  # when it was last seen to have been fast for a minute
    ("look_t", "i8"),  # when silence may mean a landfall; FAR = nothing to wait for
    ("pace_s", "i4"),  # sample from which unknown speeds are implied
    ("pace_lat", "f4"),
    ("pace_lon", "f4"),
    ("pace_kn", "f4"),  # speed and course of the last report, implied where not sent
    ("pace_deg", "f4"),
    ("stop_hole_s", "f4"),  # longest hole within the stop
    ("dormant_days", "f4"),
    ("sprint_kn", "f4"),
    ("landfall_kn", "f4"),  # speed of the last report before an inferred landfall
    ("landfall_coast_m", "f4"),  # NaN = farther than was looked
    ("landfall_place_m", "f4"),  # NaN = none near
    ("landfall_goal_m", "f4"),  # distance to the port of destination; NaN = none known
    ("landfall_place", "i4"),
    ("landfall_goal", "i4"),
    ("stop_n", "u2"),  # reports at rest
    ("landfall_told", "u2"),
    ("leaving_n", "u1"),
    ("moving_n", "u1"),  # reports under way without a hole of an hour, before the stop
    ("resting", "u1"),  # the last report was slow enough for a stop
    ("stop_judged", "u1"),  # 1 once it is known whether the stop is a landfall
    ("landfall_open", "u1"),
    ("landfall_alerted", "u1"),
    ("landfall_inferred", "u1"),  # 1 from silence alone, 2 then seen at rest there
    ("landfall_seen", "u1"),  # bits: approach, stop, stay, departure
    ("landfall_terms", "u1"),  # bits in the order of TERMS: what is unusual …
    ("landfall_unknown", "u1"),  # … and what cannot be said
    ("landfall_held", "u1"),  # code of HELD
    ("landfall_others", "u1"),  # other vessels ever seen at rest there
    ("landfall_slow", "u1"),  # vessels usually slow around
    ("visit_n", "u1", (VISITED,)),
    ("visit_lat", "f4", (VISITED,)),
    ("visit_lon", "f4", (VISITED,)),
]
LANDFALL_BLANK: Final = {
    "stop_t": FAR,
    "moved_s": NEVER_S,
    "woke_s": NEVER_S,
    "sprint_from_s": FAR_S,
    "sprint_s": NEVER_S,
    "look_t": FAR,
    "pace_s": NEVER_S,
    "pace_kn": float("nan"),
    "pace_deg": float("nan"),
}
"""Values of a hull that has not reported yet; 0 where not named."""

TERMS: Final = ("place", "novelty", "type", "hour", "destination", "antecedent", "short_stay", "dormancy")
"""Names of the bits of landfall_terms and landfall_unknown."""

SEEN: Final = ("approach", "stop", "stay", "departure")
"""Names of the bits of landfall_seen."""

HELD: Final = (
    "",
    "inland_unknown",
    "known_place",
    "others_rest_here",
    "rescue_craft",
    "ferry",
    "usual_for_this_vessel",
    "sheltering",
    "arrival_not_seen",
    "no_further_term",
    "passed_by",
    "disabled",
)
"""Why a landfall is no alert, or was retracted, by code."""


class LandingWeights(BaseModel):
    """What each term adds to the score of a landfall. Chosen: two terms are minor or moderate, four extreme."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    place: float = Field(0.35, ge=0, le=1)
    novelty: float = Field(0.25, ge=0, le=1)
    type: float = Field(0.1, ge=0, le=1)
    hour: float = Field(0.1, ge=0, le=1)
    destination: float = Field(0.15, ge=0, le=1)
    antecedent: float = Field(0.3, ge=0, le=1)
    short_stay: float = Field(0.15, ge=0, le=1)
    dormancy: float = Field(0.1, ge=0, le=1)


class LandingSettings(BaseModel):
    """When a stop is a landfall, and when a landfall is an alert."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="whether unusual landings alert; landfalls are recorded all the same")
    rest_kn: float = Field(0.2, gt=0, description="speed below which a stop begins")
    rest_b_kn: float = Field(0.5, gt=0, description="… for class B, whose SOG is noisier, and for implied speeds")
    leave_kn: float = Field(0.5, gt=0, description="speed above which it ends …")
    leave_s: float = Field(60.0, ge=0, description="… when held for so long")
    moved_m: float = Field(200.0, gt=0, description="distance (and twice the length, to swing) that ends it, too")
    stop_min: float = Field(10.0, ge=1, description="shortest stop that is a landfall")
    shore_m: float = Field(300.0, gt=0, description="distance to the coast within which a stop is a landfall …")
    shore_long_m: float = Field(500.0, gt=0, description="… for vessels longer than `long_m`")
    long_m: float = Field(24.0, gt=0)
    inland_km: float = Field(5.0, gt=0, description="deeper inside a land polygon stops are not recorded")
    hole_min: float = Field(60.0, gt=0, description="longest hole within which a movement counts as seen")
    stop_hole_min: float = Field(10.0, gt=0, description="longest hole before the stop within which it counts as seen")
    infer_after_min: float = Field(60.0, ge=10, description="silence after which a landfall may be inferred")
    infer_until_min: float = Field(180.0, gt=0, description="silence after which it no longer is")
    infer_nm: float = Field(1.0, gt=0, description="last report no farther from the coast than this …")
    infer_within_min: float = Field(15.0, gt=0, description="… and no longer, at its speed")
    place_km: float = Field(3.0, gt=0, description="nearer than this to a known place is no unusual place")
    others: int = Field(3, ge=1, description="other vessels ever seen at rest that make a place a known one")
    destination_km: float = Field(50.0, gt=0)
    antecedent_h: float = Field(24.0, gt=0)
    sprint_kn: float = Field(20.0, gt=0)
    sprint_h: float = Field(2.0, gt=0)
    short_stay_min: float = Field(60.0, gt=0)
    dormant_days: float = Field(7.0, gt=0)
    visits: int = Field(2, ge=1, description="earlier visits that make a place usual for a vessel")
    visit_m: float = Field(1000.0, gt=0, description="distance within which two landfalls are at one place")
    shelter_vessels: float = Field(3.0, gt=0, description="vessels usually slow around that speak of shelter")
    weights: LandingWeights = Field(default_factory=LandingWeights)

    def parameters(self) -> "LandingParameters":
        """The settings in the units of the kernels."""
        return LandingParameters(
            int(self.enabled),
            self.rest_kn,
            self.rest_b_kn,
            self.leave_kn,
            round(self.leave_s * 1000),
            self.moved_m,
            round(self.stop_min * MINUTE_MS),
            self.shore_m,
            self.shore_long_m,
            self.long_m,
            self.inland_km * 1000.0,
            round(self.hole_min * MINUTE_MS),
            round(self.stop_hole_min * MINUTE_MS),
            round(self.infer_after_min * MINUTE_MS),
            round(self.infer_until_min * MINUTE_MS),
            self.infer_nm * NM_M,
            self.infer_within_min * 60.0,
            self.place_km * 1000.0,
            self.others,
            self.destination_km * 1000.0,
            round(self.antecedent_h * HOUR_MS),
            self.sprint_kn,
            round(self.sprint_h * HOUR_MS),
            round(self.short_stay_min * MINUTE_MS),
            round(self.dormant_days * DAY_MS),
            self.visits,
            self.visit_m,
            self.shelter_vessels,
        )


class LandingParameters(NamedTuple):
    """LandingSettings in metres, milliseconds and knots."""

    enabled: int
    rest_kn: float
    rest_b_kn: float
    leave_kn: float
    leave_ms: int
    moved_m: float
    stop_ms: int
    shore_m: float
    shore_long_m: float
    long_m: float
    inland_m: float
    hole_ms: int
    stop_hole_ms: int
    infer_after_ms: int
    infer_until_ms: int
    infer_m: float
    infer_within_s: float
    place_m: float
    others: int
    destination_m: float
    antecedent_ms: int
    sprint_kn: float
    sprint_ms: int
    short_stay_ms: int
    dormant_ms: int
    visits: int
    visit_m: float
    shelter_vessels: float
