"""Sharing on a log in memory: each decision once, each parcel once, whatever breaks; nothing replayed as actual."""

import json
import time
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from maritime.errors import ConfigurationError, FencedError, RefusedError, TransportError, UsageError
from maritime.sharing.ledger_check import check
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from streams.codec import EVENT_HEADERS, ToldCall, unpack_event
from streams.distress import DistressCall
from streams.exercise import of_the_log
from streams.memory import MemoryLog
from streams.share.lock import only_one
from streams.topic_names import ALERTS, RESCUE
from streams.transport import Outgoing, Partition
from streams.worker import DetectWorker, Pace
from tests.detect.fleet import fleet, statics
from tests.sharing.policies import partner, rule
from tests.streams.live import Ticks, drain, records, setup_of, write
from tests.streams.live import topics as live_topics
from tests.streams.share.office import (
    NOW_MS,
    PARTNERS,
    SHARED,
    TOPICS,
    Office,
    alert,
    call_record,
    gist,
    policy_text,
    records_of,
)

STORY = [
    *records_of([alert(n) for n in range(4)]),
    *records_of([alert(1, 1), alert(2, 2)]),
    *records_of([alert(0, 1, state="retracted")]),
    *records_of([alert(3, 1, state="closed", ended_ms=NOW_MS)]),
]
BEACON = DistressCall(970123456, 1, NOW_MS - 1_000, "AIS-SART", 6.5, 95.0, 0)


class Crash(BaseException):
    """The process is gone."""


def told_story(folder: Path) -> Office:
    folder.mkdir()
    office = Office(folder)
    office.write(STORY)
    office.work()
    return office


def everything(office: Office):
    assert check(office.ledger, []) is None
    assert office.desk.outbox() == []
    for name in PARTNERS:
        numbers = [dict(record.headers)["sequence"] for record in office.topic(name)]
        assert len(numbers) == len(set(numbers)), f"{name} was told something twice"
        sequences = [int(event["sequence"]) for event in office.got(name)]
        assert sequences == list(range(1, len(sequences) + 1)), f"{name} lacks something"
    told = {
        name: Counter(
            (event["alertkind"], event["alertstatus"], json.dumps(event["data"].get("vessels")))
            for event in office.got(name)
        )
        for name in PARTNERS
    }
    return told, office.decisions()


def test_every_partner_is_told_once_keyed_by_its_own_id(tmp_path):
    office = told_story(tmp_path / "a")
    (told, decisions), events = everything(office), office.got("fleet")
    assert sum(told["fleet"].values()) == 8
    assert [event["alertkind"] for event in events].count("cancel") == 1
    assert {record.key.decode() for record in office.topic("fleet")} == {event["subject"] for event in events}
    assert not {e["subject"] for e in events} & {e["subject"] for e in office.got("guard")}
    assert all(event["alertstatus"] == "actual" for event in events)
    assert not any(office.topic(name, exercise=True) for name in PARTNERS)
    assert len(decisions) == 3 * 8
    assert office.worker.lag_records() <= 5  # marks of transactions


@pytest.mark.parametrize("point", ["poll", "send", "sent", "commit", "committed"])
def test_a_crash_at_any_step_of_the_log_loses_and_doubles_nothing(tmp_path, point):
    expected = everything(told_story(tmp_path / "quiet"))
    crashes = 0
    for nth in count(1):
        folder = tmp_path / f"{point}{nth}"
        folder.mkdir()
        passes = count(1)

        def fault(at, passes=passes, nth=nth):
            if at == point and next(passes) == nth:
                raise Crash

        office = Office(folder, fault=fault)
        office.write(STORY)
        try:
            office.work()
        except Crash:
            crashes += 1
            office.restart()
            office.work()
        assert everything(office) == expected
        office.ledger.close()
        if next(passes) <= nth or nth > 12:
            break
    assert crashes


