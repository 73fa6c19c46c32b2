"""The writing half of the transport: one transactional producer, or a plain one for at-least-once delivery.

kafka-python's idempotent producer is poisoned for ever by one error that it does not retry: every later send on every
topic fails. So any failure here ends in a new producer. A commit of the library also succeeds when a batch was lost
while it waited (the epoch is bumped, and the end of the transaction is then skipped), so every record is confirmed
before the commit is asked for.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import kafka.errors as kafka_errors
from kafka import ConsumerGroupMetadata, KafkaProducer, OffsetAndMetadata, TopicPartition
from pydantic import SecretStr

from maritime.errors import RefusedError, TransportError
from streams.kafka.client import FENCED, bounded, client_config, connect, in_our_words
from streams.settings import KafkaSettings
from streams.transport import Outgoing, Partition

log = logging.getLogger(__name__)

BATCH_BYTES: Final = 256 * 1024
RECORD_OVERHEAD_BYTES: Final = 128  # varints and the header of a batch, roundly
CLOSE_TIMEOUT_S: Final = 2.0


class Writer:
    """Sends records in transactions. After an error nothing sent since the last commit stays; it can be used on."""

    def __init__(self, settings: KafkaSettings, name: str, password: SecretStr | None) -> None:
        self.counts: dict[str, float] = dict.fromkeys(
            ("records_sent", "bytes_sent", "commits", "aborts", "errors", "producers_made"), 0.0
        )
        self._settings = settings
        self._name = name
        self._password = password
        self._transactional = settings.delivery == "exactly_once"
        self._timeout_s = settings.request_timeout_ms / 1000
        self._producer: Any = None
        self._open = False
        self._held: list[Outgoing] = []  # at least once: nothing goes out before the commit, so that abort can forget
        self._sent: list[Any] = []  # futures of the records of the open transaction
        self._first_failure: tuple[str, BaseException] | None = None
        # The last transaction may be open or half ended at the broker; a new producer of this name settles it.
        self._unsettled = False

    def send(self, records: Sequence[Outgoing]) -> None:
        """Send records as part of the open transaction, which the first one opens."""
        for record in records:
            size = _size(record)
            if size > self._settings.most_record_bytes:
                self.abort()
                self.counts["errors"] += 1
                most = self._settings.most_record_bytes
                raise RefusedError(f"{record.topic}: a record of {size} bytes is over the limit of {most}; split it")
        if not self._transactional:
            self._held += records
            return
        try:
            producer = self._begun()
            for record in records:
                self._send_one(producer, record)
        except TransportError:  # no connection, so no transaction
            self._closed_transaction("aborts")
            raise
        except (kafka_errors.KafkaError, ValueError) as error:
            raise self._failed(error, "sending") from error

    def commit(self, positions: Mapping[Partition, int], group: ConsumerGroupMetadata) -> None:
        """End the transaction: everything sent, and the group's positions, or nothing."""
        if not positions and not self._sent and not self._open:
            return
        ending = False
        try:
            producer = self._begun()
            self._confirm()
            if positions:
                bounded(lambda: producer.send_offsets_to_transaction(offsets(positions), group), self._timeout_s)
            ending = True
            bounded(producer.commit_transaction, self._timeout_s)
        except TransportError:
            self._closed_transaction("aborts")
            raise
        except kafka_errors.KafkaError as error:
            raise self._failed(error, "committing", ending=ending) from error
        self._closed_transaction("commits")

    def flush(self) -> None:
        """At least once: send what is held, and wait until the log has it."""
        if not self._held:
            return
        try:
            producer = self._made()
            for record in self._held:
                self._send_one(producer, record)
            self._confirm()
        except TransportError:
            self._closed_transaction("aborts")
            raise
        except (kafka_errors.KafkaError, ValueError) as error:
            raise self._failed(error, "sending") from error
        self._closed_transaction("commits")

    def abort(self) -> None:
        """Forget everything sent since the last commit. Does not fail: what cannot be reached now is settled later."""
        if self._open:
            try:
                bounded(self._producer.abort_transaction, self._timeout_s)
            except kafka_errors.KafkaError as error:
                log.warning("abort of %s: %s; a new producer will settle it", self._name, error)
                self._unsettled = True
                self._discard()
        elif not self._held:
            return
        self._closed_transaction("aborts")

    def settle(self, *, inherited: bool = False) -> None:
        """Make sure that no transaction of this client is open or half ended; with `inherited`, none of this name at
        all, as a process that died may have left it. Raises TransportError.
        """
        if self._unsettled or (inherited and self._transactional and self._producer is None):
            try:
                self._made()
            except kafka_errors.KafkaError as error:
                raise self._failed(error, "settling the last transaction") from error

    def close(self) -> None:
        """Abort what is open, end the producer."""
        self.abort()
        self._discard()

    def _send_one(self, producer: Any, record: Outgoing) -> None:
        future = producer.send(
            record.topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers),
            partition=record.partition,
            timestamp_ms=record.timestamp_ms,
        )
        self._sent.append(future)
        future.add_errback(self._note_failure, record.topic)
        self.counts["records_sent"] += 1
        self.counts["bytes_sent"] += len(record.value or b"")

    def _note_failure(self, topic: str, error: BaseException) -> None:
        """Called by the client's thread. The first failure is the cause; those after it only say that there was one."""
        if self._first_failure is None:
            self._first_failure = (topic, error)

    def _confirm(self) -> None:
        """Wait until the log has every record that was sent."""
        deadline = time.monotonic() + self._settings.transaction_timeout_ms / 1000
        for future in self._sent:
            future.get(timeout=max(0.0, deadline - time.monotonic()))

    def _begun(self) -> Any:
        producer = self._made()
        if not self._open:
            producer.begin_transaction()
            self._open = True
        return producer

    def _made(self) -> Any:
        """The producer; a new one after a failure. A new one of the same name fences the old, and ends what it left."""
        if self._producer is not None:
            return self._producer
        settings = self._settings
        config = client_config(settings, self._name, self._password) | {
            "metrics_enabled": False,
            "acks": "all",
            "batch_size": BATCH_BYTES,
            "compression_type": None if settings.compression == "none" else settings.compression,
            "max_request_size": max(1024 * 1024, settings.most_record_bytes + BATCH_BYTES),
            "max_block_ms": settings.request_timeout_ms,
            "delivery_timeout_ms": max(settings.transaction_timeout_ms, settings.request_timeout_ms),
            "allow_auto_create_topics": False,
        }
        if self._transactional:
            config |= {"transactional_id": self._name, "transaction_timeout_ms": settings.transaction_timeout_ms}
        self._producer = connect(KafkaProducer, settings, config)
        self.counts["producers_made"] += 1
        if self._transactional:
            self._producer.init_transactions()
        self._unsettled = False
        return self._producer

    def _failed(self, error: BaseException, doing: str, *, ending: bool = False) -> TransportError:
        """Abort and start afresh; the failure in our words, naming the topic."""
        topic, cause = self._first_failure or ("", error)
        where = f"to {_topics_of(cause) or topic}" if topic else f"as {self._name}"
        ours = in_our_words(cause, f"{doing} {where}")
        self.counts["errors"] += 1
        # Whether a commit that failed late was carried out, only the log knows; what is fenced is not ours to abort.
        self._unsettled = self._transactional and (ending or self._producer is not None)
        if self._open and not ending and not isinstance(cause, FENCED):
            with suppress(kafka_errors.KafkaError):
                bounded(self._producer.abort_transaction, self._timeout_s)
                self._unsettled = False
        self._discard()
        self._closed_transaction("aborts")
        return ours

    def _closed_transaction(self, how: str) -> None:
        self.counts[how] += 1
        self._open = False
        self._sent.clear()
        self._held.clear()
        self._first_failure = None

    def _discard(self) -> None:
        producer, self._producer, self._open = self._producer, None, False
        if producer is None:
            return
        try:
            producer.close(timeout=CLOSE_TIMEOUT_S)
        except kafka_errors.KafkaError:
            # close() gives up before it ends the thread when records are still under way, and has no other way out.
            producer._sender.force_close()


def offsets(positions: Mapping[Partition, int]) -> dict[TopicPartition, OffsetAndMetadata]:
    """Positions as kafka-python takes them."""
    return {TopicPartition(*partition): OffsetAndMetadata(offset, "", -1) for partition, offset in positions.items()}


def _size(record: Outgoing) -> int:
    headers = sum(len(name) + len(value) for name, value in record.headers)
    return len(record.value or b"") + len(record.key or b"") + headers + RECORD_OVERHEAD_BYTES


def _topics_of(error: BaseException) -> str:
    """Topics that a refusal names itself; the record that failed first may be one of another topic."""
    if not isinstance(error, kafka_errors.TopicAuthorizationFailedError) or not error.args:
        return ""
    named = error.args[0]
    return named if isinstance(named, str) else ", ".join(sorted(named))
