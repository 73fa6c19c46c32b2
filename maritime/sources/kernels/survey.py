"""How often vessels report, and how many reports come twice."""

import numpy as np

from maritime.jit import kernel


@kernel
def count_intervals(mmsi, t_ms, slot_key, slot_t_ms, histogram):
    """Count the times between each vessel's reports in whole seconds; returns the number of slots newly taken.

    mmsi uint32[n], t_ms int64[n] in file order; slot_key uint32[k] (MMSI + 1; 0 = free) and slot_t_ms int64[k] are a
    hash table with linear probing, k a power of two and never full; histogram int64[m] counts 1 s, 2 s, … m s and more.
    Only reports that are newer than the vessel's newest count.
    """
    mask = np.uint32(slot_key.shape[0] - 1)
    taken = 0
    for i in range(mmsi.shape[0]):
        key = mmsi[i] + np.uint32(1)
        slot = (key * np.uint32(2_654_435_761)) & mask
        while slot_key[slot] != 0 and slot_key[slot] != key:
            slot = (slot + np.uint32(1)) & mask
        if slot_key[slot] == 0:
            slot_key[slot] = key
            slot_t_ms[slot] = t_ms[i]
            taken += 1
            continue
        interval_s = (t_ms[i] - slot_t_ms[slot] + 500) // 1000
        if interval_s > 0:
            histogram[min(interval_s, histogram.shape[0]) - 1] += 1
            slot_t_ms[slot] = t_ms[i]
    return taken


@kernel
def count_repeats(mmsi, t_ms, lat_deg, lon_deg, seen):
    """Reports of the same vessel, time and place as one before; `seen` uint64[k], k a power of two, is overwritten.

    A repeat is missed when about k other reports came between.
    """
    mask = np.uint64(seen.shape[0] - 1)
    prime = np.uint64(0x9E3779B97F4A7C15)
    repeats = 0
    lat_bits = lat_deg.view(np.uint64)
    lon_bits = lon_deg.view(np.uint64)
    for i in range(mmsi.shape[0]):
        digest = np.uint64(mmsi[i]) * prime
        digest = (digest ^ np.uint64(t_ms[i])) * prime
        digest = (digest ^ (digest >> np.uint64(29)) ^ lat_bits[i]) * prime
        digest = (digest ^ (digest >> np.uint64(31)) ^ lon_bits[i]) * prime
        digest = (digest ^ (digest >> np.uint64(32))) * prime  # a round float has its bits at the top only
        digest ^= digest >> np.uint64(32)
        slot = digest & mask
        if seen[slot] == digest:
            repeats += 1
        seen[slot] = digest
    return repeats
