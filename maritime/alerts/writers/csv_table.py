"""Alerts as CSV for a spreadsheet: one row each, text that a spreadsheet would run as a formula made harmless."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from maritime.alerts.alert import Alert

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")  # OWASP, "CSV Injection"
COLUMNS: Final = (
    "alert_id",
    "revision",
    "type",
    "state",
    "mmsi",
    "hull",
    "started_at",
    "ended_at",
    "raised_at",
    "lat",
    "lon",
    "severity",
    "confidence",
    "score",
    "reasons",
    "evidence",
    "detector_name",
    "detector_version",
    "config_sha256",
    "geometry",
)


def write_csv(alerts: Iterable[Alert], path: Path) -> None:
    """A header and one row per alert; reasons in words, evidence and geometry as JSON text."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([harmless(cell) for cell in _row(alert)] for alert in alerts)


def harmless(cell: Any) -> Any:
    """Text that starts like a formula gets an apostrophe in front; numbers and other text stay."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def reason_text(reason: dict[str, Any]) -> str:
    """`silence 2.5 h (threshold 1 h)`, from a reason as `Alert.to_dict` writes it; the unit `1` is not said.

    Of what is or is not so only the term is said: `beacon active`, `no outage meanwhile`.
    """
    if isinstance(reason["value"], bool):
        return f"{'' if reason['value'] else 'no '}{reason['term'].replace('_', ' ')}"
    unit = f" {reason['unit']}" if reason["unit"] not in ("", "1") else ""
    value = "unknown" if reason["value"] is None else f"{reason['value']}{unit}"
    threshold = "" if reason["threshold"] is None else f" (threshold {reason['threshold']}{unit})"
    return f"{reason['term'].replace('_', ' ')} {value}{threshold}"


def _row(alert: Alert) -> list[Any]:
    record = alert.to_dict()
    detector = record["detector"]
    record["reasons"] = "; ".join(reason_text(reason) for reason in record["reasons"])
    record["evidence"] = json.dumps(record["evidence"], ensure_ascii=False)
    record["geometry"] = json.dumps(record["geometry"]) if record["geometry"] else None
    record["detector_name"], record["detector_version"] = detector["name"], detector["version"]
    record["config_sha256"] = detector["config_sha256"]
    return [record[column] for column in COLUMNS]
