"""Kernels of landfalls and unusual landings; the rule in words is in maritime/detect/landing.py."""

import math

import numpy as np

from maritime.detect.kernels.events import CLOSED, LANDFALL, OPEN, RETRACTED, tell
from maritime.detect.kernels.outage import is_clock_off, is_out
from maritime.detect.kernels.reception import RINGS, WINDOW_MS, heard_near, others_rested, popcount
from maritime.detect.kernels.samples import ms_of, seconds_of
from maritime.detect.landing import VISITED
from maritime.geo.coastline_kernels import coast_distance_m, on_land
from maritime.geo.geodesy import bearing_deg, destination, distance_m, quick_distance_m
from maritime.geo.ports_kernels import nearest_place_m
from maritime.geo.sun_kernels import sun_altitude_deg
from maritime.jit import kernel
from maritime.times import FAR, FAR_S, NEVER_S
from maritime.units import DAY_MS, KN_MS, MINUTE_MS

PLACE, NOVELTY, TYPE, HOUR, DESTINATION, ANTECEDENT, SHORT_STAY, DORMANCY = 1, 2, 4, 8, 16, 32, 64, 128  # TERMS
APPROACH, STOP, STAY, DEPARTURE = 1, 2, 4, 8  # SEEN
NOT_HELD, INLAND, KNOWN, OTHERS, RESCUE, FERRY, USUAL, SHELTER, ARRIVAL, NO_TERM, PASSED, DISABLED = range(12)  # HELD
FROM_SILENCE, THEN_SEEN = 1, 2  # landfall_inferred
NOTHING, FOUND, JUDGE, END = range(4)  # what a report calls for
PACE_MS = 3 * MINUTE_MS  # nominal report interval at rest, ITU-R M.1371-5 annex 1 table 1
PACE_M = 50.0  # chosen: no course is implied over less
SPRINT_MS = MINUTE_MS  # chosen: so long a run is no glitch
APPROACH_REPORTS = 3  # chosen: so many reports under way are an approach seen
PLACE_LOOKED_M = 50_000.0  # chosen: how far off the nearest known place is still named


@kernel
def runs_fast_by_trade(ship_type):
    """High-speed craft 40–49, passenger 60–69, pilot 50, SAR 51, law enforcement 55 (ITU-R M.1371-5 table 53)."""
    return 40 <= ship_type <= 51 or ship_type == 55 or 60 <= ship_type <= 69


@kernel
def note_pace(p, h, t_ms, lat, lon, sog, cog):
    """Keep speed and course of a report: as sent, or implied by the distance made since a sample 3 minutes before."""
    if math.isnan(sog) or math.isnan(cog):
        s = seconds_of(t_ms)
        dt_ms = (s - h.pace_s) * 1000
        if h.pace_s == NEVER_S or dt_ms >= PACE_MS:
            made_kn = math.nan
            made_deg = math.nan
            if h.pace_s != NEVER_S and dt_ms <= p.hole_ms:
                made_m = quick_distance_m(h.pace_lat, h.pace_lon, lat, lon)
                made_kn = made_m / (dt_ms / 1000.0) / KN_MS
                if made_m >= PACE_M:
                    made_deg = bearing_deg(h.pace_lat, h.pace_lon, lat, lon)
            h.pace_s = s
            h.pace_lat = lat
            h.pace_lon = lon
            h.pace_kn = made_kn
            h.pace_deg = made_deg
    if not math.isnan(sog):
        h.pace_kn = sog
    if not math.isnan(cog):
        h.pace_deg = cog


