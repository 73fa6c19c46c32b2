"""View: the part of the Earth that a map shows, on either side of the antimeridian."""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

OUTLIERS: Final = (
    0.002  # chosen: share of points on each side that may lie outside, so that one bad fix zooms nothing out
)
MARGIN: Final = 0.06  # of the span, on each side
SMALLEST_SPAN_DEG: Final = 0.2  # chosen: 12 nm, so that a single point still has a coast around it
LARGEST_STRETCH: Final = 6.0  # 1 / cos(80.4°): nearer to the poles the map is squeezed rather than endlessly wide


@dataclass(frozen=True, slots=True)
class View:
    """Edges in degrees; `west` lies in [-180, 180), `east` may run on past 180."""

    west: float
    east: float
    south: float
    north: float

    @classmethod
    def of(
        cls,
        lat_deg: npt.NDArray[np.floating],
        lon_deg: npt.NDArray[np.floating],
        must_lat_deg: npt.NDArray[np.floating],
        must_lon_deg: npt.NDArray[np.floating],
        *,
        aspect: float,
    ) -> Self:
        """The view with nearly all of some points and all of those that must be seen, `aspect` times as wide as high.

        Arrays of degrees, pairwise of one length; without any point it is the whole world.
        """
        lons = np.concatenate([lon_deg, must_lon_deg])
        if not lons.size:
            return cls(-180.0, 180.0, -85.0, 85.0)
        west = _west_of(lons)
        lat_low, lat_high = _span(lat_deg, must_lat_deg)
        lon_low, lon_high = _span((lon_deg - west) % 360.0, (must_lon_deg - west) % 360.0)
        middle_lat = (lat_low + lat_high) / 2
        height = max(lat_high - lat_low, SMALLEST_SPAN_DEG) * (1 + 2 * MARGIN)
        width = max(lon_high - lon_low, SMALLEST_SPAN_DEG) * (1 + 2 * MARGIN)
        stretch = stretch_at(middle_lat)
        height, width = max(height, width / stretch / aspect), max(width, height * stretch * aspect)
        width = min(width, 360.0)
        south = float(np.clip(middle_lat - height / 2, -90.0, max(-90.0, 90.0 - height)))
        left = west + (lon_low + lon_high) / 2 - width / 2
        left = (left + 180.0) % 360.0 - 180.0
        return cls(left, left + width, south, min(90.0, south + height))

    def lon(self, lon_deg: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Longitudes with whole turns added so that they lie within 180° of the middle of the view."""
        middle = (self.west + self.east) / 2
        return lon_deg - 360.0 * np.round((lon_deg - middle) / 360.0)

    @property
    def stretch(self) -> float:
        """How many degrees of longitude are as long as one of latitude, in the middle of the view."""
        return stretch_at((self.south + self.north) / 2)


def stretch_at(lat_deg: float) -> float:
    """Degrees of longitude as long as one of latitude, at most `LARGEST_STRETCH`."""
    return min(LARGEST_STRETCH, 1 / max(math.cos(math.radians(lat_deg)), 1e-6))


def _west_of(lons_deg: npt.NDArray[np.floating]) -> float:
    """The east end of the widest stretch of longitudes without points: where to begin to count."""
    share = np.bincount((np.floor(lons_deg).astype(np.int64) + 180) % 360, minlength=360)
    taken = np.flatnonzero(share > OUTLIERS * lons_deg.size / 10)
    gaps = np.diff(np.append(taken, taken[0] + 360))
    return float(taken[(np.argmax(gaps) + 1) % taken.size] - 180)


def _span(values: npt.NDArray[np.floating], must: npt.NDArray[np.floating]) -> tuple[float, float]:
    low, high = np.quantile(values, [OUTLIERS, 1 - OUTLIERS]) if values.size else (np.inf, -np.inf)
    return float(min(low, must.min(initial=np.inf))), float(max(high, must.max(initial=-np.inf)))
