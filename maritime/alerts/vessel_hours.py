"""Vessel-hours by UTC hour and cell: what was observed, without which no number of alerts says anything.

A vessel-hour is a UTC hour in which a ship is heard, as in `vessel_days`. It counts in one cell, that in which the ship
is first heard in that hour, so that vessel-hours of cells and hours add up.
"""

from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from maritime.alerts.vessel_days import HOURS_OPEN, are_ships
from maritime.units import HOUR_MS

CELL_DEG: Final = 0.25  # chosen: 15 nm, a vessel's run in an hour; coarser grids are made of these cells
COLUMNS: Final = round(360 / CELL_DEG)
ROWS: Final = round(180 / CELL_DEG)
ROWS_PER_GROUP: Final = 50_000
SCHEMA: Final = pa.schema([("hour", pa.int32()), ("cell", pa.int32()), ("vessel_hours", pa.int32())])
"""`hour` counts UTC hours since 1970; `cell` is row · 1440 + column of cells of 0.25°, from 90° S and 180° W."""

Integers = npt.NDArray[np.int64]


class VesselHours:
    """Takes reports and writes a Parquet file of the above; holds the newest two days alone in memory."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
        self._open: dict[int, tuple[Integers, Integers]] = {}  # UTC hour → MMSIs heard in it, ascending; their cells
        self._settled: list[Integers] = []

    def add(
        self,
        mmsi: npt.NDArray[np.uint32],
        t_ms: npt.NDArray[np.int64],
        lat_deg: npt.NDArray[np.float64],
        lon_deg: npt.NDArray[np.float64],
    ) -> None:
        """Take the reports of some vessels, about in time order; other stations than ships are passed over."""
        ship = np.flatnonzero(are_ships(mmsi) & np.isfinite(lat_deg) & np.isfinite(lon_deg))
        if not ship.size:
            return
        keys, rows = _first_rows((t_ms[ship] // HOUR_MS << 32) | mmsi[ship], t_ms[ship])
        rows = ship[rows]
        hours, ships, cells = keys >> 32, keys & 0xFFFFFFFF, cell_of(lat_deg[rows], lon_deg[rows])
        oldest = max(self._open, default=int(hours[0])) - HOURS_OPEN
        first, *later = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1)).tolist()
        for start, end in pairwise((first, *later, len(hours))):
            if hours[start] >= oldest:
                self._hear(int(hours[start]), ships[start:end], cells[start:end])
        newest = max(self._open)
        for hour in sorted(hour for hour in self._open if hour < newest - HOURS_OPEN):
            self._settle(hour)

    def finish(self) -> None:
        """Write what is left and close the file."""
        for hour in sorted(self._open):
            self._settle(hour)
        self._write()
        self._writer.close()

    def close(self) -> None:
        """Close the file without finishing it."""
        self._writer.close()

    def _hear(self, hour: int, ships: Integers, cells: Integers) -> None:
        known, known_cells = self._open.get(hour, (ships[:0], cells[:0]))
        at = np.searchsorted(known, ships)
        new = (at == known.size) | (known.take(at, mode="clip") != ships) if known.size else np.full(ships.size, True)
        self._open[hour] = (np.insert(known, at[new], ships[new]), np.insert(known_cells, at[new], cells[new]))

    def _settle(self, hour: int) -> None:
        cells, counts = np.unique(self._open.pop(hour)[1], return_counts=True)
        self._settled.append(np.column_stack([np.full(cells.size, hour), cells, counts]))
        if sum(map(len, self._settled)) >= ROWS_PER_GROUP:
            self._write()

    def _write(self) -> None:
        if self._settled:
            columns = np.concatenate(self._settled).astype(np.int32).T
            self._writer.write_table(pa.Table.from_arrays([pa.array(column) for column in columns], schema=SCHEMA))
            self._settled = []


def cell_of(lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64]) -> Integers:
    """The cells that positions lie in."""
    row = np.clip(np.floor((lat_deg + 90.0) / CELL_DEG), 0, ROWS - 1)
    column = np.floor((lon_deg + 180.0) / CELL_DEG) % COLUMNS
    return np.asarray(row * COLUMNS + column, np.int64)


def _first_rows(keys: Integers, t_ms: Integers) -> tuple[Integers, Integers]:
    """The distinct keys, ascending, and for each the row that is first in time; of several at once the first read."""
    order = pa.array((t_ms % HOUR_MS << 32) | np.arange(t_ms.size))
    first = pa.table([pa.array(keys), order], ["key", "order"]).group_by("key", use_threads=False)
    made = first.aggregate([("order", "min")])
    found, rows = made["key"].to_numpy(), made["order_min"].to_numpy() & 0xFFFFFFFF
    ascending = np.argsort(found)
    return found[ascending], rows[ascending]
