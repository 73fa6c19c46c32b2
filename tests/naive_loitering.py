"""Loitering of one hull written again as slow, obvious Python over its whole list of reports.

The kernels keep rings and running sums; here every sample is kept and every figure is worked out from all of them.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from tests.naive_landing import HOUR, MINUTE, metres

KNOT = 1852.0 / 3600.0


class Report(NamedTuple):
    t: int
    lat: float
    lon: float
    sog: float
    cog: float
    heading: float
    status: int


class Sample(NamedTuple):
    """A report as the kernels keep it: whole seconds, 2 m, hundredths of a knot."""

    s: int
    lat: float
    lon: float
    sog: float

    @classmethod
    def of(cls, r: Report, sog: float) -> "Sample":
        kept = sog if math.isnan(sog) else math.floor(sog * 100 + 0.5) / 100
        return cls(r.t // 1000, round(r.lat * 50_000) / 50_000, round(r.lon * 50_000) / 50_000, kept)


@dataclass
class Waters:
    """What is asked of the world."""

    coast_m: Callable[[float, float], float]
    port_m: Callable[[float, float], float]
    in_zone: Callable[[float, float], bool]
    ship_type: int = 0


@dataclass
class Episode:
    start: int
    first: tuple[float, float]
    members: list[Report] = field(default_factory=list)
    modes: set[str] = field(default_factory=set)
    hole_s: float = 0.0
    alerted_at: int | None = None
    end: int | None = None
    in_port: bool = False
    status: int = 0  # of the report before the last
    look: int = 0

    def positions(self) -> list[tuple[float, float]]:
        return [(r.lat, r.lon) for r in self.members]

    def middle(self) -> tuple[float, float]:
        return (
            statistics.fmean(r.lat for r in self.members),
            self.first[1] + statistics.fmean(_turn(r.lon - self.first[1]) for r in self.members),
        )

    def rms_m(self) -> float:
        return math.sqrt(statistics.fmean(metres(*self.middle(), *at) ** 2 for at in self.positions()))

    def path_m(self) -> float:
        return sum(metres(*a, *b) for a, b in pairwise([self.first, *self.positions()]))

    def speeds(self) -> list[float]:
        return [r.sog for r in self.members if not math.isnan(r.sog)]

    def turned_deg(self) -> float:
        courses = [r.cog for r in self.members if r.sog >= 0.5 and not math.isnan(r.cog)]
        return sum(_turn(b - a) for a, b in pairwise(courses))

    def anchored(self) -> bool:
        still = sum(r.status in (1, 5) or (r.status == 15 and r.sog < 0.3) for r in self.members)
        return 2 * still > len(self.members) and self.rms_m() < 0.3 * 1852


def _turn(deg: float) -> float:
    return math.degrees(math.atan2(math.sin(math.radians(deg)), math.cos(math.radians(deg))))


def slow_from(samples: Sequence[Sample]) -> Sample | None:
    """The sample since which a quarter of an hour is slow, by distance made good and by median SOG, or None."""
    newest = samples[-1]
    inside = [s for s in samples[-16:] if newest.s - s.s <= 900]
    older = [s for s in samples[-16:] if newest.s - s.s > 900]
    while newest.s - inside[0].s < 600 and older:
        inside.insert(0, older.pop())
    span_s = newest.s - inside[0].s
    if span_s < 600 or metres(inside[0].lat, inside[0].lon, newest.lat, newest.lon) / span_s >= 2.0 * KNOT:
        return None
    known = [s.sog for s in inside if not math.isnan(s.sog)]
    if known and statistics.median_low(known) >= 2.0:
        return None
    fast = [k for k, s in enumerate(inside) if s.sog > 3.0]
    since = fast[-1] + 1 if fast else 0
    return inside[since] if since < len(inside) else newest


def circle_from(samples: Sequence[Sample]) -> Sample | None:
    """The first of the last 12 samples since which it circles below 5 kn, or None. SOG is the largest between them."""
    last = list(samples[-12:])
    fast = [k for k, s in enumerate(last) if s.sog >= 5.0]
    turns = last[fast[-1] + 1 :] if fast else last
    if len(turns) < 2 or turns[-1].s - turns[0].s < HOUR // 1000:
        return None
    path_m = sum(metres(a.lat, a.lon, b.lat, b.lon) for a, b in pairwise(turns))
    net_m = metres(turns[0].lat, turns[0].lon, turns[-1].lat, turns[-1].lon)
    lat = statistics.fmean(s.lat for s in turns)
    lon = turns[0].lon + statistics.fmean(_turn(s.lon - turns[0].lon) for s in turns)
    wide = any(metres(lat, lon, s.lat, s.lon) > 5 * 1852 for s in turns)
    return None if path_m < 1852 or path_m < 3 * net_m or wide else turns[0]


def seeds(coarse: Sequence[Sample], samples: Sequence[Sample], start_s: int, status: int) -> list[Report]:
    """What was kept since the beginning, before the newest sample: every ten minutes, then the last 16."""
    last = samples[-16:]
    old = [s for s in coarse[-12:] if start_s <= s.s < last[0].s]
    found = [Report(s.s * 1000, s.lat, s.lon, math.nan, math.nan, math.nan, status) for s in old]
    for k, (a, b) in enumerate(pairwise(old), 1):
        run_m = metres(a.lat, a.lon, b.lat, b.lon)
        east = _turn(b.lon - a.lon) * math.cos(math.radians((a.lat + b.lat) / 2))
        course = math.degrees(math.atan2(east, b.lat - a.lat)) % 360
        found[k] = found[k]._replace(sog=run_m / (b.s - a.s) / KNOT, cog=course)
    return found + [
        Report(s.s * 1000, s.lat, s.lon, s.sog, math.nan, math.nan, status) for s in last[:-1] if s.s >= start_s
    ]


def loiterings(reports: Sequence[Report], beats: Sequence[int], waters: Waters) -> list[Episode]:
    """Every loitering of half an hour or that was an alert, in order, as it stands at the last beat."""
    found: list[Episode] = []
    samples: list[Sample] = []
    coarse: list[Sample] = []
    peak = 0.0
    now: Episode | None = None
    fast: int | None = None
    adrift: Report | None = None
    calm: Report | None = None
    drift_seen = circled = 0

    def close(end: int) -> None:
        nonlocal now, fast, adrift, coarse
        assert now is not None
        now.end = end
        if now.alerted_at is None and end - now.start < 30 * MINUTE:
            found.remove(now)
        now, fast, adrift, coarse = None, None, None, []

    for i, r in enumerate(reports):
        gap = r.t - reports[i - 1].t if i else 0
        if gap > HOUR:
            if now:
                close(reports[i - 1].t)
            samples, coarse, peak, fast, adrift, calm = [], [], 0.0, None, None, None
        elif now:
            now.hole_s = max(now.hole_s, gap / 1000.0)
        speed = r.sog
        if math.isnan(speed) and gap >= 10_000 and samples:
            speed = metres(reports[i - 1].lat, reports[i - 1].lon, r.lat, r.lon) / (gap / 1000.0) / KNOT
        if speed > 3.0:
            fast = fast or r.t
        elif speed <= 3.0:
            fast = None
        if speed >= 5.0:
            calm = None
        elif not math.isnan(speed):
            calm = calm or r
        peak = max(peak, 0.0 if math.isnan(speed) else speed)
        drifting = 0.3 <= r.sog <= 5.0 and (r.status == 2 or abs(_turn(r.cog - r.heading)) > 45.0)
        if drifting:
            adrift, drift_seen = adrift or r, r.t
        elif adrift and r.t - drift_seen > 5 * MINUTE:
            adrift = None
        s = r.t // 1000
        if samples and s - samples[-1].s < 55:
            continue
        samples.append(Sample.of(r, r.sog))
        if not coarse or s - coarse[-1].s >= 590:
            coarse.append(Sample.of(r, peak))
            peak = 0.0
        slow = slow_from(samples) if not speed > 3.0 else None
        circle = circle_from(coarse) if not slow and len(coarse) >= 7 and not speed >= 5.0 else None
        drifts = drifting and r.t - adrift.t >= 30 * MINUTE and metres(adrift.lat, adrift.lon, r.lat, r.lon) >= 500.0
        if not now:
            if slow or circle:
                begin = slow or circle
                now = Episode(begin.s * 1000, (begin.lat, begin.lon))
                if not slow and calm and begin is not coarse[-12:][0]:
                    now = Episode(calm.t // 1000 * 1000, (calm.lat, calm.lon))
            elif drifts:
                now = Episode(adrift.t // 1000 * 1000, (adrift.lat, adrift.lon))
            else:
                continue
            now.look = now.start
            now.members = seeds(coarse, samples, now.start // 1000, reports[i - 1].status)
            found.append(now)
        if slow:
            now.modes.add("slow")
        if circle:
            now.modes.add("circling")
        if circle or ("circling" in now.modes and speed < 5.0 and metres(*now.middle(), r.lat, r.lon) <= 5 * 1852):
            circled = r.t
        if drifts:
            if "adrift" not in now.modes:
                now.look = r.t
            now.modes.add("adrift")
            if r.status == 2:
                now.modes.add("not_under_command")
        seen = r.t
        if fast and r.t - fast >= 10 * MINUTE:
            seen = max(fast, circled if "circling" in now.modes else 0, drift_seen if "adrift" in now.modes else 0)
            circles = "circling" in now.modes and r.t - circled <= 2 * HOUR
            if not circles and not drifting:
                close(seen)
                continue
            if speed >= 5.0 and not drifting:
                continue
        now.members.append(r)
        now.status = reports[i - 1].status
        if r.t >= now.look:
            now.look = _judge(now, r, seen, adrift is not None, waters, next((b for b in beats if b > r.t), None))
    if now and beats[-1] - reports[-1].t > HOUR:
        close(reports[-1].t)
    return [x for x in found if x.end or x.alerted_at or reports[-1].t - x.start >= 30 * MINUTE]


def weight(episode: Episode, waters: Waters, adrift: bool) -> float:
    """What port, anchor and trade leave of the score (no other vessels are known here)."""
    free = waters.in_zone(*episode.middle()) or (adrift and "not_under_command" in episode.modes)
    anchored = episode.anchored() and not (waters.in_zone(*episode.middle()) and episode.status == 15)
    left = 0.4 if episode.in_port or anchored else 1.0
    return left * (1.0 if free else 0.4 if 30 <= waters.ship_type <= 34 or 50 <= waters.ship_type <= 55 else 1.0)


def needed_min(episode: Episode, adrift: bool, waters: Waters) -> float:
    """Minutes after which it is an alert where it lies; infinite where slowness is ordinary."""
    coast_nm = waters.coast_m(*episode.middle()) / 1852.0
    needs = [math.inf]
    if episode.modes & {"slow", "circling"} and coast_nm >= 12.0:
        needs.append(240.0 if coast_nm >= 20.0 else 120.0)
    if waters.in_zone(*episode.middle()):
        needs.append(30.0)
    if adrift and "adrift" in episode.modes and not episode.in_port:
        needs.append(30.0)
    return min(needs)


def _judge(episode: Episode, r: Report, seen: int, adrift: bool, waters: Waters, told_at: int | None) -> int:
    """Raise the alert if it has loitered long enough by when it was last seen to; says when to look again."""
    port_m = waters.port_m(*episode.middle())
    episode.in_port = port_m < 3000.0 or (episode.in_port and port_m <= 4000.0)
    if episode.alerted_at is not None:
        return r.t + 6 * HOUR
    left, needed = weight(episode, waters, adrift), needed_min(episode, adrift, waters)
    if left < 0.5 or math.isinf(needed):
        return r.t + 15 * MINUTE
    due = episode.start + int(needed * MINUTE / left)
    if due <= seen:
        episode.alerted_at = told_at
        return r.t + 6 * HOUR
    return min(r.t + 15 * MINUTE, due) if due > r.t else r.t + 15 * MINUTE
