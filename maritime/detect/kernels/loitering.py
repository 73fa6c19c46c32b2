"""Kernels of loitering; the rule in words is in maritime/detect/loitering.py."""

import math

import numpy as np

from maritime.detect.kernels.events import CLOSED, LOITERING, OPEN, RETRACTED, UPDATE, tell
from maritime.detect.kernels.reception import FIRST_WINDOW, WINDOW_MS, heard_near, others_rested, popcount
from maritime.detect.kernels.samples import (
    long_lat,
    long_lon,
    long_s,
    long_sog,
    ms_of,
    seconds_of,
    short_lat,
    short_lon,
    short_s,
    short_sog,
    take_sample,
)
from maritime.detect.loitering import LONG_RING, RADIUS_BIN_M, RADIUS_BINS, SHORT_RING
from maritime.geo.coastline_kernels import coast_distance_m
from maritime.geo.geodesy import angle_between_deg, bearing_deg, quick_distance_m
from maritime.geo.ports_kernels import nearest_place_m
from maritime.geo.zones_kernels import zone_of
from maritime.jit import kernel
from maritime.times import FAR, FAR_S, NEVER
from maritime.units import HOUR_MS, KN_MS

PLACE_LOOKED_M = 50_000.0  # chosen: how far off the nearest known place is still named
NOTHING, JUDGE, LEFT, TOO_LONG_A_HOLE = 0, 1, 2, 3  # what a report asks for beyond the step
SLOW, CIRCLING, ADRIFT, NOT_UNDER_COMMAND = 1, 2, 4, 8  # bits of loiter_modes
OFFSHORE = 16  # … and whether the alert stands on the distance from shore alone
AT_ANCHOR, MOORED, UNDEFINED = 1, 5, 15  # ITU-R M.1371-5 table 45
METRES_PER_DEGREE = 111_195.08  # of the mean sphere
UPDATE_MS = 6 * HOUR_MS  # chosen: how often an open alert is told again
CIRCLING_PAUSE_MS = 2 * HOUR_MS  # chosen: the span of the long ring, in which circling would be seen
SHORTEST_SPAN_S = 600  # chosen: no implied speed over less


@kernel
def slow_since(p, h):
    """Row of the short ring since which the hull is slow, or -1: implied speed and median SOG below `enter_kn`."""
    newest = (h.short_n - 1) % SHORT_RING
    held = min(np.int64(h.short_n), SHORT_RING)
    oldest = newest
    for back in range(1, held):
        k = (h.short_n - 1 - back) % SHORT_RING
        if short_s(h, newest) - short_s(h, oldest) >= SHORTEST_SPAN_S and (
            short_s(h, newest) - short_s(h, k) > p.window_s
        ):
            break
        oldest = k
    span_s = short_s(h, newest) - short_s(h, oldest)
    if span_s < SHORTEST_SPAN_S:
        return -1
    net_m = quick_distance_m(short_lat(h, oldest), short_lon(h, oldest), short_lat(h, newest), short_lon(h, newest))
    if net_m >= p.enter_kn * KN_MS * span_s:
        return -1
    known = 0
    below = 0
    start = newest
    unbroken = True
    for back in range(held):
        k = (h.short_n - 1 - back) % SHORT_RING
        if not math.isnan(short_sog(h, k)):
            known += 1
            if short_sog(h, k) < p.enter_kn:
                below += 1
            elif short_sog(h, k) > p.leave_kn:
                unbroken = False
        if unbroken:
            start = k
        if k == oldest:
            break
    return start if 2 * below >= known else -1


