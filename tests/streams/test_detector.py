"""One partition's detector: every row accounted for, poison set aside, alerts as a replay raises them."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.alerts.alert import Alert
from maritime.columns import CLOCK_SCHEMA, PROVENANCE_SCHEMA, SourceTable
from maritime.detect.episode import Episode
from maritime.detect.heartbeat import HeartbeatMaker, Heartbeats
from maritime.detect.settings import DetectSettings
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from streams import codec
from streams.detector import PartitionDetector, places_sha256
from streams.log_writer import LogWriter
from streams.memory import MemoryLog
from streams.topic_names import POSITIONS, REJECTS
from streams.transport import Partition, Record
from streams.worker import Pace
from tests.detect.fleet import START_MS, fleet, new_engine, places, sources, statics
from tests.streams.live import drain, letters, records, rows_accounted_for, setup_of, topics, worker_of, write


def record(packed: codec.Packed, offset: int = 0, partition: int = 0) -> Record:
    return Record(Partition(POSITIONS, partition), offset, packed.value, None, packed.headers)


def beats_at(*minutes: int) -> codec.Packed:
    times_ms = START_MS + np.array(minutes, np.int64) * MINUTE_MS
    return next(iter(codec.pack_heartbeats(Heartbeats.at(times_ms))))


def reasons(found) -> list[str]:
    return [dict(letter.headers)["reason"].decode() for letter in found.letters]


def wrong_clock(rows: pa.RecordBatch, source: int, off_s: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The reports with the clock of one source off, and what base stations then say of both."""
    seconds = pa.array((rows["t"].to_numpy() // 1000 % 60).astype(np.uint8))  # as the vessels transmit them
    lines = pa.array(np.zeros(rows.num_rows, np.int64))
    rows = pa.RecordBatch.from_arrays([*rows.columns, lines, seconds], schema=PROVENANCE_SCHEMA)
    at = rows.schema.get_field_index("t")
    of_source = rows["source"].to_numpy() == source
    t_ms = rows["t"].to_numpy() + np.where(of_source, off_s * 1000, 0)
    order = np.argsort(t_ms, kind="stable")
    shifted = rows.set_column(at, rows.schema.field(at), pa.array(t_ms)).take(pa.array(order))
    every_ms = np.arange(START_MS, int(t_ms.max()), 5 * MINUTE_MS)
    stations = [
        {"source": code, "t": int(t), "reported": int(t) - (off_s * 1000 if code == source else 0)}
        for t in every_ms
        for code in (1, 2)
    ]
    return shifted, pa.RecordBatch.from_pylist(stations, schema=CLOCK_SCHEMA)


@pytest.mark.parametrize(("partitions", "workers"), [(1, 1), (3, 2), (12, 3)])
def test_every_row_is_processed_late_refused_or_waiting(partitions, workers):
    positions, clock = wrong_clock(fleet(1), source=2, off_s=300)
    stray = [positions.to_pylist()[-1] | {"t": START_MS + 40 * 24 * HOUR_MS, "mmsi": 211_000_003}]
    aids = [positions.to_pylist()[-1] | {"mmsi": 992_111_000 + i, "msg_type": 21} for i in range(7)]
    positions = pa.concat_batches([positions, pa.RecordBatch.from_pylist([*aids, *stray], schema=positions.schema)])
    log = MemoryLog(topics(partitions))
    write(log, positions, statics(), clock=clock, finish=False)
    write(log, positions.slice(200, 50), statics().slice(0, 0), finish=False)  # long after their time
    team = [
        worker_of(log, setup_of(partitions), f"w{i}", Pace(cycle_s=0, snapshot_every_s=1.0)) for i in range(workers)
    ]
    drain(team)
    detectors = [detector for worker in team for detector in worker.detectors().values()]
    assert len(detectors) == partitions

    told = rows_accounted_for(detector.counters for detector in detectors)
    assert told["rows"] == positions.num_rows + 50
    assert told["rows"] == told["processed"] + told["late"] + told["refused"] + told["waiting"]
    assert told["refused"] > 1_000
    assert told["late"] == 50
    assert sum(detector.counters["set_aside"] for detector in detectors) == 0, "they still wait: nothing came after"
    assert told["waiting"] >= 8

    dead = letters(log)
    assert dead == {
        ("reports", "late"): 50,
        ("reports", "source_clock_off"): told["refused"],
        ("record", "time_out_of_order"): partitions,  # the heartbeats that came with the late reports
    }


def test_dead_letters_of_reports_can_be_read_again():
    log = MemoryLog(topics(1))
    positions = fleet(1)
    write(log, positions, statics())
    write(log, positions.slice(100, 30), statics().slice(0, 0), finish=False)
    drain([worker_of(log, setup_of(1))])
    letter = next(r for r in records(log, REJECTS) if dict(r.headers)["reason"] == b"late")
    headers = tuple((name, value) for name, value in letter.headers if name not in ("reason", "of"))
    assert codec.unpack_positions(letter.value, headers).equals(positions.slice(100, 30))


def test_poison_is_kept_with_its_reason_and_place():
    detector = PartitionDetector(setup_of(1), 0)
    good = codec.pack_positions(fleet(1).slice(0, 10))
    wrong = {
        "wrong_headers": Record(Partition(POSITIONS, 0), 4, b"?", b"k", ()),
        "empty": Record(Partition(POSITIONS, 0), 5, None, b"k", good.headers),
        "bad_arrow": Record(Partition(POSITIONS, 0), 6, good.value[:100], b"k", good.headers),
        "oversize": Record(Partition(POSITIONS, 0), 7, b"x" * 600_000, b"k", good.headers),
        "wrong_kind": Record(Partition(POSITIONS, 0), 8, b"", None, (("kind", b"x"), *(("h", b"x" * 9999),) * 99)),
    }
    for reason, each in wrong.items():
        found = detector.take(each)
        assert reasons(found) == [reason]
        letter = found.letters[0]
        assert dict(letter.headers)["at"] == f"ais.positions/0/{each.offset}".encode()
        assert letter.value == (each.value or b"")[: 512 * 1024]
        size = len(letter.value) + sum(len(name) + len(value) for name, value in letter.headers)
        assert size < 1_000_000
    assert detector.counters["poison"] == len(wrong)
    assert detector.counters.get("rows", 0) == 0


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=100), st.lists(st.tuples(st.text(max_size=9), st.one_of(st.none(), st.binary())), max_size=9))
def test_no_record_stops_a_detector(value, headers):
    found = PartitionDetector(setup_of(1), 0).take(Record(Partition(POSITIONS, 0), 0, value, None, tuple(headers)))
    assert len(found.letters) == 1


