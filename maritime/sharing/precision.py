"""Precision by what partners say: of each type of alert, how many were confirmed and how many dismissed.

A partner has one vote for an alert, its last word. Votes are not a sample: partners speak of what they looked at, and
several of them may speak of one alert.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

from maritime.sharing.feedback_reading import Verdict

LEAST_BASE: Final = 5  # chosen, as in reports: of fewer votes no share is told


@dataclass(slots=True)
class Votes:
    """The votes about one type of alert, with those about alerts that are purged."""

    type: str
    confirmed: int = 0
    dismissed: int = 0
    contested: list[str] = field(default_factory=list)  # alerts that some confirm and others dismiss

    @property
    def count(self) -> int:
        """How many there are."""
        return self.confirmed + self.dismissed

    @property
    def share(self) -> float | None:
        """The share of the confirmed; None where there are too few votes to say."""
        return self.confirmed / self.count if self.count >= LEAST_BASE else None


class AlertVerdict(NamedTuple):
    """What partners agree on about an alert."""

    alert_id: str
    type: str
    verdict: str
    at_ms: int  # of the newest vote


def votes_of(verdicts: Iterable[Verdict], past: Mapping[tuple[str, str], int]) -> list[Votes]:
    """Votes by type; `past` counts those about what is purged, by type and verdict."""
    found: dict[str, Votes] = {}
    for (kind, verdict), count in past.items():
        _add(found, kind, verdict, count)
    for alert in _by_alert(verdicts):
        for each in alert:
            _add(found, each.type, each.verdict, 1)
        if len({each.verdict for each in alert}) > 1:
            found[alert[-1].type].contested.append(alert[0].internal_id)
    return [found[kind] for kind in sorted(found)]


def agreed(verdicts: Iterable[Verdict]) -> tuple[list[AlertVerdict], int]:
    """One verdict for each alert about which all who gave one agree, and how many alerts are contested."""
    alerts = _by_alert(verdicts)
    of_one_mind = [alert for alert in alerts if len({each.verdict for each in alert}) == 1]
    made = [AlertVerdict(last.internal_id, last.type, last.verdict, last.at_ms) for *_, last in of_one_mind]
    return made, len(alerts) - len(of_one_mind)


def _by_alert(verdicts: Iterable[Verdict]) -> list[list[Verdict]]:
    ordered = sorted(verdicts, key=lambda each: (each.internal_id, each.at_ms, each.partner))
    return [list(some) for _, some in groupby(ordered, key=lambda each: each.internal_id)]


def _add(found: dict[str, Votes], kind: str, verdict: str, count: int) -> None:
    votes = found.setdefault(kind, Votes(kind))
    if verdict == "confirmed":
        votes.confirmed += count
    else:
        votes.dismissed += count
