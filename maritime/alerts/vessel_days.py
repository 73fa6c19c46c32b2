"""Vessel-days: the measure that alert rates are stated against."""

from itertools import pairwise
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
        self._open: dict[int, npt.NDArray[np.int64]] = {}  # UTC hour → MMSIs heard in it, ascending
        self._settled = 0  # ships heard in the hours before, summed

    def add(self, mmsi: npt.NDArray[np.uint32], t_ms: npt.NDArray[np.int64]) -> None:
        """Take the reports of some vessels, about in time order; other stations than ships are passed over."""
        ship = are_ships(mmsi)
        heard = _distinct((t_ms[ship] // HOUR_MS << 32) | mmsi[ship])
        if not heard.size:
            return
        hours, ships = heard >> 32, heard & 0xFFFFFFFF
        self._ships = _joined(self._ships, ships)
        oldest = max(self._open, default=int(hours[0])) - HOURS_OPEN
        first, *later = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1)).tolist()
        for start, end in pairwise((first, *later, len(hours))):
            hour = int(hours[start])
            if hour >= oldest:
                self._open[hour] = _joined(self._open.get(hour, self._ships[:0]), ships[start:end])
        newest = max(self._open)
        for hour in [hour for hour in self._open if hour < newest - HOURS_OPEN]:
            self._settled += self._open.pop(hour).size

    @property
    def ships(self) -> int:
        """Distinct MMSIs of ships so far."""
        return self._ships.size

    @property
    def count(self) -> float:
        """Vessel-days so far."""
        return (self._settled + sum(ships.size for ships in self._open.values())) / 24


def are_ships(mmsi: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Which stations are ships."""
    return ((mmsi >= SHIP_MMSI[0]) & (mmsi <= SHIP_MMSI[1])) | (mmsi < SERIAL_BELOW)


def _joined(known: npt.NDArray[np.int64], heard: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The distinct values of both, ascending. Mostly nothing is new, which is found without sorting."""
    at = np.searchsorted(known, heard)
    new = heard[(at == known.size) | (known.take(at, mode="clip") != heard)] if known.size else heard
    return _distinct(np.concatenate((known, new))) if new.size else known


def _distinct(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The values, each once and ascending: numpy's `unique`, in a quarter of its time."""
    return np.sort(pa.array(values).unique().to_numpy())
