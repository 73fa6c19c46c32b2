"""The logs that the tests of the transport run on: each makes topics, and clients by their names."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any, Protocol

from streams.kafka import KafkaAdministration, KafkaTransport
from streams.settings import KafkaSettings
from streams.topics import TopicSpec
from streams.transport import Outgoing, Partition, Record, Transport

POLL_S = 0.2


class Logs(Protocol):
    """A log for one test."""

    def topic(self, partitions: int = 1) -> str:
        """Name of a new topic."""

    def client(self, member: str, group: str | None = None) -> Transport:
        """A new client; of the group of this test when none is named."""


class MemoryLogs:
    """Topics in this process. They are made beforehand, as a MemoryLog wants them all at once."""

    def __init__(self) -> None:
        from streams.memory import MemoryLog  # type: ignore[import-not-found,unused-ignore]

        self._number = itertools.count()
        self._log: Any = MemoryLog({f"topic{n}of{p}": p for n in range(6) for p in range(1, 13)}, markers=True)

    def topic(self, partitions: int = 1) -> str:
        return f"topic{next(self._number)}of{partitions}"

    def client(self, member: str, group: str | None = None) -> Transport:
        client: Transport = self._log.client(member, group or "group")
        return client


class KafkaLogs:
    """Topics of random names on a broker."""

    def __init__(self, bootstrap: str, closes: ExitStack, **settings: Any) -> None:
        self.settings = KafkaSettings(bootstrap=bootstrap, session_timeout_ms=6_000, **settings)
        self.group = f"group-{uuid.uuid4().hex[:8]}"
        self._closes = closes

    def topic(self, partitions: int = 1, **more: str) -> str:
        name = f"topic-{uuid.uuid4().hex[:8]}"
        with closing(KafkaAdministration(self.settings)) as administration:
            administration.create([TopicSpec(name, partitions, 1, "delete", 3_600_000, more=more)])
        return name

    def client(self, member: str, group: str | None = None) -> KafkaTransport:
        client = KafkaTransport(self.settings, group=group or self.group, member=member)
        self._closes.callback(client.close)
        return client


class Member:
    """A listener that writes down what it is told, and a client that is polled with it."""

    def __init__(self, client: Transport, topic: str) -> None:
        self.client = client
        self.holds: set[Partition] = set()
        self.told: list[tuple[str, tuple[int, ...]]] = []
        self.records: list[Record] = []
        self.on_assigned: Callable[[Partition], None] = lambda partition: None
        self.on_revoked: Callable[[Partition], None] = lambda partition: None
        client.subscribe(topic, self)

    def assigned(self, partitions: Any) -> None:
        self.told.append(("assigned", tuple(p.number for p in partitions)))
        self.holds |= set(partitions)
        for partition in partitions:
            self.on_assigned(partition)

    def revoked(self, partitions: Any) -> None:
        self.told.append(("revoked", tuple(p.number for p in partitions)))
        for partition in partitions:
            self.on_revoked(partition)
        self.holds -= set(partitions)

    def lost(self, partitions: Any) -> None:
        self.told.append(("lost", tuple(p.number for p in partitions)))
        self.holds -= set(partitions)

    def poll(self, timeout_s: float = POLL_S) -> None:
        self.records += self.client.poll(timeout_s)

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for record in self.records]


def outgoing(topic: str, *values: bytes, partition: int | None = 0) -> list[Outgoing]:
    return [Outgoing(topic, value, partition=partition) for value in values]


def values(records: Iterator[Record]) -> list[bytes | None]:
    return [record.value for record in records]
