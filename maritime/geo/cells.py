"""Grid cells of near-equal size: rows of latitude, each cut into fewer columns towards the poles. Kernels only.

A cell is an int64 `row * stride + column`. Because a row's columns are counted round the whole parallel, the
antimeridian is no edge.
"""

import math

from maritime.jit import kernel

RECEPTION_CELL_DEG = 0.1  # chosen: about 6 nm, near the scale on which terrestrial reception changes
MOORING_CELL_DEG = 0.02  # chosen: about 1.2 nm, the size of a harbour basin or an anchorage


@kernel
def columns_of_row(row, size_deg):
    """How many cells of `size_deg` the parallel through the middle of a row is cut into."""
    return max(1, int(round(360.0 / size_deg * math.cos(math.radians((row + 0.5) * size_deg - 90.0)))))


@kernel
def cell_of(lat_deg, lon_deg, size_deg):
    """The cell of a position; degrees in, int64 out. Latitude is clipped to ±90, longitude wraps."""
    rows = int(round(180.0 / size_deg))
    row = min(max(int(math.floor((lat_deg + 90.0) / size_deg)), 0), rows - 1)
    columns = columns_of_row(row, size_deg)
    column = int(math.floor((lon_deg + 180.0) / 360.0 * columns)) % columns
    return row * (rows * 2) + column


@kernel
def ring_cells(lat_deg, lon_deg, size_deg, ring, out):
    """Fill `out` (int64, (2·ring+1)² or more) with the distinct cells within `ring` of a position; return how many.

    Neighbours are taken by stepping the position, so rows with different column counts and the antimeridian need no
    special case; near the poles fewer distinct cells come back.
    """
    n = 0
    width_deg = 360.0 / columns_of_row(
        min(max(int(math.floor((lat_deg + 90.0) / size_deg)), 0), int(round(180.0 / size_deg)) - 1), size_deg
    )
    for i in range(-ring, ring + 1):
        step_lat_deg = lat_deg + i * size_deg
        if step_lat_deg < -90.0 or step_lat_deg > 90.0:
            continue
        for j in range(-ring, ring + 1):
            cell = cell_of(step_lat_deg, lon_deg + j * width_deg, size_deg)
            known = False
            for k in range(n):
                if out[k] == cell:
                    known = True
                    break
            if not known:
                out[n] = cell
                n += 1
    return n
