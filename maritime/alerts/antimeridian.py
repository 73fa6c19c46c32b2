"""Antimeridian: lines and areas that cross 180° made whole for drawing, or cut in two for GeoJSON.

Between two neighbouring coordinates the shorter way round is meant: from 179.9 to -179.9 is 0.2°, not 359.8°.
"""

from itertools import pairwise
from typing import Any, Final

WORLD_DEG: Final = 360.0


def crosses(geometry: dict[str, Any]) -> bool:
    """Whether a GeoJSON geometry reaches over ±180°: by a coordinate beyond, or a step of more than half a turn."""
    return any(
        any(abs(position[0]) > WORLD_DEG / 2 for position in line)
        or any(abs(after[0] - before[0]) > WORLD_DEG / 2 for before, after in pairwise(line))
        for line in lines(geometry)
    )


def cut(geometry: dict[str, Any]) -> dict[str, Any]:
    """The geometry cut where it crosses the antimeridian, as RFC 7946 §3.1.9 asks; itself when it does not cross."""
    if geometry["type"] == "GeometryCollection":
        return {**geometry, "geometries": [cut(part) for part in geometry["geometries"]]}
    if not crosses(geometry):
        return geometry
    from shapely import affinity
    from shapely.geometry import box, mapping, shape
    from shapely.ops import unary_union

    whole = shape(unwrapped(geometry))
    worlds = [(shift, box(-180 + shift, -90, 180 + shift, 90)) for shift in (-WORLD_DEG, 0.0, WORLD_DEG)]
    parts = [affinity.translate(whole.intersection(world), xoff=-shift) for shift, world in worlds]
    united: dict[str, Any] = mapping(unary_union([part for part in parts if not part.is_empty]))
    return {"type": united["type"], "coordinates": _as_lists(united["coordinates"])}


def unwrapped(geometry: dict[str, Any], near_lon: float | None = None) -> dict[str, Any]:
    """The geometry with longitudes that run on past ±180°, each line beginning within 180° of `near_lon`."""
    if geometry["type"] == "GeometryCollection":
        return {**geometry, "geometries": [unwrapped(part, near_lon) for part in geometry["geometries"]]}
    return {**geometry, "coordinates": _unwrapped(geometry["coordinates"], near_lon)}


def lines(geometry: dict[str, Any]) -> list[list[Any]]:
    """Every run of neighbouring coordinates in a geometry: lines, rings, single points."""
    if geometry["type"] == "GeometryCollection":
        return [line for part in geometry["geometries"] for line in lines(part)]
    return _runs(geometry["coordinates"])


def nearest_turn(lon: float, near_lon: float) -> float:
    """`lon` plus whole turns, within 180° of `near_lon`."""
    return lon - WORLD_DEG * round((lon - near_lon) / WORLD_DEG)


def _runs(coordinates: Any) -> list[list[Any]]:
    if not coordinates:
        return []
    if isinstance(coordinates[0], int | float):
        return [[coordinates]]
    if isinstance(coordinates[0][0], int | float):
        return [coordinates]
    return [run for part in coordinates for run in _runs(part)]


def _unwrapped(coordinates: Any, near_lon: float | None) -> list[Any]:
    if not coordinates:
        return []
    if isinstance(coordinates[0], int | float):
        lon = coordinates[0] if near_lon is None else nearest_turn(coordinates[0], near_lon)
        return [lon, *coordinates[1:]]
    if not isinstance(coordinates[0][0], int | float):
        first = _first_lon(coordinates) if near_lon is None else near_lon
        return [_unwrapped(part, first) for part in coordinates]
    run: list[Any] = []
    for lon, *rest in coordinates:
        reference = run[-1][0] if run else near_lon
        run.append([lon if reference is None else nearest_turn(lon, reference), *rest])
    return run


def _first_lon(coordinates: Any) -> float:
    first = coordinates
    while not isinstance(first, int | float):
        first = first[0]
    return float(first)


def _as_lists(coordinates: Any) -> Any:
    if isinstance(coordinates, int | float):
        return round(coordinates, 6) + 0.0
    return [_as_lists(part) for part in coordinates]
