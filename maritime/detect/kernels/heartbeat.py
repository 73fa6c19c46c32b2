"""Kernels that move the clock and count reception."""

import numpy as np

from maritime.geo.cells import MOORING_CELL_DEG, RECEPTION_CELL_DEG, cell_of
from maritime.geo.geodesy import quick_distance_m
from maritime.jit import allocating_kernel, kernel
from maritime.times import NEVER
from maritime.units import KN_MS, MINUTE_MS

CLASS_A, CLASS_B, CLASS_UNKNOWN = 0, 1, 2

REST_SPAN_MS = 3 * MINUTE_MS  # nominal report interval at rest, ITU-R M.1371-5 annex 1 table 1

NEWEST, CANDIDATE, BEFORE, LEADER, CANDIDATE_SOURCE = 0, 1, 2, 3, 4  # places in the clock array


@kernel
def transceiver_class(msg_type):
    """0 class A, 1 class B, 2 unknown, from a message type (ITU-R M.1371-5 annex 8)."""
    if (1 <= msg_type <= 3) or msg_type == 5 or msg_type == 27:
        return CLASS_A
    if msg_type == 18 or msg_type == 19 or msg_type == 24:
        return CLASS_B
    return CLASS_UNKNOWN


@kernel
def is_vessel_report(msg_type):
    """Whether a message type is sent by vessels: not by base stations (4, 11), SAR aircraft (9) or AtoN (21)."""
    return msg_type != 4 and msg_type != 9 and msg_type != 11 and msg_type != 14 and msg_type != 21


@kernel
def who_bit(mmsi):
    """One of 64 bits for a vessel, by Fibonacci hashing: the OR of many counts distinct vessels (linear counting)."""
    return np.uint64(1) << (np.uint64(mmsi) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(58))


@kernel
def move_clock(
    t_ms, source, start, clock, doubted, ahead, jump_ms, lateness_ms, stride_ms, stop_ms, late_out, refused_out
):
    """Advance the newest plausible time over reports in arrival order, from row `start`; `t_ms` int64[n], `source`
    integers[n], `clock` int64[5] in place, `late_out` bool[n]: older than the watermark when it came. Returns the row
    reached, which is that after the report that takes the watermark to `stop_ms`.

    A step of more than `jump_ms` ahead is believed when the next report bears it out: one stray future stamp must not
    make every later report late. Nor must one source: where another led the clock, it must be of another source, or
    this one go on for `lateness_ms` with no report of another in between. `doubted` uint8[sources] are not asked;
    `ahead` uint8[sources] in place: its last step ahead was contradicted by another source, and its further reports
    ahead are `refused_out` bool[n]. After a believed step of more than `stride_ms`, and after the first time known, it
    returns before the row that bore it out; clock[BEFORE] is then the time before the step, NEVER otherwise.
    """
    clock[BEFORE] = NEVER
    i = start
    while i < t_ms.shape[0]:
        t = t_ms[i]
        s = np.int64(source[i])
        newest = clock[NEWEST]
        candidate = clock[CANDIDATE]
        if doubted[s]:
            late_out[i] = newest != NEVER and t < watermark_of(newest, lateness_ms)
        elif newest != NEVER and t <= newest + jump_ms:
            late_out[i] = t < watermark_of(newest, lateness_ms)
            ahead[s] = 0
            if t > newest:
                clock[NEWEST] = t
                clock[LEADER] = s
            if t < candidate - lateness_ms:
                if s != clock[CANDIDATE_SOURCE]:
                    ahead[clock[CANDIDATE_SOURCE]] = 1
                clock[CANDIDATE] = NEVER
            if watermark_of(clock[NEWEST], lateness_ms) >= stop_ms:
                return i + 1
        elif candidate != NEVER and t >= candidate - lateness_ms:
            alone = newest != NEVER and s == clock[CANDIDATE_SOURCE] and s != clock[LEADER]
            if alone and t < candidate + lateness_ms:
                refused_out[i] = ahead[s] == 1
            else:
                clock[NEWEST] = min(candidate, t)
                clock[LEADER] = s
                clock[CANDIDATE] = NEVER
                if newest == NEVER or clock[NEWEST] - newest > stride_ms:
                    clock[BEFORE] = newest
                    return i
                continue
        else:
            clock[CANDIDATE] = t
            clock[CANDIDATE_SOURCE] = s
            refused_out[i] = ahead[s] == 1
        i += 1
    return i


@kernel
def watermark_of(newest_ms, lateness_ms):
    """The full minute before which no report is accepted any more."""
    return (newest_ms - lateness_ms) // MINUTE_MS * MINUTE_MS


@kernel
def _slot(keys_hi, keys_lo, hi, lo):
    """Open addressing: the slot of a two-word key, or the free one where it belongs; free slots have hi = -1."""
    mask = keys_hi.shape[0] - 1
    h = np.uint64(hi) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(lo) * np.uint64(0xC2B2AE3D27D4EB4F)
    h ^= h >> np.uint64(29)
    i = np.int64(h & np.uint64(mask))
    while keys_hi[i] != -1 and (keys_hi[i] != hi or keys_lo[i] != lo):
        i = (i + 1) & mask
    return i


