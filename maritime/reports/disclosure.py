"""Disclosure control: which alerts a report may count.

An atom is all alerts of one type in one cell of the fixed grid in one period of the calendar. Each is judged alone, by
its own alerts: fewer than five, or of fewer than three vessels, and it is left out whole. What is left out goes no
further than here, so every number of a report is a function of atoms that are shown, whatever area and time are asked
for. Two worlds that differ in what is left out give the same reports, to the byte; no subtraction tells them apart.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from maritime.reports.grid import Cell, Grid
from maritime.reports.periods import Period, PeriodKind, period_of
from maritime.reports.told import Told
from maritime.units import DAY_MS


@dataclass(frozen=True, slots=True)
class Limits:
    """What is shown: groups of at least so many alerts, of at least so many vessels."""

    alerts: int
    vessels: int


FOR_PARTNERS: Final = Limits(alerts=5, vessels=3)
"""Chosen: five is the base below which percentages are hidden too; of two vessels each would know the other's."""
FOR_THE_HOUSE: Final = Limits(alerts=0, vessels=0)


class Atom(NamedTuple):
    """What is shown or left out as a whole."""

    type: str
    cell: Cell
    period: Period


Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def shown(
    items: Iterable[Item], key: Callable[[Item], Key], vessel: Callable[[Item], str], limits: Limits
) -> dict[Key, list[Item]]:
    """The items in groups by key, without the groups that are too small or of too few vessels."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return {
        name: group
        for name, group in groups.items()
        if len(group) >= limits.alerts and len({vessel(item) for item in group}) >= limits.vessels
    }


def shown_atoms(told: Iterable[Told], kind: PeriodKind, grid: Grid, limits: Limits) -> dict[Atom, list[Told]]:
    """The atoms that may be shown, with their alerts. It does not look at what area or time is asked for."""
    periods: dict[int, Period] = {}

    def atom(alert: Told) -> Atom:
        day = alert.start_ms // DAY_MS
        if day not in periods:
            periods[day] = period_of(alert.start_ms, kind)
        return Atom(alert.type, grid.cell(*alert.place), periods[day])

    return shown(told, atom, lambda alert: alert.vessel, limits)
