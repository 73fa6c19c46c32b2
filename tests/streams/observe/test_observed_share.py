"""Metrics and health of sharing: what is told outside is what happens inside."""

import json
import logging
from functools import partial
from threading import Event

import pytest

from maritime.units import HOUR_MS
from streams.memory import MemoryLog
from streams.observe.observed_share import ObservedShare
from streams.share.worker import Clients
from streams.transport import Outgoing
from tests.sharing.speaking import event, feedback_id, said
from tests.streams.share.office import NOW_MS, TOPICS, Office, alert, records_of


@pytest.fixture
def watched(tmp_path):
    """An office whose worker is watched, on a log without the topic of `guard`."""
    office = Office(tmp_path, MemoryLog({name: n for name, n in TOPICS.items() if name != "alerts.guard"}))

    def make(clients: Clients):
        office._connect = lambda name, fault: getattr(clients, name)()
        return office.made()

    plain = office._connect
    clients = Clients(*(partial(plain, name, None) for name in Clients._fields))
    observed = ObservedShare(make, clients, office.ledger, office.desk, clock=office.clock, wall=lambda: NOW_MS / 1000)
    return office, observed


def value(observed, name, **labels):
    return observed.registry.get_sample_value(name, labels)


def turn(office, observed, rounds=12):
    for _ in range(rounds):
        office.worker.cycle()
        observed.look()


def test_metrics_tell_decisions_feeds_and_those_who_are_not_reached(watched):
    office, observed = watched
    assert observed.ready().why_not == ("no cycle has ended yet",)
    office.write(records_of([alert(0), alert(1, raised_ms=0)]))
    turn(office, observed)
    assert value(observed, "maritime_share_decisions_total", decision="released") == 6
    assert value(observed, "maritime_share_delivered_total", partner="fleet", channel="actual") == 1
    assert value(observed, "maritime_share_delivered_total", partner="fleet", channel="exercise") == 1
    assert value(observed, "maritime_share_waiting", partner="guard", channel="actual") == 1
    assert value(observed, "maritime_share_failing", partner="guard", channel="actual") == 1
    assert value(observed, "maritime_share_failing", partner="fleet", channel="actual") == 0
    assert value(observed, "maritime_share_old_total") == 1
    assert value(observed, "maritime_share_joined") == 1
    assert value(observed, "maritime_records_written_total", topic="alerts.fleet") == 1
    office.seconds += 20.0
    observed.look()
    assert value(observed, "maritime_share_lag_records") == 0
    (why,) = observed.ready().why_not
    assert why.startswith("guard (actual) is not reached: ")
    assert observed.alive().is_well
    office.seconds += 200.0
    assert not observed.alive().is_well


def test_what_changes_is_logged_once(watched, caplog):
    office, observed = watched
    caplog.set_level(logging.INFO, "maritime.share")
    office.write(records_of([alert(0)]))
    turn(office, observed)
    told = [(record.message, record.fields.get("partner")) for record in caplog.records]
    assert told.count(("partner not reached", "guard")) == 1
    assert "567801000" not in json.dumps([record.fields for record in caplog.records])


def test_it_ends_when_nothing_comes_and_when_it_is_told(watched):
    office, observed = watched
    office.write(records_of([alert(0)]))
    observed.run(Event(), stop_when_idle_s=0.5)
    assert len(office.got("fleet")) == 1
    stop = Event()
    stop.set()
    observed.run(stop)
    assert not office.worker.is_joined


def test_metrics_tell_what_partners_said_and_which_questions_wait(tmp_path):
    topics = TOPICS | {f"{topic}.fleet": 1 for topic in ("feedback", "answers")}
    office = Office(tmp_path, MemoryLog(topics), hears=True)

    def make(clients: Clients):
        office._connect = lambda name, fault: getattr(clients, name)() if name != "feedback" else plain(name, fault)
        return office.made()

    plain = office._connect
    clients = Clients(*(partial(plain, name, None) for name in Clients._fields))
    observed = ObservedShare(make, clients, office.ledger, office.desk, clock=office.clock, wall=lambda: NOW_MS / 1000)
    office.write(records_of([alert(0)]))
    turn(office, observed)
    shared_id = office.desk.shared_id(f"{0:032x}", "fleet")
    asked = said("request_for_information", 1, NOW_MS - 1_000, alert_id=shared_id)
    office.write([Outgoing("feedback.fleet", json.dumps(event(asked)).encode()), Outgoing("feedback.fleet", b"{")])
    turn(office, observed)
    office.now_ms += 2 * HOUR_MS
    office.seconds += 20.0
    turn(office, observed)
    assert value(observed, "maritime_share_feedback_total", partner="fleet", kind="request_for_information") == 1
    assert value(observed, "maritime_share_feedback_refused_total", partner="fleet", reason="not_valid") == 1
    assert value(observed, "maritime_share_requests_open", partner="fleet") == 1
    assert value(observed, "maritime_share_requests_overdue", partner="fleet") == 1
    office.book.answer(feedback_id(1), "Flag unknown.", "analyst", NOW_MS)
    office.seconds += 20.0
    turn(office, observed)
    assert value(observed, "maritime_share_answers_total", partner="fleet") == 1
    assert value(observed, "maritime_share_requests_open", partner="fleet") == 0
    (office.folder / "spool").rmdir()
    turn(office, observed)
    assert value(observed, "maritime_share_feedback_failing", partner="folder") == 1