@kernel
def circling_since(p, h):
    """Row of the long ring since which the hull circles, or -1."""
    held = min(np.int64(h.long_n), LONG_RING)
    newest = (h.long_n - 1) % LONG_RING
    path_m = 0.0
    oldest = newest
    lat_sum = 0.0
    lon_sum = 0.0
    n = 0
    for back in range(held):
        k = (h.long_n - 1 - back) % LONG_RING
        if long_sog(h, k) >= p.circling_kn:
            break
        if back > 0:
            path_m += quick_distance_m(long_lat(h, k), long_lon(h, k), long_lat(h, oldest), long_lon(h, oldest))
        lat_sum += long_lat(h, k) - long_lat(h, newest)
        lon_sum += (long_lon(h, k) - long_lon(h, newest) + 540.0) % 360.0 - 180.0
        n += 1
        oldest = k
    if long_s(h, newest) - long_s(h, oldest) < 3600 or path_m < 1852.0:
        return -1
    net_m = quick_distance_m(long_lat(h, oldest), long_lon(h, oldest), long_lat(h, newest), long_lon(h, newest))
    if path_m < p.circling_ratio * net_m:
        return -1
    lat = long_lat(h, newest) + lat_sum / n
    lon = long_lon(h, newest) + lon_sum / n
    for back in range(n):
        k = (h.long_n - 1 - back) % LONG_RING
        if quick_distance_m(lat, lon, long_lat(h, k), long_lon(h, k)) > p.circling_radius_m:
            return -1
    return oldest


@kernel
def is_natural_loiterer(ship_type):
    """Fishing, towing, dredging, diving, pilot, SAR, tug, tender, anti-pollution, law enforcement (ITU table 53)."""
    return 30 <= ship_type <= 34 or 50 <= ship_type <= 55


@kernel
def is_leisure_craft(ship_type):
    """Sailing and pleasure craft (ITU table 53): becalmed and fishing for fun they drift for hours."""
    return ship_type == 36 or ship_type == 37


@kernel
def _middle(h):
    """Latitude and longitude of the mean position of the episode."""
    lat = h.loiter_lat0 + h.loiter_y / METRES_PER_DEGREE
    lon = h.loiter_lon0 + h.loiter_x / (METRES_PER_DEGREE * max(math.cos(math.radians(h.loiter_lat0)), 1e-6))
    return lat, (lon + 540.0) % 360.0 - 180.0


@kernel
def _stays_in_circle(p, h, lat, lon):
    """Whether a circler is still where it circled: no farther from the middle than a circle may reach."""
    middle_lat, middle_lon = _middle(h)
    return quick_distance_m(middle_lat, middle_lon, lat, lon) <= p.circling_radius_m


@kernel
def _rms_m(h):
    return math.sqrt(h.loiter_m2 / h.loiter_n) if h.loiter_n > 0 else 0.0


@kernel
def _begin(p, h, start_s, lat, lon, mode):
    """Open the episode at a sample."""
    h.loiter_open = 1
    h.loiter_alerted = 0
    h.loiter_told = 0
    h.loiter_modes = mode
    h.loiter_start_t = ms_of(start_s)
    h.loiter_due_t = h.loiter_start_t
    h.loiter_n = 0
    h.loiter_lat0 = lat
    h.loiter_lon0 = lon
    h.loiter_x = 0.0
    h.loiter_y = 0.0
    h.loiter_m2 = 0.0
    h.loiter_path_m = 0.0
    h.loiter_sog_sum = 0.0
    h.loiter_sog_n = 0
    h.loiter_sog_max = 0.0
    h.loiter_hole_s = 0.0
    h.loiter_turn_deg = 0.0
    h.loiter_anchor_n = 0
    h.loiter_prev_lat = lat
    h.loiter_prev_lon = lon
    h.loiter_prev_cog = math.nan
    h.loiter_in_port = 0
    h.loiter_zone = -1
    h.loiter_coast_m = math.nan
    h.loiter_port_m = math.nan
    h.loiter_usual = math.nan
    for k in range(RADIUS_BINS):
        h.radius_bins[k] = 0
    _seed(p, h, np.int64(start_s))


