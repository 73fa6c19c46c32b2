"""Places on Earth written again, slow and obvious, by other formulae; the specification of the fast kernels.

Vectors instead of haversines, every edge instead of a tree, boxes by arithmetic instead of polygons.
"""

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

EARTH_RADIUS_M = 6_371_008.8
Vector = npt.NDArray[np.float64]


def vector(lat_deg: float | Vector, lon_deg: float | Vector) -> Vector:
    """Unit vectors, float64[..., 3]."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def position(v: Vector) -> tuple[float, float]:
    return math.degrees(math.atan2(v[2], math.hypot(v[0], v[1]))), math.degrees(math.atan2(v[1], v[0]))


def angle(a: Vector, b: Vector) -> float:
    return math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    return EARTH_RADIUS_M * angle(vector(lat1, lon1), vector(lat2, lon2))


def north_and_east(lat: float, lon: float) -> tuple[Vector, Vector]:
    """Unit vectors north and east at a place; at a pole, those of the meridian of its longitude."""
    phi, lam = math.radians(lat), math.radians(lon)
    north = np.array([-math.sin(phi) * math.cos(lam), -math.sin(phi) * math.sin(lam), math.cos(phi)])
    return north, np.array([-math.sin(lam), math.cos(lam), 0.0])


def bearing_deg(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    north, east = north_and_east(lat1, lon1)
    there = vector(lat2, lon2)
    return math.degrees(math.atan2(there @ east, there @ north)) % 360


def destination(lat: float, lon: float, course_deg: float, run_m: float) -> tuple[float, float]:
    north, east = north_and_east(lat, lon)
    ahead = math.cos(math.radians(course_deg)) * north + math.sin(math.radians(course_deg)) * east
    arc = run_m / EARTH_RADIUS_M
    return position(math.cos(arc) * vector(lat, lon) + math.sin(arc) * ahead)


def arc_distances_m(p: Vector, a: Vector, b: Vector) -> Vector:
    """Metres from a point to each great-circle arc a[i] → b[i], float64[n]."""
    normal = np.cross(a, b)
    size = np.linalg.norm(normal, axis=1)
    foot = p - normal * ((normal @ p) / np.where(size > 0, size, 1) ** 2)[:, None]
    within = (np.cross(a, foot) * normal).sum(axis=1) >= 0
    within &= (np.cross(foot, b) * normal).sum(axis=1) >= 0
    within &= size > 0
    to_great_circle = np.arcsin(np.clip(np.abs(normal @ p) / np.where(size > 0, size, 1), 0, 1))
    to_ends = np.minimum(chord_angles(a, p), chord_angles(b, p))
    return EARTH_RADIUS_M * np.where(within, to_great_circle, to_ends)


def chord_angles(a: Vector, p: Vector) -> Vector:
    return 2 * np.arcsin(np.clip(np.linalg.norm(a - p, axis=-1) / 2, 0, 1))


def coast_distance_m(lines: Iterable[Vector], lat: float, lon: float) -> float:
    """Metres from a position to the nearest edge of lines, each float64[n, 2] of (lon, lat) with short edges."""
    p = vector(lat, lon)
    nearest = math.inf
    for line in lines:
        points = vector(line[:, 1], line[:, 0])
        nearest = min(nearest, float(arc_distances_m(p, points[:-1], points[1:]).min()))
    return nearest


def in_box(box: tuple[float, float, float, float], lat: float, lon: float) -> bool:
    """Whether a position lies strictly inside (west, south, east, north), where east may lie over the antimeridian."""
    west, south, east, north = box
    return south < lat < north and 0 < (lon - west) % 360 < (east - west) % 360


def sector_areas_m2(ring: Vector) -> float:
    """Area of a ring without jumps, float64[n, 2] of (lon, lat), by strips to the equator."""
    height = np.sin(np.radians(ring[:, 1]))
    strips = np.radians(np.diff(ring[:, 0])) * (height[1:] + height[:-1]) / 2
    return float(abs(strips.sum()) * EARTH_RADIUS_M**2)
