"""Topics and permissions of a Kafka log: made, looked at, granted."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import kafka.errors as kafka_errors
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourceType,
)
from pydantic import SecretStr

from maritime.errors import RefusedError
from streams.kafka.client import bounded, client_config, connect, in_our_words
from streams.kafka.stuck import Stuck, end, stuck_transactions
from streams.settings import KafkaSettings
from streams.topics import Rule, TopicFound, TopicSpec

Answer = TypeVar("Answer")

_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional-id": ResourceType.TRANSACTIONAL_ID,
}


class KafkaAdministration:
    """Connects when it is made. Raises TransportError, and RefusedError where the user may not."""

    def __init__(self, settings: KafkaSettings, password: SecretStr | None = None) -> None:
        self._timeout_s = settings.request_timeout_ms / 1000
        self._client: Any = connect(KafkaAdminClient, settings, client_config(settings, "maritime-topics", password))

    def topics(self) -> dict[str, TopicFound]:
        """The topics that this user may see, with their configuration."""
        described = self._ask("reading the topics", self._client.describe_topics)
        topics = {t["name"]: t["partitions"] for t in described if not t["name"].startswith("__")}
        partitions = {name: len(held) for name, held in topics.items()}
        copies = {name: min(len(p["replica_nodes"]) for p in held) for name, held in topics.items()}
        if not partitions:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in partitions]
        configs = self._ask(
            "reading the topics' settings", lambda: self._client.describe_configs(resources, config_filter="all")
        )
        values = {
            name: {key: entry["value"] for key, entry in entries.items()}
            for name, entries in configs.get("topic", {}).items()
        }
        return {name: TopicFound(name, n, copies[name], values.get(name, {})) for name, n in partitions.items()}

    def create(self, wanted: Sequence[TopicSpec]) -> list[str]:
        """Create those topics that do not exist yet; their names."""
        there = {topic["name"] for topic in self._ask("reading the topics", self._client.describe_topics)}
        new = {
            spec.name: {
                "num_partitions": spec.partitions,
                "replication_factor": spec.replication,
                "configs": spec.configs(),
            }
            for spec in wanted
            if spec.name not in there
        }
        if new:
            names = ", ".join(new)
            self._ask(f"creating {names}", lambda: self._client.create_topics(new, wait_for_metadata=True))
        return list(new)

    def grant(self, rules: Sequence[Rule]) -> None:
        """Allow what the rules say."""
        answer = self._ask("granting", lambda: self._client.create_acls([_acl(rule) for rule in rules]))
        if answer["failed"]:
            raise RefusedError(f"granting: the log refuses it ({answer['failed'][0].__name__})")

    def revoke(self, rules: Sequence[Rule]) -> None:
        """Take back what the rules allow."""
        filters = [
            ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)
            for acl in map(_acl, rules)
        ]
        self._ask("revoking", lambda: self._client.delete_acls(filters))

    def stuck(self) -> list[Stuck]:
        """Transactions that nobody will end, and that hold up all readers; takes some seconds when there is any."""
        return self._ask("looking for stuck transactions", lambda: stuck_transactions(self._client))

    def end_stuck(self, stuck: Sequence[Stuck]) -> None:
        """Abort stuck transactions: their records are skipped, and their positions fall back."""
        self._ask("ending stuck transactions", lambda: end(self._client, stuck))

    def close(self) -> None:
        """Let go of the connection."""
        self._ask("closing", self._client.close)

    def _ask(self, doing: str, call: Callable[[], Answer]) -> Answer:
        try:
            return bounded(call, 2 * self._timeout_s)
        except kafka_errors.KafkaError as error:
            raise in_our_words(error, doing) from error


def _acl(rule: Rule) -> Any:
    pattern = ACLResourcePatternType.PREFIXED if rule.prefixed else ACLResourcePatternType.LITERAL
    return ACL(
        principal=f"User:{rule.principal}",
        host="*",
        operation=ACLOperation[rule.operation],
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(_RESOURCES[rule.resource], rule.name, pattern),
    )
