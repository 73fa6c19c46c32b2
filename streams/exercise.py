"""Exercise: a log is actual or an exercise, never both, and what is an exercise can never become actual.

All topics of an exercise log begin with `exercise.`, and so do its groups and transactional ids: one broker can hold
both, apart. The names are changed in one place, around the client; whoever reads or writes uses the plain ones.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from streams.transport import Listener, Outgoing, Partition, Record, Transport

LogStatus = Literal["actual", "exercise"]

EXERCISE: Final = "exercise."


def named(name: str, status: LogStatus) -> str:
    """The name of a topic, group or client in a log of that status. A name that is an exercise's already stays."""
    return name if status == "actual" or name.startswith(EXERCISE) else EXERCISE + name


def of_the_log(client: Transport, status: LogStatus) -> Transport:
    """A client that uses the topics of a log of that status by their plain names."""
    return client if status == "actual" else ExerciseTransport(client)


class ExerciseTransport:
    """Passes everything on to `inner`, which must be a client of the groups of exercises, with topics renamed."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def subscribe(self, topic: str, listener: Listener) -> None:
        """See Transport."""
        self._inner.subscribe(named(topic, "exercise"), _Plain(listener))

    def send(self, records: Sequence[Outgoing]) -> None:
        """See Transport."""
        self._inner.send([replace(record, topic=named(record.topic, "exercise")) for record in records])

    def poll(self, timeout_s: float, most_records: int = 500) -> list[Record]:
        """See Transport."""
        return [_plain_record(record) for record in self._inner.poll(timeout_s, most_records)]

    def commit(self, positions: Mapping[Partition, int] | None = None) -> None:
        """See Transport."""
        self._inner.commit({_renamed(partition): offset for partition, offset in (positions or {}).items()})

    def abort(self) -> None:
        """See Transport."""
        self._inner.abort()

    def seek(self, partition: Partition, offset: int) -> None:
        """See Transport."""
        self._inner.seek(_renamed(partition), offset)

    def committed(self, partition: Partition) -> int | None:
        """See Transport."""
        return self._inner.committed(_renamed(partition))

    def position(self, partition: Partition) -> int:
        """See Transport."""
        return self._inner.position(_renamed(partition))

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """See Transport."""
        return self._inner.bounds(_renamed(partition))

    def read(self, partition: Partition, offset: int = 0) -> Iterator[Record]:
        """See Transport."""
        return (_plain_record(record) for record in self._inner.read(_renamed(partition), offset))

    def topics(self) -> dict[str, int]:
        """See Transport. Topics of exercises by both their names, and no others."""
        found = {name: count for name, count in self._inner.topics().items() if name.startswith(EXERCISE)}
        return found | {name.removeprefix(EXERCISE): count for name, count in found.items()}

    def metrics(self) -> dict[str, float]:
        """See Transport."""
        return self._inner.metrics()

    def close(self) -> None:
        """See Transport."""
        self._inner.close()


class _Plain:
    """Tells a listener of partitions by their plain names."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def assigned(self, partitions: Sequence[Partition]) -> None:
        self._listener.assigned(_plain(partitions))

    def revoked(self, partitions: Sequence[Partition]) -> None:
        self._listener.revoked(_plain(partitions))

    def lost(self, partitions: Sequence[Partition]) -> None:
        self._listener.lost(_plain(partitions))


def _renamed(partition: Partition) -> Partition:
    return partition._replace(topic=named(partition.topic, "exercise"))


def _plain(partitions: Iterable[Partition]) -> list[Partition]:
    return [partition._replace(topic=partition.topic.removeprefix(EXERCISE)) for partition in partitions]


def _plain_record(record: Record) -> Record:
    return replace(record, partition=_plain([record.partition])[0])
