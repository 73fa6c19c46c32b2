"""Kernels that find the hull of a report and keep its track. `hulls` and `vessels` are record arrays (see hulls.py)."""

import math

import numpy as np

from maritime.geo.geodesy import quick_distance_m
from maritime.jit import kernel
from maritime.times import EPOCH_2000_S, NEVER
from maritime.tracks.hulls import DUPLICATE_RING, HOURS_KEPT, HULLS_PER_MMSI, INTERVAL_BINS, LARGEST_NUMBER
from maritime.units import HOUR_MS, KN_MS

STRAY, DUPLICATE, OVERFLOW = -1, -2, -3  # what find_hull answers where a report belongs to no hull
WINDOW_MS = 600_000
MISSES = 2  # chosen: four ships on one MMSI that report by turns are told apart
ANYWHERE = 1e9  # cost of a hull that never gave a position


@kernel
def vessel_slot(table, vessels, mmsi):
    """Slot of an MMSI in the open-addressing table (int32, power of two, -1 = free), or the free one it would take."""
    mask = table.shape[0] - 1
    i = np.int64((np.uint64(mmsi) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & mask
    while table[i] >= 0 and vessels[table[i]].mmsi != mmsi:
        i = (i + 1) & mask
    return i


@kernel
def reach_m(p, dt_ms, sog_a_kn, sog_b_kn):
    """How far a hull can have gone in `dt_ms`, given the speeds that both reports claim (NaN = unknown)."""
    speed_ms = p.reachable_ms
    if math.isnan(sog_a_kn) and math.isnan(sog_b_kn):
        speed_ms = p.unclaimed_ms
    if sog_a_kn * KN_MS * p.claimed_factor > speed_ms:
        speed_ms = sog_a_kn * KN_MS * p.claimed_factor
    if sog_b_kn * KN_MS * p.claimed_factor > speed_ms:
        speed_ms = sog_b_kn * KN_MS * p.claimed_factor
    return p.margin_m + speed_ms * dt_ms / 1000.0


@kernel
def content_hash(lat_deg, lon_deg, sog_kn, cog_deg, heading_deg, status):
    """32 bits of what a report says, to recognise one transmission heard twice, at AIS resolution."""
    h = np.uint64(np.int64(-1 if math.isnan(lat_deg) else math.floor(lat_deg * 600000.0 + 0.5)) & 0xFFFFFFFF)
    h = h * np.uint64(0x100000001B3) ^ np.uint64(
        np.int64(-1 if math.isnan(lon_deg) else math.floor(lon_deg * 600000.0 + 0.5)) & 0xFFFFFFFF
    )
    h = h * np.uint64(0x100000001B3) ^ np.uint64(np.int64(-1 if math.isnan(sog_kn) else sog_kn * 10.0 + 0.5) & 0xFFFF)
    h = h * np.uint64(0x100000001B3) ^ np.uint64(np.int64(-1 if math.isnan(cog_deg) else cog_deg * 10.0 + 0.5) & 0xFFFF)
    h = h * np.uint64(0x100000001B3) ^ np.uint64(
        np.int64(-1 if math.isnan(heading_deg) else heading_deg + 0.5) & 0xFFFF
    )
    h = h * np.uint64(0x100000001B3) ^ np.uint64(status)
    h ^= h >> np.uint64(32)
    return np.uint32(h & np.uint64(0xFFFFFFFF))


@kernel
def since_ms(content_t, t_ms):
    """Time from a kept time (ms modulo 2³²: 49 days) to `t_ms`."""
    return (t_ms - np.int64(content_t)) & 0xFFFFFFFF


@kernel
def find_hull(p, hulls, vessel, t_ms, lat_deg, lon_deg, sog_kn, content):
    """The hull (row number) that a report belongs to; DUPLICATE, or STRAY when none could have reached it.

    NaN position: the hull heard last. `vessel` is the record of the MMSI, with at least one hull.
    """
    best = STRAY
    least = math.inf
    if (
        vessel.stray_n > 0
        and vessel.stray_content == content
        and since_ms(vessel.stray_content_t, t_ms) <= p.duplicate_ms
    ):
        return DUPLICATE
    i = vessel.first_hull
    while i >= 0:
        for k in range(DUPLICATE_RING):
            if (
                k < hulls[i].n_reports
                and hulls[i].content[k] == content
                and since_ms(hulls[i].content_t[k], t_ms) <= p.duplicate_ms
            ):
                return DUPLICATE
        i = hulls[i].next_hull
    i = vessel.first_hull
    if math.isnan(lat_deg):
        newest = NEVER
        while i >= 0:
            if hulls[i].heard_t > newest:
                newest = hulls[i].heard_t
                best = i
            i = hulls[i].next_hull
        return best
    while i >= 0:
        h = hulls[i]
        if t_ms - h.heard_t <= p.forget_ms:
            cost = ANYWHERE
            if h.last_t != NEVER:
                there_m = reach_m(p, t_ms - h.last_t, h.sog, sog_kn)
                share = quick_distance_m(h.lat, h.lon, lat_deg, lon_deg) / there_m
                cost = 4.5 * share * share + 2.0 * math.log(there_m) if share <= 1.0 else math.inf
            if cost < math.inf and cost <= least:
                least = cost
                best = i
        i = h.next_hull
    return best


@kernel
def keep_stray(p, vessel, t_ms, lat_deg, lon_deg, sog_kn, content):
    """Keep an unreachable report aside; True when enough of them bear each other out to be a hull of their own."""
    vessel.stray_content = content
    vessel.stray_content_t = t_ms & 0xFFFFFFFF
    recent = vessel.stray_n > 0 and t_ms - vessel.stray_t <= p.stray_within_ms
    if recent and quick_distance_m(vessel.stray_lat, vessel.stray_lon, lat_deg, lon_deg) <= reach_m(
        p, t_ms - vessel.stray_t, vessel.stray_sog, sog_kn
    ):
        vessel.stray_n += 1
        vessel.stray_span_ms += t_ms - vessel.stray_t
    elif recent and vessel.stray_misses < MISSES:
        vessel.stray_misses += 1
        return False
    else:
        vessel.stray_n = 1
        vessel.stray_span_ms = 0
    vessel.stray_t = t_ms
    vessel.stray_lat = lat_deg
    vessel.stray_lon = lon_deg
    vessel.stray_sog = sog_kn
    vessel.stray_misses = 0
    if vessel.stray_n >= p.stray_reports:
        vessel.stray_n = 0
        return True
    return False


@kernel
def interval_bin(dt_ms):
    """Bin of a report interval: bin k holds intervals up to 2^(k/2) seconds."""
    if dt_ms <= 1000:
        return 0
    return min(int(math.ceil(2.0 * math.log2(dt_ms / 1000.0))), INTERVAL_BINS - 1)


@kernel
def interval_quantile_s(h, share):
    """Upper edge, in seconds, of the bin that holds the given share of a hull's report intervals; NaN with none."""
    total = 0
    for k in range(INTERVAL_BINS):
        total += h.interval_bins[k]
    if total == 0:
        return math.nan
    below = 0
    for k in range(INTERVAL_BINS):
        below += h.interval_bins[k]
        if below >= share * total:
            return 2.0 ** (k / 2.0)
    return math.nan


@kernel
def _shift_to(h, hour, window):
    """Move the hull's hourly counts and window bits on to the hour and window of a new report."""
    steps = hour - h.heard_t // HOUR_MS
    if steps > 0:
        for k in range(HOURS_KEPT - 1, -1, -1):
            h.hour_reports[k] = h.hour_reports[k - steps] if k >= steps else 0
    steps = window - h.heard_t // WINDOW_MS
    if steps > 0:
        h.windows_heard = h.windows_heard << np.uint64(steps) if steps < 64 else np.uint64(0)


@kernel
def reports_in_hours(h, hours, now_ms):
    """Reports of a hull in the last `hours` full hours before and the hour of `now_ms` (at most 12)."""
    newest = np.int64(now_ms // HOUR_MS)
    heard = np.int64(h.heard_t // HOUR_MS)
    total = 0
    for k in range(HOURS_KEPT):
        if newest - (heard - k) < hours:
            total += h.hour_reports[k]
    return total


@kernel
def note_heard(h, t_ms):
    """Count a report of any kind in the hull's hourly counts, window bits and interval bins."""
    _shift_to(h, t_ms // HOUR_MS, t_ms // WINDOW_MS)
    if h.hour_reports[0] < 65535:
        h.hour_reports[0] += 1
    h.windows_heard |= np.uint64(1)
    if h.n_reports > 0:
        k = interval_bin(t_ms - h.heard_t)
        h.interval_bins[k] += 1
        if h.interval_bins[k] >= 1000:  # halve all: what is recent weighs more, and nothing overflows
            for j in range(INTERVAL_BINS):
                h.interval_bins[j] = h.interval_bins[j] // 2
    h.n_reports += 1
    h.heard_t = t_ms


@kernel
def new_hull(hulls, row, vessel, vessel_row, t_ms):
    """Open row `row` of the hull table for a vessel and chain it; the last row of the table is the blank one."""
    hulls[row] = hulls[hulls.shape[0] - 1]  # the last row is kept blank
    hulls[row].mmsi = vessel.mmsi
    hulls[row].vessel = vessel_row
    hulls[row].next_hull = vessel.first_hull
    vessel.first_hull = row
    vessel.n_hulls += 1
    hulls[row].number = vessel.n_hulls
    hulls[row].first_s = t_ms // 1000 - EPOCH_2000_S
    hulls[row].last_t = NEVER
    hulls[row].heard_t = t_ms


@kernel
def may_have_another_hull(p, hulls, vessel, t_ms):
    """Whether a further transmitter of the MMSI can be followed; those forgotten do not count."""
    n = 0
    i = vessel.first_hull
    while i >= 0:
        n += t_ms - hulls[i].heard_t <= p.forget_ms
        i = hulls[i].next_hull
    return n < HULLS_PER_MMSI and vessel.n_hulls < LARGEST_NUMBER


@kernel
def unchain(hulls, vessel, row):
    """Take hull `row` out of the chain of its vessel; with none left, hulls are numbered from 1 again.

    A vessel that was forgotten with its hulls has another chain by now; then nothing changes.
    """
    before = -1
    i = vessel.first_hull
    while i >= 0 and i != row:
        before = i
        i = hulls[i].next_hull
    if i < 0:
        return
    if before >= 0:
        hulls[before].next_hull = hulls[row].next_hull
        return
    vessel.first_hull = hulls[row].next_hull
    if vessel.first_hull < 0:
        vessel.n_hulls = 0