@kernel
def note_moving(p, h, t_ms, speed_kn):
    """A report under way: what it says of a long rest before, of an approach, and of a run at high speed."""
    s = seconds_of(t_ms)
    before_ms = ms_of(h.first_s if h.moved_s == NEVER_S else h.moved_s)
    if t_ms - before_ms >= p.dormant_ms:
        h.woke_s = s
        h.dormant_days = (t_ms - before_ms) / DAY_MS
    if t_ms - before_ms > p.hole_ms:
        h.moving_n = 0
    if h.moving_n < 255:
        h.moving_n += 1
    h.moved_s = s
    if not speed_kn > p.sprint_kn:
        h.sprint_from_s = FAR_S
    elif h.sprint_from_s == FAR_S or t_ms - h.last_t > p.stop_hole_ms:
        h.sprint_from_s = s
    elif (s - h.sprint_from_s) * 1000 >= SPRINT_MS:
        if h.sprint_s == NEVER_S or (s - h.sprint_s) * 1000 > p.sprint_ms or speed_kn > h.sprint_kn:
            h.sprint_kn = speed_kn
        h.sprint_s = s


@kernel
def begin_stop(p, h, t_ms, lat, lon):
    """The first report at rest; `h` still holds the report before."""
    h.stop_t = t_ms
    h.stop_seen_t = t_ms
    h.stop_lat = lat
    h.stop_lon = lon
    h.stop_n = 1
    h.stop_hole_s = 0.0
    h.stop_judged = 0
    h.leaving_n = 0
    h.sprint_from_s = FAR_S
    h.landfall_inferred = 0
    h.landfall_seen = 0
    if h.moved_s != NEVER_S:
        if h.moving_n >= APPROACH_REPORTS and t_ms - ms_of(h.moved_s) <= p.hole_ms:
            h.landfall_seen |= APPROACH
        if t_ms - h.last_t <= p.stop_hole_ms:
            h.landfall_seen |= STOP


@kernel
def shore_m(p, vessel, world):
    """Distance to the coast within which a stop of this vessel is a landfall."""
    return (p.shore_long_m if vessel.length_m > p.long_m else p.shore_m) + world.coast_error_m


@kernel
def _visit(p, h):
    """Place of this stop among those visited before, or -1."""
    for k in range(VISITED):
        if h.visit_n[k] > 0 and quick_distance_m(h.visit_lat[k], h.visit_lon[k], h.stop_lat, h.stop_lon) <= p.visit_m:
            return k
    return -1


@kernel
def visits_before(p, h):
    """How often the vessel came ashore here before."""
    k = _visit(p, h)
    return 0 if k < 0 else np.int64(h.visit_n[k])


@kernel
def remember_visit(p, h):
    """Count the stop among the places visited and bring it to the front; the place visited longest ago leaves."""
    k = _visit(p, h)
    n = 1
    lat = h.stop_lat
    lon = h.stop_lon
    if k >= 0:
        n = min(np.int64(h.visit_n[k]) + 1, 255)
        lat = np.float64(h.visit_lat[k])
        lon = np.float64(h.visit_lon[k])
    else:
        k = VISITED - 1
    while k > 0:
        h.visit_n[k] = h.visit_n[k - 1]
        h.visit_lat[k] = h.visit_lat[k - 1]
        h.visit_lon[k] = h.visit_lon[k - 1]
        k -= 1
    h.visit_n[0] = n
    h.visit_lat[0] = lat
    h.visit_lon[0] = lon


@kernel
def ran_before(p, h, ship_type):
    """Whether a craft not made for it ran at high speed shortly before the stop."""
    return h.sprint_s != NEVER_S and h.stop_t - ms_of(h.sprint_s) <= p.sprint_ms and not runs_fast_by_trade(ship_type)


@kernel
def was_dark_before(p, h):
    """Whether an alerted silence ended shortly before."""
    return h.dark_end_s != NEVER_S and h.stop_t - ms_of(h.dark_end_s) <= p.antecedent_ms


@kernel
def loitered_before(p, h):
    """Whether an alerted loitering ended shortly before, or began before and still lasts."""
    if h.loiter_open and h.loiter_alerted:
        return h.loiter_start_t < h.stop_t
    return h.loiter_end_s != NEVER_S and h.stop_t - ms_of(h.loiter_end_s) <= p.antecedent_ms


