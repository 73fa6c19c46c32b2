"""Sea map: cells and flows over the coast, as SVG. Drawn from the report alone, the same for the same report."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from shapely import clip_by_rect
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from maritime.alerts.view import View
from maritime.reports.grid import Cell, Grid

WIDTH_PX: Final = 520
ASPECT: Final = 1.45
HEIGHT_PX: Final = round(WIDTH_PX / ASPECT)
SHADES: Final = ("#deebf7", "#b3d1e8", "#7fb2d6", "#4489bd", "#1c5c94")  # ColorBrewer Blues: one hue, printable
SEA, LAND, SHORE, HOT, FLOW, INK = "#f4f7f9", "#dedace", "#9c9585", "#b2182b", "#22303c", "#22303c"
SMALLEST_DETAIL_PX: Final = 0.4  # of the coast: less is not seen
LEAST_CELL_PX: Final = 5.0  # small cells on a wide map are drawn larger than they are
LEAST_MARGIN_CELLS: Final = 1.5  # of sea around the outermost cells


class Shaded(NamedTuple):
    """A cell to be drawn: its rate, whether it is hot, and what is said of it."""

    cell: Cell
    per_1000_vessel_hours: float
    is_hot: bool
    said: str


class Way(NamedTuple):
    """A flow to be drawn."""

    origin: Cell
    destination: Cell
    times: int
    said: str


class SeaMap:
    """One part of the Earth, on which several maps are drawn over one coast."""

    def __init__(self, cells: Iterable[Cell], grid: Grid, rings: Iterable[npt.NDArray[np.float64]]) -> None:
        self._grid = grid
        margin = grid.size_deg * LEAST_MARGIN_CELLS
        middles = [grid.middle(cell) for cell in sorted(set(cells))]
        corners = [
            (lat + side, lon + end) for lat, lon in middles for side, end in ((-margin, -margin), (margin, margin))
        ]
        lat_deg, lon_deg = np.array(corners, np.float64).reshape(-1, 2).T
        lat_deg, lon_deg = np.clip(lat_deg, -90.0, 90.0), (lon_deg + 180.0) % 360.0 - 180.0
        self._view = View.of(np.empty(0), np.empty(0), lat_deg, lon_deg, aspect=ASPECT)
        self._scale = WIDTH_PX / (self._view.east - self._view.west)  # pixels for a degree of longitude
        self.coast = self._coast(rings)

    def svg(self, shaded: Sequence[Shaded], ways: Sequence[Way], title: str) -> str:
        """A map as an SVG element; its coast is `coast`, which stands once in the page as a symbol."""
        steps = shade_steps([each.per_1000_vessel_hours for each in shaded])
        parts = [
            f'<svg class="map" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" role="img"><title>{escape(title)}</title>',
            f'<rect width="{WIDTH_PX}" height="{HEIGHT_PX}" fill="{SEA}"/><use href="#coast"/>',
            *(self._cell(each, steps) for each in sorted(shaded, key=lambda each: each.is_hot)),
            *(self._way(each) for each in ways),
            *self._frame(),
            "</svg>",
        ]
        return "".join(parts)

    def _cell(self, shaded: Shaded, steps: Sequence[float]) -> str:
        south, west = shaded.cell
        x, y = self._at(south + self._grid.size_deg, west + self._grid.size_deg / 2)
        _, y_low = self._at(south, west + self._grid.size_deg / 2)
        width, height = max(LEAST_CELL_PX, self._grid.size_deg * self._scale), max(LEAST_CELL_PX, y_low - y)
        shade = SHADES[sum(shaded.per_1000_vessel_hours > step for step in steps)]
        outline = f' stroke="{HOT}" stroke-width="2"' if shaded.is_hot else ' stroke="#ffffff" stroke-width="0.5"'
        return (
            f'<rect x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{shade}" '
            f'fill-opacity="0.85"{outline}><title>{escape(shaded.said)}</title></rect>'
        )

    def _way(self, way: Way) -> str:
        """A bowed line with its head at the destination, so that both directions are seen."""
        (x, y), (end_x, end_y) = self._at(*self._grid.middle(way.origin)), self._at(*self._grid.middle(way.destination))
        bow_x, bow_y = (x + end_x) / 2 - (end_y - y) * 0.15, (y + end_y) / 2 + (end_x - x) * 0.15
        width = min(4.0, 1.0 + math.log10(way.times))
        return (
            f'<path d="M{x:.1f} {y:.1f}Q{bow_x:.1f} {bow_y:.1f} {end_x:.1f} {end_y:.1f}" fill="none" stroke="{FLOW}" '
            f'stroke-opacity="0.75" stroke-width="{width:.1f}" marker-end="url(#head)">'
            f"<title>{escape(way.said)}</title></path>"
        )

    def _frame(self) -> Iterable[str]:
        """Two corners, by which one knows where it is."""
        view = self._view
        yield f'<text x="6" y="15">{_place(view.north, view.west)}</text>'
        yield f'<text x="{WIDTH_PX - 6}" y="{HEIGHT_PX - 6}" text-anchor="end">{_place(view.south, view.east)}</text>'
        yield f'<rect x="0.5" y="0.5" width="{WIDTH_PX - 1}" height="{HEIGHT_PX - 1}" fill="none" stroke="#b8c2ca"/>'

    def _at(self, lat_deg: float, lon_deg: float) -> tuple[float, float]:
        """Where a position stands, in pixels."""
        lon = float(self._view.lon(np.array([lon_deg]))[0])
        high = (self._view.north - lat_deg) / (self._view.north - self._view.south)
        return (lon - self._view.west) * self._scale, high * HEIGHT_PX

    def _coast(self, rings: Iterable[npt.NDArray[np.float64]]) -> str:
        """The land in view as one path."""
        view, made = self._view, []
        for ring in rings:
            south, north = ring[:, 1].min(), ring[:, 1].max()
            if south > view.north or north < view.south:
                continue
            west, east = ring[:, 0].min(), ring[:, 0].max()
            for turn in (-360.0, 0.0, 360.0):
                if west + turn < view.east and east + turn > view.west:
                    made.append(self._land(ring + np.array([turn, 0.0])))
        return f'<path id="coast" fill="{LAND}" stroke="{SHORE}" stroke-width="0.5" d="{"".join(made)}"/>'

    def _land(self, ring: npt.NDArray[np.float64]) -> str:
        view = self._view
        clipped = clip_by_rect(Polygon(ring), view.west, view.south, view.east, view.north)
        simple = clipped.simplify(SMALLEST_DETAIL_PX / self._scale)
        return "".join(self._path(part) for part in getattr(simple, "geoms", [simple]) if part.geom_type == "Polygon")

    def _path(self, polygon: BaseGeometry) -> str:
        points = np.array(polygon.exterior.coords)[:-1] if not polygon.is_empty else np.empty((0, 2))
        if len(points) < 3:
            return ""
        x = (points[:, 0] - self._view.west) * self._scale
        y = (self._view.north - points[:, 1]) / (self._view.north - self._view.south) * HEIGHT_PX
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)) + "Z"


def shade_steps(values: Sequence[float]) -> list[float]:
    """Where one shade ends and the next begins: equal numbers of cells in each, as far as they differ."""
    distinct = sorted(set(values))
    if len(distinct) <= len(SHADES):
        return distinct[:-1]
    ordered = sorted(values)
    return [ordered[math.ceil(len(ordered) * k / len(SHADES)) - 1] for k in range(1, len(SHADES))]


def _place(lat_deg: float, lon_deg: float) -> str:
    lon_deg = (lon_deg + 180.0) % 360.0 - 180.0
    return f"{abs(lat_deg):.2f}° {'NS'[int(lat_deg < 0)]} {abs(lon_deg):.2f}° {'EW'[int(lon_deg < 0)]}"
