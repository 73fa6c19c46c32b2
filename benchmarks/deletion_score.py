"""Dark-period alerts against planted silences: what was found, how exactly, and what else was raised."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import pyarrow.parquet as pq

from benchmarks.planted_silences import Silence, Stretch
from maritime.times import from_rfc3339
from maritime.units import HOUR_MS

LONG_MS: Final = 2 * HOUR_MS  # definition of the benchmark: silences and other alerts are judged from two hours


@dataclass(frozen=True, slots=True)
class DarkAlert:
    """A dark-period alert as `alerts.jsonl` tells it; `end_ms` is None while the vessel is still silent."""

    mmsi: int
    start_ms: int
    end_ms: int | None
    raised_ms: int
    confidence: float

    def overlap_ms(self, start_ms: int, end_ms: int) -> int:
        """Common part with an interval; 0 where they only touch."""
        return max(0, min(end_ms, end_ms if self.end_ms is None else self.end_ms) - max(start_ms, self.start_ms))


@dataclass(frozen=True, slots=True)
class Found:
    """A planted silence and the alert that told of it, if any."""

    silence: Silence
    alert: DarkAlert | None

    @property
    def exact(self) -> bool:
        """Whether start and end of the alert lie within one reporting interval of the silence's."""
        return (
            self.alert is not None
            and self.alert.end_ms is not None
            and abs(self.alert.start_ms - self.silence.start_ms) <= self.silence.start_interval_ms
            and abs(self.alert.end_ms - self.silence.end_ms) <= self.silence.end_interval_ms
        )

    @property
    def while_silent(self) -> bool:
        """Whether the alert was raised before the vessel was heard again."""
        return self.alert is not None and self.alert.raised_ms < self.silence.end_ms


@dataclass(slots=True)
class Score:
    """What one run found, or several runs together."""

    found: list[Found] = field(default_factory=list)
    others: list[DarkAlert] = field(default_factory=list)  # closed, of two hours or more, in no planted silence
    still_silent: int = 0  # alerts that were open at the end of the reports
    inside_stretches: int = 0  # alerts over a time in which the vessel was heard without a hole
    vessel_days: float = 0.0

    def add(self, run: Self) -> None:
        """Take the score of one more run."""
        self.found += run.found
        self.others += run.others
        self.still_silent += run.still_silent
        self.inside_stretches += run.inside_stretches
        self.vessel_days += run.vessel_days

    def planted(self, from_ms: int) -> list[Found]:
        """The planted silences of at least this length."""
        return [found for found in self.found if found.silence.length_ms >= from_ms]

    def at(self, confidence: float) -> tuple[float, float]:
        """(recall of long silences, other long alerts per 100 vessel-days), were only alerts of at least this
        confidence raised.
        """
        long = self.planted(LONG_MS)
        told = sum(found.alert is not None and found.alert.confidence >= confidence for found in long)
        others = sum(alert.confidence >= confidence for alert in self.others)
        return told / max(1, len(long)), 100 * others / self.vessel_days


def score(
    alerts: Sequence[DarkAlert], planted: Iterable[Silence], heard: Iterable[Stretch], vessel_days: float
) -> Score:
    """Match alerts with planted silences of the same vessel by their overlap, each alert at most once.

    `heard` are the stretches of the reports that were left: no alert may overlap one.
    """
    free = list(alerts)
    result = Score(vessel_days=vessel_days)
    for silence in planted:
        own = [a for a in free if a.mmsi == silence.mmsi and a.overlap_ms(silence.start_ms, silence.end_ms)]
        best = max(own, key=lambda a: a.overlap_ms(silence.start_ms, silence.end_ms), default=None)
        if best is not None:
            free.remove(best)
        result.found.append(Found(silence, best))
    result.others = [a for a in free if a.end_ms is not None and a.end_ms - a.start_ms >= LONG_MS]
    result.still_silent = sum(a.end_ms is None for a in free)
    by_vessel: dict[int, list[Stretch]] = {}
    for stretch in heard:
        by_vessel.setdefault(stretch.mmsi, []).append(stretch)
    result.inside_stretches = sum(
        any(a.overlap_ms(s.first_ms, s.last_ms) for s in by_vessel.get(a.mmsi, ())) for a in alerts
    )
    return result


def read_dark_alerts(path: Path) -> list[DarkAlert]:
    """Return the dark-period alerts of an `alerts.jsonl` in their last revision; a retracted alert is none."""
    last: dict[str, dict[str, Any]] = {}
    with path.open(encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            earlier = last.get(record["alert_id"], record)
            if record["type"] == "dark_period" and record["revision"] >= earlier["revision"]:
                last[record["alert_id"]] = record
    return [
        DarkAlert(
            record["mmsi"],
            from_rfc3339(record["started_at"]),
            None if record["ended_at"] is None else from_rfc3339(record["ended_at"]),
            from_rfc3339(record["raised_at"]),
            record["confidence"],
        )
        for record in last.values()
        if record["state"] != "retracted"
    ]


def read_held_back(path: Path) -> dict[str, list[DarkAlert]]:
    """Return the silences in an `episodes.parquet` that are no alerts, as the alerts that they would have been, by the
    rule that held them back.
    """
    held: dict[str, list[DarkAlert]] = {}
    for row in pq.read_table(path, filters=[("type", "==", "silence")]).to_pylist():
        if row["held_back_by"] is not None:
            start_ms = round(row["started_at"].timestamp() * 1000)
            end_ms = None if row["ended_at"] is None else round(row["ended_at"].timestamp() * 1000)
            held.setdefault(row["held_back_by"], []).append(DarkAlert(row["mmsi"], start_ms, end_ms, start_ms, 0.0))
    return held