@kernel
def weigh_terms(p, h, vessel, window, own_bit, world):
    """Which terms are unusual and which cannot be known, at the beginning of a landfall."""
    lat = h.stop_lat
    lon = h.stop_lon
    terms = 0
    unknown = NOVELTY | TYPE | HOUR | SHORT_STAY
    known_for_ms = h.stop_t - ms_of(h.first_s)
    h.landfall_others = others_rested(world.reception, lat, lon, own_bit)
    _, usual, _, slow_share = heard_near(world.reception, lat, lon, 0, window, own_bit)
    h.landfall_slow = min(round(usual * slow_share), 255.0) if slow_share >= 0.5 else 0
    if not h.landfall_place_m <= p.place_m and h.landfall_others < p.others:
        terms |= PLACE
    h.landfall_goal = vessel.destination_port
    h.landfall_goal_m = math.nan
    if vessel.destination_port < 0:
        unknown |= DESTINATION
    else:
        goal = vessel.destination_port
        h.landfall_goal_m = distance_m(lat, lon, world.places.lat_deg[goal], world.places.lon_deg[goal])
        if h.landfall_goal_m > p.destination_m:
            terms |= DESTINATION
    if was_dark_before(p, h) or loitered_before(p, h) or ran_before(p, h, vessel.ship_type):
        terms |= ANTECEDENT
    elif known_for_ms < p.antecedent_ms:
        unknown |= ANTECEDENT
    if h.woke_s != NEVER_S and h.stop_t - ms_of(h.woke_s) <= p.antecedent_ms:
        terms |= DORMANCY
    elif known_for_ms < p.dormant_ms:
        unknown |= DORMANCY
    h.landfall_terms = terms
    h.landfall_unknown = unknown


@kernel
def held_back(p, h, vessel):
    """Code of the rule that keeps the landfall from being an alert; NOT_HELD when it is one."""
    if h.landfall_held == INLAND:
        return INLAND
    if not h.landfall_terms & (PLACE | NOVELTY):
        return KNOWN if h.landfall_place_m <= p.place_m else OTHERS
    if vessel.ship_type == 51 or h.mmsi // 1_000_000 == 111:
        return RESCUE
    if 60 <= vessel.ship_type <= 69:
        return FERRY
    if visits_before(p, h) >= p.visits:
        return USUAL
    if h.landfall_others >= 1 and h.landfall_slow >= p.shelter_vessels:
        return SHELTER
    if h.moved_s == NEVER_S:
        return ARRIVAL
    if popcount(h.landfall_terms) < 2:
        return NO_TERM
    return NOT_HELD if p.enabled else DISABLED


@kernel
def _tell(p, h, vessel, what, revision, now_ms, end_ms, world, out):
    """Tell the state of the landfall."""
    e = tell(
        out, LANDFALL, what, h, revision, h.landfall_alerted, now_ms, h.stop_t, end_ms, h.stop_lat, h.stop_lon
    )  # fmt: skip
    e.held = h.landfall_held
    v = e.v
    v[0] = max(popcount(h.landfall_seen), 1)
    v[1] = h.landfall_seen
    v[2] = h.landfall_terms
    v[3] = h.landfall_unknown
    v[4] = h.landfall_coast_m
    v[5] = shore_m(p, vessel, world)
    v[6] = h.landfall_place_m
    v[7] = h.landfall_place
    v[8] = h.landfall_others
    v[9] = h.landfall_slow
    v[10] = sun_altitude_deg(h.stop_t, h.stop_lat, h.stop_lon)
    v[11] = h.landfall_goal
    v[12] = h.landfall_goal_m
    v[13] = (h.stop_t - ms_of(h.dark_end_s)) / MINUTE_MS if was_dark_before(p, h) else math.nan
    v[14] = (h.stop_t - ms_of(h.loiter_end_s)) / MINUTE_MS if loitered_before(p, h) else math.nan
    if h.loiter_open and h.loiter_alerted and loitered_before(p, h):
        v[14] = 0.0
    v[15] = h.sprint_kn if ran_before(p, h, vessel.ship_type) else math.nan
    v[16] = h.dormant_days if h.landfall_terms & DORMANCY else math.nan
    v[17] = visits_before(p, h)
    v[18] = vessel.ship_type
    v[19] = vessel.length_m
    v[20] = h.landfall_inferred
    v[21] = h.stop_n
    v[22] = h.stop_hole_s
    v[23] = h.landfall_kn if h.landfall_inferred else math.nan
    v[24] = h.last_t
    v[25] = h.status


