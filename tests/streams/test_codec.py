"""Records: what goes in comes out, and bytes that nobody vouches for are poison and nothing worse."""

import json
import os
import resource
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maritime.alerts.alert import Alert, Detector
from maritime.alerts.spool import json_line
from maritime.columns import POSITION_SCHEMA, PROVENANCE_SCHEMA, STATIC_SCHEMA
from maritime.detect.heartbeat import Heartbeats
from streams import codec
from streams.arrow_frames import MOST_BYTES, MOST_ROWS, pack, unpack
from streams.poison import PoisonError
from tests.detect.fleet import fleet, heartbeats_of, run, statics

T_MS = 1_577_872_800_000
OPTIONS = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def flat(beats: Heartbeats) -> list[np.ndarray]:
    offsets = [beats.heard_from, beats.resting_from, beats.clocks_from]
    return [beats.watermark_ms, *offsets, *beats.heard, *beats.resting, *beats.clocks]


def read_heartbeats(records) -> Heartbeats:
    whole, parts = [], []
    for value, headers in records:
        told = codec.unpack_heartbeats(value, headers)
        parts.append(told.heartbeats)
        if told.part == told.parts:
            whole.append(codec.whole(parts) if told.parts > 1 else parts[0])
            parts = []
    assert not parts
    return Heartbeats.joined(whole)


def decoded(value, headers):
    kind = codec.kind_of(headers)
    read = {
        codec.POSITIONS: codec.unpack_positions,
        codec.STATICS: codec.unpack_statics,
        codec.NAMES: codec.unpack_names,
        codec.HEARTBEATS: codec.unpack_heartbeats,
    }
    return read[kind](value, headers)


def with_header(headers, name, value):
    return (*((n, v) for n, v in headers if n != name), (name, value))


floats = st.one_of(st.just(np.nan), st.floats(0, 359.5, width=32))
rows = st.builds(
    lambda mmsi, t, place, sog, cog, heading, status, kind, source: (
        mmsi, t, *place, sog, cog, heading, status, kind, source,
    ),
    st.integers(0, 999_999_999), st.integers(0, 253_402_300_799_999),
    st.one_of(st.just((np.nan, np.nan)), st.tuples(st.floats(-90, 90), st.floats(-180, 180))),
    floats, floats, floats, st.integers(0, 15), st.integers(0, 27), st.integers(0, 65_535),
)  # fmt: skip


def position_batch(columns) -> pa.RecordBatch:
    arrays = [pa.array(np.array(c), f.type) for c, f in zip(zip(*columns, strict=True), POSITION_SCHEMA, strict=True)]
    return pa.record_batch(arrays, schema=POSITION_SCHEMA)


@OPTIONS
@given(st.lists(rows, min_size=1, max_size=50))
def test_positions_come_out_as_they_went_in(columns):
    batch = position_batch(columns)
    value, headers = codec.pack_positions(batch)
    read = codec.unpack_positions(value, headers)
    for name in POSITION_SCHEMA.names:
        assert read[name].to_numpy().tobytes() == batch[name].to_numpy().tobytes()
    assert dict(headers)["n"] == str(len(columns)).encode()
    assert codec.kind_of(headers) == "pos"


def test_headers_say_what_a_record_holds():
    batch = fleet(1).slice(0, 3)
    headers = dict(codec.pack_positions(batch).headers)
    t_ms = batch["t"].to_numpy()
    assert headers | {"src": b"?"} == {
        "schema": b"positions",
        "v": b"1",
        "kind": b"pos",
        "n": b"3",
        "tmin": str(t_ms.min()).encode(),
        "tmax": str(t_ms.max()).encode(),
        "src": b"?",
    }


def test_provenance_is_left_out():
    batch = fleet(1).slice(0, 3)
    wide = [*batch.columns, pa.array([1, 2, 3], pa.int64()), pa.array([0, 0, 0], pa.uint8())]
    value, headers = codec.pack_positions(pa.record_batch(wide, schema=PROVENANCE_SCHEMA))
    assert codec.unpack_positions(value, headers).equals(batch)


