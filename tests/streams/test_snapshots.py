"""Snapshots in the log: the newest whole one counts, whatever lies beside it."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maritime.detect.settings import DetectSettings
from maritime.errors import SnapshotError
from streams import snapshots
from streams.detector import DetectSetup, PartitionDetector
from streams.memory import MemoryLog
from streams.snapshots import Maker, Shelf, records_of, shelf_of
from streams.topic_names import POSITIONS, STATE
from streams.transport import Outgoing, Partition, Record
from streams.worker import Pace
from tests.detect.fleet import fleet, places, statics
from tests.streams.live import all_read, drain, events, setup_of, topics, worker_of, write

MAKER = Maker("1", "c" * 64, "p" * 64, 12)


def laid(*groups: list[Outgoing]) -> list[Record]:
    """Outgoing records as they would lie in the log."""
    sent = [record for group in groups for record in group]
    return [Record(Partition(STATE, 3), offset, r.value, r.key, r.headers) for offset, r in enumerate(sent)]


def snapshot(body: bytes, offset: int, slot: int, sequence: int, maker: Maker = MAKER) -> list[Outgoing]:
    return list(records_of(body, 3, offset, slot, sequence, maker))


def newest(records: list[Record], maker: Maker = MAKER):
    saved = shelf_of(records, 3, maker).saved
    return (saved[0].offset, saved[0].body) if saved else None


@pytest.mark.parametrize("size", [0, 1, snapshots.CHUNK_BYTES, snapshots.CHUNK_BYTES + 1, 3 * snapshots.CHUNK_BYTES])
def test_any_size_comes_back(size):
    body = bytes(range(256)) * (size // 256 + 1)
    records = snapshot(body[:size], 7, 0, 0)
    assert max(len(r.value or b"") for r in records) <= snapshots.CHUNK_BYTES
    assert records[-1].key == b"3/0/manifest"
    assert newest(laid(records)) == (7, body[:size])


def test_slots_take_turns_and_the_newest_counts():
    one, two, three = snapshot(b"one", 1, 0, 0), snapshot(b"two", 2, 1, 1), snapshot(b"three", 3, 0, 2)
    assert shelf_of([], 3, MAKER) == Shelf((), 0, 0)
    shelf = shelf_of(laid(one), 3, MAKER)
    assert (shelf.next_slot, shelf.next_sequence) == (1, 1)
    shelf = shelf_of(laid(one, two), 3, MAKER)
    assert (shelf.saved[0].body, shelf.next_slot, shelf.next_sequence) == (b"two", 0, 2)
    shelf = shelf_of(laid(one, two, three), 3, MAKER)
    assert [saved.body for saved in shelf.saved] == [b"three", b"two"]
    assert (shelf.next_slot, shelf.next_sequence) == (1, 3)


def test_a_half_written_one_gives_way_to_the_one_before():
    old = snapshot(b"o" * 10, 1, 0, 0)
    body = b"n" * (2 * snapshots.CHUNK_BYTES + 5)
    new = snapshot(body, 9, 1, 1)
    for end in range(len(new)):
        assert newest(laid(old, new[:end])) == (1, b"o" * 10)
    assert newest(laid(old, new)) == (9, body)
    again = snapshot(b"a" * (snapshots.CHUNK_BYTES + 5), 12, 0, 2)
    for end in range(len(again)):  # writes over the older one, chunk by chunk
        assert newest(laid(old, new, again[:end])) == (9, body)


def test_a_deleted_chunk_makes_it_no_snapshot():
    records = [*snapshot(b"x" * 10, 1, 0, 0), Outgoing(STATE, None, b"3/0/0")]
    shelf = shelf_of(laid(records), 3, MAKER)
    assert shelf.saved == ()
    assert shelf.foreign == 1


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_changed_bytes_are_never_taken_for_a_snapshot(data):
    old, new = snapshot(b"old" * 50, 1, 0, 0), snapshot(b"new" * 50, 9, 1, 1)
    which = data.draw(st.integers(0, len(new) - 1))
    value = bytearray(new[which].value)
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] = data.draw(st.integers(0, 255))
    new[which] = replace(new[which], value=bytes(value))
    found = newest(laid(old, new))
    assert found is not None
    assert found[1] in (b"old" * 50, b"new" * 50)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"3/0/manifest", b"3/1/manifest", b"3/0/0", b"3/0/00000", b"3/x/0", b"3//", b"", None]),
            st.one_of(st.none(), st.binary(max_size=30), st.sampled_from([b"[]", b"{}", b'{"slot":0}', b"1"])),
        ),
        max_size=8,
    )
)
def test_any_records_are_no_reason_to_stop(garbage):
    records = [Record(Partition(STATE, 3), i, value, key) for i, (key, value) in enumerate(garbage)]
    assert shelf_of(records, 3, MAKER).saved == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"offset": -1},
        {"offset": "1"},
        {"chunks": 10**9},
        {"chunks": True},
        {"bytes": 1},
        {"slot": 1},
        {"sequence": None},
    ],
)
def test_manifests_that_lie(changed):
    records = snapshot(b"x" * 10, 1, 0, 0)
    manifest = json.loads(records[-1].value) | changed
    records[-1] = replace(records[-1], value=json.dumps(manifest).encode())
    assert newest(laid(records)) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(MAKER, config_sha256="d" * 64),
        replace(MAKER, places_sha256="q" * 64),
        replace(MAKER, detector_version="2"),
        replace(MAKER, partitions=6),
        replace(MAKER, schema=2),
    ],
)
def test_snapshots_of_another_maker_are_passed_over(other):
    assert newest(laid(snapshot(b"x", 1, 0, 0, other))) is None
    assert newest(laid(snapshot(b"x", 1, 0, 0), snapshot(b"y", 2, 1, 1, other))) == (1, b"x")
    assert shelf_of(laid(snapshot(b"x", 1, 0, 5, other)), 3, MAKER).next_sequence == 6


def test_other_partitions_are_not_looked_at():
    records = [replace(r, key=r.key.replace(b"3/", b"13/")) for r in snapshot(b"x", 1, 0, 0)]
    assert newest(laid(records)) is None


# Detectors


def fed(log: MemoryLog, count: int) -> PartitionDetector:
    detector = PartitionDetector(setup_of(1), 0)
    for record in list(log.client().read(Partition(POSITIONS, 0)))[:count]:
        detector.take(record)
    return detector


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    log = MemoryLog(topics(1))
    write(log, fleet(1), statics())
    return log


FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(at=st.integers(0, 80))
def test_snapshot_and_restore_at_any_record(log, at):
    records = list(log.client().read(Partition(POSITIONS, 0)))
    whole = fed(log, 0)
    told = [alert for record in records for alert in whole.take(record).alerts]
    first = fed(log, at)
    again = PartitionDetector.restore(first.snapshot(), setup_of(1), 0)
    assert again.snapshot() == first.snapshot()
    rest = [alert for record in records[at:] for alert in again.take(record).alerts]
    assert rest == told[len(told) - len(rest) :]
    assert again.counters == whole.counters
    assert again.snapshot() == whole.snapshot()


@FEW
@given(data=st.data())
def test_altered_detectors_are_refused(log, data):
    saved = bytearray(fed(log, 30).snapshot())
    at = data.draw(st.integers(0, len(saved) - 1))
    cut = data.draw(st.booleans())
    if cut:
        del saved[at:]
    else:
        saved[at] ^= data.draw(st.integers(1, 255))
    try:
        PartitionDetector.restore(bytes(saved), setup_of(1), 0)
    except SnapshotError:
        return
    assert not cut, "what is cut is never whole"  # a changed byte of the JSON may still be JSON: the manifest tells


def written() -> MemoryLog:
    log = MemoryLog(topics(1))
    write(log, fleet(1), statics())
    return log


def damaged(log: MemoryLog, how: str) -> None:
    client = log.client()
    state = list(client.read(Partition(STATE, 0)))
    newest_slot = max(
        (json.loads(r.value)["sequence"], r.key.split(b"/")[1]) for r in state if r.key.endswith(b"manifest")
    )[1]
    slots = [b"0", b"1"] if how.startswith("both") else [newest_slot]
    for slot in slots:
        if how.endswith("chunk"):
            client.send([Outgoing(STATE, b"garbage", b"0/" + slot + b"/0", 0)])
        elif how.endswith("gone"):
            client.send([Outgoing(STATE, None, b"0/" + slot + b"/manifest", 0)])
        else:
            client.send([Outgoing(STATE, b"{}", b"0/" + slot + b"/manifest", 0)])
    client.commit()


@pytest.mark.parametrize("how", ["chunk", "gone", "manifest", "both chunk", "both gone", "both manifest"])
def test_a_worker_falls_back_and_finds_the_same(how):
    clean = written()
    drain([worker_of(clean, setup_of(1))])
    log = written()
    pace = Pace(cycle_s=0, snapshot_every_s=0.5, most_records=7)
    first = worker_of(log, setup_of(1), pace=pace)
    for _ in range(6):
        first.cycle()
    log.expire(log.owners()[Partition(POSITIONS, 0)])
    damaged(log, how)
    second = worker_of(log, setup_of(1), pace=pace)
    drain([second])
    assert second.counters()["restored_from_start"] == how.startswith("both")
    assert second.counters()["replayed_records"] > 0, "the one before, or nothing: some records come again, unheard"
    assert all_read(log)
    assert events(log) == events(clean)


def test_other_settings_start_from_the_beginning_of_the_log():
    log = written()
    first = worker_of(log, setup_of(1), pace=Pace(cycle_s=0, snapshot_every_s=0, most_records=30))
    for _ in range(3):
        first.cycle()
    first.stop()
    told = len(events(log))
    changed = DetectSettings.model_validate({"loitering": {"leave_kn": 3.5}})
    second = worker_of(log, DetectSetup(changed, places(), 1))
    drain([second])
    assert second.counters()["restored_from_start"] == 1
    assert second.counters()["replayed_records"] == 90
    assert all_read(log)
    assert len(events(log)) >= told


def test_history_that_is_gone_is_told():
    log = written()
    first = worker_of(log, setup_of(1), pace=Pace(cycle_s=0, snapshot_every_s=1e9, most_records=30))
    first.cycle()
    log.expire(log.owners()[Partition(POSITIONS, 0)])
    log.forget_before(Partition(POSITIONS, 0), 10)
    second = worker_of(log, setup_of(1))
    drain([second])
    assert second.counters()["history_missing"] == 1
    assert second.counters()["replayed_records"] == 20
    assert all_read(log)
