"""The log in one process: topics, groups, transactions and fencing without a broker, for tests and for trying out.

Everything happens under one lock. A commit appends what was sent and moves the group's positions in one step, so
whoever reads sees all of it or nothing. Groups rebalance cooperatively: a member gives a partition up inside its own
`poll`, and only then does the next owner get it inside its own.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from maritime.errors import FencedError, RefusedError, TransportError
from streams.murmur2 import partition_of
from streams.transport import Listener, Outgoing, Partition, Record

LARGEST_BYTES: Final = 1_000_000  # like Kafka's default max.message.bytes, 1 MiB with its overhead
FAULT_POINTS: Final = ("poll", "send", "sent", "commit", "committed", "seek", "read")

Fault = Callable[[str], None]
"""Is called at each of FAULT_POINTS and may raise there: "sent" and "committed" come after the log has acted."""


@dataclass(slots=True)
class _Group:
    topic: str = ""
    members: "list[MemoryTransport]" = field(default_factory=list)
    owners: "dict[Partition, MemoryTransport]" = field(default_factory=dict)
    positions: dict[Partition, int] = field(default_factory=dict)


class MemoryLog:
    """Topics with their numbers of partitions, and what was committed to them.

    `markers` makes every commit take one more offset in each partition it wrote to, as Kafka's do: offsets then have
    gaps. `now_ms` stamps records that carry no time.
    """

    def __init__(
        self,
        topics: Mapping[str, int],
        *,
        largest_bytes: int = LARGEST_BYTES,
        markers: bool = False,
        now_ms: Callable[[], int] = lambda: round(time.time() * 1000),
    ) -> None:
        self.topics = dict(topics)
        self.largest_bytes = largest_bytes
        self._markers = markers
        self._now_ms = now_ms
        self._moved = threading.Condition(threading.RLock())
        self._records: dict[Partition, list[Record]] = {
            Partition(topic, number): [] for topic, count in topics.items() for number in range(count)
        }
        self._ends: dict[Partition, int] = dict.fromkeys(self._records, 0)
        self._starts: dict[Partition, int] = dict.fromkeys(self._records, 0)
        self._groups: dict[str, _Group] = {}
        self._holders: dict[str, MemoryTransport] = {}

    def client(
        self, identity: str | None = None, group: str = "detect", *, fault: Fault | None = None
    ) -> "MemoryTransport":
        """A client of the log. One that takes the identity of another fences it."""
        with self._moved:
            client = MemoryTransport(self, identity, group, fault)
            self._take_identity(client)
            return client

    def expire(self, client: "MemoryTransport") -> None:
        """The group gives a member up, as when its session times out; it learns of it in its next `poll`."""
        with self._moved:
            self._leave(client)
            self._moved.notify_all()

    def forget_before(self, partition: Partition, offset: int) -> None:
        """Delete the oldest records of a partition, as retention does."""
        with self._moved:
            held = self._records[partition]
            del held[: bisect_left(held, offset, key=lambda record: record.offset)]
            self._starts[partition] = max(offset, self._starts[partition])

    def group_positions(self, group: str = "detect") -> dict[Partition, int]:
        """The committed positions of a group."""
        with self._moved:
            return dict(self._groups[group].positions) if group in self._groups else {}

    def ends(self) -> dict[Partition, int]:
        """The offset after the newest record of every partition."""
        with self._moved:
            return dict(self._ends)

    def owners(self, group: str = "detect") -> "dict[Partition, MemoryTransport]":
        """Who holds which partition."""
        with self._moved:
            return dict(self._groups[group].owners) if group in self._groups else {}

    def _take_identity(self, client: "MemoryTransport") -> None:
        if client.identity is None:
            return
        before = self._holders.get(client.identity)
        if before is not None and before is not client:
            before._open.clear()
            self._leave(before)
        self._holders[client.identity] = client

    def _is_fenced(self, client: "MemoryTransport") -> bool:
        return client.identity is not None and self._holders.get(client.identity) is not client

    def _leave(self, client: "MemoryTransport") -> None:
        group = self._groups.get(client.group)
        if group is None or client not in group.members:
            return
        group.members.remove(client)
        group.owners = {partition: owner for partition, owner in group.owners.items() if owner is not client}

    def _target(self, group: _Group) -> "dict[Partition, MemoryTransport]":
        """Who should hold which partition: as even as can be, and otherwise as it is."""
        partitions = [Partition(group.topic, number) for number in range(self.topics[group.topic])]
        held = {id(member): [p for p in partitions if group.owners.get(p) is member] for member in group.members}
        ranked = sorted(group.members, key=lambda member: -len(held[id(member)]))
        least, more = divmod(len(partitions), len(ranked))
        target: dict[Partition, MemoryTransport] = {}
        wanting: list[MemoryTransport] = []
        for rank, member in enumerate(ranked):
            quota = least + (rank < more)
            kept = held[id(member)][:quota]
            target |= dict.fromkeys(kept, member)
            wanting += [member] * (quota - len(kept))
        free = [partition for partition in partitions if partition not in target]
        return target | dict(zip(free, wanting, strict=True))

    def _append(self, sent: Sequence[Outgoing]) -> None:
        touched: set[Partition] = set()
        for record in sent:
            partition = self._partition_of(record)
            stamp_ms = self._now_ms() if record.timestamp_ms is None else record.timestamp_ms
            offset = self._ends[partition]
            self._records[partition].append(
                Record(partition, offset, record.value, record.key, record.headers, stamp_ms)
            )
            self._ends[partition] = offset + 1
            touched.add(partition)
        for partition in touched if self._markers else ():
            self._ends[partition] += 1

    def _partition_of(self, record: Outgoing) -> Partition:
        if record.partition is not None:
            return Partition(record.topic, record.partition)
        return Partition(record.topic, partition_of(record.key, self.topics[record.topic]) if record.key else 0)

    def _check(self, record: Outgoing) -> None:
        """Raise RefusedError for what the log will never take."""
        if record.topic not in self.topics:
            raise RefusedError(f"there is no topic {record.topic}; create it")
        if record.partition is not None and not 0 <= record.partition < self.topics[record.topic]:
            raise RefusedError(f"{record.topic} has no partition {record.partition}")
        size = len(record.value or b"") + len(record.key or b"")
        if size > self.largest_bytes:
            raise RefusedError(f"{record.topic} takes records of up to {self.largest_bytes} bytes, not of {size}")


class MemoryTransport:
    """A client of a MemoryLog; see streams.transport.Transport for what its verbs mean.

    `close` tells the listener nothing. A fenced client raises FencedError until it subscribes again, which takes the
    identity back. Records and positions are plain objects: a client is used by one thread, the log by many.
    """

    def __init__(self, log: MemoryLog, identity: str | None, group: str, fault: Fault | None) -> None:
        self.identity = identity
        self.group = group
        self.fault = fault
        self._log = log
        self._listener: Listener | None = None
        self._held: dict[Partition, int] = {}  # as the listener was told, and the next offset to read
        self._open: list[Outgoing] = []
        self._turn = 0
        self._counts = dict.fromkeys(
            ("records_sent", "bytes_sent", "records_received", "bytes_received", "commits", "aborts", "errors"), 0.0
        )

    def subscribe(self, topic: str, listener: Listener) -> None:
        """Join the group for one topic; partitions come through the listener during `poll`."""
        with self._log._moved:
            if topic not in self._log.topics:
                raise RefusedError(f"there is no topic {topic}; create it")
            self._log._take_identity(self)
            self._listener = listener
            self._held.clear()
            group = self._log._groups.setdefault(self.group, _Group(topic))
            if self not in group.members:
                group.members.append(self)
            self._log._moved.notify_all()

    def send(self, records: Sequence[Outgoing]) -> None:
        """Send records as part of the open transaction."""
        self._at("send")
        with self._log._moved:
            self._check_fenced()
            try:
                for record in records:
                    self._log._check(record)
            except RefusedError:
                self._fail()
                raise
            self._open += records
            self._counts["records_sent"] += len(records)
            self._counts["bytes_sent"] += sum(len(record.value or b"") for record in records)
        self._at("sent")

    def poll(self, timeout_s: float, most_records: int = 500) -> list[Record]:
        """Committed records of the assigned partitions, each partition in order; empty after `timeout_s`."""
        self._at("poll")
        until_s = time.monotonic() + timeout_s
        while True:
            self._rebalance()
            with self._log._moved:
                records = self._fetched(most_records)
                left_s = until_s - time.monotonic()
                if records or left_s <= 0:
                    return records
                self._log._moved.wait(left_s)

    def commit(self, positions: Mapping[Partition, int] | None = None) -> None:
        """Make everything sent since the last commit readable, and the group's positions these."""
        self._at("commit")
        with self._log._moved:
            self._check_fenced()
            group = self._log._groups.get(self.group)
            for partition in positions or ():
                if group is None or group.owners.get(partition) is not self:
                    self._fail()
                    raise TransportError(f"{partition.topic} {partition.number} is no longer this member's")
            self._log._append(self._open)
            if group is not None:
                group.positions |= positions or {}
            self._open = []
            self._counts["commits"] += 1
            self._log._moved.notify_all()
        self._at("committed")

    def abort(self) -> None:
        """Forget everything sent since the last commit."""
        with self._log._moved:
            self._counts["aborts"] += bool(self._open)
            self._open = []

    def seek(self, partition: Partition, offset: int) -> None:
        """Read an assigned partition on from an offset."""
        self._at("seek")
        with self._log._moved:
            self._check_fenced()
            if partition not in self._held:
                raise TransportError(f"{partition.topic} {partition.number} is not assigned to this member")
            self._held[partition] = offset

    def committed(self, partition: Partition) -> int | None:
        """The group's committed position in a partition; None when there is none."""
        with self._log._moved:
            self._check_fenced()
            group = self._log._groups.get(self.group)
            return group.positions.get(partition) if group is not None else None

    def position(self, partition: Partition) -> int:
        """Where this client reads on in an assigned partition."""
        with self._log._moved:
            self._check_fenced()
            if partition not in self._held:
                raise TransportError(f"{partition.topic} {partition.number} is not assigned to this member")
            return self._held[partition]

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """Offset of the oldest record kept, and the offset after the newest committed one."""
        with self._log._moved:
            self._check_exists(partition)
            return self._log._starts[partition], self._log._ends[partition]

    def read(self, partition: Partition, offset: int = 0) -> Iterator[Record]:
        """The committed records of any one partition from an offset on, up to where it ends now."""
        self._at("read")
        with self._log._moved:
            self._check_exists(partition)
            held = self._log._records[partition]
            return iter(held[bisect_left(held, offset, key=lambda record: record.offset) :])

    def topics(self) -> dict[str, int]:
        """The topics of the log, and how many partitions each has."""
        return dict(self._log.topics)

    def metrics(self) -> dict[str, float]:
        """What this client sent and received."""
        return dict(self._counts)

    def close(self) -> None:
        """Leave the group and abort what is open."""
        with self._log._moved:
            self._open = []
            self._held.clear()
            self._listener = None
            self._log._leave(self)
            self._log._moved.notify_all()

    def _rebalance(self) -> None:
        """Give up and take over what the group's plan says; the listener is called without the lock."""
        with self._log._moved:
            self._check_fenced()
            listener, group = self._listener, self._log._groups.get(self.group)
            if listener is None or group is None:
                return
            expired = self not in group.members
            if expired:
                group.members.append(self)
            lost = sorted(self._held) if expired else []
            target = self._log._target(group)
            leaving = [] if expired else sorted(p for p in self._held if target.get(p) is not self)
        if lost:
            self._held.clear()
            listener.lost(lost)
        if leaving:
            listener.revoked(leaving)
        with self._log._moved:
            for partition in leaving:
                if group.owners.get(partition) is self:
                    del group.owners[partition]
                self._held.pop(partition, None)
            self._check_fenced()
            target = self._log._target(group) if self in group.members else {}
            gained = sorted(p for p, who in target.items() if who is self and p not in group.owners)
            for partition in gained:
                group.owners[partition] = self
                self._held[partition] = group.positions.get(partition, self._log._starts[partition])
            if leaving or gained:
                self._log._moved.notify_all()
        if gained:
            listener.assigned(gained)

    def _fetched(self, most_records: int) -> list[Record]:
        held = sorted(self._held)
        records: list[Record] = []
        self._turn += 1
        for partition in held[self._turn % len(held) :] + held[: self._turn % len(held)] if held else ():
            log = self._log._records[partition]
            first = bisect_left(log, self._held[partition], key=lambda record: record.offset)
            taken = log[first : first + most_records - len(records)]
            if taken:
                self._held[partition] = taken[-1].offset + 1
                records += taken
        self._counts["records_received"] += len(records)
        self._counts["bytes_received"] += sum(len(record.value or b"") for record in records)
        return records

    def _at(self, point: str) -> None:
        if self.fault is None:
            return
        try:
            self.fault(point)
        except TransportError:
            self._fail()
            raise

    def _fail(self) -> None:
        self._open = []
        self._counts["errors"] += 1

    def _check_fenced(self) -> None:
        if self._log._is_fenced(self):
            self._open, self._listener = [], None
            self._held.clear()
            raise FencedError(f"another client took the identity {self.identity}")

    def _check_exists(self, partition: Partition) -> None:
        if partition not in self._log._records:
            raise RefusedError(f"there is no partition {partition.number} of {partition.topic}")
