"""Speed of live operation on a real broker: `python -m benchmarks.live [--rows N] [--only PART]`.

The broker, the ingesting process and one detector share the cores of the machine.

replay   positions a second from columns through the broker to alerts, beside one JSON record per position through the
         same client library in the same run, written and read and no more
restore  seconds from a snapshot of 200,000 hulls in the log to a detector
latency  live at 20,000 positions/s, as NMEA sentences over TCP into an ingester: from the moment a sentence of a
         distress beacon is sent until its call can be read, and from the moment the watermark may pass a report until
         its alert can be read; and processor seconds of all clients.
         Detection judges full minutes of event time after the lateness that it grants (120 s by default; here none, so
         the moment is the end of the report's minute): what an alert waits for that is no matter of speed, and comes
         on top
"""

import argparse
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from math import ceil
from pathlib import Path
from random import Random
from threading import Event, Timer
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from rich.console import Console
from rich.table import Table

from benchmarks.detector_process import CONTEXT, Detectors
from benchmarks.live_log import LiveLog, wait_until
from maritime.columns import POSITION_SCHEMA, SourceTable
from maritime.detect.heartbeat import HeartbeatMaker, TimeSettings
from maritime.detect.kernels.beacon import SART_ACTIVE
from maritime.detect.settings import DetectSettings
from maritime.simulate.messages import Report, class_a_positions
from maritime.simulate.sentences import lines
from streams.codec import CALL_TYPE
from streams.detector import DetectSetup, PartitionDetector
from streams.ingest.ingester import Ingester
from streams.ingest.tcp import TcpSource
from streams.kafka import KafkaTransport
from streams.log_writer import LIVE_ROWS, LogWriter
from streams.settings import LiveSettings
from streams.snapshots import Maker, records_of, shelf_of
from streams.topic_names import RESCUE, STATE
from streams.topics import TopicSpec
from streams.transport import Partition
from streams.worker import Pace
from tests.broker.kafka_broker import Broker

PARTITIONS: Final = 12
ROWS: Final = 4_000_000
JSON_ROWS: Final = 150_000
CHUNK_ROWS: Final = 1 << 16  # of one transaction, as in streams.replay_feed
HULLS: Final = 200_000
LIVE_PER_S: Final = 20_000
LIVE_VESSELS: Final = 40_000
FLUSH_S: Final = 0.2
TICK_S: Final = 0.1
LIVE_S: Final = 130.0  # two full minutes end in it
WARM_UP_S: Final = 8.0
FIRST_BEACON: Final = 970_000_000
JSON_TOPIC: Final = "positions.json"
REPLAY_TARGET: Final = 400_000
TIMES_JSON_TARGET: Final = 8
RESTORE_TARGET_S: Final = 15.0
LATENCY_TARGET_S: Final = 1.5
CORES_TARGET: Final = 1.0


class Line(NamedTuple):
    """A measurement beside its target."""

    what: str
    measured: str
    target: str
    is_met: bool


@contextmanager
def running() -> Iterator[tuple[LiveLog, Path]]:
    """A broker with the topics, and a folder."""
    with tempfile.TemporaryDirectory(prefix="live-") as name:
        folder = Path(name)
        (folder / "broker").mkdir()
        broker = Broker(folder / "broker")
        try:
            broker.start()
            # No server forks fast enough to be worth a short session; a detector at work must not lose its place.
            with closing(
                LiveLog(broker.bootstrap, partitions=PARTITIONS, group="bench", session_timeout_ms=10_000)
            ) as log:
                yield log, folder
        finally:
            broker.kill()


def ingest_columns(live: LiveSettings, source: Path, began: Path) -> None:
    """Write the columns of a file into the log as fast as it goes; says when it began."""
    with pa.memory_map(str(source)) as file:
        table = pa.ipc.open_file(file).read_all()
    settings = DetectSettings()
    client = KafkaTransport(live.kafka, group="ingest", member="bench")
    writer = LogWriter(client, SourceTable())
    maker = HeartbeatMaker(settings.time, settings.clocks)
    began.write_text(repr(time.time()))
    nothing = pa.RecordBatch.from_pylist([], _statics_schema())
    for batch in table.to_batches(max_chunksize=CHUNK_ROWS):
        beats = maker.feed(batch)
        believed, _ = maker.believed(batch)
        writer.reports(believed, nothing)
        writer.heartbeats(beats)
        writer.commit()
    writer.heartbeats(maker.finish())
    writer.commit()
    client.close()


