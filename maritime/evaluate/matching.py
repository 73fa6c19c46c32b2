"""Which alert tells of which true behaviour: the same vessel, overlapping in time, the largest overlap first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WITHOUT_VESSEL: Final = frozenset({"reception_outage", "feed_stale"})  # about a sensor: matched by time alone


@dataclass(frozen=True, slots=True)
class Event:
    """An alert or a true behaviour. Times are ms UTC."""

    type: str
    mmsi: int | None
    started_ms: int
    ended_ms: int | None  # None = still going on
    raised_ms: int | None = None  # of an alert: the event time at which it was raised


@dataclass(frozen=True, slots=True)
class Pair:
    """A true behaviour and the alert that tells of it."""

    truth: Event
    alert: Event


@dataclass(frozen=True, slots=True)
class Matching:
    """All alerts and truths of one type, matched."""

    type: str
    pairs: tuple[Pair, ...]
    missed: tuple[Event, ...]  # truths without an alert
    duplicates: tuple[Event, ...]  # further alerts of a truth that has one
    false: tuple[Event, ...]  # alerts that overlap no truth

    @property
    def truths(self) -> int:
        """Number of true behaviours."""
        return len(self.pairs) + len(self.missed)

    @property
    def alerts(self) -> int:
        """Number of alerts."""
        return len(self.pairs) + len(self.duplicates) + len(self.false)


def match(truths: Sequence[Event], alerts: Sequence[Event]) -> tuple[Matching, ...]:
    """Match the events of every type that occurs in either, in order of type."""
    types = sorted({event.type for event in (*truths, *alerts)})
    return tuple(
        _match_one_type(kind, [t for t in truths if t.type == kind], [a for a in alerts if a.type == kind])
        for kind in types
    )


def overlap_ms(first: Event, second: Event, horizon_ms: int) -> int:
    """Return how long two events go on together; 0 when they only touch, below 0 when they are apart.

    An event that still goes on ends at the horizon.
    """
    ends_ms = (horizon_ms if event.ended_ms is None else event.ended_ms for event in (first, second))
    return min(ends_ms) - max(first.started_ms, second.started_ms)


def _match_one_type(kind: str, truths: list[Event], alerts: list[Event]) -> Matching:
    horizon_ms = max(max(event.started_ms, event.ended_ms or 0) for event in (*truths, *alerts))
    candidates = sorted(
        (-overlap_ms(truth, alert, horizon_ms), abs(truth.started_ms - alert.started_ms), t, a)
        for t, truth in enumerate(truths)
        for a, alert in enumerate(alerts)
        if _same_vessel(truth, alert) and overlap_ms(truth, alert, horizon_ms) >= 0
    )
    alert_of: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, t, a in candidates:
        if t not in alert_of and a not in taken:
            alert_of[t] = a
            taken.add(a)
    touching = {a for *_, a in candidates}
    return Matching(
        type=kind,
        pairs=tuple(Pair(truths[t], alerts[a]) for t, a in sorted(alert_of.items())),
        missed=tuple(truth for t, truth in enumerate(truths) if t not in alert_of),
        duplicates=tuple(alerts[a] for a in sorted(touching - taken)),
        false=tuple(alert for a, alert in enumerate(alerts) if a not in touching),
    )


def _same_vessel(truth: Event, alert: Event) -> bool:
    return truth.type in WITHOUT_VESSEL or truth.mmsi == alert.mmsi
