"""Topics, permissions and users of a Kafka log: made, looked at, granted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

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
    ResourcePatternFilter,
    ResourceType,
)
from pydantic import SecretStr

from maritime.errors import RefusedError, TransportError
from streams.kafka import users
from streams.kafka.client import bounded, client_config, connect, in_our_words
from streams.kafka.stuck import Stuck, end, stuck_transactions
from streams.settings import KafkaSettings
from streams.topics import Credential, Operation, Resource, Rule, TopicFound, TopicSpec

Answer = TypeVar("Answer")

USER_PREFIX = "User:"  # of principals; Kafka's own authorizer knows no other kind
EVERY_ACL = ACLFilter(
    None,
    None,
    ACLOperation.ANY,
    ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


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

    def change(self, spec: TopicSpec) -> None:
        """Give a topic that is there the configuration that it should have."""
        resource = ConfigResource(ConfigResourceType.TOPIC, spec.name, spec.configs())
        answer = self._ask(
            f"changing {spec.name}", lambda: self._client.alter_configs([resource], raise_on_unknown=False)
        )
        said = answer.get("topic", {}).get(spec.name)
        if said != "OK":
            raise RefusedError(f"changing {spec.name}: the log refuses it ({said})")

    def permissions(self) -> frozenset[Rule]:
        """Every permission that there is. Raises RefusedError where the log asks nobody for permission."""
        try:
            acls, _ = self._ask("reading the permissions", lambda: self._client.describe_acls(EVERY_ACL))
        except TransportError as error:
            if isinstance(error.__cause__, kafka_errors.SecurityDisabledError):
                raise RefusedError(
                    "the log has no authorizer, so whoever reaches it may read all; give its brokers one "
                    "(authorizer.class.name) before you let partners in"
                ) from None
            raise
        return frozenset(_rule(acl) for acl in acls if acl.principal.startswith(USER_PREFIX))

    def grant(self, rules: Sequence[Rule]) -> None:
        """Allow what the rules say, or deny it."""
        answer = self._ask("granting", lambda: self._client.create_acls([_acl(rule) for rule in rules]))
        if answer["failed"]:
            raise RefusedError(f"granting: the log refuses it ({answer['failed'][0].__name__})")

    def revoke(self, rules: Sequence[Rule]) -> None:
        """Take back what the rules allow."""
        filters = [
            ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)
            for acl in map(_acl, rules)
        ]
        answers = self._ask("revoking", lambda: self._client.delete_acls(filters))
        failed = [error.__name__ for _, _, error in answers if error is not kafka_errors.NoError]
        if failed:
            raise RefusedError(f"revoking: the log refuses it ({failed[0]})")

    def credentials(self) -> frozenset[Credential]:
        """All users with a password in the log itself (SCRAM)."""
        return self._ask("reading the users", lambda: users.credentials(self._client))

    def set_password(self, credential: Credential, password: SecretStr) -> None:
        """Make a user, or give one another password: the old one counts no more."""
        self._ask("setting a password", lambda: users.set_password(self._client, credential, password))

    def remove_credentials(self, gone: Iterable[Credential]) -> None:
        """Take passwords away: their users cannot connect any more."""
        self._ask("removing users", lambda: users.remove(self._client, gone))

    def quotas(self) -> dict[str, dict[str, float]]:
        """The quotas of every user that has any of its own."""
        return self._ask("reading the quotas", lambda: users.quotas(self._client))

    def set_quotas(self, wanted: Mapping[str, Mapping[str, float | None]]) -> None:
        """Set quotas of users; None takes one away."""
        self._ask("setting the quotas", lambda: users.set_quotas(self._client, wanted))

    def broker_settings(self) -> dict[str, dict[str, str | None]]:
        """What each broker says of its own settings, by its number."""
        brokers = self._ask("reading which brokers there are", self._client.describe_cluster)["brokers"]
        nodes = [str(broker["broker_id"]) for broker in brokers if not broker.get("is_fenced")]
        resources = [ConfigResource(ConfigResourceType.BROKER, node) for node in nodes]
        found = self._ask(
            "reading the brokers' settings", lambda: self._client.describe_configs(resources, config_filter="all")
        )
        return {node: {key: entry["value"] for key, entry in found["broker"][node].items()} for node in nodes}

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
    resource = ResourceType[rule.resource.upper().replace("-", "_")]
    return ACL(
        principal=f"{USER_PREFIX}{rule.principal}",
        host=rule.host,
        operation=ACLOperation[rule.operation],
        permission_type=ACLPermissionType[rule.effect],
        resource_pattern=ResourcePattern(resource, rule.name, pattern),
    )


def _rule(acl: Any) -> Rule:
    pattern = acl.resource_pattern
    return Rule(
        acl.principal.removeprefix(USER_PREFIX),
        cast(Resource, pattern.resource_type.name.lower().replace("_", "-")),
        pattern.resource_name,
        pattern.pattern_type is ACLResourcePatternType.PREFIXED,
        cast(Operation, acl.operation.name),
        "DENY" if acl.permission_type is ACLPermissionType.DENY else "ALLOW",
        acl.host,
    )
