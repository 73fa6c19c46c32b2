"""Kernels for what a vessel says of itself: texts become hashes, static reports become vessel state."""

import numpy as np

from maritime.detect.kernels.tables import chain_vessels
from maritime.jit import allocating_kernel, kernel
from maritime.times import NEVER
from maritime.tracks.hull_kernels import vessel_slot

N_HULLS, N_VESSELS, WATERMARK, FREE_HULL, FREE_HULLS, FREE_VESSEL, FREE_VESSELS, SWEPT_DAY = range(8)  # in state.n


@kernel
def text_hash(text, start, end):
    """FNV-1a (64 bit) over the letters and digits of `text[start:end]` (uint8), case folded; 0 when there are none."""
    h = np.uint64(0xCBF29CE484222325)
    n = 0
    for i in range(start, end):
        b = text[i]
        if 97 <= b <= 122:
            b -= 32
        if 48 <= b <= 57 or 65 <= b <= 90 or b >= 128:
            h = (h ^ np.uint64(b)) * np.uint64(0x100000001B3)
            n += 1
    return h if n else np.uint64(0)


@allocating_kernel
def text_hashes(text, offsets, valid, after_arrow):
    """text_hash of every string of an Arrow column; `after_arrow` takes only what follows the last '>' (destinations
    written as "FROM>TO", IALA guidance on the destination field).
    """
    n = offsets.shape[0] - 1
    out = np.zeros(n, np.uint64)
    for i in range(n):
        if valid[i]:
            start = offsets[i]
            if after_arrow:
                for k in range(offsets[i], offsets[i + 1]):
                    if text[k] == 62:
                        start = k + 1
            out[i] = text_hash(text, start, offsets[i + 1])
    return out


@kernel
def note_static(vessel, t_ms, imo, call_sign_hash, name_hash, ship_type, length_m, destination_port):
    """Take one static report; zero (NaN, -2) says nothing. A change of name, call sign, IMO, type or
    length (by more than a metre) is noted.
    """
    changed = False
    name_hash = np.uint32(name_hash ^ (name_hash >> np.uint64(32)))
    call_sign_hash = np.uint32(call_sign_hash ^ (call_sign_hash >> np.uint64(32)))
    if name_hash != 0:
        changed |= vessel.name_hash != 0 and vessel.name_hash != name_hash
        vessel.name_hash = name_hash
    if call_sign_hash != 0:
        changed |= vessel.call_sign_hash != 0 and vessel.call_sign_hash != call_sign_hash
        vessel.call_sign_hash = call_sign_hash
    if imo != 0:
        changed |= vessel.imo != 0 and vessel.imo != imo
        vessel.imo = imo
    if ship_type != 0:
        changed |= vessel.ship_type != 0 and vessel.ship_type != ship_type
        vessel.ship_type = ship_type
    if length_m > 0:
        changed |= abs(vessel.length_m - length_m) > 1.0
        vessel.length_m = length_m
    if destination_port != -2:
        vessel.destination_port = destination_port
    if changed:
        vessel.identity_t = t_ms


@kernel
def blank_vessel(v, mmsi, t_ms):
    """A vessel that is heard for the first time, or again after it was forgotten."""
    v.mmsi = mmsi
    v.first_hull = -1
    v.n_hulls = 0
    v.ship_type = 0
    v.length_m = np.nan
    v.imo = 0
    v.name_hash = 0
    v.call_sign_hash = 0
    v.destination_port = -1
    v.identity_t = NEVER
    v.heard_t = t_ms
    v.stray_n = 0


@kernel
def vessel_row(state, mmsi, t_ms, forget_ms):
    """Row of an MMSI that is heard, made if new, made anew if it was silent for so long; -1 when the table is full."""
    s = vessel_slot(state.table, state.vessels, mmsi)
    if state.table[s] >= 0:
        row = np.int64(state.table[s])
        v = state.vessels[row]
        if t_ms - v.heard_t > forget_ms:
            blank_vessel(v, mmsi, t_ms)
        v.heard_t = max(v.heard_t, t_ms)
        return row
    row = state.n[FREE_VESSEL]
    if row >= 0:
        state.n[FREE_VESSEL] = state.vessels[row].first_hull
        state.n[FREE_VESSELS] -= 1
    else:
        row = state.n[N_VESSELS]
        if row >= state.vessels.shape[0] or 2 * row >= state.table.shape[0]:
            return -1
        state.n[N_VESSELS] = row + 1
    state.table[s] = row
    blank_vessel(state.vessels[row], mmsi, t_ms)
    return row


@kernel
def forget_vessels(state, now_ms, forget_ms):
    """Free the rows of vessels that have been silent for so long and whose hulls have left."""
    n = 0
    for row in range(state.n[N_VESSELS]):
        v = state.vessels[row]
        if v.heard_t != NEVER and now_ms - v.heard_t > forget_ms and v.first_hull < 0:
            v.heard_t = NEVER
            v.first_hull = state.n[FREE_VESSEL]
            state.n[FREE_VESSEL] = row
            n += 1
    if n > 0:
        state.n[FREE_VESSELS] += n
        for s in range(state.table.shape[0]):
            state.table[s] = -1
        chain_vessels(state.table, state.vessels, state.n[N_VESSELS])
