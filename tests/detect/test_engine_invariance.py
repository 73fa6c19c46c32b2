"""The engine is a pure function of its input: however it is fed, the same episodes to the byte."""

import collections
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maritime.detect.engine import Engine
from maritime.detect.heartbeat import HeartbeatMaker, Heartbeats
from maritime.detect.settings import DetectSettings
from maritime.units import HOUR_MS
from tests.detect.fleet import (
    START_MS,
    as_bytes,
    final,
    fleet,
    heartbeats_of,
    new_engine,
    places,
    run,
    sources,
    statics,
)

FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LATENESS_MS = 120_000


@cache
def fleet_of(seed: int) -> pa.RecordBatch:
    return fleet(seed)


def test_the_receiver_is_known_from_an_episodes_first_revision():
    for episode in run(fleet_of(1)):
        if episode.type in ("distress_beacon", "identity_clash"):
            assert episode.evidence["source"] in ("north", "south"), (episode.type, episode.revision)


@cache
def expected(seed: int) -> str:
    return as_bytes(run(fleet_of(seed)))


def test_the_fleet_shows_every_behaviour():
    seen = collections.Counter((e.type, e.alerted) for e in final(run(fleet_of(1))))
    for kind in ("silence", "loitering", "landfall", "distress_beacon", "position_withheld", "reception_outage"):
        assert seen[kind, True] >= 1, (kind, seen)
    assert seen["silence", True] == 2, "the one that goes dark, and the silent one of the two ships on one MMSI"


def test_a_source_has_its_row_before_a_heartbeat_counts_it():
    """The kernels look sources up by their codes and check no bounds."""
    engine, positions = new_engine(), fleet_of(1).slice(0, 200)
    place = positions.schema.get_field_index("source")
    codes = pa.array(np.full(positions.num_rows, 3_000, np.uint16))
    engine.feed(positions.set_column(place, positions.schema.field(place), codes))
    engine.advance(heartbeats_of(positions))
    assert len(engine._state.reception.sources) > 3_000


@FEW
@given(seed=st.integers(1, 3), cuts=st.lists(st.integers(1, 12_000), max_size=40))
def test_batch_split(seed, cuts):
    assert as_bytes(run(fleet_of(seed), cuts)) == expected(seed)


@FEW
@given(seed=st.integers(1, 3), shuffle=st.integers(0, 2**32 - 1), step=st.integers(50, 4000))
def test_shuffle_within_the_lateness(seed, shuffle, step):
    positions = fleet_of(seed)
    t_ms = positions.column("t").to_numpy()
    delay = np.random.default_rng(shuffle).integers(0, LATENESS_MS - 1000, len(t_ms))
    arrival = positions.take(pa.array(np.argsort(t_ms + delay, kind="stable")))
    assert as_bytes(run(arrival, range(step, arrival.num_rows, step))) == expected(seed)


@FEW
@given(seed=st.integers(1, 3), chosen=st.integers(0, 2**32 - 1), share=st.floats(0.05, 1.0))
def test_feeding_reports_twice_changes_nothing(seed, chosen, share):
    positions = fleet_of(seed)
    twice = np.flatnonzero(np.random.default_rng(chosen).random(positions.num_rows) < share)
    index = np.sort(np.concatenate((np.arange(positions.num_rows), twice)), kind="stable")
    assert as_bytes(run(positions.take(pa.array(index)))) == expected(seed)


@FEW
@given(seed=st.integers(1, 3), at=st.integers(100, 11_000))
def test_snapshot_and_restore_at_any_point(seed, at):
    positions = fleet_of(seed)
    at = min(at, positions.num_rows - 1)
    detect = DetectSettings()
    engine, maker = new_engine(detect), HeartbeatMaker(detect.time)
    first, rest = positions.slice(0, at), positions.slice(at)
    engine.feed(first, statics())
    told = engine.advance(maker.feed(first))
    engine = Engine.restore(engine.snapshot(), detect, places(), sources())
    engine.feed(rest)
    told += engine.advance(Heartbeats.joined([maker.feed(rest), maker.finish()]))
    assert as_bytes(told + engine.open_episodes()) == expected(seed)


@pytest.mark.parametrize("parts", [1, 2, 7, 12])
def test_vessels_split_over_engines(parts):
    positions = fleet_of(1)
    beats = heartbeats_of(positions)
    mmsi = positions.column("mmsi").to_numpy()
    told = []
    for part in range(parts):
        engine = new_engine(tells_outages=part == 0)
        who = statics().column("mmsi").to_numpy() % parts == part
        engine.feed(positions.filter(pa.array(mmsi % parts == part)), statics().filter(pa.array(who)))
        told += engine.advance(beats) + engine.open_episodes()
    assert as_bytes(told) == expected(1)


def test_order_of_vessels():
    positions = fleet_of(1)
    order = np.lexsort((-positions.column("mmsi").to_numpy().astype(np.int64), positions.column("t").to_numpy()))
    assert as_bytes(run(positions.take(pa.array(order)))) == expected(1)


def _shape(episodes, hours=0.0):
    """What happened to whom and when; a region is named by where it is, so its name is left out."""
    return sorted(
        (e.type, e.hull.split("-")[0], e.state, e.alerted, e.started_ms - round(hours * HOUR_MS))
        for e in final(episodes)
    )


@pytest.mark.parametrize("hours", [4, 13, 24])
def test_midnight_is_no_edge(hours):
    positions = fleet_of(2)
    index = positions.schema.get_field_index("t")
    later = pa.array(positions.column("t").to_numpy() + hours * HOUR_MS)
    moved = positions.set_column(index, positions.schema.field(index), later)
    not_landfall = [e for e in run(moved) if e.type != "landfall"]  # the sun's altitude is a term of a landfall
    assert _shape(not_landfall, hours) == _shape([e for e in run(positions) if e.type != "landfall"])


def test_the_antimeridian_is_no_edge():
    """Open ocean on the equator, cells in step: the same fleet at 150° W and astride 180°."""
    here, there = ([e for e in run(_at(fleet(1, lat=0.5, lon=lon))) if e.type != "landfall"] for lon in (-150.0, 180.0))
    assert [e.type for e in final(there) if e.alerted].count("silence") >= 1
    assert _shape(there) == _shape(here)


def _at(positions):
    index = positions.schema.get_field_index("lon")
    lon = (positions.column("lon").to_numpy() + 540.0) % 360.0 - 180.0
    return positions.set_column(index, positions.schema.field(index), pa.array(lon))


def test_no_time_passes_without_heartbeats():
    engine = new_engine()
    engine.feed(fleet_of(1))
    assert engine.watermark_ms is None
    assert engine.open_episodes() == []


def test_late_reports_are_kept_and_counted():
    positions = fleet_of(1)
    engine, maker = new_engine(), HeartbeatMaker(DetectSettings().time)
    engine.feed(positions)
    engine.advance(maker.feed(positions))
    engine.feed(positions.slice(0, 10))
    assert engine.counters["late"] == 10
    assert sum(b.num_rows for b in engine.take_late()) == 10
    assert engine.take_late() == []


def test_one_stray_future_stamp_makes_nobody_late():
    positions = fleet_of(1)
    rows = positions.to_pylist()
    stray = rows[500] | {"t": START_MS + 40 * 24 * HOUR_MS}
    poisoned = pa.RecordBatch.from_pylist([*rows[:500], stray, *rows[500:]], schema=positions.schema)
    assert as_bytes(run(poisoned, range(300, 12_000, 300))) == expected(1)
