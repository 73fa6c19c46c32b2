"""Memory: what a hull costs, and that what is silent for 30 days leaves."""

import math
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from numba import njit
from numpy.typing import NDArray

from maritime.columns import POSITION_SCHEMA, STATIC_SCHEMA
from maritime.detect.engine import Engine
from maritime.detect.episode import Episode
from maritime.detect.heartbeat import HeartbeatMaker, Heartbeats
from maritime.detect.kernels.identity import N_HULLS, N_VESSELS
from maritime.detect.kernels.outage import N_REGIONS
from maritime.detect.kernels.reception import N_CELLS, N_MOORINGS, cell_slot, forget_cells, hear, rest
from maritime.detect.kernels.samples import FARTHEST, seconds_of, short_lat, short_lon, short_s, short_sog, take_sample
from maritime.detect.outage import SOURCE_DTYPE
from maritime.detect.settings import DetectSettings
from maritime.detect.state import CELL_DTYPE, HULL_DTYPE, State, grown, new_reception, new_state
from maritime.tracks.hulls import VESSEL_DTYPE
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.detect.fleet import as_bytes, new_engine, places, sources

GIB = 1 << 30
FORGETFUL = DetectSettings.model_validate({"hulls": {"forget_days": 3}})
T0_MS = 1_600_000_200_000
SHIP = 311_000_001


def nbytes(state: State) -> int:
    arrays: list[NDArray] = [a for a in (*state, *state.reception) if isinstance(a, np.ndarray)]
    return sum(a.nbytes for a in arrays)


# ------------------------------------------------------------------------------------------------------------ the size


def test_a_hull_with_its_vessel_and_places_takes_less_than_a_kibibyte():
    due_t, two_places = 8, 2 * 4
    assert HULL_DTYPE.itemsize + VESSEL_DTYPE.itemsize + due_t + two_places < 1024


def test_alignment_wastes_no_room():
    for dtype in (HULL_DTYPE, VESSEL_DTYPE):
        held = sum(dtype[name].itemsize for name in dtype.names or ())
        assert dtype.itemsize - held < 8


def test_a_million_hulls_fit_in_a_gibibyte():
    """Tables are doubled from 1024 rows; while one is copied, only as much of the new one is in use."""
    state = new_state(1 << 20)
    state.n[N_HULLS] = state.n[N_VESSELS] = 1_000_000
    assert grown(state).hulls is state.hulls
    assert grown(state).vessels is state.vessels
    assert nbytes(state) < GIB
    assert 2 * nbytes(new_state(1 << 19)) < GIB + (1 << 20)


def test_growing_keeps_every_row():
    state = new_state(8)
    state.hulls["mmsi"][:6] = state.vessels["mmsi"][:6] = 211_000_000 + np.arange(6)
    state.vessels["heard_t"][:6] = T0_MS
    state.n[N_HULLS], state.n[N_VESSELS] = 6, 6
    blank = state.hulls[-1].tobytes()
    larger = grown(grown(state, heard=5000, resting=5000, sources=100))
    assert larger.hulls["mmsi"][:6].tolist() == state.hulls["mmsi"][:6].tolist()
    assert larger.hulls[-1].tobytes() == blank
    assert larger.hulls[7].tobytes() == bytes(HULL_DTYPE.itemsize), "the old blank row is no hull"
    assert (len(larger.hulls), len(larger.due_t)) == (16, 16)
    r = larger.reception
    assert min(len(r.keys), len(r.mooring_keys), len(r.mooring_window), len(r.regions)) > 10_000
    assert len(r.sources) == 128


def test_rows_that_are_free_are_used_before_a_table_grows():
    state = new_state(8)
    state.n[N_HULLS] = 6
    assert len(grown(state).hulls) == 16
    state.n[3], state.n[4] = 2, 1
    assert grown(state).hulls is state.hulls


def test_what_covers_the_earth_is_small():
    regions = 41_300  # of one degree
    assert regions * 2 * 2 * (SOURCE_DTYPE.itemsize + 8) < 32 << 20
    assert CELL_DTYPE.itemsize <= 40


# ---------------------------------------------------------------------------------------------------------- who leaves


