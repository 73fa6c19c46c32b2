"""Cells of a fixed grid: what a position is told as, and what an area must be made of to tell no more than they do."""

import math
from itertools import pairwise
from typing import Final, NamedTuple

from shapely import box, get_parts
from shapely.coords import CoordinateSequence
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

LINE_TOLERANCE: Final = 1e-6  # chosen: of a cell's width; far above the rounding of decimals, far below any real border


class Cell(NamedTuple):
    """A cell by its borders, degrees."""

    south: float
    west: float
    north: float
    east: float

    def shape(self) -> BaseGeometry:
        """The cell as an area."""
        return box(self.west, self.south, self.east, self.north)


def cell_of(lat: float, lon: float, grid_deg: float) -> Cell:
    """The cell that a position lies in."""
    south, north = _between(lat, -90.0, 90.0, grid_deg)
    west, east = _between(lon, -180.0, 180.0, grid_deg)
    return Cell(south, west, north, east)


def is_of_whole_cells(area: BaseGeometry, grid_deg: float) -> bool:
    """Whether an area cuts no cell: all of its borders run along lines of the grid."""
    return all(
        _runs_along(ring.coords, grid_deg)
        for part in get_parts(area)
        if isinstance(part, Polygon)
        for ring in (part.exterior, *part.interiors)
    )


def is_too_small(area: BaseGeometry, grid_deg: float) -> bool:
    """Whether no cell can lie wholly in an area, by how far each part of it reaches."""
    return not any(_holds_cell(part.bounds, grid_deg) for part in get_parts(area))


def is_made_of(coarse_deg: float, fine_deg: float) -> bool:
    """Whether each cell of one grid is made of whole cells of another."""
    times = coarse_deg / fine_deg
    return round(times) >= 1 and abs(times - round(times)) < LINE_TOLERANCE


def _between(deg: float, least: float, most: float, grid_deg: float) -> tuple[float, float]:
    """The lines of the grid around a coordinate; the last cell takes what is left, so that none is narrower."""
    count = _count(least, most, grid_deg)
    number = min(math.floor((deg - least) / grid_deg), count - 1)
    upper = most if number == count - 1 else least + (number + 1) * grid_deg
    return round(least + number * grid_deg, 9), round(upper, 9)


def _count(least: float, most: float, grid_deg: float) -> int:
    return math.floor((most - least) / grid_deg + 1e-9)


def _holds_cell(bounds: tuple[float, float, float, float], grid_deg: float) -> bool:
    """Whether a cell lies between these borders: the one in their north-eastern corner, or the one before that."""
    west, south, east, north = bounds
    last = cell_of(north, east, grid_deg)
    above = last.south if north < last.north else last.north
    beside = last.west if east < last.east else last.east
    slack_deg = LINE_TOLERANCE * grid_deg
    return above - south >= grid_deg - slack_deg and beside - west >= grid_deg - slack_deg


def _runs_along(ring: CoordinateSequence, grid_deg: float) -> bool:
    corners = [(lon, lat) for lon, lat, *_ in ring]
    return all(
        (lon == next_lon and _is_line(lon, -180.0, 180.0, grid_deg))
        or (lat == next_lat and _is_line(lat, -90.0, 90.0, grid_deg))
        for (lon, lat), (next_lon, next_lat) in pairwise(corners)
    )


def _is_line(deg: float, least: float, most: float, grid_deg: float) -> bool:
    number = (deg - least) / grid_deg
    is_between = abs(number - round(number)) < LINE_TOLERANCE and round(number) < _count(least, most, grid_deg)
    return deg == most or is_between