@pytest.mark.parametrize("what", ["append", "delivered", "send", "set_passed", "set_taken"])
def test_a_crash_while_the_ledger_is_written_loses_and_doubles_nothing(tmp_path, what, monkeypatch):
    expected = everything(told_story(tmp_path / "quiet"))
    for nth in (1, 2, 5, 9):
        folder = tmp_path / f"{nth}"
        folder.mkdir()
        office = Office(folder)
        owner = type(office.ledger) if what == "append" else type(office.desk)
        real, passes = getattr(owner, what), count(1)

        def broken(self, *args, real=real, passes=passes, nth=nth, **kwargs):
            if next(passes) == nth:
                raise Crash
            return real(self, *args, **kwargs)

        monkeypatch.setattr(owner, what, broken)
        office.write(STORY)
        try:
            office.work()
        except Crash:
            monkeypatch.undo()
            office.restart()
            office.work()
        monkeypatch.undo()
        assert everything(office) == expected
        office.ledger.close()


@pytest.mark.parametrize("point", ["poll", "send", "commit", "committed"])
@pytest.mark.parametrize("error", [TransportError, FencedError])
def test_a_log_that_fails_now_and_then_loses_and_doubles_nothing(tmp_path, point, error):
    expected = everything(told_story(tmp_path / "quiet"))
    (tmp_path / "a").mkdir()
    passes = count()

    def fault(at):
        if at == point and next(passes) % 3 == 1:
            raise error("the log is away")

    office = Office(tmp_path / "a", fault=fault)
    office.write(STORY)
    for _ in range(60):
        office.seconds += 100.0
        office.worker.cycle()
    assert office.worker.counters()["failures"] or office.worker.last_error is None
    assert everything(office) == expected


def test_a_partner_whose_topic_is_missing_holds_up_nobody(tmp_path):
    topics = {name: n for name, n in TOPICS.items() if name != "alerts.guard"}
    office = Office(tmp_path, MemoryLog(topics, markers=True))
    office.write(STORY)
    office.work()
    assert len(office.got("fleet")) == len(office.got("rescue")) == 8
    ((feed, why),) = office.worker.failing().items()
    assert (feed, "no such topic" in why or "there is no topic" in why) == (("guard", "actual"), True)
    assert office.desk.waiting_feeds() == {("guard", "actual"): 8}
    office.write(records_of([alert(7)]))
    office.work()
    assert len(office.got("fleet")) == 9

    log = office.log  # the topic is made
    log.topics["alerts.guard"] = 2
    for number in range(2):
        where = Partition("alerts.guard", number)
        log._records[where], log._ends[where], log._starts[where] = [], 0, 0
    office.seconds += 100.0
    office.work()
    assert office.worker.failing() == {}
    everything(office)
    assert len(office.got("guard")) == 9


def test_a_partner_whose_topic_refuses_holds_up_nobody_and_is_tried_ever_less(tmp_path):
    office = Office(tmp_path)
    tries = []

    def refusing(client):
        send = client.send

        def sends(records):
            if any(record.topic == "alerts.rescue" for record in records):
                tries.append(office.seconds)
            if any(record.topic == "alerts.guard" for record in records):
                client._fail()
                raise RefusedError("alerts.guard: the log refuses it")
            send(records)

        client.send = sends
        return client

    connect = office._connect
    office._connect = lambda name, fault: refusing(connect(name, fault))
    office.write(STORY)
    office.work()
    assert len(office.got("fleet")) == len(office.got("rescue")) == 8
    assert "refuses" in office.worker.failing()["guard", "actual"]
    failing = office.worker._ordinary.failing["guard", "actual"]
    for times in range(2, 12):
        office.seconds = office.worker._ordinary.failing["guard", "actual"].again_at_s
        office.worker.cycle()
        assert office.worker._ordinary.failing["guard", "actual"].times == times
    assert office.worker._ordinary.failing["guard", "actual"].again_at_s - office.seconds > 55
    assert failing.again_at_s < 2


