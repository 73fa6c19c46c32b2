"""Distress at once, on a real broker: `python -m benchmarks.sharing_live [--seconds N]`.

One detector reads 10,000 positions/s, beside them beacons that were never heard before; one `maritime share` decides
about alerts and calls for 50 partners, of whom two rescue. Measured: from the moment a call can be read in `alerts.rcc`
until its envelope can be read in a rescuer's topic, and on the way the ordinary feeds. Broker, ingesting process,
detector, sharing process and readers share the cores of the machine.
"""

import argparse
import json
import secrets
import signal
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import numpy as np
import pyarrow as pa
import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.detector_process import CONTEXT, Detectors
from benchmarks.live import FIRST_BEACON, Quiet, at_sea, running
from benchmarks.live_log import LiveLog
from maritime.alerts.alert import Detector
from maritime.columns import STATIC_SCHEMA, SourceTable
from maritime.detect.heartbeat import HeartbeatMaker, TimeSettings
from maritime.detect.kernels.beacon import SART_ACTIVE
from maritime.sharing.desk import Desk
from maritime.sharing.keys import SEED_BYTES, SigningKey
from maritime.sharing.ledger import Ledger
from maritime.sharing.publisher import Publisher, Secrets
from streams.codec import CALL_TYPE
from streams.kafka import KafkaTransport
from streams.log_writer import LIVE_ROWS, LogWriter
from streams.settings import LiveSettings
from streams.share.policy_watch import PolicyWatch
from streams.share.worker import Clients, ShareWorker
from streams.topic_names import RESCUE
from streams.topics import TopicSpec
from streams.worker import Pace
from tests.sharing.policies import MARK, partner, rule

PER_S: Final = 10_000
VESSELS: Final = 20_000
PARTNERS: Final = 50
RESCUERS: Final = 2
FLUSH_S: Final = 0.2
BEACON_EVERY: Final = 5  # flushes: one a second
WARM_UP_S: Final = 12.0
SECONDS: Final = 60.0
TARGET_S: Final = 1.0
MAKER: Final = Detector("bench", "0", "0" * 64)


def policy_text() -> bytes:
    """Fifty partners that get everything, the first of them rescuers."""
    partners = {f"p{n:02d}": partner(rule(), rescue=n < RESCUERS) for n in range(PARTNERS)}
    return yaml.safe_dump(
        {
            "policy": "bench",
            "version": "1",
            "originator": {"org_id": "bench.example", "name": "Bench", "country": "TH"},
            "marks": [MARK | {"rel_to": list(partners)}],
            "partners": partners,
        }
    ).encode()


def ingest(live: LiveSettings, seconds: float) -> None:
    """Columns of reports every FLUSH_S, and each second a new beacon with them."""
    client = KafkaTransport(live.kafka, group="ingest", member="bench")
    writer = LogWriter(client, SourceTable(), most_rows=LIVE_ROWS)
    maker = HeartbeatMaker(TimeSettings(lateness_s=0.0))
    n, nothing = round(PER_S * FLUSH_S), pa.RecordBatch.from_pylist([], STATIC_SCHEMA)
    began_s = time.time()
    for flush in range(round(seconds / FLUSH_S)):
        due_s = began_s + (flush + 1) * FLUSH_S
        time.sleep(max(0.0, due_s - time.time()))
        has_beacon = flush % BEACON_EVERY == 0
        count = n + has_beacon
        number = np.append((flush * n + np.arange(n)) % VESSELS, [flush] * has_beacon)
        t_ms = np.full(count, round(due_s * 1000))
        t_ms[:n] -= round(FLUSH_S * 1000) - np.arange(n) * round(FLUSH_S * 1000) // n
        mmsi = np.append(200_000_000 + number[:n], [FIRST_BEACON + flush] * has_beacon)
        status = np.append(np.zeros(n, np.int64), [SART_ACTIVE] * has_beacon)
        batch = at_sea(number, t_ms, mmsi, status)
        beats = maker.feed(batch)
        believed, _ = maker.believed(batch)
        writer.reports(believed, nothing)
        writer.heartbeats(beats)
        writer.commit()
    client.close()


