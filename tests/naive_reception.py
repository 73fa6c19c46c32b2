"""What is heard of all vessels, and when a source or region is out: slow, obvious Python over whole lists of reports.

The kernels keep fading sums, counts and sketches; here every report is kept, and vessels are counted as sets of MMSIs.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

MINUTE, HOUR = 60_000, 3_600_000
WINDOW = 10 * MINUTE
KEEP = math.exp(-1 / 72)  # a window weighs so much less than the next: half a day of memory
CELL_DEG, MOORING_DEG, REGION_DEG = 0.1, 0.02, 1.0

Cell = tuple[int, int]


class Report(NamedTuple):
    mmsi: int
    t: int
    lat: float
    lon: float
    sog: float
    cog: float
    source: int = 1
    msg_type: int = 1


class RoundingDecides(Exception):  # noqa: N818
    """A figure lies so near to a threshold that single precision could tip it: no case to compare by."""


def at_least(value: float, threshold: float) -> bool:
    """`value >= threshold`, where it is clear."""
    if math.isclose(value, threshold, rel_tol=1e-5):
        raise RoundingDecides
    return value >= threshold


@cache
def cell(lat: float, lon: float, size_deg: float) -> Cell:
    """Row from the south pole and column from 180° W; a row has as many columns as fit round its parallel."""
    row = min(max(math.floor((lat + 90.0) / size_deg), 0), round(180.0 / size_deg) - 1)
    columns = _columns(row, size_deg)
    return row, math.floor((lon + 180.0) / 360.0 * columns) % columns


def _columns(row: int, size_deg: float) -> int:
    return max(1, round(360.0 / size_deg * math.cos(math.radians((row + 0.5) * size_deg - 90.0))))


@cache
def cells_around(lat: float, lon: float, size_deg: float, ring: int) -> set[Cell]:
    """The cells that are met by stepping so many cells each way."""
    width_deg = 360.0 / _columns(cell(lat, lon, size_deg)[0], size_deg)
    steps = range(-ring, ring + 1)
    norths = [lat + i * size_deg for i in steps if -90.0 <= lat + i * size_deg <= 90.0]
    return {cell(north, lon + j * width_deg, size_deg) for north in norths for j in steps}


def region(place: Cell) -> Cell:
    """The region of one degree in which a reception cell has its middle."""
    row, column = place
    middle_lon = (column + 0.5) * 360.0 / _columns(row, CELL_DEG) - 180.0
    return cell((row + 0.5) * CELL_DEG - 90.0, middle_lon, REGION_DEG)


def kind(msg_type: int) -> str:
    if msg_type in (1, 2, 3, 5, 27):
        return "A"
    return "B" if msg_type in (18, 19, 24) else "unknown"


class Ears:
    """Everything that was ever heard, to be asked of any window."""

    def __init__(self, reports: Iterable[Report]) -> None:
        self.reports = [r for r in reports if r.msg_type not in (4, 9, 11, 14, 21) and not math.isnan(r.lat)]
        self._by_window: dict[int, list[Report]] = defaultdict(list)
        for r in self.reports:
            self._by_window[r.t // WINDOW].append(r)
        self.first = min(self._by_window, default=0)
        self.of_window = cache(self._of_window)
        self.extent = cache(self._extent)

    def heard_in(self, window: int) -> list[Report]:
        return self._by_window.get(window, [])

    def _of_window(self, window: int) -> dict[Cell, tuple[int, int]]:
        """Vessels heard, and vessels heard below 2 kn, by cell.

        Classes are added up. Of several sources the one that hears most counts, as they hear the same vessels.
        """
        groups: dict[tuple[Cell, str, int], tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
        for r in self.heard_in(window):
            everyone, slow = groups[cell(r.lat, r.lon, CELL_DEG), kind(r.msg_type), r.source]
            everyone.add(r.mmsi)
            if r.sog < 2.0:
                slow.add(r.mmsi)
        found = {}
        for place in {place for place, _, _ in groups}:
            here = {(k, s): sets for (p, k, s), sets in groups.items() if p == place}
            found[place] = (
                sum(max(len(sets[0]) for (k, _), sets in here.items() if k == one) for one in {k for k, _ in here}),
                max(len(sets[1]) for sets in here.values()),
            )
        return found

    def now(self, window: int, lat: float, lon: float, ring: int) -> int:
        heard = self.of_window(window)
        return sum(heard.get(c, (0, 0))[0] for c in cells_around(lat, lon, CELL_DEG, ring))

    def who(self, window: int, lat: float, lon: float, ring: int, own: int) -> set[int]:
        around = cells_around(lat, lon, CELL_DEG, ring)
        return {r.mmsi for r in self.heard_in(window) if cell(r.lat, r.lon, CELL_DEG) in around} - {own}

    def usual(self, window: int, lat: float, lon: float, ring: int) -> float:
        """Mean number of vessels in the windows before, recent ones weighing more; NaN where none was ever heard."""
        return self._mean(window, lat, lon, ring)[0]

    def usual_slow_share(self, window: int, lat: float, lon: float, ring: int) -> float:
        everyone, slow = self._mean(window, lat, lon, ring)
        return slow / everyone if everyone > 0 else math.nan

    def _mean(self, window: int, lat: float, lon: float, ring: int) -> tuple[float, float]:
        around = cells_around(lat, lon, CELL_DEG, ring)
        if all(around.isdisjoint(self.of_window(w)) for w in range(self.first, window + 1)):
            return math.nan, math.nan
        before = range(min(self.first, window - 1), window)
        weight = sum(KEEP ** (window - w) for w in before)
        heard = [
            (KEEP ** (window - w), n, slow) for w in before for c, (n, slow) in self.of_window(w).items() if c in around
        ]
        return sum(k * n for k, n, _ in heard) / weight, sum(k * slow for k, _, slow in heard) / weight

    def _extent(self, window: int) -> tuple[float, float, float, float] | None:
        """South, north, west and east of all that was heard up to a window, where something was heard before."""
        times: dict[Cell, set[int]] = defaultdict(set)
        boxed: list[Report] = []
        for w in range(self.first, window + 1):
            for r in self.heard_in(w):
                times[cell(r.lat, r.lon, CELL_DEG)].add(w)
            boxed += [r for r in self.heard_in(w) if len(times[cell(r.lat, r.lon, CELL_DEG)]) >= 2]
        if not boxed:
            return None
        lats, lons = [r.lat for r in boxed], [r.lon for r in boxed]
        return min(lats), max(lats), min(lons), max(lons)

    def inside(self, window: int, lat: float, lon: float, margin_m: float) -> bool:
        """Whether a position lies so far inside the extent. One that spans all longitudes has no edge there."""
        box = self.extent(window)
        if box is None or math.isnan(lat):
            return False
        south, north, west, east = box
        margin_deg = margin_m / 111_195.0
        wide_deg = margin_deg / max(math.cos(math.radians(lat)), 0.01)
        for edge in (lat - south - margin_deg, north - lat - margin_deg, lon - west - wide_deg, east - lon - wide_deg):
            if 0 < abs(edge) < 2e-6:
                raise RoundingDecides
        if not south + margin_deg <= lat <= north - margin_deg:
            return False
        return east - west > 350.0 or west + wide_deg <= lon <= east - wide_deg

    def outside_m(self, window: int, lat: float, lon: float) -> float:
        """Metres from a position to the extent; 0 inside, infinite while nothing is heard."""
        box = self.extent(window)
        if box is None:
            return math.inf
        south, north, west, east = box
        off_lat = max(south - lat, lat - north, 0.0)
        off_lon = 0.0 if east - west > 350.0 else max(west - lon, lon - east, 0.0)
        return math.hypot(off_lat, off_lon * math.cos(math.radians(lat))) * 111_195.0

    def others_at_rest(self, window: int, lat: float, lon: float, own: int) -> set[int]:
        """Other vessels that were ever seen below half a knot in the mooring cells around."""
        around = cells_around(lat, lon, MOORING_DEG, 1)
        return {
            r.mmsi
            for r in self.reports
            if r.t // WINDOW <= window and r.sog < 0.5 and cell(r.lat, r.lon, MOORING_DEG) in around
        } - {own}


@dataclass
class Outage:
    """An outage of a source or region: one notice, unless a region has none because its source is told of."""

    where: int | Cell
    start: int
    known: int  # the end of its second quiet window
    usual: float
    silenced: int
    raised: int | None = None
    end: int | None = None


@dataclass
class Feed:
    """What became of one source or region, by window."""

    quiet: set[int]  # windows in which it is out, or seems to be
    outages: list[Outage]
    vessels: dict[int, int]
    usual: dict[int, float]  # vessels, the window itself among those that it is the mean of


def _fading_mean(vessels: Sequence[int]) -> float:
    """The mean number, recent windows weighing more; 0 of none."""
    weights = [KEEP**k for k in range(len(vessels))]
    return sum(k * n for k, n in zip(weights, reversed(vessels), strict=True)) / sum(weights) if vessels else 0.0


def sketch(vessels: Iterable[int]) -> set[int]:
    """Bits of 64 that stand for vessels."""
    return {mmsi * 0x9E3779B97F4A7C15 % 2**64 >> 58 for mmsi in vessels}


def sailed_on(silenced: set[int], around: set[int]) -> bool:
    """Half or more of the silenced are heard around, beyond what the sketch of those shows by chance."""
    if not silenced or len(around) == 64:
        return False
    by_chance = len(around) / 64
    return (len(silenced & around) / len(silenced) - by_chance) / (1 - by_chance) >= 0.5 - 1e-12


def listen(
    where: int | Cell,
    reports: Sequence[Report],
    last: int,
    others_out: set[int],
    around: Callable[[int], set[int]] = lambda _: set(),
) -> Feed:
    """Follow one source or region from its first window to `last`; `around` are the bits heard around it in a window.

    A vessel that changes cell or class within a window counts in each.
    """
    feed = Feed(set(), [], {}, {})
    by_window: dict[int, list[Report]] = defaultdict(list)
    for r in reports:
        by_window[r.t // WINDOW].append(r)
    ordinary: list[int] = []  # vessels in each window that was not quiet
    was_low: list[bool] = []
    quiet: list[int] = []
    outage: Outage | None = None
    for w in range(min(by_window), last + 1):
        heard = by_window.get(w, [])
        n = len({(r.mmsi, cell(r.lat, r.lon, CELL_DEG), kind(r.msg_type), r.source) for r in heard})
        feed.vessels[w], usual = n, _fading_mean(ordinary)
        low = n == 0 or at_least(0.1 * usual, n)
        if outage and outage.raised:
            if n and at_least(n, 0.5 * outage.usual):
                outage.end = max(min(r.t for r in heard), outage.start)
                outage, quiet = None, []
                ordinary.append(n)
            else:
                feed.quiet.add(w)
            feed.usual[w] = _fading_mean(ordinary)
            continue
        steady = was_low[-6:] == [False] * 6
        together = quiet or (usual > 0 and at_least(2.0 * feed.vessels.get(w - 1, 0), usual))
        before = sketch(r.mmsi for r in by_window.get((quiet[0] if quiet else w) - 1, []))
        if low and steady and together and at_least(usual, 5.0) and not sailed_on(before, around(w)):
            quiet.append(w)
            feed.quiet.add(w)
            if len(quiet) == 2 and feed.vessels[quiet[0] - 1] >= 5:
                start = max(r.t for r in reports if r.t // WINDOW < quiet[0])
                outage = Outage(where, start, (w + 1) * WINDOW, usual, feed.vessels[quiet[0] - 1])
                feed.outages.append(outage)
            if outage and w not in others_out:
                outage.raised = (w + 1) * WINDOW
        else:
            if outage:
                outage.end = max(min(r.t for r in heard), outage.start)
            outage, quiet = None, []
            was_low.append(low)
            ordinary.append(n)
        feed.usual[w] = _fading_mean(ordinary)
    return feed


@dataclass
class Feeds:
    sources: dict[int, Feed]
    regions: dict[Cell, Feed]

    def notices(self) -> list[Outage]:
        feeds = [*self.sources.values(), *self.regions.values()]
        return [o for feed in feeds for o in feed.outages if o.raised]

    def _of(self, source: int, lat: float, lon: float) -> list[Feed]:
        here = self.regions.get(cell(lat, lon, REGION_DEG))
        return [self.sources[source], *([here] if here else [])]

    def seems_out(self, window: int, source: int, lat: float, lon: float) -> bool:
        return any(window in feed.quiet for feed in self._of(source, lat, lon))

    def outage_within(self, start: int, window: int, source: int, lat: float, lon: float) -> bool:
        """Whether an outage that is known at the end of a window lasts, or ended after `start`."""
        known = [o for f in self._of(source, lat, lon) for o in f.outages if o.known <= (window + 1) * WINDOW]
        return any(o.end is None or o.end // WINDOW > window or o.end > start for o in known)


def _lasting(outage: Outage, last: int) -> range:
    """The windows at whose end it is on."""
    return range(outage.known // WINDOW - 1, last + 1 if outage.end is None else outage.end // WINDOW)


def feeds(ears: Ears, last: int) -> Feeds:
    """All sources and regions up to the window `last`. While a source is out, no region is told of as well."""
    by_source: dict[int, list[Report]] = defaultdict(list)
    by_region: dict[Cell, list[Report]] = defaultdict(list)
    for r in ears.reports:
        by_source[r.source].append(r)
        by_region[region(cell(r.lat, r.lon, CELL_DEG))].append(r)
    sources = {s: listen(s, reports, last, set()) for s, reports in by_source.items()}
    out = {w for feed in sources.values() for o in feed.outages for w in _lasting(o, last)}

    def around(place: Cell) -> Callable[[int], set[int]]:
        row, column = place
        middle = row + 0.5 - 90.0, (column + 0.5) * 360.0 / _columns(row, REGION_DEG) - 180.0
        others = [r for c in cells_around(*middle, REGION_DEG, 1) - {place} for r in by_region.get(c, [])]
        return cache(lambda w: sketch(r.mmsi for r in others if r.t // WINDOW == w))

    return Feeds(sources, {c: listen(c, reports, last, out, around(c)) for c, reports in by_region.items()})
