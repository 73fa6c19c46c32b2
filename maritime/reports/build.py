"""Build: from alerts, vessel-hours and the limits of what is shown to the findings of a report."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from maritime.evaluate.intervals import poisson_cdf, poisson_interval, wilson_interval
from maritime.reports.chains import Chain, chains
from maritime.reports.change import Ratio, Stratum, holm, ratio
from maritime.reports.disclosure import Atom, Limits, shown, shown_atoms
from maritime.reports.exposure import Exposure
from maritime.reports.grid import Cell, Grid
from maritime.reports.periods import Period, PeriodKind, period_of
from maritime.reports.rates import HourlyRate, hourly_rate
from maritime.reports.report import (
    CellCorner,
    CellCount,
    ChainCount,
    Change,
    Changes,
    Finding,
    Flow,
    Interval,
    Latency,
    Rate,
    Trend,
    VerdictCount,
    WholeCell,
)
from maritime.reports.told import Told

BASE: Final = 5  # below it no share and no ratio is told
CHANCE: Final = 0.05  # of a finding that is none, over all of a kind in a report
PER: Final = 1_000.0
DIGITS: Final = 4  # significant, of what is estimated: no interval is that narrow

Contains = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], npt.NDArray[np.bool_]]
Against = Literal["previous", "last_year"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for, and what may be shown."""

    kind: PeriodKind
    periods: Sequence[Period]
    grid: Grid
    limits: Limits
    area: Contains | None = None


class Findings(NamedTuple):
    """The parts of a report that come from alerts."""

    trends: list[Trend]
    cells: list[CellCount]
    whole_cells: list[WholeCell]
    flows: list[Flow]
    chains: list[ChainCount]
    verdicts: list[VerdictCount]
    latency: list[Latency]


def findings(told: Iterable[Told], exposure: Exposure, scope: Scope) -> Findings:
    """Count what may be shown of the alerts, and compare it."""
    atoms = shown_atoms(told, scope.kind, scope.grid, scope.limits)
    del told  # from here on what is left out does not exist
    everywhere = sorted(
        (alert for alerts in atoms.values() for alert in alerts), key=lambda alert: (alert.start_ms, alert.alert_id)
    )
    inside = _inside(scope, {atom.cell for atom in atoms} | {cell for _, cell in exposure})
    here = {atom: alerts for atom, alerts in sorted(atoms.items()) if atom.cell in inside}
    asked = {atom: alerts for atom, alerts in here.items() if atom.period in scope.periods}
    counting = _Counting(scope, {atom: len(alerts) for atom, alerts in here.items()}, exposure, inside)
    cells = counting.cells()
    return Findings(
        counting.trends(),
        cells,
        counting.whole_cells({(each.type, Cell(each.south, each.west)) for each in cells if each.hot}),
        _flows(asked, scope),
        _chains(everywhere, scope),
        _verdicts(asked, scope),
        _latency(asked),
    )