@kernel
def _open(p, h, vessel, coast_m, place_m, place, held, now_ms, window, own_bit, world, out):
    """The stop is a landfall: weigh it, and raise the alert if it is one."""
    h.landfall_open = 1
    h.landfall_alerted = 0
    h.landfall_told = 0
    h.landfall_coast_m = coast_m
    h.landfall_place_m = place_m if place >= 0 else math.nan
    h.landfall_place = place
    h.landfall_held = held
    weigh_terms(p, h, vessel, window, own_bit, world)
    h.landfall_held = held_back(p, h, vessel)
    if h.landfall_held == NOT_HELD:
        h.landfall_alerted = 1
        _tell(p, h, vessel, OPEN, h.landfall_told, now_ms, FAR, world, out)
        h.landfall_told += 1


@kernel
def _judge(p, h, vessel, now_ms, window, own_bit, world, out):
    """The stop has lasted long enough: is it at the shore, in a known place on land, or where nobody can say?"""
    h.stop_judged = 1
    lat = h.stop_lat
    lon = h.stop_lon
    near_m = shore_m(p, vessel, world)
    looked_m = max(near_m, p.inland_m)
    coast_m = coast_distance_m(world.coast, lat, lon, looked_m)
    place_m, place = nearest_place_m(world.places, lat, lon, PLACE_LOOKED_M)
    held = NOT_HELD
    if coast_m > near_m:
        if not on_land(world.coast, lat, lon):
            return
        if place < 0 or place_m > p.place_m:
            if coast_m >= looked_m:
                return
            held = INLAND
    if coast_m >= looked_m:
        coast_m = math.nan
    if h.stop_hole_s * 1000.0 <= p.hole_ms:
        h.landfall_seen |= STAY
    _open(p, h, vessel, coast_m, place_m, place, held, now_ms, window, own_bit, world, out)


@kernel
def _know_stay(p, h):
    """At departure it may be known whether the stay was short: it began when it was seen to, and ended before this."""
    if not h.landfall_seen & STOP and h.landfall_inferred != FROM_SILENCE:
        return
    if h.leaving_t - h.stop_t < p.short_stay_ms:
        h.landfall_terms |= SHORT_STAY
        h.landfall_unknown &= ~SHORT_STAY
    elif h.landfall_seen & DEPARTURE or h.stop_seen_t - h.stop_t >= p.short_stay_ms:
        h.landfall_unknown &= ~SHORT_STAY


@kernel
def passed_by(p, h, t_ms, lat, lon, speed_kn):
    """Whether, between the last report before an inferred landfall and this one, there was no time for a stop."""
    way_kn = h.landfall_kn
    if not way_kn > speed_kn:
        way_kn = speed_kn
    if not way_kn > p.leave_kn:
        return False
    way_s = distance_m(h.stop_lat, h.stop_lon, lat, lon) / (way_kn * KN_MS)
    return t_ms - h.stop_seen_t - way_s * 1000.0 < p.stop_ms


