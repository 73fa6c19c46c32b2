"""A real day through Apache Kafka: any number of detectors, polls and transactions find what a replay finds."""

import time
import zlib
from contextlib import ExitStack, closing
from threading import Event, Thread

import pytest
from kafka import TopicPartition

from maritime.replay import replay
from streams.kafka import KafkaAdministration
from streams.replay_feed import feed
from streams.topic_names import POSITIONS, STATE
from streams.transport import Outgoing, Partition
from streams.worker import DetectWorker, Pace
from tests.detect.fleet import places
from tests.sources.gather import shared
from tests.streams.live import final_lines, setup_of
from tests.streams.test_live_on_kafka import KafkaLog

pytestmark = pytest.mark.broker
FILE = "tracks/marinecadastre_sf_bay_2020-01-01.zip"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> bytes:
    out = tmp_path_factory.mktemp("replayed")
    replay([shared(FILE)], out, places=places(), draw_map=False)
    lines = (out / "alerts.jsonl").read_bytes()
    assert lines
    return lines


@pytest.fixture(scope="module", params=[(500, 5_000), (2_000, 20_000), (5_000, 65_536)], ids=str)
def fed(request, own_broker):
    """The file in the log, in micro-batches and transactions of a size; nothing else is in it."""
    with ExitStack() as closes:
        log = KafkaLog(own_broker.bootstrap, closes)
        with closing(KafkaAdministration(log._settings)) as administration:
            everything = {TopicPartition(POSITIONS, number): -1 for number in range(log.topics[POSITIONS])}
            administration._client.delete_records(everything, timeout_ms=10_000)
        most_rows, chunk_rows = request.param
        feed([shared(FILE)], log.client(group="ingest"), most_rows=most_rows, chunk_rows=chunk_rows)
        yield log


@pytest.mark.parametrize(
    ("workers", "most_records", "cycle_s"), [(1, 1_000, 1.0), (2, 40, 0.2), (3, 5, 0.0)], ids=["one", "two", "three"]
)
def test_a_real_day(fed, expected, workers, most_records, cycle_s, request):
    group = f"group-{zlib.crc32(request.node.name.encode())}"  # reads from the beginning, and tells all alerts anew
    forget_snapshots(fed)  # where another group has left snapshots, this one would go on from them
    alerts = SinceNow(fed)
    stop = Event()
    pace = Pace(cycle_s=cycle_s, snapshot_every_s=1.0, most_records=most_records)
    members = [
        DetectWorker(lambda i=i: fed.client(f"w{i}", group), setup_of(fed.topics[POSITIONS]), pace)
        for i in range(workers)
    ]
    threads = [Thread(target=member.run, args=(stop,)) for member in members]
    for thread in threads:
        thread.start()
    try:
        watch = fed.client(group=group)
        until_s = time.monotonic() + PATIENCE_S
        while not is_read(watch, fed.topics[POSITIONS]):
            assert time.monotonic() < until_s, [member.last_error for member in members]
            time.sleep(0.2)
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)
    assert final_lines(alerts) == expected


def forget_snapshots(log: KafkaLog) -> None:
    client = log.client()
    keys = [(f"{number}/{slot}/manifest".encode(), number) for number in range(log.topics[STATE]) for slot in (0, 1)]
    client.send([Outgoing(STATE, None, key, number) for key, number in keys])
    client.commit()
    client.close()


class SinceNow:
    """A log of which only what comes from now on is read."""

    def __init__(self, log: KafkaLog) -> None:
        self.topics = log.topics
        self._client = log.client()
        self._ends: dict[Partition, int] = {}
        for topic, count in log.topics.items():
            for number in range(count):
                self._ends[Partition(topic, number)] = self._client.bounds(Partition(topic, number))[1]

    def client(self):
        return self

    def read(self, partition: Partition):
        return self._client.read(partition, self._ends[partition])


def is_read(client, partitions: int) -> bool:
    """Whether the group is behind the last record of every partition; the last offset is a transaction's mark."""
    return all(
        (client.committed(Partition(POSITIONS, number)) or 0) >= client.bounds(Partition(POSITIONS, number))[1] - 1
        for number in range(partitions)
    )
