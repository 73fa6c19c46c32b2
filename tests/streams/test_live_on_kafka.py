"""The same worker on Apache Kafka: a process that dies inside a transaction loses nothing and repeats nothing."""

import time
from contextlib import ExitStack, closing
from threading import Event, Thread

import pytest

from streams.kafka import KafkaAdministration, KafkaTransport
from streams.memory import MemoryLog
from streams.settings import KafkaSettings, LiveSettings, LogSettings
from streams.topics import specs
from streams.worker import DetectWorker, Pace
from tests.detect.fleet import fleet, statics
from tests.streams.live import drain, events, setup_of, topics, worker_of, write

pytestmark = pytest.mark.broker
PARTITIONS = 3
PATIENCE_S = 120.0


class Crash(BaseException):
    """The process is gone."""


class KafkaLog:
    """A broker with the project's topics, with as much of a MemoryLog as tests.streams.live asks for."""

    def __init__(self, bootstrap: str, closes: ExitStack) -> None:
        live = LiveSettings(
            kafka=KafkaSettings(bootstrap=bootstrap, session_timeout_ms=6_000),
            log=LogSettings(partitions=PARTITIONS),
        )
        with closing(KafkaAdministration(live.kafka)) as administration:
            administration.create(specs(live))
        self.topics = {spec.name: spec.partitions for spec in specs(live)}
        self._settings = live.kafka
        self._closes = closes
        self._made = 0

    def client(self, identity: str | None = None, group: str = "detect"):
        self._made += 1
        client = KafkaTransport(self._settings, group=group, member=identity or f"reader-{self._made}")
        self._closes.callback(client.close)
        return client


@pytest.fixture
def log(own_broker):
    with ExitStack() as closes:
        yield KafkaLog(own_broker.bootstrap, closes)


def expected() -> list[tuple[str, bytes]]:
    quiet = MemoryLog(topics(PARTITIONS))
    write(quiet, fleet(1), statics(), step=1_500, most_rows=500)
    drain([worker_of(quiet, setup_of(PARTITIONS))])
    return events(quiet)


def dies_inside_a_transaction(log: KafkaLog) -> None:
    """A worker that has committed some alerts and sent some more when it is gone."""
    worker = DetectWorker(
        lambda: log.client("w0"), setup_of(PARTITIONS), Pace(cycle_s=0, snapshot_every_s=1.0, most_records=6)
    )
    until_s = time.monotonic() + PATIENCE_S
    while worker.counters()["records"] < 50 or worker.counters()["alerts"] < 5:
        assert time.monotonic() < until_s, worker.last_error
        worker.cycle()
    committed = worker.counters()["alerts"]

    def commit(positions=None):
        if worker.counters()["alerts"] > committed:
            raise Crash

    worker._transport.commit = commit

    def work() -> None:
        while time.monotonic() < until_s:
            worker.cycle()

    with pytest.raises(Crash):
        work()


def test_alerts_are_there_once_after_a_crash_inside_a_transaction(log):
    write(log, fleet(1), statics(), step=1_500, most_rows=500)
    dies_inside_a_transaction(log)
    stop = Event()
    pace = Pace(cycle_s=0.5, snapshot_every_s=1.0, most_records=20)
    workers = [DetectWorker(lambda i=i: log.client(f"w{i}"), setup_of(PARTITIONS), pace) for i in range(2)]
    threads = [Thread(target=worker.run, args=(stop,)) for worker in workers]
    wanted = expected()
    for thread in threads:
        thread.start()
    try:
        until_s = time.monotonic() + PATIENCE_S
        while len(events(log)) < len(wanted) and time.monotonic() < until_s:
            time.sleep(0.5)
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)
    assert events(log) == wanted

    again = DetectWorker(lambda: log.client("w2"), setup_of(PARTITIONS), pace)
    until_s = time.monotonic() + PATIENCE_S
    while len(again.detectors()) < PARTITIONS and time.monotonic() < until_s:
        again.cycle()
    again.stop()
    assert again.counters()["restored"] == PARTITIONS
    assert again.counters()["restored_from_start"] == 0, "a clean stop leaves snapshots"
    assert events(log) == wanted
