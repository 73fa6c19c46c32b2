"""Kernels of reception outages; the rule in words is in maritime/detect/outage.py."""

import numpy as np

from maritime.detect.kernels.events import CLOSED, OPEN, OUTAGE
from maritime.detect.kernels.reception import KEEP, cell_slot, popcount
from maritime.geo.cells import RECEPTION_CELL_DEG, cell_of, columns_of_row, ring_cells
from maritime.jit import kernel
from maritime.times import FAR, NEVER

N_REGIONS, SOURCES_OUT = 4, 5  # places in the reception's meta array
REGION_DEG = 1.0
SKETCH_BITS = 64.0
MOVED_SHARE = 0.5  # chosen: of those last heard in a region, heard in the regions around it: they sailed on
TOLD, COVERED = 1, 2  # how a source or region is out: told of, or a region within the outage of a source


@kernel
def cell_middle(cell, size_deg):
    """Latitude and longitude of the middle of a cell."""
    stride = 2 * int(round(180.0 / size_deg))
    row = cell // stride
    column = cell % stride
    return (row + 0.5) * size_deg - 90.0, (column + 0.5) * 360.0 / columns_of_row(row, size_deg) - 180.0


@kernel
def _hear(g, vessels, first_ms, last_ms):
    if g.vessels == 0:
        g.first_t = first_ms
    else:
        g.first_t = min(g.first_t, first_ms)
    g.vessels += vessels
    g.last_t = max(g.last_t, last_ms)


@kernel
def hear_groups(r, cell, group, vessels, first_ms, last_ms, who):
    """Add the rows of one window to their sources and regions."""
    for i in range(cell.shape[0]):
        _hear(r.sources[group[i] >> 2], vessels[i], first_ms[i], last_ms[i])
        lat, lon = cell_middle(cell[i], RECEPTION_CELL_DEG)
        region = cell_of(lat, lon, REGION_DEG)
        s = cell_slot(r.region_keys, region)
        if r.region_keys[s] == -1:
            r.region_keys[s] = region
            r.meta[N_REGIONS] += 1
        _hear(r.regions[s], vessels[i], first_ms[i], last_ms[i])
        r.regions[s].who |= who[i]


@kernel
def _heard_around(r, key):
    """Sketch of the vessels heard in the window being closed in the regions around a region."""
    lat, lon = cell_middle(key, REGION_DEG)
    who = np.uint64(0)
    for k in range(ring_cells(lat, lon, REGION_DEG, 1, r.scratch)):
        s = cell_slot(r.region_keys, r.scratch[k])
        if r.scratch[k] != key and r.region_keys[s] != -1:
            who |= r.regions[s].who
    return who


@kernel
def sailed_on(silenced_who, around_who):
    """Whether, of vessels that are heard in a region no more, half or more are heard around it; both are sketches.

    A sketch that is filled to a share f shows that share of any vessels by chance.
    """
    by_chance = popcount(around_who) / SKETCH_BITS
    silenced = popcount(silenced_who)
    if silenced == 0 or by_chance == 1.0:
        return False
    return popcount(silenced_who & around_who) / silenced - by_chance >= MOVED_SHARE * (1.0 - by_chance)


@kernel
def _tell(g, is_region, key, what, now_ms, end_ms, out):
    i = out.n[0]
    out.n[0] = i + 1
    e = out.rows[i]
    e.kind = OUTAGE
    e.what = what
    e.mmsi = 0
    e.number = 0
    e.source = 0 if is_region else key
    e.clock_off_s = np.nan if is_region or not g.clock else g.clock_off_s
    e.first_t = NEVER
    e.identity_t = NEVER
    e.prior_30d = 0
    e.prior_365d = 0
    e.windows_heard = 0
    e.windows_known = 0
    e.revision = g.told
    g.told += 1
    e.alerted = 1
    e.held = 0
    e.told_t = now_ms
    e.start_t = g.quiet_t
    e.end_t = end_ms
    e.lat = np.nan
    e.lon = np.nan
    if is_region:
        e.lat, e.lon = cell_middle(key, REGION_DEG)
    for k in range(e.v.shape[0]):
        e.v[k] = np.nan
    e.v[0] = g.usual
    e.v[1] = g.silenced
    e.v[2] = is_region
    e.v[3] = key


