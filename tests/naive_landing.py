"""Landfalls of one hull written again as slow, obvious Python over its whole list of reports.

The state machine of the kernels knows only what it carried along; here every question is asked of the list.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
EARTH_M = 6_371_008.8


class Report(NamedTuple):
    t: int
    lat: float
    lon: float
    sog: float
    cog: float


@dataclass
class Shore:
    """What is asked of the world."""

    coast_m: Callable[[float, float], float]
    land: Callable[[float, float], bool]
    place_m: Callable[[float, float], float]
    error_m: float
    others_heard: bool
    others_at_rest: int = 0
    slow_around: int = 0
    destination: tuple[float, float] | None = None
    length_m: float = math.nan
    ship_type: int = 0
    dark_end: int | None = None


@dataclass
class Landfall:
    start: int
    lat: float
    lon: float
    inferred: bool
    seen: set[str]
    terms: set[str]
    unknown: set[str]
    inland: bool
    known: bool
    alerted: bool = False
    raised: int | None = None
    end: int | None = None
    outcome: str = "open"  # open, closed, retracted, forgotten
    held: str = ""


@dataclass
class Moves:
    """Reports under way so far: time, speed, and time since the report before; None breaks a run of high speed."""

    all: list[tuple[int, float, int] | None] = field(default_factory=list)
    since_stop: list[int] = field(default_factory=list)

    def times(self) -> list[int]:
        return [move[0] for move in self.all if move]

    def add(self, t: int, speed: float, gap: int) -> None:
        self.all.append((t, speed, gap))
        self.since_stop.append(t)

    def pause(self) -> None:
        self.all.append(None)


def metres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great circle by the chord between unit vectors."""

    def unit(lat: float, lon: float) -> tuple[float, float, float]:
        a, b = math.radians(lat), math.radians(lon)
        return math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a)

    return 2.0 * EARTH_M * math.asin(min(1.0, math.dist(unit(lat1, lon1), unit(lat2, lon2)) / 2.0))


def fast_runs(moves: Moves) -> list[int]:
    """Times at which a run above 20 kn had lasted a minute, with no hole of ten minutes."""
    times, run_from = [], None
    for move in moves.all:
        if move is None or move[1] <= 20.0:
            run_from = None
        elif run_from is None or move[2] > 10 * MINUTE:
            run_from = move[0]
        elif move[0] - run_from >= MINUTE:
            times.append(move[0])
    return times


def awakenings(moves: Moves, first: int) -> list[int]:
    """Times of movements after seven days without one."""
    times = moves.times()
    return [t for t, before in zip(times, [first, *times], strict=False) if t - before >= 7 * DAY]


def approach_seen(moves: Moves, t: int) -> bool:
    """Three reports under way since the stop before, without a hole of an hour, up to within an hour of `t`."""
    last = moves.since_stop[-3:]
    return len(last) == 3 and all(b - a <= HOUR for a, b in zip(last, [*last[1:], t], strict=True))


