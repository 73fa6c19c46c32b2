"""Exposure: the vessel-hours observed, of several replays, by period and cell."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from maritime.alerts.recorder import VESSEL_HOURS
from maritime.alerts.vessel_hours import COLUMNS, ROWS, SCHEMA
from maritime.errors import InputError
from maritime.reports.grid import Cell, Grid
from maritime.reports.periods import Period, PeriodKind, period_of
from maritime.times import LAST_MS
from maritime.units import DAY_MS, HOUR_MS

MOST_ROWS: Final = 50_000_000  # chosen: under a gibibyte; a year of a busy sea is some five million
LAST_HOUR: Final = LAST_MS // HOUR_MS

Exposure = Mapping[tuple[Period, Cell], int]
"""Vessel-hours by period and cell; what is not there was not observed."""


class ObservedHours:
    """Vessel-hours by hour and cell. Where several replays have heard the same hour and cell, the largest counts.

    So the same reports replayed twice count once, and replays of other areas or times add up. Where two replays heard
    different ships in one cell and hour some are left out: replay such files together.
    """

    def __init__(self) -> None:
        self._keys = np.empty(0, np.int64)  # hour << 32 | cell, ascending
        self._counts = np.empty(0, np.int64)
        self.overlaps = 0  # hours and cells that more than one replay has

    def add(self, folder: Path) -> None:
        """Take the file of a replay's folder. Raises InputError when there is none, or it is no such file."""
        path = folder / VESSEL_HOURS
        try:
            with pq.ParquetFile(path) as rows:
                if not rows.schema_arrow.equals(SCHEMA):
                    raise InputError(f"{path} does not hold vessel-hours; replay the files of {folder} again")
                if self._keys.size + rows.metadata.num_rows > MOST_ROWS:
                    raise InputError(f"{path} and the others have more than {MOST_ROWS:,} rows; give fewer folders")
                hour, cell, count = (column.to_numpy().astype(np.int64) for column in rows.read().columns)
        except OSError:
            raise InputError(
                f"{path} cannot be read, and without vessel-hours there is no rate; "
                f"replay the files of {folder} again with this version"
            ) from None
        except (pa.ArrowException, ValueError) as error:
            raise InputError(f"{path} is not a sound Parquet file ({error}); replay its files again") from None
        sound = (count >= 1) & (cell >= 0) & (cell < ROWS * COLUMNS) & (hour >= 0) & (hour < LAST_HOUR)
        if not sound.all():
            bad = np.flatnonzero(~sound)[0]
            raise InputError(
                f"{path} has {count[bad]} vessel-hours in cell {cell[bad]} of hour {hour[bad]}, which "
                "cannot be; replay its files again"
            )
        self._take((hour << 32) | cell, count)

    def by_period(self, kind: PeriodKind, grid: Grid) -> Exposure:
        """Vessel-hours by period and cell of a grid."""
        days, day_at = np.unique((self._keys >> 32) // 24, return_inverse=True)
        cells, cell_at = np.unique(self._keys & 0xFFFFFFFF, return_inverse=True)
        periods = [period_of(int(day) * DAY_MS, kind) for day in days]
        around = [grid.around(int(cell)) for cell in cells]
        pairs, pair_at = np.unique(day_at * max(1, cells.size) + cell_at, return_inverse=True)
        made: Counter[tuple[Period, Cell]] = Counter()
        sums = np.bincount(pair_at, self._counts, pairs.size) if pairs.size else np.empty(0)
        for pair, count in zip(pairs.tolist(), sums.tolist(), strict=True):
            day, cell = divmod(pair, cells.size)
            made[periods[day], around[cell]] += round(count)
        return made

    def hours_heard(self, period: Period) -> int:
        """UTC hours of a period in which any ship was heard."""
        first, end = np.searchsorted(self._keys >> 32, (period.start_ms // HOUR_MS, period.end_ms // HOUR_MS))
        return int(np.unique(self._keys[first:end] >> 32).size)

    def _take(self, keys: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> None:
        """Join with what is known: the largest count of each key."""
        keys, counts = np.concatenate((self._keys, keys)), np.concatenate((self._counts, counts))
        order = np.argsort(keys, kind="stable")
        keys, counts = keys[order], counts[order]
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        self.overlaps += keys.size - starts.size
        self._keys = keys[starts]
        self._counts = np.maximum.reduceat(counts, starts) if starts.size else counts
