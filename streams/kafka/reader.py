"""The reading half of the transport: a member of a consumer group, and reads of single partitions outside it."""

import gc
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Final, Literal

import kafka.errors as kafka_errors
from kafka import AsyncConsumerRebalanceListener, ConsumerGroupMetadata, KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import MemberToRemove
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from pydantic import SecretStr

from maritime.errors import ConfigurationError, FencedError, RefusedError, TransportError
from streams.kafka.client import bounded, client_config, connect, in_our_words
from streams.kafka.writer import offsets
from streams.settings import KafkaSettings
from streams.transport import Listener, Partition, Record

log = logging.getLogger(__name__)

FETCH_WAIT_MS: Final = 250
READ_FETCH_BYTES: Final = 1024 * 1024  # the largest batch that topics take; a broker gives one in any case
READ_RECORDS: Final = 4  # at a time: the log squeezes snapshots a lot, and a fetch of many would be many times as large
HAND_OVER_EVERY_S: Final = 0.001
LEAST_POLL_MS: Final = 1


class Reader:
    """A member of a group, static by its name: restarted within the session timeout, it finds its partitions again."""

    def __init__(self, settings: KafkaSettings, group: str, member: str, password: SecretStr | None) -> None:
        self.counts: dict[str, float] = dict.fromkeys(("records_received", "bytes_received", "consumers_made"), 0.0)
        self.assigned: set[Partition] = set()
        self._settings = settings
        self._group = group
        self._member = member
        self._password = password
        self._timeout_s = settings.request_timeout_ms / 1000
        self._consumer: Any = None
        self._hand_over: _HandOver | None = None
        self._subscribed: tuple[str, Listener] | None = None
        self._lost: set[Partition] = set()
        self._member_id = ""
        self._partitions: dict[str, int] = {}

    def subscribe(self, topic: str, listener: Listener) -> None:
        """Join the group for a topic."""
        self.require(topic)
        self._subscribed = (topic, listener)
        self._join()

    def poll(self, timeout_s: float, most_records: int) -> list[Record]:
        """Committed records of the assigned partitions; changes of the assignment are told on the way."""
        if self._subscribed is None:
            raise ConfigurationError("poll before subscribe; subscribe to a topic first")
        consumer = self._made()
        listener = self._subscribed[1]
        self._tell_lost(listener)
        assert self._hand_over is not None
        # The client tells of changes on its I/O thread, where nothing may be asked of it. So it polls on a thread of
        # its own, and the changes are told here, while it waits.
        news = self._hand_over.news
        milliseconds = max(LEAST_POLL_MS, int(timeout_s * 1000))
        threading.Thread(
            target=_poll_into, args=(consumer, milliseconds, most_records, news), name="kafka-poll", daemon=True
        ).start()
        patience_s = timeout_s + 2 * self._timeout_s
        while True:
            try:
                piece = news.get(timeout=patience_s)
            except Empty:
                self._drop()
                raise TransportError(
                    f"reading: the client gave no sign for {patience_s:g} s; it is made anew"
                ) from None
            if self._consumer is not consumer:  # given up by the listener, with a commit that was fenced
                self._tell_lost(listener)
                return []
            if isinstance(piece, _Change):
                self._tell(listener, piece)
            elif isinstance(piece, BaseException):
                if isinstance(piece, kafka_errors.FencedInstanceIdError):
                    self._drop()
                if not isinstance(piece, kafka_errors.KafkaError):
                    self._drop()
                    raise piece
                raise in_our_words(piece, "reading") from piece
            elif self._was_replaced():
                self._drop()
                self._tell_lost(listener)
                return []
            else:
                return self._counted(piece)

    def seek(self, partition: Partition, offset: int) -> None:
        """Read an assigned partition on from an offset."""
        try:
            self._made().seek(TopicPartition(*partition), offset)
        except ValueError:
            raise FencedError(f"{partition.topic}/{partition.number} is not assigned to this member") from None

    def committed(self, partition: Partition) -> int | None:
        """The group's position; waits for a transaction that is just ending."""
        where, timeout_ms = TopicPartition(*partition), self._settings.request_timeout_ms
        try:
            position: int | None = self._made().committed(where, timeout_ms=timeout_ms)
        except kafka_errors.KafkaError as error:
            raise in_our_words(error, f"reading the position in {partition.topic}") from error
        return position

    def position(self, partition: Partition) -> int:
        """Where this client reads on in an assigned partition."""
        where, timeout_ms = TopicPartition(*partition), self._settings.request_timeout_ms
        try:
            position = self._made().position(where, timeout_ms=timeout_ms)
        except kafka_errors.IllegalStateError:
            raise FencedError(f"{partition.topic}/{partition.number} is not assigned to this member") from None
        except kafka_errors.KafkaError as error:
            raise in_our_words(error, f"reading where it stands in {partition.topic}") from error
        return int(position or 0)

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """At least once: the group's positions, outside any transaction."""
        try:
            self._made().commit(offsets(positions), timeout_ms=self._settings.request_timeout_ms)
        except kafka_errors.KafkaError as error:
            raise in_our_words(error, "committing positions") from error

    def membership(self, positions: Collection[Partition]) -> ConsumerGroupMetadata:
        """Who this is in the group, for a commit of positions. Raises FencedError for partitions of others."""
        if self._subscribed is None or not positions:
            return ConsumerGroupMetadata(self._group)
        now = self._made().group_metadata()
        foreign = [p for p in positions if p.topic == self._subscribed[0] and p not in self.assigned]
        # A broker takes positions from a stranger when the group is empty, so the client must look itself.
        if foreign or now.generation_id < 0 or now.member_id != self._member_id:
            names = ", ".join(str(partition.number) for partition in foreign) or "all"
            raise FencedError(f"{self._subscribed[0]}: partitions {names} are no longer this member's")
        return now

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """Offset of the oldest record, and the one after the newest committed record."""
        self.require(partition.topic, partition.number)
        where, timeout_ms = TopicPartition(*partition), self._settings.request_timeout_ms
        try:
            consumer = self._made()
            first = consumer.beginning_offsets([where], timeout_ms=timeout_ms)[where]
            end = consumer.end_offsets([where], timeout_ms=timeout_ms)[where]
        except kafka_errors.KafkaError as error:
            raise in_our_words(error, f"reading the bounds of {partition.topic}") from error
        return first, end

    def read(self, partition: Partition, offset: int) -> Iterator[Record]:
        """Committed records from an offset up to where the partition ends now."""
        first, end = self.bounds(partition)
        return self._read(partition, max(first, offset), end)

    def topics(self) -> dict[str, int]:
        """Topics that this client may see."""
        try:
            consumer = self._made()
            names = bounded(consumer.topics, self._timeout_s)
            known = {name: consumer.partitions_for_topic(name) for name in names}
        except kafka_errors.KafkaError as error:
            raise in_our_words(error, "reading the list of topics") from error
        self._partitions = {name: len(numbers) for name, numbers in sorted(known.items()) if not name.startswith("__")}
        return dict(self._partitions)

    def require(self, topic: str, number: int = 0) -> None:
        """Raise RefusedError when there is no such partition: the client would look for it until it times out."""
        if number < self._partitions.get(topic, 0):
            return
        partitions = self.topics().get(topic, 0)
        if partitions == 0:
            raise RefusedError(f"{topic}: no such topic, or this user may not see it; see 'maritime topics check'")
        if number >= partitions:
            raise RefusedError(f"{topic}: no partition {number}; it has {partitions}")

    def rejoin(self) -> None:
        """Leave what is held to others, and join anew with the next poll, whose listener hears of the loss first."""
        self._drop()

    def close(self) -> None:
        """Leave the group."""
        joined = self._consumer is not None and bool(self._consumer.group_metadata().member_id)
        self._drop()
        if joined and self._subscribed is not None:
            self._leave()
        self.assigned = set()
        self._subscribed = None

    def _made(self) -> Any:
        if self._consumer is None:
            settings = self._settings
            config = self._config() | {
                "group_id": self._group,
                "group_instance_id": self._member,
                "partition_assignment_strategy": [CooperativeStickyAssignor],
                "session_timeout_ms": settings.session_timeout_ms,
                "heartbeat_interval_ms": max(100, min(3_000, settings.session_timeout_ms // 5)),
            }
            self._consumer = connect(KafkaConsumer, settings, config)
            self.counts["consumers_made"] += 1
            self._join()
        return self._consumer

    def _config(self) -> dict[str, Any]:
        return client_config(self._settings, f"{self._group}.{self._member}", self._password) | {
            "metrics_enabled": False,
            "isolation_level": "read_committed",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "fetch_max_wait_ms": FETCH_WAIT_MS,
        }

    def _join(self) -> None:
        if self._subscribed is None:
            return
        consumer = self._consumer
        if consumer is None:
            self._made()
            return
        self._hand_over = _HandOver(lambda: consumer._net.sleep(HAND_OVER_EVERY_S))
        consumer.subscribe([self._subscribed[0]], listener=self._hand_over)

    def _tell(self, listener: Listener, change: "_Change") -> None:
        if self._was_replaced():  # then all is lost, as `poll` says when it ends
            change.told.set()
            return
        try:
            if change.kind == "assigned":
                self._member_id = self._consumer.group_metadata().member_id
                self.assigned.update(change.partitions)
                listener.assigned(change.partitions)
            elif change.kind == "revoked":
                listener.revoked(change.partitions)
            else:
                self.assigned.difference_update(change.partitions)
                listener.lost(change.partitions)
        except BaseException:
            # What this poll has read already would be skipped, so start again from the group's positions.
            self._drop()
            raise
        finally:
            if change.kind != "assigned":
                self.assigned.difference_update(change.partitions)
            change.told.set()

    def _tell_lost(self, listener: Listener) -> None:
        if self._lost:
            lost, self._lost = self._lost, set()
            listener.lost(sorted(lost))

    def _was_replaced(self) -> bool:
        """Whether the group gave this member up, and took it back under a new id, since its partitions were assigned.

        When the client learns of it in the middle of a rebalance it tells nobody, and goes on as if it had held its
        partitions all the time; another member may have been at work on them.
        """
        member_id = self._consumer.group_metadata().member_id
        return bool(self.assigned) and bool(member_id) and member_id != self._member_id

    def _counted(self, found: Mapping[TopicPartition, Sequence[Any]]) -> list[Record]:
        records = [_record(raw) for raws in found.values() for raw in raws]
        self.counts["records_received"] += len(records)
        self.counts["bytes_received"] += sum(len(record.value or b"") for record in records)
        return records

    def _read(self, partition: Partition, offset: int, end: int) -> Iterator[Record]:
        if offset >= end:
            return
        where = TopicPartition(*partition)
        config = self._config() | {"max_partition_fetch_bytes": READ_FETCH_BYTES, "max_poll_records": READ_RECORDS}
        consumer = connect(KafkaConsumer, self._settings, config)
        try:
            consumer.assign([where])
            consumer.seek(where, offset)
            moved_at = time.monotonic()
            # Positions, not records: the last offsets may be marks of transactions, or of aborted records.
            while offset < end:
                for raw in consumer.poll(timeout_ms=FETCH_WAIT_MS).get(where, ()):
                    if raw.offset >= end:
                        return
                    yield _record(raw)
                position = consumer.position(where, timeout_ms=self._settings.request_timeout_ms)
                if position is not None and position > offset:
                    offset, moved_at = position, time.monotonic()
                elif time.monotonic() - moved_at > self._timeout_s:
                    raise TransportError(f"reading {partition.topic}/{partition.number} stands still at {offset}")
        except kafka_errors.KafkaError as error:
            raise in_our_words(error, f"reading {partition.topic}") from error
        finally:
            self._end(consumer)
            consumer = None
            gc.collect()  # a closed client is a cycle, which holds what it had fetched

    def _drop(self) -> None:
        """Give up the consumer; the next call makes a new one, and its listener hears what is lost."""
        consumer, self._consumer = self._consumer, None
        if self._hand_over is not None:
            self._hand_over.closing = True
            self._hand_over = None
        self._lost |= self.assigned
        self.assigned = set()
        if consumer is not None:
            self._end(consumer)

    def _end(self, consumer: Any) -> None:
        with suppress(kafka_errors.KafkaError, RuntimeError):
            bounded(lambda: consumer.close(autocommit=False, timeout_ms=1_000), self._timeout_s)

    def _leave(self) -> None:
        """A static member does not leave by closing; its partitions would lie idle for a session timeout."""
        try:
            config = client_config(self._settings, f"{self._group}.{self._member}.leave", self._password)
            admin = connect(KafkaAdminClient, self._settings, config)
            try:
                who = [MemberToRemove(group_instance_id=self._member)]
                bounded(lambda: admin.remove_group_members(self._group, who), self._timeout_s)
            finally:
                bounded(admin.close, self._timeout_s)
        except (kafka_errors.KafkaError, TransportError) as error:
            log.warning("%s did not leave group %s in order: %s", self._member, self._group, error)


@dataclass(frozen=True, slots=True)
class _Change:
    kind: Literal["assigned", "revoked", "lost"]
    partitions: list[Partition]
    told: threading.Event = field(default_factory=threading.Event)


class _HandOver(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Hands changes over to the thread that polls, and lets the group go on only when they have been told there."""

    def __init__(self, pause: Callable[[], Awaitable[None]]) -> None:
        self.news: SimpleQueue[_Change | BaseException | Mapping[Any, Any]] = SimpleQueue()
        self.closing = False
        self._pause = pause

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._hand_over("assigned", assigned)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._hand_over("revoked", revoked)

    async def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        await self._hand_over("lost", lost)

    async def _hand_over(
        self, kind: Literal["assigned", "revoked", "lost"], partitions: Iterable[TopicPartition]
    ) -> None:
        change = _Change(kind, sorted(Partition(*each) for each in partitions))
        if not change.partitions or self.closing:
            return
        self.news.put(change)
        while not change.told.is_set() and not self.closing:
            await self._pause()


def _poll_into(consumer: Any, timeout_ms: int, most_records: int, news: SimpleQueue[Any]) -> None:
    try:
        news.put(consumer.poll(timeout_ms=timeout_ms, max_records=most_records))
    except BaseException as error:
        news.put(error)


def _record(raw: Any) -> Record:
    return Record(
        partition=Partition(raw.topic, raw.partition),
        offset=raw.offset,
        value=raw.value,
        key=raw.key,
        headers=tuple((name, value if value is not None else b"") for name, value in raw.headers),
        timestamp_ms=raw.timestamp,
    )
