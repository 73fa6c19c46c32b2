"""Track sketch: where the vessels went, thinned while the reports stream by, for drawing a map in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

FIRST_INTERVAL_MS: Final = 60_000  # MarineCadastre's own thinning: one report per vessel and minute
POINTS_KEPT: Final = 400_000  # 9.6 MB; more than a map of a few million pixels can show


@dataclass(frozen=True, slots=True)
class Track:
    """The kept points of one MMSI in time order: t in ms UTC, positions in degrees."""

    mmsi: int
    t_ms: npt.NDArray[np.int64]
    lat_deg: npt.NDArray[np.float32]
    lon_deg: npt.NDArray[np.float32]


class TrackSketch:
    """Keeps one point per vessel and interval; when full, the interval doubles and the surplus is dropped.

    Memory is at most `points_kept` points of 20 bytes, twice while thinning.
    """

    def __init__(self, points_kept: int = POINTS_KEPT) -> None:
        self._limit = points_kept
        self.interval_ms = FIRST_INTERVAL_MS
        self._parts: list[npt.NDArray[np.void]] = []
        self._count = 0

    def add(
        self,
        mmsi: npt.NDArray[np.uint32],
        t_ms: npt.NDArray[np.int64],
        lat_deg: npt.NDArray[np.float64],
        lon_deg: npt.NDArray[np.float64],
    ) -> None:
        """Take some reports, arrays of one length; those without a position are passed over."""
        known = ~(np.isnan(lat_deg) | np.isnan(lon_deg))
        points = np.empty(int(known.sum()), _POINT)
        for name, column in (("mmsi", mmsi), ("t_ms", t_ms), ("lat_deg", lat_deg), ("lon_deg", lon_deg)):
            points[name] = column[known]
        self._keep(self._thinned(points))
        while self._count > self._limit:
            self.interval_ms *= 2
            whole = np.concatenate(self._parts)
            self._parts, self._count = [], 0
            self._keep(self._thinned(whole))

    def tracks(self) -> Iterator[Track]:
        """The tracks by ascending MMSI."""
        if not self._parts:
            return
        points = self._thinned(np.concatenate(self._parts))
        points = points[np.lexsort((points["t_ms"], points["mmsi"]))]
        for track in np.split(points, np.flatnonzero(np.diff(points["mmsi"])) + 1):
            if track.size:
                yield Track(int(track["mmsi"][0]), track["t_ms"], track["lat_deg"], track["lon_deg"])

    def _thinned(self, points: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
        interval = (points["t_ms"] // self.interval_ms).astype(np.uint64) & np.uint64(0xFFFFFFFF)
        key = pa.array((points["mmsi"].astype(np.uint64) << np.uint64(32)) | interval)
        numbered = key.dictionary_encode().indices.to_numpy()  # by order of appearance: a first one is a new maximum
        return points[np.diff(np.maximum.accumulate(numbered), prepend=-1) > 0]

    def _keep(self, points: npt.NDArray[np.void]) -> None:
        self._parts.append(points)
        self._count += points.size


_POINT: Final = np.dtype([("mmsi", np.uint32), ("t_ms", np.int64), ("lat_deg", np.float32), ("lon_deg", np.float32)])