def replay(rows: int) -> tuple[float, float]:
    """Positions a second through the log to alerts, and as JSON."""
    from benchmarks.engine import repeated, shared_reports

    positions, _ = shared_reports()
    positions = repeated(positions, ceil(rows / positions.num_rows))
    with running() as (log, folder):
        source, began = folder / "positions.arrow", folder / "began"
        with pa.OSFile(str(source), "wb") as file, pa.ipc.new_file(file, positions.schema) as out:
            out.write_batch(positions)
        with Detectors(log.live, folder) as all_:
            detector = all_.start("w0", pace=Pace(cycle_s=1.0, snapshot_every_s=60.0))
            time.sleep(4.0)  # joined, and waiting
            ingest = CONTEXT.Process(target=ingest_columns, args=(log.live, source, began), daemon=True)
            ingest.start()
            ingest.join()
            wrote_s = time.time() - float(began.read_text())
            wait_until(log.is_read(), "the detector reads everything", 300.0, 0.05)
            seconds = time.time() - float(began.read_text())
            all_.stop(detector)
            counts = all_.counters(detector)
        print(
            f"  wrote in {wrote_s:.1f} s, read by {seconds:.1f} s; detector {counts['cpu_ms'] / 1000:.1f} s of "
            f"processor, {counts['records']:,} records, {counts['alerts']:,} alerts",
            flush=True,
        )
        return positions.num_rows / seconds, as_json(log, positions.slice(0, JSON_ROWS))


def as_json(log: LiveLog, positions: pa.RecordBatch) -> float:
    """Positions a second as one JSON record each, from columns through the broker to dictionaries."""
    with closing(log.administration()) as administration:
        administration.create([TopicSpec(JSON_TOPIC, PARTITIONS, 1, "delete", 3_600_000)])
    reader = CONTEXT.Process(target=read_json, args=(log.live.kafka.bootstrap, positions.num_rows), daemon=True)
    reader.start()
    producer = KafkaProducer(
        bootstrap_servers=log.live.kafka.bootstrap,
        acks="all",
        compression_type="lz4",
        batch_size=256 * 1024,
        linger_ms=20,
        metrics_enabled=False,
    )
    began_s = time.time()
    for row in positions.to_pylist():
        key = b"%09d" % row["mmsi"]
        producer.send(JSON_TOPIC, json.dumps(_plain(row), separators=(",", ":")).encode(), key)
    producer.flush()
    reader.join(120.0)
    seconds = time.time() - began_s
    producer.close()
    if reader.exitcode != 0:
        raise RuntimeError("the JSON records were not all read")
    return positions.num_rows / seconds


def read_json(bootstrap: str, rows: int) -> None:
    """Read so many JSON records."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, metrics_enabled=False)
    where = [TopicPartition(JSON_TOPIC, number) for number in range(PARTITIONS)]
    consumer.assign(where)
    for each in where:
        consumer.seek(each, 0)
    seen = 0
    while seen < rows:
        for records in consumer.poll(timeout_ms=500, max_records=5_000).values():
            for record in records:
                json.loads(record.value)
                seen += 1
    consumer.close()


def restore() -> tuple[float, int]:
    """Seconds from a snapshot in the log to a detector, and the snapshot's bytes."""
    from benchmarks.warmed import PLACES

    setup = DetectSetup(DetectSettings(), PLACES, PARTITIONS)
    full = PartitionDetector(setup, 0)
    maker = HeartbeatMaker(setup.settings.time)
    for minute in range(0, 30, 5):
        reports = at_sea(np.arange(HULLS), 1_577_872_800_000 + minute * 60_000 + np.arange(HULLS) % 240_000)
        reports = reports.sort_by("t")
        beats = maker.feed(reports)
        full._engine.feed(reports)
        full._engine.advance(beats)
    assert full.counters["hulls"] == HULLS
    body = full.snapshot()
    who = Maker("bench", "c", "p", PARTITIONS)
    with running() as (log, _):
        writer = log.client(group="state")
        writer.send(list(records_of(body, 0, 1, 0, 0, who)))
        writer.commit()
        began_s = time.monotonic()
        reader = log.client(group="restoring")
        (saved,) = shelf_of(reader.read(Partition(STATE, 0)), 0, who).saved
        again = PartitionDetector.restore(saved.body, setup, 0)
        seconds = time.monotonic() - began_s
        assert again.counters["hulls"] == HULLS
    return seconds, len(body)


