"""LogMetrics: what one client read from and wrote to the log, as counters of a registry of its own.

What is written counts when its transaction is committed: what an aborted one held was told to nobody. Labels come from
data, so their number is bounded: the names after the first MOST_SOURCES sources are one, `other`.
"""

import json
import re
from collections import Counter as Tally
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

import maritime
from streams import codec
from streams.poison import PoisonError
from streams.topic_names import ALERTS, POSITIONS, REJECTS
from streams.transport import Headers, Outgoing, Record

MOST_SOURCES: Final = 200  # chosen: what a dashboard can show; a folder of files may hold thousands
OTHER: Final = "other"
UNNAMED: Final = "unnamed"
LONGEST_LABEL: Final = 120
COMMIT_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
RESTORE_BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0)

_REASON: Final = re.compile(r"[a-z0-9_]{1,60}\Z")

Rejected = tuple[str, str, str]  # reason, source, of


class LogMetrics:
    """Counters of one client; `registry` is what /metrics serves.

    `name_of` tells the name of a source by its code, or nothing.
    """

    def __init__(self, name_of: Callable[[int], str | None] = lambda code: None) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.name_of = name_of
        self._sources: set[str] = set()
        ProcessCollector(registry=self.registry)
        build = Gauge("maritime_build_info", "Version that runs", ["version"], registry=self.registry)
        build.labels(maritime.__version__).set(1)
        self.rows_read = self._counter(
            "maritime_rows_read", "Rows in records read, again after a restore too; heartbeats count each", "kind"
        )
        self.records_read = self._counter("maritime_records_read", "Records read, again after a restore too")
        self.rows_written = self._counter("maritime_rows_written", "Rows in committed records of ais.positions", "kind")
        self.records_written = self._counter("maritime_records_written", "Records written and committed", "topic")
        self.bytes_written = self._counter("maritime_bytes_written", "Bytes of values written and committed", "topic")
        self.alerts = self._counter("maritime_alerts", "Revisions of alerts published", "type", "state")
        self.rejects = self._counter(
            "maritime_rejects", "Rows, records and alerts put to the dead letters", "reason", "source", "of"
        )
        self.transactions = self._counter("maritime_transactions", "Transactions by how they ended", "outcome")
        for outcome in ("committed", "aborted"):
            self.transactions.labels(outcome)
        self.commit_s = Histogram(
            "maritime_commit_seconds",
            "How long commits took",
            buckets=COMMIT_BUCKETS_S,
            registry=self.registry,
        )
        self.restore_s = Histogram(
            "maritime_restore_seconds",
            "How long partitions took to be restored from their snapshots, without the records after it",
            buckets=RESTORE_BUCKETS_S,
            registry=self.registry,
        )

    def read(self, records: Iterable[Record]) -> None:
        """Records came from the log."""
        rows: Tally[str] = Tally()
        count = 0
        for record in records:
            count += 1
            headers = dict(record.headers)
            rows[_known_kind(headers.get("kind"))] += _number(headers.get("n"))
        if count:
            self.records_read.inc(count)
        for kind, n in rows.items():
            self.rows_read.labels(kind).inc(n)

    def committed(self, outgoing: Iterable[Outgoing], seconds: float) -> None:
        """A transaction with these records was committed."""
        self.transactions.labels("committed").inc()
        self.commit_s.observe(seconds)
        for record in outgoing:
            self.records_written.labels(record.topic).inc()
            self.bytes_written.labels(record.topic).inc(len(record.value or b""))
            if record.topic == POSITIONS:
                headers = dict(record.headers)
                self.rows_written.labels(_known_kind(headers.get("kind"))).inc(_number(headers.get("n")))
            elif record.topic == ALERTS:
                self.alerts.labels(*_alert(record.value)).inc()
            elif record.topic == REJECTS:
                for (reason, source, of), n in self._rejected(record).items():
                    self.rejects.labels(reason, source, of).inc(n)

    def aborted(self) -> None:
        """A transaction was aborted, or its end is unknown and it will be."""
        self.transactions.labels("aborted").inc()

    def _rejected(self, record: Outgoing) -> Tally[Rejected]:
        """How many rows or records a dead letter holds, by reason, source and what they are."""
        headers = dict(record.headers)
        reason = headers.get("reason", b"").decode("ascii", "replace")
        reason = reason if _REASON.match(reason) else OTHER
        of = headers.get("of", b"").decode("ascii", "replace")
        of = of if of in ("row", "reports", "record", "alert") else OTHER
        found: Tally[Rejected] = Tally()
        if of == "reports":
            for code, n in _by_source(record, headers.get("src")).items():
                found[reason, self._label(self.name_of(code) or (f"code {code}" if code else UNNAMED)), of] += n
        elif of == "row":
            found[reason, self._label((record.key or b"").decode("utf-8", "replace") or UNNAMED), of] += 1
        else:
            found[reason, "", of] += 1
        return found

    def _label(self, source: str) -> str:
        """The source's name as a label, or `other` once there are too many."""
        source = source[:LONGEST_LABEL]
        if source not in self._sources:
            if len(self._sources) >= MOST_SOURCES:
                return OTHER
            self._sources.add(source)
        return source

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(name, says, labels, registry=self.registry)


def _by_source(record: Outgoing, stated: bytes | None) -> Tally[int]:
    """Rows of a dead letter by the code of their source; a header says it when all are of one."""
    if stated is not None:
        return Tally({_number(stated): _number(dict(record.headers).get("n"))})
    try:
        told: Headers = tuple(header for header in record.headers if header[0] not in ("reason", "of"))
        source = codec.unpack_positions(record.value, told)["source"].to_numpy()
    except PoisonError:
        return Tally({0: _number(dict(record.headers).get("n"))})
    codes, counts = np.unique(source, return_counts=True)
    return Tally(dict(zip(codes.tolist(), counts.tolist(), strict=True)))


def _alert(value: bytes | None) -> tuple[str, str]:
    """Type and state of a published alert."""
    alert = json.loads(value or b"{}").get("data", {})
    return str(alert.get("type", OTHER))[:LONGEST_LABEL], str(alert.get("state", OTHER))[:LONGEST_LABEL]


def _known_kind(stated: bytes | None) -> str:
    kind = (stated or b"").decode("ascii", "replace")
    return kind if kind in codec.SCHEMAS else OTHER


def _number(stated: bytes | None) -> int:
    """A count as a header states it; headers of poison may say anything."""
    text = stated or b""
    return int(text) if text.isdigit() and len(text) <= 6 else 0
