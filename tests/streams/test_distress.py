"""A beacon is called at its first report, before event time has passed it, and once."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.columns import POSITION_SCHEMA
from maritime.detect.engine import Engine
from maritime.detect.heartbeat import HeartbeatMaker
from maritime.detect.settings import DetectSettings
from streams.detector import PartitionDetector
from streams.distress import DistressWatch
from streams.memory import MemoryLog
from streams.topic_names import ALERTS, RESCUE
from streams.worker import Pace
from tests.detect.fleet import fleet, places, sources, statics
from tests.streams.live import drain, events, records, setup_of, topics, worker_of, write

T0 = 1_577_872_800_000
MINUTE = 60_000
SART, SHIP = 970_123_456, 211_000_001
ACTIVE, TEST = 14, 15


def batch(*rows) -> pa.RecordBatch:
    """Reports of (MMSI, minutes after T0, latitude, status[, message type])."""
    values = [
        {
            "mmsi": mmsi, "t": T0 + round(minutes * MINUTE), "lat": lat, "lon": 95.0 if lat == lat else math.nan,
            "sog": 0.0, "cog": 0.0, "heading": math.nan, "nav_status": status, "msg_type": more[0] if more else 1,
            "source": 1,
        }
        for mmsi, minutes, lat, status, *more in rows
    ]  # fmt: skip
    return pa.RecordBatch.from_pylist(values, schema=POSITION_SCHEMA)


def calls(*batches, watch: DistressWatch | None = None):
    watch = watch or DistressWatch(DetectSettings())
    return [
        (call.mmsi, call.number, (call.heard_ms - T0) / MINUTE, call.device) for b in batches for call in watch.take(b)
    ]


def test_the_first_active_report_is_called_and_no_later_one():
    rows = [(SART, k, 6.5, ACTIVE) for k in range(20)]
    assert calls(batch(*rows)) == [(SART, 1, 0, "AIS-SART")]


def test_a_position_that_comes_later_is_called_too():
    assert calls(batch((SART, 0, math.nan, ACTIVE), (SART, 1, math.nan, ACTIVE), (SART, 2, 6.5, ACTIVE))) == [
        (SART, 1, 0, "AIS-SART"),
        (SART, 2, 2, "AIS-SART"),
    ]


@pytest.mark.parametrize(
    ("row", "device"),
    [
        ((972_000_001, 0, 6.5, ACTIVE), "man overboard"),
        ((974_000_001, 0, 6.5, ACTIVE, 14), "EPIRB-AIS"),
        ((SHIP, 0, 6.5, ACTIVE), None),
    ],
)
def test_who_is_called(row, device):
    assert calls(batch(row)) == [(row[0], 1, 0, device)]


@pytest.mark.parametrize(
    "row", [(SART, 0, 6.5, TEST), (SHIP, 0, 6.5, ACTIVE, 18), (SHIP, 0, 6.5, 0), (SART, 0, 6.5, 0)]
)
def test_who_is_not(row):
    assert calls(batch(row)) == []


def test_after_half_an_hour_of_silence_it_is_called_anew():
    assert [call[2] for call in calls(batch(*[(SART, minute, 6.5, ACTIVE) for minute in (0, 30, 60, 91)]))] == [0, 91]


def test_nothing_is_remembered_of_beacons_that_fell_silent():
    watch = DistressWatch(DetectSettings())
    calls(batch(*[(970_000_000 + k, 0, 6.5, ACTIVE) for k in range(500)]), watch=watch)
    watch.forget(T0 + 31 * MINUTE)
    assert watch.saved() == {}


def test_it_can_be_switched_off():
    off = DetectSettings.model_validate({"distress": {"enabled": False}})
    assert calls(batch((SART, 0, 6.5, ACTIVE)), watch=DistressWatch(off)) == []


minutes, lats = st.integers(0, 200), st.sampled_from([6.5, math.nan])
reports = st.one_of(
    st.tuples(st.sampled_from([SART, 972_000_001]), minutes, lats, st.just(ACTIVE), st.sampled_from([1, 14])),
    st.tuples(st.just(SHIP), minutes, lats, st.sampled_from([0, ACTIVE]), st.sampled_from([1, 3, 18])),
)


def test_a_beacon_under_test_again_is_called_when_it_was_not_active_for_long():
    """Only active reports keep an episode: the engine's goes on, but who is in the water then must be called."""
    minutes_and_status = [(0, ACTIVE), (20, TEST), (40, ACTIVE), (60, ACTIVE)]
    rows = [(SART, minute, 6.5, status) for minute, status in minutes_and_status]
    assert [call[2] for call in calls(batch(*rows))] == [0, 40]