@kernel
def end_stop(p, h, vessel, t_ms, lat, lon, speed_kn, now_ms, world, out):
    """The vessel has left: close the landfall, if it was one."""
    if h.landfall_open and h.landfall_inferred == FROM_SILENCE and passed_by(p, h, t_ms, lat, lon, speed_kn):
        h.landfall_held = PASSED
        if h.landfall_alerted:
            _tell(p, h, vessel, RETRACTED, h.landfall_told, now_ms, h.leaving_t, world, out)
    elif h.landfall_open:
        end_ms = h.leaving_t
        if h.leaving_t - h.stop_seen_t <= p.hole_ms:
            h.landfall_seen |= DEPARTURE
        elif h.landfall_inferred != FROM_SILENCE:
            end_ms = h.stop_seen_t
        _know_stay(p, h)
        if not h.landfall_alerted:
            h.landfall_held = held_back(p, h, vessel)
            h.landfall_alerted = h.landfall_held == NOT_HELD
        _tell(p, h, vessel, CLOSED, h.landfall_told, now_ms, end_ms, world, out)
        remember_visit(p, h)
        h.woke_s = NEVER_S
    h.landfall_open = 0
    h.landfall_inferred = 0
    h.stop_t = FAR
    h.moving_n = 0
    if speed_kn > p.leave_kn or quick_distance_m(h.stop_lat, h.stop_lon, lat, lon) > p.infer_m:  # no dragging anchor
        note_moving(p, h, h.leaving_t, speed_kn)


@kernel
def _seen_there(p, h, vessel, lat, lon, world):
    """Whether a vessel found at rest after an inferred landfall lies where it was thought to: at the shore, near by."""
    return quick_distance_m(h.stop_lat, h.stop_lon, lat, lon) <= p.infer_m and coast_distance_m(
        world.coast, lat, lon, p.infer_m
    ) <= shore_m(p, vessel, world)


@kernel
def _step(p, h, length_m, t_ms, lat, lon):
    if h.stop_t == FAR:
        if h.resting:
            begin_stop(p, h, t_ms, lat, lon)
        elif h.pace_kn > p.leave_kn:
            note_moving(p, h, t_ms, np.float64(h.pace_kn))
        else:
            h.sprint_from_s = FAR_S
        return NOTHING
    moved_m = p.moved_m + (2.0 * length_m if length_m > 0.0 else 0.0)
    away = quick_distance_m(h.stop_lat, h.stop_lon, lat, lon) > moved_m
    if away and h.resting and h.landfall_inferred == FROM_SILENCE:
        return FOUND
    if not away and not h.pace_kn > p.leave_kn:
        return _rest(p, h, t_ms)
    return _leave(p, h, t_ms, away)


@kernel
def _rest(p, h, t_ms):
    """A further report of the stop."""
    if h.landfall_inferred == FROM_SILENCE:
        h.landfall_inferred = THEN_SEEN
    h.leaving_n = 0
    h.stop_hole_s = max(np.float64(h.stop_hole_s), (t_ms - h.last_t) / 1000.0)
    h.stop_seen_t = t_ms
    if h.stop_n < 65535:
        h.stop_n += 1
    return JUDGE if not h.stop_judged and t_ms - h.stop_t >= p.stop_ms else NOTHING


@kernel
def _leave(p, h, t_ms, away):
    """A report that may end the stop: the first is noted, a second that bears it out ends it."""
    if h.leaving_n == 0:
        h.leaving_n = 1
        h.leaving_t = t_ms
    elif away or t_ms - h.leaving_t >= p.leave_ms:
        return END
    return NOTHING


@kernel
def _look_again(p, h, t_ms):
    waits = h.stop_t == FAR or not h.stop_judged
    h.look_t = t_ms + p.infer_after_ms if waits and h.moved_s != NEVER_S else FAR


@kernel
def landfall_step(p, h, length_m, t_ms, lat, lon, sog, cog):
    """What a report does to the stop; answers NOTHING, or the action for which `landfall_act` must see the world.

    Apart from it because most reports need no more, and a call that takes the whole world costs ten times the step.
    """
    note_pace(p, h, t_ms, lat, lon, sog, cog)
    h.resting = h.pace_kn < (p.rest_kn if h.transceiver == 0 and not math.isnan(sog) else p.rest_b_kn)
    action = _step(p, h, length_m, t_ms, lat, lon)
    _look_again(p, h, t_ms)
    return action


