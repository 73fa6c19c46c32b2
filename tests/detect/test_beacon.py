"""Distress beacons, withheld positions and identity: by hand, and against the slow twin in tests/naive_beacon.py."""

import math
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from maritime.columns import POSITION_SCHEMA, STATIC_SCHEMA
from maritime.detect.engine import Engine
from maritime.detect.episode import Episode
from maritime.detect.heartbeat import HeartbeatMaker, Heartbeats
from maritime.detect.kernels.identity import note_static, text_hash, text_hashes
from maritime.detect.places import hash_of
from maritime.detect.settings import DetectSettings
from maritime.detect.state import new_state
from maritime.times import NEVER
from maritime.units import HOUR_MS, MINUTE_MS
from tests import naive_beacon
from tests.detect.fleet import as_bytes, final, new_engine, places, run, sources
from tests.naive_beacon import Report, Told

T0_MS = 1_600_000_200_000
SART, MOB, EPIRB, SHIP = 970_123_456, 972_123_456, 974_123_456, 311_000_001
FEW = settings(max_examples=10, deadline=None)
MANY = settings(max_examples=100, deadline=None)


def batch(by_mmsi: dict[int, list[Report]]) -> pa.RecordBatch:
    unknown = {"sog": math.nan, "cog": math.nan, "heading": math.nan, "source": 1}
    rows = [
        {"mmsi": mmsi, "t": r.t, "lat": r.lat, "lon": r.lon, "nav_status": r.status, "msg_type": r.msg_type} | unknown
        for mmsi, reports in by_mmsi.items()
        for r in reports
    ]
    return pa.RecordBatch.from_pylist(sorted(rows, key=lambda row: row["t"]), POSITION_SCHEMA)


