"""Chains: alerts of one vessel that follow each other near in time and place, as patterns without the vessel."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from maritime.geo.geodesy import distance_m
from maritime.reports.told import Told
from maritime.units import HOUR_MS, NM_M

WITHIN_H: Final = 48.0  # chosen: a night's run out, a meeting, and a night's run back
WITHIN_NM: Final = 200.0  # chosen: ten hours at 20 knots; coarse places lie up to 60 nm off
MOST_STEPS: Final = 4  # chosen: longer patterns hardly recur; a longer chain goes on as a new one


@dataclass(frozen=True, slots=True)
class Chain:
    """Types of alerts in their order, each but once in a row; when the first began, ms UTC.

    Where two began at one time, as the steps of a coarse clock have it, their order is not known: `a + b`.
    """

    steps: tuple[str, ...]
    start_ms: int
    vessel: str


def chains(told: Iterable[Told]) -> list[Chain]:
    """The chains of two types or more; each alert is in one chain at most. Alerts that name no vessel are in none."""
    by_vessel: dict[str, list[Told]] = {}
    for alert in told:
        if alert.linked_by is not None:
            by_vessel.setdefault(alert.linked_by, []).append(alert)
    made: list[Chain] = []
    for _, alerts in sorted(by_vessel.items()):
        chain: list[Told] = []
        for alert in sorted(alerts, key=lambda alert: (alert.start_ms, alert.alert_id)):
            if chain and (not _follows(chain[-1], alert) or len(_steps([*chain, alert])) > MOST_STEPS):
                made += _made(chain)
                chain = []
            chain.append(alert)
        made += _made(chain)
    return sorted(made, key=lambda chain: (chain.start_ms, chain.steps, chain.vessel))


def _follows(earlier: Told, later: Told) -> bool:
    since_ms = max(earlier.start_ms, earlier.end_ms or earlier.start_ms)
    run_m: float = distance_m(*(earlier.next_place or earlier.place), *later.place)
    return later.start_ms - since_ms <= WITHIN_H * HOUR_MS and run_m <= WITHIN_NM * NM_M


def _steps(alerts: list[Told]) -> tuple[str, ...]:
    at_once = [
        " + ".join(sorted({alert.type for alert in group})) for _, group in groupby(alerts, lambda a: a.start_ms)
    ]
    return tuple(step for step, _ in groupby(at_once))


def _made(alerts: list[Told]) -> list[Chain]:
    if len({alert.type for alert in alerts}) < 2:
        return []
    return [Chain(_steps(alerts), alerts[0].start_ms, alerts[0].vessel)]
