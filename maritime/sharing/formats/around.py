"""Around: where an envelope's event is, as a point and how far from it: all that some formats can say of an area."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from maritime.geo.geodesy import distance_m
from maritime.sharing.envelope import Envelope


class Circle(NamedTuple):
    """It is within `radius_m` metres of the centre; None: how near is not known."""

    lat: float
    lon: float
    radius_m: float | None


def around(envelope: Envelope) -> Circle | None:
    """The circle that holds the envelope's geometry and its uncertainty; None where it has no geometry."""
    positions = list(_positions(envelope.to_dict().get("geometry")))
    if not positions:
        return None
    first_lon = positions[0][0]
    lons = [first_lon + (lon - first_lon + 180.0) % 360.0 - 180.0 for lon, _ in positions]  # whole over 180°
    lats = [lat for _, lat in positions]
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    lon = round((lon + 180.0) % 360.0 - 180.0, 6)
    reach_m = max(distance_m(lat, lon, each_lat, each_lon) for each_lon, each_lat in positions)
    radius_m = max(math.ceil(reach_m), envelope.position_uncertainty_m or 0.0)
    return Circle(round(lat, 6), lon, float(radius_m) or None)


def _positions(value: Any) -> Iterator[tuple[float, float]]:
    """Longitudes and latitudes of a GeoJSON geometry, in its order; what is no position is passed over."""
    if isinstance(value, dict):
        yield from _positions(value.get("geometries") or value.get("coordinates"))
    elif isinstance(value, list) and len(value) >= 2 and all(type(each) in (int, float) for each in value[:2]):
        if abs(value[0]) <= 180 and abs(value[1]) <= 90:
            yield float(value[0]), float(value[1])
    elif isinstance(value, list):
        for each in value:
            yield from _positions(each)