def landfalls(reports: Sequence[Report], beats: Sequence[int], shore: Shore) -> list[Landfall]:
    """Every landfall of the reports, in order, as it stands at the last beat. All of the reports have SOG and COG."""
    first = reports[0].t
    moves, found, visited = Moves(), [], []
    woken_cleared = -1
    reach_m = (500.0 if shore.length_m > 24.0 else 300.0) + shore.error_m
    swing_m = 200.0 + (0.0 if math.isnan(shore.length_m) else 2.0 * shore.length_m)

    def next_beat(t: int) -> int | None:
        return next((b for b in beats if b > t), None)

    def silence_beat(i: int) -> int | None:
        """The beat that finds report i an hour old, before the next report is taken."""
        found_at = next((b for b in beats if b >= reports[i].t + HOUR), None)
        if found_at is None or (i + 1 < len(reports) and reports[i + 1].t < found_at):
            return None
        return found_at if shore.others_heard else None

    def gap(i: int) -> int:
        return reports[i].t - reports[i - 1].t if i else 1 << 62

    def opened(start: int, r: Report, seen: set[str], inferred: bool, inland: bool) -> Landfall:
        place_m = shore.place_m(r.lat, r.lon)
        terms, unknown = set[str](), {"novelty", "type", "hour", "short_stay"}
        if place_m > 3000.0 and shore.others_at_rest < 3:
            terms.add("place")
        if shore.destination is None:
            unknown.add("destination")
        elif metres(r.lat, r.lon, *shore.destination) > 50_000.0:
            terms.add("destination")
        made_for_it = 40 <= shore.ship_type <= 51 or shore.ship_type == 55 or 60 <= shore.ship_type <= 69
        if (any(start - t <= 2 * HOUR for t in fast_runs(moves)) and not made_for_it) or (
            shore.dark_end is not None and start - shore.dark_end <= DAY
        ):
            terms.add("antecedent")
        elif start - first < DAY:
            unknown.add("antecedent")
        if any(start - t <= DAY for t in awakenings(moves, first)[-1:] if t > woken_cleared):
            terms.add("dormancy")
        elif start - first < 7 * DAY:
            unknown.add("dormancy")
        landfall = Landfall(start, r.lat, r.lon, inferred, seen, terms, unknown, inland, place_m <= 3000.0)
        found.append(landfall)
        return landfall

    def judged(landfall: Landfall, now: int) -> None:
        if landfall.alerted:
            return
        visits = [n for lat, lon, n in visited[:6] if metres(lat, lon, landfall.lat, landfall.lon) <= 1000.0]
        rules = [
            ("inland_unknown", landfall.inland),
            ("known_place", "place" not in landfall.terms and landfall.known),
            ("others_rest_here", "place" not in landfall.terms),
            ("rescue_craft", shore.ship_type == 51),
            ("ferry", 60 <= shore.ship_type <= 69),
            ("usual_for_this_vessel", bool(visits) and visits[0] >= 2),
            ("sheltering", shore.others_at_rest >= 1 and shore.slow_around >= 3),
            ("arrival_not_seen", not moves.times()),
            ("no_further_term", len(landfall.terms) < 2),
        ]
        landfall.held = next((name for name, holds in rules if holds), "")
        if not landfall.held:
            landfall.alerted, landfall.raised = True, now

    def remember(landfall: Landfall) -> None:
        for k, (lat, lon, n) in enumerate(visited[:6]):
            if metres(lat, lon, landfall.lat, landfall.lon) <= 1000.0:
                del visited[k]
                visited.insert(0, (lat, lon, n + 1))
                return
        visited.insert(0, (landfall.lat, landfall.lon, 1))

    i = 0
    while i < len(reports):
        r = reports[i]
        landfall, start, seen, at_rest = None, r.t, set[str](), r.sog < 0.2
        lat, lon = r.lat, r.lon
        if not at_rest:
            if r.sog > 0.5:
                moves.add(r.t, r.sog, gap(i))
            if r.sog <= 20.0:
                moves.pause()
            beat = silence_beat(i)
            if beat and len(moves.times()) and _bound_for_shore(r, moves, shore):
                way_m = shore.coast_m(r.lat, r.lon)
                start = r.t + int(way_m / (r.sog * 1852.0 / 3600.0) * 1000.0)
                landfall = opened(start, r, {"approach"}, True, False)
                judged(landfall, beat)
            else:
                i += 1
                continue
        else:
            moves.pause()
            if moves.times():
                seen |= {"approach"} if approach_seen(moves, r.t) else set()
                seen |= {"stop"} if gap(i) <= 10 * MINUTE else set()

        rests, leaving, decided, hole = [r.t], None, landfall is not None, 0
        k = i
        while True:
            beat = None if decided or leaving else silence_beat(k)
            if beat and moves.times() and shore.coast_m(lat, lon) < 1852.0 and shore.coast_m(lat, lon) <= reach_m:
                decided = True
                landfall = opened(start, Report(start, lat, lon, 0.0, 0.0), seen, True, False)
                judged(landfall, beat)
            k += 1
            if k == len(reports):
                break
            now = reports[k]
            away = metres(lat, lon, now.lat, now.lon) > swing_m
            silent_so_far = landfall is not None and landfall.inferred
            if (
                away
                and now.sog < 0.2
                and silent_so_far
                and metres(lat, lon, now.lat, now.lon) <= 1852.0
                and shore.coast_m(now.lat, now.lon) <= reach_m
            ):
                away, lat, lon = False, now.lat, now.lon
                landfall.lat, landfall.lon = lat, lon
            if not away and now.sog <= 0.5:
                leaving = None
                rests.append(now.t)
                hole = max(hole, gap(k))
                if silent_so_far:
                    landfall.inferred = False
                if not decided and now.t - start >= 10 * MINUTE:
                    decided = True
                    landfall = _judge_place(shore, lat, lon, reach_m, opened, start, seen, hole)
                    if landfall:
                        judged(landfall, next_beat(now.t))
            elif leaving is None:
                leaving = k
            elif away or now.t - reports[leaving].t >= MINUTE:
                break
        if k == len(reports):
            break

        now, left = reports[k], reports[leaving].t
        if landfall:
            landfall.end = left
            way_kn = max(now.sog, r.sog)
            spare_ms = (
                now.t
                - rests[-1]
                - (metres(lat, lon, now.lat, now.lon) / (way_kn * 1852.0 / 3600.0) * 1000.0 if way_kn > 0.5 else -1e18)
            )
            if landfall.inferred and spare_ms < 10 * MINUTE and way_kn > 0.5:
                landfall.outcome = "retracted" if landfall.alerted else "forgotten"
            else:
                landfall.outcome = "closed"
                if left - rests[-1] <= HOUR:
                    landfall.seen.add("departure")
                elif not landfall.inferred:
                    landfall.end = rests[-1]
                if "stop" in landfall.seen or landfall.inferred:
                    if left - landfall.start < HOUR:
                        landfall.terms.add("short_stay")
                        landfall.unknown.discard("short_stay")
                    elif "departure" in landfall.seen or rests[-1] - landfall.start >= HOUR:
                        landfall.unknown.discard("short_stay")
                judged(landfall, next_beat(now.t))
                remember(landfall)
                woken_cleared = max(moves.times(), default=-1)
        moves.since_stop.clear()
        if now.sog > 0.5 or metres(lat, lon, now.lat, now.lon) > 1852.0:
            moves.add(left, now.sog, left - reports[k - 1].t)
            if now.sog <= 20.0:
                moves.pause()
        i = k if now.sog < 0.2 else k + 1
    return found


