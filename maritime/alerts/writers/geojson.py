"""Alerts as a GeoJSON FeatureCollection (RFC 7946)."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from maritime.alerts.alert import Alert


def write_geojson(alerts: Iterable[Alert], path: Path) -> None:
    """One feature per alert: its geometry (or its point, or null), every other field as a property."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        for count, alert in enumerate(alerts):
            file.write(",\n" if count else "\n")
            json.dump(_feature(alert), file, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        file.write("\n]}\n")


def _feature(alert: Alert) -> dict[str, Any]:
    properties = alert.to_dict()
    geometry = properties.pop("geometry") or point(alert)
    return {
        "type": "Feature",
        "id": alert.alert_id,
        "geometry": geometry,
        "properties": properties,
    }


def point(alert: Alert) -> dict[str, Any] | None:
    """The alert's position as a GeoJSON point; None when it has none."""
    if alert.lat is None or alert.lon is None:
        return None
    return {"type": "Point", "coordinates": [alert.lon, alert.lat]}