@kernel
def _close(p, g, around_who, last_before, now_ms, is_region, key, others_out, tells, out):
    """Close a window of one source or region; returns 1 while it is out. `around_who`: see sailed_on; 0 of a source."""
    if not g.heard and g.vessels == 0:
        return 0
    g.heard = 1
    usual = g.vessels_sum / g.weight if g.weight > 0.0 else 0.0
    low = g.vessels <= p.quiet_share * usual
    quiet = (
        p.enabled
        and low
        and usual >= p.usual_vessels
        and g.steady >= p.steady_windows
        and (g.quiet > 0 or 2.0 * g.vessels_before >= usual)
        and not sailed_on(g.who_before if g.quiet == 0 else g.silenced_who, around_who)
    )
    if g.out == TOLD:
        if g.vessels >= p.back_share * g.usual:
            g.out = 0
            g.quiet = 0
            g.ended_t = max(g.first_t, g.quiet_t)
            if tells:
                _tell(g, is_region, key, CLOSED, now_ms, g.ended_t, out)
    elif quiet:
        if g.quiet == 0:
            g.quiet_t = last_before
            g.silenced = g.vessels_before
            g.silenced_who = g.who_before
        g.quiet += 1
        fell_together = g.quiet >= p.quiet_windows and g.silenced >= p.usual_vessels
        if fell_together and others_out:
            g.out = COVERED
        elif fell_together:
            g.out = TOLD
            g.usual = usual
            g.told = 0
            if tells:
                _tell(g, is_region, key, OPEN, now_ms, FAR, out)
    else:
        if g.out == COVERED:
            g.out = 0
            g.ended_t = max(g.first_t, g.quiet_t)
        g.quiet = 0
        g.steady = 0 if low else g.steady + 1
    if g.quiet == 0 and not g.out:
        g.vessels_sum = g.vessels_sum * KEEP + g.vessels
        g.weight = g.weight * KEEP + 1.0
    g.vessels_before = g.vessels
    g.vessels = 0
    return 1 if g.out else 0


@kernel
def close_window(
    p, r, cell, group, vessels, first_ms, last_ms, who, last_source_ms, last_region_ms, now_ms, tells, out
):
    """Close one reception window: count its rows by source and region, and see who is out (nobody, when disabled).

    `last_source_ms` and `last_region_ms` are scratch of the tables' lengths.
    """
    for s in range(r.sources.shape[0]):
        last_source_ms[s] = r.sources[s].last_t
    for s in range(r.regions.shape[0]):
        last_region_ms[s] = r.regions[s].last_t
    hear_groups(r, cell, group, vessels, first_ms, last_ms, who)
    n_out = 0
    for s in range(r.sources.shape[0]):
        n_out += _close(p, r.sources[s], np.uint64(0), last_source_ms[s], now_ms, 0, s, 0, tells, out)
    r.meta[SOURCES_OUT] = n_out
    for s in range(r.regions.shape[0]):
        if r.region_keys[s] != -1:
            key = r.region_keys[s]
            _close(p, r.regions[s], _heard_around(r, key), last_region_ms[s], now_ms, 1, key, n_out, tells, out)
    for s in range(r.regions.shape[0]):
        r.regions[s].who_before = r.regions[s].who
        r.regions[s].who = 0


@kernel
def note_clocks(r, source, offset_s, doubt):
    """Take the wrong clocks of one minute, arrays of equal length: every other source is right, or not known."""
    for s in range(r.sources.shape[0]):
        r.sources[s].clock = 0
    for i in range(source.shape[0]):
        g = r.sources[source[i]]
        g.clock = doubt[i]
        g.clock_off_s = offset_s[i]


@kernel
def is_clock_off(r, h):
    """Whether the clock of the source that heard the hull last is off."""
    return r.sources[h.source].clock != 0


@kernel
def is_out(r, source, lat, lon):
    """Whether the source, or the region of a position, is out or seems to be."""
    if r.sources[source].out or r.sources[source].quiet > 0:
        return True
    s = cell_slot(r.region_keys, cell_of(lat, lon, REGION_DEG))
    return r.region_keys[s] != -1 and (r.regions[s].out > 0 or r.regions[s].quiet > 0)


@kernel
def was_out_since(r, source, lat, lon, since_ms):
    """Whether an outage of the source, or of the region of a position, lasts or has ended after a time."""
    if r.sources[source].out or r.sources[source].ended_t > since_ms:
        return True
    s = cell_slot(r.region_keys, cell_of(lat, lon, REGION_DEG))
    return r.region_keys[s] != -1 and (r.regions[s].out > 0 or r.regions[s].ended_t > since_ms)
