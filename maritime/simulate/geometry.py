"""Places on the sphere for a simulator: offsets, distances and bearings, vectorised; longitudes may run past 180°."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from maritime.units import EARTH_RADIUS_M

Floats = NDArray[np.float64]


def offset_deg(lat_deg: ArrayLike, lon_deg: ArrayLike, north_m: ArrayLike, east_m: ArrayLike) -> tuple[Floats, Floats]:
    """Return latitudes and longitudes some metres north and east of places; plane, for offsets of tens of miles."""
    lat = np.asarray(lat_deg, float) + np.degrees(np.asarray(north_m, float) / EARTH_RADIUS_M)
    radius_m = EARTH_RADIUS_M * np.cos(np.radians(lat_deg))
    return lat, np.asarray(lon_deg, float) + np.degrees(np.asarray(east_m, float) / radius_m)


def distance_m(lat0_deg: ArrayLike, lon0_deg: ArrayLike, lat1_deg: ArrayLike, lon1_deg: ArrayLike) -> Floats:
    """Great-circle distance in metres (haversine formula)."""
    lat0, lon0, lat1, lon1 = (np.radians(np.asarray(a, float)) for a in (lat0_deg, lon0_deg, lat1_deg, lon1_deg))
    h = np.sin((lat1 - lat0) / 2) ** 2 + np.cos(lat0) * np.cos(lat1) * np.sin((lon1 - lon0) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(h)))


def bearing_deg(lat0_deg: float, lon0_deg: float, lat1_deg: float, lon1_deg: float) -> float:
    """Plane bearing from one place to a near one, in [0, 360)."""
    north = lat1_deg - lat0_deg
    east = (near_lon_deg(lon1_deg, lon0_deg) - lon0_deg) * np.cos(np.radians((lat0_deg + lat1_deg) / 2))
    return float(np.degrees(np.arctan2(east, north)) % 360)


def near_lon_deg(lon_deg: float, reference_deg: float) -> float:
    """The same meridian, written within 180° of the reference, so that tracks run on over the antimeridian."""
    return reference_deg + (lon_deg - reference_deg + 180) % 360 - 180


def wrapped_lon_deg(lon_deg: ArrayLike) -> Floats:
    """Longitudes in [-180, 180)."""
    return np.asarray((np.asarray(lon_deg, float) + 180) % 360 - 180)
