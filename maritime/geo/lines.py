"""Lines in longitude and latitude, as GeoJSON has them: straight on the plate carrée map, the short way round.

An edge of more than 180° of longitude is taken to cross the antimeridian: 179° → -179° is 2° long.
"""

import numpy as np
import numpy.typing as npt

from maritime.units import EARTH_RADIUS_M

FloatArray = npt.NDArray[np.float64]


def eastward_deg(lon_deg: FloatArray) -> FloatArray:
    """Degrees of longitude that each edge of a line runs, east positive; float64[n - 1]."""
    edges = np.diff(lon_deg)
    jumps = np.flatnonzero(np.abs(edges) > 180.0)
    edges[jumps] = (edges[jumps] + 180.0) % 360.0 - 180.0
    return edges


def unwrapped(ring: FloatArray) -> FloatArray:
    """A closed ring, float64[n, 2] of (lon, lat), without jumps: longitudes run past ±180 instead.

    Its middle lies within ±180. A ring round a pole comes back closed over the nearer pole, so that it can be filled
    and tested on the plane. One with every point on the antimeridian, on its eastern and on its western side, is a band
    round the whole Earth.
    """
    lon = ring[0, 0] + np.concatenate([[0.0], np.cumsum(eastward_deg(ring[:, 0]))])
    lat = ring[:, 1]
    if np.ptp(lon) == 0.0:
        return ring
    if abs(lon[-1] - lon[0]) > 180.0:
        pole = np.copysign(90.0, lat.mean())
        lon, lat = np.append(lon, [lon[-1], lon[0], lon[0]]), np.append(lat, [pole, pole, lat[0]])
    else:
        lon[-1] = lon[0]  # summing rounds
    turns = np.floor((0.5 * (lon.min() + lon.max()) + 180.0) / 360.0)
    return np.column_stack([lon - 360.0 * turns, lat])


def divided(
    lon_deg: FloatArray, lat_deg: FloatArray, joined: npt.NDArray[np.bool_], longest_m: float
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """The same lines with edges longer than `longest_m` cut into equal parts, straight in longitude and latitude.

    `joined[i]` says that an edge leads from point i to point i+1. Returns longitudes, latitudes and, for each point,
    the point of the input whose edge it begins.
    """
    n = len(lon_deg)
    east = np.append(eastward_deg(lon_deg), 0.0)[:n] * joined
    north = np.append(np.diff(lat_deg), 0.0)[:n] * joined
    parts = np.maximum(1, np.ceil(_lengths_m(lat_deg, east, north) / longest_m)).astype(np.int64)
    origin = np.repeat(np.arange(n), parts)
    share = (np.arange(len(origin)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[origin]
    return lon_deg[origin] + share * east[origin], lat_deg[origin] + share * north[origin], origin


def _lengths_m(lat_deg: FloatArray, east_deg: FloatArray, north_deg: FloatArray) -> FloatArray:
    """Length in metres of edges that start at a latitude and run so many degrees east and north."""
    middle = np.radians(lat_deg + 0.5 * north_deg)
    return np.asarray(EARTH_RADIUS_M * np.hypot(np.radians(north_deg), np.radians(east_deg) * np.cos(middle)))
