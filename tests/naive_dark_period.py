"""Dark periods of a fleet written again as slow, obvious Python over its whole list of reports.

Bits, bins and rings become lists: of the windows in which a hull was heard, of its intervals, of reports a minute
apart. Everything asked of other vessels is asked of tests/naive_reception.py.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.naive_landing import metres
from tests.naive_reception import HOUR, MINUTE, WINDOW, Ears, Feeds, Report, at_least, feeds

MILE, KNOT = 1852.0, 1852.0 / 3600.0
RINGS, WIDE = (1, 2, 4), 10
HOLES = 2  # times the longest hole of late
SAILED_M, SAILED_KN = 2 * MILE, 0.5


@dataclass
class Silence:
    """A silence long enough to be recorded, as it stands at the end."""

    mmsi: int
    start: int
    last: Report
    least: int
    needed: int
    held: str = ""
    alerted: bool = False
    raised: int | None = None
    end: int | None = None
    retracted: bool = False
    ring: int = 0
    close_by: int = 0
    q: float = 0.0
    known: int = 0  # windows of its history
    receptions: list[float] = field(default_factory=list)
    witnesses: set[int] = field(default_factory=set)
    moved_m: float = math.nan

    def log_p(self) -> float:
        """Ln P; where reception is there less than half of the time, q is taken of the windows in which it is, if six
        hours are known.
        """
        if not self.receptions:
            return 0.0
        mean_r = statistics.fmean(self.receptions)
        q = self.q if mean_r >= 0.5 or self.known < 36 else min(self.q / max(mean_r, self.q), 0.95)
        return sum(self.receptions) * math.log(1.0 - q)

    def unlikely(self) -> bool:
        """P < 0.001; heard in 8 of 8 windows, q is 9/10, and after three more P is 0.001, which is not below."""
        return self.log_p() < math.log(0.001) - 1e-5

    def reception_works(self) -> bool:
        return not self.receptions or at_least(sum(self.receptions), 0.25 * self.q * len(self.receptions))


def bin_edge_s(interval_ms: int) -> float:
    """Intervals are known to the next higher power of √2 seconds, up to three hours."""
    if interval_ms <= 1000:
        return 1.0
    return 2.0 ** (min(math.ceil(2.0 * math.log2(interval_ms / 1000.0)), 27) / 2.0)


def interval_quantile_s(reports: Sequence[Report], share: float) -> float:
    edges = sorted(bin_edge_s(b.t - a.t) for a, b in pairwise(reports))
    return next((edge for n, edge in enumerate(edges, 1) if n >= share * len(edges)), math.nan)


def minutes_apart(reports: Sequence[Report]) -> list[Report]:
    """The last 16 reports a minute apart since the last hole of more than an hour."""
    kept: list[Report] = []
    for i, r in enumerate(reports):
        if i and r.t - reports[i - 1].t > HOUR:
            kept = []
        if not kept or r.t // 1000 - kept[-1].t // 1000 >= 55:
            kept.append(r)
    return kept[-16:]


class History:
    """In which windows a hull was heard, since the window `fresh`."""

    def __init__(self, reports: Sequence[Report], fresh: int) -> None:
        heard = {r.t // WINDOW for r in reports}
        newest = reports[-1].t // WINDOW
        self.heard = [w in heard for w in range(newest, max(fresh, newest - 63) - 1, -1)]  # newest first

    def share(self) -> float:
        """Of the last 36 windows, by Laplace's rule of succession."""
        return (sum(self.heard[:36]) + 1.0) / (len(self.heard[:36]) + 2.0)

    def longest_hole(self) -> int:
        runs = "".join("x" if heard else "." for heard in self.heard).split("x")
        return max(map(len, runs)) * WINDOW


@dataclass
class Waters:
    """What is asked of the world."""

    ears: Ears
    feeds: Feeds
    port_m: Callable[[float, float], float]
    coast_m: Callable[[float, float], float]

    def out_of_reach(self, window: int, here: tuple[float, float], there: tuple[float, float]) -> bool:
        """Over the edge of all that is heard, or from where others are heard to where fewer than a quarter are."""
        if not self.ears.inside(window, *there, 0.0):
            return True
        usual = self.ears.usual(window, *here, 1)
        if math.isnan(usual) or not at_least(usual, 0.5):
            return False
        ahead = self.ears.usual(window, *there, 1)
        return math.isnan(ahead) or not at_least(ahead, 0.25 * usual)

    def comes_over_the_edge(self, window: int, here: tuple[float, float], before: tuple[float, float]) -> bool:
        """At the edge of all that is heard, and farther outside it a quarter of an hour ago, or nobody knows."""
        if self.ears.inside(window, *here, MILE):
            return False
        return math.isnan(before[0]) or self.ears.outside_m(window, *before) > self.ears.outside_m(window, *here)

    def mooring(self, window: int, lat: float, lon: float, own: int) -> bool:
        return self.port_m(lat, lon) < 3000.0 or len(self.ears.others_at_rest(window, lat, lon, own)) >= 2

    def reception(self, window: int, silence: Silence, usual: float) -> float:
        """Whether reception works: three vessels or half of the usual number show it; else their share.

        Where two are usual closer by, somebody must be heard there.
        """
        r = silence.last
        if silence.close_by and not self.ears.now(window, r.lat, r.lon, silence.close_by):
            return 0.0
        if silence.ring == WIDE:
            source = self.feeds.sources[r.source]
            now, usual = source.vessels.get(window, 0), source.usual.get(window, 0.0)
        else:
            now = self.ears.now(window, r.lat, r.lon, silence.ring)
        if now == 0:
            return 0.0
        return 1.0 if now >= 3 or at_least(now, 0.5 * usual) else now / usual


