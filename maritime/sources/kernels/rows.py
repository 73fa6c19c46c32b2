"""Which rows are refused, and which carry new words about the vessel."""

import numpy as np

from maritime.jit import allocating_kernel

# Verdicts on a row; maritime.sources.table gives each its name.
GOOD, MMSI_INVALID, TIME_INVALID, TIME_OUT_OF_RANGE = 0, 1, 2, 3
POSITION_NOT_A_NUMBER, POSITION_OUT_OF_RANGE, HALF_POSITION = 4, 5, 6


@allocating_kernel
def judge(mmsi, t_ms, invalid_ms, oldest_ms, newest_ms, lat_deg, lon_deg):
    """Give every row its verdict and make unknown positions NaN in place.

    mmsi, lat_deg, lon_deg float64[n] (NaN = absent, inf = not a number); t_ms int64[n]. Latitude 91, longitude 181
    (ITU-R M.1371-5 table 45) and exactly 0/0 are unknown; so is longitude 0 beside an unknown latitude, as the Danish
    archive writes it. Returns uint8[n], the first fault found.
    """
    n = t_ms.shape[0]
    verdict = np.zeros(n, np.uint8)
    for i in range(n):
        if not (1.0 <= mmsi[i] <= 999_999_999.0) or mmsi[i] != np.floor(mmsi[i]):
            verdict[i] = MMSI_INVALID
            continue
        if t_ms[i] == invalid_ms:
            verdict[i] = TIME_INVALID
            continue
        if t_ms[i] < oldest_ms or t_ms[i] > newest_ms:
            verdict[i] = TIME_OUT_OF_RANGE
            continue
        if np.isinf(lat_deg[i]) or np.isinf(lon_deg[i]):
            verdict[i] = POSITION_NOT_A_NUMBER
            continue
        if lat_deg[i] == 91.0:
            lat_deg[i] = np.nan
        if lon_deg[i] == 181.0:
            lon_deg[i] = np.nan
        if lon_deg[i] == 0.0 and (lat_deg[i] == 0.0 or np.isnan(lat_deg[i])):
            lat_deg[i] = np.nan
            lon_deg[i] = np.nan
        if np.abs(lat_deg[i]) > 90.0 or np.abs(lon_deg[i]) > 180.0:
            verdict[i] = POSITION_OUT_OF_RANGE
        elif np.isnan(lat_deg[i]) != np.isnan(lon_deg[i]):
            verdict[i] = HALF_POSITION
    return verdict


@allocating_kernel
def fold_hash(digest, offsets, text):
    """Fold one text column into the 64-bit digest of each row (FNV-1a, with a mark between columns).

    digest uint64[n], changed in place; offsets int32[n+1] and text uint8[m] of an Arrow binary array. An absent text
    is an empty one. Returns bool[n]: whether the column says anything in that row.
    """
    n = digest.shape[0]
    says = np.zeros(n, np.bool_)
    prime = np.uint64(0x100000001B3)
    for i in range(n):
        value = digest[i]
        for at in range(offsets[i], offsets[i + 1]):
            value = (value ^ np.uint64(text[at])) * prime
        digest[i] = (value ^ np.uint64(0xFF)) * prime
        says[i] = offsets[i + 1] > offsets[i]
    return says


@allocating_kernel
def mark_changes(mmsi, digest, says, slot_mmsi, slot_digest):
    """Rows whose vessel says something else than at its last word, in order; remembers the newest digest.

    mmsi uint32[n], digest uint64[n], says bool[n]; slot_mmsi uint32[k] (0 = free) and slot_digest uint64[k] are a hash
    table with linear probing, k a power of two and never full. Returns (bool[n], number of slots newly taken).
    """
    n = mmsi.shape[0]
    mask = np.uint32(slot_mmsi.shape[0] - 1)
    changed = np.zeros(n, np.bool_)
    taken = 0
    for i in range(n):
        if not says[i]:
            continue
        slot = (mmsi[i] * np.uint32(2_654_435_761)) & mask
        while slot_mmsi[slot] != 0 and slot_mmsi[slot] != mmsi[i]:
            slot = (slot + np.uint32(1)) & mask
        if slot_mmsi[slot] == 0:
            slot_mmsi[slot] = mmsi[i]
            taken += 1
        elif slot_digest[slot] == digest[i]:
            continue
        slot_digest[slot] = digest[i]
        changed[i] = True
    return changed, taken
