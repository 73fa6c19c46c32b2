"""Inlet: one topic of the log, read on from where its records were decided about; the ledger's file has that place."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from maritime.errors import TransportError
from maritime.sharing.desk import Desk
from streams.transport import Partition, Record, Transport


class Inlet:
    """Reads committed records. After any failure it joins anew, and begins where the desk says.

    What a ledger has never seen begins at the end of the log, or at its beginning: that place is written down when the
    partition first comes, so that a restart loses nothing.
    """

    def __init__(self, connect: Callable[[], Transport], topic: str, desk: Desk, *, from_beginning: bool) -> None:
        self._connect, self._topic, self._desk, self._from_beginning = connect, topic, desk, from_beginning
        self._transport: Transport | None = None
        self._next: dict[Partition, int] = {}
        self._partitions = 0
        self._failure: TransportError | None = None  # inside the listener; told after `poll`
        self.missing = 0  # times that records were gone before they were read

    @property
    def is_joined(self) -> bool:
        """Whether all partitions are this client's."""
        return 0 < self._partitions == len(self._next)

    def transport(self) -> Transport:
        """The client, joined to the topic. Raises TransportError."""
        if self._transport is None:
            transport = self._connect()
            try:
                transport.subscribe(self._topic, self)
                self._partitions = transport.topics().get(self._topic, 0)
            except TransportError:
                transport.close()
                raise
            self._transport = transport
        return self._transport

    def poll(self, timeout_s: float, most_records: int) -> list[Record]:
        """New records. They come again, unless `passed` is told of them, when this joins anew."""
        records = self.transport().poll(timeout_s, most_records)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return [r for r in records if r.partition in self._next and r.offset >= self._next[r.partition]]

    def passed(self, records: Sequence[Record]) -> None:
        """These were decided about; to be called inside the transaction that the decisions are written in."""
        for record in records:
            self._desk.set_passed(*record.partition, record.offset + 1)

    def written(self, records: Sequence[Record]) -> None:
        """That transaction is on the disk."""
        for record in records:
            self._next[record.partition] = record.offset + 1

    def lag_records(self) -> int:
        """Offsets between here and the end of the log; marks of transactions count."""
        transport = self.transport()
        return sum(max(0, transport.bounds(partition)[1] - offset) for partition, offset in self._next.items())

    def leave(self) -> None:
        """Let go of the client; the next poll joins anew."""
        transport, self._transport = self._transport, None
        self._next.clear()
        self._failure = None
        if transport is not None:
            with suppress(TransportError):
                transport.close()

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """Go on where the desk says; called inside `poll`."""
        try:
            for partition in partitions:
                self._next[partition] = self._begin(partition)
        except TransportError as error:
            self._failure = error

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Another process has them: one reads for a ledger, so this one is not wanted."""
        for partition in partitions:
            self._next.pop(partition, None)

    lost = revoked

    def _begin(self, partition: Partition) -> int:
        transport = self.transport()
        transport.committed(partition)  # ends what a process of this name that died left open
        first, end = transport.bounds(partition)
        passed = self._desk.passed(*partition)
        if passed is None:
            offset = first if self._from_beginning else end
            self._desk.set_passed(*partition, offset)
        elif passed > end:  # of a log that is no more
            offset = first
        else:
            self.missing += passed < first
            offset = max(passed, first)
        transport.seek(partition, offset)
        return offset