def batch(rows: list[tuple[int, int, float, float, float]]) -> pa.RecordBatch:
    """(MMSI, ms, latitude, longitude, knots) as a PositionBatch."""
    unknown = {"cog": math.nan, "heading": math.nan, "nav_status": 0, "msg_type": 1, "source": 1}
    named = [dict(zip(("mmsi", "t", "lat", "lon", "sog"), row, strict=True)) for row in rows]
    return pa.RecordBatch.from_pylist(
        [row | unknown for row in sorted(named, key=lambda row: row["t"])], POSITION_SCHEMA
    )


@cache
def generations() -> pa.RecordBatch:
    """Every day other vessels in other waters, some at rest, for 13 days; and one that stays."""
    rng = np.random.default_rng(8)
    rows = []
    for g in range(13):
        for k in range(120):
            lat, lon = rng.uniform(-50, 50), rng.uniform(-180, 180)
            at_ms = T0_MS + g * DAY_MS + int(rng.integers(HOUR_MS))
            knots = 0.1 if k % 3 == 0 else 9.0
            rows += [
                (211_000_000 + 1000 * g + k, at_ms + i * 20 * MINUTE_MS, lat + i * knots / 180, lon, knots)
                for i in range(3)
            ]
    rows += [(SHIP, T0_MS + h * HOUR_MS, 0.0, 0.0, 0.0) for h in range(13 * 24)]
    return batch(rows)


@cache
def beats() -> list[Heartbeats]:
    maker = HeartbeatMaker(DetectSettings().time)
    return [*(maker.feed(part) for part in parts()), maker.finish()]


def parts() -> list[pa.RecordBatch]:
    step = generations().num_rows // 12
    return [generations().slice(start, step) for start in range(0, generations().num_rows, step)]


def live(engines: int = 1, *, restores: bool = False) -> tuple[list[Episode], list[Engine]]:
    """The generations through engines that share the vessels."""
    crew = [new_engine(FORGETFUL, tells_outages=k == 0) for k in range(engines)]
    told: list[Episode] = []
    for part, passed in zip([*parts(), generations().slice(0, 0)], beats(), strict=True):
        owner = part.column("mmsi").to_numpy() % engines
        for k in range(engines):
            if restores:
                crew[k] = Engine.restore(crew[k].snapshot(), FORGETFUL, places(), sources(), tells_outages=k == 0)
            crew[k].feed(part.filter(pa.array(owner == k)))
            told += crew[k].advance(passed)
    return told, crew


@pytest.fixture(scope="module")
def lived() -> tuple[list[Episode], Engine]:
    told, (engine,) = live()
    return told, engine


def test_hulls_vessels_and_cells_leave_and_their_rows_are_used_again(lived):
    _, engine = lived
    state = engine._state
    assert len(state.hulls) == len(state.vessels) == 1024, "13 × 120 vessels never needed more"
    assert engine.counters["hulls"] <= 4 * 120 + 1
    assert engine.counters["vessels"] <= 4 * 120 + 1
    assert state.n[N_HULLS] <= 5 * 120
    r = state.reception
    assert 100 < r.meta[N_CELLS] == (r.keys != -1).sum() < 4 * 120 * 3
    assert 40 < r.meta[N_MOORINGS] == (r.mooring_keys != -1).sum() < 4 * 120
    assert r.meta[N_REGIONS] == (r.region_keys != -1).sum() < 41_300


def test_every_vessel_that_is_known_is_found_in_the_table(lived):
    _, engine = lived
    state = engine._state
    used = np.sort(state.table[state.table >= 0])
    assert len(used) == engine.counters["vessels"] == len(set(used.tolist()))
    chained = 0
    for row in used:
        i = state.vessels["first_hull"][row]
        while i >= 0:
            assert state.hulls["mmsi"][i] == state.vessels["mmsi"][row]
            chained += 1
            i = state.hulls["next_hull"][i]
    assert chained == engine.counters["hulls"]


@pytest.mark.parametrize("engines", [2, 7])
def test_leaving_does_not_depend_on_how_vessels_are_shared(lived, engines):
    told, engine = lived
    others, crew = live(engines)
    assert as_bytes(others) == as_bytes(told)
    assert sum(one.counters["hulls"] for one in crew) == engine.counters["hulls"]
    assert sum(one.counters["vessels"] for one in crew) == engine.counters["vessels"]


def test_leaving_goes_on_after_a_restore(lived):
    told, engine = lived
    others, (other,) = live(restores=True)
    assert as_bytes(others) == as_bytes(told)
    assert other.snapshot() == engine.snapshot()


