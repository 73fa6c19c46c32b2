"""Vessel-days: the measure that alert rates are stated against."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from maritime.units import HOUR_MS

SHIP_MMSI: Final = (200_000_000, 799_999_999)  # ITU-R M.585-9 annex 1 §1: ship stations begin with 2 to 7
SERIAL_BELOW: Final = 1_000_000  # no station has such an MMSI: the vessels of a data set without names, numbered from 1
HOURS_OPEN: Final = 48  # chosen: a report that much older than the newest is not counted, so memory stays bounded


class VesselDays:
    """Counts the ships heard, and for how long: each UTC hour in which a ship is heard is 1/24 vessel-day."""

    def __init__(self) -> None:
        self._ships = np.empty(0, np.int64)  # MMSIs, ascending
        self._open = np.empty(0, np.int64)  # hour · 2³² + MMSI, ascending
        self._settled = 0

    def add(self, mmsi: npt.NDArray[np.uint32], t_ms: npt.NDArray[np.int64]) -> None:
        """Take the reports of some vessels, about in time order; other stations than ships are passed over."""
        ship = ((mmsi >= SHIP_MMSI[0]) & (mmsi <= SHIP_MMSI[1])) | (mmsi < SERIAL_BELOW)
        heard = _distinct((t_ms[ship] // HOUR_MS << 32) | mmsi[ship])
        if not heard.size:
            return
        self._ships = _distinct(np.concatenate((self._ships, heard & 0xFFFFFFFF)))
        oldest = self._open[-1] - (HOURS_OPEN << 32) if self._open.size else heard[0]
        self._open = _distinct(np.concatenate((self._open, heard[heard >= oldest])))
        settled = int(np.searchsorted(self._open, self._open[-1] - (HOURS_OPEN << 32)))
        self._settled += settled
        self._open = self._open[settled:]

    @property
    def ships(self) -> int:
        """Distinct MMSIs of ships so far."""
        return self._ships.size

    @property
    def count(self) -> float:
        """Vessel-days so far."""
        return (self._settled + self._open.size) / 24


def _distinct(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The values, each once and ascending: numpy's `unique`, in a quarter of its time."""
    return np.sort(pa.array(values).unique().to_numpy())
