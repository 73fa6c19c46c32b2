"""A tree over short lines on the sphere that finds the nearest one: for the coast, and for places (lines of one point).

Points are unit vectors, so neither the antimeridian nor a pole is an edge. Lines are cut into runs of a few segments;
the runs lie in the leaves of a balanced binary tree of boxes, halved at the median of the widest axis (Bentley 1975).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from maritime.geo.near_tree_kernels import fill_leaves

RUN_SEGMENTS: Final = 8  # chosen: on the shipped coastline 4, 8 and 16 are equally fast, 2 and 32 slower


class NearTree(NamedTuple):
    """Arrays for the kernels: n points, m runs, 2^k ≥ m leaves."""

    points: npt.NDArray[np.float64]  # [n, 3] unit vectors, run after run
    run_first: npt.NDArray[np.int32]  # [m] first point of each run
    run_last: npt.NDArray[np.int32]  # [m] last point of each run, itself included
    leaf_run: npt.NDArray[np.int32]  # [2^k] run in each leaf; -1 in those left over
    boxes: npt.NDArray[
        np.float64
    ]  # [2^(k+1), 6] x, y, z from and to; node 1 is the root, 2i and 2i+1 the children of i


def near_tree(
    lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64], joined: npt.NDArray[np.bool_]
) -> NearTree:
    """Build the tree over n ≥ 0 points in degrees; `joined[i]` says that a segment leads from point i to point i+1.

    A point that no segment touches is a run of its own.
    """
    points = _unit_vectors(lat_deg, lon_deg)
    run_first, run_last = _runs(joined)
    leaves = 1 << max(0, len(run_first) - 1).bit_length()
    leaf_run = np.full(leaves, -1, np.int32)
    fill_leaves(points[(run_first + run_last) // 2], leaf_run)
    boxes = np.empty((2 * leaves, 6))
    boxes[:, :3], boxes[:, 3:] = np.inf, -np.inf
    if len(run_first):
        low = np.minimum(np.minimum.reduceat(points, run_first), points[run_last])
        high = np.maximum(np.maximum.reduceat(points, run_first), points[run_last])
        filled = leaf_run >= 0
        boxes[leaves:][filled] = np.hstack([low, high])[leaf_run[filled]]
    level = leaves
    while level > 1:
        children = boxes[level : 2 * level].reshape(-1, 2, 6)
        level //= 2
        boxes[level : 2 * level, :3] = children[:, :, :3].min(axis=1)
        boxes[level : 2 * level, 3:] = children[:, :, 3:].max(axis=1)
    return NearTree(points, run_first, run_last, leaf_run, boxes)


def _unit_vectors(lat_deg: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    from_axis = np.cos(lat)
    return np.stack([from_axis * np.cos(lon), from_axis * np.sin(lon), np.sin(lat)], axis=1)


def _runs(joined: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """First and last points of runs: joined points, at most RUN_SEGMENTS segments each, neighbours sharing a point."""
    n = len(joined)
    if n == 0:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    starts = np.ones(n, bool)
    starts[1:] = ~joined[:-1]
    line_start = np.maximum.accumulate(np.where(starts, np.arange(n), 0))
    cut = (np.arange(n) - line_start) % RUN_SEGMENTS == 0
    first = np.flatnonzero(cut & (joined | starts))
    following = np.append(first[1:], n)
    last = np.where(joined[following - 1], following, following - 1)
    return first.astype(np.int32), last.astype(np.int32)