def test_a_bad_policy_stops_it_with_line_and_key_and_nothing_is_released(tmp_path):
    office = Office(tmp_path)
    office.write(records_of([alert(0)]))
    office.work()
    text = office.policy.read_text().replace(
        "machine_alerts: true", "machine_alerts: true\n    machine_alarts: true", 1
    )
    office.policy.write_text(text)
    line = 1 + text[: text.index("machine_alarts")].count("\n")
    office.write(records_of([alert(1)]))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=rf"policy\.yaml:{line}: partners\.\w+\.machine_alarts"):
            office.worker.cycle()
    assert len(office.got("fleet")) == 1
    office.policy.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        office.restart().cycle()


def test_a_changed_policy_counts_from_the_next_alert_on(tmp_path):
    office = Office(tmp_path)
    office.write(records_of([alert(0)]))
    office.work()
    office.policy.write_bytes(policy_text(guard=partner(rule(min_severity="Extreme"))))
    office.write(records_of([alert(0, 1), alert(1)]))
    office.work()
    assert [event["alertkind"] for event in office.got("guard")] == ["alert", "cancel"]
    assert sorted(event["alertkind"] for event in office.got("fleet")) == ["alert", "alert", "update"]
    assert office.worker.counters()["policies_read"] == 2
    office.policies.again()
    office.worker.cycle()
    assert office.worker.counters()["policies_read"] == 3


def test_what_waits_for_its_hour_goes_then_and_copies_are_purged(tmp_path):
    office = Office(tmp_path)
    office.policy.write_bytes(policy_text(guard=partner(rule(delay_min=60))))
    office.write(records_of([alert(0)]))
    office.work()
    assert office.got("guard") == []
    office.now_ms += HOUR_MS
    office.work()
    assert gist(office.got("guard")) == [("1", "alert", "actual", 567801000)]
    office.now_ms += 91 * DAY_MS
    office.work()
    assert office.worker.counters()["purged"] == 3


def test_poison_is_counted_and_passed_over(tmp_path):
    office = Office(tmp_path)
    event = json.loads(records_of([alert(1)])[0].value)
    hostile = [
        b"",
        b"[" * 100_000,
        json.dumps(event | {"data": event["data"] | {"mmsi": "x"}}).encode(),
        json.dumps(event | {"data": event["data"] | {"evidence": {"safety": "yes"}}}).encode(),
        json.dumps(event | {"data": event["data"] | {"evidence": {"reappeared_lat": 1, "reappeared_lon": 2}}}).encode(),
    ]
    office.write(
        [
            *records_of([alert(0)]),
            *(Outgoing(ALERTS, value, b"567801001") for value in hostile),
            *records_of([alert(2)]),
        ]
    )
    office.work()
    assert office.worker.counters()["poison"] == len(hostile)
    assert [mmsi for *_, mmsi in sorted(gist(office.got("fleet")), key=lambda g: g[3])] == [567801000, 567801002]
    office.restart()
    office.work()
    assert office.worker.counters()["poison"] == 0


def test_a_revision_that_comes_twice_is_decided_about_once(tmp_path):
    office = Office(tmp_path)
    uncertain = alert(0, evidence={"safety": {"distress": False, "beacon": None, "sar_phase": "uncertainty"}})
    office.write(records_of([uncertain], topics=(RESCUE, ALERTS)))
    office.write(records_of([uncertain]))
    office.work()
    assert len(office.decisions()) == 3
    assert office.worker.counters()["repeated"] == 1


def test_no_old_news_of_distress_comes_after_new_ones(tmp_path):
    """What concerns rescue overtakes what waits in `alerts`, and is not told again when that is read."""
    office = Office(tmp_path)
    safety = {"safety": {"distress": False, "beacon": None, "sar_phase": "uncertainty"}}
    first, second = alert(0, 0, evidence=safety), alert(0, 1, evidence=safety | {"hours": 9.0})
    office.write(records_of([first, second], topics=(RESCUE,)))
    office.work()
    assert [event["alertkind"] for event in office.got("rescue")] == ["alert", "update"]
    assert office.got("fleet") == []
    office.write(records_of([first, second]))
    office.work()
    assert [event["alertkind"] for event in office.got("rescue")] == ["alert", "update"]
    assert [event["alertkind"] for event in office.got("fleet")] == ["alert", "update"]
    office.write(records_of([alert(0, 2, evidence=safety, state="retracted")], topics=(RESCUE, ALERTS)))
    office.work()
    assert [event["alertkind"] for event in office.got("rescue")] == ["alert", "update", "cancel"]


