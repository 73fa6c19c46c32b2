"""Distance to the coast, and which side of it. Kernels only."""

import math

from maritime.geo.geodesy import wrap_deg
from maritime.geo.near_tree_kernels import nearest_run
from maritime.jit import kernel


@kernel
def coast_distance_m(coast, lat_deg, lon_deg, limit_m):
    """Metres from a position to the nearest coast, whichever side; `limit_m` when it is farther, NaN when unknown."""
    return nearest_run(coast.tree, lat_deg, lon_deg, limit_m)[0]


@kernel
def on_land(coast, lat_deg, lon_deg):
    """Whether a position lies within a ring of land; False when it is NaN.

    Counts the coast crossed on the way along the meridian to the North Pole, which is at sea: odd is land.
    """
    if math.isnan(lat_deg) or math.isnan(lon_deg):
        return False
    columns = coast.column_start.shape[0] - 1
    column = math.floor((wrap_deg(lon_deg) + 180.0) / 360.0 * columns) % columns
    land = False
    for k in range(coast.column_start[column], coast.column_start[column + 1]):
        i = coast.column_edge[k]
        if coast.lat_deg[i] <= lat_deg and coast.lat_deg[i + 1] <= lat_deg:
            continue
        here_deg = wrap_deg(coast.lon_deg[i] - lon_deg)
        there_deg = wrap_deg(coast.lon_deg[i + 1] - lon_deg)
        if (here_deg > 0.0) != (there_deg > 0.0) and abs(there_deg - here_deg) < 180.0:
            share = here_deg / (here_deg - there_deg)
            if coast.lat_deg[i] + share * (coast.lat_deg[i + 1] - coast.lat_deg[i]) > lat_deg:
                land = not land
    return land
