"""The log on Apache Kafka. kafka-python is imported in this folder and nowhere else."""

from streams.kafka.administration import KafkaAdministration
from streams.kafka.transport import KafkaTransport
from streams.kafka.unpacking import bound_the_client

__all__ = ["KafkaAdministration", "KafkaTransport"]

bound_the_client()