def test_vessels_of_another_partition_are_poison():
    batch = fleet(1).slice(0, 100)
    detector = PartitionDetector(setup_of(12), 0)
    assert reasons(detector.take(record(codec.pack_positions(batch)))) == ["wrong_partition"]
    assert reasons(detector.take(record(codec.pack_statics(statics())))) == ["wrong_partition"]
    assert detector.counters.get("rows", 0) == 0


def test_time_only_moves_on():
    detector = PartitionDetector(setup_of(1), 0)
    assert detector.watermark_ms is None
    assert reasons(detector.take(record(beats_at(10, 11, 12)))) == []
    assert detector.watermark_ms == START_MS + 12 * MINUTE_MS
    assert reasons(detector.take(record(beats_at(10, 11, 12)))) == ["time_out_of_order"]
    assert reasons(detector.take(record(beats_at(11, 12, 13)))) == []
    assert detector.watermark_ms == START_MS + 13 * MINUTE_MS


def test_parts_of_a_heartbeat_wait_for_each_other_and_survive_a_snapshot(monkeypatch):
    positions = fleet(1)
    beats = HeartbeatMaker(DetectSettings().time).feed(positions)
    whole, split = PartitionDetector(setup_of(1), 0), PartitionDetector(setup_of(1), 0)
    for packed in codec.pack_heartbeats(beats):
        whole.take(record(packed))
    monkeypatch.setattr(codec, "PACKED_BYTES", 400)
    parts = list(codec.pack_heartbeats(beats))
    assert len(parts) > 200
    for i, packed in enumerate(parts):
        assert split.take(record(packed)).letters == []
        if i % 17 == 0:
            split = PartitionDetector.restore(split.snapshot(), setup_of(1), 0)
    assert split._engine.snapshot() == whole._engine.snapshot()


def test_a_part_without_those_before_it_is_poison(monkeypatch):
    positions = fleet(1)
    beats = HeartbeatMaker(DetectSettings().time).feed(positions)
    monkeypatch.setattr(codec, "PACKED_BYTES", 400)
    parts = [p for p in codec.pack_heartbeats(beats) if "part" in dict(p.headers)]
    first = [p for p in parts if dict(p.headers)["part"].startswith(b"1/")]
    detector = PartitionDetector(setup_of(1), 0)
    assert reasons(detector.take(record(parts[1]))) == ["wrong_part"]
    assert reasons(detector.take(record(first[0]))) == []
    assert reasons(detector.take(record(first[1]))) == [], "another one begins: the one before is given up"
    other = parts[parts.index(first[2]) + 1]
    assert reasons(detector.take(record(other))) == ["wrong_part"]


