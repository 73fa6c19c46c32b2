"""Tables: the counts of a report for spreadsheets, and its cells and flows for maps."""

import csv
import io
import json
from typing import Any

from maritime.alerts.antimeridian import cut
from maritime.reports.grid import Cell, Grid
from maritime.reports.report import CellCorner, CellCount, Change, Report, Trend

COLUMNS = (
    *("type", "period", "south", "west", "count", "vessel_hours"),
    *("per_1000_vessel_hours", "low", "high", "hot"),
    *("previous", "previous_ratio", "last_year", "last_year_ratio"),
)


def as_csv(report: Report) -> str:
    """A row for each type and period, without a cell, and then for each of their cells."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    rows.writerow(COLUMNS)
    counts: list[Trend | CellCount] = [*report.trends, *report.cells]
    for count in counts:
        rows.writerow("" if value is None else value for value in _row(count))
    return text.getvalue()


def as_geojson(report: Report) -> str:
    """Cells as polygons, flows as lines from middle to middle (RFC 7946: cut at the antimeridian)."""
    grid = Grid(report.cell_deg)
    cells = [
        _feature(
            {"type": "Polygon", "coordinates": [grid.ring(Cell(count.south, count.west))]},
            {"kind": "cell"} | dict(zip(COLUMNS, _row(count), strict=True)),
        )
        for count in report.cells
    ]
    flows = [
        _feature(
            cut({"type": "LineString", "coordinates": [_middle(grid, flow.origin), _middle(grid, flow.destination)]}),
            {"kind": "flow", "type": flow.type, "period": flow.period, "count": flow.count},
        )
        for flow in report.flows
    ]
    about = {"status": report.status, "view": report.view, "handling": report.handling, "partner": report.partner}
    return as_json({"type": "FeatureCollection", "about": about, "features": cells + flows})


def as_json(value: Any) -> str:
    """JSON with a line at its end."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _row(count: Trend | CellCount) -> list[Any]:
    rate, cell = count.rate, count if isinstance(count, CellCount) else None
    return [
        count.type,
        count.period,
        cell and cell.south,
        cell and cell.west,
        count.count,
        count.vessel_hours,
        rate and rate.per_1000_vessel_hours,
        rate and rate.interval.low,
        rate and rate.interval.high,
        cell and cell.hot,
        *_change(count.changes.previous),
        *_change(count.changes.last_year),
    ]


def _change(change: Change | None) -> list[Any]:
    return [change.finding, change.ratio] if change else [None, None]


def _middle(grid: Grid, corner: CellCorner) -> list[float]:
    lat_deg, lon_deg = grid.middle(Cell(corner.south, corner.west))
    return [lon_deg, lat_deg]


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}
