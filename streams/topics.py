"""The topics: what each is for, how it is kept, and who may do what with it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from maritime.units import DAY_MS
from streams.exercise import named
from streams.settings import LiveSettings
from streams.topic_names import ALERTS, POSITIONS, REJECTS, RESCUE, STATE, VESSELS

# Records are at most 512 KiB; a batch of the producer may hold some of them, with headers.
MOST_BATCH_BYTES: Final = 1_048_576
ROLL_MS: Final = (
    3_600_000  # a compacted topic is compacted up to its newest segment, so segments must not last for days
)

# Retention must count from arrival: event times of a replayed file may be years old, and its records would go at once.
ARRIVAL: Final = {"message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be."""

    name: str
    partitions: int
    replication: int
    cleanup: Literal["delete", "compact"]
    retention_ms: int | None  # None for compacted topics
    most_batch_bytes: int = MOST_BATCH_BYTES
    more: Mapping[str, str] = field(default_factory=dict)

    def configs(self) -> dict[str, str]:
        """The topic's configuration in Kafka's names."""
        configs = {"cleanup.policy": self.cleanup, "max.message.bytes": str(self.most_batch_bytes)}
        if self.retention_ms is not None:
            configs["retention.ms"] = str(self.retention_ms)
        # Of three copies two must have a record before it counts: what was confirmed survives a broker.
        configs["min.insync.replicas"] = str(min(2, self.replication))
        return configs | ARRIVAL | dict(self.more)


@dataclass(frozen=True, slots=True)
class TopicFound:
    """A topic as it is; `configs` holds every key, defaults too."""

    name: str
    partitions: int
    replication: int  # of the partition that has the fewest copies
    configs: Mapping[str, str | None]


Resource = Literal["topic", "group", "transactional-id", "cluster", "delegation-token", "user"]
Operation = Literal[
    "READ",
    "WRITE",
    "DESCRIBE",
    "ALL",
    "CREATE",
    "DELETE",
    "ALTER",
    "CLUSTER_ACTION",
    "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS",
    "IDEMPOTENT_WRITE",
    "CREATE_TOKENS",
    "DESCRIBE_TOKENS",
]


class Rule(NamedTuple):
    """One permission: who may do what with which topic, group or transactional id. DENY goes before ALLOW."""

    principal: str
    resource: Resource
    name: str
    prefixed: bool
    operation: Operation
    effect: Literal["ALLOW", "DENY"] = "ALLOW"
    host: str = "*"


class Credential(NamedTuple):
    """A user that has a password, and for which mechanism."""

    user: str
    mechanism: str


def specs(settings: LiveSettings) -> tuple[TopicSpec, ...]:
    """The table of topics."""
    n, copies = settings.log.partitions, settings.log.replication
    kept_ms = int(settings.log.positions_days * DAY_MS)
    alerts_ms = int(settings.log.alerts_days * DAY_MS)
    rolled = {"segment.ms": str(ROLL_MS)}
    # State is a handful of keys, rewritten every few minutes: compact early, so that restarts are short.
    state = rolled | {"min.cleanable.dirty.ratio": "0.1", "segment.bytes": "67108864"}
    table = (
        TopicSpec(POSITIONS, n, copies, "delete", kept_ms),
        TopicSpec(VESSELS, n, copies, "compact", None, more=rolled),
        TopicSpec(REJECTS, 1, copies, "delete", kept_ms),
        TopicSpec(STATE, n, copies, "compact", None, more=state),
        TopicSpec(ALERTS, n, copies, "delete", alerts_ms),
        TopicSpec(RESCUE, n, copies, "delete", alerts_ms),
    )
    return tuple(replace(spec, name=named(spec.name, settings.log.status)) for spec in table)


def differences(wanted: Sequence[TopicSpec], found: Mapping[str, TopicFound]) -> list[str]:
    """What is not as it should be, one sentence each; empty when all is well."""
    sentences: list[str] = []
    for spec in wanted:
        topic = found.get(spec.name)
        if topic is None:
            sentences.append(f"{spec.name}: missing, or this user may not see it")
            continue
        if topic.partitions != spec.partitions:
            sentences.append(
                f"{spec.name}: {topic.partitions} partitions where {spec.partitions} are set; the number is fixed at "
                "creation, as it decides where a vessel's records lie"
            )
        if topic.replication < spec.replication:
            sentences.append(f"{spec.name}: {topic.replication} copies where {spec.replication} are set")
        for key, value in spec.configs().items():
            if topic.configs.get(key) != value:
                sentences.append(f"{spec.name}: {key} is {topic.configs.get(key)}, should be {value}")
    return sentences


def rules(settings: LiveSettings, names: Mapping[str, str] | None = None) -> tuple[Rule, ...]:
    """Least permissions of the principals of one operator: `ingest`, `detect`, `share` and `tail`, or what `names`
    calls them (a certificate's name, for one). Writing to a partner's topic is granted with the partner.
    """
    group = settings.log.group
    wanted = (
        *_may("ingest", ("WRITE",), POSITIONS, VESSELS, REJECTS),
        *_may("ingest", ("READ",), POSITIONS),  # where the one before it stopped
        *_transactions("ingest", "ingest"),
        *_may("detect", ("READ",), POSITIONS, STATE),
        *_may("detect", ("WRITE",), STATE, ALERTS, RESCUE, REJECTS),
        Rule("detect", "group", group, False, "READ"),
        *_transactions("detect", group),
        *_may("share", ("READ",), ALERTS, RESCUE),
        Rule("share", "group", "share.", True, "READ"),
        *_transactions("share", "share"),
        *_may("tail", ("READ",), POSITIONS, VESSELS, REJECTS, ALERTS, RESCUE),
        Rule("tail", "group", "tail", True, "READ"),
    )
    return tuple(
        rule._replace(
            principal=(names or {}).get(rule.principal, rule.principal), name=named(rule.name, settings.log.status)
        )
        for rule in wanted
    )


def commands(wanted: Sequence[Rule], bootstrap: str) -> list[str]:
    """The rules as commands of Kafka's own tool, to be read before they are run."""
    lines = []
    for rule in wanted:
        pattern = ["--resource-pattern-type", "prefixed"] if rule.prefixed else []
        words = [
            "kafka-acls.sh",
            "--bootstrap-server",
            bootstrap,
            "--add",
            "--allow-principal",
            f"User:{rule.principal}",
        ]
        words += ["--operation", rule.operation.title(), f"--{rule.resource}", rule.name, *pattern]
        lines.append(shlex.join(words))
    return lines


def _may(principal: str, operations: Sequence[Operation], *topics: str) -> list[Rule]:
    """READ and WRITE bring DESCRIBE with them."""
    return [Rule(principal, "topic", topic, False, operation) for topic in topics for operation in operations]


def _transactions(principal: str, prefix: str) -> list[Rule]:
    """Every process has a transactional id of its own, so the rule is for a prefix."""
    return [Rule(principal, "transactional-id", f"{prefix}.", True, "WRITE")]