@given(st.lists(reports, min_size=1, max_size=30), st.data())
def test_in_time_order_it_calls_what_the_engine_alerts(rows, data):
    """The engine's rule of distress is the twin: as many episodes, at the same times, however the reports are split."""
    rows = sorted(rows, key=lambda row: (row[1], row[0]))
    rows = [row for k, row in enumerate(rows) if k == 0 or (row[0], row[1]) != (rows[k - 1][0], rows[k - 1][1])]
    cut = data.draw(st.integers(0, len(rows)))
    watch = DistressWatch(DetectSettings())
    found = calls(batch(*rows[:cut]), watch=watch)
    again = DistressWatch(DetectSettings())
    again.remember(json.loads(json.dumps(watch.saved())))
    found += calls(batch(*rows[cut:]), watch=again)
    engine = Engine(DetectSettings(), places(), sources())
    maker = HeartbeatMaker(DetectSettings().time, DetectSettings().clocks)
    all_ = batch(*rows)
    beats = maker.feed(all_)
    engine.feed(all_)
    told = [*engine.advance(beats), *engine.advance(maker.finish()), *engine.open_episodes()]
    alerted = {e.episode_id: e.mmsi for e in told if e.type == "distress_beacon" and e.raised_ms is not None}
    assert sorted(mmsi for mmsi, number, *_ in found if number == 1) == sorted(alerted.values())


def test_a_worker_commits_a_call_at_once_though_no_heartbeat_came():
    log = MemoryLog(topics(2))
    worker = worker_of(log, setup_of(2), pace=Pace(cycle_s=3_600.0, snapshot_every_s=1e9))
    write(log, batch((SHIP, 0, 6.5, 0), (SART, 0.1, 6.5, ACTIVE)), statics().slice(0, 0), finish=False)
    while not records(log, RESCUE):
        assert worker.cycle()
    (record,) = records(log, RESCUE)
    event = json.loads(record.value)
    assert (event["type"], event["subject"], record.key) == (
        "org.maritime-watch.distress.v1",
        str(SART),
        str(SART).encode(),
    )
    assert event["data"] == {
        "mmsi": SART, "call": 1, "device": "AIS-SART", "heard_at": "2020-01-01T10:00:06Z",
        "lat": 6.5, "lon": 95.0, "source": None,
    }  # fmt: skip
    assert not records(log, ALERTS)
    assert worker.counters()["distress_calls"] == 1


def test_the_rescue_topic_has_calls_and_every_alert_of_distress_or_uncertainty():
    log = MemoryLog(topics(6))
    write(log, fleet(1), statics())
    drain([worker_of(log, setup_of(6))])
    told = [json.loads(record.value) for record in records(log, RESCUE)]
    alerts = [json.loads(record.value) for record in records(log, ALERTS)]
    called = {event["data"]["mmsi"] for event in told if event["type"].endswith("distress.v1")}
    assert called == {alert["data"]["mmsi"] for alert in alerts if alert["data"]["type"] == "distress_beacon"} != set()
    phases = [alert for alert in alerts if (alert["data"]["evidence"].get("safety") or {}).get("sar_phase")]
    copied = [event for event in told if not event["type"].endswith("distress.v1")]
    assert sorted(event["id"] for event in copied) == sorted(alert["id"] for alert in phases) != []


@pytest.mark.parametrize("most", [1, 7])
def test_polls_and_restarts_make_no_difference(most):
    log, other = MemoryLog(topics(2)), MemoryLog(topics(2))
    for each in (log, other):
        write(each, fleet(1), statics())
    drain([worker_of(log, setup_of(2))])
    for turn in range(10_000):
        worker = worker_of(other, setup_of(2), pace=Pace(cycle_s=0, snapshot_every_s=0.3, most_records=most))
        if not sum(worker.cycle() for _ in range(40)) and turn > 2:
            break
        worker.stop()
    assert events(other) == events(log)


def test_a_snapshot_holds_who_was_called():
    setup = setup_of(1)
    detector = PartitionDetector(setup, 0)
    log = MemoryLog(topics(1))
    write(log, batch((SART, 0, math.nan, ACTIVE)), statics().slice(0, 0), finish=False)
    write(log, batch((SART, 1, 6.5, ACTIVE)), statics().slice(0, 0), finish=False)
    first, *rest = [r for r in records(log, "ais.positions") if dict(r.headers)["kind"] == b"pos"]
    assert [call.number for call in detector.take(first).calls] == [1]
    restored = PartitionDetector.restore(detector.snapshot(), setup, 0)
    assert [call.number for record in rest for call in restored.take(record).calls] == [2]


def test_many_beacons_at_once_are_all_called():
    mmsi = np.arange(970_000_000, 970_002_000)
    assert len(calls(batch(*[(int(m), 0, 6.5, ACTIVE) for m in mmsi]))) == 2_000
