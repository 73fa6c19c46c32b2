"""Whatever breaks at whatever step: a reader of what is committed sees every alert and every dead letter once.

A crash is a process that is gone: its client says nothing any more, the group gives it up, and a new one comes under
the same name. An error is a log that fails to act ("commit") or acts and fails to say so ("committed").
"""

from collections import Counter
from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from maritime.errors import RefusedError, TransportError
from streams.memory import FAULT_POINTS, MemoryLog, MemoryTransport
from streams.topic_names import POSITIONS
from streams.transport import Outgoing
from streams.worker import DetectWorker, Pace
from tests.detect.fleet import fleet, statics
from tests.streams.live import (
    Ticks,
    all_read,
    drain,
    events,
    letters,
    records,
    rows_accounted_for,
    setup_of,
    topics,
    worker_of,
    write,
)

KINDS = ("crash", "error", "fence", "expire")
LATE_ROWS = 40


class Crash(BaseException):
    """The process is gone."""


class Faults:
    """Breaks things at the n-th time that a point is passed, counted over all clients."""

    def __init__(self, log: MemoryLog, plan) -> None:
        self.log = log
        self.plan = {(point, n): kind for point, n, kind in plan}
        self.passed: Counter[str] = Counter()
        self.clients: dict[str, MemoryTransport] = {}

    def connect(self, name: str) -> MemoryTransport:
        self.clients[name] = self.log.client(name, fault=lambda point: self.at(point, name))
        return self.clients[name]

    def at(self, point: str, name: str) -> None:
        self.passed[point] += 1
        kind = self.plan.get((point, self.passed[point]))
        if kind == "crash":
            raise Crash
        if kind == "error":
            raise TransportError(f"the log failed at {point}")
        if kind == "fence":
            self.log.client(name)
        if kind == "expire":
            self.log.expire(self.clients[name])


def written(partitions: int, markers: bool) -> MemoryLog:
    log = MemoryLog(topics(partitions), markers=markers)
    positions = fleet(1)
    late = positions.slice(0, LATE_ROWS)
    write(log, positions.slice(0, 9_000), statics(), step=450, finish=False)
    write(log, late, statics().slice(0, 0), finish=False)  # of a time that has passed: its rows are late
    client = log.client(group="ingest")
    client.send([Outgoing(POSITIONS, b"no arrow", partition=0, headers=(("kind", b"pos"),))])
    client.commit()
    write(log, positions.slice(8_900), statics().slice(0, 0), step=450)  # an ingester that begins again a bit earlier
    return log


@cache
def expected(partitions: int):
    log = written(partitions, False)
    drain([worker_of(log, setup_of(partitions))])
    assert all_read(log)
    found, dead = events(log), letters(log)
    assert len(found) >= 10
    assert dead["reports", "late"] >= LATE_ROWS
    assert dead["record", "wrong_headers"] == 1
    return found, dead


def run(log: MemoryLog, partitions: int, names, plan, pace: Pace) -> tuple[Faults, list[DetectWorker]]:
    faults = Faults(log, plan)
    setup = setup_of(partitions)

    def started(name: str) -> DetectWorker:
        return DetectWorker(lambda: faults.connect(name), setup, pace, clock=Ticks())

    workers = {name: started(name) for name in names}
    idle = 0
    for _ in range(5_000):
        taken = 0
        for name in names:
            try:
                taken += workers[name].cycle() + workers[name].failures_in_a_row
            except Crash:
                log.expire(faults.clients[name])
                workers[name] = started(name)
                taken += 1
        idle = 0 if taken else idle + 1
        if idle == 4:
            return faults, list(workers.values())
    raise AssertionError(f"never done: {[worker.last_error for worker in workers.values()]}")