@kernel
def landfall_act(p, h, vessel, action, t_ms, lat, lon, now_ms, window, own_bit, world, out):
    """The rare reports that change more than the stop; `h` still holds the report before."""
    if action == FOUND:
        if _seen_there(p, h, vessel, lat, lon, world):
            h.stop_lat = lat
            h.stop_lon = lon
            action = _rest(p, h, t_ms)
        else:
            action = _leave(p, h, t_ms, True)
    if action == JUDGE:
        _judge(p, h, vessel, now_ms, window, own_bit, world, out)
    elif action == END:
        end_stop(p, h, vessel, t_ms, lat, lon, np.float64(h.pace_kn), now_ms, world, out)
        if h.resting:
            begin_stop(p, h, t_ms, lat, lon)
    _look_again(p, h, t_ms)


@kernel
def landfall_report(p, h, vessel, t_ms, lat, lon, sog, cog, status, now_ms, window, own_bit, world, out):
    """A report of the hull; `h` still holds the report before. The two verbs above in one."""
    action = landfall_step(p, h, vessel.length_m, t_ms, lat, lon, sog, cog)
    if action != NOTHING:
        landfall_act(p, h, vessel, action, t_ms, lat, lon, now_ms, window, own_bit, world, out)


@kernel
def landfall_deadline(p, h):
    """When silence may mean a landfall."""
    return h.look_t


@kernel
def heads_for_shore(p, h, coast_m, coast):
    """Whether the last report of a vessel under way leads to the shore soon: in reach, half of the way made good."""
    if h.moving_n < APPROACH_REPORTS or not h.pace_kn > p.leave_kn or math.isnan(h.pace_deg):
        return False
    if coast_m > h.pace_kn * KN_MS * p.infer_within_s:
        return False
    lat, lon = destination(h.lat, h.lon, np.float64(h.pace_deg), coast_m)
    return on_land(coast, lat, lon) or coast_distance_m(coast, lat, lon, coast_m) <= 0.5 * coast_m


@kernel
def _infer(p, h, vessel, now_ms, window, own_bit, world, out):
    """Others are heard, this vessel is not: open a landfall if its last report led to one."""
    coast_m = coast_distance_m(world.coast, h.lat, h.lon, p.infer_m)
    if coast_m >= p.infer_m:
        return
    if h.stop_t != FAR:
        if coast_m > shore_m(p, vessel, world) or h.leaving_n > 0:
            return
    elif heads_for_shore(p, h, coast_m, world.coast):
        begin_stop(p, h, h.last_t, h.lat, h.lon)
        h.stop_n = 0
        h.landfall_seen = APPROACH
        h.stop_t = h.last_t + np.int64(coast_m / (h.pace_kn * KN_MS) * 1000.0)
    else:
        return
    h.stop_judged = 1
    h.landfall_inferred = FROM_SILENCE
    h.landfall_kn = h.pace_kn
    place_m, place = nearest_place_m(world.places, h.lat, h.lon, PLACE_LOOKED_M)
    _open(p, h, vessel, coast_m, place_m, place, NOT_HELD, now_ms, window, own_bit, world, out)


@kernel
def landfall_time(p, h, vessel, now_ms, window, own_bit, world, out):
    """The passing of time: a silence that began on the way to the shore, while others are heard, is a landfall."""
    if now_ms < h.look_t:
        return
    h.look_t += WINDOW_MS
    if h.heard_t > h.last_t or h.look_t - h.last_t > p.infer_until_ms:
        h.look_t = FAR
    if h.heard_t > h.last_t or is_out(world.reception, h.source, h.lat, h.lon) or is_clock_off(world.reception, h):
        return
    for ring in RINGS:
        if heard_near(world.reception, h.lat, h.lon, ring, window, own_bit)[0] >= 1.0:
            h.look_t = FAR
            _infer(p, h, vessel, now_ms, window, own_bit, world, out)
            return


@kernel
def landfall_open(h):
    """Whether a landfall lasts that nobody was told of."""
    return h.landfall_open == 1 and not h.landfall_alerted


@kernel
def tell_open_landfall(p, h, vessel, now_ms, window, own_bit, world, out):
    """Tell a landfall that lasts, for the record; the hull stays as it was."""
    _tell(p, h, vessel, OPEN, h.landfall_told, now_ms, FAR, world, out)
