"""Feedback on Apache Kafka: killed again and again, `maritime share` takes each message once, and answers who asked."""

import json
import re
import signal
import time
from contextlib import ExitStack, closing

import pytest
from kafka import KafkaProducer

from maritime.sharing.feedback_book import FeedbackBook
from maritime.sharing.feedback_reading import FeedbackReading
from maritime.sharing.ledger import Ledger
from maritime.sharing.ledger_check import check
from streams.kafka import KafkaAdministration
from streams.topics import TopicSpec
from tests.sharing.speaking import event, feedback_id, said
from tests.streams.share.office import PARTNERS, SHARED, SIGNING, alert, policy_text, records_of
from tests.streams.share.test_share_on_kafka import PATIENCE_S, shared_with, started
from tests.streams.test_live_on_kafka import KafkaLog

pytestmark = pytest.mark.broker


@pytest.fixture
def log(own_broker):
    topics = SHARED | {f"{topic}.{name}": 1 for topic in ("feedback", "answers") for name in PARTNERS}
    with ExitStack() as closes:
        made = KafkaLog(own_broker.bootstrap, closes)
        with closing(KafkaAdministration(made._settings)) as administration:
            administration.create([TopicSpec(name, n, 1, "delete", 3_600_000) for name, n in topics.items()])
        yield made


def kept(folder):
    """What is in the ledger's file, also while a process writes it."""
    if not (folder / "ledger.db").exists():
        return []
    with Ledger(folder / "ledger.db", read_only=True) as ledger:
        return FeedbackReading(ledger.database).newest(1000)


def test_killed_again_and_again_it_takes_each_message_once_and_answers_once(log, own_broker, tmp_path):
    (tmp_path / "policy.yaml").write_bytes(policy_text())
    (tmp_path / "key.pem").touch(0o600)
    (tmp_path / "key.pem").write_bytes(SIGNING.to_pem())
    now_ms = int(time.time() * 1000)
    writer = log.client(group="detect.by-hand")
    writer.send(records_of([alert(raised_ms=now_ms)]))
    writer.commit()
    out, _ = started(tmp_path, own_broker.bootstrap, "--stop-when-idle-s", "3", "--json").communicate(timeout=120)
    assert '"delivered"' in out, (tmp_path / "share.log").read_text()[-4000:]

    producer = KafkaProducer(bootstrap_servers=own_broker.bootstrap, compression_type="gzip")
    for name in ("fleet", "guard"):
        (told,) = (json.loads(record.value) for record in shared_with(log, f"alerts.{name}"))
        for number in range(30):
            kind = "request_for_information" if number == 7 else "confirmed"
            message = said(kind, number, now_ms - 1000, alert_id=told["data"]["alert_id"])
            producer.send(f"feedback.{name}", json.dumps(event(message)).encode(), key=message["alert_id"].encode())
        producer.send(f"feedback.{name}", b"nothing")
        producer.send(f"feedback.{name}", b"x" * 500_000)
    producer.flush()
    # a partner that packs 100 MB of nothing into a few KiB is not heard; all others are
    bomber = KafkaProducer(
        bootstrap_servers=own_broker.bootstrap,
        compression_type="zstd",
        max_request_size=200_000_000,
    )
    bomber.send("feedback.rescue", bytes(100_000_000)).get(timeout=60)
    bomber.close()
    for threshold in (1, 25, 45):
        process = started(tmp_path, own_broker.bootstrap)
        until_s = time.monotonic() + PATIENCE_S
        while len(kept(tmp_path)) < threshold and time.monotonic() < until_s:
            assert process.poll() is None, (tmp_path / "share.log").read_text()[-4000:]
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    out, _ = started(tmp_path, own_broker.bootstrap, "--stop-when-idle-s", "5", "--json").communicate(timeout=120)
    with Ledger(tmp_path / "ledger.db") as ledger:
        book = FeedbackBook(ledger, lambda n: bytes(range(n)))
        book.answer(feedback_id(7), "Flag unknown.", "analyst", now_ms, "guard")
    out, _ = started(tmp_path, own_broker.bootstrap, "--stop-when-idle-s", "5", "--json").communicate(timeout=120)
    assert '"delivered"' in out, (tmp_path / "share.log").read_text()[-4000:]

    assert len(kept(tmp_path)) == 60
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert check(ledger, []) is None
        reading = FeedbackReading(ledger.database)
        refused = reading.refusals(99)
        entries = [ledger.entry(seq) for seq in range(len(ledger))]
    assert sorted((each["partner"], each["reason"]) for each in refused) == [
        (name, "not_valid") for name in ("fleet", "fleet", "guard", "guard")
    ]
    assert sum(entry.decision == "feedback" for entry in entries) == 60
    assert not shared_with(log, "answers.fleet")
    (answered,) = shared_with(log, "answers.guard")
    assert json.loads(answered.value)["data"]["text"] == "Flag unknown."
    assert re.search(r'"feedback refused".*"not_valid"', (tmp_path / "share.log").read_text())
    assert re.search(r'"feedback not reached".*"rescue".*unpacks to more', (tmp_path / "share.log").read_text())