@OPTIONS
@given(
    st.lists(
        st.fixed_dictionaries(
            {"mmsi": st.integers(0, 999_999_999), "t": st.integers(0, 253_402_300_799_999)},
            optional={
                "imo": st.integers(0, 9_999_999),
                "name": st.text(max_size=30),
                "call_sign": st.text(max_size=9),
                "ship_type": st.integers(0, 255),
                "length_m": st.floats(0, 500, width=32),
                "destination": st.text(max_size=30),
                "eta": st.text(max_size=20),
            },
        ),
        min_size=1,
        max_size=20,
    )
)
def test_statics_come_out_as_they_went_in(said):
    batch = pa.RecordBatch.from_pylist(said, schema=STATIC_SCHEMA)
    assert codec.unpack_statics(*codec.pack_statics(batch)).equals(batch)


@pytest.mark.parametrize("aim_bytes", [200, 3_000, codec.PACKED_BYTES])
def test_heartbeats_come_out_as_they_went_in_whole_or_in_parts(monkeypatch, aim_bytes):
    monkeypatch.setattr(codec, "PACKED_BYTES", aim_bytes)
    beats = heartbeats_of(fleet(1))
    packed = list(codec.pack_heartbeats(beats))
    assert any("part" in dict(headers) for _, headers in packed) == (aim_bytes <= 3_000)
    for ours, theirs in zip(flat(beats), flat(read_heartbeats(packed)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_heartbeat_of_a_whole_ocean_stays_below_the_cap():
    n = 60_000
    beats = heartbeats_of(fleet(1))
    heard = type(beats.heard)(*(np.resize(c, (n, *c.shape[1:])) for c in beats.heard))
    one = Heartbeats(np.array([T_MS]), np.array([0, n]), heard, np.array([0, 0]), beats.resting._replace(
        cell=beats.resting.cell[:0], who=beats.resting.who[:0]), np.array([0, 0]), beats.clocks._replace(
        source=beats.clocks.source[:0], offset_s=beats.clocks.offset_s[:0], doubt=beats.clocks.doubt[:0]))  # fmt: skip
    packed = list(codec.pack_heartbeats(one))
    assert len(packed) > 10
    assert max(len(value) for value, _ in packed) < MOST_BYTES
    for ours, theirs in zip(flat(one), flat(read_heartbeats(packed)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@OPTIONS
@given(st.dictionaries(st.integers(1, 65_534), st.text(max_size=20), min_size=1, max_size=50))
def test_names_come_out_as_they_went_in(names):
    read = {}
    for value, headers in codec.pack_names(names):
        read |= codec.unpack_names(value, headers)
    assert read == names


def test_many_and_long_names_are_split():
    names = dict.fromkeys(range(1, 400), "x" * 3_000) | {400: "é" * 9_000}
    packed = list(codec.pack_names(names))
    assert len(packed) > 3
    assert max(len(value) for value, _ in packed) < MOST_BYTES
    read = {code: name for value, headers in packed for code, name in codec.unpack_names(value, headers).items()}
    assert read == names | {400: "é" * codec.LONGEST_NAME}


def alerts() -> list[Alert]:
    maker = Detector("maritime-watch", "1", "0" * 64)
    return [Alert.of(episode, maker) for episode in run(fleet(1)) if episode.raised_ms is not None]


def test_alerts_are_cloud_events_and_come_out_to_the_byte():
    for alert in alerts():
        key, (value, headers) = codec.pack_alert(alert)
        event = json.loads(value)
        assert key == f"{alert.mmsi:09d}".encode()
        assert event["id"] == f"{alert.alert_id}/{alert.revision}"
        assert event["type"] == f"org.maritime-watch.alert.v1.{alert.type}"
        assert dict(headers)["content-type"].startswith(b"application/cloudevents+json")
        assert json_line(codec.unpack_alert(value)) == json_line(alert)


def test_alerts_fit_the_schema_of_cloud_events():
    jsonschema = pytest.importorskip("jsonschema")
    shared = Path(os.environ.get("MARITIME_SHARED_DIR", Path(__file__).parents[3] / "shared"))
    path = shared / "schemas" / "cloudevents" / "cloudevents.json"
    if not path.exists():
        pytest.skip(f"{path} is not there; set MARITIME_SHARED_DIR")
    schema = json.loads(path.read_text())
    for alert in alerts():
        jsonschema.validate(json.loads(codec.pack_alert(alert)[1].value), schema)


# Hostile bytes


def good_records() -> list[codec.Packed]:
    return [
        codec.pack_positions(fleet(1).slice(0, 40)),
        codec.pack_statics(statics()),
        *codec.pack_names({1: "north", 2: "south"}),
        *codec.pack_heartbeats(codec.between(heartbeats_of(fleet(1)), 0, 40)),
    ]


GOOD = good_records()


def poison_or_good(value, headers) -> None:
    try:
        decoded(value, headers)
    except PoisonError as error:
        poison = error
    else:
        return
    assert poison.reason.replace("_", "").isalpha()
    assert len(str(poison)) < 400


@settings(max_examples=1_500, deadline=None)
@given(st.sampled_from(GOOD), st.data())
def test_changed_bytes_are_poison_and_nothing_worse(good, data):
    value = bytearray(good.value)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(value) - 1))
        what = data.draw(st.sampled_from(["set", "word", "cut", "insert", "end"]))
        if what == "set":
            value[at] = data.draw(st.integers(0, 255))
        elif what == "word":
            word = data.draw(st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1]))
            value[at : at + 8] = struct.pack("<Q", word)
        elif what == "cut":
            del value[at : at + data.draw(st.integers(1, 64))]
        elif what == "insert":
            value[at:at] = data.draw(st.binary(min_size=1, max_size=64))
        else:
            del value[at + 1 :]
        if not value:
            break
    poison_or_good(bytes(value), good.headers)


