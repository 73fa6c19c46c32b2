"""Kernels of distress beacons and withheld positions; the rules in words are in maritime/detect/beacon.py."""

import math

from maritime.detect.kernels.events import BEACON, CLOSED, OPEN, UPDATE, WITHHELD, tell
from maritime.jit import kernel
from maritime.times import FAR, NEVER

SART_ACTIVE = 14  # navigational status, ITU-R M.1371-5 table 45


@kernel
def is_beacon_mmsi(mmsi):
    """AIS-SART 970, man overboard 972, EPIRB-AIS 974 (ITU-R M.585-9 annex 2)."""
    return mmsi // 1_000_000 == 970 or mmsi // 1_000_000 == 972 or mmsi // 1_000_000 == 974


@kernel
def _tell_beacon(h, what, now_ms, end_ms, out):
    e = tell(
        out,
        BEACON,
        what,
        h,
        h.beacon_told,
        h.beacon_active,
        now_ms,
        h.beacon_start_t,
        end_ms,
        h.beacon_lat,
        h.beacon_lon,
    )
    h.beacon_told += 1
    e.v[0] = h.beacon_n
    e.v[1] = h.beacon_seen_t


@kernel
def beacon_report(p, h, t_ms, lat, lon, status, msg_type, now_ms, out):
    """A report of any kind, positioned or not."""
    if not p.enabled:
        return
    beacon = is_beacon_mmsi(h.mmsi)
    active = status == SART_ACTIVE and (beacon or msg_type <= 3)
    if not beacon and not active:
        return
    if not h.beacon_open:
        h.beacon_open = 1
        h.beacon_active = 0
        h.beacon_told = 0
        h.beacon_n = 0
        h.beacon_start_t = t_ms
        h.beacon_lat = math.nan
        h.beacon_lon = math.nan
    h.beacon_n += 1
    h.beacon_seen_t = t_ms
    news = math.isnan(h.beacon_lat) and not math.isnan(lat)
    if not math.isnan(lat):
        h.beacon_lat = lat
        h.beacon_lon = lon
    if active and not h.beacon_active:
        h.beacon_active = 1
        _tell_beacon(h, OPEN, now_ms, FAR, out)
    elif h.beacon_active and news:
        _tell_beacon(h, UPDATE, now_ms, FAR, out)


@kernel
def beacon_deadline(p, h):
    """When silence ends the episode."""
    return h.beacon_seen_t + p.pause_ms + 1 if h.beacon_open else FAR


@kernel
def beacon_time(p, h, now_ms, out):
    """The passing of time ends the episode at the last report."""
    if h.beacon_open and now_ms > h.beacon_seen_t + p.pause_ms:
        _tell_beacon(h, CLOSED, now_ms, h.beacon_seen_t, out)
        h.beacon_open = 0


@kernel
def _tell_withheld(h, what, now_ms, end_ms, out):
    lat = h.lat if h.last_t != NEVER else math.nan
    lon = h.lon if h.last_t != NEVER else math.nan
    e = tell(out, WITHHELD, what, h, h.withheld_told, h.withheld_alerted, now_ms, h.withheld_start_t, end_ms, lat, lon)
    h.withheld_told += 1
    e.v[0] = h.withheld_n
    e.v[1] = math.nan if h.last_t == NEVER else h.last_t
    e.v[2] = h.positions_n
    e.v[3] = h.sog
    e.v[4] = h.withheld_seen_t


@kernel
def withheld_report(p, h, t_ms, lat, now_ms, out):
    """A report of a vessel: without a position it begins or goes on withholding, with one it ends it."""
    if not p.enabled:
        return
    if not math.isnan(lat):
        if h.withheld_open:
            end_withheld(p, h, t_ms, now_ms, out)
        h.positions_n += 1
        return
    if not h.withheld_open:
        h.withheld_open = 1
        h.withheld_alerted = 0
        h.withheld_told = 0
        h.withheld_n = 0
        h.withheld_start_t = t_ms
    h.withheld_n += 1
    h.withheld_seen_t = t_ms
    if (
        not h.withheld_alerted
        and h.withheld_n >= p.reports
        and t_ms - h.withheld_start_t >= p.after_ms
        and h.positions_n >= p.positions_before
    ):
        h.withheld_alerted = 1
        _tell_withheld(h, OPEN, now_ms, FAR, out)


@kernel
def end_withheld(p, h, end_ms, now_ms, out):
    """Close the open episode; a passing lack of a fix that nobody was told of leaves no trace."""
    if h.withheld_alerted or end_ms - h.withheld_start_t >= p.after_ms:
        _tell_withheld(h, CLOSED, now_ms, end_ms, out)
    h.withheld_open = 0


@kernel
def withheld_deadline(p, h):
    """When silence ends the episode."""
    return h.withheld_seen_t + p.pause_ms + 1 if h.withheld_open else FAR


@kernel
def withheld_time(p, h, now_ms, out):
    """The passing of time ends the episode at the last report."""
    if h.withheld_open and now_ms > h.withheld_seen_t + p.pause_ms:
        end_withheld(p, h, h.withheld_seen_t, now_ms, out)


@kernel
def tell_open_beacon(h, now_ms, out):
    """Tell a beacon under test that is still heard."""
    _tell_beacon(h, OPEN, now_ms, FAR, out)


@kernel
def tell_open_withheld(p, h, now_ms, out):
    """Tell withholding that lasts and was not told as an alert."""
    if h.withheld_seen_t - h.withheld_start_t >= p.after_ms:
        _tell_withheld(h, OPEN, now_ms, FAR, out)
