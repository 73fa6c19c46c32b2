"""Status records in the log, and the notices about sources that follow from them."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.alerts.alert import Alert, Detector
from streams import codec
from streams.detector import PartitionDetector
from streams.feeds import FeedWatch
from streams.poison import PoisonError
from streams.status import ENDED, IDLE, LIVE, STATES, SourceStatus, Status
from streams.topic_names import POSITIONS
from streams.transport import Partition, Record
from tests.streams.live import setup_of

MAKER = Detector("maritime-watch", "1", "abc")
WALL_MS = 1_700_000_000_000


def status_at(s: float, *, state: str = LIVE, **last_s: float | None) -> Status:
    sources = tuple(
        SourceStatus(name, state, None if last is None else WALL_MS + round(last * 1000), 5, 1)
        for name, last in last_s.items()
    )
    return Status(WALL_MS + round(s * 1000), None, sources)


def told(alerts: list[Alert]) -> list[tuple]:
    since = [(a.started_ms - WALL_MS) / 1000 for a in alerts]
    until = [None if a.ended_ms is None else (a.ended_ms - WALL_MS) / 1000 for a in alerts]
    return [(a.evidence["source"], a.state, s, u) for a, s, u in zip(alerts, since, until, strict=True)]


def test_a_status_comes_back_as_it_was():
    status = Status(
        WALL_MS,
        WALL_MS - 120_000,
        (SourceStatus("tcp://a:1", LIVE, WALL_MS - 5, 7, 2), SourceStatus("Ämter", ENDED, None, 0, 0)),
    )
    packed = codec.pack_status(status)
    assert codec.kind_of(packed.headers) == codec.STATUS
    assert codec.unpack_status(*packed) == status
    unknown = replace(status, watermark_ms=None)
    assert codec.unpack_status(*codec.pack_status(unknown)) == unknown
    many = Status(WALL_MS, None, tuple(SourceStatus("x" * 190 + str(i), IDLE, None, 0, 0) for i in range(1_000)))
    assert len(codec.pack_status(many).value) < codec.PACKED_BYTES


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": ["lively", "live"]}, "wrong_status"),
        ({"wall": [1, 2]}, "wrong_status"),
        ({"watermark": [1, None]}, "wrong_status"),
        ({"source": ["a", "a"]}, "wrong_count"),
        ({"source": ["a", "b" * 201]}, "oversize"),
        ({"reports": [-1, 0]}, "count_out_of_range"),
        ({"last": [-1, None]}, "time_out_of_range"),
        ({"wall": [1 << 60, 1 << 60]}, "time_out_of_range"),
    ],
)
def test_a_status_that_is_none_is_poison(changes, reason):
    columns = {
        "wall": [WALL_MS] * 2,
        "watermark": [None, None],
        "source": ["a", "b"],
        "state": ["live", "live"],
        "last": [None, None],
        "reports": [0, 0],
        "rejects": [0, 0],
    } | changes
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    packed = codec._headers(codec.STATUS, 2, (min(columns["wall"]), max(columns["wall"])))
    value = codec.pack(pa.RecordBatch.from_pylist(rows, schema=codec.STATUS_SCHEMA))
    with pytest.raises(PoisonError) as error:
        codec.unpack_status(value, packed)
    assert error.value.reason == reason


@given(st.binary(max_size=400))
def test_hostile_bytes_are_poison(value):
    with pytest.raises(PoisonError):
        codec.unpack_status(value, codec.pack_status(status_at(0, a=0)).headers)


def test_a_silent_source_is_told_once_and_closed_with_its_duration():
    watch = FeedWatch(MAKER)
    alerts = [alert for s in range(0, 400) for alert in watch.take(status_at(s, a=min(s, 10), b=s))]
    assert told(alerts) == [("a", "open", 10, None)]
    assert alerts[0].raised_ms == WALL_MS + 131_000
    alerts += watch.take(status_at(400, a=399.5, b=400))
    assert told(alerts)[1:] == [("a", "closed", 10, 399.5)]
    assert alerts[1].evidence["silent_s"] == 389.5
    assert (alerts[0].alert_id, alerts[0].revision) == (alerts[1].alert_id, 0)
    assert alerts[1].revision == 1
    assert codec.unpack_alert(codec.pack_alert(alerts[1])[1].value).to_dict() == alerts[1].to_dict()


def test_a_source_that_never_spoke_is_stale_too():
    watch = FeedWatch(MAKER)
    alerts = [alert for s in range(0, 300) for alert in watch.take(status_at(s, a=None))]
    assert told(alerts) == [("a", "open", 0, None)]


def test_an_ingester_that_was_down_had_no_source():
    watch = FeedWatch(MAKER)
    assert not watch.take(status_at(0, a=0, b=0))
    opened = watch.take(status_at(500, a=None, b=None))
    assert told(opened) == [("a", "open", 0, None), ("b", "open", 0, None)]
    assert opened[0].reasons[0].term == "ingester_down"
    assert told(watch.take(status_at(501, a=500.5, b=None))) == [("a", "closed", 0, 500.5)]
    at_once = FeedWatch(MAKER)
    at_once.take(status_at(0, a=0))
    assert [state for _, state, _, _ in told(at_once.take(status_at(500, a=499)))] == ["open", "closed"]


def test_ended_and_removed_sources_are_not_waited_for():
    watch = FeedWatch(MAKER)
    watch.take(status_at(0, a=0, b=0))
    assert not watch.take(status_at(100, a=0, state=ENDED))
    assert not watch.take(status_at(200, a=0, state=ENDED))
    assert not watch.take(status_at(300, a=0, state=ENDED))
    watch = FeedWatch(MAKER)
    watch.take(status_at(0, a=0, b=0))
    watch.take(status_at(100, a=0, b=0))
    assert len(watch.take(status_at(200, a=0, b=0))) == 2
    assert told(watch.take(status_at(201, a=0))) == [("b", "closed", 0, 201)]


def test_a_clock_that_is_put_back_raises_nothing():
    watch = FeedWatch(MAKER)
    for s in [*range(3_600, 3_700), *range(0, 100)]:
        assert not watch.take(status_at(s, a=s))


def record(status: Status, offset: int, partition: int = 0) -> Record:
    packed = codec.pack_status(status)
    return Record(Partition(POSITIONS, partition), offset, packed.value, None, packed.headers)


steps = st.lists(
    st.tuples(
        st.integers(-50, 200), st.dictionaries(st.sampled_from("ab"), st.none() | st.integers(0, 300), min_size=1)
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=steps, cut=st.integers(0, 25))
def test_snapshot_and_restore_at_any_point_change_nothing(steps, cut):
    s, statuses = 100, []
    for pause_s, ages in steps:
        s = max(0, s + pause_s)
        statuses.append(status_at(s, **{name: None if age is None else max(0, s - age) for name, age in ages.items()}))
    whole, parted = (PartitionDetector(setup_of(1), 0) for _ in range(2))
    expected, found = [], []
    for offset, status in enumerate(statuses):
        if offset == cut:
            parted = PartitionDetector.restore(parted.snapshot(), setup_of(1), 0)
        expected += whole.take(record(status, offset)).alerts
        found += parted.take(record(status, offset)).alerts
    assert [json.dumps(a.to_dict()) for a in found] == [json.dumps(a.to_dict()) for a in expected]
    ids = [(alert.alert_id, alert.revision) for alert in found]
    assert len(set(ids)) == len(ids)
    for alert in found:
        assert alert.state in ("open", "closed")
        assert alert.ended_ms is None or alert.ended_ms >= alert.started_ms


def test_only_partition_0_tells_and_a_status_moves_no_time():
    for number in (0, 1):
        detector = PartitionDetector(setup_of(2), number)
        alerts = [alert for s in (0, 60, 120, 180) for alert in detector.take(record(status_at(s, a=0), s)).alerts]
        assert len(alerts) == (1 if number == 0 else 0)
        assert detector.watermark_ms is None
    assert set(STATES) == {"live", "idle", "stale", "ended"}