@allocating_kernel
def count_heard(
    mmsi,
    t_ms,
    lat_deg,
    lon_deg,
    sog_kn,
    msg_type,
    source,
    slow_kn,
    cell_out,
    group_out,
    vessels_out,
    slow_out,
    first_out,
    last_out,
    who_out,
    box_out,
):
    """Count distinct vessels per (source, reception cell, class) of one window; arrays of n reports in, groups out.

    `group_out` is source · 4 + class; `first_out` and `last_out` are times of reports, `box_out` float64[n, 4] the
    least and greatest latitude and longitude. Returns the number of groups; the out arrays must hold n. A vessel is
    slow when any of its reports in the group is below `slow_kn`. Repeating a report changes nothing.
    """
    n = mmsi.shape[0]
    size = 16
    while size < 3 * n:
        size *= 2
    pair_hi = np.full(size, -1, np.int64)
    pair_lo = np.zeros(size, np.int64)
    pair_slow = np.zeros(size, np.uint8)
    group_hi = np.full(size, -1, np.int64)
    group_lo = np.zeros(size, np.int64)
    group_at = np.zeros(size, np.int64)
    n_groups = 0
    for i in range(n):
        if np.isnan(lat_deg[i]) or not is_vessel_report(msg_type[i]):
            continue
        cell = cell_of(lat_deg[i], lon_deg[i], RECEPTION_CELL_DEG)
        group = np.int64(source[i]) * 4 + transceiver_class(msg_type[i])
        g = _slot(group_hi, group_lo, cell, group)
        if group_hi[g] == -1:
            group_hi[g] = cell
            group_lo[g] = group
            group_at[g] = n_groups
            cell_out[n_groups] = cell
            group_out[n_groups] = group
            vessels_out[n_groups] = 0
            slow_out[n_groups] = 0
            first_out[n_groups] = t_ms[i]
            last_out[n_groups] = t_ms[i]
            who_out[n_groups] = 0
            box_out[n_groups, 0] = lat_deg[i]
            box_out[n_groups, 1] = lat_deg[i]
            box_out[n_groups, 2] = lon_deg[i]
            box_out[n_groups, 3] = lon_deg[i]
            n_groups += 1
        k = group_at[g]
        first_out[k] = min(first_out[k], t_ms[i])
        last_out[k] = max(last_out[k], t_ms[i])
        box_out[k, 0] = min(box_out[k, 0], lat_deg[i])
        box_out[k, 1] = max(box_out[k, 1], lat_deg[i])
        box_out[k, 2] = min(box_out[k, 2], lon_deg[i])
        box_out[k, 3] = max(box_out[k, 3], lon_deg[i])
        p = _slot(pair_hi, pair_lo, (cell << 20) | group, np.int64(mmsi[i]))
        if pair_hi[p] == -1:
            pair_hi[p] = (cell << 20) | group
            pair_lo[p] = np.int64(mmsi[i])
            vessels_out[k] += 1
            who_out[k] |= who_bit(mmsi[i])
        if sog_kn[i] < slow_kn and pair_slow[p] == 0:
            pair_slow[p] = 1
            slow_out[k] += 1
    return n_groups


@allocating_kernel
def count_resting(mmsi, t_ms, lat_deg, lon_deg, sog_kn, msg_type, rest_kn, cell_out, who_out):
    """The mooring cells in which vessels lay still, with the bits of who they were; returns the number of cells.

    A vessel lies still where its SOG says so; where it is not given, by the way from the vessel's first report of the
    window without one, REST_SPAN_MS before or more.
    """
    n = mmsi.shape[0]
    size = 16
    while size < 3 * n:
        size *= 2
    hi = np.full(size, -1, np.int64)
    lo = np.zeros(size, np.int64)
    at = np.zeros(size, np.int64)
    vessel = np.full(size, -1, np.int64)
    first = np.zeros(size, np.int64)  # row of the vessel's first report without a speed
    for i in range(n):
        if np.isnan(sog_kn[i]) and not np.isnan(lat_deg[i]):
            s = _slot(vessel, lo, np.int64(mmsi[i]), 0)
            if vessel[s] == -1:
                vessel[s] = np.int64(mmsi[i])
                first[s] = i
            elif _is_before(i, first[s], t_ms, lat_deg, lon_deg):
                first[s] = i
    n_cells = 0
    for i in range(n):
        if np.isnan(lat_deg[i]) or not is_vessel_report(msg_type[i]):
            continue
        if np.isnan(sog_kn[i]):
            k = first[_slot(vessel, lo, np.int64(mmsi[i]), 0)]
            span_ms = t_ms[i] - t_ms[k]
            way_m = quick_distance_m(lat_deg[k], lon_deg[k], lat_deg[i], lon_deg[i])
            if span_ms < REST_SPAN_MS or not way_m / (span_ms / 1000.0) < rest_kn * KN_MS:
                continue
        elif not sog_kn[i] < rest_kn:
            continue
        cell = cell_of(lat_deg[i], lon_deg[i], MOORING_CELL_DEG)
        s = _slot(hi, lo, cell, 0)
        if hi[s] == -1:
            hi[s] = cell
            at[s] = n_cells
            cell_out[n_cells] = cell
            who_out[n_cells] = 0
            n_cells += 1
        who_out[at[s]] |= who_bit(mmsi[i])
    return n_cells


@kernel
def _is_before(i, k, t_ms, lat_deg, lon_deg):
    """Whether report i is the earlier of two; of one time, the more southern and western."""
    if t_ms[i] != t_ms[k]:
        return t_ms[i] < t_ms[k]
    if lat_deg[i] != lat_deg[k]:
        return lat_deg[i] < lat_deg[k]
    return lon_deg[i] < lon_deg[k]
