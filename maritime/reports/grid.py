"""The fixed grid of a report: cells of whole degrees or quarters, counted from 90° S and 180° W, wherever one asks."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from maritime.alerts.vessel_hours import CELL_DEG, COLUMNS
from maritime.errors import UsageError

SIZES_DEG: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Sides that divide the globe, and that cells of vessel-hours divide."""


class Cell(NamedTuple):
    """A cell by its south-west corner, degrees."""

    south: float
    west: float


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of one size. Raises UsageError for a size that is none of `SIZES_DEG`."""

    size_deg: float

    def __post_init__(self) -> None:
        if self.size_deg not in SIZES_DEG:
            raise UsageError(f"cells of {self.size_deg:g}° are none of {', '.join(f'{s:g}' for s in SIZES_DEG)}")

    def cell(self, lat_deg: float, lon_deg: float) -> Cell:
        """The cell that a position lies in."""
        row = min(int((lat_deg + 90.0) // self.size_deg), round(180.0 / self.size_deg) - 1)
        column = int((lon_deg + 180.0) // self.size_deg) % round(360.0 / self.size_deg)
        return Cell(row * self.size_deg - 90.0, column * self.size_deg - 180.0)

    def around(self, observed_cell: int) -> Cell:
        """The cell that a cell of `vessel_hours` lies in."""
        row, column = divmod(observed_cell, COLUMNS)
        return self.cell((row + 0.5) * CELL_DEG - 90.0, (column + 0.5) * CELL_DEG - 180.0)

    def middle(self, cell: Cell) -> tuple[float, float]:
        """Latitude and longitude of the middle of a cell."""
        return cell.south + self.size_deg / 2, cell.west + self.size_deg / 2

    def ring(self, cell: Cell) -> list[list[float]]:
        """The outline of a cell as GeoJSON has it."""
        south, west = cell
        north, east = south + self.size_deg, west + self.size_deg
        return [[west, south], [east, south], [east, north], [west, north], [west, south]]


@dataclass(frozen=True, slots=True)
class Box:
    """An area between two parallels and two meridians; a west that lies east of the east crosses the antimeridian."""

    south: float
    west: float
    north: float
    east: float

    @classmethod
    def parse(cls, text: str) -> "Box":
        """The box in `S,W,N,E`, degrees. Raises UsageError when it is none."""
        try:
            south, west, north, east = (float(part) for part in text.split(","))
        except ValueError:
            raise UsageError(f"--area '{text}' is neither a file nor four numbers; give S,W,N,E in degrees") from None
        if not (-90 <= south < north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
            raise UsageError(f"--area '{text}' is no box; give south, west, north and east in degrees, in this order")
        return cls(south, west, north, east)

    def contains(self, lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which positions lie in it."""
        high, low = lon_deg < self.east, lon_deg >= self.west
        across = low & high if self.west <= self.east else low | high
        return (lat_deg >= self.south) & (lat_deg < self.north) & across