def test_every_word_of_the_frame_may_lie():
    """Each aligned word of the messages replaced by each of the worst values."""
    for value, headers in GOOD:
        for at in range(0, min(len(value), 2_400), 4):
            for word in (0, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000):
                poison_or_good(value[:at] + struct.pack("<I", word) + value[at + 4 :], headers)


@OPTIONS
@given(st.binary(max_size=600), st.sampled_from(GOOD))
def test_any_bytes_are_poison(value, good):
    with pytest.raises(PoisonError):
        decoded(value, good.headers)


@OPTIONS
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["kind", "schema", "v", "n", "tmin", "tmax", "part", "x"]),
            st.one_of(st.none(), st.binary(max_size=20), st.sampled_from([b"pos", b"positions", b"1", b"hb"])),
        ),
        max_size=9,
    ),
    st.sampled_from(GOOD),
)
def test_any_headers_are_poison_or_right(headers, good):
    poison_or_good(good.value, tuple(headers))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("n", b"39", "wrong_count"),
        ("n", b"x", "wrong_headers"),
        ("n", b"9" * 17, "wrong_headers"),
        ("v", b"2", "wrong_version"),
        ("kind", b"hb", "wrong_schema"),
        ("kind", b"gossip", "wrong_kind"),
        ("schema", b"statics", "wrong_schema"),
        ("tmin", b"0", "wrong_span"),
    ],
)
def test_headers_that_do_not_fit(name, value, reason):
    good = GOOD[0]
    with pytest.raises(PoisonError) as caught:
        decoded(good.value, with_header(good.headers, name, value))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("lat", 91.0, "position_out_of_range"),
        ("lat", np.nan, "position_out_of_range"),
        ("lon", np.inf, "position_out_of_range"),
        ("sog", -1.0, "speed_out_of_range"),
        ("sog", np.inf, "speed_out_of_range"),
        ("cog", 361.0, "direction_out_of_range"),
        ("heading", 511.0, "direction_out_of_range"),
        ("mmsi", 2**32 - 1, "mmsi_out_of_range"),
        ("t", -(2**62), "time_out_of_range"),
        ("msg_type", 28, "message_type_out_of_range"),
    ],
)
def test_rows_that_no_kernel_may_see(name, value, reason):
    rows = fleet(1).slice(0, 5).to_pylist()
    rows[2][name] = value
    packed = codec.pack_positions(pa.RecordBatch.from_pylist(rows, schema=POSITION_SCHEMA))
    with pytest.raises(PoisonError) as caught:
        decoded(*packed)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        ("heard", "group", -1, "source_out_of_range"),
        ("heard", "group", 7, "source_out_of_range"),
        ("heard", "group", 4 * 65_536, "source_out_of_range"),
        ("heard", "cell", -1, "cell_out_of_range"),
        ("heard", "cell", 1 << 40, "cell_out_of_range"),
        ("heard", "vessels", -5, "count_out_of_range"),
        ("heard", "last_ms", 0, "time_out_of_range"),
        ("resting", "cell", 1 << 40, "cell_out_of_range"),
    ],
)
def test_heartbeats_that_no_kernel_may_see(table, column, value, reason):
    beats = heartbeats_of(fleet(1))
    getattr(getattr(beats, table), column)[3] = value
    with pytest.raises(PoisonError) as caught:
        read_heartbeats(codec.pack_heartbeats(beats))
    assert caught.value.reason == reason


