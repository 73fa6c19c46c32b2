"""Kernels of dark periods; the rule in words is in maritime/detect/dark_period.py."""

import math

import numpy as np

from maritime.detect.kernels.events import CLOSED, OPEN, RETRACTED, SILENCE, UPDATE, tell
from maritime.detect.kernels.outage import is_clock_off, is_out, was_out_since
from maritime.detect.kernels.reception import (
    RINGS,
    WINDOW_MS,
    heard_near,
    inside_extent,
    others_rested,
    outside_extent_m,
    popcount,
)
from maritime.detect.kernels.samples import seconds_of, short_lat, short_lon, short_s, short_sog
from maritime.detect.loitering import SHORT_RING
from maritime.geo.coastline_kernels import coast_distance_m
from maritime.geo.geodesy import quick_distance_m
from maritime.geo.ports_kernels import nearest_place_m
from maritime.jit import kernel
from maritime.times import FAR
from maritime.tracks.hull_kernels import interval_quantile_s, reports_in_hours, since_ms
from maritime.tracks.hulls import DUPLICATE_RING
from maritime.units import HOUR_MS, KN_MS

NONE, FEW, FADING, AT_REST, LEAVING, SLOWING, OUT, EXPECTED, CLASH, STILL, RETURNED, SHORT = range(12)  # see HELD
CLOCK_OFF = 12
SHARE_WINDOWS = 36  # six hours
MOST_CERTAIN = 0.95  # chosen: no single pass of a satellite proves a silence
WIDE = 10  # … and of 2.1° for witnesses, where no smaller one has enough vessels: reception is then the source's
ENOUGH_VESSELS, ENOUGH_SHARE = 3.0, 0.5  # vessels, or share of the usual number, that show reception to work
CLOSE_BY_VESSELS = 2.0  # chosen: so many usually heard close by (the hull may be one), and nobody now: no reception
STOP_WITHIN_S = 190  # chosen: samples are a minute apart, so an abrupt stop lies within three of them
LONGEST_LEAST_MS = 12 * HOUR_MS  # the least silence where only satellites hear


@kernel
def least_silence_ms(p, h):
    """Shortest silence of this hull that is recorded."""
    interval_s = interval_quantile_s(h, 0.95)
    if math.isnan(interval_s):
        return p.least_ms
    return max(p.least_ms, min(np.int64(p.intervals * interval_s * 1000.0), LONGEST_LEAST_MS))


