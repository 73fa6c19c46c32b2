"""The nearest run of a `NearTree`, and the order of its leaves. Kernels only."""

import math

import numpy as np

from maritime.jit import allocating_kernel, kernel
from maritime.units import EARTH_RADIUS_M


@kernel
def _box_gap2(boxes, node, x, y, z):
    """Squared chord from a unit vector to a node's box; 0 inside, infinite for an empty box."""
    dx = max(boxes[node, 0] - x, x - boxes[node, 3], 0.0)
    dy = max(boxes[node, 1] - y, y - boxes[node, 4], 0.0)
    dz = max(boxes[node, 2] - z, z - boxes[node, 5], 0.0)
    return dx * dx + dy * dy + dz * dz


@kernel
def _run_gap2(points, first, last, x, y, z):
    """Squared chord from a unit vector to the nearest point of a run's segments."""
    ax, ay, az = points[first, 0] - x, points[first, 1] - y, points[first, 2] - z
    best2 = ax * ax + ay * ay + az * az
    for i in range(first + 1, last + 1):
        bx, by, bz = points[i, 0] - x, points[i, 1] - y, points[i, 2] - z
        ux, uy, uz = bx - ax, by - ay, bz - az
        length2 = ux * ux + uy * uy + uz * uz
        along = -(ax * ux + ay * uy + az * uz)
        share = min(1.0, along / length2) if along > 0.0 and length2 > 0.0 else 0.0
        gx, gy, gz = ax + share * ux, ay + share * uy, az + share * uz
        best2 = min(best2, gx * gx + gy * gy + gz * gz)
        ax, ay, az = bx, by, bz
    return best2


@kernel
def nearest_run(tree, lat_deg, lon_deg, limit_m):
    """`(distance_m, run)` of the run nearest to a position; `(limit_m, -1)` when none is nearer than the limit.

    NaN position: `(NaN, -1)`. Segments are chords, so they must be short: one of 10 km passes 2 m under the sphere.
    """
    if math.isnan(lat_deg) or math.isnan(lon_deg):
        return math.nan, -1
    lat, lon = math.radians(lat_deg), math.radians(lon_deg)
    x, y, z = math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)
    chord = 2.0 * math.sin(0.5 * min(limit_m / EARTH_RADIUS_M, math.pi))
    best2 = chord * chord
    best_run = -1
    boxes = tree.boxes
    leaves = tree.leaf_run.shape[0]
    if _box_gap2(boxes, 1, x, y, z) >= best2:
        return limit_m, -1

    # Straight down to a near leaf first, for a close bound; then all nodes in order but those that the bound excludes.
    node = 1
    while node < leaves:
        node *= 2
        if _box_gap2(boxes, node + 1, x, y, z) < _box_gap2(boxes, node, x, y, z):
            node += 1
    run = tree.leaf_run[node - leaves]
    gap2 = _run_gap2(tree.points, tree.run_first[run], tree.run_last[run], x, y, z)
    if gap2 < best2:
        best2, best_run = gap2, run
    seen = node
    node = 1
    while True:
        if node != seen and _box_gap2(boxes, node, x, y, z) < best2:
            if node < leaves:
                node *= 2
                continue
            run = tree.leaf_run[node - leaves]
            gap2 = _run_gap2(tree.points, tree.run_first[run], tree.run_last[run], x, y, z)
            if gap2 < best2:
                best2, best_run = gap2, run
        while node & 1:  # up from right children; the root is odd too
            node >>= 1
        if node == 0:
            break
        node += 1
    if best_run < 0:
        return limit_m, -1
    return 2.0 * EARTH_RADIUS_M * math.asin(min(1.0, 0.5 * math.sqrt(best2))), best_run


@allocating_kernel
def fill_leaves(middles, leaf_run):
    """Give each row of `middles`, float64[m, 3], a leaf of `leaf_run`, int32[2^k ≥ m]: near rows near leaves."""
    order = np.arange(middles.shape[0])
    pending = [(0, middles.shape[0], 0, leaf_run.shape[0])]  # rows order[first:end] go to leaves [leaf, leaf + leaves)
    while len(pending) > 0:
        first, end, leaf, leaves = pending.pop()
        if end - first == 0:
            continue
        if leaves == 1:
            leaf_run[leaf] = order[first]
            continue
        middle = (first + end + 1) // 2
        _select(middles, _widest_axis(middles, order, first, end), order, first, end, middle)
        pending.append((first, middle, leaf, leaves // 2))
        pending.append((middle, end, leaf + leaves // 2, leaves // 2))


@kernel
def _widest_axis(middles, order, first, end):
    widest, width = 0, -1.0
    for axis in range(3):
        low, high = math.inf, -math.inf
        for k in range(first, end):
            low = min(low, middles[order[k], axis])
            high = max(high, middles[order[k], axis])
        if high - low > width:
            widest, width = axis, high - low
    return widest


@kernel
def _select(middles, axis, order, first, end, middle):
    """Reorder order[first:end] so that its part before `middle` lies below the rest on an axis (Hoare's find)."""
    low, high = first, end - 1
    while low < high:
        pivot = middles[order[(low + high) // 2], axis]
        i, j = low, high
        while i <= j:
            while middles[order[i], axis] < pivot:
                i += 1
            while middles[order[j], axis] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            break
