"""Transactions that a partition holds open and no coordinator knows: readers of committed records wait for ever.

A single Kafka broker (seen with 4.3.1) that dies between its word that a transaction is committed and the marks of that
in the partitions loses the marks: at its next start it looks for the partitions before it knows of them, takes them for
deleted, and closes the transaction. Neither the library's search for hanging transactions nor Kafka's own, which asks
for an age of minutes by the records' times, is sure to find those, so this looks twice and compares.
"""

import time
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from kafka import TopicPartition
from kafka.admin import AbortTransactionSpec

from streams.transport import Partition

# Between the end of a transaction at its coordinator and the marks in the partitions lie milliseconds.
LOOK_AGAIN_AFTER_S: Final = 3.0
DECIDED: Final = frozenset({"Empty", "CompleteCommit", "CompleteAbort", "Dead"})


class Stuck(NamedTuple):
    """A transaction that nobody will end."""

    partition: Partition
    since_offset: int
    producer_id: int
    producer_epoch: int


def stuck_transactions(admin: Any) -> list[Stuck]:
    """What two looks, seconds apart, both find open in a partition and closed at its coordinator."""
    first = _looked(admin)
    if not first:
        return []
    time.sleep(LOOK_AGAIN_AFTER_S)
    return sorted(first & _looked(admin))


def end(admin: Any, stuck: Iterable[Stuck]) -> None:
    """Abort them: their records are skipped, and their positions fall back to those before."""
    for each in stuck:
        where = TopicPartition(*each.partition)
        admin.abort_transaction(AbortTransactionSpec(where, each.producer_id, each.producer_epoch))


def _looked(admin: Any) -> set[Stuck]:
    where = [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in admin.describe_topics()
        for partition in topic["partitions"]
        if topic["name"] != "__transaction_state"
    ]
    found = {
        Stuck(
            Partition(*place), producer.current_transaction_start_offset, producer.producer_id, producer.producer_epoch
        )
        for place, state in admin.describe_producers(where).items()
        for producer in state.active_producers
        if producer.current_transaction_start_offset >= 0
    }
    listed = [each for listings in admin.list_transactions().values() for each in listings]
    alive = {each.producer_id for each in listed if each.state.value not in DECIDED}
    return {stuck for stuck in found if stuck.producer_id not in alive}
