"""Heartbeats: single cases by hand, and random streams against the slow twin in tests/naive_heartbeat.py."""

import math
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.columns import POSITION_SCHEMA
from maritime.detect.heartbeat import WINDOW_MS, HeartbeatMaker, Heartbeats, TimeSettings
from maritime.geo.cells import MOORING_CELL_DEG, RECEPTION_CELL_DEG, cell_of
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests import naive_heartbeat
from tests.detect.fleet import joined
from tests.naive_heartbeat import Report, Row

T0_MS = 1_600_000_200_000  # a full ten minutes
MANY = settings(max_examples=150, deadline=None)


def batch(reports: list[Report]) -> pa.RecordBatch:
    rows = [r._asdict() | {"cog": math.nan, "heading": math.nan, "nav_status": 0} for r in reports]
    return pa.RecordBatch.from_pylist(rows, POSITION_SCHEMA)


def beats(reports: list[Report], cuts: tuple[int, ...] = (), *, finish: bool = True) -> Heartbeats:
    """Heartbeats of reports fed in slices that end at `cuts`, one after the other as one."""
    maker = HeartbeatMaker(TimeSettings())
    edges = [0, *sorted({min(cut, len(reports)) for cut in cuts} - {0}), len(reports)]
    told = [maker.feed(batch(reports[a:b])) for a, b in pairwise(edges)]
    return joined([*told, maker.finish()] if finish else told)


def at(*times_ms: int, mmsi: int = 311_000_001) -> list[Report]:
    return [Report(mmsi, t, 1.0, 100.0, 9.0, 1, 1) for t in times_ms]


def rows_of(told: Heartbeats, i: int) -> list[Row]:
    inside = slice(told.heard_from[i], told.heard_from[i + 1])
    return [
        Row(*(int(x) for x in row[:-1]), tuple(row[-1].tolist()))
        for row in zip(*(column[inside] for column in told.heard), strict=True)
    ]


def resting_of(told: Heartbeats, i: int) -> list[tuple[int, int]]:
    inside = slice(told.resting_from[i], told.resting_from[i + 1])
    return [(int(cell), int(who)) for cell, who in zip(*(column[inside] for column in told.resting), strict=True)]


def everything(told: Heartbeats) -> str:
    return str([(t, rows_of(told, i), resting_of(told, i)) for i, t in enumerate(told.watermark_ms.tolist())])


# ----------------------------------------------------------------------------------------------------------- the clock


def test_every_minute_once_behind_the_lateness():
    told = beats(at(*range(T0_MS, T0_MS + HOUR_MS + 1, 30_000)), finish=False)
    assert told.watermark_ms.tolist() == list(range(T0_MS - 9 * MINUTE_MS, T0_MS + HOUR_MS - 120_000 + 1, MINUTE_MS))


def test_the_end_lets_the_last_report_be_processed():
    told = beats(at(T0_MS, T0_MS + 1000, T0_MS + 2000))
    assert told.watermark_ms[-1] == T0_MS + MINUTE_MS


def test_nothing_has_no_time():
    assert len(beats([])) == 0
    assert len(HeartbeatMaker(TimeSettings()).feed(batch([]))) == 0


def test_a_single_report_moves_time_at_the_end_only():
    assert len(beats(at(T0_MS), finish=False)) == 0
    assert beats(at(T0_MS)).watermark_ms[-1] == T0_MS + MINUTE_MS


@pytest.mark.parametrize("stray", [T0_MS + 2 * HOUR_MS, T0_MS + 400 * DAY_MS])
def test_stray_future_stamps_that_no_other_bears_out_move_nothing(stray):
    usual = at(*range(T0_MS, T0_MS + HOUR_MS, 10_000))
    strays = [r for k, r in enumerate(usual) for r in ([r, *at(stray + k)] if k % 50 == 25 else [r])]
    assert beats(strays, finish=False).watermark_ms.tolist() == beats(usual, finish=False).watermark_ms.tolist()


def test_a_stray_last_stamp_far_ahead_does_not_end_the_data():
    usual = at(*range(T0_MS, T0_MS + HOUR_MS, 10_000))
    assert everything(beats([*usual, *at(T0_MS + 400 * DAY_MS)])) == everything(beats(usual))
    late = beats([*usual, *at(T0_MS + 5 * HOUR_MS)])
    assert late.watermark_ms[-1] == T0_MS + 5 * HOUR_MS + MINUTE_MS, "the last report of a vessel back from silence"


def test_a_step_ahead_is_believed_when_the_next_report_bears_it_out():
    told = beats(at(T0_MS, T0_MS, T0_MS + 5 * HOUR_MS, T0_MS + 5 * HOUR_MS + 1000), finish=False)
    assert told.watermark_ms[-1] == T0_MS + 5 * HOUR_MS - 120_000
    assert set(np.diff(told.watermark_ms)) == {MINUTE_MS}