@kernel
def _seed(p, h, start_s):
    """Count what the rings hold from the beginning of the episode to the sample before the newest: the long ring as far
    back as the short one does not reach, with the speed and course between its samples.
    """
    short = min(np.int64(h.short_n), SHORT_RING)
    short_from_s = short_s(h, (h.short_n - short) % SHORT_RING)
    long = min(np.int64(h.long_n), LONG_RING)
    for back in range(long - 1, -1, -1):
        k = (h.long_n - 1 - back) % LONG_RING
        if start_s <= long_s(h, k) < short_from_s:
            sog = math.nan
            cog = math.nan
            if back < long - 1:
                j = (h.long_n - 2 - back) % LONG_RING
                if long_s(h, j) >= start_s:
                    run_m = quick_distance_m(long_lat(h, j), long_lon(h, j), long_lat(h, k), long_lon(h, k))
                    sog = run_m / max(long_s(h, k) - long_s(h, j), 1) / KN_MS
                    cog = bearing_deg(long_lat(h, j), long_lon(h, j), long_lat(h, k), long_lon(h, k))
            _accumulate(p, h, long_lat(h, k), long_lon(h, k), sog, cog, h.status)
    for back in range(short - 1, 0, -1):
        k = (h.short_n - 1 - back) % SHORT_RING
        if short_s(h, k) >= start_s:
            _accumulate(p, h, short_lat(h, k), short_lon(h, k), short_sog(h, k), math.nan, h.status)


@kernel
def _begin_circling(p, h, k):
    """Open the episode at row k of the long ring, or since when it has been calm if it came at speed just before."""
    held = min(np.int64(h.long_n), LONG_RING)
    if k != (h.long_n - held) % LONG_RING and h.calm_s != FAR_S:
        _begin(p, h, np.int64(h.calm_s), h.calm_lat, h.calm_lon, CIRCLING)
    else:
        _begin(p, h, long_s(h, k), long_lat(h, k), long_lon(h, k), CIRCLING)


@kernel
def _accumulate(p, h, lat, lon, sog, cog, status):
    """Add a sample to the episode's sums."""
    h.loiter_n += 1
    x = ((lon - h.loiter_lon0 + 540.0) % 360.0 - 180.0) * METRES_PER_DEGREE * math.cos(math.radians(h.loiter_lat0))
    y = (lat - h.loiter_lat0) * METRES_PER_DEGREE
    dx = x - h.loiter_x
    dy = y - h.loiter_y
    h.loiter_x += dx / h.loiter_n
    h.loiter_y += dy / h.loiter_n
    h.loiter_m2 += dx * (x - h.loiter_x) + dy * (y - h.loiter_y)
    radius_m = math.hypot(x - h.loiter_x, y - h.loiter_y)
    k = 0 if radius_m <= RADIUS_BIN_M else math.ceil(2.0 * math.log2(radius_m / RADIUS_BIN_M))
    k = min(k, RADIUS_BINS - 1)
    if h.radius_bins[k] < 65535:
        h.radius_bins[k] += 1
    h.loiter_path_m += quick_distance_m(h.loiter_prev_lat, h.loiter_prev_lon, lat, lon)
    h.loiter_prev_lat = lat
    h.loiter_prev_lon = lon
    if not math.isnan(sog):
        h.loiter_sog_sum += sog
        h.loiter_sog_n += 1
        if sog > h.loiter_sog_max:
            h.loiter_sog_max = sog
    if not math.isnan(cog) and sog >= 0.5:  # below half a knot the course is noise
        if not math.isnan(h.loiter_prev_cog):
            h.loiter_turn_deg += (cog - h.loiter_prev_cog + 540.0) % 360.0 - 180.0
        h.loiter_prev_cog = cog
    if status in (AT_ANCHOR, MOORED) or (status == UNDEFINED and sog < p.adrift_min_kn):
        h.loiter_anchor_n += 1