def test_watermarks_must_rise():
    beats = Heartbeats.at(np.array([T_MS, T_MS]))
    with pytest.raises(PoisonError, match="do not rise"):
        read_heartbeats(codec.pack_heartbeats(beats))


def peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def bomb(schema: pa.Schema, batch: pa.RecordBatch) -> None:
    value = pack(batch)
    assert len(value) <= MOST_BYTES, "the bomb is small as it lies there"
    unpack(GOOD[0].value, POSITION_SCHEMA)
    before = peak_kib()
    with pytest.raises(PoisonError):
        unpack(value, schema)
    assert peak_kib() - before < 20_000


def test_many_equal_rows_do_not_blow_up():
    n = 2_000_000
    bomb(POSITION_SCHEMA, pa.record_batch([pa.array(np.zeros(n), f.type) for f in POSITION_SCHEMA], POSITION_SCHEMA))


def test_a_long_text_does_not_blow_up():
    row = {"mmsi": 1, "t": T_MS, "name": "A" * 100_000_000}
    bomb(STATIC_SCHEMA, pa.RecordBatch.from_pylist([row], schema=STATIC_SCHEMA))


@pytest.mark.parametrize("stated", [1 << 20, 1 << 32, 1 << 45, (1 << 63) - 1, -2, -(1 << 63)])
def test_a_stated_size_that_lies_allocates_nothing(stated):
    value = GOOD[0].value
    true = struct.pack("<q", 40 * 8)  # of the times, for one
    at = value.index(true, 800)
    before = peak_kib()
    with pytest.raises(PoisonError):
        unpack(value[:at] + struct.pack("<q", stated) + value[at + 8 :], POSITION_SCHEMA)
    assert peak_kib() - before < 20_000


def test_two_batches_no_batch_and_no_rows_are_poison():
    batch = fleet(1).slice(0, 4)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, POSITION_SCHEMA) as writer:
        writer.write_batch(batch)
        writer.write_batch(batch)
    with pytest.raises(PoisonError, match="more than one batch"):
        unpack(sink.getvalue().to_pybytes(), POSITION_SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, POSITION_SCHEMA):
        pass
    with pytest.raises(PoisonError, match="no batch"):
        unpack(sink.getvalue().to_pybytes(), POSITION_SCHEMA)
    with pytest.raises(PoisonError, match="0 rows"):
        unpack(pack(batch.slice(0, 0)), POSITION_SCHEMA)
    many = pa.record_batch([pa.array(np.zeros(MOST_ROWS + 1), f.type) for f in POSITION_SCHEMA], POSITION_SCHEMA)
    with pytest.raises(PoisonError, match="rows"):
        unpack(pack(many), POSITION_SCHEMA)


def test_nulls_where_nothing_may_be_null_are_poison():
    batch = fleet(1).slice(0, 3)
    lat = pa.array([None, 1.0, 2.0])
    columns = [lat if name == "lat" else batch[name] for name in POSITION_SCHEMA.names]
    with pytest.raises(PoisonError, match="nulls"):
        unpack(pack(pa.RecordBatch.from_arrays(columns, schema=POSITION_SCHEMA)), POSITION_SCHEMA)


@OPTIONS
@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
def test_any_bytes_are_no_alert(value):
    with pytest.raises(PoisonError):
        codec.unpack_alert(value)


def test_alerts_with_changed_fields_are_poison():
    event = json.loads(codec.pack_alert(alerts()[0])[1].value)
    for name in ("specversion", "type", "id", "data"):
        for wrong in (None, 7, "x", [], {}):
            with pytest.raises(PoisonError):
                codec.unpack_alert(json.dumps(event | {name: wrong}).encode())
    for name in event["data"]:
        changed = event | {"data": {k: v for k, v in event["data"].items() if k != name}}
        with pytest.raises(PoisonError):
            codec.unpack_alert(json.dumps(changed).encode())
    for wrong in ("soon", "2020-13-01", 5):
        with pytest.raises(PoisonError):
            codec.unpack_alert(json.dumps(event | {"data": event["data"] | {"started_at": wrong}}).encode())
    with pytest.raises(PoisonError):
        codec.unpack_alert(b"[" * 100_000)