def at_sea(number: Any, t_ms: Any, mmsi: Any = None, status: Any = 0) -> pa.RecordBatch:
    """Reports of vessels that sail on a grid in the Indian Ocean."""
    n = len(number)
    hours = (t_ms % 86_400_000) / 3_600_000.0
    values = {
        "mmsi": 200_000_000 + number if mmsi is None else mmsi,
        "t": t_ms,
        "lat": -30.0 + (number // 500) * 0.05 % 40.0,
        "lon": 60.0 + (number % 500) * 0.05 + hours * 0.16,
        "sog": np.full(n, 9.6),
        "cog": np.full(n, 90.0),
        "heading": np.full(n, 90.0),
        "nav_status": np.broadcast_to(status, n),
        "msg_type": np.full(n, 1),
        "source": np.zeros(n),
    }
    arrays = [
        pa.array(np.asarray(values[field.name]).astype(field.type.to_pandas_dtype()), field.type)
        for field in POSITION_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=POSITION_SCHEMA)


def ingest_live(live: LiveSettings, seconds: float, per_s: int, vessels: int) -> None:
    """Columns of reports, written every FLUSH_S."""
    client = KafkaTransport(live.kafka, group="ingest", member="bench")
    writer = LogWriter(client, SourceTable(), most_rows=LIVE_ROWS)
    maker = HeartbeatMaker(TimeSettings(lateness_s=0.0))
    nothing = pa.RecordBatch.from_pylist([], _statics_schema())
    n = round(per_s * FLUSH_S)
    began_s = time.time()
    flushes = round(seconds / FLUSH_S)
    for flush in range(flushes):
        due_s = began_s + (flush + 1) * FLUSH_S
        time.sleep(max(0.0, due_s - time.time()))
        end_ms = round(due_s * 1000)
        t_ms = end_ms - round(FLUSH_S * 1000) + np.arange(n) * round(FLUSH_S * 1000) // n
        batch = at_sea((flush * n + np.arange(n)) % vessels, t_ms)
        beats = maker.feed(batch)
        believed, _ = maker.believed(batch)
        writer.reports(believed, nothing)
        writer.heartbeats(beats)
        writer.commit()
    client.close()


def send_sentences(server: socket.socket, seconds: float, per_s: int, vessels: int) -> None:
    """Serve one client NMEA, a piece every TICK_S; with each a beacon that was never heard before."""
    connection, _ = server.accept()
    n = round(per_s * TICK_S)
    began_s = time.time()
    with connection, suppress(ConnectionError):  # the ingester may stop first
        for tick in range(round(seconds / TICK_S)):
            due_ms = round((began_s + (tick + 1) * TICK_S) * 1000)
            t_ms = np.full(n + 1, due_ms)
            number = np.append((tick * n + np.arange(n)) % vessels, tick)
            mmsi = np.append(200_000_000 + number[:n], FIRST_BEACON + tick)
            rows = at_sea(number, t_ms, mmsi, np.append(np.zeros(n, np.int64), SART_ACTIVE))
            report = Report(
                t_ms,
                *(rows[name].to_numpy().astype(np.float64) for name in ("lat", "lon", "sog", "cog", "heading")),
                np.full(n + 1, np.nan),
                rows["nav_status"].to_numpy().astype(np.int64),
            )
            channel, serial = np.full((n + 1, 1), ord("A"), np.uint8), np.full((n + 1, 4), ord("0"), np.uint8)
            piece = lines(class_a_positions(mmsi, report), channel, "BENCH", t_ms, True, serial).tobytes()
            time.sleep(max(0.0, due_ms / 1000 - time.time()))
            connection.sendall(piece)


def ingest_sentences(live: LiveSettings, port: int, seconds: float) -> None:
    """The ingester of `maritime ingest`, granting no lateness, for so long."""
    stop = Event()
    Timer(seconds, stop.set).start()
    source = TcpSource("bench", "127.0.0.1", port, Random(1))
    client = KafkaTransport(live.kafka, group="ingest", member="bench")
    Ingester(client, [source], settings=DetectSettings(time=TimeSettings(lateness_s=0.0)), stop=stop).run()
    client.close()


class Latency(NamedTuple):
    """What was measured live; seconds in ascending order."""

    calls_s: list[float]  # from a beacon's report to its distress call
    alerts_s: list[float]  # from the end of a beacon's minute to its alert
    cores: dict[str, float]  # of each client


def latency(seconds: float = LIVE_S) -> Latency:
    """Let beacons be heard among ordinary traffic."""
    with running() as (log, folder), Detectors(log.live, folder) as all_:
        detector = all_.start("w0", pace=Pace(cycle_s=0.5))
        reader = log.client(group="tail.bench")
        reader.subscribe(RESCUE, Quiet())
        for _ in range(20):
            reader.poll(0.2)
        server = socket.create_server(("127.0.0.1", 0))
        heard = (log.live, server.getsockname()[1], WARM_UP_S + seconds)
        ingest = CONTEXT.Process(target=ingest_sentences, args=heard, daemon=True)
        ingest.start()
        sent = (server, WARM_UP_S + seconds, LIVE_PER_S, LIVE_VESSELS)
        sender = CONTEXT.Process(target=send_sentences, args=sent, daemon=True)
        sender.start()
        began_s = time.time()
        calls_s: list[float] = []
        alerts_s: list[float] = []
        spent: dict[str, float] = {}
        clients = {"ingest": ingest.pid, "detector": detector.pid, "reader": os.getpid()}
        until_s = began_s + WARM_UP_S + seconds + 3.0
        while time.time() < until_s:
            records = reader.poll(0.5)
            now_s = time.time()
            if not spent and now_s > began_s + WARM_UP_S:
                spent = {name: _processor_s(pid) for name, pid in clients.items()}
                measured_s = now_s
            if now_s < began_s + WARM_UP_S + seconds - 1.0:
                last = {name: _processor_s(pid) for name, pid in clients.items()} if spent else {}
                last_s = now_s
            for record in records:
                event = json.loads(record.value or b"{}")
                heard_s = _seconds(event["time"])
                due_s = ceil(heard_s / 60.0) * 60.0
                if event["type"] == CALL_TYPE and heard_s > began_s + WARM_UP_S:
                    calls_s.append(now_s - heard_s)
                elif event["data"].get("revision") == 0 and due_s > began_s + WARM_UP_S:
                    alerts_s.append(now_s - due_s)
        cores = {name: (last[name] - spent[name]) / (last_s - measured_s) for name in clients}
        all_.stop(detector)
        for process in (ingest, sender):
            process.join(10.0)
        server.close()
    return Latency(sorted(calls_s), sorted(alerts_s), cores)


class Quiet:
    """A listener that begins where the log is."""

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """Nothing to do."""

    revoked = lost = assigned


def _seconds(text: str) -> float:
    from maritime.times import from_rfc3339

    return from_rfc3339(text) / 1000.0


def _processor_s(pid: int | None) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in row.items()}


