"""The coastline: the shipped Natural Earth 1:10m, or a finer one from a file."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from maritime.errors import ConfigurationError
from maritime.geo.coastline_file import MAGIC, Shore, read_shore
from maritime.geo.geojson import read_features
from maritime.geo.lines import divided, eastward_deg, unwrapped
from maritime.geo.near_tree import NearTree, near_tree

SHIPPED: Final = Path(__file__).parent / "assets" / "natural_earth_10m.coast"
LONGEST_EDGE_M: Final = 10_000.0  # chosen: such an edge lies within 2 m of its chord, within 20 m at latitude 84°
COLUMNS: Final = 3_600  # chosen: 0.1° of longitude, several of the shipped coastline's edges (median 0.014°)
USER_ERROR_M: Final = 100.0  # chosen: of the order of GSHHG full resolution, where a file does not state its own


class CoastArrays(NamedTuple):
    """The coastline for kernels. Edge i leads from point i to point i+1."""

    tree: NearTree
    lat_deg: npt.NDArray[np.float64]  # [n]
    lon_deg: npt.NDArray[np.float64]  # [n]
    column_start: npt.NDArray[np.int32]  # [COLUMNS + 1]; column c from 180° W has column_edge[start[c] : start[c + 1]]
    column_edge: npt.NDArray[np.int32]  # edges of rings that touch each column of longitude


@dataclass(frozen=True, slots=True)
class Coastline:
    """A coastline with how far it may lie from the true one; `id` and errors belong into an alert's evidence."""

    id: str
    source: str
    error_m: float  # 95 % of the true coast lies within this
    error_median_m: float
    arrays: CoastArrays
    shore: Shore

    def rings(self) -> Iterator[npt.NDArray[np.float64]]:
        """Closed rings, float64[n, 2] of (lon, lat), to be drawn: longitudes run past ±180 rather than jump."""
        for ring in _lines(self.shore):
            if (ring[0] == ring[-1]).all():
                yield unwrapped(ring)


def load_coastline(path: Path | None = None) -> Coastline:
    """The shipped coastline, or one from a file that replaces it: the compact form (`.coast`) or GeoJSON.

    In GeoJSON, polygons are land; lines are coast whose land side is not known, so that they count for distances alone,
    unless they are closed. Its top level may say `"id"`, `"error_m"` (95 %) and `"error_median_m"`. Raises
    ConfigurationError, naming file and feature, for a file that is neither.
    """
    shore = read_shore(SHIPPED) if path is None else _read(path)
    return Coastline(shore.id, shore.source, shore.error_m, shore.error_median_m, _arrays(shore), shore)


def _read(path: Path) -> Shore:
    try:
        with path.open("rb") as file:
            compact = file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise ConfigurationError(f"{path}: the coastline cannot be read ({error.strerror}); check the path") from None
    return read_shore(path) if compact else shore_from_geojson(path)


def shore_from_geojson(path: Path) -> Shore:
    """Read land polygons and coast lines. Raises ConfigurationError, naming file and feature."""
    members, features = read_features(path)
    lines: list[npt.NDArray[np.float64]] = []
    for feature in features:
        shapes = feature.lines + [ring for polygon in feature.polygons for ring in polygon]
        if not shapes:
            raise ConfigurationError(f"{feature.where} is neither land (Polygon) nor coast (LineString); remove it")
        lines += shapes
    if not lines:
        raise ConfigurationError(f"{path}: holds no coast; give land polygons or coast lines")
    points = np.concatenate(lines)
    error_m = _metres(path, members.get("error_m", USER_ERROR_M))
    return Shore(
        id=str(members.get("id") or f"{path.name}-{hashlib.sha256(points.tobytes()).hexdigest()[:12]}"),
        source=path.name,
        error_m=error_m,
        error_median_m=_metres(path, members.get("error_median_m", error_m)),
        lon_deg=points[:, 0].copy(),
        lat_deg=points[:, 1].copy(),
        starts=np.concatenate([[0], np.cumsum([len(line) for line in lines])]),
    )


def _metres(path: Path, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < float("inf"):
        raise ConfigurationError(f"{path}: an error of {value!r} m is no distance; give metres, 0 or more")
    return float(value)


def _lines(shore: Shore) -> Iterator[npt.NDArray[np.float64]]:
    points = np.column_stack([shore.lon_deg, shore.lat_deg])
    for first, end in zip(shore.starts[:-1], shore.starts[1:], strict=True):
        yield points[first:end]


def _arrays(shore: Shore) -> CoastArrays:
    """Index the coast: a tree over all edges for distances, columns of longitude over those of rings for sides."""
    firsts, lasts = shore.starts[:-1], shore.starts[1:] - 1
    joined = np.ones(len(shore.lon_deg), bool)
    joined[lasts] = False
    closed = (shore.lon_deg[firsts] == shore.lon_deg[lasts]) & (shore.lat_deg[firsts] == shore.lat_deg[lasts])
    of_ring = np.repeat(closed, np.diff(shore.starts))
    lon_deg, lat_deg, origin = divided(shore.lon_deg, shore.lat_deg, joined, LONGEST_EDGE_M)
    joined, of_ring = joined[origin], of_ring[origin]
    column_start, column_edge = _columns(lon_deg, joined & of_ring)
    coast = joined & ~_along_map_edge(lon_deg, lat_deg)
    touched = coast | np.roll(coast, 1)
    tree = near_tree(lat_deg[touched], lon_deg[touched], coast[touched])
    return CoastArrays(tree, lat_deg, lon_deg, column_start, column_edge)


def _along_map_edge(lon_deg: npt.NDArray[np.float64], lat_deg: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Edges along the antimeridian or at a pole: where land was cut to fit the map, not coast."""
    seam = np.abs(np.abs(lon_deg) - 180.0) < 1e-9
    pole = np.abs(np.abs(lat_deg) - 90.0) < 1e-9
    return (seam & np.roll(seam, -1)) | (pole & np.roll(pole, -1))


def _columns(
    lon_deg: npt.NDArray[np.float64], edges: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The chosen edges by every column of longitude that they touch, or miss by less than what rounding can do."""
    margin_deg = 1e-9
    edge = np.flatnonzero(edges)
    east_deg = eastward_deg(lon_deg)[edge]
    west_end = lon_deg[edge] + np.minimum(east_deg, 0.0) + 180.0
    first = np.floor((west_end - margin_deg) * (COLUMNS / 360.0)).astype(np.int64)
    last = np.floor((west_end + np.abs(east_deg) + margin_deg) * (COLUMNS / 360.0)).astype(np.int64)
    touched = last - first + 1
    column = np.repeat(first - np.cumsum(touched) + touched, touched) + np.arange(touched.sum())
    column = (column % COLUMNS).astype(np.uint16)
    order = np.argsort(column, kind="stable")
    start = np.searchsorted(column[order], np.arange(COLUMNS + 1))
    return start.astype(np.int32), np.repeat(edge, touched)[order].astype(np.int32)
