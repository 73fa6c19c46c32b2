"""LogWriter: reports and heartbeats into the log, so that every partition can be read alone.

A partition holds the reports and static reports of its own vessels in micro-batches, and after them the heartbeats
that they let be made; names of sources come before the first heartbeat that needs them. So whoever reads a partition
from its beginning sees in one order all that a detector must know. Each `commit` is one transaction.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maritime.alerts.alert import plain
from maritime.columns import POSITION_SCHEMA, STATIC_SCHEMA, Reject, SourceTable
from maritime.detect.heartbeat import WINDOW_MS, Heartbeats
from maritime.errors import RefusedError
from maritime.sources.rejects import CONTENT_LIMIT
from maritime.times import to_rfc3339
from streams import codec
from streams.arrow_frames import MOST_BYTES
from streams.codec import PACKED_BYTES, Packed
from streams.dead_letters import letter_of_row, letters_of_reports
from streams.murmur2 import partitions_of, vessel_key
from streams.status import Status
from streams.topic_names import POSITIONS, VESSELS
from streams.transport import Outgoing

REPLAY_ROWS: Final = 5_000  # measured: 1.6 M reports/s through an in-memory broker, against 1 M with 1,000
LIVE_ROWS: Final = 2_000
NAMES_RESTATED: Final = (
    500  # chosen: names said again with each reception window or minute, for readers that begin midway
)
MOST_VESSELS: Final = 100_000  # chosen: vessels whose words are remembered, some 60 MB; the least recent leave

Rules = Callable[[pa.RecordBatch], Iterator[tuple[str, NDArray[np.bool_]]]]


class Sink(Protocol):
    """What a writer needs of a log; every Transport is one."""

    def topics(self) -> dict[str, int]:
        """The topics, and how many partitions each has."""

    def send(self, records: Sequence[Outgoing]) -> None:
        """Send records as part of the open transaction."""

    def commit(self) -> None:
        """Make everything sent since the last commit readable."""


class LogWriter:
    """Writes for one ingester. `most_rows` is the size of a micro-batch; `sources` names the codes in its reports."""

    def __init__(self, transport: Sink, sources: SourceTable, *, most_rows: int = REPLAY_ROWS) -> None:
        self._transport = transport
        self._sources = sources
        self._most_rows = most_rows
        self._partitions = transport.topics().get(POSITIONS, 0)
        if not self._partitions:
            raise RefusedError(f"there is no topic {POSITIONS} that this client may see; create it")
        self._named = 1  # codes from this one on are not yet named in the log; code 0 has no name
        self._restated = 1
        self._vessels: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self.rows = 0
        self.static_rows = 0
        self.heartbeats_written = 0

    def reports(self, positions: pa.RecordBatch, statics: pa.RecordBatch) -> None:
        """Write reports, each to the partition of its vessel. What breaks the rules of the log is a dead letter."""
        positions = self._right(positions.select(POSITION_SCHEMA.names), codec.position_rules)
        statics = self._right(statics.select(STATIC_SCHEMA.names), codec.static_rules)
        self.rows += positions.num_rows
        self.static_rows += statics.num_rows
        for number, batch in self._by_partition(statics):
            self._send(number, self._fitting(batch, codec.pack_statics))
        for number, batch in self._by_partition(positions):
            for begin in range(0, batch.num_rows, self._most_rows):
                self._send(number, self._fitting(batch.slice(begin, self._most_rows), codec.pack_positions))
        if statics.num_rows:
            self._transport.send(list(self._vessel_records(statics)))

    def heartbeats(self, beats: Heartbeats) -> None:
        """Write heartbeats, and the names that they need, to every partition."""
        if not len(beats):
            return
        again = bool((beats.watermark_ms % WINDOW_MS == 0).any())
        packed = [*self._names(again=again), *codec.pack_heartbeats(beats)]
        for number in range(self._partitions):
            self._send(number, packed)
        self.heartbeats_written += len(beats)

    def status(self, status: Status, *, with_names: bool = False) -> None:
        """Write what the ingester says of itself to every partition; with names that were said before if asked."""
        names = self._names(again=True) if with_names else ()
        packed = [*names, codec.pack_status(status)]
        for number in range(self._partitions):
            self._send(number, packed)

    def rejects(self, rejects: Iterable[Reject]) -> None:
        """Write rows and sentences that a reader refused."""
        letters = [letter_of_row(reject) for reject in rejects]
        if letters:
            self._transport.send(letters)

    def refused(self, batches: Iterable[pa.RecordBatch], reason: str) -> None:
        """Write reports that were refused before they came into the log."""
        letters = list(letters_of_reports(batches, reason, b"ingest"))
        if letters:
            self._transport.send(letters)

    def commit(self) -> None:
        """Make all that was written since the last time readable at once."""
        self._transport.commit()

    def _send(self, number: int, packed: Iterable[Packed]) -> None:
        records = [Outgoing(POSITIONS, value, partition=number, headers=headers) for value, headers in packed]
        if records:
            self._transport.send(records)

    def _right(self, batch: pa.RecordBatch, rules: Rules) -> pa.RecordBatch:
        """The rows that keep to the rules; the others are written as rejects."""
        if not batch.num_rows:
            return batch
        for reason, right in rules(batch):
            if not right.all():
                wrong = batch.filter(pa.array(~right)).to_pylist()
                self.rejects(reject_of_row(row, reason) for row in wrong)
                return self._right(batch.filter(pa.array(right)), rules)
        return batch

    def _fitting(self, batch: pa.RecordBatch, pack: Callable[[pa.RecordBatch], Packed]) -> Iterator[Packed]:
        """The batch as records that are not too large; a row that is too large alone is a reject."""
        packed = pack(batch)
        if len(packed.value) <= PACKED_BYTES or (batch.num_rows == 1 and len(packed.value) <= MOST_BYTES):
            yield packed
        elif batch.num_rows == 1:
            self.rejects([reject_of_row(batch.to_pylist()[0], "oversize")])
        else:
            for half in codec.halves(batch):
                yield from self._fitting(half, pack)

    def _by_partition(self, batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The rows of each partition, in the order in which they came."""
        if not batch.num_rows:
            return
        number = partitions_of(batch["mmsi"].to_numpy(), self._partitions)
        order = np.argsort(number, kind="stable")
        ends = np.cumsum(np.bincount(number, minlength=self._partitions))
        for at, rows in enumerate(np.split(order, ends[:-1])):
            if len(rows):
                yield at, batch.take(pa.array(rows))

    def _names(self, *, again: bool) -> Iterator[Packed]:
        """The names that are new, and `again` some that are not, all of them in turn."""
        known = len(self._sources)
        codes = set(range(self._named, known))
        if again and known > 1:
            turn = (np.arange(self._restated, self._restated + min(NAMES_RESTATED, known - 1)) - 1) % (known - 1) + 1
            codes.update(turn.tolist())
            self._restated = int(turn[-1]) % (known - 1) + 1
        self._named = known
        yield from codec.pack_names({code: self._sources.name(code) for code in codes})

    def _vessel_records(self, statics: pa.RecordBatch) -> Iterator[Outgoing]:
        """What each vessel says of itself by now, for the compacted topic: a message that tells less erases nothing."""
        changed: dict[int, None] = {}
        for row in statics.to_pylist():
            mmsi = row.pop("mmsi")
            known = self._vessels.setdefault(mmsi, {})
            self._vessels.move_to_end(mmsi)
            known.update({name: value for name, value in row.items() if value is not None})
            changed[mmsi] = None
        for mmsi in changed:
            told = {name: plain(value) for name, value in self._vessels[mmsi].items() if name != "t"}
            said = {"mmsi": mmsi, "at": to_rfc3339(self._vessels[mmsi]["t"]), **told}
            value = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
            if len(value) <= PACKED_BYTES:
                yield Outgoing(VESSELS, value, vessel_key(mmsi))
        while len(self._vessels) > MOST_VESSELS:
            self._vessels.popitem(last=False)


def reject_of_row(row: dict[str, Any], reason: str, file: str = "") -> Reject:
    """A row that was decoded and then refused, as a reject that shows its values."""
    content = " ".join(f"{name}={value}" for name, value in row.items())
    return Reject(file, int(row.get("line") or 0), reason, content.encode("utf-8", "replace")[:CONTENT_LIMIT])
