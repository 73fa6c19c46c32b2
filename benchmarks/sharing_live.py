"""Distress at once, on a real broker: `python -m benchmarks.sharing_live [--seconds N]`.

One detector reads 10,000 positions/s, beside them beacons that were never heard before; one `maritime share` decides
about alerts and calls for 50 partners, of whom two rescue. Measured: from the moment a call can be read in `alerts.rcc`
until its envelope can be read in a rescuer's topic; and from the moment an alert can be read in `alerts` until its
envelope can be read in the topic of the last ordinary partner, for whom the policy has no delay. Broker, ingesting
process, detector, sharing process and readers share the cores of the machine.
"""

import argparse
import json
import secrets
import signal
import sys
import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, NamedTuple

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
from streams.topic_names import ALERTS, RESCUE
from streams.topics import TopicSpec
from streams.worker import Pace
from tests.sharing.policies import MARK, partner, rule
from tests.streams.share.office import alert, records_of

PER_S: Final = 10_000
VESSELS: Final = 20_000
PARTNERS: Final = 50
RESCUERS: Final = 2
FLUSH_S: Final = 0.2
BEACON_EVERY: Final = 5  # flushes: one a second
ALERT_EVERY: Final = 3  # flushes: 100 a minute, each to 50 partners, beside those that the detector finds
WARM_UP_S: Final = 12.0
PATIENCE_S: Final = 60.0
FIRST: Final = 900_000  # number of the alert that introduces all partners, which is not measured
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
    """Columns of reports every FLUSH_S, each second a new beacon with them, and ordinary alerts beside them."""
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
        if flush % ALERT_EVERY == 0:  # as a detector writes them
            client.send(records_of([alert(flush, started_ms=int(t_ms[0]), raised_ms=int(t_ms[-1]))]))
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
            Clients(*(partial(client, f"share.main{more}") for more in ("", ".rescue", ".delivery"))),
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
    """Reads a topic, and notes when each vessel was first told of there."""

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
                if event["type"] == CALL_TYPE or self._topic == ALERTS:
                    self.at_s.setdefault(data["mmsi"], now_s)
                elif self._topic != RESCUE:
                    self.at_s.setdefault(data["vessels"][0]["mmsi"] if data.get("vessels") else 0, now_s)

    def end(self) -> None:
        self._stop_it.set()
        self.join(10.0)


class Waits(NamedTuple):
    """Seconds in ascending order, and what the sharing process counted."""

    rescue_s: list[float]  # from a call to a rescuer
    ordinary_s: list[float]  # from an alert to an ordinary partner
    counts: dict[str, int]


def between(told: Heard, reached: Heard) -> list[float]:
    """Seconds from one topic to another, in ascending order. Raises RuntimeError when something did not get there."""
    wanted = {mmsi: at_s for mmsi, at_s in told.at_s.items() if mmsi != alert(FIRST).mmsi}
    missing = wanted.keys() - reached.at_s.keys()
    if missing or not wanted:
        raise RuntimeError(f"{len(missing)} of {len(wanted)} that were told did not reach the partner")
    return sorted(reached.at_s[mmsi] - at_s for mmsi, at_s in wanted.items())


def introduce(log: LiveLog, last: Heard) -> None:
    """Let every partner be told of something: a client's first record to a topic costs it the time to find that."""
    now_ms = time.time_ns() // 1_000_000
    client = log.client(group="ingest.first")
    client.send(records_of([alert(FIRST, started_ms=now_ms, raised_ms=now_ms)]))
    client.commit()
    client.close()
    until_s = time.monotonic() + PATIENCE_S
    while not last.at_s and time.monotonic() < until_s:
        time.sleep(0.2)
    time.sleep(1.0)


def measure(seconds: float) -> Waits:
    """Run it all."""
    with running() as (log, folder), tempfile.TemporaryDirectory() as name, Detectors(log.live, folder) as detectors:
        work = Path(name)
        (work / "policy.yaml").write_bytes(policy_text())
        with closing(log.administration()) as administration:
            administration.create([TopicSpec(f"alerts.p{n:02d}", 1, 1, "delete", 3_600_000) for n in range(PARTNERS)])
        detector = detectors.start("w0", pace=Pace(cycle_s=0.5))
        sharing = CONTEXT.Process(target=share, args=(log.live, work), daemon=True)
        sharing.start()
        called, rescued = Heard(log, RESCUE), Heard(log, "alerts.p00")
        alerted, partnered = Heard(log, ALERTS), Heard(log, f"alerts.p{PARTNERS - 1:02d}")
        for reader in (called, rescued, alerted, partnered):
            reader.start()
        time.sleep(WARM_UP_S)
        introduce(log, partnered)
        source = CONTEXT.Process(target=ingest, args=(log.live, seconds), daemon=True)
        source.start()
        source.join()
        for readers in ((called, alerted), (rescued, partnered)):
            time.sleep(3.0)  # what was told last gets there
            for reader in readers:
                reader.end()
        sharing.terminate()
        sharing.join(30.0)
        detectors.stop(detector)
        counts = json.loads((work / "share.json").read_text())
    return Waits(between(called, rescued), between(alerted, partnered), counts)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sharing_live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long positions come")
    seconds = parser.parse_args().seconds
    waits = measure(seconds)
    table = Table(title=f"{PER_S:,} positions/s, {PARTNERS} partners, {len(waits.rescue_s)} beacons")
    for heading in ("what", "median, s", "p95, s", "p99, s", "target"):
        table.add_column(heading)
    rows = (("call to rescuer", waits.rescue_s, "p99"), ("alert to ordinary partner", waits.ordinary_s, "p95"))
    for what, waits_s, judged in rows:
        told = [f"{at(waits_s, q):.2f}" for q in (0.5, 0.95, 0.99)]
        table.add_row(what, *told, f"{judged} ≤ {TARGET_S:g}")
    table.add_row("parcels delivered", f"{waits.counts['delivered']:,}", "", "", "")
    Console().print(table)
    if at(waits.rescue_s, 0.99) > TARGET_S or at(waits.ordinary_s, 0.95) > TARGET_S:
        sys.exit("missed its target")


def at(ascending_s: list[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    return ascending_s[min(len(ascending_s) - 1, int(len(ascending_s) * share))]


if __name__ == "__main__":
    main()
