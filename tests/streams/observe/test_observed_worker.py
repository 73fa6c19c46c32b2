"""What an observed worker counts is what lies in the log, and what it finds is what it finds unobserved."""

import threading
from collections import Counter

import pytest

from maritime.errors import TransportError
from streams.memory import MemoryLog
from streams.observe.log_metrics import MOST_SOURCES, LogMetrics
from streams.observe.observed_transport import ObservedTransport
from streams.observe.observed_worker import SILENT_S, ObservedWorker
from streams.topic_names import ALERTS, POSITIONS, REJECTS, STATE
from streams.transport import Outgoing, Partition
from streams.worker import Pace
from tests.detect.fleet import fleet, statics
from tests.streams.live import Ticks, drain, events, letters, records, setup_of, topics, worker_of, write

NOW_S = 1_900_000_000.0


class Wall:
    """A wall clock that a test sets."""

    def __init__(self):
        self.now_s = NOW_S

    def __call__(self):
        return self.now_s


class Flaky:
    """A client of a log that fails when told."""

    def __init__(self, inner):
        self.inner = inner
        self.fails = ""

    def __getattr__(self, name):
        if name == self.fails:
            self.fails = ""
            self.inner.abort()
            raise TransportError("the log is away, password=abcdef")
        return getattr(self.inner, name)


@pytest.fixture(scope="module")
def reports():
    return fleet(), statics()


def log_of(reports, partitions=3):
    log = MemoryLog(topics(partitions))
    positions, statics = reports
    write(log, positions, statics)
    return log


def observed_of(log, partitions=3, connect=None, wall=None, clock=None):
    return ObservedWorker(
        connect or (lambda: log.client("seen")),
        setup_of(partitions),
        Pace(cycle_s=0, snapshot_every_s=2.0, look_every_s=1.0),
        clock=clock or Ticks(),
        wall=wall or Wall(),
    )


def done(observed, rounds=5_000):
    idle = 0
    for _ in range(rounds):
        idle = 0 if observed.cycle() or observed.worker.failures_in_a_row else idle + 1
        if idle == 40:
            return
    raise AssertionError("never done")


