"""Tables: the counts of a report for spreadsheets, and its cells and flows for maps."""

import csv
import io
import json
from typing import Any, Final

from maritime.alerts.antimeridian import cut
from maritime.reports.grid import Cell, Grid
from maritime.reports.report import CellCorner, CellCount, Changes, Report, Trend, WholeCell

COLUMNS: Final = (
    *("type", "period", "south", "west", "count", "vessel_hours"),
    *("per_1000_vessel_hours", "low", "high", "hot"),
    *("previous", "previous_ratio", "last_year", "last_year_ratio"),
)


def as_csv(report: Report) -> str:
    """A row for each type and period, without a cell, and then for each of their cells."""
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")  # RFC 4180
    rows.writeheader()
    counts: list[Trend | CellCount] = [*report.trends, *report.cells]
    rows.writerows(_flat(count) | _changes(count.changes) for count in counts)
    return text.getvalue()


def as_geojson(report: Report) -> str:
    """Cells as polygons, over all periods (`cell`) and for each (`cell_period`); flows as lines between their middles.

    Lines are cut at the antimeridian (RFC 7946). Properties are flat, as geographic information systems like them.
    """
    grid = Grid(report.cell_deg)
    cells = [_feature(_square(grid, cell), {"kind": "cell"} | _flat(cell)) for cell in report.whole_cells]
    cells += [
        _feature(_square(grid, cell), {"kind": "cell_period"} | _flat(cell) | _changes(cell.changes))
        for cell in report.cells
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


def _flat(count: Trend | CellCount | WholeCell) -> dict[str, Any]:
    """A count as one row, without its changes."""
    rate = count.rate
    return count.model_dump(exclude={"rate", "changes"}) | {
        "per_1000_vessel_hours": rate and rate.per_1000_vessel_hours,
        "low": rate and rate.interval.low,
        "high": rate and rate.interval.high,
    }


def _changes(changes: Changes) -> dict[str, Any]:
    return {
        "previous": changes.previous and changes.previous.finding,
        "previous_ratio": changes.previous and changes.previous.ratio,
        "last_year": changes.last_year and changes.last_year.finding,
        "last_year_ratio": changes.last_year and changes.last_year.ratio,
    }


def _square(grid: Grid, cell: CellCount | WholeCell) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [grid.ring(Cell(cell.south, cell.west))]}


def _middle(grid: Grid, corner: CellCorner) -> list[float]:
    lat_deg, lon_deg = grid.middle(Cell(corner.south, corner.west))
    return [lon_deg, lat_deg]


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}