def moved(lat: float, lon: float, course_deg: float, run_m: float) -> tuple[float, float]:
    """A short way on the plane."""
    north, east = run_m * math.cos(math.radians(course_deg)), run_m * math.sin(math.radians(course_deg))
    return lat + north / 111_195.0, _wrapped(lon + east / 111_195.0 / math.cos(math.radians(lat)))


def _wrapped(lon: float) -> float:
    return (lon + 540.0) % 360.0 - 180.0


def an_hour_ahead(reports: Sequence[Report]) -> tuple[float, float]:
    """Where it would be in an hour, by the last five reports a minute apart within twenty minutes."""
    last = reports[-1]
    newest = minutes_apart(reports)[-1]
    ago = [r for r in minutes_apart(reports)[-5:] if newest.t // 1000 - r.t // 1000 <= 1200]
    span_s = newest.t // 1000 - ago[0].t // 1000
    if span_s == 0:
        return last.lat, last.lon
    share = 3600.0 / span_s
    return (
        last.lat + (newest.lat - ago[0].lat) * share,
        _wrapped(last.lon + _wrapped(newest.lon - ago[0].lon) * share),
    )


def abrupt_stop(reports: Sequence[Report], last_kn: float) -> bool:
    """At rest within 190 s from 7 kn, by samples a minute apart, after sixty reports in twelve clock hours."""
    samples = minutes_apart(reports)[-5:]
    lately = [s.sog for s in samples[:-1] if samples[-1].t // 1000 - s.t // 1000 <= 190]
    often = sum(r.t // HOUR > reports[-1].t // HOUR - 12 for r in reports) >= 60
    return last_kn < 1.0 and often and any(kn >= 7.0 for kn in lately)


def counts_at_rest(reports: Sequence[Report], last_kn: float, window: int, waters: Waters) -> bool:
    """Rest far from shore, or after an abrupt stop a mile off it, where no vessel moors."""
    last = reports[-1]
    off_m = MILE if abrupt_stop(reports, last_kn) else 50 * MILE
    return waters.coast_m(last.lat, last.lon) >= off_m and not waters.mooring(window, last.lat, last.lon, last.mmsi)


def held_back(reports: Sequence[Report], fresh: int, window: int, waters: Waters) -> str:
    """What the last reports say against an alert, or nothing."""
    samples, history, last = minutes_apart(reports), History(reports, fresh), reports[-1]
    if len(samples) < 4:
        return "few_reports"
    recent = history.heard[:6]
    lately = [b.t - a.t for a, b in pairwise(reports[-4:])]
    thinned = len(lately) == 3 and statistics.fmean(lately) / 1000.0 > 3.0 * interval_quantile_s(reports, 0.5)
    if sum(recent) + 0.5 < len(recent) * history.share() or thinned:
        return "fading_reception"
    last_kn = last.sog
    if math.isnan(last_kn):
        a, b = samples[-2:]
        last_kn = metres(a.lat, a.lon, b.lat, b.lon) / (b.t // 1000 - a.t // 1000) / KNOT
    at_rest = last_kn < 1.0 or statistics.median(r.sog for r in samples[-3:]) < 1.0
    if at_rest and not counts_at_rest(reports, last_kn, window, waters):
        return "at_rest"
    here = last.lat, last.lon
    if not waters.ears.inside(window, *here, MILE) or waters.out_of_reach(window, here, an_hour_ahead(reports)):
        return "leaving_area_heard"
    fastest_kn = max((r.sog for r in samples[-4:] if not math.isnan(r.sog)), default=0.0)
    if last_kn < 0.5 * fastest_kn and waters.mooring(window, *here, last.mmsi):
        return "slowing_into_mooring"
    return ""


def silences(
    reports: Sequence[Report],
    until: int,
    port_m: Callable[[float, float], float],
    coast_m: Callable[[float, float], float],
) -> list[Silence]:
    """Every silence of a fleet that is recorded, by MMSI and start; time ends at the minute `until`."""
    ears = Ears(reports)
    waters = Waters(ears, feeds(ears, until // WINDOW - 1), port_m, coast_m)
    by_mmsi: dict[int, list[Report]] = defaultdict(list)
    for r in sorted(reports, key=lambda r: r.t):
        by_mmsi[r.mmsi].append(r)
    return [s for _, own in sorted(by_mmsi.items()) for s in _of_one(own, until, waters)]


def _of_one(reports: list[Report], until: int, waters: Waters) -> list[Silence]:
    found = []
    fresh = reports[0].t // WINDOW
    for i, last in enumerate(reports):
        back = reports[i + 1] if i + 1 < len(reports) else None
        before = reports[: i + 1]
        silent_until = back.t if back else until
        p95_s = interval_quantile_s(before, 0.95)
        least = HOUR if math.isnan(p95_s) else max(HOUR, min(int(10.0 * p95_s * 1000.0), 12 * HOUR))
        if silent_until - last.t < least:
            continue
        history = History(before, fresh)
        silence = Silence(
            last.mmsi,
            last.t,
            last,
            least,
            max(least, HOLES * history.longest_hole()),
            q=history.share(),
            known=len(history.heard),
        )
        began_at_rest = _while_silent(silence, before, fresh, silent_until, waters) == "at_rest"
        if back:
            _reappears(silence, back, waters)
        elif not silence.alerted and not silence.held:
            silence.held = "expected_silence"
        if silence.alerted or began_at_rest:
            fresh = back.t // WINDOW if back else fresh
        found.append(silence)
    return found


def _while_silent(silence: Silence, before: Sequence[Report], fresh: int, silent_until: int, waters: Waters) -> str:
    """Every minute until the next report: judge the windows that close, raise the alert. Returns what held it back."""
    last = silence.last
    here = last.lat, last.lon
    first = last.t // WINDOW + 1
    silence.held = held_back(before, fresh, first, waters)
    usual = 0.0
    silence.ring = WIDE
    for ring in RINGS:
        around = waters.ears.usual(first, *here, ring)
        if not math.isnan(around) and at_least(around, 3.0):
            silence.ring, usual = ring, around
            break
        if not silence.close_by and not math.isnan(around) and at_least(around, 2.0):
            silence.close_by = ring
    for beat in range((first + 1) * WINDOW, silent_until + 1, MINUTE):
        window = beat // WINDOW - 1
        if silence.held == "few_reports":
            break
        if beat % WINDOW == 0:
            seems_out = waters.feeds.seems_out(window, last.source, *here)
            silence.receptions.append(0.0 if seems_out else waters.reception(window, silence, usual))
            silence.witnesses |= waters.ears.who(window, *here, silence.ring, last.mmsi)
        if not silence.unlikely():
            continue
        if silence.held:
            break
        if (
            beat - last.t >= silence.needed
            and waters.reception(window, silence, usual) > 0.0
            and silence.reception_works()
            and not waters.feeds.seems_out(window, last.source, *here)
            and not waters.feeds.outage_within(last.t, window, last.source, *here)
        ):
            silence.alerted, silence.raised = True, beat
            break
    return silence.held


def _reappears(silence: Silence, back: Report, waters: Waters) -> None:
    last = silence.last
    window = back.t // WINDOW - 1
    silence.end = back.t
    silence.moved_m = metres(last.lat, last.lon, back.lat, back.lon)
    outage = waters.feeds.outage_within(last.t, window, last.source, last.lat, last.lon)
    unexpected = silence.unlikely() and silence.reception_works()
    still = silence.moved_m < MILE and (not back.sog >= 1.0 or waters.mooring(window, last.lat, last.lon, last.mmsi))
    came_from = [moved(back.lat, back.lon, back.cog, -back.sog * KNOT * s) for s in (900, 3600)]
    returned = waters.comes_over_the_edge(window, (back.lat, back.lon), came_from[0])
    if silence.alerted:
        if still or returned:
            silence.retracted = True
            silence.held = "switched_off_at_rest" if still else "returned_into_area_heard"
    elif not silence.held:
        silence.held = (
            "reception_outage"
            if outage
            else "expected_silence"
            if not unexpected
            else "too_short"
            if back.t - last.t < silence.needed
            else "switched_off_at_rest"
            if still
            else "returned_into_area_heard"
            if returned
            else ""
        )
        silence.alerted = not silence.held
    elif silence.held in ("at_rest", "leaving_area_heard", "slowing_into_mooring"):
        silence.alerted = (
            unexpected
            and back.t - last.t >= silence.needed
            and not outage
            and at_least(silence.moved_m, max(SAILED_M, SAILED_KN * KNOT * (back.t - last.t) / 1000.0))
            and not returned
            and (math.isnan(came_from[1][0]) or not waters.out_of_reach(window, (back.lat, back.lon), came_from[1]))
        )
    if silence.alerted and silence.raised is None:
        silence.raised = back.t // MINUTE * MINUTE + MINUTE