@kernel
def _radius_95_m(h):
    total = 0
    for k in range(RADIUS_BINS):
        total += h.radius_bins[k]
    below = 0
    for k in range(RADIUS_BINS):
        below += h.radius_bins[k]
        if below >= 0.95 * total:
            return RADIUS_BIN_M * 2.0 ** (k / 2.0)
    return math.nan


@kernel
def _look_around(p, h, world):
    """Where the episode lies: distance to the coast and to ports (with hysteresis), and the watch zone."""
    lat, lon = _middle(h)
    h.loiter_coast_m = coast_distance_m(world.coast, lat, lon, p.far_m * 1.05)
    h.loiter_port_m = nearest_place_m(world.places, lat, lon, p.port_out_m * 2.5)[0]
    if h.loiter_port_m < p.port_in_m:
        h.loiter_in_port = 1
    elif h.loiter_port_m > p.port_out_m:
        h.loiter_in_port = 0
    h.loiter_zone = zone_of(world.zones, lat, lon)


@kernel
def threshold_ms(p, h):
    """Time after which the episode is an alert where it lies, before weights; FAR where slowness alone is ordinary."""
    after = FAR
    if h.loiter_modes & (SLOW | CIRCLING):
        if h.loiter_coast_m >= p.far_m:
            after = min(after, p.far_after_ms)
        elif h.loiter_coast_m >= p.near_m:
            after = min(after, p.near_after_ms)
    if h.loiter_zone >= 0:
        after = min(after, p.zone_after_ms)
    if h.adrift_s != FAR_S and h.loiter_modes & ADRIFT and not h.loiter_in_port:
        after = min(after, p.adrift_after_ms)
    return after


@kernel
def is_at_anchor(p, h):
    """Whether the status says so, or there is none and it moves less than what drifts; and it stayed in its swing."""
    return 2 * h.loiter_anchor_n > h.loiter_n and _rms_m(h) < p.anchor_rms_m


@kernel
def weight(p, h, ship_type):
    """What masks leave of the score: 1 where none applies."""
    w = 1.0
    if h.loiter_in_port:
        w = min(w, p.port_weight)
    if is_at_anchor(p, h) and (h.loiter_zone < 0 or h.status != UNDEFINED):
        w = min(w, p.anchor_weight)
    if not excused_by_nothing(h):
        if is_natural_loiterer(ship_type):
            w *= p.natural_weight
        elif is_leisure_craft(ship_type):
            w *= p.leisure_weight
    if h.loiter_usual > 0.0:
        w *= 1.0 - (1.0 - p.usual_weight) * min(np.float64(h.loiter_usual), 1.0)
    return w


@kernel
def excused_by_nothing(h):
    """Whether the trade of the vessel does not matter: in a watch zone, and adrift not under command."""
    return h.loiter_zone >= 0 or (h.adrift_s != FAR_S and h.loiter_modes & NOT_UNDER_COMMAND != 0)


@kernel
def usual_slowness(p, h, world, window, own_bit):
    """Share of the vessels heard around that are usually slow; NaN with fewer than three, or heard for too short."""
    first = world.reception.meta[FIRST_WINDOW]
    if first == NEVER or (window - first) * WINDOW_MS < p.usual_after_ms:
        return math.nan
    usual, slow = heard_near(world.reception, h.loiter_lat0, h.loiter_lon0, 1, window, own_bit)[1::2]
    return slow if usual >= 3.0 else math.nan


