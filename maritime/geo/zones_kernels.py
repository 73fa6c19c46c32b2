"""Which zone a position lies in. Kernels only."""

from maritime.jit import kernel


@kernel
def _inside(zones, zone, lat_deg, lon_deg):
    """Whether a zone holds a position at exactly this longitude: an odd number of edges due north of it."""
    odd = False
    for ring in range(zones.zone_ring[zone], zones.zone_ring[zone + 1]):
        for i in range(zones.ring_point[ring], zones.ring_point[ring + 1] - 1):
            here_deg, there_deg = zones.lon_deg[i] - lon_deg, zones.lon_deg[i + 1] - lon_deg
            if (here_deg > 0.0) != (there_deg > 0.0):
                share = here_deg / (here_deg - there_deg)
                if zones.lat_deg[i] + share * (zones.lat_deg[i + 1] - zones.lat_deg[i]) > lat_deg:
                    odd = not odd
    return odd


@kernel
def zone_of(zones, lat_deg, lon_deg):
    """Index of the first zone that a position lies in; -1 when it is in none, or NaN."""
    for zone in range(zones.boxes_deg.shape[0]):
        if not zones.boxes_deg[zone, 1] <= lat_deg <= zones.boxes_deg[zone, 3]:
            continue
        for turn_deg in (0.0, -360.0, 360.0):
            turned_deg = lon_deg + turn_deg
            if zones.boxes_deg[zone, 0] <= turned_deg <= zones.boxes_deg[zone, 2] and _inside(
                zones, zone, lat_deg, turned_deg
            ):
                return zone
    return -1


@kernel
def zones_of(zones, lat_deg, lon_deg, zone_index):
    """`zone_of` for float64[n] positions, into int64[n]."""
    for i in range(lat_deg.shape[0]):
        zone_index[i] = zone_of(zones, lat_deg[i], lon_deg[i])
