"""Zones: the user's named areas, from GeoJSON, and the one area that a run is told to look at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from maritime.errors import ConfigurationError
from maritime.geo.geojson import read_features
from maritime.geo.lines import unwrapped
from maritime.geo.zones_kernels import zones_of

Rings = Iterable[npt.NDArray[np.float64]]  # each float64[n, 2] of (lon, lat), closed


class ZoneArrays(NamedTuple):
    """z zones for kernels: rings of all their polygons and holes, taken together by the even-odd rule."""

    lat_deg: npt.NDArray[np.float64]  # [n]
    lon_deg: npt.NDArray[np.float64]  # [n] without jumps, so they may pass ±180
    ring_point: npt.NDArray[np.int64]  # [rings + 1]; ring r has points [ring_point[r], ring_point[r + 1])
    zone_ring: npt.NDArray[np.int64]  # [z + 1]; zone k has rings [zone_ring[k], zone_ring[k + 1])
    boxes_deg: npt.NDArray[np.float64]  # [z, 4] west, south, east, north


@dataclass(frozen=True, slots=True)
class Zones:
    """Named areas in the order of their file. Where several overlap, a position belongs to the first."""

    names: tuple[str, ...]
    properties: tuple[dict[str, Any], ...]  # of the GeoJSON features
    arrays: ZoneArrays

    def name(self, index: int) -> str | None:
        """Name of a zone; None for index -1, which is no zone."""
        return self.names[index] if index >= 0 else None


@dataclass(frozen=True, slots=True)
class Area:
    """The union of the polygons of one file, to choose positions or alerts by."""

    arrays: ZoneArrays

    def contains(self, lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which of n positions lie inside; NaN positions do not."""
        zone = np.empty(len(lat_deg), np.int64)
        zones_of(self.arrays, np.asarray(lat_deg, np.float64), np.asarray(lon_deg, np.float64), zone)
        return zone >= 0


def load_zones(path: Path | None = None) -> Zones:
    """Read a GeoJSON FeatureCollection of polygons; without a file there are no zones.

    A feature without a name is "zone 3" by its place in the file. An edge is straight in longitude and latitude; one of
    more than 180° of longitude crosses the antimeridian, and longitudes past ±180 or polygons cut there are understood
    too. Raises ConfigurationError, naming file and feature.
    """
    features = read_features(path)[1] if path else []
    for feature in features:
        if not feature.polygons:
            raise ConfigurationError(f"{feature.where} has no area; give a zone as a Polygon or MultiPolygon")
    names = [feature.name or f"zone {number}" for number, feature in enumerate(features, 1)]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ConfigurationError(f"{features[number].where} bears the name of an earlier zone; give it its own")
    rings = [[ring for polygon in feature.polygons for ring in polygon] for feature in features]
    return Zones(tuple(names), tuple(feature.properties for feature in features), zone_arrays(rings))


def load_area(path: Path) -> Area:
    """Read the polygons of a GeoJSON file as one area. Raises ConfigurationError, naming file and feature."""
    zones = load_zones(path)
    if not zones.names:
        raise ConfigurationError(f"{path}: holds no area; give at least one Polygon")
    return Area(zones.arrays)


def zone_arrays(zones: Sequence[Rings]) -> ZoneArrays:
    """Arrays for the kernels from the rings of each zone."""
    flat = [[unwrapped(ring) for ring in rings] for rings in zones]
    rings = [ring for zone in flat for ring in zone]
    points = np.concatenate(rings) if rings else np.empty((0, 2))
    boxes = [np.concatenate([np.concatenate(zone).min(axis=0), np.concatenate(zone).max(axis=0)]) for zone in flat]
    return ZoneArrays(
        lat_deg=points[:, 1].copy(),
        lon_deg=points[:, 0].copy(),
        ring_point=np.cumsum([0, *map(len, rings)]),
        zone_ring=np.cumsum([0, *map(len, flat)]),
        boxes_deg=np.array(boxes).reshape(-1, 4),
    )
