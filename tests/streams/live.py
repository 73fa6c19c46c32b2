"""A log in this process, fleets written into it, workers on it, and what they left there."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import pyarrow as pa

from maritime.alerts.spool import json_line
from maritime.columns import SourceTable
from maritime.detect.heartbeat import HeartbeatMaker
from maritime.detect.settings import DetectSettings
from streams import codec
from streams.detector import DetectSetup
from streams.log_writer import LogWriter
from streams.memory import MemoryLog
from streams.topic_names import ALERTS, POSITIONS, REJECTS, RESCUE, STATE, VESSELS
from streams.transport import Partition, Record
from streams.worker import DetectWorker, Pace
from tests.detect.fleet import places, sources

ALERT_PARTITIONS = 3


def topics(partitions: int) -> dict[str, int]:
    return {POSITIONS: partitions, VESSELS: 2, REJECTS: 2, STATE: partitions, ALERTS: ALERT_PARTITIONS, RESCUE: 2}


def setup_of(partitions: int, settings: DetectSettings | None = None) -> DetectSetup:
    """As of an actual log, which is what settings say by default."""
    return DetectSetup(settings or DetectSettings(), places(), partitions, status="actual")


class Ticks:
    """A clock that a test moves: every look at it takes a tenth of a second."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 0.1
        return self.now_s


def write(
    log: MemoryLog,
    positions: pa.RecordBatch,
    statics: pa.RecordBatch,
    *,
    step: int = 600,
    most_rows: int = 200,
    clock: pa.RecordBatch | None = None,
    table: SourceTable | None = None,
    finish: bool = True,
) -> None:
    """Positions in slices of `step` rows, each a transaction, with the heartbeats that they let be made."""
    settings = DetectSettings()
    writer = LogWriter(log.client(group="ingest"), table or sources(), most_rows=most_rows)
    maker = HeartbeatMaker(settings.time, settings.clocks)
    for begin, end in pairwise([*range(0, positions.num_rows, step), positions.num_rows]):
        part = positions.slice(begin, end - begin)
        beats = maker.feed(part, clock if begin == 0 else None)
        believed, _ = maker.believed(part)
        writer.reports(believed, statics if begin == 0 else statics.slice(0, 0))
        writer.heartbeats(beats)
        writer.commit()
    if finish:
        writer.heartbeats(maker.finish())
        writer.commit()


def worker_of(log: MemoryLog, setup: DetectSetup, name: str = "w", pace: Pace | None = None) -> DetectWorker:
    pace = pace or Pace(cycle_s=0, snapshot_every_s=2.0)
    return DetectWorker(lambda: log.client(name), setup, pace, clock=Ticks())


def drain(workers: Iterable[DetectWorker], rounds: int = 20_000) -> None:
    """Let workers work by turns until none finds anything to do."""
    workers = list(workers)
    idle = 0
    for _ in range(rounds):
        busy = [worker.cycle() or worker.failures_in_a_row for worker in workers]
        idle = 0 if any(busy) else idle + 1
        if idle == 4:
            return
    raise AssertionError(f"never done: {[worker.last_error for worker in workers]}")


def records(log: MemoryLog, topic: str) -> list[Record]:
    client = log.client()
    return [record for number in range(log.topics[topic]) for record in client.read(Partition(topic, number))]


def events(log: MemoryLog) -> list[tuple[str, bytes]]:
    """(topic/id, bytes) of all alerts and what concerns rescue, as a reader of committed events sees them, in order."""
    return sorted(
        (f"{topic}/{json.loads(record.value)['id']}", record.value)
        for topic in (ALERTS, RESCUE)
        for record in records(log, topic)
    )


def final_lines(log: MemoryLog) -> bytes:
    """What `alerts.jsonl` of a replay holds: the newest revision of each alert."""
    final = {}
    for record in records(log, ALERTS):
        alert = codec.unpack_alert(record.value)
        if alert.alert_id not in final or final[alert.alert_id].revision < alert.revision:
            final[alert.alert_id] = alert
    ordered = sorted(final.values(), key=lambda alert: (alert.raised_ms, alert.alert_id))
    return b"".join(json_line(alert) for alert in ordered)


def letters(log: MemoryLog) -> Counter[tuple[str, str]]:
    """Rows or records among the dead letters, by what they are of and their reason."""
    found: Counter[tuple[str, str]] = Counter()
    for record in records(log, REJECTS):
        headers = dict(record.headers)
        found[headers["of"].decode(), headers["reason"].decode()] += int(headers["n"])
    return found


def all_read(log: MemoryLog) -> bool:
    """Whether the group's positions are behind the last record of every partition."""
    positions = log.group_positions()
    client = log.client()
    return all(
        not list(client.read(partition, positions.get(partition, 0)))
        for partition in (Partition(POSITIONS, number) for number in range(log.topics[POSITIONS]))
    )


def rows_accounted_for(counters: Iterable[dict[str, int]]) -> dict[str, int]:
    """What became of the rows of some detectors: `rows` taken in, and `processed`, `refused`, `late` and `waiting`,
    which together are as many.
    """
    total: Counter[str] = Counter()
    for each in counters:
        total.update(
            rows=each.get("rows", 0),
            processed=each["reports"] + each["set_aside"],
            refused=each["clock_refused"],
            late=each["late"],
            waiting=each["waiting"],
        )
    return dict(total)
