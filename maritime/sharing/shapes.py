"""Shapes: an envelope's geometry as plain points and polygons, for formats that know no other geometry."""

from dataclasses import dataclass
from typing import Any, Final

from maritime.errors import InputError
from maritime.sharing.envelope import Envelope

Position = tuple[float, float]
"""Longitude and latitude in degrees, in the order of GeoJSON."""
Ring = list[Position]

DEPTH: Final = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""How many lists lie around a position, by type of geometry (RFC 7946 §3.1)."""
SHORTEST_LINE: Final = 2  # RFC 7946 §3.1.4
SHORTEST_RING: Final = 4  # RFC 7946 §3.1.6


@dataclass(frozen=True, slots=True)
class Shapes:
    """Points (also the vertices of lines), and polygons: each an outer ring and then its holes. Both may be empty."""

    points: list[Position]
    polygons: list[list[Ring]]


def shapes_of(envelope: Envelope) -> Shapes:
    """The shapes of its geometry, or where that is absent the points of its places.

    Raises InputError for coordinates that RFC 7946 does not allow.
    """
    if envelope.geometry is None:
        return Shapes([(place.lon, place.lat) for place in envelope.places], [])
    geometry = envelope.geometry.model_dump()
    points: list[Position] = []
    polygons: list[list[Ring]] = []
    for part in geometry.get("geometries", [geometry]):
        nested = _nested(part["coordinates"], DEPTH[part["type"]], part["type"])
        if part["type"].endswith("Polygon"):
            polygons += [_rings(rings) for rings in ([nested] if part["type"] == "Polygon" else nested) if rings]
        else:
            for line in {"LineString": [nested], "MultiLineString": nested}.get(part["type"], []):
                if len(line) < SHORTEST_LINE:
                    raise InputError(f"a line of {len(line)} positions is none; it must have at least {SHORTEST_LINE}")
            points += _flat(nested, DEPTH[part["type"]])
    return Shapes(points, polygons)


def _nested(coordinates: Any, depth: int, kind: str) -> Any:
    """Lists of lists of checked positions, as deep as the type of geometry has them."""
    if not isinstance(coordinates, list):
        raise InputError(f"a {kind} has {coordinates!r:.60} where a list belongs; write it as RFC 7946 says")
    if depth:
        return [_nested(each, depth - 1, kind) for each in coordinates]
    numbers = [each for each in coordinates if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) != len(coordinates) or len(numbers) < 2 or not (abs(numbers[0]) <= 180 and abs(numbers[1]) <= 90):
        raise InputError(f"{coordinates!r:.60} in a {kind} is no longitude and latitude in degrees")
    return float(numbers[0]), float(numbers[1])


def _flat(nested: Any, depth: int) -> list[Position]:
    return [nested] if depth == 0 else [position for each in nested for position in _flat(each, depth - 1)]


def _rings(rings: list[Ring]) -> list[Ring]:
    for ring in rings:
        if len(ring) < SHORTEST_RING or ring[0] != ring[-1]:
            raise InputError(
                f"a ring of {len(ring)} positions is not closed; its last must be its first, of at least 4"
            )
    return rings