def test_a_call_reaches_rescuers_alone_and_its_alert_is_an_update_of_it(tmp_path):
    office = Office(tmp_path)
    office.write([call_record(BEACON)])
    office.work()
    (event,) = office.got("rescue")
    assert event["data"]["event"]["type"] == "distress_beacon"
    assert event["data"]["safety"] == {"distress": True, "beacon": "AIS-SART", "sar_phase": "distress"}
    assert office.got("fleet") == []
    second = DistressCall(BEACON.mmsi, 2, BEACON.heard_ms + 60_000, BEACON.device, 6.6, 95.1, 0)
    office.write([call_record(second)])
    beacon = alert(
        8,
        alert_id="ab" * 16,
        type="distress_beacon",
        mmsi=BEACON.mmsi,
        hull=f"{BEACON.mmsi}-1",
        started_ms=BEACON.heard_ms - 40_000,
        evidence={"safety": {"distress": True, "beacon": "AIS-SART", "sar_phase": "distress"}, "reports": 3},
    )
    office.write(records_of([beacon], topics=(RESCUE, ALERTS)))
    office.work()
    told = office.got("rescue")
    assert [each["alertkind"] for each in told] == ["alert", "update", "update"]
    assert len({each["subject"] for each in told}) == 1
    assert [each["alertkind"] for each in office.got("fleet")] == ["alert"]
    rules = [office.ledger.entry(seq).reason for seq in range(2)]
    assert rules == ["safety", "safety"]
    later = alert(9, alert_id="cd" * 16, type="distress_beacon", mmsi=BEACON.mmsi, hull=f"{BEACON.mmsi}-2")
    office.write(records_of([later]))
    office.work()
    assert len({each["subject"] for each in office.got("rescue")}) == 2, (
        "another beacon of that number is another alert"
    )


def test_a_call_after_its_alert_tells_nothing(tmp_path):
    from streams.share.beacons import alert_of
    from tests.streams.share.office import MAKER

    office = Office(tmp_path)
    office.write(records_of([alert_of(ToldCall(BEACON, "coast-7", "actual"), MAKER)]))
    office.work()
    office.write([call_record(BEACON)])
    office.work()
    assert len(office.got("rescue")) == 1


def test_no_header_counts_what_others_are_told(tmp_path):
    """A number that all feeds share would tell each of them how much the others get, and when."""
    office = Office(tmp_path)
    office.write(records_of([alert(n) for n in range(9)]))
    office.work()
    for name in PARTNERS:
        records = office.topic(name)
        headers = [dict(record.headers) for record in records]
        own = [int(office.event(record)["sequence"]) for record in records]
        assert [int(each.pop("sequence")) for each in headers] == own
        assert sorted(own) == list(range(1, 10))
        assert all(each == dict(EVENT_HEADERS) for each in headers)


def test_a_call_does_not_wait_for_ordinary_alerts(tmp_path):
    office = Office(tmp_path)
    office.work()
    office.write(records_of([alert(n) for n in range(300)]))
    office.write([call_record(BEACON)])
    office.worker.cycle()
    first = min(int(dict(record.headers)["sequence"]) for record in office.topic("rescue"))
    beacons = [r for r in office.topic("rescue") if b"970123456" in r.value]
    assert [int(dict(record.headers)["sequence"]) for record in beacons] == [first]


