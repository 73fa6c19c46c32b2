"""Transport: what the workers need of a log, and nothing more. `streams.memory` and `streams.kafka` implement it.

A log has topics, a topic has partitions, a partition is a numbered sequence of records. What is sent between two
commits becomes readable at once, together with the positions that the commit states, or not at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Headers = tuple[tuple[str, bytes], ...]


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be sent. Without a partition, the key decides as Kafka does (murmur2); without either, any."""

    topic: str
    value: bytes | None  # None deletes the key in a compacted topic
    key: bytes | None = None
    partition: int | None = None
    headers: Headers = ()
    timestamp_ms: int | None = None  # event time; None = now, by the log


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it lies in the log."""

    partition: Partition
    offset: int
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    timestamp_ms: int = 0


class Listener(Protocol):
    """Is told, inside `poll`, which partitions come and go."""

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """These are now this member's; it may seek."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """These go to another member once this returns; what is open may still be committed."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """These are another member's already; nothing of them may be committed."""


class Transport(Protocol):
    """One client of a log: a writer, and a member of one consumer group once it has subscribed.

    Errors: `TransportError` for what may pass (broker away, timeout); `FencedError` when another client took this one's
    place; `RefusedError` when the log will never take this (too large, not authorised), naming topic and reason. After
    any of them what was sent since the last commit is aborted and the transport can be used on.
    """

    def subscribe(self, topic: str, listener: Listener) -> None:
        """Join the group for one topic; partitions come through the listener during `poll`."""

    def send(self, records: Sequence[Outgoing]) -> None:
        """Send records as part of the open transaction, which the first `send` opens."""

    def poll(self, timeout_s: float, most_records: int = 500) -> list[Record]:
        """Committed records of the assigned partitions, each partition in order; empty after `timeout_s`."""

    def commit(self, positions: Mapping[Partition, int] | None = None) -> None:
        """Make everything sent since the last commit readable, and the group's positions these (next offsets)."""

    def abort(self) -> None:
        """Forget everything sent since the last commit."""

    def seek(self, partition: Partition, offset: int) -> None:
        """Read an assigned partition on from an offset."""

    def committed(self, partition: Partition) -> int | None:
        """The group's committed position in a partition; None when there is none."""

    def position(self, partition: Partition) -> int:
        """Where this client reads on in an assigned partition: behind all it has polled, and aborted records."""

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """Offset of the oldest record kept, and the offset after the newest committed one."""

    def read(self, partition: Partition, offset: int = 0) -> Iterator[Record]:
        """The committed records of any one partition from an offset on, up to where it ends now."""

    def topics(self) -> dict[str, int]:
        """The topics this client may see, and how many partitions each has."""

    def metrics(self) -> dict[str, float]:
        """Numbers about this client: records and bytes sent and received, transactions, errors."""

    def close(self) -> None:
        """Leave the group, abort what is open, let go of connections."""
