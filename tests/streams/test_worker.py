"""The worker in its surroundings: threads, topics that do not fit, clients that stand still."""

from threading import Event, Thread

import pytest

from maritime.errors import ConfigurationError, RefusedError, TransportError
from streams.log_writer import LogWriter
from streams.memory import MemoryLog
from streams.topic_names import ALERTS, POSITIONS, STATE
from streams.worker import DetectWorker, Pace
from tests.detect.fleet import fleet, sources, statics
from tests.streams.live import all_read, drain, events, setup_of, topics, worker_of, write


def test_members_in_threads_of_their_own_while_the_log_is_written():
    quiet = MemoryLog(topics(6))
    write(quiet, fleet(1), statics())
    drain([worker_of(quiet, setup_of(6))])

    log = MemoryLog(topics(6))
    stops = [Event() for _ in range(3)]
    pace = Pace(cycle_s=0.02, snapshot_every_s=0.1, most_records=20)
    workers = [DetectWorker(lambda i=i: log.client(f"w{i}"), setup_of(6), pace) for i in range(3)]
    threads = [Thread(target=worker.run, args=(stop,)) for worker, stop in zip(workers, stops, strict=True)]
    for thread in threads[:2]:
        thread.start()
    write(log, fleet(1).slice(0, 6_000), statics(), step=300, finish=False)
    threads[2].start()
    stops[0].set()
    threads[0].join(30)
    write_rest(log)
    for _ in range(600):
        if all_read(log):
            break
        Event().wait(0.05)
    for stop in stops:
        stop.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert all_read(log)
    assert all(worker.last_error is None for worker in workers)
    assert events(log) == expected_of_two_writers()


def write_rest(log: MemoryLog) -> None:
    write(log, fleet(1).slice(5_900), statics().slice(0, 0), step=300)


def expected_of_two_writers() -> list[tuple[str, bytes]]:
    log = MemoryLog(topics(6))
    write(log, fleet(1).slice(0, 6_000), statics(), step=300, finish=False)
    write_rest(log)
    drain([worker_of(log, setup_of(6))])
    return events(log)


@pytest.mark.parametrize("topic", [POSITIONS, STATE])
def test_another_number_of_partitions_stops_at_the_start(topic):
    log = MemoryLog(topics(6) | {topic: 5})
    with pytest.raises(ConfigurationError, match=f"{topic} has 5 partitions, the settings say 6"):
        worker_of(log, setup_of(6)).cycle()


def test_topics_that_are_not_there_are_told():
    log = MemoryLog({ALERTS: 1})
    worker = worker_of(log, setup_of(6))
    worker.cycle()
    assert isinstance(worker.last_error, RefusedError)
    with pytest.raises(RefusedError, match=r"ais\.positions"):
        LogWriter(log.client(), sources())


def test_a_client_that_stands_still_is_replaced():
    log = MemoryLog(topics(1), markers=True)
    write(log, fleet(1).slice(0, 3_000), statics(), finish=False)
    clients = []

    def connect():
        clients.append(log.client("w"))
        if len(clients) == 1:  # this one polls in vain from its third poll on
            polls = iter([True, True])
            poll = clients[0].poll
            clients[0].poll = lambda timeout_s, most: poll(0, 20) if next(polls, False) else []
        return clients[-1]

    worker = DetectWorker(connect, setup_of(1), Pace(cycle_s=0, look_every_s=1.0), clock=_seconds())
    for _ in range(30):
        worker.cycle()
    assert worker.counters()["stalled"] == 0, "the log stands still too"
    write(log, fleet(1).slice(3_000), statics().slice(0, 0))
    drain([worker])
    assert worker.counters()["stalled"] == 1
    assert len(clients) == 2
    assert all_read(log)


def test_an_idle_log_is_no_stall():
    log = MemoryLog(topics(2), markers=True)
    write(log, fleet(1).slice(0, 3_000), statics())
    worker = DetectWorker(lambda: log.client("w"), setup_of(2), Pace(cycle_s=0, look_every_s=0.5), clock=_seconds())
    for _ in range(100):
        worker.cycle()
    assert worker.counters()["stalled"] == worker.counters()["failures"] == 0


def _seconds():
    ticks = iter(range(10**9))
    return lambda: next(ticks) * 0.5


def test_a_log_that_fails_is_no_idle_log():
    """Who waits for idleness would take the work for done."""
    log = MemoryLog(topics(1))
    write(log, fleet(1).slice(0, 3_000), statics(), finish=False)
    fails = iter(range(4))

    def fault(point):
        if point == "poll" and log.group_positions() and next(fails, None) is not None:
            raise TransportError("the log is away")

    worker = DetectWorker(
        lambda: log.client("w", fault=fault), setup_of(1), Pace(cycle_s=0, most_records=20), clock=_seconds()
    )
    worker.run(Event(), stop_when_idle_s=20.0)
    assert worker.counters()["failures"] == 4
    assert all_read(log)