def _judge_place(shore, lat, lon, reach_m, opened, start, seen, hole):  # type: ignore[no-untyped-def]
    """A stop of ten minutes: a landfall near the coast or in a port on land; unknown not far inside; else nothing."""
    coast_m = shore.coast_m(lat, lon)
    near, port = coast_m <= reach_m, shore.place_m(lat, lon) <= 3000.0
    if not near and not (shore.land(lat, lon) and (port or coast_m < 5000.0)):
        return None
    if hole <= HOUR:
        seen.add("stay")
    return opened(start, Report(start, lat, lon, 0.0, 0.0), seen, False, not near and not port)


def _bound_for_shore(r: Report, moves: Moves, shore: Shore) -> bool:
    """Within a mile and a quarter of an hour of the coast, and half of a step of that length leads nearer to it."""
    last = moves.since_stop[-3:]
    coast_m = shore.coast_m(r.lat, r.lon)
    speed_ms = r.sog * 1852.0 / 3600.0
    if len(last) < 3 or any(b - a > HOUR for a, b in pairwise(last)) or r.sog <= 0.5:
        return False
    if coast_m >= 1852.0 or coast_m > speed_ms * 900.0:
        return False
    north, east = coast_m * math.cos(math.radians(r.cog)), coast_m * math.sin(math.radians(r.cog))
    lat = r.lat + math.degrees(north / EARTH_M)
    lon = r.lon + math.degrees(east / EARTH_M / math.cos(math.radians(r.lat)))
    return shore.land(lat, lon) or shore.coast_m(lat, lon) <= 0.5 * coast_m
