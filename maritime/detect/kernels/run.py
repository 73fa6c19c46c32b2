"""The one place positions pass through: reports and heartbeats, merged in event time, drive every behaviour.

For each heartbeat: static reports before its watermark, then positions before it, then its reception counts, then the
passing of time for every hull whose deadline has come. Nothing here knows a clock or where a batch ends.
"""

import math

import numpy as np

from maritime.detect.kernels.beacon import (
    beacon_deadline,
    beacon_report,
    beacon_time,
    is_beacon_mmsi,
    tell_open_beacon,
    tell_open_withheld,
    withheld_deadline,
    withheld_report,
    withheld_time,
)
from maritime.detect.kernels.dark_period import (
    silence_clash,
    silence_doubted,
    silence_ends,
    silence_report,
    silence_time,
    tell_open_silence,
)
from maritime.detect.kernels.events import CLASH, OPEN, tell
from maritime.detect.kernels.heartbeat import is_vessel_report, transceiver_class, who_bit
from maritime.detect.kernels.identity import (
    FREE_HULL,
    FREE_HULLS,
    N_HULLS,
    SWEPT_DAY,
    WATERMARK,
    forget_vessels,
    note_static,
    vessel_row,
)
from maritime.detect.kernels.landing import NOTHING as NO_LANDFALL
from maritime.detect.kernels.landing import (
    landfall_act,
    landfall_deadline,
    landfall_open,
    landfall_step,
    landfall_time,
    tell_open_landfall,
)
from maritime.detect.kernels.loitering import NOTHING as NO_LOITERING
from maritime.detect.kernels.loitering import (
    loitering_act,
    loitering_deadline,
    loitering_step,
    loitering_time,
    tell_open_loitering,
)
from maritime.detect.kernels.outage import close_window, note_clocks
from maritime.detect.kernels.reception import N_CELLS, N_MOORINGS, WINDOW, WINDOW_MS, forget_cells, hear, rest
from maritime.geo.geodesy import quick_distance_m
from maritime.jit import inlined, kernel
from maritime.times import FAR, NEVER
from maritime.tracks.clock_kernels import REFUSED as CLOCK_REFUSED
from maritime.tracks.hull_kernels import (
    DUPLICATE,
    STRAY,
    content_hash,
    find_hull,
    keep_stray,
    may_have_another_hull,
    new_hull,
    note_heard,
    unchain,
    vessel_slot,
)
from maritime.tracks.hulls import DUPLICATE_RING
from maritime.units import DAY_MS, KN_MS

REPORTS, DUPLICATES, STRAYS, OVERFLOWS, SET_ASIDE, WITHHELD_REPORTS, CLASHES = range(7)  # places in state.counts
REFUSED_REPORTS = 7
BEAT, STATIC, ROW, TIMER, STAGE = 0, 1, 2, 3, 4  # places in the cursor
DONE, NEED_ROOM = 0, 1


@kernel
def is_set_aside(mmsi, msg_type):
    """Reports that no behaviour is judged from: base stations, AtoN, SAR aircraft, craft of a mother ship (98…), coast
    stations and groups. They are counted; who is what by its MMSI stands in ITU-R M.585-9.
    """
    return (
        (not is_vessel_report(msg_type) and msg_type != 14)
        or mmsi // 10_000_000 == 98
        or mmsi // 10_000_000 == 99
        or mmsi // 1_000_000 == 111
        or (100 <= mmsi < 100_000_000 and mmsi >= 1_000_000)
    )


@inlined
def set_deadline(state, p, row):
    """When the passing of time next matters to a hull."""
    h = state.hulls[row]
    due = min(loitering_deadline(p.loitering, h), h.silence_due_t)
    due = min(due, landfall_deadline(p.landing, h))
    due = min(due, beacon_deadline(p.distress, h))
    due = min(due, h.heard_t + p.hulls.forget_ms + 1)
    state.due_t[row] = min(due, withheld_deadline(p.withheld, h))