def hourly(hours: range, knots: float = 0.0) -> list[tuple[int, int, float, float, float]]:
    return [(SHIP, T0_MS + h * HOUR_MS, knots / 60 * h, 0.0, knots) for h in hours]


def advance(engine: Engine, day: float) -> list[Episode]:
    """Let time pass until a day, minute by minute."""
    start = engine.watermark_ms or T0_MS
    return engine.advance(Heartbeats.at(np.arange(start + MINUTE_MS, T0_MS + round(day * DAY_MS) + 1, MINUTE_MS)))


def test_a_silence_that_lasts_is_told_when_its_hull_leaves():
    engine = new_engine()
    engine.feed(batch(hourly(range(48), knots=8.0)))
    assert [e for e in advance(engine, 31.9) if e.state == "open"] == []
    assert [e.type for e in engine.open_episodes()] == ["silence"]
    (told,) = advance(engine, 32.1)
    assert (told.type, told.state, told.started_ms) == ("silence", "open", T0_MS + 47 * HOUR_MS)
    assert engine.open_episodes() == []
    assert (engine.counters["hulls"], engine.counters["vessels"]) == (0, 1)
    advance(engine, 33.1)
    assert engine.counters["vessels"] == 0, "vessels leave once a day"


@pytest.mark.parametrize(("days", "known"), [(30.0, True), (30.1, False)])
@pytest.mark.parametrize("minutely", [True, False])
def test_what_a_vessel_said_of_itself_is_forgotten_with_it(days, known, minutely):
    """Whether the row has left by then or not."""
    said = pa.RecordBatch.from_pylist([{"mmsi": SHIP, "t": T0_MS, "name": "ONE", "ship_type": 70}], STATIC_SCHEMA)
    engine = new_engine()
    engine.feed(batch(hourly(range(1))), said)
    advance(engine, 0.1)
    engine.feed(batch([(SHIP, T0_MS + round(days * DAY_MS), 0.0, 0.0, 0.0)]))
    if minutely:
        advance(engine, days + 0.1)
    else:
        engine.advance(Heartbeats.at(np.array([T0_MS + round(days * DAY_MS) + 1], np.int64)))
    state = engine._state
    vessel = state.vessels[int(state.table[state.table >= 0][0])]
    assert (vessel["ship_type"] == 70, vessel["name_hash"] != 0) == (known, known)
    hull = state.hulls[vessel["first_hull"]]
    assert (hull["number"], hull["n_reports"]) == (1, 2 if known else 1)


def test_static_reports_alone_keep_a_vessel_but_no_hull():
    said = [{"mmsi": SHIP, "t": T0_MS + d * 10 * DAY_MS, "name": "ONE"} for d in range(5)]
    engine = new_engine()
    engine.feed(batch(hourly(range(1))), pa.RecordBatch.from_pylist(said, STATIC_SCHEMA))
    advance(engine, 45)
    assert (engine.counters["hulls"], engine.counters["vessels"]) == (0, 1)
    advance(engine, 72)
    assert engine.counters["vessels"] == 0


def test_a_stray_stamp_of_the_future_waits_and_is_counted():
    engine, maker = new_engine(), HeartbeatMaker(DetectSettings().time)
    rows = batch([*hourly(range(10)), (SHIP, T0_MS + 400 * DAY_MS, 0.0, 0.0, 0.0)])
    engine.feed(rows)
    engine.advance(maker.feed(rows))
    engine.advance(maker.finish())
    assert (engine.counters["reports"], engine.counters["waiting"]) == (10, 1)


# ---------------------------------------------------------------------------------------------------------------- cells


def hear_in(r, window: int, cells: list[int], vessels: int = 4):  # type: ignore[no-untyped-def]
    n = len(cells)
    cell, count, who = np.array(cells, np.int64), np.full(n, vessels), np.full(n, 7, np.uint64)
    hear(r, window, cell, np.zeros(n, np.int64), count, np.zeros(n, np.int64), who, np.zeros((n, 4)))
    rest(r, window, cell, who)


