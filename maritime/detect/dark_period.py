"""Dark period: a vessel under way stops being heard while others around it go on being heard.

**Silence.** No report for max(1 h, 10 × the hull's own 95th-percentile report interval, at most 12 h): recorded, no
alert.

**Expectation.** Of the last 36 ten-minute windows the hull was heard in a share q. While it is silent, the
probability of hearing nothing, were the transmitter on, is P = (1 − q)^Σr over the windows, where r is whether
reception works around its last position: 1 when three vessels, or half of those usually heard there, are heard, less
with fewer. "There" is the cell and its ring, or ever wider rings until three vessels are usual; in lonely water, all
that the source hears. Where two are usual in a smaller ring and it hears nobody, r is 0, whoever is heard far off.
Where reception comes and goes (a satellite's) and six hours are known of the hull, q is taken of the windows in which
it is there. A receiver that stops or moves takes r, and with it the suspicion, down to zero.

**Alert while silent** (A), raised by the watermark, when P < 0.001 with r of at least q/4 on average, somebody is
heard in the window before (a receiver that moved away hears nobody), the silence is at least 2 × the longest hole in
the last 10 hours, no outage fell into it, and the last reports say that the vessel was there, under way and staying in
reach: 4 or more reports a minute apart; not thinning out before (windows missed, or the last intervals 3 × the
median); at least 1 kn, or at rest in open water: 50 nm off, or 1 nm off after an abrupt stop (from 7 kn within three
minutes, of a vessel that reported often); not slowing into a mooring place (port, user's place, or where two others
have been seen at rest); not heading out of the area in which vessels are heard: neither over the edge of all that was
heard, nor from waters where others are heard into waters where (almost) none is.
**Alert at reappearance** (B) of a silence that met A but for somebody heard at that moment; and of one that A held
back as at rest, slowing or leaving: when the vessel has sailed meanwhile (moved 2 nm, and at 0.5 kn or more over the
whole silence: a boat switched off at its berth overnight and heard again outside the harbour has not), unless it comes,
by its course, from outside the area heard.
**Retracted** at reappearance when it lay still all the while (moved less than 1 nm, and below 1 kn or at a mooring
place), or comes in over the edge of the area heard (farther out a quarter of an hour ago; one that sails outward
there does not come back); or when another hull of the MMSI shows that the ship had not gone silent: a reappearance that
no reachable speed explains (maritime/tracks/hulls.py) is another hull, and an identity clash is told instead.
**Not judged** is the silence of a vessel that was last heard from a source whose clock is wrong, or is heard meanwhile
by one whose reports are refused for it (maritime/tracks/clocks.py).

Compare: Welch et al. 2022 (Science Advances 8, eabq2109): gaps ≥ 12 h, > 50 nm from shore, ≥ 14 positions in the 12 h
before, > 10 positions a day of reception; each alert says whether it meets that (`strict_gfw`). The rule was chosen
by the study in docs/dark_period_study.md.
"""

from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from maritime.times import FAR, NEVER, NEVER_S
from maritime.units import MINUTE_MS, NM_M

SILENCE_FIELDS: Final = [
    ("silence_due_t", "i8"),  # when to look again while silent; FAR = nothing to wait for
    ("silence_start_t", "i8"),  # last report before the silence that is being judged
    ("silence_judged", "u1"),  # 1 once the last reports have been judged
    ("silence_held", "u1"),  # rule that holds the alert back, 0 = none (see HELD)
    ("silence_alerted", "u1"),
    ("silence_told", "u2"),
    ("silence_windows", "u2"),  # windows judged
    ("silence_rings", "u1"),  # neighbourhood in which reception is judged + 16 × the one in which somebody must be
    ("silence_usual", "f4"),  # vessels usually heard there, when the silence began
    ("silence_out", "u1"),  # an outage was seen during the silence
    ("silence_log_p", "f4"),
    ("silence_r_sum", "f4"),
    ("silence_who", "u8"),  # sketch of the others heard meanwhile
    ("silence_q", "f4"),
    ("windows_from", "i4"),  # first window that windows_heard speaks of
    ("dark_end_s", "i4"),  # end of the last silence that was alerted
]
SILENCE_BLANK: Final = {"silence_due_t": FAR, "silence_start_t": NEVER, "dark_end_s": NEVER_S}
"""Values of a hull that has not reported yet; 0 where not named."""