class _Counting:
    """Counts of atoms in the area, in the periods asked for and those they are compared with."""

    def __init__(self, scope: Scope, counts: Mapping[Atom, int], exposure: Exposure, inside: frozenset[Cell]) -> None:
        self._scope, self._counts, self._exposure = scope, counts, exposure
        self._is_whole = scope.limits.alerts == 0
        self._types = sorted({atom.type for atom in counts})
        self._observed: dict[Period, dict[Cell, int]] = {}
        for (period, cell), hours in exposure.items():
            if cell in inside:
                self._observed.setdefault(period, {})[cell] = hours

    def trends(self) -> list[Trend]:
        """A row for each type and period with something to show; in a whole view for all of them."""
        rows = [
            (kind, period)
            for kind in self._types
            for period in self._scope.periods
            if self._is_whole or self._cells_of(kind, period)
        ]
        strata = [
            {against: self._strata(kind, period, before) for against, before in _bases(period).items()}
            for kind, period in rows
        ]
        return [
            self._trend(kind, period, changes)
            for (kind, period), changes in zip(rows, self._changes(rows, strata), strict=True)
        ]

    def cells(self) -> list[CellCount]:
        """A row for each atom."""
        atoms = [atom for atom in self._counts if atom.period in self._scope.periods]
        strata = [
            {
                against: self._strata(atom.type, atom.period, before, atom.cell)
                for against, before in _bases(atom.period).items()
            }
            for atom in atoms
        ]
        hot = self._hot(atoms)
        changes = self._changes([(atom.type, atom.period) for atom in atoms], strata)
        return [
            CellCount(
                type=atom.type,
                period=atom.period.label,
                south=atom.cell.south,
                west=atom.cell.west,
                count=self._counts[atom],
                vessel_hours=self._hours(atom.period, atom.cell),
                rate=self._rate([(self._counts[atom], self._hours(atom.period, atom.cell))]),
                hot=is_hot,
                changes=changed,
            )
            for atom, is_hot, changed in zip(atoms, hot, changes, strict=True)
        ]

    def whole_cells(self, hot: Collection[tuple[str, Cell]]) -> list[WholeCell]:
        """A row for each type and cell, over all periods asked for; `hot` are those that are so in one of them."""
        made = []
        asked = {(atom.type, atom.cell) for atom in self._counts if atom.period in self._scope.periods}
        for kind, cell in sorted(asked):
            counts = [
                (self._counts.get(Atom(kind, cell, period), 0), self._hours(period, cell))
                for period in self._scope.periods
                if self._is_whole or Atom(kind, cell, period) in self._counts
            ]
            made.append(
                WholeCell(
                    type=kind,
                    south=cell.south,
                    west=cell.west,
                    count=sum(count for count, _ in counts),
                    vessel_hours=sum(hours for _, hours in counts),
                    rate=self._rate(counts),
                    hot=(kind, cell) in hot,
                )
            )
        return made

    def _trend(self, kind: str, period: Period, changes: Changes) -> Trend:
        counts = self._counts_of(kind, period)
        return Trend(
            type=kind,
            period=period.label,
            count=sum(count for count, _ in counts),
            vessel_hours=sum(hours for _, hours in counts),
            rate=self._rate(counts),
            changes=changes,
        )

    def _cells_of(self, kind: str, period: Period) -> set[Cell]:
        """The cells that count for a type in a period: those shown; in a whole view also those where none happened."""
        counted = {atom.cell for atom in self._counts if atom.type == kind and atom.period == period}
        return counted | self._observed.get(period, {}).keys() if self._is_whole else counted

    def _counts_of(self, kind: str, period: Period) -> list[tuple[int, int]]:
        """Alerts and vessel-hours of the cells that count."""
        return [
            (self._counts.get(Atom(kind, cell, period), 0), self._hours(period, cell))
            for cell in sorted(self._cells_of(kind, period))
        ]

    def _strata(self, kind: str, period: Period, before: Period | None, only: Cell | None = None) -> list[Stratum]:
        """The cells that can be compared."""
        if before is None:
            return []
        cells = self._cells_of(kind, period) & self._cells_of(kind, before)
        return [
            Stratum(
                self._counts.get(Atom(kind, cell, before), 0),
                self._hours(before, cell),
                self._counts.get(Atom(kind, cell, period), 0),
                self._hours(period, cell),
            )
            for cell in sorted(cells if only is None else cells & {only})
            if self._hours(before, cell) and self._hours(period, cell)
        ]

    def _changes(
        self, rows: Sequence[tuple[str, Period]], strata: Sequence[Mapping[Against, list[Stratum]]]
    ) -> list[Changes]:
        """The findings of all comparisons, judged together."""
        least = self._scope.limits.alerts
        ratios = [{against: ratio(cells, least) for against, cells in each.items()} for each in strata]
        tests = [(i, against) for i, each in enumerate(ratios) for against, found in each.items() if found is not None]
        found = [ratios[i][against] for i, against in tests]
        adjusted = dict(zip(tests, holm([each.p for each in found if each]), strict=True))
        made = []
        for i, (_, period) in enumerate(rows):
            parts = {
                against: _change(before.label, strata[i][against], ratios[i][against], adjusted.get((i, against)))
                for against, before in _bases(period).items()
                if before is not None
            }
            made.append(Changes(**parts))
        return made

    def _hot(self, atoms: Sequence[Atom]) -> list[bool]:
        """Which atoms have more alerts than the rate of their type in all counted cells explains."""
        least = self._scope.limits.alerts
        asked = {(atom.type, atom.period) for atom in atoms}
        overall = {of: hourly_rate(self._counts_of(*of), least) for of in sorted(asked)}
        chances = [self._chance_of(atom, overall[atom.type, atom.period]) for atom in atoms]
        return [p <= CHANCE for p in holm(chances)]

    def _chance_of(self, atom: Atom, overall: HourlyRate | None) -> float:
        """Chance of so many alerts or more, given that they are shown at all; 1 for fewer than the base."""
        count, least = self._counts[atom], self._scope.limits.alerts
        if count < BASE or overall is None:
            return 1.0
        expected = overall.estimate * self._hours(atom.period, atom.cell)
        is_shown = 1.0 - poisson_cdf(least - 1, expected) if least else 1.0
        return min(1.0, max(0.0, 1.0 - poisson_cdf(count - 1, expected)) / is_shown) if is_shown > 0 else 1.0

    def _rate(self, counts: Sequence[tuple[int, int]]) -> Rate | None:
        found = hourly_rate(counts, self._scope.limits.alerts)
        if found is None:
            return None
        estimate, low, high = (digits(PER * value) for value in found)
        return Rate(per_1000_vessel_hours=estimate, interval=Interval(low=low, high=high))

    def _hours(self, period: Period, cell: Cell) -> int:
        return self._exposure.get((period, cell), 0)


def _bases(period: Period) -> dict[Against, Period | None]:
    return {"previous": period.previous(), "last_year": period.last_year()}