def minutes(reports: list[Report], hours: float = 3.0) -> list[int]:
    """Heartbeats from the first report until so long after the last."""
    return list(range(reports[0].t // MINUTE_MS * MINUTE_MS, reports[-1].t + round(hours * HOUR_MS), MINUTE_MS))


def episodes(
    mmsi: int, reports: list[Report], kind: str, beats: list[int] | None = None, detect: DetectSettings | None = None
) -> list[Episode]:
    engine = new_engine(detect)
    engine.feed(batch({mmsi: reports}))
    told = engine.advance(Heartbeats.at(np.array(beats or minutes(reports), np.int64)))
    return [e for e in told + engine.open_episodes() if e.type == kind]


def told(found: list[Episode]) -> list[Told]:
    key = {"distress_beacon": "reports", "position_withheld": "reports_without_position"}
    return [
        Told(
            e.revision, e.state, e.alerted, e.raised_ms or 0, e.started_ms, e.ended_ms, e.evidence[key[e.type]],
            None if e.lat is None else round(e.lat, 4),
        )
        for e in found
    ]  # fmt: skip


def wanted(twin: list[Told]) -> list[Told]:
    """Of what nobody was alerted of, the time of telling is not told."""
    return [x._replace(told=x.told * x.alerted, lat=None if x.lat is None else round(x.lat, 4)) for x in twin]


def every(s: float, n: int, status: int = 14, *, start_min: float = 0, lat: float = 1.0, kind: int = 1) -> list[Report]:
    """Reports so many seconds apart."""
    return [
        Report(T0_MS + round(start_min * MINUTE_MS + k * s * 1000), lat + k * 1e-4, 100.0, status, kind)
        for k in range(n)
    ]


def without(reports: list[Report]) -> list[Report]:
    return [r._replace(lat=math.nan, lon=math.nan) for r in reports]


# -------------------------------------------------------------------------------------------------------- distress


@pytest.mark.parametrize(("mmsi", "device"), [(SART, "AIS-SART"), (MOB, "man overboard"), (EPIRB, "EPIRB-AIS")])
def test_an_active_beacon_is_an_alert_at_its_first_report(mmsi, device):
    opened, closed = episodes(mmsi, every(60, 10), "distress_beacon")
    assert (opened.state, opened.alerted, opened.severity) == ("open", True, "extreme")
    assert (opened.raised_ms, opened.started_ms) == (T0_MS + MINUTE_MS, T0_MS)
    assert (closed.state, closed.ended_ms, closed.evidence["reports"]) == ("closed", T0_MS + 9 * MINUTE_MS, 10)
    assert closed.raised_ms == T0_MS + 40 * MINUTE_MS
    assert closed.evidence["device"] == device
    assert closed.evidence["safety"] == {"distress": True, "beacon": device, "sar_phase": "distress"}


def test_a_beacon_under_test_is_recorded_and_alerts_nobody():
    (closed,) = episodes(SART, every(60, 10, status=15), "distress_beacon")
    assert (closed.alerted, closed.held_back_by, closed.severity) == (False, "test", "minor")
    (lasts,) = episodes(SART, every(60, 10, status=15), "distress_beacon", minutes(every(60, 10), 0.1))
    assert (lasts.state, lasts.ended_ms, lasts.alerted) == ("open", None, False)


def test_a_safety_text_that_says_active_is_an_alert_without_a_position_which_comes_later():
    text = without(every(60, 3, kind=14))
    opened, updated, closed = episodes(EPIRB, [*text, *every(60, 5, start_min=3)], "distress_beacon")
    assert (opened.lat, opened.geometry, opened.revision) == (None, None, 0)
    assert (updated.state, updated.revision, updated.lat) == ("open", 1, pytest.approx(1.0, abs=1e-6))
    assert (closed.revision, closed.lat) == (2, pytest.approx(1.0004, abs=1e-5))
    assert len({e.episode_id for e in (opened, updated, closed)}) == 1


def test_a_test_that_turns_serious_is_one_episode():
    opened, closed = episodes(SART, [*every(60, 5, status=15), *every(60, 5, start_min=5)], "distress_beacon")
    assert (opened.alerted, opened.started_ms, opened.raised_ms) == (True, T0_MS, T0_MS + 6 * MINUTE_MS)
    assert closed.evidence["reports"] == 10


@pytest.mark.parametrize(("pause_min", "n"), [(29, 1), (32, 2)])
def test_half_an_hour_without_a_report_ends_it(pause_min, n):
    found = episodes(SART, [*every(60, 5), *every(60, 5, start_min=4 + pause_min)], "distress_beacon")
    assert len({e.episode_id for e in found}) == n


def test_status_14_of_a_ship_is_an_alert_of_less_confidence():
    opened, closed = episodes(SHIP, [*every(60, 5, 0), *every(60, 5, 14, start_min=5), *every(60, 60, 0, start_min=10)],
                              "distress_beacon")  # fmt: skip
    assert opened.confidence == 0.5
    assert (opened.started_ms, closed.ended_ms) == (T0_MS + 5 * MINUTE_MS, T0_MS + 9 * MINUTE_MS)


@pytest.mark.parametrize("kind", [14, 18, 19])
def test_a_ship_of_class_b_and_a_text_of_a_ship_are_no_beacon(kind):
    assert episodes(SHIP, every(60, 20, kind=kind), "distress_beacon") == []


def test_a_beacon_raises_nothing_else():
    engine = new_engine()
    engine.feed(batch({SART: [*every(60, 40), *without(every(60, 60, start_min=40, kind=14))]}))
    found = engine.advance(Heartbeats.at(np.arange(T0_MS, T0_MS + 9 * HOUR_MS, MINUTE_MS))) + engine.open_episodes()
    assert {e.type for e in found} == {"distress_beacon"}


def test_switched_off_they_tell_nothing():
    detect = DetectSettings.model_validate({"distress": {"enabled": False}, "withheld": {"enabled": False}})
    assert episodes(SART, every(60, 10), "distress_beacon", detect=detect) == []
    assert episodes(SHIP, [*every(60, 20, 0), *without(every(60, 90, 0, start_min=20))], "position_withheld",
                    detect=detect) == []  # fmt: skip


# ------------------------------------------------------------------------------------------------------- withheld


def test_transmitting_without_a_position_for_half_an_hour():
    reports = [*every(60, 20, 0), *without(every(60, 50, 0, start_min=20)), *every(60, 5, 0, start_min=70)]
    opened, closed = episodes(SHIP, reports, "position_withheld")
    assert (opened.started_ms, opened.raised_ms) == (T0_MS + 20 * MINUTE_MS, T0_MS + 51 * MINUTE_MS)
    assert (opened.alerted, closed.ended_ms) == (True, T0_MS + 70 * MINUTE_MS)
    assert opened.lat == pytest.approx(1.0019)
    assert {r.term: (r.value, r.threshold) for r in closed.reasons} == {
        "without_position": (50.0, 30.0), "reports": (50, 3), "positions_before": (20, 14),
    }  # fmt: skip


def test_a_short_lack_of_a_fix_leaves_no_trace():
    reports = [*every(60, 20, 0), *without(every(60, 25, 0, start_min=20)), *every(60, 5, 0, start_min=45)]
    assert episodes(SHIP, reports, "position_withheld") == []


def test_silence_ends_it_at_the_last_report():
    reports = [*every(60, 20, 0), *without(every(60, 50, 0, start_min=20))]
    _, closed = episodes(SHIP, reports, "position_withheld")
    assert closed.ended_ms == reports[-1].t


@pytest.mark.parametrize(("before", "held"), [(0, "no_position_before"), (13, "few_positions_before"), (14, None)])
def test_it_must_have_given_positions_before(before, held):
    found = episodes(SHIP, [*every(60, before, 0), *without(every(60, 50, 0, start_min=20))], "position_withheld")
    assert found[-1].held_back_by == held


def test_reports_without_a_position_are_never_positions_before():
    """A transceiver that never gave a position falls silent and comes back: that is not news."""
    reports = [*without(every(60, 50, 0)), *without(every(60, 50, 0, start_min=200))]
    found = episodes(SHIP, reports, "position_withheld")
    assert [(e.alerted, e.held_back_by) for e in found] == [(False, "no_position_before")] * 2


def test_asking_for_open_episodes_changes_nothing():
    reports = [*every(60, 20, 0), *without(every(60, 100, 0, start_min=20)), *every(60, 5, 0, start_min=120)]
    beats = np.array(minutes(reports), np.int64)

    def all_told(asked: bool) -> str:
        engine = new_engine()
        engine.feed(batch({SHIP: reports, SART: every(60, 90, 15)}))
        found = []
        for part in np.array_split(beats, 9):
            found += engine.advance(Heartbeats.at(part))
            if asked:
                engine.open_episodes()
        return as_bytes(found + engine.open_episodes())

    assert all_told(True) == all_told(False)


# ------------------------------------------------------------------------------------------------------------ the twin

steps_s = st.sampled_from([10, 30, 60, 60, 300, 900, 1500, 1790, 1810, 1850, 3590, 3610, 3670, 9000])
act = st.tuples(steps_s, st.integers(0, 1), st.sampled_from([14, 15, 15]), st.sampled_from([1, 14]))
acts = st.lists(act, min_size=1, max_size=40)


def random_reports(told: list[tuple[int, int, int, int]], kinds: bool) -> list[Report]:
    t = T0_MS
    reports = []
    for k, (step, unknown, status, kind) in enumerate(told):
        t += step * 1000
        lat, lon = (math.nan, math.nan) if unknown or (kinds and kind == 14) else (1.0 + k * 0.001, 100.0)
        reports.append(Report(t, lat, lon, status if kinds else 0, kind if kinds else 1))
    return reports


@MANY
@given(acts=acts, mmsi=st.sampled_from([SART, MOB, EPIRB, SHIP]), hours=st.sampled_from([0.1, 3.0]))
def test_random_beacons_against_the_twin(acts, mmsi, hours):
    reports = random_reports(acts, kinds=True)
    beats = minutes(reports, hours)
    assert told(episodes(mmsi, reports, "distress_beacon", beats)) == wanted(
        naive_beacon.beacons(mmsi, [r for r in reports if r.t < beats[-1]], beats)
    )


@MANY
@given(acts=acts, before=st.sampled_from([0, 10, 14, 30]), hours=st.sampled_from([0.1, 3.0]))
def test_random_withholding_against_the_twin(acts, before, hours):
    first = [r._replace(t=r.t - 2 * HOUR_MS) for r in every(60, before, 0)]
    mostly_unknown = [(step, unknown or k % 7 > 0, 0, 1) for k, (step, unknown, *_) in enumerate(acts)]
    reports = [*first, *random_reports(mostly_unknown, kinds=False)]
    beats = minutes(reports, hours)
    assert told(episodes(SHIP, reports, "position_withheld", beats)) == wanted(
        naive_beacon.withholdings([r for r in reports if r.t < beats[-1]], beats)
    )


# ---------------------------------------------------------------------------------------------------------- invariance


@cache
def at_sea() -> pa.RecordBatch:
    """Every case at once, for five hours."""
    return batch(
        {
            SART: [*every(60, 40, start_min=10), *every(60, 40, start_min=100)],
            MOB: every(30, 100, status=15),
            EPIRB: [*without(every(240, 5, kind=14)), *every(60, 60, start_min=21, lat=2.0)],
            SHIP: [*every(20, 100, 0), *without(every(20, 300, 0, start_min=34)), *every(20, 300, 0, start_min=135)],
            SHIP + 1: without(every(60, 200, 0)),
            SHIP + 2: [*every(60, 60, 0, lat=3.0), *every(60, 60, 14, start_min=60, lat=3.01)],
            SHIP + 3: every(30, 600, 0, lat=4.0),
        }
    )


@cache
def usual() -> str:
    found = run(at_sea())
    seen = {(e.type, e.state, e.alerted) for e in final(found)}
    assert {("distress_beacon", "closed", True), ("distress_beacon", "closed", False)} <= seen
    assert {("position_withheld", "closed", True), ("position_withheld", "closed", False)} & seen
    return as_bytes(found)


@FEW
@given(cuts=st.lists(st.integers(1, 1900), max_size=20))
def test_batch_split(cuts):
    assert as_bytes(run(at_sea(), cuts)) == usual()


@FEW
@given(seed=st.integers(0, 2**32 - 1), step=st.integers(10, 500))
def test_shuffle_within_the_lateness_and_twice(seed, step):
    rng = np.random.default_rng(seed)
    t_ms = at_sea().column("t").to_numpy()
    index = np.concatenate((np.arange(len(t_ms)), np.flatnonzero(rng.random(len(t_ms)) < 0.5)))
    arrival = index[np.argsort(t_ms[index] + rng.integers(0, 119_000, len(index)), kind="stable")]
    shuffled = at_sea().take(pa.array(arrival))
    assert as_bytes(run(shuffled, range(step, len(arrival), step))) == usual()


@FEW
@given(at=st.integers(1, 1800))
def test_snapshot_at_any_point(at):
    detect = DetectSettings()
    engine, maker = new_engine(), HeartbeatMaker(detect.time)
    found = []
    for part in (at_sea().slice(0, at), at_sea().slice(at)):
        engine = Engine.restore(engine.snapshot(), detect, places(), sources())
        engine.feed(part)
        found += engine.advance(maker.feed(part))
    found += engine.advance(maker.finish()) + engine.open_episodes()
    # as `run` feeds the identity of other vessels too, which is not heard here, the episodes are the same
    assert as_bytes(found) == usual()


# ------------------------------------------------------------------------------------------------------------ identity


@MANY
@given(st.text(max_size=20))
def test_hash_of_a_text(text):
    assert hash_of(text) == naive_beacon.text_hash(text)


def test_a_text_is_told_by_its_letters_and_digits():
    assert hash_of("Ever Given 1") == hash_of("EVERGIVEN-1 ") != hash_of("EVER GIVEN 2")
    assert hash_of(" -./@") == hash_of("") == 0
    assert text_hash(np.frombuffer(b"xxABCxx", np.uint8), 2, 5) == hash_of("abc")


@MANY
@given(st.lists(st.none() | st.sampled_from(["A>B", "SGSIN>>LKCMB", "LKCMB", ">", "", "Ä>ö"]) | st.text(max_size=8)))
def test_hashes_of_a_column(texts):
    encoded = [(text or "").encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    characters = np.frombuffer(b"".join(encoded) + b" ", np.uint8)
    valid = np.array([text is not None for text in texts], bool)
    whole = text_hashes(characters, offsets, valid, False)
    assert whole.tolist() == [hash_of(text or "") for text in texts]
    after = text_hashes(characters, offsets, valid, True)
    assert after.tolist() == [hash_of((text or "").rpartition(">")[2]) for text in texts]


@njit
def _note(vessels, t_ms, imo, call_sign, name, ship_type, length_m, destination_port):
    note_static(vessels[0], t_ms, imo, call_sign, name, ship_type, length_m, destination_port)


statics = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 9_074_729, 9_321_483]), st.sampled_from(["", "", "3FOF8", "VRXY"]),
        st.sampled_from(["", "", "ONE", "TWO"]), st.sampled_from([0, 30, 70]),
        st.sampled_from([math.nan, 12.0, 90.0]), st.sampled_from([-2, -1, 5]),
    ), max_size=12,
)  # fmt: skip