HELD: Final = (
    "",
    "few_reports",
    "fading_reception",
    "at_rest",
    "leaving_area_heard",
    "slowing_into_mooring",
    "reception_outage",
    "expected_silence",
    "identity_clash",
    "switched_off_at_rest",
    "returned_into_area_heard",
    "too_short",
    "source_clock_off",
)
"""Why a silence is no alert, or an alert was retracted, by code."""


class DarkPeriodSettings(BaseModel):
    """When a silence is an alert."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    least_min: float = Field(60.0, ge=20, description="shortest silence that is recorded")
    intervals: float = Field(10.0, ge=1, description="… or so many 95th-percentile report intervals")
    holes: float = Field(2.0, ge=1, description="… or, for an alert, so many times the longest hole of late")
    probability: float = Field(0.001, gt=0, lt=1, description="P below which silence is not chance")
    reports_before: int = Field(4, ge=1, le=16, description="reports a minute apart that must have come before")
    thinned: float = Field(3.0, gt=1, description="the last intervals against the median: longer is fading reception")
    recent_windows: int = Field(6, ge=1, le=36, description="windows in which reception must not have faded")
    under_way_kn: float = Field(1.0, ge=0)
    mooring_km: float = Field(3.0, ge=0)
    mooring_vessels: int = Field(2, ge=1, description="others seen at rest that make a place a mooring")
    slowing_share: float = Field(0.5, ge=0, le=1, description="of the highest speed of late: below it is slowing")
    ahead_min: float = Field(60.0, gt=0, description="how far ahead the course must stay in the area heard")
    edge_nm: float = Field(1.0, ge=0, description="width of the edge of the area heard")
    moved_nm: float = Field(2.0, ge=0, description="displacement that makes an alert at reappearance …")
    moved_kn: float = Field(0.5, ge=0, description="… when made at this speed or more over the whole silence")
    still_nm: float = Field(1.0, ge=0)
    still_kn: float = Field(1.0, ge=0)
    usual_vessels: float = Field(3.0, gt=0, description="vessels usually heard where reception can be judged")
    least_reception: float = Field(0.25, ge=0, le=1, description="mean r, in shares of q, below which nothing is said")
    ahead_share: float = Field(0.25, ge=0, le=1, description="of the vessels usual here: fewer ahead is out of reach")
    ahead_vessels: float = Field(0.5, ge=0, description="vessels usual here below which nothing is known of ahead")
    witnesses: int = Field(3, ge=0, description="others heard meanwhile for full confidence")
    far_nm: float = Field(50.0, gt=0, description="far from shore: rest is suspicious too, and the craft a concern")
    abrupt_kn: float = Field(7.0, gt=0, description="speed from which a stop within three minutes is abrupt …")
    abrupt_reports: int = Field(60, ge=1, description="… of a vessel with so many reports in 12 h …")
    abrupt_off_nm: float = Field(1.0, ge=0, description="… so far off the shore at least")

    def parameters(self) -> "DarkPeriodParameters":
        """The settings in the units of the kernels."""
        return DarkPeriodParameters(
            int(self.enabled),
            round(self.least_min * MINUTE_MS),
            self.intervals,
            self.holes,
            self.probability,
            self.reports_before,
            self.thinned,
            self.recent_windows,
            self.under_way_kn,
            self.mooring_km * 1000.0,
            self.mooring_vessels,
            self.slowing_share,
            self.ahead_min * 60.0,
            self.edge_nm * NM_M,
            self.moved_nm * NM_M,
            self.moved_kn,
            self.still_nm * NM_M,
            self.still_kn,
            self.usual_vessels,
            self.least_reception,
            self.ahead_share,
            self.ahead_vessels,
            self.far_nm * NM_M,
            self.abrupt_kn,
            self.abrupt_reports,
            self.abrupt_off_nm * NM_M,
        )


class DarkPeriodParameters(NamedTuple):
    """DarkPeriodSettings in metres, milliseconds and knots."""

    enabled: int
    least_ms: int
    intervals: float
    holes: float
    probability: float
    reports_before: int
    thinned: float
    recent_windows: int
    under_way_kn: float
    mooring_m: float
    mooring_vessels: int
    slowing_share: float
    ahead_s: float
    edge_m: float
    moved_m: float
    moved_kn: float
    still_m: float
    still_kn: float
    usual_vessels: float
    least_reception: float
    ahead_share: float
    ahead_vessels: float
    far_m: float
    abrupt_kn: float
    abrupt_reports: int
    abrupt_off_m: float
