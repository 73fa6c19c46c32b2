"""Alerts as JSON lines: the format that every other one is made from."""

from collections.abc import Iterable
from pathlib import Path

from maritime.alerts.alert import Alert
from maritime.alerts.spool import json_line


def write_jsonl(alerts: Iterable[Alert], path: Path) -> None:
    """One alert per line, UTF-8."""
    with path.open("wb") as file:
        file.writelines(json_line(alert) for alert in alerts)
