"""Heartbeats written again as slow, obvious Python: one report at a time, sets of vessels, dicts of cells."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from maritime.geo.cells import MOORING_CELL_DEG, RECEPTION_CELL_DEG, cell_of
from tests.naive_landing import metres

NO_VESSEL = (4, 9, 11, 14, 21)  # base stations, search-and-rescue aircraft, safety texts, aids to navigation
MINUTE, WINDOW, HOUR, WEEK = 60_000, 600_000, 3_600_000, 7 * 86_400_000
LATENESS = 120_000


class Report(NamedTuple):
    mmsi: int
    t: int
    lat: float
    lon: float
    sog: float
    msg_type: int
    source: int


class Row(NamedTuple):
    """What a heartbeat tells of one cell, source and class."""

    cell: int
    group: int
    vessels: int
    slow: int
    first: int
    last: int
    who: int
    box: tuple[float, float, float, float]


@dataclass
class Maker:
    """The clock, and the minutes that it let pass."""

    newest: int | None = None
    leader: int | None = None  # the source of the newest
    candidate: int | None = None
    candidate_source: int | None = None
    ahead: set[int] = field(default_factory=set)  # sources whose last step ahead was contradicted by another
    watermark: int | None = None
    minutes: list[int] = field(default_factory=list)
    kept: list[Report] = field(default_factory=list)

    def take(self, r: Report) -> None:
        if self.watermark is None or r.t >= self.watermark:
            self.kept.append(r)
        if self.newest is not None and r.t <= self.newest + HOUR:
            self.ahead.discard(r.source)
            if r.t > self.newest:
                self.newest, self.leader = r.t, r.source
            if self.candidate is not None and r.t < self.candidate - LATENESS:
                if r.source != self.candidate_source:
                    self.ahead.add(self.candidate_source)
                self.candidate = None
            self.pass_to(self.newest - LATENESS)
        elif self.candidate is not None and r.t >= self.candidate - LATENESS and self.goes_on_alone(r):
            self.leave_out(r)
        elif self.candidate is not None and r.t >= self.candidate - LATENESS:
            before, self.newest = self.newest, min(r.t, self.candidate)
            self.candidate, self.leader = None, r.source
            self.pass_to(self.newest - LATENESS, strides=before is not None and self.newest - before > WEEK)
            self.kept.pop()
            self.take(r)
        else:
            self.candidate, self.candidate_source = r.t, r.source
            self.leave_out(r)

    def goes_on_alone(self, r: Report) -> bool:
        """The source that is ahead of the others speaks again, too soon to be believed."""
        led_by_another = self.newest is not None and self.leader != r.source
        return led_by_another and r.source == self.candidate_source and r.t < self.candidate + LATENESS

    def leave_out(self, r: Report) -> None:
        if r.source in self.ahead:
            self.kept.pop()

    def pass_to(self, t: int, *, strides: bool = False) -> None:
        if self.watermark is None:
            self.watermark = t // WINDOW * WINDOW
        passed = range(self.watermark + MINUTE, t // MINUTE * MINUTE + 1, MINUTE)
        if strides and len(passed) > WEEK // MINUTE:
            self.minutes += [*passed[: WEEK // MINUTE], passed[-1]]
        else:
            self.minutes += passed
        self.watermark = max(self.watermark, t // MINUTE * MINUTE)

    def finish(self) -> None:
        believed = [
            t
            for t in (self.newest, self.candidate)
            if t is not None
            and (self.newest is None or t == self.newest or self.candidate_source not in self.ahead)
            and (self.newest is None or t - self.newest <= WEEK)
        ]
        if believed:
            self.pass_to(max(believed) - LATENESS)
            self.pass_to(max(believed) // MINUTE * MINUTE + MINUTE)


def transceiver(msg_type: int) -> int:
    return {1: 0, 2: 0, 3: 0, 5: 0, 27: 0, 18: 1, 19: 1, 24: 1}.get(msg_type, 2)


def bit(mmsi: int) -> int:
    return 1 << (mmsi * 0x9E3779B97F4A7C15 % 2**64 >> 58)


def sketch(vessels: Iterable[int]) -> int:
    who = 0
    for mmsi in vessels:
        who |= bit(mmsi)
    return who


def heard(reports: list[Report], end: int) -> list[Row]:
    """The rows of the window that ends then."""
    groups: dict[tuple[int, int], list[Report]] = defaultdict(list)
    for r in reports:
        if end - WINDOW <= r.t < end and r.lat == r.lat and r.msg_type not in NO_VESSEL:
            groups[cell_of(r.lat, r.lon, RECEPTION_CELL_DEG), 4 * r.source + transceiver(r.msg_type)].append(r)
    return [
        Row(
            cell,
            group,
            len({r.mmsi for r in members}),
            len({r.mmsi for r in members if r.sog < 2.0}),
            min(r.t for r in members),
            max(r.t for r in members),
            sketch(r.mmsi for r in members),
            (
                min(r.lat for r in members),
                max(r.lat for r in members),
                min(r.lon for r in members),
                max(r.lon for r in members),
            ),
        )
        for (cell, group), members in sorted(groups.items())
    ]


def resting(reports: list[Report], end: int) -> list[tuple[int, int]]:
    """The mooring cells in which vessels lay still in the window that ends then, and who."""
    cells: dict[int, set[int]] = defaultdict(set)
    placed = [r for r in reports if end - WINDOW <= r.t < end and r.lat == r.lat]
    for r in placed:
        speed_kn = r.sog
        if r.sog != r.sog:
            first = min((o.t, o.lat, o.lon) for o in placed if o.mmsi == r.mmsi and o.sog != o.sog)
            if r.t - first[0] >= 3 * MINUTE:
                speed_kn = metres(*first[1:], r.lat, r.lon) / ((r.t - first[0]) / 1000.0) / (1852.0 / 3600.0)
        if speed_kn < 0.5 and r.msg_type not in NO_VESSEL:
            cells[cell_of(r.lat, r.lon, MOORING_CELL_DEG)].add(r.mmsi)
    return [(cell, sketch(vessels)) for cell, vessels in sorted(cells.items())]