@kernel
def _open_hull(state, row_of_vessel, t_ms):
    row = state.n[FREE_HULL]
    if row >= 0:
        state.n[FREE_HULL] = state.hulls[row].next_hull
        state.n[FREE_HULLS] -= 1
    else:
        row = state.n[N_HULLS]
        state.n[N_HULLS] = row + 1
    new_hull(state.hulls, row, state.vessels[row_of_vessel], row_of_vessel, t_ms)
    state.hulls[row].windows_from = np.int32(t_ms // WINDOW_MS)
    return row


@kernel
def _is_forgotten(p, hulls, vessel, t_ms):
    """Whether every hull of a vessel has been silent for so long that their numbers begin anew."""
    i = vessel.first_hull
    while i >= 0:
        if t_ms - hulls[i].heard_t <= p.forget_ms:
            return False
        i = hulls[i].next_hull
    return True


@kernel
def _other_hulls_clash(state, p, vessel, first_ms, t_ms, lat, lon, now_ms, world, out):
    """A new hull appeared: a hull of the same MMSI that fell silent before it did was no silent ship but this one,
    unless the two were heard by turns before. Tells a clash.
    """
    i = vessel.first_hull
    while i >= 0:
        h = state.hulls[i]
        if h.heard_t < first_ms:
            silence_clash(p.dark_period, h, vessel.ship_type, now_ms, world, out)
            set_deadline(state, p, i)
        i = h.next_hull


@kernel
def _tell_clash(h, other, t_ms, now_ms, out):
    """Two hulls on one MMSI, once, when the second is found."""
    e = tell(out, CLASH, OPEN, h, 0, 1, now_ms, t_ms, FAR, h.lat, h.lon)
    e.v[0] = other.number
    e.v[1] = other.lat
    e.v[2] = other.lon
    e.v[3] = other.last_t
    e.v[4] = quick_distance_m(other.lat, other.lon, h.lat, h.lon)
    e.v[5] = e.v[4] / max((t_ms - other.last_t) / 1000.0, 1.0) / KN_MS


@kernel
def _refuse(state, p, mmsi, now_ms, world, out):
    """A report of a source whose clock is so far off that it is refused: all it says is that the MMSI is heard."""
    state.counts[REFUSED_REPORTS] += 1
    s = vessel_slot(state.table, state.vessels, mmsi)
    if state.table[s] < 0:
        return
    vessel = state.vessels[state.table[s]]
    i = vessel.first_hull
    while i >= 0:
        silence_doubted(p.dark_period, state.hulls[i], vessel.ship_type, now_ms, world, out)
        set_deadline(state, p, i)
        i = state.hulls[i].next_hull


@inlined
def _report(state, p, mmsi, t_ms, lat, lon, sog, cog, heading, status, msg_type, source, now_ms, world, out):
    """One report through hull separation, every behaviour, and into the track. False when the tables are full."""
    if is_set_aside(mmsi, msg_type):
        state.counts[SET_ASIDE] += 1
        return True
    if state.n[FREE_HULL] < 0 and state.n[N_HULLS] + 2 >= state.hulls.shape[0]:
        return False
    row_of_vessel = vessel_row(state, mmsi, t_ms, p.hulls.forget_ms)
    if row_of_vessel < 0:
        return False
    vessel = state.vessels[row_of_vessel]
    if vessel.first_hull >= 0 and _is_forgotten(p.hulls, state.hulls, vessel, t_ms):
        vessel.first_hull = -1
        vessel.n_hulls = 0
    state.counts[REPORTS] += 1
    content = content_hash(lat, lon, sog, cog, heading, status)
    if vessel.first_hull < 0:
        row = _open_hull(state, row_of_vessel, t_ms)
    else:
        row = find_hull(p.hulls, state.hulls, vessel, t_ms, lat, lon, sog, content)
        if row == DUPLICATE:
            state.counts[DUPLICATES] += 1
            return True
        if row == STRAY:
            state.counts[STRAYS] += 1
            if not keep_stray(p.hulls, vessel, t_ms, lat, lon, sog, content):
                return True
            if not may_have_another_hull(p.hulls, state.hulls, vessel, t_ms):
                state.counts[OVERFLOWS] += 1
                return True
            first_ms = t_ms - vessel.stray_span_ms
            other = vessel.first_hull
            _other_hulls_clash(state, p, vessel, first_ms, t_ms, lat, lon, now_ms, world, out)
            row = _open_hull(state, row_of_vessel, first_ms)
            state.counts[CLASHES] += 1
            state.hulls[row].lat = lat
            state.hulls[row].lon = lon
            state.hulls[row].source = source
            _tell_clash(state.hulls[row], state.hulls[other], t_ms, now_ms, out)
    h = state.hulls[row]
    own_bit = who_bit(mmsi)
    window = state.n[WATERMARK] // WINDOW_MS - 1
    k = h.n_reports % DUPLICATE_RING
    h.content[k] = content
    h.content_t[k] = t_ms & 0xFFFFFFFF
    if h.source == 0 or is_beacon_mmsi(mmsi):  # of others it stays the last report's until their silence is judged
        h.source = source
    beacon_report(p.distress, h, t_ms, lat, lon, status, msg_type, now_ms, out)
    if h.last_t != NEVER and t_ms - h.heard_t >= p.dark_period.least_ms and not is_beacon_mmsi(mmsi):
        if world.reception.sources[source].clock and not h.silence_alerted:
            silence_doubted(p.dark_period, h, vessel.ship_type, now_ms, world, out)
        silence_ends(p.dark_period, h, vessel.ship_type, t_ms, lat, lon, sog, cog, now_ms, window, own_bit, world, out)
    if is_beacon_mmsi(mmsi) or msg_type == 14:
        note_heard(h, t_ms)
        if not math.isnan(lat):
            h.lat = lat
            h.lon = lon
            h.last_t = t_ms
        set_deadline(state, p, row)
        return True
    if math.isnan(lat):
        state.counts[WITHHELD_REPORTS] += 1
        note_heard(h, t_ms)
        withheld_report(p.withheld, h, t_ms, lat, now_ms, out)
        set_deadline(state, p, row)
        return True
    withheld_report(p.withheld, h, t_ms, lat, now_ms, out)
    ship_type = vessel.ship_type
    loitering = loitering_step(p.loitering, h, t_ms, lat, lon, sog, cog, heading, status)
    if loitering != NO_LOITERING:
        loitering_act(
            p.loitering, h, ship_type, loitering, t_ms, lat, lon, sog, cog, heading, status, now_ms, window, own_bit,
            world, out,
        )  # fmt: skip
    landfall = landfall_step(p.landing, h, vessel.length_m, t_ms, lat, lon, sog, cog)
    if landfall != NO_LANDFALL:
        landfall_act(p.landing, h, vessel, landfall, t_ms, lat, lon, now_ms, window, own_bit, world, out)
    silence_report(h, t_ms)
    note_heard(h, t_ms)
    h.last_t = t_ms
    h.lat = lat
    h.lon = lon
    h.sog = sog
    h.cog = cog
    h.status = status
    h.transceiver = transceiver_class(msg_type)
    h.source = source
    set_deadline(state, p, row)
    return True


@kernel
def _passing_of_time(state, p, row, now_ms, window, world, out):
    """Everything that happens to a hull because time has passed."""
    h = state.hulls[row]
    vessel = state.vessels[h.vessel]
    own_bit = who_bit(h.mmsi)
    beacon_time(p.distress, h, now_ms, out)
    withheld_time(p.withheld, h, now_ms, out)
    loitering_time(p.loitering, h, vessel.ship_type, now_ms, window, own_bit, world, out)
    landfall_time(p.landing, h, vessel, now_ms, window, own_bit, world, out)
    silence_time(p.dark_period, h, vessel.ship_type, now_ms, window, own_bit, world, out)
    if now_ms - h.heard_t > p.hulls.forget_ms:
        _forget_hull(state, p, row, now_ms, window, world, out)
    else:
        set_deadline(state, p, row)


@kernel
def _tell_open_of(state, p, row, now_ms, window, world, out):
    """Tell every episode of a hull that is under way and was not told."""
    h = state.hulls[row]
    vessel = state.vessels[h.vessel]
    own_bit = who_bit(h.mmsi)
    if h.last_t != NEVER and h.last_t == h.heard_t and not h.silence_alerted and not is_beacon_mmsi(h.mmsi):
        tell_open_silence(p.dark_period, h, vessel.ship_type, now_ms, world, out)
    if h.loiter_open and not h.loiter_alerted:
        tell_open_loitering(p.loitering, h, vessel.ship_type, now_ms, window, own_bit, world, out)
    if landfall_open(h):
        tell_open_landfall(p.landing, h, vessel, now_ms, window, own_bit, world, out)
    if h.beacon_open and not h.beacon_active:
        tell_open_beacon(h, now_ms, out)
    if h.withheld_open and not h.withheld_alerted:
        tell_open_withheld(p.withheld, h, now_ms, out)


@kernel
def _forget_hull(state, p, row, now_ms, window, world, out):
    """A hull leaves after so long a silence: what lasts and was not told is told now, and its row is free."""
    _tell_open_of(state, p, row, now_ms, window, world, out)
    unchain(state.hulls, state.vessels[state.hulls[row].vessel], row)
    state.hulls[row] = state.hulls[state.hulls.shape[0] - 1]
    state.hulls[row].next_hull = state.n[FREE_HULL]
    state.n[FREE_HULL] = row
    state.n[FREE_HULLS] += 1
    state.due_t[row] = FAR


@kernel
def _forget(state, p, now_ms):
    """Once a day, the rows of vessels and cells that have been silent for too long leave."""
    day = now_ms // DAY_MS
    if day > state.n[SWEPT_DAY]:
        state.n[SWEPT_DAY] = day
        forget_vessels(state, now_ms, p.hulls.forget_ms)
        forget_cells(state.reception, now_ms // WINDOW_MS - 1, p.hulls.forget_ms // WINDOW_MS)


@kernel
def _note_vessel(state, first, out):
    """Say in the events from row `first` on how far the clock of their source is off, and when their vessel last said
    something else of itself.
    """
    for i in range(first, out.n[0]):
        g = state.reception.sources[out.rows[i].source]
        if g.clock and out.rows[i].mmsi:
            out.rows[i].clock_off_s = g.clock_off_s
        s = vessel_slot(state.table, state.vessels, out.rows[i].mmsi)
        if state.table[s] >= 0:
            out.rows[i].identity_t = state.vessels[state.table[s]].identity_t


@kernel
def run(state, p, world, rows, refused, statics, beats, scratch_sources, scratch_regions, tells_outages, cursor, out):
    """Process all heartbeats of a batch with the rows and statics before them, from where the cursor stands.

    `refused` bool[rows] out: the rows that are refused for the clock of their source.
    Returns DONE, or NEED_ROOM when a table or the event table must grow first; call again and it goes on.
    """
    r = world.reception
    spare = 16
    while cursor[BEAT] < beats.watermark_ms.shape[0]:
        now_ms = beats.watermark_ms[cursor[BEAT]]
        if cursor[STAGE] == 0:
            a, b = beats.clocks_from[cursor[BEAT]], beats.clocks_from[cursor[BEAT] + 1]
            note_clocks(r, beats.clocks.source[a:b], beats.clocks.offset_s[a:b], beats.clocks.doubt[a:b])
            while cursor[STATIC] < statics.t.shape[0] and statics.t[cursor[STATIC]] < now_ms:
                i = cursor[STATIC]
                row = vessel_row(state, statics.mmsi[i], statics.t[i], p.hulls.forget_ms)
                if row < 0:
                    return NEED_ROOM
                note_static(
                    state.vessels[row],
                    statics.t[i],
                    statics.imo[i],
                    statics.call_sign_hash[i],
                    statics.name_hash[i],
                    statics.ship_type[i],
                    statics.length_m[i],
                    statics.destination_port[i],
                )
                cursor[STATIC] = i + 1
            while cursor[ROW] < rows.t.shape[0] and rows.t[cursor[ROW]] < now_ms:
                i = cursor[ROW]
                told = out.n[0]
                if r.sources[rows.source[i]].clock == CLOCK_REFUSED:
                    if out.n[0] + spare >= out.rows.shape[0]:
                        return NEED_ROOM
                    _refuse(state, p, rows.mmsi[i], now_ms, world, out)
                    refused[i] = True
                elif out.n[0] + spare >= out.rows.shape[0] or not _report(
                    state,
                    p,
                    rows.mmsi[i],
                    rows.t[i],
                    rows.lat[i],
                    rows.lon[i],
                    np.float64(rows.sog[i]),
                    np.float64(rows.cog[i]),
                    np.float64(rows.heading[i]),
                    rows.nav_status[i],
                    rows.msg_type[i],
                    rows.source[i],
                    now_ms,
                    world,
                    out,
                ):
                    return NEED_ROOM
                if out.n[0] > told:
                    _note_vessel(state, told, out)
                cursor[ROW] = i + 1
            cursor[STAGE] = 1
        if cursor[STAGE] == 1:
            state.n[WATERMARK] = now_ms
            if now_ms % WINDOW_MS == 0:
                a, b = beats.heard_from[cursor[BEAT]], beats.heard_from[cursor[BEAT] + 1]
                c, d = beats.resting_from[cursor[BEAT]], beats.resting_from[cursor[BEAT] + 1]
                if (
                    2 * (r.meta[N_CELLS] + b - a) >= r.keys.shape[0]
                    or 2 * (r.meta[N_MOORINGS] + d - c) >= r.mooring_keys.shape[0]
                    or 2 * (r.meta[4] + b - a) >= r.regions.shape[0]
                    or out.n[0] + r.sources.shape[0] + r.regions.shape[0] + spare >= out.rows.shape[0]
                ):
                    return NEED_ROOM
                window = now_ms // WINDOW_MS - 1
                r.meta[WINDOW] = window
                heard = beats.heard
                hear(
                    r, window, heard.cell[a:b], heard.group[a:b], heard.vessels[a:b], heard.slow[a:b], heard.who[a:b],
                    heard.box[a:b],
                )  # fmt: skip
                rest(r, window, beats.resting.cell[c:d], beats.resting.who[c:d])
                close_window(
                    p.outage, r, heard.cell[a:b], heard.group[a:b], heard.vessels[a:b], heard.first_ms[a:b],
                    heard.last_ms[a:b], heard.who[a:b], scratch_sources, scratch_regions, now_ms, tells_outages, out,
                )  # fmt: skip
            cursor[TIMER] = 0
            cursor[STAGE] = 2
        window = now_ms // WINDOW_MS - 1
        while cursor[TIMER] < state.n[N_HULLS]:
            i = cursor[TIMER]
            if state.due_t[i] <= now_ms:
                if out.n[0] + spare >= out.rows.shape[0]:
                    return NEED_ROOM
                told = out.n[0]
                _passing_of_time(state, p, i, now_ms, window, world, out)
                _note_vessel(state, told, out)
            cursor[TIMER] = i + 1
        _forget(state, p, now_ms)
        cursor[STAGE] = 0
        cursor[BEAT] += 1
    return DONE


@kernel
def tell_open(state, p, world, out):
    """Tell every episode under way that was not told, for the record; the hulls stay as they were."""
    now_ms = state.n[WATERMARK]
    window = now_ms // WINDOW_MS - 1
    spare = state.hulls.shape[0] - 2  # beside the blank row: no hull opens there
    for i in range(state.n[N_HULLS]):
        state.hulls[spare] = state.hulls[i]
        _tell_open_of(state, p, i, now_ms, window, world, out)
        state.hulls[i] = state.hulls[spare]
    _note_vessel(state, 0, out)