def test_reports_hours_apart_move_time_too():
    told = beats(at(*range(T0_MS, T0_MS + 3 * DAY_MS, 2 * HOUR_MS)), finish=False)
    assert told.watermark_ms[-1] == T0_MS + 3 * DAY_MS - 4 * HOUR_MS - 120_000  # the last but one


def test_many_days_in_one_batch_miss_no_minute():
    told = beats(at(*range(T0_MS, T0_MS + 12 * DAY_MS, 30 * MINUTE_MS)))
    assert set(np.diff(told.watermark_ms)) == {MINUTE_MS}
    assert told.watermark_ms[-1] - told.watermark_ms[0] > 11 * DAY_MS


def test_of_a_long_silence_the_first_week_and_the_end():
    back = T0_MS + 40 * DAY_MS
    told = beats(at(*range(T0_MS, T0_MS + HOUR_MS, 10_000), *range(back, back + HOUR_MS, 10_000)))
    steps = np.diff(told.watermark_ms)
    assert (steps > MINUTE_MS).sum() == 1
    k = int(steps.argmax())
    assert told.watermark_ms[k] == T0_MS + 57 * MINUTE_MS + 7 * DAY_MS
    assert told.watermark_ms[k + 1] == back - 120_000
    assert (told.heard_from[-1], len(told.heard.cell)) == (12, 12), "every window of both hours is told"


def test_an_ancient_first_stamp_costs_a_week_of_minutes_at_most():
    usual = at(*range(T0_MS, T0_MS + HOUR_MS, 10_000))
    told = beats([*at(1_000_000), *usual])
    assert len(told) <= 7 * 24 * 60 + 90
    assert everything(told)[-2000:] == everything(beats(usual))[-2000:]


def test_a_future_first_stamp_moves_nothing():
    usual = at(*range(T0_MS, T0_MS + HOUR_MS, 10_000))
    assert everything(beats([*at(T0_MS + 400 * DAY_MS), *usual])) == everything(beats(usual))


# ------------------------------------------------------------------------------------------------- what has been heard


def window_of(reports: list[Report]) -> tuple[list[Row], list[tuple[int, int]]]:
    """What is told of the window from T0."""
    told = beats([*reports, *at(T0_MS + WINDOW_MS, T0_MS + WINDOW_MS + 1)])
    i = told.watermark_ms.tolist().index(T0_MS + WINDOW_MS)
    return rows_of(told, i), resting_of(told, i)


def test_distinct_vessels_by_cell_source_and_class():
    here, there = cell_of(1.0, 100.0, RECEPTION_CELL_DEG), cell_of(1.0, 100.2, RECEPTION_CELL_DEG)
    one = Report(311_000_001, T0_MS, 1.0, 100.0, 9.0, 1, 1)
    told, _ = window_of(
        [
            one,
            one._replace(t=T0_MS + 60_000, lat=1.02),
            one._replace(mmsi=311_000_002, t=T0_MS + 120_000, msg_type=3),
            one._replace(mmsi=311_000_003, t=T0_MS + 180_000, msg_type=18),
            one._replace(t=T0_MS + 240_000, source=7),
            one._replace(t=T0_MS + 599_999, lon=100.2, msg_type=0),
        ]
    )
    assert [(row.cell, row.group, row.vessels) for row in told] == sorted(
        [(here, 4, 2), (here, 5, 1), (here, 28, 1), (there, 6, 1)]
    )
    first = next(row for row in told if row.group == 4)
    assert (first.first, first.last, first.box) == (T0_MS, T0_MS + 120_000, (1.0, 1.02, 100.0, 100.0))


def test_slow_by_any_report_and_at_rest_by_mooring_cell():
    one = Report(311_000_001, T0_MS, 1.0, 100.0, 9.0, 1, 1)
    told, still = window_of(
        [
            one,
            one._replace(t=T0_MS + 60_000, sog=1.9),
            one._replace(mmsi=311_000_002, t=T0_MS + 60_000, sog=0.4),
            one._replace(mmsi=311_000_003, t=T0_MS + 60_000, sog=math.nan),
            one._replace(mmsi=311_000_004, t=T0_MS + 60_000, sog=2.0),
        ]
    )
    assert [(row.vessels, row.slow) for row in told] == [(4, 2)]
    assert still == [(cell_of(1.0, 100.0, MOORING_CELL_DEG), naive_heartbeat.bit(311_000_002))]


