"""GeoJSON geometries as well-known text (OGC 06-103r4), longitude before latitude."""

from typing import Any, Final

# How deep the lists of GeoJSON (RFC 7946, 3.1) lie above a position.
_DEPTHS: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def to_wkt(kind: str, coordinates: Any) -> str:
    """The geometry as text. Raises ValueError when the coordinates are not those of such a geometry."""
    text = _text(coordinates, _DEPTHS[kind])
    return f"{kind.upper()} ({text})" if kind == "Point" else f"{kind.upper()} {text}"


def position_of(coordinates: Any) -> tuple[float, float]:
    """Longitude and latitude in degrees. Raises ValueError when it is no position on Earth."""
    match coordinates:
        case [int() | float() as lon, int() | float() as lat, *_] if -180 <= lon <= 180 and -90 <= lat <= 90:
            return float(lon), float(lat)
    raise ValueError("no position")


def _text(coordinates: Any, depth: int) -> str:
    if depth == 0:
        lon, lat = position_of(coordinates)
        return f"{lon} {lat}"
    if not isinstance(coordinates, list) or not coordinates:
        raise ValueError("no positions")
    return "(" + ", ".join(_text(each, depth - 1) for each in coordinates) + ")"