@kernel
def _tell(p, h, ship_type, what, now_ms, end_ms, window, own_bit, world, out):
    """Tell the state of the episode."""
    lat, lon = _middle(h)
    after_ms = threshold_ms(p, h)
    e = tell(out, LOITERING, what, h, h.loiter_told, h.loiter_alerted, now_ms, h.loiter_start_t, end_ms, lat, lon)
    h.loiter_told += 1
    v = e.v
    v[0] = h.loiter_n
    v[1] = h.loiter_sog_sum / h.loiter_sog_n if h.loiter_sog_n > 0 else math.nan
    v[2] = h.loiter_sog_max if h.loiter_sog_n > 0 else math.nan
    v[3] = _rms_m(h)
    v[4] = _radius_95_m(h)
    v[5] = h.loiter_path_m
    v[6] = quick_distance_m(h.loiter_lat0, h.loiter_lon0, h.loiter_prev_lat, h.loiter_prev_lon)
    v[7] = h.loiter_turn_deg / 360.0
    v[8] = h.loiter_coast_m
    v[9] = h.loiter_port_m
    v[10] = h.loiter_zone
    v[11] = h.loiter_modes
    v[12] = h.loiter_anchor_n / h.loiter_n if h.loiter_n > 0 else math.nan
    v[13] = h.loiter_hole_s
    v[14] = weight(p, h, ship_type)
    v[15] = math.nan if after_ms == FAR else after_ms / 60000.0
    v[16] = ship_type
    v[17] = h.loiter_usual
    v[18], v[23] = heard_near(world.reception, lat, lon, 1, window, own_bit)[:2]
    v[19] = h.status
    v[20] = h.last_t
    v[21] = h.loiter_in_port
    v[22] = excused_by_nothing(h)
    v[24] = popcount(heard_near(world.reception, lat, lon, 0, window, own_bit)[2])
    v[25] = others_rested(world.reception, lat, lon, own_bit)
    v[26], v[27] = nearest_place_m(world.places, lat, lon, PLACE_LOOKED_M)


@kernel
def runs(p, h, t_ms):
    """Whether the hull has been above the leaving speed for so long that it leaves, unless it circles or drifts."""
    return h.fast_s != FAR_S and (seconds_of(t_ms) - h.fast_s) * 1000 >= p.leave_ms


@kernel
def _judge(p, h, ship_type, t_ms, now_ms, window, own_bit, world, out):
    """Raise the alert when its time has come, or say when to look again."""
    if h.loiter_due_t == h.loiter_start_t:
        h.loiter_usual = usual_slowness(p, h, world, window, own_bit)
    _look_around(p, h, world)
    w = weight(p, h, ship_type)
    after_ms = threshold_ms(p, h)
    start_ms = h.loiter_start_t
    if h.loiter_alerted:
        _tell(p, h, ship_type, UPDATE, now_ms, FAR, window, own_bit, world, out)
        h.loiter_due_t = t_ms + UPDATE_MS
        return
    again_ms = t_ms + HOUR_MS // 4
    if w >= 0.5 and after_ms != FAR:
        due_ms = start_ms + np.int64(after_ms / w)
        if due_ms <= (last_loitering_ms(h) if runs(p, h, t_ms) else t_ms):
            h.loiter_alerted = 1
            if h.loiter_zone < 0 and not (h.adrift_s != FAR_S and h.loiter_modes & ADRIFT):
                h.loiter_modes |= OFFSHORE
            _tell(p, h, ship_type, OPEN, now_ms, FAR, window, own_bit, world, out)
            h.loiter_due_t = t_ms + UPDATE_MS
            return
        if due_ms > t_ms:
            again_ms = min(again_ms, due_ms)
    h.loiter_due_t = again_ms


@kernel
def end_loitering(p, h, ship_type, end_ms, now_ms, window, own_bit, world, out):
    """Close the open episode at `end_ms`, or retract its alert if it came to lie where slowness is ordinary; short ones
    that nobody was told of leave no trace.
    """
    what = CLOSED
    if h.loiter_alerted or end_ms - h.loiter_start_t >= p.episode_after_ms:
        _look_around(p, h, world)
        if h.loiter_alerted and h.loiter_modes & OFFSHORE and threshold_ms(p, h) == FAR:
            what = RETRACTED
        _tell(p, h, ship_type, what, now_ms, end_ms, window, own_bit, world, out)
    if h.loiter_alerted and what == CLOSED:
        h.loiter_end_s = seconds_of(end_ms)
    h.loiter_open = 0
    h.fast_s = FAR_S
    h.adrift_s = FAR_S  # what is over cannot begin again before its end
    h.long_n = 0


