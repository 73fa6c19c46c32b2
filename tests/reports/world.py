"""Worlds made by hand for the tests of reports: alerts as a report knows them, and folders as a replay leaves them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from maritime.alerts.spool import json_line
from maritime.alerts.vessel_hours import SCHEMA, cell_of
from maritime.reports.told import Told
from maritime.times import from_rfc3339
from maritime.units import HOUR_MS
from tests.alerts.episodes import alert

PLACES = {"a": (8.5, 97.5), "b": (8.5, 98.5), "c": (8.5, 99.5), "d": (9.5, 97.5), "far": (-20.5, 170.5)}
"""Middles of cells of one degree."""


def told(number: int, **changes: Any) -> Told:
    """An alert, of a vessel of its own."""
    fields: dict[str, Any] = {
        "alert_id": f"{number:032x}",
        "type": "dark_period",
        "start_ms": from_rfc3339("2026-03-10") + number * 1000,
        "end_ms": None,
        "place": PLACES["a"],
        "next_place": None,
        "vessel": str(number),
        "linked_by": None,
        "latency_min": 10,
        "verdict": None,
    }
    return Told(**{**fields, **changes})


def alert_at(number: int, when: str, place: tuple[float, float], **changes: Any) -> Any:
    """An alert of two hours with an id of its own."""
    start_ms = from_rfc3339(when) + number * 1000
    mmsi = changes.pop("mmsi", 563_000_000 + number)
    lat, lon = place
    fields = {
        "episode_id": f"{number:032x}",
        "mmsi": mmsi,
        "hull": f"{mmsi}-1",
        "started_ms": start_ms,
        "ended_ms": start_ms + 2 * HOUR_MS,
        "raised_ms": start_ms + HOUR_MS,
        "lat": lat,
        "lon": lon,
        "evidence": {},
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
    }
    return alert(**(fields | changes))


def folder(
    path: Path, alerts: Iterable[Any], hours: Mapping[tuple[str, tuple[float, float]], int], **summary: Any
) -> Path:
    """A replay's folder: `hours` are vessel-hours by hour (RFC 3339) and place."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "alerts.jsonl").write_bytes(b"".join(map(json_line, alerts)))
    rows = sorted(
        (from_rfc3339(when) // HOUR_MS, int(cell_of(np.array([lat]), np.array([lon]))[0]), count)
        for (when, (lat, lon)), count in hours.items()
    )
    columns = [pa.array(column, pa.int32()) for column in (zip(*rows, strict=True) if rows else ([], [], []))]
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), path / "vessel_hours.parquet")
    about = {"reports": 1000, "rejects": {"by_reason": {"late": 2}}, "config_sha256": "ab" * 32}
    (path / "summary.json").write_text(json.dumps(about | summary))
    return path