faults = st.lists(
    st.tuples(st.sampled_from(FAULT_POINTS), st.integers(1, 60), st.sampled_from(KINDS)), min_size=1, max_size=8
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    plan=faults,
    partitions=st.sampled_from([1, 3]),
    workers=st.integers(1, 2),
    most_records=st.sampled_from([1, 6, 40]),
    snapshot_every_s=st.sampled_from([0.0, 1.0, 1e9]),
    markers=st.booleans(),
)
@example([("committed", 3, "error")], 1, 1, 6, 0.0, False)
@example([("commit", 3, "crash"), ("sent", 9, "crash")], 3, 1, 6, 0.0, True)
@example([("seek", 2, "error"), ("read", 2, "error"), ("read", 4, "crash")], 3, 1, 6, 1.0, True)
@example([("commit", 2, "expire"), ("commit", 5, "fence"), ("poll", 9, "expire")], 3, 2, 6, 1.0, False)
def test_nothing_lost_and_nothing_twice(plan, partitions, workers, most_records, snapshot_every_s, markers):
    log = written(partitions, markers)
    pace = Pace(cycle_s=0, snapshot_every_s=snapshot_every_s, most_records=most_records)
    run(log, partitions, [f"w{i}" for i in range(workers)], plan, pace)
    found, dead = expected(partitions)
    assert all_read(log)
    assert events(log) == found
    assert letters(log) == dead


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", FAULT_POINTS)
def test_each_step_breaks_again_and_again(point, kind):
    """Every third time that a step is passed it breaks, through the whole log, and all is there once."""
    log = written(1, True)
    plan = [(point, n, kind) for n in range(3, 200, 3)]
    if point in ("seek", "read"):  # passed when a partition is restored
        plan += [("commit", n, "error") for n in range(2, 200, 2)]
    faults, _ = run(log, 1, ["w"], plan, Pace(cycle_s=0, snapshot_every_s=0.5, most_records=5))
    assert faults.passed[point] >= 3
    found, dead = expected(1)
    assert all_read(log)
    assert events(log) == found
    assert letters(log) == dead


def test_a_log_that_refuses_a_record_is_tried_again():
    log = written(1, False)
    refused = []

    def fault(point: str) -> None:
        if point == "send" and len(refused) < 3:
            refused.append(point)
            raise RefusedError("alerts takes no record of this client")

    worker = DetectWorker(
        lambda: log.client("w", fault=fault), setup_of(1), Pace(cycle_s=0, most_records=20), clock=Ticks()
    )
    drain([worker])
    assert len(refused) == 3
    assert worker.counters()["failures"] == 3
    assert events(log) == expected(1)[0]


def test_run_gives_up_after_many_failures(monkeypatch):
    from threading import Event

    import streams.worker

    monkeypatch.setattr(streams.worker, "SHORTEST_PAUSE_S", 1e-6)
    monkeypatch.setattr(streams.worker, "LONGEST_PAUSE_S", 1e-5)

    def away():
        raise TransportError("no log answers")

    worker = DetectWorker(away, setup_of(1), Pace(cycle_s=0))
    with pytest.raises(TransportError, match="no log answers"):
        worker.run(Event())
    assert worker.counters()["failures"] == streams.worker.MOST_FAILURES


def test_a_clean_stop_leaves_a_snapshot_of_everything():
    log = written(3, True)
    first = worker_of(log, setup_of(3), pace=Pace(cycle_s=0, snapshot_every_s=1e9, most_records=30))
    for _ in range(3):
        first.cycle()
    first.stop()
    assert first.counters()["snapshots"] == 3
    second = worker_of(log, setup_of(3), pace=Pace(cycle_s=0, snapshot_every_s=1e9, most_records=30))
    drain([second])
    assert second.counters()["restored_from_start"] == 0
    assert second.counters()["replayed_records"] == 0
    assert events(log) == expected(3)[0]


def test_a_partition_that_moves_takes_its_snapshot_along():
    log = written(3, False)
    pace = Pace(cycle_s=0, snapshot_every_s=1e9, most_records=10)
    one, two = worker_of(log, setup_of(3), "one", pace), worker_of(log, setup_of(3), "two", pace)
    for _ in range(5):
        one.cycle()
    drain([one, two])
    assert len(two.detectors()) == 1
    assert two.counters()["restored_from_start"] == 0
    assert two.counters()["replayed_records"] == 0
    assert events(log) == expected(3)[0]


def test_rows_are_all_accounted_for_when_partitions_move():
    log = written(3, False)
    _, workers = run(
        log, 3, ["a", "b"], [("commit", 4, "crash"), ("commit", 9, "expire")], Pace(cycle_s=0, most_records=9)
    )
    told = rows_accounted_for(d.counters for worker in workers for d in worker.detectors().values())
    rows = sum(
        int(dict(r.headers)["n"]) for r in records(log, POSITIONS) if dict(r.headers).get("schema") == b"positions"
    )
    assert told["rows"] == rows
    assert told["rows"] == told["processed"] + told["refused"] + told["late"] + told["waiting"]
