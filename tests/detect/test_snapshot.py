"""Snapshots: whole or refused, plain Arrow, and an engine that goes on as if nothing had happened."""

import hashlib
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from maritime.detect import snapshot
from maritime.detect.engine import Engine
from maritime.detect.heartbeat import HeartbeatMaker, Heartbeats
from maritime.detect.settings import DetectSettings
from maritime.errors import SnapshotError
from tests.detect.fleet import START_MS, as_bytes, fleet, joined, new_engine, places, run, sources, statics

HEADER = snapshot.HEADER_BYTES


@cache
def positions() -> pa.RecordBatch:
    return fleet(2, hours=15.0)


@cache
def half_way() -> bytes:
    """An engine in the middle of the data, with rows and statics that wait."""
    engine, maker = new_engine(), HeartbeatMaker(DetectSettings().time)
    part = positions().slice(0, positions().num_rows // 2)
    engine.feed(part, statics())
    engine.advance(maker.feed(part))
    return engine.snapshot()


def restored(saved: bytes) -> Engine:
    return Engine.restore(saved, DetectSettings(), places(), sources())


def sealed(body: bytes, version: int = snapshot.VERSION) -> bytes:
    return snapshot.MAGIC + version.to_bytes(2, "big") + hashlib.sha256(body).digest() + body


# ------------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize("saved", [b"", b"MW", b"PK\x03\x04 and so on", b"\x80\x04\x95" + bytes(100)])
def test_what_is_no_snapshot_is_refused(saved):
    with pytest.raises(SnapshotError, match="no engine snapshot"):
        restored(saved)


@pytest.mark.parametrize("kept", [6, 7, 8, 39, 40, 41, 1000, -1])
def test_a_truncated_snapshot_is_refused(kept):
    with pytest.raises(SnapshotError, match="truncated or altered"):
        restored(half_way()[:kept])


def test_an_altered_snapshot_is_refused_wherever_it_is_altered():
    rng = np.random.default_rng(1)
    for at in [8, 39, HEADER, len(half_way()) - 1, *rng.integers(8, len(half_way()), 20).tolist()]:
        saved = bytearray(half_way())
        saved[at] ^= 1 << int(rng.integers(8))
        with pytest.raises(SnapshotError, match="truncated or altered"):
            restored(bytes(saved))


def test_a_snapshot_with_something_after_it_is_refused():
    with pytest.raises(SnapshotError, match="truncated or altered"):
        restored(half_way() + b"\n")


@pytest.mark.parametrize("version", [0, snapshot.VERSION - 1, snapshot.VERSION + 1, 65_535])
def test_another_version_is_refused(version):
    if version == snapshot.VERSION:
        pytest.fail("not another version")
    with pytest.raises(SnapshotError, match=f"version {version}, this engine reads {snapshot.VERSION}"):
        restored(sealed(half_way()[HEADER:], version))


def test_another_layout_is_refused(monkeypatch):
    saved = half_way()
    monkeypatch.setattr(snapshot, "LAYOUT", "0" * 64)
    with pytest.raises(SnapshotError, match="another layout"):
        restored(saved)


def test_arrow_of_something_else_is_refused():
    sink = pa.BufferOutputStream()
    table = pa.record_batch({"x": [1, 2, 3]})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_batch(table)
    with pytest.raises(SnapshotError, match="another layout"):
        restored(sealed(sink.getvalue().to_pybytes()))


def test_the_layout_changes_with_every_table():
    told = str([(name, dtype.descr) for name, dtype in snapshot.RECORDS.items()])
    for column in ("silence_due_t", "stray_n", "windows_heard", "vessels_sum", "quiet_t"):
        assert column in told


# --------------------------------------------------------------------------------------------------------- plain Arrow


def test_the_bytes_are_one_row_of_arrow():
    with pa.ipc.open_stream(half_way()[HEADER:]) as reader:
        table = reader.read_all()
    assert table.num_rows == 1
    assert set(table.schema.types) == {pa.large_binary()}
    assert b"pickle" not in half_way()
    assert b"numpy" not in half_way()


# -------------------------------------------------------------------------------------------------------------- goes on


def test_the_snapshot_of_a_restored_engine_is_the_same():
    assert restored(half_way()).snapshot() == half_way()
    assert restored(new_engine().snapshot()).snapshot() == new_engine().snapshot()


def test_a_restored_engine_knows_what_the_other_knew():
    engine, maker = new_engine(), HeartbeatMaker(DetectSettings().time)
    part = positions().slice(0, 4000)
    engine.feed(part, statics())
    engine.advance(maker.feed(part))
    engine.feed(positions().slice(0, 7))
    again = restored(engine.snapshot())
    assert again.counters == engine.counters
    assert again.counters["late"] == 7
    assert again.counters["waiting"] > 0
    assert again.watermark_ms == engine.watermark_ms
    assert as_bytes(again.open_episodes()) == as_bytes(engine.open_episodes())


def test_it_can_be_restored_at_many_points_on_end():
    """With reports and statics that wait at each, some fed before any time has passed."""
    usual = as_bytes(run(positions()))
    engine, maker = new_engine(), HeartbeatMaker(DetectSettings().time)
    engine.feed(positions().slice(0, 0), statics())
    told = []
    step = positions().num_rows // 11
    for start in range(0, positions().num_rows, step):
        part = positions().slice(start, step)
        beats = maker.feed(part)
        engine = restored(engine.snapshot())
        engine.feed(part)
        engine = restored(engine.snapshot())
        told += engine.advance(beats)
        engine = restored(engine.snapshot())
    told += engine.advance(maker.finish())
    assert as_bytes(told + restored(engine.snapshot()).open_episodes()) == usual


def test_tables_that_grow_after_a_restore():
    """Two thousand vessels: every table is doubled, before and after."""
    rng = np.random.default_rng(5)
    n = 8000
    columns = {
        "mmsi": 211_000_000 + np.arange(n) // 4,
        "t": START_MS + np.arange(n) * 5000,
        "lat": rng.uniform(-60, 60, n // 4).repeat(4),
        "lon": rng.uniform(-180, 180, n // 4).repeat(4),
        "sog": rng.choice([0.1, 9.0], n),
        "cog": np.full(n, 90.0),
        "heading": np.full(n, 90.0),
        "nav_status": np.zeros(n),
        "msg_type": np.ones(n),
        "source": np.ones(n),
    }
    arrays = [pa.array(np.asarray(columns[f.name]).astype(f.type.to_pandas_dtype())) for f in positions().schema]
    many = pa.RecordBatch.from_arrays(arrays, schema=positions().schema)
    maker = HeartbeatMaker(DetectSettings().time)
    halves = [many.slice(0, n // 2), many.slice(n // 2)]
    beats: list[Heartbeats] = [maker.feed(halves[0]), joined([maker.feed(halves[1]), maker.finish()])]
    engine, other = new_engine(), new_engine()
    told: list[list] = [[], []]
    for part, passed in zip(halves, beats, strict=True):
        other = restored(other.snapshot())
        for k, one in enumerate((engine, other)):
            one.feed(part)
            told[k] += one.advance(passed)
    assert engine.counters["hulls"] == n // 4 > 1024
    assert engine.counters == other.counters
    assert as_bytes(told[0] + engine.open_episodes()) == as_bytes(told[1] + other.open_episodes())
    assert engine.snapshot() == other.snapshot()


def test_a_snapshot_is_small_for_few_hulls():
    assert len(half_way()) < 100 * 1024
