"""How good the alerts are against a truth table: recall, precision, errors in time, rates, with intervals."""

import csv
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maritime.errors import InputError, UsageError
from maritime.evaluate.intervals import Interval, poisson_interval, wilson_interval
from maritime.evaluate.matching import Event, Matching, match
from maritime.times import from_rfc3339

TRUTH_COLUMNS = ("type", "mmsi", "started_at", "ended_at")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile of some seconds."""

    median_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class TypeScore:
    """How well one type of alert does. None = nothing to measure it by."""

    type: str
    truths: int
    alerts: int  # retracted ones are not counted
    found: int  # truths with an alert
    duplicates: int  # further alerts of a truth that has one
    false_alarms: int  # alerts that overlap no truth
    recall: float | None  # found / truths
    recall_interval: Interval | None  # Wilson, 95 %
    precision: float | None  # alerts that overlap a truth / alerts
    precision_interval: Interval | None
    start_error: Spread | None  # absolute differences
    end_error: Spread | None  # where both have ended
    delay: Spread | None  # from the true start to the moment when the alert was raised
    alerts_per_100_vessel_days: float | None
    alerts_per_100_vessel_days_interval: Interval | None  # exact Poisson, 95 %


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The score of every type that occurs among the alerts or the truths."""

    vessel_days: float | None  # None = not known, hence no rates
    scores: tuple[TypeScore, ...]

    def to_dict(self) -> dict[str, Any]:
        """The evaluation as plain values for JSON."""
        return asdict(self)


def evaluate(alerts_path: str | Path, truth_path: str | Path, vessel_days: float | None = None) -> Evaluation:
    """Score `alerts.jsonl` against a truth table.

    Rates need the vessel-days watched: given here, or else the key `vessel_days` of `summary.json` beside the alerts.

    Raises InputError when a file cannot be read, a line is not an alert, or the truth table lacks a column;
    UsageError for vessel-days that are no positive number.
    """
    if vessel_days is not None and not 0 < vessel_days < math.inf:
        raise UsageError(f"vessel-days of {vessel_days:g} give no rate; give a positive number")
    alerts, truths = read_alerts(Path(alerts_path)), read_truth(Path(truth_path))
    if vessel_days is None:
        vessel_days = _vessel_days_beside(Path(alerts_path))
    return score(match(truths, alerts), vessel_days)


def score(matchings: Iterable[Matching], vessel_days: float | None) -> Evaluation:
    """Score matchings, those of several runs pooled by type; `vessel_days` is the sum over the runs."""
    by_type: defaultdict[str, list[Matching]] = defaultdict(list)
    for matching in matchings:
        by_type[matching.type].append(matching)
    return Evaluation(vessel_days, tuple(_score_type(kind, by_type[kind], vessel_days) for kind in sorted(by_type)))


def read_alerts(path: Path) -> list[Event]:
    """Read the last revision of every alert in a JSON-lines file, without the retracted ones.

    Raises InputError naming file and line.
    """
    newest: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if line.strip():
            alert = _parsed(path, number, line)
            known = newest.get(str(alert["alert_id"]))
            if known is None or alert.get("revision", 0) >= known.get("revision", 0):
                newest[str(alert["alert_id"])] = alert
    return [_event(alert) for alert in newest.values() if alert["state"] != "retracted"]


def read_truth(path: Path) -> list[Event]:
    """Read a truth table: CSV with at least the columns type, mmsi, started_at and ended_at.

    Raises InputError naming file, and line or column.
    """
    reader = csv.DictReader(_read(path).splitlines())
    missing = [column for column in TRUTH_COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"'{path}' lacks the column '{missing[0]}'; a truth table has {', '.join(TRUTH_COLUMNS)}")
    truths = []
    for row in reader:
        try:
            truths.append(_event(row))
        except (UsageError, ValueError, TypeError) as error:
            raise InputError(f"'{path}' line {reader.line_num} is not a truth: {error}") from error
    return truths


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        alert = json.loads(line)
        if not isinstance(alert, dict):
            raise ValueError("it is not a JSON object")
        missing = [key for key in ("alert_id", "state", *TRUTH_COLUMNS) if key not in alert]
        if missing:
            raise ValueError(f"it lacks '{missing[0]}'")
        _event(alert)
    except (UsageError, ValueError, TypeError) as error:
        raise InputError(f"'{path}' line {number} is not an alert: {error}") from error
    return alert


def _event(fields: dict[str, Any]) -> Event:
    def moment(key: str) -> int | None:
        return from_rfc3339(str(fields[key])) if fields.get(key) else None

    started_ms = moment("started_at")
    if started_ms is None:
        raise ValueError("started_at is empty")
    mmsi = fields["mmsi"]
    return Event(
        type=str(fields["type"]),
        mmsi=int(mmsi) if mmsi not in ("", None) else None,
        started_ms=started_ms,
        ended_ms=moment("ended_at"),
        raised_ms=moment("raised_at"),
    )


def _score_type(kind: str, matchings: Sequence[Matching], vessel_days: float | None) -> TypeScore:
    pairs = [pair for matching in matchings for pair in matching.pairs]
    truths = sum(matching.truths for matching in matchings)
    alerts = sum(matching.alerts for matching in matchings)
    duplicates = sum(len(matching.duplicates) for matching in matchings)
    right = len(pairs) + duplicates
    per_100 = 100 / vessel_days if vessel_days else None
    low, high = poisson_interval(alerts)
    return TypeScore(
        type=kind,
        truths=truths,
        alerts=alerts,
        found=len(pairs),
        duplicates=duplicates,
        false_alarms=alerts - right,
        recall=len(pairs) / truths if truths else None,
        recall_interval=wilson_interval(len(pairs), truths),
        precision=right / alerts if alerts else None,
        precision_interval=wilson_interval(right, alerts),
        start_error=_spread(abs(pair.alert.started_ms - pair.truth.started_ms) for pair in pairs),
        end_error=_spread(
            abs(pair.alert.ended_ms - pair.truth.ended_ms)
            for pair in pairs
            if pair.alert.ended_ms is not None and pair.truth.ended_ms is not None
        ),
        delay=_spread(
            pair.alert.raised_ms - pair.truth.started_ms for pair in pairs if pair.alert.raised_ms is not None
        ),
        alerts_per_100_vessel_days=alerts * per_100 if per_100 else None,
        alerts_per_100_vessel_days_interval=(low * per_100, high * per_100) if per_100 else None,
    )


def _spread(times_ms: Iterable[int]) -> Spread | None:
    """Median, and the smallest value that at least 95 % do not exceed."""
    ordered = sorted(times_ms)
    if not ordered:
        return None
    p95_ms = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return Spread(statistics.median(ordered) / 1000, p95_ms / 1000)


def _vessel_days_beside(alerts_path: Path) -> float | None:
    summary = alerts_path.with_name("summary.json")
    if not summary.exists():
        return None
    try:
        vessel_days = json.loads(_read(summary)).get("vessel_days")
        return None if vessel_days is None else float(vessel_days)
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"'{summary}' is not a summary ({error}); write it again by a replay") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"'{path}' cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"'{path}' is not UTF-8 text ({error.reason}); name another file") from error
