"""Hulls: single cases by hand, and random vessels against the slow twin in tests/naive_tracks.py."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from maritime.columns import POSITION_SCHEMA
from maritime.detect.engine import COUNTERS, Engine
from maritime.detect.heartbeat import Heartbeats
from maritime.detect.kernels.identity import N_HULLS
from maritime.detect.kernels.samples import ms_of
from maritime.detect.state import new_state
from maritime.times import NEVER
from maritime.tracks.hull_kernels import (
    content_hash,
    interval_bin,
    interval_quantile_s,
    note_heard,
    reach_m,
    reports_in_hours,
)
from maritime.tracks.hulls import HULLS_PER_MMSI, HullSettings
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests import naive_tracks
from tests.detect.fleet import new_engine
from tests.naive_tracks import Report

T0_MS = 1_600_000_200_000
MMSI = 311_000_001
P = HullSettings().parameters()


def sail(t_min: float, n: int, every_s: float, lat: float, lon: float, knots: float = 10.0) -> list[Report]:
    """A straight course to the north: n reports from a minute on."""
    step = knots / 60.0 * every_s / 3600.0
    return [Report(T0_MS + round(t_min * MINUTE_MS + k * every_s * 1000), lat + k * step, lon, knots) for k in range(n)]


def batch(reports: list[Report], mmsi: int = MMSI) -> pa.RecordBatch:
    rows = [
        {"mmsi": mmsi, "t": r.t, "lat": r.lat, "lon": r.lon, "sog": r.sog, "cog": math.nan, "heading": math.nan}
        | {"nav_status": 0, "msg_type": 1, "source": 1}
        for r in reports
    ]
    return pa.RecordBatch.from_pylist(rows, POSITION_SCHEMA)


def hear(reports: list[Report], every_ms: int | None = None) -> Engine:
    """An engine after the reports of one MMSI, with heartbeats so far apart, or one behind them all."""
    reports = sorted(reports, key=lambda r: r.t)
    engine = new_engine()
    engine.feed(batch(reports))
    end = reports[-1].t + 1
    beats = [*range(reports[0].t + 1, end, every_ms), end] if every_ms else [end]
    engine.advance(Heartbeats.at(np.array(beats, np.int64)))
    return engine


def hulls_of(engine: Engine) -> np.ndarray:
    """Rows of the hulls that are still known, by their numbers."""
    rows = engine._state.hulls[: engine._state.n[N_HULLS]]
    return np.sort(rows[rows["number"] > 0], order="number")


def found(engine: Engine) -> list[tuple[Any, ...]]:
    return [
        (int(h["number"]), int(h["n_reports"]), int(ms_of(h["first_s"])), int(h["heard_t"]), float(h["lat"]))
        for h in hulls_of(engine)
        if engine.watermark_ms - 1 - h["heard_t"] <= P.forget_ms
    ]


def wanted(s: naive_tracks.Separation) -> list[tuple[Any, ...]]:
    return [
        (h.number, len(h.reports), h.first // 1000 * 1000, h.heard(), h.fixes()[-1].lat if h.fixes() else math.nan)
        for h in s.hulls
    ]


# ------------------------------------------------------------------------------------------------------ single cases


def test_one_bad_point_ends_nothing():
    track = sail(0, 60, 60, 1.0, 100.0)
    engine = hear([*track, Report(track[30].t + 5000, 20.0, 120.0, 10.0)])
    assert found(engine) == [(1, 60, T0_MS, track[-1].t, track[-1].lat)]
    assert engine.counters["strays"] == 1


def test_two_bad_points_are_no_ship():
    track = sail(0, 60, 60, 1.0, 100.0)
    engine = hear([*track, *sail(20, 2, 60, 20.0, 120.0)])
    assert len(found(engine)) == 1
    assert engine.counters["identity_clashes"] == 0


def test_a_vessel_that_jumped_is_never_frozen():
    before, after = sail(0, 60, 60, 1.0, 100.0), sail(60, 60, 60, 20.0, 120.0)
    engine = hear([*before, *after])
    assert [hull[1] for hull in found(engine)] == [60, 58]  # two were kept aside
    assert found(engine)[1][2:4] == (after[0].t, after[-1].t)


@pytest.mark.parametrize("ships", [2, 3, 4])
def test_ships_on_one_mmsi_are_as_many_hulls(ships):
    tracks = [sail(0.1 * k, 100, 60, 10.0 * k, 100.0 + k) for k in range(ships)]
    engine = hear([r for track in tracks for r in track])
    assert sorted(hull[4] for hull in found(engine)) == [track[-1].lat for track in tracks]
    assert all(hull[1] >= 92 for hull in found(engine)), "each is found within a few reports"
    assert engine.counters["identity_clashes"] == ships - 1


def test_a_hull_silent_for_long_takes_no_report_of_one_that_is_heard():
    """Twenty hours on, the silent ship could be anywhere within 500 miles; the other is 6 miles off and says so."""
    silent = sail(0, 60, 60, 1.0, 100.0, knots=0.0)
    heard = sail(0.5, 20 * 60, 60, 1.1, 100.5, knots=0.0)
    passing = sail(20 * 60 + 0.5, 60, 60, 1.1, 100.5, knots=9.0)
    engine = hear([*silent, *heard, *passing])
    assert [hull[3] for hull in found(engine)] == [silent[-1].t, passing[-1].t]


def test_two_that_pass_close_by_stay_apart():
    north, south = sail(0, 60, 30, 1.0, 100.0, knots=10.0), sail(0, 60, 30, 1.0 + 5 / 60, 100.01, knots=-10.0)
    south = [r._replace(sog=10.0, t=r.t + 10_000) for r in south]
    engine = hear([*north, *south])
    assert sorted(hull[4] for hull in found(engine)) == sorted([north[-1].lat, south[-1].lat])


def test_a_transmission_heard_by_several_stations_counts_once():
    track = sail(0, 20, 60, 1.0, 100.0)
    again = [r._replace(t=r.t + ms) for r in track for ms in (0, 1500, 6000)]
    engine = hear([*track, *again])
    assert found(engine)[0][:2] == (1, 20)
    assert engine.counters["duplicates"] == 60
    later = [r._replace(t=r.t + 6001) for r in track]
    assert found(hear([*track, *later]))[0][1] == 40


def test_a_stray_heard_by_several_stations_counts_once():
    stray = Report(T0_MS + 90_000, 20.0, 120.0, 10.0)
    engine = hear([*sail(0, 10, 60, 1.0, 100.0), *(stray._replace(t=stray.t + ms) for ms in (0, 1000, 2000))])
    assert (engine.counters["strays"], engine.counters["duplicates"]) == (1, 2)


def test_too_many_transmitters_are_counted():
    tracks = [sail(10 * k, 3, 60, 7.0 * k, 100.0) for k in range(HULLS_PER_MMSI + 2)]
    engine = hear([r for track in tracks for r in track])
    assert len(found(engine)) == HULLS_PER_MMSI
    assert engine.counters["hull_overflows"] == 2


def test_transmitters_that_are_forgotten_leave_room_for_others():
    once = [sail(10 * k, 3, 60, 7.0 * k, 100.0) for k in range(HULLS_PER_MMSI)]
    stays = sail(-1, 33 * 24 * 2, 1800, -20.0, 10.0, knots=0.0)
    new = sail(32 * 24 * 60 + 1, 5, 60, 50.0, -30.0)
    engine = hear([*(r for track in once for r in track), *stays, *new])
    assert [hull[0] for hull in found(engine)] == [1, HULLS_PER_MMSI + 1]
    assert (engine.counters["hull_overflows"], engine.counters["hulls"]) == (1, 2)


def test_a_hull_is_forgotten_after_30_days_to_the_millisecond():
    track = sail(0, 5, 60, 1.0, 100.0)
    just = hear([*track, track[-1]._replace(t=track[-1].t + 30 * DAY_MS)])
    assert [hull[:2] for hull in found(just)] == [(1, 6)]
    late = hear([*track, track[-1]._replace(t=track[-1].t + 30 * DAY_MS + 1)])
    assert [hull[:2] for hull in found(late)] == [(1, 1)]
    assert late.counters["hulls"] == 1, "the row of the forgotten hull is free"


def test_without_a_position_it_is_the_hull_heard_last():
    one, other = sail(0, 10, 60, 1.0, 100.0), sail(0.5, 9, 60, 20.0, 120.0)
    withheld = Report(one[-1].t + 1000, math.nan, math.nan, 3.0)
    assert [hull[1] for hull in found(hear([*one, *other, withheld]))] == [11, 7]
    assert [hull[1] for hull in found(hear([*one[:-1], *other, withheld]))] == [9, 8]


# ------------------------------------------------------------------------------------------------------------ the twin

step_s = st.sampled_from([1, 3, 6, 10, 60, 60, 1200, 5 * 3600, 9 * 86_400, 20 * 86_400, 31 * 86_400])
acts = st.lists(st.tuples(step_s, st.integers(0, 9), st.integers(0, 8), st.integers(0, 3)), min_size=1, max_size=60)


def random_reports(told: list[tuple[int, int, int, int]]) -> list[Report]:
    """Ships sail, report by turns, fall silent, are heard twice, jump and withhold their positions."""
    t = T0_MS
    reports: list[Report] = []
    for dt_s, ship, act, place in told:
        t += dt_s * 1000
        knots = float(4 * ship)
        lat = 6.0 * ship + knots / 3600.0 / 60.0 * (t - T0_MS) / 1000.0 % 3.0
        lon = 179.99 + ship * 0.01
        if act == 0 and reports:
            reports.append(reports[-1]._replace(t=t))
        elif act == 1:
            reports.append(Report(t, math.nan, math.nan, knots))
        elif act == 2:
            reports.append(Report(t, 80.0 - place, -40.0 + place, math.nan))
        else:
            reports.append(Report(t, lat, lon, math.nan if act == 3 else knots))
    return reports


@settings(max_examples=150, deadline=None)
@given(acts=acts, every_ms=st.sampled_from([None, HOUR_MS, 5 * DAY_MS]))
def test_random_vessels_against_the_twin(acts, every_ms):
    reports = random_reports(acts)
    engine = hear(reports, every_ms)
    twin = naive_tracks.separate(reports)
    assert str(found(engine)) == str(wanted(twin))
    counts = {name: engine.counters[name] for name in COUNTERS[:4]}
    assert counts == {name: twin.became[name] for name in counts}
    assert engine.counters["identity_clashes"] == twin.became["identity_clashes"]


def test_ten_ships_on_one_mmsi_reach_every_corner():
    rng = np.random.default_rng(7)
    reached: set[str] = set()
    for on_end in (1, 2, 5, 9):
        for _ in range(15):
            acts = [
                (int(rng.choice([1, 6, 60, 5000, 10**6], p=[0.2, 0.2, 0.5, 0.09, 0.01])), k // on_end % 10, act, 0)
                for k, act in enumerate(rng.integers(0, 9, 150).tolist())
            ]
            twin = naive_tracks.separate(random_reports(acts))
            reached |= set(twin.became)
            assert str(found(hear(random_reports(acts), DAY_MS))) == str(wanted(twin))
    assert reached == {"reports", "duplicates", "strays", "hull_overflows", "identity_clashes"}


@given(
    dt=st.integers(0, 10**8),
    a=st.floats(0, 60, width=32) | st.just(math.nan),
    b=st.floats(0, 60, width=32) | st.just(math.nan),
)
def test_reach(dt, a, b):
    assert reach_m(P, dt, a, b) == pytest.approx(
        naive_tracks.reach(Report(0, 0.0, 0.0, a), Report(dt, 0.0, 0.0, b)), rel=1e-9
    )


def test_contents_differ_by_what_ais_can_tell_apart():
    said = (10.5, 99.25, 7.3, 123.4, 77.0, 0)
    steps = (1 / 600_000, 1 / 600_000, 0.1, 0.1, 1.0, 1)
    contents = {content_hash(*said), content_hash(*([math.nan] * 5), 0)}
    for k, step in enumerate(steps):
        changed = [*said]
        changed[k] += step
        contents.add(content_hash(*changed))
        assert content_hash(*said[:k], said[k] + step / 20, *said[k + 1 :]) == content_hash(*said) or k == 5
        if k < 5:
            contents.add(content_hash(*said[:k], math.nan, *said[k + 1 :]))
    assert len(contents) == 2 + 6 + 5


# --------------------------------------------------------------------------------------------------- what a hull keeps


@njit
def _hear_all(hulls, t_ms):
    for t in t_ms:
        note_heard(hulls[0], t)


@njit
def _quantile(hulls, share):
    return interval_quantile_s(hulls[0], share)


@njit
def _in_hours(hulls, hours, now_ms):
    return reports_in_hours(hulls[0], hours, now_ms)


def heard_at(times: list[int]) -> np.ndarray:
    hulls = new_state(2).hulls[-1:].copy()
    hulls["heard_t"] = times[0]
    _hear_all(hulls, np.array(times, np.int64))
    return hulls


gaps_s = st.lists(st.floats(0.001, 50_000).map(lambda s: round(s, 3)), min_size=1, max_size=150)


@settings(deadline=None)
@given(gaps_s=gaps_s, share=st.sampled_from([0.05, 0.5, 0.95, 1.0]))
def test_quantiles_of_intervals_against_sorted_lists(gaps_s, share):
    """The upper edge of the bin that holds it; bins are √2 wide, and what is longer than three hours is in the last."""
    times = (T0_MS + np.cumsum([0.0, *gaps_s]) * 1000).round().astype(np.int64)
    exact = naive_tracks.quantile_s(np.diff(times) / 1000.0, share)
    told = _quantile(heard_at(times.tolist()), share)
    if exact <= 1.0:
        assert told == 1.0
    elif exact > 2.0**13.5:
        assert told == 2.0**13.5
    else:
        assert exact <= told * (1 + 1e-12)
        assert told < exact * math.sqrt(2) * (1 + 1e-12)


def test_no_interval_has_no_quantile():
    assert math.isnan(_quantile(heard_at([T0_MS]), 0.5))


def test_bins_of_intervals():
    assert [interval_bin(ms) for ms in (0, 1000, 1001, 1414, 1415, 2000, 2001, 10**12)] == [0, 0, 1, 1, 2, 2, 3, 27]


def test_what_is_recent_weighs_more():
    times = np.concatenate((T0_MS + np.arange(2000) * 10_000, T0_MS + 2000 * 10_000 + np.arange(1200) * 60_000))
    assert _quantile(heard_at(times.tolist()), 0.5) == 64.0


times_ms = st.lists(st.integers(0, 20 * HOUR_MS), min_size=1, max_size=200).map(
    lambda steps: sorted(T0_MS + step for step in steps)
)


@settings(deadline=None)
@given(times=times_ms, hours=st.integers(1, 12), later_ms=st.sampled_from([0, 1, 7 * MINUTE_MS, 3 * HOUR_MS, DAY_MS]))
def test_reports_in_hours_and_windows_against_lists(times, hours, later_ms):
    hulls = heard_at(times)
    now_ms = times[-1] + later_ms
    kept = [t for t in times if t // HOUR_MS > times[-1] // HOUR_MS - 12]
    assert _in_hours(hulls, hours, now_ms) == naive_tracks.in_hours(kept, hours, now_ms)
    bits = int(hulls["windows_heard"][0])
    assert [bool(bits >> k & 1) for k in range(64)] == naive_tracks.windows(times)
    assert (int(hulls["n_reports"][0]), int(hulls["heard_t"][0])) == (len(times), times[-1])


def test_a_blank_hull_has_never_given_a_position():
    assert new_state(2).hulls[-1]["last_t"] == NEVER