def _statics_schema() -> pa.Schema:
    from maritime.columns import STATIC_SCHEMA

    return STATIC_SCHEMA


def replay_lines(rows: int) -> list[Line]:
    """Measure the replay."""
    arrow, json_ = replay(rows)
    return [
        Line("replay through the broker, positions/s", f"{arrow:,.0f}", f"≥ {REPLAY_TARGET:,}", arrow >= REPLAY_TARGET),
        Line("one JSON record each, positions/s", f"{json_:,.0f}", "", True),
        Line("… times", f"{arrow / json_:.1f}", f"≥ {TIMES_JSON_TARGET}", arrow / json_ >= TIMES_JSON_TARGET),
    ]


def restore_lines(rows: int) -> list[Line]:
    """Measure the restoring."""
    seconds, size = restore()
    what = f"restore of {HULLS:,} hulls ({size / 1e6:.0f} MB), s"
    return [Line(what, f"{seconds:.1f}", f"≤ {RESTORE_TARGET_S:g}", seconds <= RESTORE_TARGET_S)]


def latency_lines(rows: int) -> list[Line]:
    """Measure live operation."""
    measured = latency()
    told: list[Line] = []
    for what, waits in (("sentence to distress call", measured.calls_s), ("watermark to alert", measured.alerts_s)):
        p50, p99 = (waits[min(len(waits) - 1, int(len(waits) * q))] for q in (0.5, 0.99))
        told.append(Line(f"{what} at {LIVE_PER_S:,}/s, median of {len(waits)}, s", f"{p50:.2f}", "", True))
        told.append(Line("… p99, s", f"{p99:.2f}", f"≤ {LATENCY_TARGET_S:g}", p99 <= LATENCY_TARGET_S))
    shares = ", ".join(f"{name} {share:.2f}" for name, share in measured.cores.items())
    cores = sum(measured.cores.values())
    told.append(Line(f"cores of all clients ({shares})", f"{cores:.2f}", f"≤ {CORES_TARGET:g}", cores <= CORES_TARGET))
    return told


PARTS: Final[dict[str, Callable[[int], list[Line]]]] = {
    "replay": replay_lines,
    "restore": restore_lines,
    "latency": latency_lines,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print a table; exit code 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="positions of the replay, roughly")
    parser.add_argument("--only", choices=list(PARTS), help="measure this alone")
    given = parser.parse_args(argv)
    table = Table(title=f"Live operation on Apache Kafka, {os.cpu_count()} processors for broker and clients")
    for column in ("", "measured", "target", ""):
        table.add_column(column, justify="right" if column in ("measured", "target") else "left")
    missed = False
    for name in [given.only] if given.only else list(PARTS):
        for line in PARTS[name](given.rows):
            told = "" if not line.target else "met" if line.is_met else "MISSED"
            missed |= not line.is_met
            table.add_row(line.what, line.measured, line.target, told)
    Console(width=130).print(table)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