def episode(revision: int, state: str, raised_ms: int | None, alert_id: str = "a") -> Episode:
    return Episode(
        alert_id, revision, "loitering", state, 211_000_001, "211000001-1", START_MS, None, raised_ms, 1.0, 2.0,
        0.9, "severe", 0.9, raised_ms is not None, None,
    )  # fmt: skip


def told(detector: PartitionDetector, minute: int, *episodes: Episode) -> list[Alert]:
    advance = detector._engine.advance
    detector._engine.advance = lambda beats: advance(beats) + list(episodes)
    found = detector.take(record(beats_at(minute)))
    detector._engine.advance = advance
    return found.alerts


def test_an_alert_keeps_the_time_at_which_it_was_first_raised():
    detector = PartitionDetector(setup_of(1), 0)
    assert told(detector, 1, episode(0, "open", None)) == [], "nobody was told of it"
    assert told(detector, 2, episode(1, "open", START_MS + 2))[0].raised_ms == START_MS + 2
    again = PartitionDetector.restore(detector.snapshot(), setup_of(1), 0)
    assert told(again, 3, episode(2, "open", START_MS + 3))[0].raised_ms == START_MS + 2
    assert told(again, 4, episode(3, "retracted", None))[0].raised_ms == START_MS + 2, "a retraction is told"


def test_alerts_leave_thirty_days_after_they_ended():
    detector = PartitionDetector(setup_of(1), 0)
    told(detector, 1, episode(0, "closed", START_MS, "over"), episode(0, "open", START_MS, "lasts"))
    detector._forget(START_MS + 29 * DAY_MS)
    assert detector.alerts_remembered == 2
    detector._forget(START_MS + 60 * DAY_MS)
    assert detector.alerts_remembered == 1
    detector._forget(START_MS + 500 * DAY_MS)
    assert detector.alerts_remembered == 0


def test_places_have_a_digest():
    from maritime.detect.places import EnginePlaces

    assert places_sha256(places()) == places_sha256(EnginePlaces.load())


# The writer


def by_kind(log: MemoryLog, number: int) -> list[tuple[str, Record]]:
    client = log.client()
    return [(codec.kind_of(r.headers), r) for r in client.read(Partition(POSITIONS, number))]


def test_every_partition_can_be_read_alone():
    """Names, then heartbeats, behind the reports that they cover; all heartbeats in all partitions."""
    log = MemoryLog(topics(5))
    write(log, fleet(1), statics())
    beats = []
    rows = Counter()
    for number in range(5):
        watermark_ms, named, seen = 0, set(), []
        for kind, each in by_kind(log, number):
            if kind == codec.NAMES:
                named |= set(codec.unpack_names(each.value, each.headers))
            elif kind == codec.HEARTBEATS:
                assert named == {1, 2}
                got = codec.unpack_heartbeats(each.value, each.headers).heartbeats.watermark_ms
                watermark_ms = int(got[-1])
                seen += got.tolist()
            elif kind == codec.POSITIONS:
                batch = codec.unpack_positions(each.value, each.headers)
                assert batch["t"].to_numpy().min() >= watermark_ms
                rows.update(batch["mmsi"].to_pylist())
                assert batch.num_rows <= 200
        beats.append(seen)
    assert all(seen == beats[0] for seen in beats)
    assert rows == Counter(fleet(1)["mmsi"].to_pylist())


def test_what_breaks_the_rules_of_the_log_is_a_reject_and_takes_nothing_with_it():
    log = MemoryLog(topics(3))
    rows = fleet(1).slice(0, 20).to_pylist()
    rows[3]["lat"], rows[7]["sog"], rows[9]["t"] = 95.0, -3.0, -5
    said = [{"mmsi": 2**32 - 1, "t": START_MS}, {"mmsi": 5, "t": START_MS, "name": "GOOD"}]
    writer = LogWriter(log.client(), sources())
    writer.reports(
        pa.RecordBatch.from_pylist(rows, schema=fleet(1).schema),
        pa.RecordBatch.from_pylist(said, schema=statics().schema),
    )
    writer.commit()
    assert (writer.rows, writer.static_rows) == (17, 1)
    assert letters(log) == {
        ("row", "position_out_of_range"): 1,
        ("row", "speed_out_of_range"): 1,
        ("row", "time_out_of_range"): 1,
        ("row", "mmsi_out_of_range"): 1,
    }


