"""`maritime share` on Apache Kafka: killed again and again, it loses nothing and tells nothing twice."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing
from threading import Event, Thread

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maritime.sharing.ledger import Ledger
from maritime.sharing.ledger_check import check
from streams.codec import ToldAlert, unpack_event
from streams.detector import DetectSetup
from streams.kafka import KafkaAdministration
from streams.topic_names import ALERTS, RESCUE
from streams.topics import TopicSpec
from streams.transport import Partition, Record
from streams.worker import DetectWorker, Pace
from tests.cli.running import PROJECT
from tests.detect.fleet import fleet, places, statics
from tests.sharing.policies import partner, rule
from tests.streams.live import drain, records, setup_of, write
from tests.streams.share.office import PARTNERS, SHARED, SIGNING, Office, alert, policy_text, records_of
from tests.streams.test_live_on_kafka import PARTITIONS, KafkaLog

pytestmark = pytest.mark.broker
PATIENCE_S = 120.0


@pytest.fixture
def log(own_broker):
    with ExitStack() as closes:
        made = KafkaLog(own_broker.bootstrap, closes)
        with closing(KafkaAdministration(made._settings)) as administration:
            administration.create([TopicSpec(name, n, 1, "delete", 3_600_000) for name, n in SHARED.items()])
        yield made


def until_now(batch: pa.RecordBatch, shift_ms: int) -> pa.RecordBatch:
    place = batch.schema.get_field_index("t")
    return batch.set_column(place, batch.schema.field(place), pc.add(batch["t"], pa.scalar(shift_ms, pa.int64())))


def shared_with(log: KafkaLog, name: str) -> list[Record]:
    client = log.client(group="looks")
    try:
        return [r for n in range(client.topics()[name]) for r in client.read(Partition(name, n))]
    finally:
        client.close()


def started(folder, bootstrap, *more: str) -> subprocess.Popen:
    words = ["share", "--policy", "policy.yaml", "--ledger", "ledger.db", "--key", "key.pem", "--from-beginning"]
    env = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "MARITIME_KAFKA__BOOTSTRAP": bootstrap,
        "MARITIME_KAFKA__SESSION_TIMEOUT_MS": "6000",
        "MARITIME_LOG__PARTITIONS": str(PARTITIONS),
    }
    command = [sys.executable, "-m", "maritime.cli", *words, *more]
    with (folder / "share.log").open("ab") as told:  # a pipe that nobody reads would hold it up
        return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=told, text=True)


def test_killed_again_and_again_it_tells_each_partner_everything_once(log, own_broker, tmp_path):
    (tmp_path / "policy.yaml").write_bytes(policy_text())
    (tmp_path / "key.pem").touch(0o600)
    (tmp_path / "key.pem").write_bytes(SIGNING.to_pem())
    positions = fleet(1)
    shift_ms = int(time.time() * 1000) - int(pc.max(positions["t"]).as_py())
    write(log, until_now(positions, shift_ms), until_now(statics(), shift_ms), step=1_500, most_rows=500)
    setup = DetectSetup(setup_of(PARTITIONS).settings, places(), PARTITIONS, status="actual")
    pace = Pace(cycle_s=0.2, snapshot_every_s=60.0, most_records=4)
    detector = DetectWorker(lambda: log.client("w0"), setup, pace)
    stop, kills = Event(), 0
    work = Thread(target=detector.run, args=(stop,))
    work.start()
    try:
        for threshold in (1, 5, 9, 12):
            process = started(tmp_path, own_broker.bootstrap)
            until_s = time.monotonic() + PATIENCE_S
            while len(shared_with(log, "alerts.fleet")) < threshold and time.monotonic() < until_s:
                assert process.poll() is None, (tmp_path / "share.log").read_text()[-4000:]
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)
            kills += 1
        detector_done = time.monotonic() + PATIENCE_S
        while detector.counters()["records"] == 0 and time.monotonic() < detector_done:
            time.sleep(0.2)
    finally:
        stop.set()
        work.join(PATIENCE_S)
    drain([DetectWorker(lambda: log.client("w1"), setup, Pace(cycle_s=0.2))])
    out, _ = started(tmp_path, own_broker.bootstrap, "--stop-when-idle-s", "4", "--json").communicate(timeout=120)
    assert '"delivered"' in out, (tmp_path / "share.log").read_text()[-4000:]
    assert kills == 4

    alerts = [unpack_event(record.value) for record in records(log, ALERTS)]
    assert len(alerts) > 12
    assert all(isinstance(told, ToldAlert) and told.status == "actual" for told in alerts)
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert check(ledger, []) is None
        entries = [ledger.entry(seq) for seq in range(len(ledger))]
        assert ledger.database.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    calls = sum(not isinstance(unpack_event(r.value), ToldAlert) for r in records(log, RESCUE))
    assert calls
    decided = Counter((e.internal_id, e.internal_revision, e.partner) for e in entries)
    for told in alerts:
        for name in PARTNERS if told.alert.state != "retracted" else ():
            assert decided[told.alert.alert_id, told.alert.revision, name] in (1, 2)  # a call has revision 0 too
    sent = Counter(e.partner for e in entries if e.sha256 is not None)
    assert len(entries) <= len(PARTNERS) * len(alerts) + calls
    for name in PARTNERS:
        found = shared_with(log, f"alerts.{name}")
        numbers = [int(dict(record.headers)["sequence"]) for record in found]
        assert len(numbers) == len(set(numbers)) == sent[name] > 10
        sequences = sorted(int(Office.event(record)["sequence"]) for record in found)
        assert sequences == list(range(1, len(found) + 1))
        assert not shared_with(log, f"exercise.alerts.{name}")


def test_topics_that_are_missing_or_refuse_hold_up_nobody(log, own_broker, tmp_path):
    specs = [
        TopicSpec("alerts.fast", 1, 1, "delete", 3_600_000),
        TopicSpec("alerts.saver", 1, 1, "delete", 3_600_000),
        TopicSpec("alerts.narrow", 1, 1, "delete", 3_600_000, most_batch_bytes=500),  # takes no envelope
    ]
    with closing(KafkaAdministration(log._settings)) as administration:
        administration.create(specs)
    partners = {name: partner(rule(), rescue=name == "saver") for name in ("absent", "fast", "narrow", "saver")}
    (tmp_path / "policy.yaml").write_bytes(policy_text(**partners))
    (tmp_path / "key.pem").touch(0o600)
    (tmp_path / "key.pem").write_bytes(SIGNING.to_pem())
    now_ms = int(time.time() * 1000)
    writer = log.client(group="detect.by-hand")
    writer.send(records_of([alert(n, raised_ms=now_ms) for n in range(5)]))
    writer.commit()
    words = ("--stop-when-idle-s", "4", "--member", "second", "--json")
    out, _ = started(tmp_path, own_broker.bootstrap, *words).communicate(timeout=120)
    assert '"delivered"' in out, (tmp_path / "share.log").read_text()[-4000:]
    told_fast = len(shared_with(log, "alerts.fast"))
    assert len(shared_with(log, "alerts.saver")) >= told_fast >= 5  # who rescues is told of calls too
    assert shared_with(log, "alerts.narrow") == []
    told = (tmp_path / "share.log").read_text()
    assert re.search(r'"partner":"absent".*no such topic', told)
    assert re.search(r'"partner":"narrow".*the log refuses it', told)
    with Ledger(tmp_path / "ledger.db") as ledger:
        waiting = dict(ledger.database.execute("SELECT partner, count(*) FROM outbox GROUP BY partner"))
    assert waiting["absent"] == waiting["narrow"] == told_fast
    assert not {"fast", "saver"} & waiting.keys()