DOORS = {
    "an old file, ingested into the actual log": records_of(
        [alert(0, started_ms=NOW_MS - 400 * DAY_MS, raised_ms=NOW_MS - 400 * DAY_MS)]
    ),
    "25 hours ago": records_of([alert(0, raised_ms=NOW_MS - 25 * HOUR_MS)]),
    "from the future": records_of([alert(0, raised_ms=NOW_MS + 25 * HOUR_MS)]),
    "a replay": records_of([alert(0)], "exercise"),
    "written by hand, and it does not say": [
        Outgoing(r.topic, r.value.replace(b'"alertstatus":"actual",', b""), r.key) for r in records_of([alert(0)])
    ],
    "an old call": [call_record(DistressCall(970123456, 1, NOW_MS - 25 * HOUR_MS, "AIS-SART", 6.5, 95.0, 0))],
    "a call that does not say": [Outgoing(RESCUE, call_record(BEACON, "exercise").value, b"970123456")],
}


@pytest.mark.parametrize("door", DOORS)
def test_nothing_replayed_appears_as_actual_by_any_door(tmp_path, door):
    office = Office(tmp_path)
    records = DOORS[door]
    assert all(b'"alertstatus":"actual"' in r.value for r in records_of([alert(0)]))
    office.write(records)
    office.work()
    assert not any(office.topic(name) for name in PARTNERS)
    told = [event for name in PARTNERS for event in office.got(name, exercise=True)]
    assert told
    assert {event["alertstatus"] for event in told} == {event["data"]["status"] for event in told} == {"exercise"}


def test_the_worker_of_an_exercise_pointed_at_actual_topics_delivers_exercises(tmp_path):
    for n, (name, wrapped) in enumerate((("plain", False), ("wrapped", True))):
        folder = tmp_path / name
        folder.mkdir()
        topics = TOPICS | {f"exercise.{topic}": 3 for topic in (ALERTS, RESCUE)}
        log = MemoryLog(topics, markers=True)

        def connect(who, fault, log=log, wrapped=wrapped):
            client = log.client(who, who, fault=fault)
            return of_the_log(client, "exercise") if wrapped else client

        office = Office(folder, log, "exercise", connect=connect)
        records = [*records_of([alert(0)]), call_record(BEACON)]
        office.write(records)
        office.write([Outgoing(f"exercise.{r.topic}", r.value, r.key) for r in records])
        office.work()
        assert not any(office.topic(each) for each in PARTNERS), name
        assert len(office.got("rescue", exercise=True)) == 2
        assert n < 2


def test_the_ledger_of_an_actual_log_is_not_that_of_an_exercise(tmp_path):
    office = Office(tmp_path)
    office.write(records_of([alert(0)]))
    office.status = "exercise"
    with pytest.raises(UsageError, match="log that is actual"):
        office.restart()


def test_an_alert_that_was_told_goes_on_as_actual_for_days_and_its_replay_tells_nothing(tmp_path):
    office = Office(tmp_path)
    office.write(records_of([alert(0)]))
    office.work()
    office.now_ms += 5 * DAY_MS
    replayed = records_of([alert(0)])
    office.write(replayed)  # as by an old file, ingested into an actual log
    office.write(records_of([alert(0, 3, state="closed", ended_ms=office.now_ms - MINUTE_MS)]))
    office.write(replayed)
    office.work()
    assert [event["alertkind"] for event in office.got("fleet")] == ["alert", "update"]
    assert office.got("fleet", exercise=True) == []


def test_a_new_ledger_begins_where_the_log_ends_and_loses_nothing_then(tmp_path):
    office = Office(tmp_path)
    office.write(records_of([alert(0)]))
    office.worker._alerts._from_beginning = office.worker._calls._from_beginning = False
    office.work()
    assert office.got("fleet") == []
    office.write(records_of([alert(1)]))
    office.restart()
    office.work()
    assert gist(office.got("fleet")) == [("1", "alert", "actual", 567801001)]


def test_records_that_are_gone_are_counted(tmp_path):
    office = Office(tmp_path)
    office.write(records_of([alert(0)]))
    office.work()
    for number in range(TOPICS[ALERTS]):
        office.log.forget_before(Partition(ALERTS, number), 50)
        office.log._ends[Partition(ALERTS, number)] = 50
    office.restart()
    office.work()
    assert office.worker.counters()["missing"] == TOPICS[ALERTS]


