"""An exercise log beside an actual one on one broker: they never meet."""

import json

import pytest

from streams.codec import ToldAlert, ToldCall, pack_alert, pack_call, unpack_event
from streams.detector import DetectSetup
from streams.distress import DistressCall
from streams.exercise import EXERCISE, named, of_the_log
from streams.memory import MemoryLog
from streams.settings import LiveSettings, LogSettings
from streams.topic_names import ALERTS, POSITIONS
from streams.topics import rules, specs
from streams.transport import Outgoing, Partition
from streams.worker import DetectWorker, Pace
from tests.detect.fleet import fleet, statics
from tests.streams.live import Ticks, drain, events, records, setup_of, topics, worker_of, write

EXERCISED = LiveSettings(log=LogSettings(status="exercise"))


class Exercises:
    """The exercise log on the broker of another, as tests.streams.live writes and reads logs."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self.topics = {name: n for name, n in log.topics.items() if not name.startswith(EXERCISE)}

    def client(self, identity=None, group="detect"):
        return of_the_log(
            self._log.client(identity and named(identity, "exercise"), named(group, "exercise")), "exercise"
        )


def both(partitions: int) -> MemoryLog:
    plain = topics(partitions)
    return MemoryLog(plain | {named(name, "exercise"): count for name, count in plain.items()})


def test_an_exercise_finds_the_same_and_leaves_the_actual_log_alone():
    quiet = MemoryLog(topics(3))
    write(quiet, fleet(1), statics())
    drain([worker_of(quiet, setup_of(3))])

    log = both(3)
    exercises = Exercises(log)
    write(exercises, fleet(1), statics())
    setup = setup_of(3)
    workers = [
        DetectWorker(lambda i=i: exercises.client(f"w{i}"), setup, Pace(cycle_s=0, snapshot_every_s=2.0), clock=Ticks())
        for i in range(2)
    ]
    drain(workers)
    assert events(exercises) == events(quiet)
    assert events(quiet)
    written = {partition.topic for partition, end in log.ends().items() if end}
    assert written
    assert all(topic.startswith(EXERCISE) for topic in written)
    assert log.group_positions("detect") == {}
    assert log.group_positions("exercise.detect")


def test_a_client_of_exercises_cannot_write_to_an_actual_topic():
    log = MemoryLog({"alerts": 1, "exercise.alerts": 1})
    client = of_the_log(log.client(), "exercise")
    client.send([Outgoing("alerts", b"1"), Outgoing("exercise.alerts", b"2")])
    client.commit()
    assert [r.value for r in log.client().read(Partition("exercise.alerts", 0))] == [b"1", b"2"]
    assert not list(log.client().read(Partition("alerts", 0)))
    assert client.topics() == {"alerts": 1, "exercise.alerts": 1}


def test_what_was_begun_is_exercised_by_its_plain_names():
    log = both(2)
    client, told = of_the_log(log.client("a"), "exercise"), []

    class Listens:
        def assigned(self, partitions):
            told.extend(partitions)
            for partition in partitions:
                client.seek(partition, client.bounds(partition)[0])

        revoked = lost = assigned

    client.subscribe(POSITIONS, Listens())
    assert client.poll(0) == []
    assert sorted(told) == [Partition(POSITIONS, 0), Partition(POSITIONS, 1)]
    client.commit({told[0]: 0})
    assert client.committed(told[0]) == client.position(told[0]) == 0
    client.abort()
    client.close()
    assert client.metrics()["commits"] == 1


def test_topics_groups_and_transactions_of_an_exercise_have_names_of_their_own():
    actual, exercised = specs(LiveSettings()), specs(EXERCISED)
    assert [spec.name for spec in exercised] == [f"exercise.{spec.name}" for spec in actual]
    assert {rule.name.startswith(EXERCISE) for rule in rules(EXERCISED)} == {True}
    assert not any(rule.name.startswith(EXERCISE) for rule in rules(LiveSettings()))
    assert named("exercise.alerts", "exercise") == "exercise.alerts"


@pytest.mark.parametrize("status", ["actual", "exercise"])
def test_events_say_the_status_of_their_log(status):
    log = MemoryLog(topics(1))
    write(log, fleet(1), statics())
    setup = setup_of(1)
    setup = DetectSetup(setup.settings, setup.places, 1, status=status)
    drain([worker_of(log, setup)])
    told = [unpack_event(value) for _, value in events(log)]
    assert told
    assert {each.status for each in told} == {status}


@pytest.mark.parametrize("said", [None, "Actual", "test", 1, ["actual"]])
def test_what_does_not_say_that_it_is_actual_is_an_exercise(said):
    log = MemoryLog(topics(1))
    write(log, fleet(1), statics())
    drain([worker_of(log, setup_of(1))])
    alert = unpack_event(records(log, ALERTS)[0].value)
    assert isinstance(alert, ToldAlert)
    call = pack_call(DistressCall(970123456, 1, 1_577_836_800_000, "AIS-SART", 1.0, 2.0, 3), "coast", "actual")
    for _, packed in (pack_alert(alert.alert, "actual"), call):
        event = json.loads(packed.value)
        assert unpack_event(packed.value).status == "actual"
        event["alertstatus"] = said
        if said is None:
            del event["alertstatus"]
        assert unpack_event(json.dumps(event).encode()).status == "exercise"


def test_a_call_is_read_back():
    call = DistressCall(970123456, 2, 1_577_836_800_000, None, None, None, 0)
    assert unpack_event(pack_call(call, "", "actual")[1].value) == ToldCall(call, "", "actual")