@kernel
def windows_known(h):
    """How many windows, at most 64, the hull's bits speak of."""
    return min(h.heard_t // WINDOW_MS - h.windows_from + 1, 64)


@kernel
def heard_share(h, windows):
    """Share of the last `windows` windows in which the hull was heard, by Laplace's rule of succession."""
    n = min(windows_known(h), windows)
    heard = popcount(h.windows_heard & ((np.uint64(1) << np.uint64(n)) - np.uint64(1) if n < 64 else ~np.uint64(0)))
    return (heard + 1.0) / (n + 2.0)


@kernel
def longest_hole_ms(h):
    """Longest run of windows not heard among those known, in ms."""
    longest = 0
    run = 0
    for k in range(windows_known(h)):
        if h.windows_heard >> np.uint64(k) & np.uint64(1):
            run = 0
        else:
            run += 1
            longest = max(longest, run)
    return longest * WINDOW_MS


@kernel
def last_interval_s(h):
    """Mean interval between the last reports, as many as the hull remembers (DUPLICATE_RING)."""
    if h.n_reports < DUPLICATE_RING:
        return 0.0
    return since_ms(h.content_t[h.n_reports % DUPLICATE_RING], h.last_t) / 1000.0 / (DUPLICATE_RING - 1)


@kernel
def _sample(h, back):
    """Row of the short ring, counted back from the newest sample."""
    return (np.int64(h.short_n) - 1 - back) % SHORT_RING


@kernel
def _ahead(h, seconds):
    """Dead-reckoned position from the samples of the last 20 minutes; the last position where there is but one."""
    newest = _sample(h, 0)
    oldest = newest
    for back in range(1, min(np.int64(h.short_n), 5)):
        k = _sample(h, back)
        if short_s(h, newest) - short_s(h, k) > 1200:
            break
        oldest = k
    span_s = short_s(h, newest) - short_s(h, oldest)
    if span_s <= 0:
        return h.lat, h.lon
    share = seconds / span_s
    dlon = (short_lon(h, newest) - short_lon(h, oldest) + 540.0) % 360.0 - 180.0
    lat = h.lat + (short_lat(h, newest) - short_lat(h, oldest)) * share
    lon = (h.lon + dlon * share + 540.0) % 360.0 - 180.0
    return lat, lon


@kernel
def _median_3(a, b, c):
    return max(min(a, b), min(max(a, b), c))


@kernel
def is_out_of_reach(p, lat, lon, there_lat, there_lon, window, own_bit, world):
    """Whether the way from here to there leads out of the area heard: over its edge, or where far fewer are heard."""
    if not inside_extent(world.reception, there_lat, there_lon, 0.0):
        return True
    here = heard_near(world.reception, lat, lon, 1, window, own_bit)[1]
    there = heard_near(world.reception, there_lat, there_lon, 1, window, own_bit)[1]
    return here >= p.ahead_vessels and not there >= p.ahead_share * here


@kernel
def is_mooring(p, lat, lon, own_bit, world):
    """Whether vessels moor here: a known place, or others seen at rest."""
    return (
        nearest_place_m(world.places, lat, lon, p.mooring_m)[1] >= 0
        or others_rested(world.reception, lat, lon, own_bit) >= p.mooring_vessels
    )


@kernel
def fastest_lately_kn(h):
    """Highest speed in the samples of the last STOP_WITHIN_S before the newest; 0 when none is known."""
    fastest_kn = 0.0
    for back in range(1, min(np.int64(h.short_n), 5)):
        k = _sample(h, back)
        if short_s(h, _sample(h, 0)) - short_s(h, k) > STOP_WITHIN_S:
            break
        if short_sog(h, k) > fastest_kn:
            fastest_kn = short_sog(h, k)
    return fastest_kn


@kernel
def stopped_abruptly(p, h, last_kn):
    """Whether a vessel that reported often came to rest within minutes from full speed."""
    return (
        last_kn < p.under_way_kn
        and fastest_lately_kn(h) >= p.abrupt_kn
        and reports_in_hours(h, 12, h.last_t) >= p.abrupt_reports
    )


@kernel
def _rests_in_open_water(p, h, last_kn, own_bit, world):
    """Whether a vessel at rest is one whose silence counts all the same: far from shore, or after an abrupt stop off
    the shore, and where no vessel moors.
    """
    off_m = p.abrupt_off_m if stopped_abruptly(p, h, last_kn) else p.far_m
    return coast_distance_m(world.coast, h.lat, h.lon, off_m * 1.02) >= off_m and not is_mooring(
        p, h.lat, h.lon, own_bit, world
    )


@kernel
def judge_last_reports(p, h, window, own_bit, world):
    """The rule by which the hull's last reports hold an alert back, or NONE."""
    if h.short_n < p.reports_before:
        return FEW
    recent = min(windows_known(h), p.recent_windows)
    heard = popcount(h.windows_heard & ((np.uint64(1) << np.uint64(recent)) - np.uint64(1)))
    if heard + 0.5 < recent * heard_share(h, SHARE_WINDOWS) or last_interval_s(h) > p.thinned * interval_quantile_s(
        h, 0.5
    ):
        return FADING
    last_kn = h.sog
    if math.isnan(last_kn):
        a, b = _sample(h, 0), _sample(h, 1)
        last_kn = (
            quick_distance_m(short_lat(h, a), short_lon(h, a), short_lat(h, b), short_lon(h, b))
            / KN_MS
            / max(short_s(h, a) - short_s(h, b), 1)
        )
    median_kn = _median_3(short_sog(h, _sample(h, 0)), short_sog(h, _sample(h, 1)), short_sog(h, _sample(h, 2)))
    if (last_kn < p.under_way_kn or median_kn < p.under_way_kn) and not _rests_in_open_water(
        p, h, last_kn, own_bit, world
    ):
        return AT_REST
    ahead_lat, ahead_lon = _ahead(h, p.ahead_s)
    if not inside_extent(world.reception, h.lat, h.lon, p.edge_m) or is_out_of_reach(
        p, h.lat, h.lon, ahead_lat, ahead_lon, window, own_bit, world
    ):
        return LEAVING
    fastest_kn = 0.0
    for back in range(min(np.int64(h.short_n), p.reports_before)):
        if short_sog(h, _sample(h, back)) > fastest_kn:
            fastest_kn = short_sog(h, _sample(h, back))
    if last_kn < p.slowing_share * fastest_kn and is_mooring(p, h.lat, h.lon, own_bit, world):
        return SLOWING
    return NONE


@kernel
def choose_neighbourhood(p, h, window, own_bit, world):
    """The smallest neighbourhood with enough vessels to judge reception by, how many are usual there, and the smaller
    one, if any, in which somebody is usually heard close by (0 = none).
    """
    close_by = 0
    for ring in RINGS:
        usual = heard_near(world.reception, h.lat, h.lon, ring, window, own_bit)[1]
        if usual >= p.usual_vessels:
            return ring, usual, close_by
        if close_by == 0 and usual >= CLOSE_BY_VESSELS:
            close_by = ring
    return WIDE, 0.0, close_by


@kernel
def reception_around(p, h, window, own_bit, world):
    """(r, sketch of who is heard): whether reception works in the hull's neighbourhood in one window."""
    ring = np.int64(h.silence_rings) & 15
    close_by = np.int64(h.silence_rings) >> 4
    now, _, who, _ = heard_near(world.reception, h.lat, h.lon, ring, window, own_bit)
    if close_by > 0 and heard_near(world.reception, h.lat, h.lon, close_by, window, own_bit)[0] == 0.0:
        return 0.0, who
    if ring == WIDE:
        g = world.reception.sources[h.source]
        now = np.float64(g.vessels_before)
        usual = g.vessels_sum / g.weight if g.weight > 0.0 else 0.0
    else:
        usual = np.float64(h.silence_usual)
    if now >= ENOUGH_VESSELS or now >= ENOUGH_SHARE * usual:
        return (1.0 if now > 0.0 else 0.0), who
    return now / usual, who


@kernel
def log_probability(h):
    """Ln P of hearing nothing in the windows judged. Where reception comes and goes (mean r below a half: satellites),
    the hull's share q is taken of the windows in which it is there; a short history may hold no others.
    """
    mean_r = h.silence_r_sum / h.silence_windows
    q = np.float64(h.silence_q)
    if mean_r < 0.5 and windows_known(h) >= SHARE_WINDOWS:
        q = min(q / max(mean_r, q), MOST_CERTAIN)
    return h.silence_r_sum * math.log(1.0 - q)


@kernel
def reception_works(p, h):
    """Whether reception was there for the share of the silence that the hull's own share makes one expect."""
    return h.silence_r_sum >= p.least_reception * h.silence_q * h.silence_windows


@kernel
def silence_report(h, t_ms):
    """A report was heard: nothing to judge until ten to twenty minutes have passed without another."""
    h.silence_due_t = (t_ms // WINDOW_MS + 2) * WINDOW_MS
    h.silence_judged = 0


@kernel
def _begin(p, h, window, own_bit, world):
    h.silence_judged = 1
    h.silence_start_t = h.last_t
    h.silence_alerted = 0
    h.silence_told = 0
    h.silence_windows = 0
    h.silence_out = 0
    h.silence_log_p = 0.0
    h.silence_r_sum = 0.0
    h.silence_who = 0
    h.silence_q = heard_share(h, SHARE_WINDOWS)
    h.silence_held = judge_last_reports(p, h, window, own_bit, world)
    ring, h.silence_usual, close_by = choose_neighbourhood(p, h, window, own_bit, world)
    h.silence_rings = ring | close_by << 4


@kernel
def silence_time(p, h, ship_type, now_ms, window, own_bit, world, out):
    """The passing of time while silent: judge the last reports once, then every window that closes."""
    if now_ms < h.silence_due_t:
        return
    if h.last_t != h.heard_t:  # it is heard, without a position: not silent
        h.silence_due_t = FAR
        return
    if h.silence_alerted:
        _tell(p, h, ship_type, UPDATE, now_ms, FAR, math.nan, math.nan, math.nan, world, out)
        h.silence_due_t = now_ms + (now_ms - h.silence_start_t)
        return
    if not h.silence_judged:
        _begin(p, h, window, own_bit, world)
    if is_clock_off(world.reception, h):
        h.silence_held = CLOCK_OFF
    if h.silence_held == FEW or not p.enabled:
        h.silence_due_t = FAR
        return
    out_now = is_out(world.reception, h.source, h.lat, h.lon)
    if now_ms % WINDOW_MS == 0:
        r, who = reception_around(p, h, window, own_bit, world)
        if out_now:
            r = 0.0
        if was_out_since(world.reception, h.source, h.lat, h.lon, h.silence_start_t):
            h.silence_out = 1
        h.silence_windows += 1
        h.silence_r_sum += r
        h.silence_who |= who
        h.silence_log_p = log_probability(h)
    h.silence_due_t = (now_ms // WINDOW_MS + 1) * WINDOW_MS
    if h.silence_log_p >= math.log(p.probability) or h.silence_held != NONE:
        if h.silence_held != NONE and h.silence_log_p < math.log(p.probability):
            h.silence_due_t = FAR  # enough is known for reappearance
        return
    needed_ms = max(least_silence_ms(p, h), np.int64(p.holes * longest_hole_ms(h)))
    if now_ms - h.silence_start_t < needed_ms:
        h.silence_due_t = min(h.silence_due_t, (h.silence_start_t + needed_ms + 59_999) // 60_000 * 60_000)
        return
    heard_now = reception_around(p, h, now_ms // WINDOW_MS - 1, own_bit, world)[0] > 0.0
    if heard_now and reception_works(p, h) and not h.silence_out and not out_now:
        h.silence_alerted = 1
        h.silence_due_t = now_ms + (now_ms - h.silence_start_t)  # told again whenever the silence has doubled
        _tell(p, h, ship_type, OPEN, now_ms, FAR, math.nan, math.nan, math.nan, world, out)


@kernel
def _tell(p, h, ship_type, what, now_ms, end_ms, lat, lon, sog, world, out):
    """Tell the silence; `lat`, `lon`, `sog` are of the report that ended it (NaN while silent)."""
    e = tell(out, SILENCE, what, h, h.silence_told, h.silence_alerted, now_ms, h.silence_start_t, end_ms, h.lat, h.lon)
    h.silence_told += 1
    e.held = h.silence_held
    v = e.v
    coast_m = coast_distance_m(world.coast, h.lat, h.lon, p.far_m * 1.02)
    port_m, port = nearest_place_m(world.places, h.lat, h.lon, 50_000.0)
    v[0] = math.exp(h.silence_log_p)
    v[1] = h.silence_q
    v[2] = h.silence_r_sum / h.silence_windows if h.silence_windows > 0 else math.nan
    v[3] = h.silence_rings & 15
    v[4] = popcount(h.silence_who)
    v[5] = interval_quantile_s(h, 0.95)
    v[6] = reports_in_hours(h, 12, h.last_t)
    v[7] = h.sog
    v[8] = h.cog
    v[9] = coast_m
    v[10] = port_m if port >= 0 else math.nan
    v[11] = port
    v[12] = lat
    v[13] = lon
    v[14] = sog
    v[15] = math.nan if math.isnan(lat) else quick_distance_m(h.lat, h.lon, lat, lon)
    v[16] = ship_type
    v[17] = h.silence_out
    v[18] = longest_hole_ms(h) / 60_000.0
    v[19] = h.transceiver
    v[20] = h.status
    v[21] = least_silence_ms(p, h) / 60_000.0
    v[22] = fastest_lately_kn(h)
    v[23] = h.silence_windows


@kernel
def _back(lat, lon, sog, cog, seconds):
    """Where a vessel was so many seconds before, by its course and speed; NaN when either is unknown."""
    back_m = sog * KN_MS * seconds
    back_lat = lat - back_m * math.cos(math.radians(cog)) / 111_195.0
    back_lon = lon - back_m * math.sin(math.radians(cog)) / 111_195.0 / max(math.cos(math.radians(lat)), 0.01)
    return back_lat, (back_lon + 540.0) % 360.0 - 180.0


@kernel
def _comes_over_the_edge(p, lat, lon, sog, cog, world):
    """Whether a reappearing vessel is at the edge of all that was heard and was farther out a quarter of an hour ago.

    Early in the life of a feed the edge is where nobody has been yet: one that sails outward there does not come back.
    """
    if inside_extent(world.reception, lat, lon, p.edge_m):
        return False
    back_lat, back_lon = _back(lat, lon, sog, cog, 900.0)
    if math.isnan(back_lat):
        return True
    return outside_extent_m(world.reception, back_lat, back_lon) > outside_extent_m(world.reception, lat, lon)


@kernel
def _comes_into_reach(p, lat, lon, sog, cog, window, own_bit, world):
    """Whether a reappearing vessel comes, by its course of the last hour, from where (almost) nobody is heard."""
    back_lat, back_lon = _back(lat, lon, sog, cog, p.ahead_s)
    return not math.isnan(back_lat) and is_out_of_reach(p, lat, lon, back_lat, back_lon, window, own_bit, world)


@kernel
def silence_ends(p, h, ship_type, t_ms, lat, lon, sog, cog, now_ms, window, own_bit, world, out):
    """A report after a silence: close, retract or raise the alert; `h` still holds the report before.

    NaN position: it is heard again, but nobody knows where.
    """
    if t_ms - h.heard_t < p.least_ms or h.last_t != h.heard_t:
        return
    if not h.silence_judged or h.silence_start_t != h.last_t:
        _begin(p, h, window, own_bit, world)
    if is_clock_off(world.reception, h) and not h.silence_alerted:
        h.silence_held = CLOCK_OFF
    least_ms = least_silence_ms(p, h)
    if t_ms - h.last_t < least_ms and not h.silence_alerted:
        return
    if h.silence_told > 0 and not h.silence_alerted:  # the alert was retracted: that was the end of it
        h.silence_judged = 0
        return
    if was_out_since(world.reception, h.source, h.lat, h.lon, h.last_t):
        h.silence_out = 1
    moved_m = quick_distance_m(h.lat, h.lon, lat, lon)
    held = np.int64(h.silence_held)
    still = moved_m < p.still_m and (not sog >= p.still_kn or is_mooring(p, h.lat, h.lon, own_bit, world))
    returned = not math.isnan(lat) and _comes_over_the_edge(p, lat, lon, sog, cog, world)
    unlikely = h.silence_log_p < math.log(p.probability)
    works = reception_works(p, h)
    long_enough = t_ms - h.last_t >= max(least_ms, np.int64(p.holes * longest_hole_ms(h)))
    what = CLOSED
    if h.silence_alerted:
        if still or returned:
            what = RETRACTED
            h.silence_held = STILL if still else RETURNED
    elif held == NONE:
        if h.silence_out:
            h.silence_held = OUT
        elif not (unlikely and works):
            h.silence_held = EXPECTED
        elif not long_enough:
            h.silence_held = SHORT
        elif still or returned:
            h.silence_held = STILL if still else RETURNED
        else:  # nobody was heard close by when it was due
            h.silence_alerted = 1
    elif held in (AT_REST, LEAVING, SLOWING):
        sailed_m = max(p.moved_m, p.moved_kn * KN_MS * (t_ms - h.last_t) / 1000.0)
        told = p.enabled and unlikely and long_enough and works and not h.silence_out and moved_m >= sailed_m
        if told and not returned and not _comes_into_reach(p, lat, lon, sog, cog, window, own_bit, world):
            h.silence_alerted = 1
    _tell(p, h, ship_type, what, now_ms, t_ms, lat, lon, sog, world, out)
    if h.silence_alerted and what == CLOSED:
        h.dark_end_s = seconds_of(t_ms)
    if h.silence_alerted or held == AT_REST:  # these silences say nothing of reception
        h.windows_heard = 0
        h.windows_from = np.int32(t_ms // WINDOW_MS)
    h.silence_alerted = 0
    h.silence_judged = 0


@kernel
def silence_clash(p, h, ship_type, now_ms, world, out):
    """Another hull of the MMSI went on where this one cannot have been: it was no silence of the ship."""
    _no_silence(p, h, ship_type, CLASH, now_ms, world, out)


@kernel
def silence_doubted(p, h, ship_type, now_ms, world, out):
    """The MMSI is heard, at some other time, by a source whose reports are refused for its clock."""
    if h.last_t == h.heard_t:
        _no_silence(p, h, ship_type, CLOCK_OFF, now_ms, world, out)


@kernel
def _no_silence(p, h, ship_type, held, now_ms, world, out):
    """Retract the alert, if any, and judge no further until the hull is heard again."""
    if h.silence_alerted:
        h.silence_held = held
        _tell(p, h, ship_type, RETRACTED, now_ms, now_ms, math.nan, math.nan, math.nan, world, out)
        h.silence_alerted = 0
    elif h.silence_start_t != h.last_t:
        h.silence_told = 0
    h.silence_held = held
    h.silence_judged = 1
    h.silence_start_t = h.last_t
    h.silence_due_t = FAR


@kernel
def tell_open_silence(p, h, ship_type, now_ms, world, out):
    """Tell a silence that still lasts, long enough to be recorded and not told as an alert."""
    if now_ms - h.last_t < least_silence_ms(p, h):
        return
    if h.silence_start_t != h.last_t:
        h.silence_start_t = h.last_t
        h.silence_told = 0
    if h.silence_told > 0:  # as an alert that was retracted
        return
    if h.silence_held == NONE:
        h.silence_held = EXPECTED
    _tell(p, h, ship_type, OPEN, now_ms, FAR, math.nan, math.nan, math.nan, world, out)
