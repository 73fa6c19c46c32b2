"""Loitering: single cases by hand, and random hulls against the slow twin in tests/naive_loitering.py."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from maritime.detect.engine import World
from maritime.detect.kernels.events import CLOSED, OPEN, RETRACTED, UPDATE
from maritime.detect.loitering import LoiteringSettings
from maritime.detect.settings import DetectSettings
from maritime.detect.tell import loitering as tell_loitering
from maritime.detect.tell.context import TellContext
from maritime.geo.ports_kernels import nearest_place_m
from maritime.times import FAR
from maritime.units import HOUR_MS, MINUTE_MS
from tests import naive_landing, naive_loitering
from tests.detect import walk
from tests.detect.walk import NOBODY, T0_MS, Others, Track, beats_of, others, track

P = LoiteringSettings().parameters()
MODES = tell_loitering.MODES
ZONE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "watched"},
            "geometry": {"type": "Polygon", "coordinates": [[[8, 3], [12, 3], [12, 4], [8, 4], [8, 3]]]},
        }
    ],
}
FAR_OFF = (1.5, 9.4)  # 36 nm from the coast and far from every port
BETWEEN = (1.5, 9.74)  # 15.6 nm
NEAR = (1.5, 9.9)  # 6 nm
ARRIVE = (60, 10, 0, 60)
LEAVE = (30, 10, 0, 60)
LISTEN = ((1, 10, 0, 60), (12 * 60, 0, 0, 0))  # heard once, then nothing: others are, for half a day


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return walk.make_world(tmp_path_factory.mktemp("world"), zones=ZONE)


@pytest.fixture
def world(made: World) -> World:
    return made._replace(reception=walk.new_reception())


def told(world: World, one: Track, around: Others = NOBODY, ship_type: int = 0, after_min: int = 240) -> np.ndarray:
    hulls, vessels = walk.new_hull()
    vessels["ship_type"] = ship_type
    out = walk.new_events()
    walk.walk_loitering(P, hulls, vessels, one, beats_of(one, after_min), around, world, out, True)
    return out.rows[: out.n[0]]


def slow(minutes: float, start: tuple[float, float], knots: float = 1.0, every_s: float = 60.0) -> Track:
    return track(ARRIVE, (minutes, knots, 0, every_s), LEAVE, start=start)


def modes(event: np.void) -> set[str]:
    return {name for k, name in enumerate(MODES) if int(event["v"][11]) >> k & 1}


@pytest.mark.parametrize(("start", "hours"), [(FAR_OFF, 4), (BETWEEN, 2), ((2.95, 9.9), 0.5)])
def test_alert_when_its_time_has_come(world, start, hours):
    first, *_, last = told(world, slow(300, start))
    assert (first["what"], first["alerted"], last["what"], last["alerted"]) == (OPEN, 1, CLOSED, 1)
    assert first["start_t"] == T0_MS + HOUR_MS
    assert hours * HOUR_MS <= first["told_t"] - first["start_t"] <= hours * HOUR_MS + 2 * MINUTE_MS
    assert last["end_t"] == T0_MS + 6 * HOUR_MS
    assert first["v"][15] == hours * 60


def test_near_the_shore_it_is_an_episode(world):
    (event,) = told(world, slow(300, NEAR))
    assert (event["what"], event["alerted"]) == (CLOSED, 0)
    assert len(told(world, slow(25, NEAR))) == 0


def test_an_alert_for_distance_alone_is_retracted_when_the_whole_episode_lies_nearer(world):
    shoreward = track(ARRIVE, (180, 0.5, 0, 60), (540, 1.0, 90, 60), LEAVE, start=(1.5, 9.77))
    first, *_, last = told(world, shoreward)
    assert (first["what"], first["alerted"], last["what"], last["alerted"]) == (OPEN, 1, RETRACTED, 1)
    assert last["v"][8] < 12 * 1852 < first["v"][8]
    watched = track(ARRIVE, (60, 0.5, 0, 60), (600, 1.0, 180, 60), LEAVE, start=(2.88, 9.9))
    *_, last = told(world, watched)
    assert (last["what"], last["alerted"]) == (CLOSED, 1), "it was seen to loiter in the watch zone"


def test_open_alert_is_told_again_every_six_hours(world):
    events = told(world, track(ARRIVE, (20 * 60, 1, 0, 60), start=FAR_OFF), after_min=5)
    assert [e["what"] for e in events] == [OPEN, UPDATE, UPDATE]
    assert [e["revision"] for e in events] == [0, 1, 2]


def test_a_pilot_is_at_work_outside_zones_a_yacht_needs_longer_and_a_vessel_at_anchor_for_ever(world):
    (event,) = told(world, slow(700, FAR_OFF), ship_type=50)
    assert event["alerted"] == 0
    first, *_ = told(world, slow(400, (2.95, 9.9)), ship_type=50)
    assert first["told_t"] - first["start_t"] == pytest.approx(HOUR_MS / 2, abs=2 * MINUTE_MS)
    first, *_ = told(world, slow(400, FAR_OFF), ship_type=36)
    assert first["told_t"] - first["start_t"] == pytest.approx(4 / 0.7 * HOUR_MS, abs=2 * MINUTE_MS)
    one = slow(400, FAR_OFF, knots=0.02)
    (event,) = told(world, one._replace(status=np.full(len(one.t), 1, np.uint8)))
    assert event["alerted"] == 0


def test_where_all_are_slow_it_needs_longer(world):
    one = track(*LISTEN, ARRIVE, (700, 0.3, 0, 60), LEAVE, start=FAR_OFF)
    first, *_ = told(world, one, others(one.lat[400], one.lon[400], vessels=10, slow=5))
    assert first["told_t"] - first["start_t"] == pytest.approx(4 / 0.7 * HOUR_MS, abs=2 * MINUTE_MS)
    assert first["v"][17] == pytest.approx(0.5)
    one = slow(700, FAR_OFF, knots=0.3)
    first, *_ = told(world, one, others(one.lat[400], one.lon[400], vessels=10, slow=5))
    assert math.isnan(first["v"][17])  # too little was heard before to call anything usual


def test_holes_are_bridged_up_to_an_hour(world):
    hole = (59, 1, 0, 0)
    (event,) = told(world, track(ARRIVE, (60, 1, 0, 60), hole, (60, 1, 0, 60), LEAVE, start=NEAR))
    assert event["v"][13] == 60 * 60
    first, second = told(world, track(ARRIVE, (60, 1, 0, 60), (61, 1, 0, 0), (60, 1, 0, 60), LEAVE, start=NEAR))
    assert first["end_t"] == T0_MS + 119 * MINUTE_MS
    assert second["start_t"] == T0_MS + 181 * MINUTE_MS


def test_bad_points_end_nothing(world):
    one = slow(300, FAR_OFF)
    clean = told(world, one)
    one.sog[[100, 180]] = 12.0
    assert [tuple(e)[:8] for e in told(world, one)] == [tuple(e)[:8] for e in clean]


def test_adrift(world):
    one = track(ARRIVE, (60, 1.5, 0, 60), LEAVE, start=NEAR)
    one = one._replace(heading=np.where(one.sog < 2, 90.0, 0.0))
    first, last = told(world, one)
    assert modes(first) == {"slow", "adrift"}
    assert first["told_t"] - first["start_t"] <= 32 * MINUTE_MS
    assert last["v"][15] != last["v"][15] or last["v"][15] == 30.0
    assert modes(told(world, one._replace(status=np.full(len(one.t), 2, np.uint8)))[0]) >= {"not_under_command"}
    assert told(world, one._replace(heading=one.cog))[0]["alerted"] == 0


def test_a_fast_drift_ends_when_it_was_last_seen(world):
    one = track(ARRIVE, (90, 4, 0, 60), LEAVE, start=NEAR)
    one = one._replace(heading=np.where(one.sog < 5, 90.0, 0.0))
    *_, last = told(world, one)
    assert last["what"] == CLOSED
    assert last["start_t"] == T0_MS + 60 * MINUTE_MS
    assert last["end_t"] == T0_MS + 149 * MINUTE_MS


def test_circling(world):
    legs = [(5, 4, course % 360, 60) for course in range(0, 360 * 8, 30)]
    first, *_, last = told(world, track(ARRIVE, *legs, LEAVE, start=FAR_OFF))
    assert "circling" in modes(first)
    assert "slow" not in modes(first)
    assert last["end_t"] > last["start_t"] + 6 * HOUR_MS
    assert abs(last["v"][7]) == pytest.approx(8, abs=0.5)


def test_a_circler_that_came_at_speed_began_when_it_fell_below_the_circling_speed(world):
    legs = [(5, 4, course % 360, 60) for course in range(0, 360 * 8, 30)]
    *_, last = told(world, track((63, 10, 0, 60), *legs, LEAVE, start=FAR_OFF))
    assert last["start_t"] == T0_MS + 63 * MINUTE_MS


def test_a_circler_that_left_in_time_is_no_alert_while_it_may_come_back(world):
    legs = [(5, 4, course % 360, 60) for course in range(0, 360 * 3, 30)]
    (event,) = told(world, track((63, 10, 0, 60), *legs, (240, 10, 0, 60), start=FAR_OFF))
    assert (event["what"], event["alerted"]) == (CLOSED, 0)
    assert event["end_t"] - event["start_t"] == pytest.approx(3 * HOUR_MS, abs=20 * MINUTE_MS)
    assert event["v"][2] < 5.0, "the way out at 10 kn is no part of the circling"


def test_a_circler_has_not_left_while_it_sails_slowly_where_it_circled(world):
    circles = [(5, 4, course % 360, 60) for course in range(0, 360 * 4, 30)]
    wide = [(10, 4, 90 + 8.8 * step, 60) for step in range(24)]  # an arc of 4.3 nm around the circles
    first, *_, last = told(world, track(ARRIVE, *circles, (65, 4, 0, 60), *wide, (90, 10, 90, 60), start=FAR_OFF))
    assert (first["start_t"], last["what"]) == (last["start_t"], CLOSED)
    assert last["end_t"] - last["start_t"] >= 8.5 * HOUR_MS


def test_disabled_it_tells_nothing_and_keeps_but_the_samples_that_silences_are_judged_by(world):
    off = LoiteringSettings(enabled=False).parameters()
    one = slow(300, FAR_OFF)
    hulls, vessels = walk.new_hull()
    out = walk.new_events()
    walk.walk_loitering(off, hulls, vessels, one, beats_of(one), NOBODY, world, out, True)
    assert (out.n[0], hulls[0]["loiter_open"], hulls[0]["loiter_n"]) == (0, 0, 0)
    assert hulls[0]["short_n"] == len(one.t)


def test_asking_for_open_episodes_leaves_the_hull_as_it_was(world):
    one = track(ARRIVE, (100, 1, 0, 60), start=NEAR)
    for asks in (False, True):
        hulls, vessels = walk.new_hull()
        out = walk.new_events()
        walk.walk_loitering(P, hulls, vessels, one, beats_of(one, 10), NOBODY, world, out, asks)
        assert out.n[0] == asks
        assert hulls[0]["loiter_told"] == 0


def random_track(rng: np.random.Generator) -> Track:
    """A hull that goes, slows, drifts, circles and falls silent off the coast."""
    legs: list[tuple[float, float, float, float]] = [(30, 9, rng.uniform(0, 360), 60)]
    for _ in range(rng.integers(2, 7)):
        every_s = float(rng.choice([10, 60, 180, 400, 1500], p=[0.1, 0.4, 0.2, 0.2, 0.1]))
        course = rng.uniform(0, 360)
        kind = rng.integers(5)
        if kind == 0:
            legs.append((float(rng.integers(5, 60)), float(rng.choice([3.5, 6, 12])), course, every_s))
        elif kind == 1:
            legs += [
                (5, float(4 + rng.random()), 30.0 * k % 360, min(every_s, 180)) for k in range(rng.integers(12, 80))
            ]
        elif kind == 2:
            legs.append((float(rng.integers(10, 80)), 0.5, course, 0.0))
        else:
            legs.append((float(rng.integers(5, 400)), float(rng.choice([0, 0.4, 1.5, 1.9, 2.6])), course, every_s))
    one = track(*legs, start=(rng.uniform(0.5, 3.5), rng.choice([9.0, 9.5, 9.75, 9.9])))
    n = len(one.t)
    noise = rng.normal(0, 5e-5, (2, n))
    sog = np.abs(one.sog + rng.normal(0, 0.15, n)) + (rng.random(n) < 0.01) * 8
    if rng.random() < 0.2:
        sog[:] = np.nan
    cog = (one.cog + rng.normal(0, 10, n)) % 360
    cog[rng.random(n) < 0.05] = np.nan
    off = rng.choice([0, 0, 90]) + rng.normal(0, 5, n)
    status = np.full(n, rng.choice([0, 0, 0, 1, 2, 5, 15]), np.uint8)
    return Track(one.t, one.lat + noise[0], one.lon + noise[1], sog, cog, (one.cog + off) % 360, status)


def test_random_hulls_against_the_twin(world):
    rng = np.random.default_rng(20240502)
    reached: dict[str, int] = {}
    for _ in range(150):
        one = random_track(rng)
        ship_type = int(rng.choice([0, 30, 70]))
        beats = beats_of(one, int(rng.choice([10, 100])))
        hulls, vessels = walk.new_hull()
        vessels["ship_type"] = ship_type
        out = walk.new_events()
        walk.walk_loitering(P, hulls, vessels, one, beats, NOBODY, world, out, True)
        waters = naive_loitering.Waters(
            coast_m=lambda lat, lon: naive_landing.metres(lat, lon, lat, 10.0),
            port_m=lambda lat, lon: nearest_place_m(world.places, lat, lon, 1e5)[0],
            in_zone=lambda lat, lon: 3 < lat < 4 and 8 < lon < 12,
            ship_type=ship_type,
        )
        reports = [naive_loitering.Report(*row) for row in zip(*(c.tolist() for c in one), strict=True)]
        wanted = naive_loitering.loiterings(reports, beats.tolist(), waters)
        found = last_states(out.rows[: out.n[0]])
        assert [(x.start, x.end or FAR, x.alerted_at) for x in wanted] == [state[:3] for state in found]
        for x, (*_, found_modes, v) in zip(wanted, found, strict=True):
            reached["alerted" if x.alerted_at else "held"] = reached.get("alerted" if x.alerted_at else "held", 0) + 1
            for mode in x.modes:
                reached[mode] = reached.get(mode, 0) + 1
            if x.alerted_at and x.end is None:
                continue  # the last telling is older than the last report
            assert found_modes == x.modes
            assert v[0] == len(x.members)
            assert v[1] == pytest.approx(np.mean(x.speeds()) if x.speeds() else math.nan, rel=1e-3, nan_ok=True)
            assert v[2] == pytest.approx(max(x.speeds(), default=math.nan), rel=2e-3, nan_ok=True)  # seeds: float32
            assert v[3] == pytest.approx(x.rms_m(), rel=5e-3, abs=2.0)
            assert v[5] == pytest.approx(x.path_m(), rel=5e-3, abs=20.0)
            assert v[7] == pytest.approx(x.turned_deg() / 360, abs=0.02)
            assert v[13] == pytest.approx(x.hole_s)
    assert {"alerted", "held", *MODES} <= set(reached), reached  # the tracks reach every corner


def last_states(events: np.ndarray) -> list[tuple[Any, ...]]:
    """Start, end, first telling as an alert, modes and values of the last revision of each episode."""
    by_start: dict[int, list[np.void]] = {}
    for event in events:
        by_start.setdefault(int(event["start_t"]), []).append(event)
    return [
        (
            start,
            int(revisions[-1]["end_t"]),
            next((int(e["told_t"]) for e in revisions if e["alerted"]), None),
            modes(revisions[-1]),
            revisions[-1]["v"],
        )
        for start, revisions in sorted(by_start.items())
    ]


def test_radius_95_is_the_bin_that_holds_it(world):
    one = slow(300, FAR_OFF)
    *_, last = told(world, one)
    lat = one.lat[60:361]
    from_running_mean = np.abs(lat - np.cumsum(lat) / np.arange(1, len(lat) + 1)) * 111_195.08
    exact_m = np.quantile(from_running_mean, 0.95)
    assert exact_m * 0.95 <= last["v"][4] <= exact_m * math.sqrt(2) * 1.05


def test_told_in_words_and_numbers(world):
    context = TellContext(
        DetectSettings(), lambda row: f"port {row}", lambda row: "watched", lambda code: "north", "a coast", 500.0
    )
    first, *_, last = (tell_loitering.episode(e, context) for e in told(world, slow(480, FAR_OFF)))
    assert (first.type, first.state, first.alerted, last.state) == ("loitering", "open", True, "closed")
    assert first.score == pytest.approx(0.5, abs=0.01)
    assert (last.score, last.severity) == (1.0, "extreme")
    assert [r.term for r in last.reasons] == ["duration", "mean_speed"]
    assert (last.reasons[0].value, last.reasons[0].threshold) == (8.0, 4.0)
    assert last.evidence["beyond_coast_nm"] == 20.0
    json.dumps(asdict(last), allow_nan=False)

    def held(one: Track, **kwargs: Any) -> str | None:
        *_, event = told(world, one, **kwargs)
        return tell_loitering.episode(event, context).held_back_by

    anchored = slow(400, FAR_OFF, knots=0.02)
    assert held(slow(300, NEAR)) == "near_shore"
    assert held(slow(100, FAR_OFF)) == "below_threshold"
    assert held(slow(300, FAR_OFF), ship_type=50) == "natural_loiterer"
    assert held(anchored._replace(status=np.full(len(anchored.t), 1, np.uint8))) == "at_anchor"
    without = anchored._replace(status=np.full(len(anchored.t), 15, np.uint8))
    assert held(without) == "at_anchor"
    assert held(without._replace(lat=without.lat + 2.0)) is None  # in the watch zone
    assert held(without._replace(sog=np.full(len(without.t), 0.5))) is None
    assert held(slow(100, (0.0 - 10 / 60, 9.99))) == "in_port"
    one = track(*LISTEN, ARRIVE, (300, 0.3, 0, 60), LEAVE, start=FAR_OFF)
    assert held(one, around=others(one.lat[-1], one.lon[-1], vessels=10, slow=5)) == "usual_here"
