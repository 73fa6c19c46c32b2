"""A client that asks the broker single questions in its own protocol: no library's good manners stand between.

What a partner's program is refused must be refused to any program.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import kafka.errors as kafka_errors
from kafka import KafkaAdminClient
from kafka.protocol.consumer import (
    FetchRequest,
    JoinGroupRequest,
    ListOffsetsRequest,
    OffsetCommitRequest,
    OffsetFetchRequest,
)
from kafka.protocol.metadata import FindCoordinatorRequest, MetadataRequest
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from pydantic import SecretStr

from streams.kafka.client import client_config, connect
from streams.settings import KafkaSettings


class Wire:
    """A connection as one user. Answers are names of Kafka's errors, `NoError` where it did as it was asked."""

    def __init__(self, settings: KafkaSettings, password: str, closes: ExitStack) -> None:
        self.admin: Any = connect(KafkaAdminClient, settings, client_config(settings, "wire", SecretStr(password)))
        closes.callback(self.admin.close)
        self.topics()  # the first connection only asks who the brokers are; now the one that is used is open

    def topics(self) -> set[str]:
        """The topics that the broker tells of."""
        response = self._sent(MetadataRequest(topics=None, allow_auto_topic_creation=False))
        return {topic.name for topic in response.topics if topic.error_code == 0}

    def describe(self, topic: str) -> str:
        """Ask for one topic by its name."""
        asked = [MetadataRequest.MetadataRequestTopic(name=topic)]
        (answer,) = self._sent(MetadataRequest(topics=asked, allow_auto_topic_creation=False)).topics
        return _name(answer.error_code)

    def ends(self, topic: str) -> str:
        """Ask where it ends."""
        part = ListOffsetsRequest.ListOffsetsTopic.ListOffsetsPartition(partition_index=0, timestamp=-1)
        asked = [ListOffsetsRequest.ListOffsetsTopic(name=topic, partitions=[part])]
        response = self._sent(ListOffsetsRequest(topics=asked, isolation_level=1))
        return _name(response.topics[0].partitions[0].error_code)

    def fetch(self, topic: str, offset: int = 0, wait_ms: int = 0) -> tuple[str, list[bytes | None]]:
        """Read a topic's first partition; waits for a record for so long."""
        part = FetchRequest.FetchTopic.FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
        asked = [FetchRequest.FetchTopic(topic=topic, partitions=[part])]
        response = self._sent(
            FetchRequest(max_wait_ms=wait_ms, min_bytes=1, isolation_level=0, topics=asked, max_version=12),
            timeout_ms=wait_ms + 5_000,
        )
        got = response.responses[0].partitions[0]
        records = MemoryRecords(bytes(got.records or b""))
        values = []
        while records.has_next():
            values += [record.value for record in records.next_batch()]
        return _name(got.error_code), values

    def produce(self, topic: str, value: bytes = b"{}") -> str:
        """Write a record."""
        builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1 << 16)
        builder.append(timestamp=int(time.time() * 1000), key=None, value=value, headers=[])
        builder.close()
        data = ProduceRequest.TopicProduceData
        part = data.PartitionProduceData(index=0, records=builder.buffer())
        asked = [data(name=topic, partition_data=[part])]
        response = self._sent(
            ProduceRequest(transactional_id=None, acks=-1, timeout_ms=3_000, topic_data=asked, max_version=12)
        )
        return _name(response.responses[0].partition_responses[0].error_code)

    def find_group(self, group: str) -> str:
        """Ask which broker keeps a group."""
        response = self._sent(FindCoordinatorRequest(key_type=0, coordinator_keys=[group], min_version=4))
        return _name(response.coordinators[0].error_code)

    def find_writer(self, transactional_id: str) -> str:
        """Ask which broker keeps the transactions of a writer."""
        response = self._sent(FindCoordinatorRequest(key_type=1, coordinator_keys=[transactional_id], min_version=4))
        return _name(response.coordinators[0].error_code)

    def join_group(self, group: str) -> str:
        """Ask to be a member."""
        protocol = JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=b"")
        response = self._sent(
            JoinGroupRequest(
                group_id=group,
                session_timeout_ms=6_000,
                rebalance_timeout_ms=6_000,
                member_id="",
                group_instance_id=None,
                protocol_type="consumer",
                protocols=[protocol],
            )
        )
        return _name(response.error_code)

    def read_positions(self, group: str) -> str:
        """Ask where a group stands."""
        response = self._sent(OffsetFetchRequest(group_id=group, topics=None, max_version=7))
        return _name(response.error_code)

    def move_group(self, group: str, topic: str, offset: int = 0) -> str:
        """Set where a group stands in a topic."""
        data = OffsetCommitRequest.OffsetCommitRequestTopic
        part = data.OffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="")
        response = self._sent(
            OffsetCommitRequest(
                group_id=group,
                generation_id_or_member_epoch=-1,
                member_id="",
                group_instance_id=None,
                topics=[data(name=topic, partitions=[part])],
                max_version=8,
            )
        )
        return _name(response.topics[0].partitions[0].error_code)

    def begin_as(self, transactional_id: str) -> str:
        """Ask to be the writer of this name, which fences the one that is."""
        response = self._sent(InitProducerIdRequest(transactional_id=transactional_id, transaction_timeout_ms=10_000))
        return _name(response.error_code)

    def administer(self, call: str, *args: Any, **more: Any) -> str:
        """Ask for what only administrators may."""
        try:
            answer = getattr(self.admin, call)(*args, **more)
        except kafka_errors.KafkaError as error:
            return type(error).__name__
        if isinstance(answer, dict) and answer.get("failed"):
            return str(answer["failed"][0].__name__)
        if isinstance(answer, Sequence) and answer and isinstance(answer[0], tuple):
            return str(answer[0][2].__name__)
        return f"NoError: {answer}"

    def _sent(self, request: Any, timeout_ms: int = 5_000) -> Any:
        manager = self.admin._manager
        return manager.run(lambda: manager.send(request, request_timeout_ms=timeout_ms))


def _name(code: int) -> str:
    return str(kafka_errors.for_code(code).__name__)