@MANY
@given(statics)
def test_static_reports_against_the_last_that_said_something(said):
    vessels = new_state(2).vessels[:1]
    vessels["identity_t"] = NEVER
    vessels["destination_port"] = -1
    vessels["length_m"] = math.nan
    changed = NEVER
    for t, (imo, call_sign, name, ship_type, length_m, port) in enumerate(said):
        hashes = (np.uint64(hash_of(call_sign)), np.uint64(hash_of(name)))
        _note(vessels, t, np.uint32(imo), *hashes, np.uint8(ship_type), np.float32(length_m), port)
        for k in (0, 1, 2, 3, 4):
            before = [x[k] for x in said[:t] if x[k] and x[k] == x[k]]
            if before and said[t][k] and said[t][k] == said[t][k] and before[-1] != said[t][k]:
                changed = t

    def last(k: int, nothing: Any, unless: Any = None) -> Any:
        return next((x[k] for x in reversed(said) if x[k] == x[k] and x[k] != unless), nothing)

    v = vessels[0]
    assert v["identity_t"] == changed
    assert (v["imo"], v["ship_type"]) == (last(0, 0, 0), last(3, 0, 0))
    assert v["destination_port"] == last(5, -1, -2)
    assert (v["name_hash"] == 0) == (last(2, "", "") == "")
    np.testing.assert_equal(float(v["length_m"]), last(4, math.nan))


def test_statics_find_the_port_they_name():
    rows = [{"mmsi": SHIP, "t": T0_MS, "name": "ONE", "ship_type": 70, "destination": "SGSIN > lk cmb"}]
    engine = new_engine()
    engine.feed(batch({SHIP: every(60, 5, 0)}), pa.RecordBatch.from_pylist(rows, STATIC_SCHEMA))
    engine.advance(Heartbeats.at(np.array([T0_MS + HOUR_MS])))
    vessel = engine._state.vessels[0]
    assert (vessel["mmsi"], vessel["ship_type"]) == (SHIP, 70)
    assert vessel["destination_port"] == places().port_hashes()[hash_of("LKCMB")]
