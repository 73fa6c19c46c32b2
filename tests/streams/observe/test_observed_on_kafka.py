"""On Apache Kafka: what is served while a worker runs is what lies in the log."""

import json
import threading
import time
import urllib.request
from contextlib import ExitStack

import pytest

pytest.importorskip("streams.kafka", reason="the transport for Kafka is not there")

from streams.observe.observed_worker import ObservedWorker
from streams.observe.status_server import StatusServer
from streams.topic_names import ALERTS
from streams.worker import Pace
from tests.detect.fleet import fleet, statics
from tests.streams.live import records, setup_of, write
from tests.streams.test_live_on_kafka import PARTITIONS, PATIENCE_S, KafkaLog, expected

pytestmark = pytest.mark.broker


@pytest.fixture
def log(own_broker):
    with ExitStack() as closes:
        yield KafkaLog(own_broker.bootstrap, closes)


def fetched(server, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
        return answer.read().decode()


def total(text, name):
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))
    )


def test_a_worker_on_a_broker_is_seen(log):
    write(log, fleet(1), statics(), step=1_500, most_rows=500)
    wanted = sum(name.startswith(f"{ALERTS}/") for name, _ in expected())
    pace = Pace(cycle_s=0.2, snapshot_every_s=1.0, look_every_s=0.5)
    observed = ObservedWorker(lambda: log.client("seen"), setup_of(PARTITIONS), pace)
    stop = threading.Event()
    working = threading.Thread(target=observed.run, args=(stop,), daemon=True)
    with StatusServer(observed.registry, observed) as server:
        working.start()
        until_s = time.monotonic() + PATIENCE_S
        text = ""
        while time.monotonic() < until_s:
            text = fetched(server, "/metrics")
            behind = total(text, "maritime_partition_lag_records")
            saved = total(text, "maritime_partition_snapshot_bytes")
            if total(text, "maritime_alerts_total") >= wanted and behind <= 6 and saved > 1_000:
                break
            time.sleep(0.2)
        assert json.loads(fetched(server, "/readyz")) == {"ok": True, "why_not": []}
        assert json.loads(fetched(server, "/healthz"))["ok"]
        assert total(text, "maritime_partition_live") == PARTITIONS
        assert total(text, "maritime_partition_snapshot_bytes") > 1_000
        stop.set()
        working.join(30)
        text = fetched(server, "/metrics")
    assert total(text, "maritime_alerts_total") == wanted == len(records(log, ALERTS))
    assert total(text, "maritime_partition_live") == 0, "it has left"
    assert total(text, "maritime_worker_joined") == 0
    assert total(text, "maritime_restore_seconds_count") == PARTITIONS
    assert total(text, "maritime_commit_seconds_count") > 0
    assert "maritime_client_count" in text