@kernel
def tell_open_loitering(p, h, ship_type, now_ms, window, own_bit, world, out):
    """Tell a slow period that lasts and was not told as an alert; revisions go on as if this had not been asked."""
    if h.last_t - h.loiter_start_t >= p.episode_after_ms:
        told = h.loiter_told
        _look_around(p, h, world)
        _tell(p, h, ship_type, OPEN, now_ms, FAR, window, own_bit, world, out)
        h.loiter_told = told


@kernel
def last_loitering_ms(h):
    """When a vessel that now leaves was last seen loitering: circling and drifting can be faster than leaving."""
    end_ms = ms_of(h.fast_s)
    if h.loiter_modes & CIRCLING:
        end_ms = max(end_ms, ms_of(h.circling_s))
    if h.loiter_modes & ADRIFT:
        end_ms = max(end_ms, ms_of(h.adrift_seen_s))
    return end_ms


@kernel
def forget_samples(h):
    """Start the rings anew, after a hole too long to bridge."""
    h.short_n = 0
    h.long_n = 0
    h.long_max_sog = 0.0
    h.fast_s = FAR_S
    h.adrift_s = FAR_S
    h.calm_s = FAR_S


@kernel
def keep_sample(h, s, lat, lon, sog):
    """Take a report into the rings, unless the newest sample is less than a minute old; whether it was taken."""
    if h.short_n > 0 and s - short_s(h, (h.short_n - 1) % SHORT_RING) < 55:
        return False
    take_sample(h, s, lat, lon, sog)
    return True


@kernel
def loitering_step(p, h, t_ms, lat, lon, sog, cog, heading, status):
    """What a report does to the rings and the episode; `h` still holds the report before.

    Answers NOTHING, or the action for which `loitering_act` must see the world.

    Apart from it because most reports need no more, and a call that takes the whole world costs more than the step.
    """
    s = seconds_of(t_ms)
    if not p.enabled:  # silences are still judged by the last samples
        if t_ms - h.last_t > p.bridge_ms:
            forget_samples(h)
        keep_sample(h, s, lat, lon, sog)
        return NOTHING
    if t_ms - h.last_t > p.bridge_ms:
        if h.loiter_open:
            return TOO_LONG_A_HOLE
        forget_samples(h)
    elif h.loiter_open:
        h.loiter_hole_s = max(np.float64(h.loiter_hole_s), (t_ms - h.last_t) / 1000.0)

    speed_kn = sog
    if math.isnan(sog) and t_ms - h.last_t >= 10_000 and h.short_n > 0:
        speed_kn = quick_distance_m(h.lat, h.lon, lat, lon) / ((t_ms - h.last_t) / 1000.0) / KN_MS
    if speed_kn > p.leave_kn:
        if h.fast_s == FAR_S:
            h.fast_s = s
    elif not math.isnan(speed_kn):
        h.fast_s = FAR_S
    if speed_kn >= p.circling_kn:
        h.calm_s = FAR_S
    elif h.calm_s == FAR_S and not math.isnan(speed_kn):
        h.calm_s = s
        h.calm_lat = lat
        h.calm_lon = lon
    if speed_kn > h.long_max_sog:
        h.long_max_sog = speed_kn

    drifting = p.adrift_min_kn <= sog <= p.adrift_max_kn and (
        status == 2 or (not math.isnan(cog) and angle_between_deg(cog, heading) > p.adrift_angle_deg)
    )
    if drifting:
        if h.adrift_s == FAR_S:
            h.adrift_s = s
            h.adrift_lat = lat
            h.adrift_lon = lon
        h.adrift_seen_s = s
    elif h.adrift_s != FAR_S and (s - h.adrift_seen_s) * 1000 > p.leave_ms // 2:
        h.adrift_s = FAR_S

    if not keep_sample(h, s, lat, lon, sog):
        return NOTHING

    slow = -1
    circling = -1
    if speed_kn <= p.leave_kn or math.isnan(speed_kn):
        slow = slow_since(p, h)
    if slow < 0 and h.long_n >= 7 and not speed_kn >= p.circling_kn:
        circling = circling_since(p, h)
    adrift = (
        drifting
        and (s - h.adrift_s) * 1000 >= p.adrift_after_ms
        and quick_distance_m(h.adrift_lat, h.adrift_lon, lat, lon) >= p.adrift_m
    )
    if not h.loiter_open:
        if slow >= 0:
            _begin(p, h, short_s(h, slow), short_lat(h, slow), short_lon(h, slow), SLOW)
        elif circling >= 0:
            _begin_circling(p, h, circling)
        elif adrift:
            _begin(p, h, np.int64(h.adrift_s), h.adrift_lat, h.adrift_lon, ADRIFT)
        else:
            return NOTHING
    if slow >= 0:
        h.loiter_modes |= SLOW
    if circling >= 0:
        h.loiter_modes |= CIRCLING
    if adrift:
        if not h.loiter_modes & ADRIFT:
            h.loiter_due_t = t_ms
        h.loiter_modes |= ADRIFT
        if status == 2:
            h.loiter_modes |= NOT_UNDER_COMMAND
    if circling >= 0 or (h.loiter_modes & CIRCLING and speed_kn < p.circling_kn and _stays_in_circle(p, h, lat, lon)):
        h.circling_s = s
    if runs(p, h, t_ms) and not drifting:
        if not (h.loiter_modes & CIRCLING and (s - h.circling_s) * 1000 <= CIRCLING_PAUSE_MS):
            return LEFT
        if speed_kn >= p.circling_kn:  # on its way out, or a pause: no part of the circling
            return NOTHING
    _accumulate(p, h, lat, lon, sog, cog, status)
    return JUDGE if t_ms >= h.loiter_due_t else NOTHING


