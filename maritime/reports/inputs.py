"""Inputs of a report: the folders of replays, and what people said of alerts."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from maritime.alerts.alert import Alert
from maritime.alerts.recorder import SUMMARY
from maritime.alerts.schema import PublishedAlert, Time
from maritime.alerts.spool import json_line
from maritime.errors import InputError, UsageError
from maritime.reports.exposure import ObservedHours
from maritime.reports.told import Newest, Told, Verdict, View
from maritime.times import from_rfc3339

ALERTS: Final = "alerts.jsonl"
MOST_ALERTS: Final = 1_000_000  # chosen: half a gibibyte
MOST_LINE_BYTES: Final = 4 << 20  # chosen: some hundred times the largest alert
MOST_SUMMARY_BYTES: Final = 16 << 20  # chosen: a replay of a hundred thousand files


@dataclass(slots=True)
class Replays:
    """What several replays hold: alerts as one view sees them, vessel-hours, and counts of their summaries."""

    told: list[Told]
    observed: ObservedHours
    reports: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    settings_sha256: set[str] = field(default_factory=set)


def read_replays(folders: Sequence[Path], view: View, verdicts: dict[str, Verdict]) -> Replays:
    """Read the folders; one given twice is read once, and an alert of several counts in its newest revision.

    Raises InputError, with file and line, for what is missing or not sound.
    """
    newest, replays = Newest(view, verdicts, MOST_ALERTS), Replays([], ObservedHours())
    for folder in sorted({folder.resolve(): folder for folder in folders}.values()):
        _take_summary(replays, folder / SUMMARY)
        replays.observed.add(folder)
        for alert in _alerts(folder / ALERTS):
            newest.add(alert, hashlib.sha256(json_line(alert)).digest())
    replays.told = newest.told()
    return replays


class _VerdictLine(BaseModel):
    model_config = ConfigDict(extra="ignore")

    alert_id: str
    verdict: Literal["confirmed", "dismissed"]
    at: Time


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """The last verdict of each alert, of JSON lines with `alert_id`, `verdict` (confirmed, dismissed) and `at`.

    Raises InputError, with file and line.
    """
    made: dict[str, Verdict] = {}
    for number, line in _lines(path):
        try:
            said = _VerdictLine.model_validate_json(line)
            at_ms = from_rfc3339(said.at)
        except (ValidationError, UsageError) as error:
            raise _bad_line(path, number, "verdict", error) from None
        verdict = Verdict(said.verdict, at_ms)
        known = made.get(said.alert_id)
        if known is None or (verdict.at_ms, verdict.verdict) > (known.at_ms, known.verdict):
            made[said.alert_id] = verdict
        if len(made) > MOST_ALERTS:
            raise InputError(f"{path} has verdicts on more than {MOST_ALERTS:,} alerts; give fewer")
    return made


def _alerts(path: Path) -> Iterator[Alert]:
    for number, line in _lines(path):
        try:
            PublishedAlert.model_validate_json(line)
            yield Alert.from_dict(json.loads(line))
        except (ValidationError, ValueError, KeyError, TypeError, RecursionError, UsageError) as error:
            raise _bad_line(path, number, "alert", error) from None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MOST_LINE_BYTES + 1):
                number += 1
                if len(line) > MOST_LINE_BYTES:
                    raise InputError(f"{path}:{number} has more than {MOST_LINE_BYTES >> 20} MiB; it is no such line")
                if line.strip():
                    yield number, line
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from None


def _take_summary(replays: Replays, path: Path) -> None:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_SUMMARY_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); give folders that `maritime replay` has written"
        ) from None
    try:
        summary: dict[str, Any] = json.loads(text if len(text) <= MOST_SUMMARY_BYTES else b"")
        replays.reports += _count(summary["reports"])
        for reason, count in summary["rejects"]["by_reason"].items():
            replays.rejects[reason] += _count(count)
        replays.settings_sha256.add(str(summary["config_sha256"])[:64])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path} is no summary of a replay; replay the files of its folder again") from None


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def _bad_line(path: Path, number: int, what: str, error: Exception) -> InputError:
    said: Iterable[str] = (str(error),)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        said = (".".join(map(str, first["loc"])), first["msg"])
    return InputError(f"{path}:{number} is no {what} ({': '.join(said)}); mend the line or take it out")
