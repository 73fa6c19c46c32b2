"""Kernels that learn from heartbeats where vessels are heard, slow and at rest. All counts are of all vessels together.

A cell keeps a mean of the vessels heard per ten-minute window that forgets over half a day, so "usual" follows the
tide of the traffic; and sketches (64 bits) of who was heard in the last window and who has ever lain still there.
"""

import math

import numpy as np

from maritime.geo.cells import MOORING_CELL_DEG, RECEPTION_CELL_DEG, ring_cells
from maritime.jit import kernel
from maritime.times import NEVER

WINDOW_MS = 600_000
KEEP = math.exp(-1.0 / 72.0)  # weight of a window against the next: forgets over 72 windows = 12 hours
RINGS = (1, 2, 4)  # ever wider neighbourhoods, of 0.3°, 0.5° and 0.9°, in reception cells each way
NO_WINDOW = -1
N_CELLS, N_MOORINGS, WINDOW, FIRST_WINDOW = 0, 1, 2, 3  # places in the meta array


@kernel
def popcount(x):
    """Number of bits set in 64."""
    x = np.uint64(x)
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def home_slot(mask, cell):
    """Slot at which the search for a cell begins, by Fibonacci hashing."""
    return np.int64((np.uint64(cell) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & mask


@kernel
def cell_slot(keys, cell):
    """Slot of a cell in an open-addressing table of int64 keys (-1 = free), or the free one it would take."""
    mask = keys.shape[0] - 1
    i = home_slot(mask, cell)
    while keys[i] != -1 and keys[i] != cell:
        i = (i + 1) & mask
    return i


@kernel
def _roll(c, window):
    """Close the cell's current window and open a later one."""
    steps = window - c.window
    if steps <= 0:
        return
    kept = KEEP**steps
    c.vessels_sum = (c.vessels_sum + c.vessels[0] + c.vessels[1] + c.vessels[2]) * kept
    c.slow_sum = (c.slow_sum + c.slow) * kept
    c.vessels[0] = 0
    c.vessels[1] = 0
    c.vessels[2] = 0
    c.slow = 0
    c.who = 0
    c.window = window


@kernel
def _blank(c, window):
    """A cell in which a vessel is heard for the first time, or again after it was forgotten."""
    c.window = window
    c.last_heard = NO_WINDOW
    c.windows_heard = 0
    c.vessels[0] = 0
    c.vessels[1] = 0
    c.vessels[2] = 0
    c.slow = 0
    c.vessels_sum = 0.0
    c.slow_sum = 0.0
    c.who = 0


@kernel
def hear(r, window, cell, group, vessels, slow, who, box):
    """Take the rows of one heartbeat's window: arrays of equal length (see heartbeat.count_heard)."""
    if cell.shape[0] > 0 and r.meta[FIRST_WINDOW] == NEVER:
        r.meta[FIRST_WINDOW] = window
    for i in range(cell.shape[0]):
        s = cell_slot(r.keys, cell[i])
        c = r.cells[s]
        if r.keys[s] == -1:
            r.keys[s] = cell[i]
            r.meta[N_CELLS] += 1
            _blank(r.cells[s], window)
        _roll(c, window)
        if r.cells[s].last_heard != window:
            r.cells[s].windows_heard += 1
            r.cells[s].last_heard = window
        k = group[i] & 3
        r.cells[s].vessels[k] = max(np.int64(c.vessels[k]), vessels[i])
        r.cells[s].slow = max(np.int64(c.slow), slow[i])
        r.cells[s].who |= who[i]
        if r.cells[s].windows_heard >= 2:  # once may be a glitch
            r.extent[0] = min(r.extent[0], box[i, 0])
            r.extent[1] = max(r.extent[1], box[i, 1])
            r.extent[2] = min(r.extent[2], box[i, 2])
            r.extent[3] = max(r.extent[3], box[i, 3])


@kernel
def rest(r, window, cell, who):
    """Take the mooring cells of one heartbeat's window."""
    for i in range(cell.shape[0]):
        s = cell_slot(r.mooring_keys, cell[i])
        if r.mooring_keys[s] == -1:
            r.mooring_keys[s] = cell[i]
            r.mooring_who[s] = 0
            r.meta[N_MOORINGS] += 1
        r.mooring_who[s] |= who[i]
        r.mooring_window[s] = window


@kernel
def _remove(keys, s):
    """Free slot `s` of a table and close the gap, so that every other key is still found: one step.

    Returns the slot whose row belongs into `s` now, and which is to be freed in turn; -1 when none does.
    """
    mask = keys.shape[0] - 1
    j = s
    while True:
        j = (j + 1) & mask
        if keys[j] == -1:
            keys[s] = -1
            return -1
        home = home_slot(mask, keys[j])
        if (j - home) & mask >= (j - s) & mask:
            keys[s] = keys[j]
            return j


@kernel
def forget_cells(r, window, windows):
    """Let the reception and mooring cells leave in which no vessel was heard, or lay still, for so many windows."""
    for i in range(r.keys.shape[0]):
        while r.keys[i] != -1 and window - r.cells[i].last_heard > windows:
            s = i
            while s != -1:
                moved = _remove(r.keys, s)
                if moved != -1:
                    r.cells[s] = r.cells[moved]
                s = moved
            r.meta[N_CELLS] -= 1
    for i in range(r.mooring_keys.shape[0]):
        while r.mooring_keys[i] != -1 and window - r.mooring_window[i] > windows:
            s = i
            while s != -1:
                moved = _remove(r.mooring_keys, s)
                if moved != -1:
                    r.mooring_who[s] = r.mooring_who[moved]
                    r.mooring_window[s] = r.mooring_window[moved]
                s = moved
            r.meta[N_MOORINGS] -= 1


@kernel
def heard_near(r, lat_deg, lon_deg, ring, window, own_bit):
    """(others heard in a window, usual number per window, sketch, share of them slow usually) around a position.

    `ring` cells each way; the window must be the last or the one being learned. The own bit is left out of the
    sketch. The usual number is NaN where no vessel was ever heard; so is the share.
    """
    n = ring_cells(lat_deg, lon_deg, RECEPTION_CELL_DEG, ring, r.scratch)
    now = 0.0
    usual = 0.0
    slow = 0.0
    known = False
    who = np.uint64(0)
    for k in range(n):
        s = cell_slot(r.keys, r.scratch[k])
        if r.keys[s] == -1:
            continue
        known = True
        c = r.cells[s]
        total = np.float64(c.vessels[0]) + c.vessels[1] + c.vessels[2]
        if c.window == window:
            now += total
            who |= c.who
            usual_sum = c.vessels_sum
            slow_sum = c.slow_sum
        else:
            kept = KEEP ** (window - c.window)
            usual_sum = (c.vessels_sum + total) * kept
            slow_sum = (c.slow_sum + c.slow) * kept
        usual += usual_sum
        slow += slow_sum
    if not known:
        return 0.0, math.nan, who, math.nan
    weight = KEEP * (1.0 - KEEP ** max(window - r.meta[FIRST_WINDOW], 1)) / (1.0 - KEEP)  # of all windows so far
    usual /= weight
    slow /= weight
    return now, usual, who & ~own_bit, (slow / usual if usual > 0.0 else math.nan)


@kernel
def others_rested(r, lat_deg, lon_deg, own_bit):
    """How many other vessels have been seen at rest within a mooring cell of a position (at least; of a sketch)."""
    n = ring_cells(lat_deg, lon_deg, MOORING_CELL_DEG, 1, r.scratch)
    who = np.uint64(0)
    for k in range(n):
        s = cell_slot(r.mooring_keys, r.scratch[k])
        if r.mooring_keys[s] != -1:
            who |= r.mooring_who[s]
    return popcount(who & ~own_bit)


@kernel
def inside_extent(r, lat_deg, lon_deg, margin_m):
    """Whether a position lies at least `margin_m` inside the box of all that has been heard (no box across 180°)."""
    margin_lat = margin_m / 111_195.0
    margin_lon = margin_lat / max(math.cos(math.radians(lat_deg)), 0.01)
    wide = r.extent[3] - r.extent[2] > 350.0
    return r.extent[0] + margin_lat <= lat_deg <= r.extent[1] - margin_lat and (
        wide or r.extent[2] + margin_lon <= lon_deg <= r.extent[3] - margin_lon
    )


@kernel
def outside_extent_m(r, lat_deg, lon_deg):
    """How far a position lies outside the box of all that has been heard; 0 inside."""
    dlat = max(r.extent[0] - lat_deg, lat_deg - r.extent[1], 0.0)
    dlon = 0.0
    if r.extent[3] - r.extent[2] <= 350.0:
        dlon = max(r.extent[2] - lon_deg, lon_deg - r.extent[3], 0.0) * math.cos(math.radians(lat_deg))
    return 111_195.0 * math.hypot(dlat, dlon)