def samples(observed):
    """Values by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in observed.registry.collect()
        for sample in family.samples
    }


def total(values, name, **labels):
    return sum(
        value for (found, of), value in values.items() if found == name and all(item in of for item in labels.items())
    )


def test_it_counts_what_lies_in_the_log(reports):
    log = log_of(reports)
    observed = observed_of(log)
    done(observed)
    values = samples(observed)
    rows = reports[0].num_rows
    assert total(values, "maritime_rows_read_total", kind="pos") + total(
        values, "maritime_rows_read_total", kind="static"
    ) == sum(
        int(dict(r.headers)["n"]) for r in records(log, POSITIONS) if dict(r.headers)["kind"] in (b"pos", b"static")
    )
    assert total(values, "maritime_rows_read_total", kind="pos") == rows
    assert total(values, "maritime_alerts_total") == len(records(log, ALERTS)) > 0
    assert total(values, "maritime_records_written_total", topic=STATE) == len(records(log, STATE))
    assert total(values, "maritime_worker_snapshots_total") > 0
    assert total(values, "maritime_transactions_total", outcome="aborted") == 0
    assert total(values, "maritime_transactions_total", outcome="committed") == observed.worker.counters()["commits"]
    assert total(values, "maritime_restore_seconds_count") == 3
    assert total(values, "maritime_partition_lag_records") <= 3, "only marks of transactions may remain"
    assert total(values, "maritime_partition_live") == 3
    assert total(values, "process_resident_memory_bytes") > 0
    assert total(values, "process_open_fds") > 0
    for number, detector in observed.worker.detectors().items():
        lag = total(values, "maritime_partition_event_time_lag_seconds", partition=str(number))
        assert lag == pytest.approx(NOW_S - detector.watermark_ms / 1000)


def test_it_finds_what_an_unobserved_worker_finds(reports):
    seen, unseen = log_of(reports), log_of(reports)
    done(observed_of(seen))
    drain([worker_of(unseen, setup_of(3))])
    assert events(seen) == events(unseen)


def test_rejects_are_counted_by_reason_and_source(reports):
    log = log_of(reports, 1)
    client = log.client(group="vandal")
    client.send([Outgoing(POSITIONS, b"no Arrow", partition=0, headers=(("kind", b"pos"),))])
    write(log, reports[0].slice(0, 30), reports[1].slice(0, 0), finish=False)
    client.commit()
    observed = observed_of(log, 1)
    done(observed)
    values = samples(observed)
    found = Counter(
        {
            (dict(labels)["of"], dict(labels)["reason"]): int(value)
            for (name, labels), value in values.items()
            if name == "maritime_rejects_total" and dict(labels)["of"] != "reports"
        }
    )
    for (name, labels), value in values.items():
        if name == "maritime_rejects_total" and dict(labels)["of"] == "reports":
            found["reports", dict(labels)["reason"]] += int(value)
            assert dict(labels)["source"]
    assert found == letters(log)
    assert found["record", "wrong_headers"] == 1
    assert found["reports", "late"] == 30


def test_what_is_aborted_is_not_counted_and_a_log_that_is_away_shows(reports):
    log = log_of(reports)
    clients = []

    def connect():
        clients.append(Flaky(log.client("seen")))
        return clients[-1]

    observed = observed_of(log, connect=connect)
    assert observed.ready().why_not == ("no cycle has ended yet",)
    observed.cycle()
    clients[-1].fails = "commit"
    while not observed.worker.failures_in_a_row:
        observed.cycle()
    assert "the log fails" in observed.ready().why_not[-1] or "the log fails" in observed.ready().why_not[0]
    assert samples(observed)[("maritime_worker_failures_in_a_row", ())] == 1
    done(observed)
    assert observed.ready().is_well, observed.ready().why_not
    values = samples(observed)
    assert total(values, "maritime_transactions_total", outcome="aborted") == 1
    assert total(values, "maritime_alerts_total") == len(records(log, ALERTS))


def test_ages_grow_while_the_worker_stands_still(reports):
    log = log_of(reports)
    wall, clock = Wall(), Ticks()
    observed = observed_of(log, wall=wall, clock=clock)
    done(observed)
    assert observed.alive().is_well
    before = samples(observed)
    wall.now_s += 500
    after = samples(observed)
    for name in ("event_time_lag", "watermark_age", "snapshot_age"):
        grown = total(after, f"maritime_partition_{name}_seconds", partition="0") - total(
            before, f"maritime_partition_{name}_seconds", partition="0"
        )
        assert grown == pytest.approx(500), name
    clock.now_s += SILENT_S + 1
    assert not observed.alive().is_well
    assert not observed.ready().is_well


def test_partitions_that_leave_take_their_numbers_along(reports):
    log = log_of(reports)
    observed = observed_of(log)
    done(observed)
    other = worker_of(log, setup_of(3), "other")
    _together(observed, other)
    mine = set(observed.worker.detectors())
    shown = {dict(labels)["partition"] for name, labels in samples(observed) if name == "maritime_partition_live"}
    assert shown == {str(number) for number in mine}
    assert len(mine) < 3


def _together(observed, other):
    for _ in range(60):
        observed.cycle()
        other.cycle()


def test_run_takes_readings_and_stops(reports):
    log = log_of(reports)
    observed = observed_of(log)
    stop = threading.Event()
    inner = observed._look

    def look():
        inner()
        if observed.worker.counters()["cycles"] >= 5:
            stop.set()

    observed._look = look
    observed.run(stop)
    assert samples(observed)[("maritime_worker_cycles_total", ())] == 5


def test_a_reader_sees_the_snapshot_that_another_wrote(reports):
    log = log_of(reports)
    drain([worker := worker_of(log, setup_of(3))])
    worker.stop()
    observed = observed_of(log)
    observed.cycle()
    observed.cycle()
    values = samples(observed)
    assert total(values, "maritime_partition_snapshot_bytes", partition="1") > 1_000


def test_sources_beyond_a_number_share_a_label():
    metrics = LogMetrics()
    letters = [
        Outgoing(REJECTS, b"", f"file{i}".encode(), headers=(("reason", b"no_time"), ("of", b"row"), ("n", b"1")))
        for i in range(MOST_SOURCES + 50)
    ]
    metrics.committed(letters, 0.0)
    found = {
        dict(s.labels)["source"]: s.value
        for f in metrics.registry.collect()
        for s in f.samples
        if s.name == "maritime_rejects_total"
    }
    assert len(found) == MOST_SOURCES + 1
    assert found["other"] == 50


def test_an_ingesters_client_is_counted_too(reports):
    log = MemoryLog(topics(2))
    metrics = LogMetrics()
    client = ObservedTransport(log.client(group="ingest"), metrics)
    client.send([Outgoing(REJECTS, b"x", b"f", headers=(("reason", b"bad\nreason"), ("of", b"row"), ("n", b"1")))])
    client.abort()
    client.send([Outgoing(REJECTS, b"x", b"f", headers=(("reason", b"bad\nreason"), ("of", b"row"), ("n", b"1")))])
    client.commit()
    assert sum(len(list(client.read(Partition(REJECTS, number)))) for number in range(2)) == 1
    found = {(s.name, *s.labels.values()): s.value for f in metrics.registry.collect() for s in f.samples}
    assert found["maritime_rejects_total", "other", "f", "row"] == 1
    assert found["maritime_transactions_total", "committed"] == 1
    assert found["maritime_transactions_total", "aborted"] == 1