def _inside(scope: Scope, cells: Iterable[Cell]) -> frozenset[Cell]:
    """The cells whose middle lies in the area."""
    known = sorted(cells)
    if scope.area is None or not known:
        return frozenset(known)
    lat_deg, lon_deg = np.array([scope.grid.middle(cell) for cell in known], np.float64).T
    return frozenset(cell for cell, is_in in zip(known, scope.area(lat_deg, lon_deg).tolist(), strict=True) if is_in)


def _change(before: str, strata: Sequence[Stratum], found: Ratio | None, adjusted_p: float | None) -> Change:
    was, now = sum(each.before for each in strata), sum(each.now for each in strata)
    if found is None or adjusted_p is None:
        finding: Finding = "no evidence of change" if strata else "not compared"
        return Change(against=before, finding=finding, cells=len(strata), before=was, now=now)
    return Change(
        against=before,
        finding=_finding(strata, found, adjusted_p),
        cells=len(strata),
        before=was,
        now=now,
        ratio=digits(found.estimate) if was >= BASE else None,
        interval=_interval(found) if was >= BASE else None,
        adjusted_p=digits(adjusted_p),
    )


def _finding(strata: Sequence[Stratum], found: Ratio, adjusted_p: float) -> Finding:
    """Up or down only where the adjusted test says so and the Poisson intervals of both rates do not overlap."""
    low_before, high_before = poisson_interval(sum(each.before for each in strata))
    low_now, high_now = poisson_interval(sum(each.now for each in strata))
    hours_before, hours_now = sum(each.hours_before for each in strata), sum(each.hours_now for each in strata)
    if adjusted_p > CHANCE:
        return "no evidence of change"
    if found.estimate > 1 and low_now / hours_now > high_before / hours_before:
        return "up"
    if found.estimate < 1 and high_now / hours_now < low_before / hours_before:
        return "down"
    return "no evidence of change"


def _interval(found: Ratio) -> Interval:
    return Interval(low=digits(found.low), high=digits(found.high) if math.isfinite(found.high) else None)


def _flows(asked: Mapping[Atom, list[Told]], scope: Scope) -> list[Flow]:
    """Ways from cell to cell, judged like atoms: each alone, of alerts that are shown."""
    going = [
        (atom, scope.grid.cell(*alert.next_place), alert)
        for atom, alerts in asked.items()
        for alert in alerts
        if alert.next_place is not None and scope.grid.cell(*alert.next_place) != atom.cell
    ]
    ways = shown(going, lambda way: (way[0], way[1]), lambda way: way[2].vessel, scope.limits)
    return [
        Flow(
            type=atom.type,
            period=atom.period.label,
            origin=CellCorner(south=atom.cell.south, west=atom.cell.west),
            destination=CellCorner(south=end.south, west=end.west),
            count=len(alerts),
        )
        for (atom, end), alerts in sorted(ways.items())
    ]


def _chains(everywhere: Iterable[Told], scope: Scope) -> list[ChainCount]:
    def pattern(chain: Chain) -> tuple[Period, tuple[str, ...]]:
        return period_of(chain.start_ms, scope.kind), chain.steps

    patterns = shown(chains(everywhere), pattern, lambda chain: chain.vessel, scope.limits)
    return [
        ChainCount(steps=list(steps), period=period.label, count=len(found))
        for (period, steps), found in sorted(patterns.items())
        if period in scope.periods
    ]


def _verdicts(asked: Mapping[Atom, list[Told]], scope: Scope) -> list[VerdictCount]:
    """Verdicts of atoms in which enough alerts were judged."""
    said: Counter[tuple[str, str]] = Counter()
    for atom, alerts in asked.items():
        judged = [alert.verdict for alert in alerts if alert.verdict is not None]
        if len(judged) >= scope.limits.alerts:
            said.update((atom.type, verdict) for verdict in judged)
    made = []
    for kind in sorted({kind for kind, _ in said}):
        confirmed, dismissed = said[kind, "confirmed"], said[kind, "dismissed"]
        share = wilson_interval(confirmed, confirmed + dismissed) if confirmed + dismissed >= BASE else None
        made.append(
            VerdictCount(
                type=kind,
                confirmed=confirmed,
                dismissed=dismissed,
                share_confirmed=digits(confirmed / (confirmed + dismissed)) if share else None,
                interval=Interval(low=digits(share[0]), high=digits(share[1])) if share else None,
            )
        )
    return made


def _latency(asked: Mapping[Atom, list[Told]]) -> list[Latency]:
    """Quantiles by type, where there are enough alerts: the least value that so large a share does not pass."""
    minutes: dict[str, list[int]] = {}
    for atom, alerts in asked.items():
        minutes.setdefault(atom.type, []).extend(alert.latency_min for alert in alerts)
    made = []
    for kind, values in sorted(minutes.items()):
        if len(values) >= BASE:
            values.sort()
            median, p95 = (values[math.ceil(share * len(values)) - 1] for share in (0.5, 0.95))
            made.append(Latency(type=kind, median_min=median, p95_min=p95))
    return made


def digits(value: float) -> float:
    """A value to the significant digits that mean something."""
    return float(f"{value:.{DIGITS - 1}e}") + 0.0