def test_at_rest_without_a_speed_by_the_way_made_in_three_minutes():
    first = Report(311_000_001, T0_MS, 1.0, 100.0, math.nan, 1, 1)
    metre = 1 / 111_195
    still = first._replace(mmsi=311_000_002), first._replace(mmsi=311_000_002, t=T0_MS + 180_000, lat=1 + 40 * metre)
    moving = first._replace(mmsi=311_000_003), first._replace(mmsi=311_000_003, t=T0_MS + 180_000, lat=1 + 50 * metre)
    soon = first._replace(mmsi=311_000_004), first._replace(mmsi=311_000_004, t=T0_MS + 179_000)
    _, cells = window_of(sorted([first, *moving, *soon, *still], key=lambda r: r.t))
    assert cells == [(cell_of(1.0, 100.0, MOORING_CELL_DEG), naive_heartbeat.bit(311_000_002))]


@pytest.mark.parametrize("msg_type", [4, 9, 11, 14, 21])
def test_stations_aircraft_and_aids_are_no_vessels(msg_type):
    assert window_of([r._replace(msg_type=msg_type) for r in at(T0_MS, T0_MS + 1)])[0] == []


def test_a_report_that_came_too_late_is_not_counted_however_the_batches_are_cut():
    usual = at(*range(T0_MS, T0_MS + HOUR_MS, 10_000))
    late = [*usual, *at(T0_MS + 30 * MINUTE_MS, mmsi=311_000_009)]
    assert everything(beats(late)) == everything(beats(usual)) == everything(beats(late, tuple(range(len(late)))))


# ------------------------------------------------------------------------------------------------------------ the twin

steps_ms = st.sampled_from(
    [
        *(0, 1, 900, 5000, 61_000, 400_000, 700_000, 3_599_000, 3_601_000, 4 * HOUR_MS, 2 * DAY_MS, 9 * DAY_MS),
        *(-30_000, -119_000, -121_000, -900_000, -5 * HOUR_MS),
    ]
)
acts = st.lists(st.tuples(steps_ms, st.integers(0, 11), st.integers(0, 5), st.integers(0, 4)), max_size=60)


def stream(told: list[tuple[int, int, int, int]]) -> list[Report]:
    t = T0_MS
    reports = []
    for step, vessel, place, what in told:
        t += step
        lat, lon = [(1.0, 100.0), (1.05, 100.09), (0.999, 179.999), (0.999, -179.999), (89.99, 5.0), (math.nan,) * 2][
            place
        ]
        sog = [0.2, 1.0, 9.0, math.nan, 0.5][what]
        msg_type = [1, 2, 18, 5, 0, 21, 27, 4, 19, 14, 24, 3][vessel]
        reports.append(Report(311_000_000 + vessel // 2 * 7919, t, lat, lon, sog, msg_type, 1 + vessel % 2))
    return reports


@MANY
@given(acts=acts, cuts=st.lists(st.integers(0, 60), max_size=8))
def test_random_streams_against_the_twin_in_any_split(acts, cuts):
    reports = stream(acts)
    twin = naive_heartbeat.Maker()
    for r in reports:
        twin.take(r)
    twin.finish()
    told = beats(reports, tuple(cuts))
    assert told.watermark_ms.tolist() == twin.minutes
    ends = [(i, t) for i, t in enumerate(twin.minutes) if t % WINDOW_MS == 0]
    busy = {i for i, t in ends if any(t - WINDOW_MS <= r.t < t for r in twin.kept)}
    assert set(np.flatnonzero(np.diff(told.heard_from)).tolist()) <= busy
    for i in sorted(busy):
        assert rows_of(told, i) == naive_heartbeat.heard(twin.kept, twin.minutes[i])
        assert resting_of(told, i) == naive_heartbeat.resting(twin.kept, twin.minutes[i])


def test_a_busy_hour_against_the_twin():
    rng = np.random.default_rng(3)
    reports = [
        Report(
            int(rng.integers(311_000_000, 311_000_400)),
            T0_MS + 500 * k,
            float(rng.normal(1.0, 0.2)),
            float(rng.normal(100.0, 0.2)),
            float(rng.choice([0.1, 1.0, 8.0])),
            int(rng.choice([1, 18, 0])),
            int(rng.integers(1, 4)),
        )
        for k in range(7200)
    ]
    lies = [r._replace(lat=1.0 + r.mmsi % 40 / 100, lon=100.0, sog=math.nan) for r in reports]
    reports = [b if a.mmsi % 4 == 0 else a for a, b in zip(reports, lies, strict=True)]
    told = beats(reports, tuple(range(0, 7200, 700)))
    for i, t in enumerate(told.watermark_ms.tolist()):
        if t % WINDOW_MS == 0:
            assert rows_of(told, i) == naive_heartbeat.heard(reports, t)
            assert resting_of(told, i) == naive_heartbeat.resting(reports, t)