def share(live: LiveSettings, folder: Path) -> None:
    """The worker of `maritime share`, until SIGTERM; then write the counters down."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signing = SigningKey.from_seed(secrets.token_bytes(SEED_BYTES))
    with Ledger(folder / "ledger.db") as ledger:

        def publisher(policy: Any, sha256: str) -> Publisher:
            return Publisher(policy, sha256, ledger, Secrets(signing, {}), secrets.token_bytes)

        def client(group: str) -> KafkaTransport:
            return KafkaTransport(live.kafka, group=group, member="main")

        worker = ShareWorker(
            Clients(lambda: client("share.main"), lambda: client("share.main.rescue")),
            ledger,
            Desk(ledger, secrets.token_bytes),
            PolicyWatch(folder / "policy.yaml", publisher),
            "actual",
            MAKER,
            lambda: time.time_ns() // 1_000_000,
            time.monotonic,
        )
        worker.run(stop)
        (folder / "share.json").write_text(json.dumps(worker.counters()))


class Heard(Thread):
    """Reads a topic, and notes when each beacon's number was first readable there."""

    def __init__(self, log: LiveLog, topic: str) -> None:
        super().__init__(daemon=True)
        self._client, self._topic, self._stop_it = log.client(group=f"bench.{topic}"), topic, Event()
        self.at_s: dict[int, float] = {}

    def run(self) -> None:
        self._client.subscribe(self._topic, Quiet())
        while not self._stop_it.is_set():
            for record in self._client.poll(0.5):
                now_s, event = time.time(), json.loads(record.value or b"{}")
                data = event["data"]
                if event["type"] == CALL_TYPE:
                    self.at_s.setdefault(data["mmsi"], now_s)
                elif self._topic != RESCUE:
                    self.at_s.setdefault(data["vessels"][0]["mmsi"] if data.get("vessels") else 0, now_s)

    def end(self) -> None:
        self._stop_it.set()
        self.join(10.0)


def measure(seconds: float) -> tuple[list[float], dict[str, int]]:
    """Seconds from a call to a rescuer, in ascending order, and what the sharing process counted."""
    with running() as (log, folder), tempfile.TemporaryDirectory() as name, Detectors(log.live, folder) as detectors:
        work = Path(name)
        (work / "policy.yaml").write_bytes(policy_text())
        with closing(log.administration()) as administration:
            administration.create([TopicSpec(f"alerts.p{n:02d}", 1, 1, "delete", 3_600_000) for n in range(PARTNERS)])
        detector = detectors.start("w0", pace=Pace(cycle_s=0.5))
        sharing = CONTEXT.Process(target=share, args=(log.live, work), daemon=True)
        sharing.start()
        called, rescued = Heard(log, RESCUE), Heard(log, "alerts.p00")
        for reader in (called, rescued):
            reader.start()
        time.sleep(WARM_UP_S)
        source = CONTEXT.Process(target=ingest, args=(log.live, seconds), daemon=True)
        source.start()
        source.join()
        time.sleep(3.0)
        for reader in (called, rescued):
            reader.end()
        sharing.terminate()
        sharing.join(30.0)
        detectors.stop(detector)
        counts = json.loads((work / "share.json").read_text())
    missing = called.at_s.keys() - rescued.at_s.keys()
    if missing:
        raise RuntimeError(f"{len(missing)} of {len(called.at_s)} calls did not reach the rescuer")
    return sorted(rescued.at_s[mmsi] - at_s for mmsi, at_s in called.at_s.items()), counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sharing_live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long positions come")
    seconds = parser.parse_args().seconds
    waits_s, counts = measure(seconds)
    p50, p99 = (waits_s[min(len(waits_s) - 1, int(len(waits_s) * q))] for q in (0.5, 0.99))
    table = Table(title=f"{PER_S:,} positions/s, {PARTNERS} partners, {len(waits_s)} beacons")
    for heading in ("what", "measured", "target"):
        table.add_column(heading)
    table.add_row("call to rescuer, median, s", f"{p50:.2f}", "")
    table.add_row("… p99, s", f"{p99:.2f}", f"≤ {TARGET_S:g}")
    table.add_row("parcels delivered", f"{counts['delivered']:,}", "")
    Console().print(table)
    if p99 > TARGET_S:
        sys.exit("missed its target")


if __name__ == "__main__":
    main()