def test_cells_leave_and_others_stay_as_they_were():
    """Against a memory in which the ones that leave have never been."""
    rng = np.random.default_rng(2)
    cells = rng.choice(10**6, 200, replace=False).tolist()
    r, other = new_reception(), new_reception()
    for window in range(1, 40):
        chosen = [c for c in cells if rng.random() < 0.3 and (window < 10 or c % 2 == 0)]
        hear_in(r, window, chosen)
        hear_in(other, window, [c for c in chosen if c % 2 == 0])
    r.meta[3] = other.meta[3]
    forget_cells(r, 45, 30)
    assert sorted(r.keys[r.keys != -1].tolist()) == sorted(c for c in cells if c % 2 == 0)
    assert all(r.keys[cell_slot(r.keys, c)] == c for c in cells if c % 2 == 0), "those that stay are found"
    for keys, columns in (("keys", ["cells"]), ("mooring_keys", ["mooring_who", "mooring_window"])):
        for name in columns:
            both = [
                {int(k): getattr(x, name)[i].tolist() for i, k in enumerate(getattr(x, keys)) if k != -1}
                for x in (r, other)
            ]
            assert str(sorted(both[0].items())) == str(sorted(both[1].items()))
    assert r.meta.tolist() == other.meta.tolist()


def test_a_cell_that_is_heard_again_begins_anew():
    r, new = new_reception(), new_reception()
    hear_in(r, 1, [42], vessels=9)
    forget_cells(r, 40, 30)
    assert r.meta[N_CELLS] == r.meta[N_MOORINGS] == 0
    hear_in(r, 50, [42])
    hear_in(new, 50, [42])
    assert str(r.cells[r.keys == 42]) == str(new.cells[new.keys == 42])
    assert r.mooring_who[r.mooring_keys == 42] == 7


# -------------------------------------------------------------------------------------------------------------- samples


@njit
def _take(hulls, s, lat, lon, sog):
    take_sample(hulls[0], s, lat, lon, sog)


@njit
def _kept(hulls, k):
    h = hulls[0]
    return np.float64(short_s(h, k)), short_lat(h, k), short_lon(h, k), short_sog(h, k)


def taken(samples: list[tuple[int, float, float, float]]) -> list[tuple[float, ...]]:
    """What a hull keeps of the last 16 samples, newest first."""
    hulls = new_state(2).hulls[-1:].copy()
    for t_ms, lat, lon, sog in samples:
        _take(hulls, seconds_of(t_ms), lat, lon, sog)
    n = int(hulls["short_n"][0])
    return [_kept(hulls, k % 16) for k in range(n - 1, max(n - 17, -1), -1)]


def test_samples_are_kept_to_two_metres_and_a_hundredth_of_a_knot():
    rng = np.random.default_rng(4)
    lon = (179.5 + np.cumsum(rng.uniform(0, 0.02, 60)) + 180) % 360 - 180
    told = [
        (T0_MS + k * 60_000, 60 + k * 0.003, float(lon[k]), math.nan if k % 7 == 0 else float(rng.uniform(0, 30)))
        for k in range(60)
    ]
    for (s, lat, lon_deg, sog), kept in zip(told[::-1], taken(told), strict=False):
        assert kept[0] == seconds_of(s)
        assert kept[1:3] == (pytest.approx(lat, abs=1.01e-5), pytest.approx(lon_deg, abs=1.01e-5))
        assert kept[3] == pytest.approx(sog, abs=0.00501, nan_ok=True)


def test_samples_farther_than_the_steps_reach_count_as_at_their_end():
    first, last = (T0_MS, 10.0, 20.0, 5.0), (T0_MS + 20 * HOUR_MS, 12.0, 25.0, 5.0)
    newest, oldest = taken([first, last])
    assert newest == pytest.approx((seconds_of(last[0]), 12.0, 25.0, 5.0), abs=1e-5)
    assert oldest[0] == seconds_of(last[0]) - FARTHEST
    assert (oldest[1], oldest[2]) == pytest.approx((12.0 - FARTHEST * 2e-5, 25.0 - FARTHEST * 2e-5), abs=2e-5)


def test_reports_that_wait_are_kept_in_few_pieces():
    """Each piece of a record holds on to the whole of it: thousands of small ones are holes in the heap."""
    engine = new_engine()
    row = {"mmsi": SHIP, "lat": 10.0, "lon": 90.0, "sog": 9.0, "cog": 1.0, "heading": 1.0}
    for i in range(1000):
        codes = {"t": T0_MS + i, "nav_status": 0, "msg_type": 1, "source": 0}
        engine.feed(pa.RecordBatch.from_pylist([row | codes], schema=POSITION_SCHEMA))
    assert len(engine._rows) < 100
    (waiting,) = engine.take_waiting()
    assert waiting["t"].to_pylist() == [T0_MS + i for i in range(1000)]