def test_a_text_too_large_for_the_log_is_a_reject_and_large_ones_are_split():
    log = MemoryLog(topics(1))
    rng = np.random.default_rng(1)

    def noise(n: int) -> str:
        return "".join(chr(c) for c in rng.integers(32, 2_000, n))

    said = [{"mmsi": i, "t": START_MS, "name": noise(30_000)} for i in range(1, 12)]
    said.append({"mmsi": 77, "t": START_MS, "name": noise(600_000)})
    writer = LogWriter(log.client(), SourceTable())
    writer.reports(fleet(1).slice(0, 0), pa.RecordBatch.from_pylist(said, schema=statics().schema))
    writer.commit()
    kept = [r for kind, r in by_kind(log, 0) if kind == codec.STATICS]
    assert len(kept) >= 3
    assert sum(codec.unpack_statics(r.value, r.headers).num_rows for r in kept) == 11
    assert letters(log) == {("row", "oversize"): 1}


def test_vessels_are_compacted_without_forgetting_what_an_earlier_message_said():
    import json

    log = MemoryLog(topics(1))
    writer = LogWriter(log.client(), SourceTable())
    for said in ({"name": "ONE", "length_m": 12.5}, {"call_sign": "AB1"}):
        batch = pa.RecordBatch.from_pylist([{"mmsi": 7, "t": START_MS, **said}], schema=statics().schema)
        writer.reports(fleet(1).slice(0, 0), batch)
        writer.commit()
    newest = {r.key: json.loads(r.value) for r in records(log, "ais.vessels")}
    assert newest == {
        b"000000007": {"mmsi": 7, "at": "2020-01-01T10:00:00Z", "name": "ONE", "length_m": 12.5, "call_sign": "AB1"}
    }


def test_names_are_said_again_for_readers_that_begin_midway():
    log = MemoryLog(topics(1))
    table = SourceTable()
    for i in range(1_200):
        table.code(f"receiver {i}")
    writer = LogWriter(log.client(), table)
    for window in range(1, 5):
        writer.heartbeats(
            Heartbeats.at(np.array([START_MS // (10 * MINUTE_MS) * 10 * MINUTE_MS + window * 10 * MINUTE_MS]))
        )
    writer.commit()
    told = [codec.unpack_names(r.value, r.headers) for kind, r in by_kind(log, 0) if kind == codec.NAMES]
    assert len(told[0]) == 1_200
    later = [code for names in told[1:] for code in names]
    assert set(later) == set(range(1, 1_201))
    assert max(len(names) for names in told[1:]) == 500


def test_an_engine_alone_and_a_detector_find_the_same():
    log = MemoryLog(topics(1))
    write(log, fleet(2), statics())
    detector = PartitionDetector(setup_of(1), 0)
    for each in log.client().read(Partition(POSITIONS, 0)):
        detector.take(each)
    engine, maker = new_engine(), HeartbeatMaker(DetectSettings().time)
    engine.feed(fleet(2), statics())
    engine.advance(Heartbeats.joined([maker.feed(fleet(2)), maker.finish()]))
    ours = {k: v for k, v in detector.counters.items() if k in engine.counters}
    assert ours == engine.counters


def test_partition_zero_tells_outages_for_all():
    log = MemoryLog(topics(3))
    write(log, fleet(1), statics())
    outages = Counter()
    for number in range(3):
        detector = PartitionDetector(setup_of(3), number)
        for each in log.client().read(Partition(POSITIONS, number)):
            outages[number] += sum(a.type == "reception_outage" for a in detector.take(each).alerts)
    assert outages[0] > 0
    assert outages[1] == outages[2] == 0


def test_an_alert_too_large_for_any_log_is_a_dead_letter(monkeypatch):
    import streams.worker

    monkeypatch.setattr(streams.worker, "MOST_BYTES", 200)
    log = MemoryLog(topics(1))
    write(log, fleet(1), statics())
    worker = worker_of(log, setup_of(1))
    drain([worker])
    found = [r for r in records(log, REJECTS) if dict(r.headers)["reason"] == b"alert_too_large"]
    assert len(found) == worker.counters()["alerts"] > 10
    assert records(log, "alerts") == []
