"""KafkaTransport: `streams.transport.Transport` on Apache Kafka."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import SecretStr

from maritime.errors import FencedError, TransportError
from streams.kafka.reader import Reader
from streams.kafka.writer import Writer
from streams.settings import KafkaSettings
from streams.transport import Listener, Outgoing, Partition, Record, Transport


class KafkaTransport:
    """One client of a Kafka log. Not for use from several threads.

    `group` and `member` together name it: member of a consumer group, static (group.instance.id), and owner of the
    transactional id "group.member". Two live clients of one name fence each other. Connections are made when they are
    first needed. A commit that fails with TransportError may have been carried out; `committed` then tells.
    """

    def __init__(self, settings: KafkaSettings, *, group: str, member: str, password: SecretStr | None = None) -> None:
        self._exactly_once = settings.delivery == "exactly_once"
        self._writer = Writer(settings, f"{group}.{member}", password)
        self._reader = Reader(settings, group, member, password)
        self._is_member = False

    def subscribe(self, topic: str, listener: Listener) -> None:
        """Join the group for one topic; partitions come through the listener during `poll`."""
        self._is_member = True
        self._reader.subscribe(topic, listener)

    def send(self, records: Sequence[Outgoing]) -> None:
        """Send records as part of the open transaction. At least once, they go out with the commit."""
        try:
            for topic in {record.topic for record in records}:
                self._reader.require(topic)
        except TransportError:
            self._writer.abort()
            raise
        self._writer.send(records)

    def poll(self, timeout_s: float, most_records: int = 500) -> list[Record]:
        """Committed records of the assigned partitions, each partition in order; empty after `timeout_s`."""
        return self._reader.poll(timeout_s, most_records)

    def commit(self, positions: Mapping[Partition, int] | None = None) -> None:
        """Make everything sent since the last commit readable, and the group's positions these.

        At least once these are two steps: a crash between them repeats records, and loses none.
        """
        positions = positions or {}
        try:
            self._commit(positions)
        except FencedError:
            # The library would stay in the group as a member without heartbeats, and read on.
            self._reader.rejoin()
            raise

    def _commit(self, positions: Mapping[Partition, int]) -> None:
        try:
            membership = self._reader.membership(positions)
        except TransportError:
            self._writer.abort()
            raise
        if self._exactly_once:
            self._writer.commit(positions, membership)
            return
        self._writer.flush()
        if positions:
            self._reader.commit(positions)

    def abort(self) -> None:
        """Forget everything sent since the last commit."""
        self._writer.abort()

    def seek(self, partition: Partition, offset: int) -> None:
        """Read an assigned partition on from an offset."""
        self._reader.seek(partition, offset)

    def committed(self, partition: Partition) -> int | None:
        """The group's committed position in a partition; None when there is none.

        A member ends first what the last one of its name left open: the answer would wait for that transaction.
        """
        self._writer.settle(inherited=self._is_member)
        return self._reader.committed(partition)

    def position(self, partition: Partition) -> int:
        """Where this client reads on in an assigned partition."""
        return self._reader.position(partition)

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """Offset of the oldest record kept, and the offset after the newest committed one."""
        self._writer.settle()
        return self._reader.bounds(partition)

    def read(self, partition: Partition, offset: int = 0) -> Iterator[Record]:
        """The committed records of any one partition from an offset on, up to where it ends now."""
        self._writer.settle()
        return self._reader.read(partition, offset)

    def topics(self) -> dict[str, int]:
        """The topics this client may see, and how many partitions each has."""
        return self._reader.topics()

    def metrics(self) -> dict[str, float]:
        """Counts since this client was made."""
        return {**self._writer.counts, **self._reader.counts, "partitions_assigned": float(len(self._reader.assigned))}

    def close(self) -> None:
        """Leave the group, abort what is open, let go of connections."""
        try:
            self._writer.close()
        finally:
            self._reader.close()


if TYPE_CHECKING:

    def _is_a_transport(client: KafkaTransport) -> Transport:
        return client
