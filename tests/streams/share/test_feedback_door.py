"""Feedback on a log in memory: taken once whatever breaks, bound to its topic, never in the way of alerts."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from maritime.errors import RefusedError, TransportError
from maritime.sharing.answer import ANSWER, AnswerEvent
from maritime.sharing.feedback_reading import FeedbackReading
from maritime.sharing.feedback_spool import FeedbackSpool
from maritime.sharing.keys import KeySet
from maritime.sharing.ledger_check import check
from maritime.sharing.signatures import verify
from maritime.units import DAY_MS
from streams.memory import MemoryLog
from streams.share.feedback_exchange import LOOKS_LEFT_OUT, MOST_OF_PARTNER
from streams.topic_names import ALERTS
from streams.transport import Outgoing, Partition
from tests.sharing.policies import partner, rule
from tests.sharing.speaking import event, feedback_id, said
from tests.streams.share.office import NOW_MS, PARTNERS, SIGNING, TOPICS, Office, alert, policy_text, records_of

HEARING = TOPICS | {f"{topic}.{name}": 1 for topic in ("feedback", "answers") for name in PARTNERS}
KEYS = KeySet((SIGNING.public(org_id="nmc.example"),))


class Crash(BaseException):
    """The process is gone."""


def hearing(folder: Path, topics: dict[str, int] | None = None, **more: Any) -> Office:
    """An office that hears, and has sent one alert to each partner."""
    folder.mkdir(exist_ok=True)
    office = Office(folder, MemoryLog(topics or HEARING, markers=True), hears=True, **more)
    office.write(records_of([alert()]))
    office.work()
    return office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return hearing(tmp_path)


def shared_id(office: Office, name: str, number: int = 0) -> str:
    return office.desk.shared_id(f"{number:032x}", name)


def record(office: Office, name: str, number: int = 1, kind: str = "confirmed", **changes: Any) -> Outgoing:
    message = {"alert_id": shared_id(office, name)} | changes
    text = json.dumps(event(said(kind, number, NOW_MS - 1_000 + number, **message)))
    return Outgoing(f"feedback.{name}", text.encode(), message["alert_id"].encode())


def heard(office: Office) -> list[tuple[str, str, str]]:
    assert office.ledger is not None
    assert check(office.ledger, []) is None
    rows = FeedbackReading(office.ledger.database).newest(1000)
    return [(each.partner, each.kind, each.feedback_id) for each in reversed(rows)]


def test_what_a_partner_writes_is_taken_once_and_proved(office: Office) -> None:
    office.write([record(office, "fleet", 1), record(office, "fleet", 1), record(office, "guard", 1, "dismissed")])
    office.work()
    office.restart()
    office.work()
    assert sorted(heard(office)) == [
        ("fleet", "confirmed", feedback_id(1)),
        ("guard", "dismissed", feedback_id(1)),
    ]
    assert Counter(each[3] for each in office.decisions())["feedback"] == 2


def test_the_partner_is_the_topic_whatever_the_message_says(office: Office) -> None:
    mine, others = record(office, "fleet"), record(office, "guard")
    office.write([Outgoing("feedback.fleet", others.value, others.key), mine])
    office.work()
    assert heard(office) == [("fleet", "confirmed", feedback_id(1))]
    assert office.door is not None
    assert office.door.counts.refused == {("fleet", "unknown_alert"): 1}


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"{}", b"[" * 20_000, b"x" * 500_000])
def test_poison_is_kept_and_counted_and_holds_up_nothing(office: Office, value: bytes | None) -> None:
    office.write([Outgoing("feedback.fleet", value), record(office, "fleet")])
    office.work()
    assert heard(office) == [("fleet", "confirmed", feedback_id(1))]
    assert office.ledger is not None
    (refused,) = FeedbackReading(office.ledger.database).refusals(9)
    assert (refused["reason"], refused["place"]) == ("not_valid", "feedback.fleet/0/0")
    ((size,),) = office.ledger.database.execute("SELECT length(document) FROM feedback_refused")
    assert size <= 16 * 1024


def test_who_writes_much_takes_no_room_from_others_or_from_alerts(office: Office) -> None:
    office.write([record(office, "fleet", number, "received") for number in range(3 * MOST_OF_PARTNER)])
    office.write([record(office, "guard")])
    office.write(records_of([alert(1)]))
    for _ in range(2):
        office.worker.cycle()
    assert len(office.got("fleet")) == 2  # the alert did not wait
    assert ("guard", "confirmed", feedback_id(1)) in heard(office)
    assert len(heard(office)) < 3 * MOST_OF_PARTNER
    office.work()
    assert len(heard(office)) == 3 * MOST_OF_PARTNER + 1


@pytest.mark.parametrize("name", ["fleet", "guard"])
def test_a_missing_topic_is_no_failure(tmp_path: Path, name: str) -> None:
    office = hearing(tmp_path, {topic: n for topic, n in HEARING.items() if topic != f"feedback.{name}"})
    other = "guard" if name == "fleet" else "fleet"
    office.write([record(office, other)])
    office.work()
    assert heard(office) == [(other, "confirmed", feedback_id(1))]


def test_a_log_that_fails_for_feedback_holds_up_no_alert(tmp_path: Path) -> None:
    def fault(point: str) -> None:
        if point == "read":
            raise TransportError("away")

    office = hearing(tmp_path)
    plain = office._connect
    office._connect = lambda name, _: plain(name, fault if name == "feedback" else None)
    office.restart()
    office.write([record(office, "fleet"), *records_of([alert(1)])])
    for _ in range(8):
        office.worker.cycle()
    assert office.worker.failures_in_a_row == 0
    assert len(office.got("fleet")) == 2
    assert office.door is not None
    assert set(office.door.failing.values()) == {"away"}
    office._connect = plain
    office.restart()
    office.work()
    assert heard(office) == [("fleet", "confirmed", feedback_id(1))]


@pytest.mark.parametrize("point", ["read", "send", "sent", "commit", "committed"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_killed_anywhere_each_message_counts_once(tmp_path: Path, point: str, nth: int) -> None:
    office = hearing(tmp_path)
    office.write([record(office, "fleet", 1, "request_for_information"), record(office, "guard", 2)])
    office.work()
    office.book.answer(feedback_id(1), "Flag unknown.", "analyst", NOW_MS)
    office.write([record(office, "fleet", number, "received") for number in (3, 4)])
    left = [nth]

    def fault(at: str) -> None:
        left[0] -= at == point
        if at == point and left[0] == 0:
            raise Crash

    plain = office._connect
    office._connect = lambda name, _: plain(name, fault if name == "feedback" else None)
    office.restart()
    try:
        office.work()
    except Crash:
        office._connect = plain
        office.restart()
        office.work()
    ids = [(name, number) for name, _, number in heard(office)]
    assert len(ids) == len(set(ids)) == 4
    assert {answered["id"] for answered in answers(office, "fleet")} == {
        each.answer_id
        for each in FeedbackReading(office.ledger.database).answers("fleet", feedback_id(1))  # type: ignore[union-attr]
    }


def answers(office: Office, name: str) -> list[dict[str, Any]]:
    client = office.log.client(group="reader")
    found = [json.loads(each.value or b"") for each in client.read(Partition(f"answers.{name}", 0))]
    client.close()
    return found


def test_an_answer_goes_to_who_asked_alone_and_verifies(office: Office) -> None:
    office.write([record(office, "fleet", 1, "request_for_information")])
    office.work()
    office.book.answer(feedback_id(1), "Flag unknown.", "analyst", NOW_MS)
    office.work()
    (told,) = answers(office, "fleet")
    AnswerEvent.model_validate(told)
    verify(told["data"], told["jws"], KEYS, NOW_MS, ANSWER)
    assert told["data"]["text"] == "Flag unknown."
    assert told["subject"] == told["data"]["feedback_id"] == feedback_id(1)
    assert not answers(office, "guard")
    assert f"{0:032x}" not in json.dumps(told)
    assert office.door is not None
    assert office.door.counts.answered == {"fleet": 1}


def test_a_topic_of_answers_that_refuses_holds_up_nobody(tmp_path: Path) -> None:
    office = hearing(tmp_path)
    asks = [record(office, name, 1, "request_for_information") for name in ("fleet", "guard")]
    office.write(asks)
    office.work()
    for name in ("fleet", "guard"):
        office.book.answer(feedback_id(1), "Flag unknown.", "analyst", NOW_MS, name)
    plain = office._connect

    class Refuses:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def send(self, records: list[Outgoing]) -> None:
            if any(each.topic == "answers.fleet" for each in records):
                raise RefusedError("no")
            self.inner.send(records)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    office._connect = lambda name, fault: Refuses(plain(name, fault)) if name == "feedback" else plain(name, fault)
    office.restart()
    office.work()
    assert (len(answers(office, "fleet")), len(answers(office, "guard"))) == (0, 1)
    assert office.door is not None
    assert office.door.failing == {"fleet": "no"}


def test_a_topic_that_cannot_be_read_is_left_out_for_a_while_and_then_tried_again(tmp_path: Path) -> None:
    office = hearing(tmp_path)
    office.write([record(office, "fleet"), record(office, "guard")])
    tried = []

    def fault(point: str) -> None:
        if point == "read":
            tried.append(point)
            if len(tried) == 1:
                raise RefusedError("unpacks to too much")

    plain = office._connect
    office._connect = lambda name, _: plain(name, fault if name == "feedback" else None)
    office.restart()
    office.work()
    assert office.door is not None
    ((refused, why),) = office.door.failing.items()
    assert why == "unpacks to too much"
    assert [name for name, _, _ in heard(office)] == [name for name in ("fleet", "guard") if name != refused]
    assert len(tried) == 2
    for _ in range(LOOKS_LEFT_OUT + 2):
        office.worker.cycle()
    office.work()
    assert len(heard(office)) == 2
    assert office.door.failing == {}


def test_one_topic_that_breaks_the_client_keeps_no_other_partner_from_being_heard(tmp_path: Path) -> None:
    office = hearing(tmp_path)
    office.write([record(office, "fleet", 1, "request_for_information"), record(office, "guard")])
    plain = office._connect

    class Breaks:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def read(self, partition: Partition, offset: int) -> Any:
            if partition.topic == "feedback.guard":
                raise TransportError("what is this")
            return self.inner.read(partition, offset)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    office._connect = lambda name, fault: Breaks(plain(name, fault)) if name == "feedback" else plain(name, fault)
    office.restart()
    office.work()
    assert heard(office) == [("fleet", "request_for_information", feedback_id(1))]
    office.book.answer(feedback_id(1), "Flag unknown.", "analyst", NOW_MS)
    office.work()
    assert len(answers(office, "fleet")) == 1


def test_what_lies_in_the_folder_is_taken_and_gone(office: Office) -> None:
    spool = FeedbackSpool(office.folder / "spool")
    message = said(alert_id=shared_id(office, "guard"), at_ms=NOW_MS)
    spool.add("guard", feedback_id(1), json.dumps(message).encode())
    spool.add("stranger", feedback_id(1), json.dumps(message).encode())
    office.work()
    assert heard(office) == [("guard", "confirmed", feedback_id(1))]
    assert office.door is not None
    assert office.door.counts.refused == {("stranger", "agreement_not_in_force"): 1}
    assert spool.waiting() == []


def test_a_folder_that_is_gone_is_told_and_holds_up_nothing(office: Office) -> None:
    shutil.rmtree(office.folder / "spool")
    office.write(records_of([alert(1)]))
    office.work()
    assert office.door is not None
    assert "cannot be read" in str(office.door.folder_fails)
    assert len(office.got("fleet")) == 2


def test_after_its_agreement_a_partner_is_not_heard(office: Office) -> None:
    ended = {"reference": "A", "since": "2020-01-01", "until": "2026-03-13"}
    office.policy.write_bytes(
        policy_text(fleet=partner(rule(), agreement=ended), guard=partner(rule()), rescue=partner(rule(), rescue=True))
    )
    office.write([record(office, "fleet"), record(office, "guard")])
    office.work()
    assert heard(office) == [("guard", "confirmed", feedback_id(1))]


def test_feedback_goes_with_its_copy(office: Office) -> None:
    office.write([record(office, "fleet")])
    office.work()
    office.now_ms += 100 * DAY_MS
    office.work()
    assert heard(office) == []
    assert office.ledger is not None
    assert FeedbackReading(office.ledger.database).past_verdicts() == {("loitering", "confirmed"): 1}


def test_an_office_without_a_door_hears_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path, MemoryLog(HEARING))
    office.write(records_of([alert()], topics=(ALERTS,)))
    office.work()
    assert office.door is None
