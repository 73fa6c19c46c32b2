"""Landfalls: single cases by hand, and random hulls against the slow twin in tests/naive_landing.py."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from maritime.detect.engine import World
from maritime.detect.kernels.events import CLOSED, OPEN, RETRACTED
from maritime.detect.kernels.samples import seconds_of
from maritime.detect.landing import HELD, LANDFALL_FIELDS, SEEN, TERMS, LandingSettings
from maritime.detect.settings import DetectSettings
from maritime.detect.tell import landing as tell_landing
from maritime.detect.tell.context import TellContext
from maritime.times import FAR
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests import naive_landing
from tests.detect import walk
from tests.detect.walk import COAST_ERROR_M, NOBODY, T0_MS, Others, Track, beats_of, others, track

P = LandingSettings().parameters()
SEA = (1.0, 9.905)  # 10.6 km off a beach far from ports; 28.6 minutes at 12 kn
INBOUND = (28.5, 12, 90, 30)
ASHORE = (30, 0, 90, 30)
OUTBOUND = (20, 12, 270, 30)
WITNESSES = others(1.0, 9.98)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return walk.make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(made: World) -> World:
    return made._replace(reception=walk.new_reception())


def bits(names: str, of: tuple[str, ...]) -> int:
    return sum(1 << of.index(name) for name in names.split())


def told(world: World, one: Track, around: Others = NOBODY, p=P, **vessel: Any) -> np.ndarray:  # type: ignore[no-untyped-def]
    hulls, vessels = walk.new_hull()
    hulls["transceiver"] = vessel.pop("transceiver", 0)
    for name in ("dark_end_t", "loiter_end_t"):
        if name in vessel:
            hulls[f"{name[:-2]}_s"] = seconds_of(vessel.pop(name))
    for name, value in vessel.items():
        vessels[name] = value
    goal = vessel.get("destination_port", -1)
    vessels["destination_port"] = goal if goal < 0 else len(world.places.lat_deg) - len(walk.PORTS) + goal
    out = walk.new_events()
    walk.walk_landing(p, hulls, vessels, one, beats_of(one), around, world, out, True)
    return out.rows[: out.n[0]]


def terms(event: np.void) -> set[str]:
    return {name for k, name in enumerate(TERMS) if int(event["v"][2]) >> k & 1}


def unknown(event: np.void) -> set[str]:
    return {name for k, name in enumerate(TERMS) if int(event["v"][3]) >> k & 1}


def seen(event: np.void) -> set[str]:
    return {name for k, name in enumerate(SEEN) if int(event["v"][1]) >> k & 1}


def test_state_is_small():
    assert np.dtype(LANDFALL_FIELDS).itemsize <= 220


def test_a_short_stay_on_a_beach_is_an_alert_at_departure(world):
    (event,) = told(world, track(INBOUND, ASHORE, OUTBOUND, start=SEA))
    assert (event["what"], event["alerted"]) == (CLOSED, 1)
    assert terms(event) == {"place", "short_stay"}
    assert seen(event) == set(SEEN)
    assert event["start_t"] == T0_MS + 28.5 * MINUTE_MS
    assert event["end_t"] == T0_MS + 58.5 * MINUTE_MS


def test_a_longer_stay_is_an_episode_held_back(world):
    (event,) = told(world, track(INBOUND, (70, 0, 90, 30), OUTBOUND, start=SEA))
    assert (event["what"], event["alerted"], HELD[event["held"]]) == (CLOSED, 0, "no_further_term")
    assert "short_stay" not in terms(event) | unknown(event)


def test_a_stay_that_lasts_is_told_at_the_end_and_leaves_the_hull_alone(world):
    (event,) = told(world, track(INBOUND, (70, 0, 90, 30), start=SEA))
    assert (event["what"], event["alerted"], event["end_t"], event["revision"]) == (OPEN, 0, FAR, 0)


@pytest.mark.parametrize(
    ("minutes", "found"), [(9.9, 0), (10.0, 0), (10.6, 1)]
)  # the second report under way after 10.0 min comes at 10.5
def test_ten_minutes_make_a_stop(world, minutes, found):
    assert len(told(world, track(INBOUND, (minutes, 0, 90, 30), OUTBOUND, start=SEA))) == found


def test_off_the_shore_is_no_landfall(world):
    assert len(told(world, track((27, 12, 90, 30), ASHORE, OUTBOUND, start=SEA))) == 0  # 0.6 km off
    (event,) = told(world, track((27, 12, 90, 30), ASHORE, start=(1.0, 9.907)), length_m=30.0)  # 0.4 km
    assert event["v"][5] == 500.0 + COAST_ERROR_M
    assert event["v"][4] == pytest.approx(10_341 - 27 * 12 * 1852 / 60, abs=15)


def test_alert_is_raised_while_it_lies_there(world):
    opened, closed = told(world, track(INBOUND, (90, 0, 90, 30), OUTBOUND, start=SEA), dark_end_t=T0_MS - 20 * HOUR_MS)
    assert (opened["what"], opened["alerted"], opened["revision"]) == (OPEN, 1, 0)
    assert opened["told_t"] - opened["start_t"] == 11.5 * MINUTE_MS - 60_000  # the beat after ten minutes
    assert (closed["what"], closed["alerted"], closed["revision"]) == (CLOSED, 1, 1)
    assert terms(opened) == {"place", "antecedent"}
    assert opened["v"][13] == pytest.approx(20 * 60 + 28.5)


@pytest.mark.parametrize("field", ["dark_end_t", "loiter_end_t"])
def test_what_came_before_counts_for_a_day(world, field):
    stop = T0_MS + round(28.5 * MINUTE_MS)
    one = track(INBOUND, (90, 0, 90, 30), start=SEA)
    assert told(world, one, **{field: stop - DAY_MS})[0]["alerted"] == 1
    late = told(world, one, **{field: stop - DAY_MS - 1})[0]
    assert late["alerted"] == 0
    assert "antecedent" in unknown(late)  # heard for half an hour only: there may have been more


def test_a_fast_run_counts_unless_it_is_the_trade(world):
    one = track((12, 24, 90, 30), (4.5, 12, 90, 30), (90, 0, 90, 30), start=SEA)
    (event,) = told(world, one)
    assert event["alerted"] == 1
    assert event["v"][15] == 24.0
    for trade in (40, 49, 50, 51, 55, 60):
        assert "antecedent" not in terms(told(world, one, ship_type=trade)[0])


def test_one_glitch_is_no_fast_run(world):
    one = track(INBOUND, (90, 0, 90, 30), start=SEA)
    one.sog[[10, 25]] = 102.2
    assert "antecedent" not in terms(told(world, one)[0])


def test_destination_that_does_not_fit(world):
    one = track(INBOUND, (90, 0, 90, 30), start=SEA)
    (event,) = told(world, one, destination_port=0)
    assert terms(event) == {"place", "destination"}
    assert event["v"][12] == pytest.approx(111_200, rel=0.01)
    (event,) = told(world, one)
    assert "destination" in unknown(event)


def test_first_voyage_after_a_week(world):
    one = track((5, 0, 90, 60), (8 * 1440, 0, 0, 0), INBOUND, (90, 0, 90, 30), start=SEA)
    event = told(world, one)[0]
    assert "dormancy" in terms(event)
    assert event["v"][16] == pytest.approx(8.0, abs=0.01)


def test_known_places_and_rivers(world):
    at_port = told(world, track((27.6, 12, 90, 30), ASHORE, OUTBOUND, start=(0.0, 9.91)))
    assert [HELD[e["held"]] for e in at_port] == ["known_place"]
    up_river = told(world, track((10, 12, 90, 30), ASHORE, start=(0.5, 10.76)))
    assert [HELD[e["held"]] for e in up_river] == ["known_place"]
    assert math.isnan(up_river[0]["v"][4])
    lagoon = told(world, track((10, 12, 90, 30), ASHORE, start=(1.0, 9.98)))  # 1.5 km inside the polygon
    assert [HELD[e["held"]] for e in lagoon] == ["inland_unknown"]
    assert len(told(world, track((10, 12, 90, 30), ASHORE, start=(1.0, 10.3)))) == 0


@pytest.mark.parametrize(
    ("around", "vessel", "held"),
    [
        (NOBODY, {"ship_type": 51}, "rescue_craft"),
        (NOBODY, {"ship_type": 69}, "ferry"),
        (others(1.0, 9.999, at_rest=3), {}, "others_rest_here"),
        (others(1.0, 9.999, at_rest=2), {}, ""),
        (others(1.0, 9.999, vessels=4, slow=4, at_rest=1), {}, "sheltering"),
        (others(1.0, 9.999, vessels=9, slow=4, at_rest=1), {}, ""),
    ],
)
def test_held_back(world, around, vessel, held):
    (event, *_) = told(world, track(INBOUND, ASHORE, OUTBOUND, start=SEA), around, **vessel)
    assert HELD[event["held"]] == held
    assert event["alerted"] == (held == "")


def test_first_seen_at_rest_never_alerts(world):
    (event,) = told(world, track(ASHORE, OUTBOUND, start=(1.0, 9.999)), destination_port=0)
    assert (event["alerted"], HELD[event["held"]]) == (0, "arrival_not_seen")
    assert told(world, track(ASHORE, start=(1.0, 9.999)))[0]["v"][0] == 1  # confidence level
    assert "short_stay" in unknown(event)


def test_a_beach_come_to_twice_before_is_usual(world):
    trip = (INBOUND, ASHORE, (28.5, 12, 270, 30))
    events = told(world, track(*trip, *trip, *trip, start=SEA))
    assert [HELD[e["held"]] for e in events] == ["", "", "usual_for_this_vessel"]


def test_bad_points_end_nothing(world):
    one = track(INBOUND, (40, 0, 90, 30), OUTBOUND, start=SEA)
    clean = told(world, one)
    one.sog[70] = 9.0
    one.lon[80] -= 0.01
    assert [tuple(e)[:8] for e in told(world, one)] == [tuple(e)[:8] for e in clean]


def test_class_b_rests_at_higher_speed(world):
    one = track(INBOUND, (14, 0.4, 0, 30), OUTBOUND, start=SEA)
    assert len(told(world, one)) == 0
    assert len(told(world, one, transceiver=1)) == 1


def test_unknown_speed_is_implied(world):
    one = track(INBOUND, (40, 0, 90, 30), OUTBOUND, start=SEA)
    one.sog[:] = np.nan
    one.cog[:] = np.nan
    (event,) = told(world, one)
    assert terms(event) == {"place", "short_stay"}
    assert abs(event["start_t"] - T0_MS - 28.5 * MINUTE_MS) <= 5 * MINUTE_MS
    assert abs(event["end_t"] - T0_MS - 68.5 * MINUTE_MS) <= 5 * MINUTE_MS


INTO_SILENCE = (27.5, 12, 90, 30)


def test_silence_on_the_way_ashore_is_a_landfall(world):
    one = track(INTO_SILENCE, start=SEA)
    (event,) = told(world, one, WITNESSES, destination_port=0)
    assert (event["what"], event["alerted"], event["v"][20], event["v"][0]) == (OPEN, 1, 1, 1)
    assert one.t[-1] + HOUR_MS <= event["told_t"] <= one.t[-1] + HOUR_MS + MINUTE_MS
    assert event["start_t"] == pytest.approx(T0_MS + 28.5 * MINUTE_MS, abs=MINUTE_MS)


def test_silence_is_nothing_when_nobody_is_heard_or_it_ran_along(world):
    assert len(told(world, track(INTO_SILENCE, start=SEA))) == 0
    along = track((27.5, 12, 0, 30), start=(0.9, 9.99))
    assert len(told(world, along, WITNESSES)) == 0
    off = track((27.5, 12, 270, 30), start=(1.0, 10.0))
    assert len(told(world, off, WITNESSES)) == 0


def test_inferred_landfall_is_retracted_when_it_had_only_passed(world):
    one = track(INTO_SILENCE, (90, 12, 0, 0), (10, 12, 0, 30), start=SEA)
    opened, retracted = told(world, one, WITNESSES, destination_port=0)
    assert (opened["what"], retracted["what"], HELD[retracted["held"]]) == (OPEN, RETRACTED, "passed_by")
    assert len(told(world, one, WITNESSES)) == 0  # nobody was told of it


def test_inferred_landfall_is_closed_when_it_comes_out_again(world):
    one = track(INTO_SILENCE, (90, 0, 0, 0), OUTBOUND, start=SEA)
    opened, closed = told(world, one, WITNESSES, destination_port=0)
    assert (opened["what"], closed["what"], closed["alerted"]) == (OPEN, CLOSED, 1)
    assert closed["end_t"] == T0_MS + 117.5 * MINUTE_MS


def test_inferred_landfall_goes_on_when_it_is_found_at_rest_there(world):
    one = track(INTO_SILENCE, (1.0, 12, 90, 0), (90, 0, 0, 0), (30, 0, 0, 30), OUTBOUND, start=SEA)
    opened, closed = told(world, one, WITNESSES, destination_port=0)
    assert (opened["v"][20], closed["v"][20]) == (1, 2)
    assert closed["end_t"] == T0_MS + 148.5 * MINUTE_MS
    assert "departure" in seen(closed)


def test_a_stop_cut_short_by_silence_is_inferred(world):
    one = track(INBOUND, (5, 0, 0, 30), start=SEA)
    (event,) = told(world, one, WITNESSES, destination_port=0)
    assert (event["v"][20], event["v"][0]) == (1, 2)
    assert event["start_t"] == T0_MS + 28.5 * MINUTE_MS


def random_track(rng: np.random.Generator) -> Track:
    """A hull that comes to the coast, stops, lies, goes, falls silent, glitches, and comes again."""
    legs: list[tuple[float, float, float, float]] = []
    start = (rng.uniform(-0.06, 1.0), 10 - rng.uniform(0.03, 0.06))
    off_m = (10 - start[1]) * 111_195.0
    for _ in range(rng.integers(1, 6)):
        knots = float(rng.choice([5, 11, 24]))
        every_s = float(rng.choice([20, 60, 170, 400]))
        short_m = rng.choice([100, 150, 300, 900, 1500, -400])
        way_min = (off_m - short_m) / (knots * 1852 / 60)
        legs.append((way_min, knots, 90.0 + 10 * rng.normal(), every_s))
        silent_min = float(rng.choice([0, 0, 65, 100, 400, 11_000], p=[0.2, 0.2, 0.2, 0.2, 0.1, 0.1]))
        if rng.random() < 0.7:
            legs.append((float(rng.integers(1, 90)), float(rng.choice([0, 0, 0.1, 0.3, 0.45])), 0.0, every_s))
        if silent_min:
            legs.append((silent_min, knots if silent_min <= 100 and rng.random() < 0.4 else 0.0, 0.0, 0.0))
        if rng.random() < 0.5:
            legs.append((float(rng.integers(1, 90)), float(rng.choice([0, 0, 0.1, 0.7])), 0.0, every_s))
        legs.append((way_min, knots, 270.0 + 10 * rng.normal(), every_s))
    one = track(*legs, start=start)
    n = len(one.t)
    noise = rng.normal(0, 3e-5, (2, n)) + (rng.random((2, n)) < 0.01) * 0.004
    quirk = np.where(rng.random(n) < 0.02, 1.0, 0.0)
    return one._replace(lat=one.lat + noise[0], lon=one.lon + noise[1], sog=one.sog + quirk)


def test_random_hulls_against_the_twin(world):
    rng = np.random.default_rng(20240501)
    kinds: dict[str, int] = {}
    for _ in range(200):
        one = random_track(rng)
        heard = bool(rng.integers(2))
        length_m = float(rng.choice([np.nan, 12.0, 40.0]))
        ship_type = int(rng.choice([0, 0, 0, 0, 37, 40, 51, 60]))
        goal = int(rng.choice([-1, 0, 1]))
        dark_end = T0_MS - int(rng.choice([1, 30])) * HOUR_MS
        around = walk.everywhere(one) if heard else NOBODY
        beats = beats_of(one)
        events = told(
            world._replace(reception=walk.new_reception()), one, around, length_m=length_m, ship_type=ship_type,
            destination_port=goal, dark_end_t=dark_end,
        )  # fmt: skip
        shore = naive_landing.Shore(
            coast_m=lambda lat, lon: naive_landing.metres(lat, lon, lat, 10.0),
            land=lambda lat, lon: lon > 10.0,
            place_m=lambda lat, lon: min(naive_landing.metres(lat, lon, *place) for place in walk.PORTS.values()),
            error_m=COAST_ERROR_M,
            others_heard=heard,
            destination=[None, *walk.PORTS.values()][goal + 1],
            length_m=length_m,
            ship_type=ship_type,
            dark_end=dark_end,
        )
        reports = [naive_landing.Report(*row) for row in zip(*(c.tolist() for c in one[:5]), strict=True)]
        expected = naive_landing.landfalls(reports, beats.tolist(), shore)
        found, wanted = last_states(events), [as_event(x) for x in expected if x.outcome != "forgotten"]
        assert [x[1:] for x in found] == [x[1:] for x in wanted]
        assert all(abs(a[0] - b[0]) <= 1000 for a, b in zip(found, wanted, strict=True))  # an estimate, if inferred
        for landfall in expected:
            key = f"{landfall.outcome} {landfall.held or 'alerted'}{' inferred' * landfall.inferred}"
            kinds[key] = kinds.get(key, 0) + 1
    corners = (
        "closed alerted", "closed alerted inferred", "retracted alerted inferred", "closed known_place",
        "closed inland_unknown", "closed usual_for_this_vessel", "closed no_further_term",
    )  # fmt: skip
    assert set(corners) <= set(kinds), kinds  # the tracks reach every corner


def test_told_in_words_and_numbers(world):
    opened, closed = told(
        world, track(INBOUND, (90, 0, 90, 30), OUTBOUND, start=SEA), dark_end_t=T0_MS - 20 * HOUR_MS, destination_port=0
    )
    context = TellContext(
        DetectSettings(), lambda row: f"port {row}", lambda row: None, lambda code: "north", "a coast", 500.0
    )
    first, last = (tell_landing.episode(event, context) for event in (opened, closed))
    assert (first.type, first.state, first.alerted, first.held_back_by) == ("landfall", "open", True, None)
    assert first.episode_id == last.episode_id
    assert [(r.term, r.value, r.threshold, r.unit) for r in first.reasons] == [
        ("place", first.evidence["place_km"], 3.0, "km"),
        ("destination", pytest.approx(111.2, abs=0.2), 50.0, "km"),
        ("antecedent_dark_period", 20.48, 24.0, "h"),
    ]
    assert (first.score, first.severity, first.confidence) == (0.8, "severe", 0.75)
    assert (last.confidence, last.evidence["stay_min"]) == (1.0, 90.0)
    assert first.evidence["unknown_terms"] == ["novelty", "type", "hour", "short_stay", "dormancy"]
    assert last.evidence["unknown_terms"] == ["novelty", "type", "hour", "dormancy"]
    assert first.evidence["coastline"] == "a coast"
    json.dumps(asdict(last), allow_nan=False)
    (held,) = told(world, track(INBOUND, (90, 0, 90, 30), OUTBOUND, start=SEA), ship_type=51)
    assert tell_landing.episode(held, context).held_back_by == "rescue_craft"


def last_states(events: np.ndarray) -> list[tuple[Any, ...]]:
    """The last revision of each landfall, with the time at which its alert was first told."""
    by_start: dict[int, list[np.void]] = {}
    for event in events:
        by_start.setdefault(int(event["start_t"]), []).append(event)
    return [
        (
            start,
            int(last["end_t"]),
            ("open", "update", "closed", "retracted")[last["what"]],
            next((int(e["told_t"]) for e in revisions if e["alerted"]), None),
            terms(last),
            unknown(last),
            seen(last),
            HELD[last["held"]],
            last["v"][20] == 1,
        )
        for start, revisions in sorted(by_start.items())
        for last in revisions[-1:]
    ]


def as_event(x: naive_landing.Landfall) -> tuple[Any, ...]:
    return (
        x.start,
        FAR if x.end is None else x.end,
        x.outcome,
        x.raised,
        x.terms,
        x.unknown,
        x.seen,
        "passed_by" if x.outcome == "retracted" else x.held,
        x.inferred,
    )
