"""Kernels that put reports into the one total order: time, then MMSI, then content."""

import numpy as np

from maritime.jit import allocating_kernel, kernel


@kernel
def _content_before(a, b, lat, lon, sog, cog, heading, status, kind, source):
    """Whether report a comes before b by content; the columns are integer views, so NaN is a value like any other."""
    for column in (lat, lon):
        if column[a] != column[b]:
            return column[a] < column[b]
    for column in (sog, cog, heading):
        if column[a] != column[b]:
            return column[a] < column[b]
    if status[a] != status[b]:
        return status[a] < status[b]
    if kind[a] != kind[b]:
        return kind[a] < kind[b]
    return source[a] < source[b]


@kernel
def is_ordered(t, mmsi, lat, lon, sog, cog, heading, status, kind, source):
    """Whether the reports already stand in the total order."""
    for i in range(1, t.shape[0]):
        if t[i] < t[i - 1]:
            return False
        if t[i] == t[i - 1]:
            if mmsi[i] < mmsi[i - 1]:
                return False
            if mmsi[i] == mmsi[i - 1] and _content_before(i, i - 1, lat, lon, sog, cog, heading, status, kind, source):
                return False
    return True


@kernel
def order_ties(order, t, mmsi, lat, lon, sog, cog, heading, status, kind, source):
    """Settle runs of equal time and MMSI by content, in place; `order` sorts the columns by time and MMSI."""
    n = order.shape[0]
    start = 0
    while start < n:
        end = start + 1
        while end < n and t[order[end]] == t[order[start]] and mmsi[order[end]] == mmsi[order[start]]:
            end += 1
        gap = (end - start) // 2
        while gap > 0:  # Shell sort: short runs cost little, a long run of one vessel's copies is not quadratic
            for i in range(start + gap, end):
                row = order[i]
                j = i
                while j - gap >= start and _content_before(
                    row, order[j - gap], lat, lon, sog, cog, heading, status, kind, source
                ):
                    order[j] = order[j - gap]
                    j -= gap
                order[j] = row
            gap //= 2
        start = end


@allocating_kernel
def time_mmsi_keys(t, mmsi, t0):
    """int64 keys that sort by time, then MMSI; times within 99 days after t0, MMSI below 2^30."""
    keys = np.empty(t.shape[0], np.int64)
    for i in range(t.shape[0]):
        keys[i] = (t[i] - t0) << 30 | np.int64(mmsi[i])
    return keys
