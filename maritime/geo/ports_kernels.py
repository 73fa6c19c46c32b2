"""The nearest port, marina or anchorage. Kernels only."""

from maritime.geo.near_tree_kernels import nearest_run
from maritime.geo.zones_kernels import zone_of
from maritime.jit import kernel


@kernel
def nearest_place_m(places, lat_deg, lon_deg, limit_m):
    """`(distance_m, place)`: 0 inside a place drawn as an area; `(limit_m, -1)` when none is nearer than the limit.

    NaN position: `(NaN, -1)`.
    """
    area = zone_of(places.areas, lat_deg, lon_deg)
    if area >= 0:
        return 0.0, places.area_place[area]
    distance_m, run = nearest_run(places.tree, lat_deg, lon_deg, limit_m)
    return distance_m, places.run_place[run] if run >= 0 else -1