@kernel
def loitering_act(
    p, h, ship_type, action, t_ms, lat, lon, sog, cog, heading, status, now_ms, window, own_bit, world, out
):
    """The rare reports that end the episode or are the time to judge it; `h` still holds the report before."""
    if action == JUDGE:
        _judge(p, h, ship_type, t_ms, now_ms, window, own_bit, world, out)
    elif action == LEFT:
        end_loitering(p, h, ship_type, last_loitering_ms(h), now_ms, window, own_bit, world, out)
    elif action == TOO_LONG_A_HOLE:
        end_loitering(p, h, ship_type, h.last_t, now_ms, window, own_bit, world, out)
        loitering_step(p, h, t_ms, lat, lon, sog, cog, heading, status)  # the first sample after a hole begins nothing


@kernel
def loitering_report(p, h, ship_type, t_ms, lat, lon, sog, cog, heading, status, now_ms, window, own_bit, world, out):
    """A report of the hull; `h` still holds the report before. The two verbs above in one."""
    action = loitering_step(p, h, t_ms, lat, lon, sog, cog, heading, status)
    if action != NOTHING:
        loitering_act(
            p, h, ship_type, action, t_ms, lat, lon, sog, cog, heading, status, now_ms, window, own_bit, world, out
        )


@kernel
def loitering_deadline(p, h):
    """When the passing of time alone ends the open episode."""
    return h.last_t + p.bridge_ms + 1 if h.loiter_open else FAR


@kernel
def loitering_time(p, h, ship_type, now_ms, window, own_bit, world, out):
    """The passing of time: a hole too long to bridge ends the episode at the last report."""
    if h.loiter_open and now_ms - h.last_t > p.bridge_ms:
        end_loitering(p, h, ship_type, h.last_t, now_ms, window, own_bit, world, out)
        forget_samples(h)
