"""The log on Apache Kafka. kafka-python is imported in this folder and nowhere else."""

from streams.kafka.administration import KafkaAdministration
from streams.kafka.transport import KafkaTransport

__all__ = ["KafkaAdministration", "KafkaTransport"]
