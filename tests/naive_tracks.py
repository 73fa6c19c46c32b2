"""Hull separation written again as slow, obvious Python over lists of everything that was ever heard.

The kernels keep a chain of rows, hashes and histograms; here a hull is the list of its reports, a content is a tuple, a
quantile is taken of the sorted intervals, and the likeliest hull is found by the density of a normal distribution.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

KNOT = 1852.0 / 3600.0
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
EARTH_M = 6_371_008.8


class Report(NamedTuple):
    t: int
    lat: float
    lon: float
    sog: float

    def content(self) -> tuple[object, ...]:
        """What it says, at the resolution of AIS."""
        steps = [(self.lat, 600_000), (self.lon, 600_000), (self.sog, 10)]
        return tuple(None if math.isnan(x) else math.floor(x * per + 0.5) for x, per in steps)


@dataclass
class Hull:
    number: int
    first: int
    reports: list[Report] = field(default_factory=list)

    def fixes(self) -> list[Report]:
        return [r for r in self.reports if not math.isnan(r.lat)]

    def heard(self) -> int:
        return self.reports[-1].t


@dataclass
class Separation:
    """What became of the reports of one MMSI."""

    hulls: list[Hull] = field(default_factory=list)
    became: Counter[str] = field(default_factory=Counter)
    strays: list[Report] = field(default_factory=list)  # that bear each other out
    elsewhere: list[Report] = field(default_factory=list)  # and others since
    newest: int = 0  # number of the newest hull


def metres(a: Report, b: Report) -> float:
    """On the plane that touches the Earth half way between the parallels."""
    east = (b.lon - a.lon + 540.0) % 360.0 - 180.0
    return math.hypot(b.lat - a.lat, east * math.cos(math.radians((a.lat + b.lat) / 2))) * math.radians(EARTH_M)


def reach(a: Report, b: Report) -> float:
    """1 km, and 25 kn or 1.3 times what either claims; 50 kn where neither does."""
    claims = [1.3 * x for x in (a.sog, b.sog) if not math.isnan(x)]
    return 1000.0 + max(25.0 if claims else 50.0, *claims, 0.0) * KNOT * (b.t - a.t) / 1000.0


def density(hull: Hull, r: Report) -> float:
    """How likely it is that the hull is where the report is; 0 where it cannot be."""
    last = hull.fixes()[-1]
    if metres(last, r) > reach(last, r):
        return 0.0
    sigma = reach(last, r) / 3.0
    return math.exp(-0.5 * (metres(last, r) / sigma) ** 2) / (2.0 * math.pi * sigma**2)


def heard_before(reports: Sequence[Report], r: Report) -> bool:
    """Whether one of these is the same transmission."""
    return any(x.content() == r.content() and r.t - x.t <= 6 * SECOND for x in reports)


def owner(hulls: list[Hull], r: Report) -> Hull | None:
    """The hull to which a report belongs; None when none can have sent it."""
    if math.isnan(r.lat):
        return max(hulls, key=lambda h: (h.heard(), h.number))
    there = [h for h in hulls if h.fixes() and density(h, r) > 0.0]
    if there:
        return max(there, key=lambda h: (density(h, r), -h.number))
    return min((h for h in hulls if not h.fixes()), key=lambda h: h.number, default=None)


def separate(reports: list[Report]) -> Separation:
    """Reports of one MMSI in order of time."""
    s = Separation()
    for r in reports:
        s.became["reports"] += 1
        alive = [h for h in s.hulls if r.t - h.heard() <= 30 * DAY]
        if not alive:
            s.hulls, s.newest = [Hull(1, r.t, [r])], 1
            continue
        s.hulls = alive
        if heard_before([*s.strays, *s.elsewhere][-1:], r) or any(heard_before(h.reports[-4:], r) for h in alive):
            s.became["duplicates"] += 1
            continue
        hull = owner(alive, r)
        if hull:
            hull.reports.append(r)
            continue
        s.became["strays"] += 1
        last = s.strays[-1] if s.strays else None
        recent = last and r.t - last.t <= HOUR
        if recent and metres(last, r) > reach(last, r) and len(s.elsewhere) < 2:
            s.elsewhere.append(r)
            continue
        s.strays = [*s.strays, r] if recent and metres(last, r) <= reach(last, r) else [r]
        s.elsewhere = []
        if len(s.strays) < 3:
            continue
        if len(alive) >= 8:
            s.became["hull_overflows"] += 1
        else:
            s.became["identity_clashes"] += 1
            s.newest += 1
            s.hulls.append(Hull(s.newest, s.strays[0].t, [r]))
        s.strays = []
    return s


def quantile_s(intervals_s: Sequence[float], share: float) -> float:
    """The smallest interval that at least this share does not exceed."""
    return sorted(intervals_s)[math.ceil(share * len(intervals_s)) - 1]


def in_hours(times: Sequence[int], hours: int, now: int) -> int:
    """Reports in the hour of `now` and the full hours before it, `hours` in all."""
    first = now // HOUR - hours + 1
    return sum(first <= t // HOUR <= now // HOUR for t in times)


def windows(times: Sequence[int]) -> list[bool]:
    """Whether anything was heard in each of 64 ten-minute windows, newest first."""
    heard = {t // (10 * MINUTE) for t in times}
    return [max(times) // (10 * MINUTE) - k in heard for k in range(64)]
