"""Alerts as Parquet with typed columns; the same table is what a notebook gets."""

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from maritime.alerts.alert import Alert

UTC_MS: Final = pa.timestamp("ms", tz="UTC")
ROWS_PER_GROUP: Final = 10_000

REASON: Final = pa.struct(
    [
        ("term", pa.string()),
        ("value", pa.float64()),  # null where the value is text or unknown
        ("value_text", pa.string()),
        ("threshold", pa.float64()),
        ("threshold_text", pa.string()),
        ("unit", pa.string()),
    ]
)
ALERT_SCHEMA: Final = pa.schema(
    [
        ("alert_id", pa.string()),
        ("revision", pa.int32()),
        ("type", pa.string()),
        ("state", pa.string()),
        ("mmsi", pa.uint32()),
        ("hull", pa.string()),
        ("started_at", UTC_MS),
        ("ended_at", UTC_MS),
        ("raised_at", UTC_MS),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("severity", pa.string()),
        ("confidence", pa.float64()),
        ("score", pa.float64()),
        ("reasons", pa.list_(REASON)),
        ("evidence", pa.string()),  # JSON
        ("detector_name", pa.string()),
        ("detector_version", pa.string()),
        ("config_sha256", pa.string()),
        ("geometry", pa.string()),  # GeoJSON
    ]
)


def write_parquet(alerts: Iterable[Alert], path: Path) -> None:
    """One row per alert, times as UTC milliseconds, zstd."""
    with pq.ParquetWriter(path, ALERT_SCHEMA, compression="zstd") as writer:
        rest = iter(alerts)
        while some := list(islice(rest, ROWS_PER_GROUP)):
            writer.write_table(alert_table(some))


def alert_table(alerts: Iterable[Alert]) -> pa.Table:
    """The alerts as an Arrow table of `ALERT_SCHEMA`."""
    return pa.Table.from_pylist([_row(alert) for alert in alerts], schema=ALERT_SCHEMA)


def _row(alert: Alert) -> dict[str, Any]:
    record = alert.to_dict()
    return {
        **record,
        "started_at": alert.started_ms,
        "ended_at": alert.ended_ms,
        "raised_at": alert.raised_ms,
        "reasons": [_reason(reason) for reason in record["reasons"]],
        "evidence": json.dumps(record["evidence"], ensure_ascii=False),
        "detector_name": record["detector"]["name"],
        "detector_version": record["detector"]["version"],
        "config_sha256": record["detector"]["config_sha256"],
        "geometry": json.dumps(record["geometry"]) if record["geometry"] else None,
    }


def _reason(reason: dict[str, Any]) -> dict[str, Any]:
    value, value_text = _number_or_text(reason["value"])
    threshold, threshold_text = _number_or_text(reason["threshold"])
    return {
        "term": reason["term"],
        "value": value,
        "value_text": value_text,
        "threshold": threshold,
        "threshold_text": threshold_text,
        "unit": reason["unit"],
    }


def _number_or_text(value: float | str | bool | None) -> tuple[float | None, str | None]:
    if isinstance(value, str):
        return None, value
    return (None if value is None else float(value)), None
