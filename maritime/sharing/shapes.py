"""Shapes: GeoJSON's geometries (RFC 7946) checked, and as what other formats know: points, polygons, text, a circle."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from maritime.alerts.antimeridian import nearest_turn

Position = tuple[float, float]
"""Longitude and latitude in degrees, in the order of GeoJSON."""
Ring = list[Position]

DEPTH: Final = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""How many lists lie around a position, by type of geometry (RFC 7946 §3.1)."""
SHORTEST_LINE: Final = 2  # RFC 7946 §3.1.4
SHORTEST_RING: Final = 4  # RFC 7946 §3.1.6


class Part(NamedTuple):
    """A geometry that is no collection; its coordinates are a position or lists of them, empty where it has none."""

    kind: str
    coordinates: Any

    def wkt(self) -> str:
        """The part as well-known text (OGC 06-103r4), longitude before latitude; it must have coordinates."""
        bracketed = self.kind in ("Point", "MultiPoint")  # so its grammar: POINT (1 2), MULTIPOINT ((1 2), (3 4))
        return f"{self.kind.upper()} {_well_known(self.coordinates, bracketed)}"


@dataclass(frozen=True, slots=True)
class Shapes:
    """Points (also the vertices of lines), and polygons: each an outer ring and then its holes. Both may be empty."""

    points: list[Position]
    polygons: list[list[Ring]]

    def outline(self) -> list[Position]:
        """Every position but those of holes."""
        return [*self.points, *(position for rings in self.polygons for position in rings[0])]


class Circle(NamedTuple):
    """What it stands for is within `radius_m` metres of the centre; None: how near is not known."""

    lat: float
    lon: float
    radius_m: float | None


def parts_of(geometry: Mapping[str, Any]) -> list[Part]:
    """The parts of a geometry of GeoJSON. Raises ValueError for coordinates that RFC 7946 does not allow."""
    return [
        Part(each["type"], _nested(each["coordinates"], DEPTH[each["type"]], each["type"]))
        for each in geometry.get("geometries", [geometry])
    ]


def shapes_of(parts: Sequence[Part]) -> Shapes:
    """The points and polygons of some parts."""
    points: list[Position] = []
    polygons: list[list[Ring]] = []
    for kind, coordinates in parts:
        if kind.endswith("Polygon"):
            polygons += filter(None, [coordinates] if kind == "Polygon" else coordinates)
        else:
            points += _flat(coordinates, DEPTH[kind])
    return Shapes(points, polygons)


def circle_around(positions: Sequence[Position], uncertainty_m: float | None) -> Circle | None:
    """The circle about the middle of the box around some positions, also over 180°; None where there are none.

    It reaches to the farthest of them, and at least as far as they are uncertain.
    """
    if not positions:
        return None
    lons = [nearest_turn(lon, positions[0][0]) for lon, _ in positions]
    lats = [lat for _, lat in positions]
    lat, lon = (min(lats) + max(lats)) / 2, nearest_turn((min(lons) + max(lons)) / 2, 0.0)
    reach_m = _reach_m(lat, lon, positions) if len(positions) > 1 else 0.0
    radius_m = (reach_m or None) if uncertainty_m is None else max(reach_m, uncertainty_m)
    return Circle(round(lat, 6), round(lon, 6), radius_m)


def _reach_m(lat: float, lon: float, positions: Sequence[Position]) -> float:
    """How far the farthest of some positions is, in whole metres."""
    from maritime.geo.geodesy import distance_m  # compiles, which who only verifies need not wait for

    return float(math.ceil(max(distance_m(lat, lon, to_lat, to_lon) for to_lon, to_lat in positions)))


def _nested(coordinates: Any, depth: int, kind: str) -> Any:
    """Lists of lists of checked positions, as deep as the type of geometry has them."""
    if not isinstance(coordinates, list | tuple):
        raise ValueError(f"a {kind} has {coordinates!r:.60} where a list belongs; write it as RFC 7946 says")
    if depth == 0:
        return _position(coordinates, kind)
    inner = [_nested(each, depth - 1, kind) for each in coordinates]
    if not inner and depth < DEPTH[kind]:
        raise ValueError(f"a part of a {kind} is empty; leave it out")
    if inner and depth == 1 and kind.endswith("LineString") and len(inner) < SHORTEST_LINE:
        raise ValueError(f"a line of {len(inner)} positions is none; it must have at least {SHORTEST_LINE}")
    if inner and depth == 1 and kind.endswith("Polygon") and (len(inner) < SHORTEST_RING or inner[0] != inner[-1]):
        raise ValueError(f"a ring of {len(inner)} positions is not closed; its last must be its first, of at least 4")
    return inner


def _position(coordinates: Sequence[Any], kind: str) -> Position:
    """A position without its height."""
    numbers = [each for each in coordinates if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) < max(len(coordinates), 2) or not (abs(numbers[0]) <= 180 and abs(numbers[1]) <= 90):
        raise ValueError(f"{coordinates!r:.60} in a {kind} is no longitude and latitude in degrees")
    return float(numbers[0]), float(numbers[1])


def _flat(nested: Any, depth: int) -> list[Position]:
    return [nested] if depth == 0 else [position for each in nested for position in _flat(each, depth - 1)]


def _well_known(nested: Any, bracketed: bool) -> str:
    if isinstance(nested, tuple):
        return f"({nested[0]} {nested[1]})" if bracketed else f"{nested[0]} {nested[1]}"
    return f"({', '.join(_well_known(each, bracketed) for each in nested)})"