def test_one_process_for_a_ledger(tmp_path):
    path = tmp_path / "ledger.db"
    with only_one(path), pytest.raises(UsageError, match="another process"), only_one(path):
        pass
    with only_one(path):
        pass


def test_a_forged_number_hides_no_parcel(tmp_path):
    """Who may write to a partner's topic cannot make a parcel look delivered."""
    office = Office(tmp_path)
    forged = [Outgoing("alerts.fleet", b"{}", b"x", headers=(("sequence", b"%d" % n),)) for n in range(1, 50)]
    crashed = []

    def fault(at):
        if at == "commit" and not crashed:
            crashed.append(at)
            raise Crash

    office.restart(fault)
    office.write(records_of([alert(0)]))
    with pytest.raises(Crash):
        office.work()
    office.write(forged)
    office.restart()
    office.work()
    assert len([r for r in office.topic("fleet") if r.value != b"{}"]) == 1


def test_an_old_file_through_the_whole_of_an_actual_log_tells_nobody_anything_actual(tmp_path):
    """Ingest and detectors say that the log is actual; what they found is of 2020."""
    log = MemoryLog(live_topics(1) | SHARED, markers=True)
    write(log, fleet(1), statics())
    setup = setup_of(1)
    drain([DetectWorker(lambda: log.client("w"), replace(setup, status="actual"), Pace(cycle_s=0), clock=Ticks())])
    assert all(
        b'"alertstatus":"actual"' in record.value for topic in (ALERTS, RESCUE) for record in records(log, topic)
    )
    office = Office(tmp_path, log)
    office.work()
    assert not any(office.topic(name) for name in PARTNERS)
    assert len(office.got("rescue", exercise=True)) > 10
    assert office.worker.counters()["old"] > 10


@pytest.mark.slow
def test_a_call_is_readable_at_the_rescuers_within_a_second_however_much_else_there_is(tmp_path):
    names = [f"p{n:02d}" for n in range(50)]
    log = MemoryLog({ALERTS: 3, RESCUE: 2} | {f"alerts.{name}": 1 for name in names}, markers=True)
    (tmp_path / "policy.yaml").write_bytes(
        policy_text(**{name: partner(rule(), rescue=name == "p00") for name in names})
    )
    office = Office(tmp_path, log)
    office.work()

    def calls() -> None:
        """One after the other, whatever the worker is at, each with some alerts for all."""
        for n in range(25):
            called = DistressCall(970000000 + n, 1, NOW_MS - 1_000, "AIS-SART", 6.5, 95.0, 0)
            office.write(records_of([alert(n)]))
            time.sleep(0.1)
            office.write([call_record(called)])
            time.sleep(0.1)

    calling = Thread(target=calls)
    calling.start()
    while calling.is_alive() or office.worker.cycle():
        office.worker.cycle()
    called_ms = {unpack_event(r.value).call.mmsi: r.timestamp_ms for r in records(log, RESCUE)}
    rescued_ms = {
        office.event(r)["data"]["vessels"][0]["mmsi"]: r.timestamp_ms
        for r in log.client().read(Partition("alerts.p00", 0))
    }
    waits_s = sorted((rescued_ms[mmsi] - at_ms) / 1000 for mmsi, at_ms in called_ms.items())
    assert len(waits_s) == 25
    assert waits_s[int(len(waits_s) * 0.99)] <= 1.0


def test_what_waited_for_a_rescuer_is_dropped_when_it_becomes_distress(tmp_path):
    office = Office(tmp_path)
    office.policy.write_bytes(policy_text(rescue=partner(rule(delay_min=60), rescue=True)))
    office.write(records_of([alert(0)]))
    office.work()
    assert office.got("rescue") == []
    safety = {"safety": {"distress": True, "beacon": None, "sar_phase": "distress"}}
    office.write(records_of([alert(0, 1, evidence=safety)], topics=(RESCUE, ALERTS)))
    office.work()
    office.now_ms += 2 * HOUR_MS
    office.work()
    assert [event["alertkind"] for event in office.got("rescue")] == ["alert"]
    assert office.got("rescue")[0]["data"]["safety"]["distress"] is True
