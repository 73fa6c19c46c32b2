"""Partners on the log: what a release policy makes of topics, permissions, users and quotas, and what is to be done.

A partner is a user of its own, `partner.<name>`. It reads its own topics in groups of its own, writes its own feedback,
reads what it is answered, and nothing else: the log denies what no permission allows. What a policy does not name, or
no longer does, is taken back. The publisher is given what it needs and keeps it: it must still tell former partners to
let go of a copy.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from maritime.errors import ConfigurationError, UsageError
from maritime.sharing.policy import GROUP, Agreement, ReleasePolicy
from maritime.units import DAY_MS
from streams.settings import LiveSettings
from streams.topic_names import ALERTS, RESCUE, answers_of, feedback_of
from streams.topics import Credential, Rule, TopicFound, TopicSpec, differences, rules

if TYPE_CHECKING:
    from streams.kafka import KafkaAdministration

USER_PREFIX: Final = "partner."
PUBLISHER: Final = "share"
EXERCISE: Final = "exercise."  # before the names of all that belongs to exercises
PUBLISHER_GROUP: Final = "share."  # its groups and transactional ids begin so
MECHANISM: Final = "SCRAM-SHA-512"
# Chosen: an envelope has some 4 KiB, so a partner that begins anew reads 250 a second; feedback is a line a time.
# Of the brokers' threads, a partner may keep a quarter of one busy.
QUOTAS: Final[Mapping[str, float]] = {
    "consumer_byte_rate": 1_048_576.0,
    "producer_byte_rate": 65_536.0,
    "request_percentage": 25.0,
}
LEAST_KEPT_DAYS: Final = 1.0  # of a partner to whom no rule releases anything
MOST_ROLL_MS: Final = DAY_MS  # a record goes with its segment, so that is how much longer than told it may stay
# Chosen: years of feedback; without a bound a partner could fill the brokers' disks.
MOST_FEEDBACK_BYTES: Final = 64 * 1024 * 1024
FEEDBACK_SEGMENT_BYTES: Final = 8 * 1024 * 1024
MOST_FEEDBACK_BATCH_BYTES: Final = 256 * 1024

Standing = Literal["in force", "not yet in force", "ended", "revoked", "not in the policy"]


class PartnersFound(NamedTuple):
    """What is on the log now."""

    topics: Mapping[str, TopicFound]
    permissions: frozenset[Rule]
    credentials: frozenset[Credential]
    quotas: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done so that the log is as the policy says. Empty when it is; `notes` need a person."""

    create: tuple[TopicSpec, ...] = ()
    change: tuple[TopicSpec, ...] = ()
    grant: tuple[Rule, ...] = ()
    take_back: tuple[Rule, ...] = ()
    quotas: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    add_users: tuple[Credential, ...] = ()
    remove_users: tuple[Credential, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)  # why a user is removed
    notes: tuple[str, ...] = ()

    @property
    def shuts_out(self) -> bool:
        """Whether anyone loses a user or a permission."""
        return bool(self.remove_users) or any(rule.effect == "ALLOW" for rule in self.take_back)

    def sentences(self) -> list[str]:
        """One line a step, in their order: `-` takes away, `+` adds, `~` changes, `!` is for a person to look at."""
        return [
            *(f"- user {user} ({mechanism}): {self.reasons[user]}" for user, mechanism in self.remove_users),
            *(f"- {rule_in_words(rule)}" for rule in self.take_back),
            *(f"- quotas of {user}" for user, values in self.quotas.items() if None in values.values()),
            *(f"+ topic {_topic_in_words(spec)}" for spec in self.create),
            *(f"~ topic {_topic_in_words(spec)}" for spec in self.change),
            *(f"+ {rule_in_words(rule)}" for rule in self.grant),
            *(
                f"~ quotas of {user}: {', '.join(f'{key} {value:g}' for key, value in values.items())}"
                for user, values in self.quotas.items()
                if None not in values.values()
            ),
            *(f"+ user {user} ({mechanism})" for user, mechanism in self.add_users),
            *(f"! {note}" for note in self.notes),
        ]


class PartnerOnLog(NamedTuple):
    """How a partner stands, and what of it is on the log."""

    name: str
    user: str
    standing: Standing
    agreement: Agreement | None
    has_user: bool
    topics: Mapping[str, bool]  # of its topics, which are there
    permissions: tuple[Rule, ...]  # as found
    missing: tuple[Rule, ...]
    not_wanted: tuple[Rule, ...]

    @property
    def is_as_wanted(self) -> bool:
        """Whether there is nothing to be done for it."""
        may_enter = self.standing == "in force"
        topics_are_there = self.standing == "not in the policy" or all(self.topics.values())
        return topics_are_there and self.has_user is may_enter and not self.missing and not self.not_wanted


def user_of(partner: str) -> str:
    """The user that a partner is on the log."""
    return f"{USER_PREFIX}{partner}"


def alerts_of(partner: str) -> str:
    """The topic with a partner's alerts."""
    return f"{ALERTS}.{partner}"


def exercise_of(partner: str) -> str:
    """The topic with a partner's exercises: no consumer of the one can take them for real."""
    return f"{EXERCISE}{ALERTS}.{partner}"


def topics_of(partner: str) -> tuple[str, ...]:
    """The names of all topics of a partner."""
    return alerts_of(partner), exercise_of(partner), feedback_of(partner), answers_of(partner)


def partner_topics(policy: ReleasePolicy, partner: str, live: LiveSettings) -> tuple[TopicSpec, ...]:
    """The topics of a partner: one partition each, so that its feed is in order."""
    copies, most_days = live.log.replication, live.log.alerts_days
    kept_ms = int(kept_days(policy, partner, most_days) * DAY_MS)
    rolled = {"segment.ms": str(min(MOST_ROLL_MS, kept_ms))}
    feedback = {"retention.bytes": str(MOST_FEEDBACK_BYTES), "segment.bytes": str(FEEDBACK_SEGMENT_BYTES)}
    return (
        TopicSpec(alerts_of(partner), 1, copies, "delete", kept_ms, more=rolled),
        TopicSpec(exercise_of(partner), 1, copies, "delete", kept_ms, more=rolled),
        TopicSpec(
            feedback_of(partner), 1, copies, "delete", int(most_days * DAY_MS), MOST_FEEDBACK_BATCH_BYTES, feedback
        ),
        TopicSpec(answers_of(partner), 1, copies, "delete", kept_ms, more=rolled),
    )


def kept_days(policy: ReleasePolicy, partner: str, most_days: float) -> float:
    """As long as the partner may keep any copy itself, and no longer than alerts are kept in the house."""
    spans = []
    for rule, group, _ in policy.candidates(partner):
        target = partner if group is None else f"{GROUP}{group}"
        for mark in policy.marks:
            if target in mark.rel_to and (rule.types is None or set(rule.types) & set(mark.types)):
                spans.append(min(mark.retain_days, rule.retain_days or mark.retain_days))
    return min(max(spans, default=LEAST_KEPT_DAYS), most_days)


def partner_rules(policy: ReleasePolicy, partner: str) -> tuple[Rule, ...]:
    """All that a partner may do. READ and WRITE bring DESCRIBE with them."""
    user, terms = user_of(partner), policy.partners[partner]
    read = [alerts_of(partner), answers_of(partner)]
    if terms.exercises:
        read.append(exercise_of(partner))
    if terms.rescue:
        read.append(RESCUE)
    return (
        *(Rule(user, "topic", topic, False, "READ") for topic in read),
        Rule(user, "topic", feedback_of(partner), False, "WRITE"),
        Rule(user, "group", f"{partner}.", True, "READ"),
    )


def publisher_rules(policy: ReleasePolicy, publisher: str = PUBLISHER) -> tuple[Rule, ...]:
    """What the publisher needs. It reads partners' topics to see, after a crash, what it has delivered already."""
    feeds = [topic for partner in policy.partners for topic in (alerts_of(partner), exercise_of(partner))]
    sources = [f"{before}{topic}" for before in ("", EXERCISE) for topic in (ALERTS, RESCUE)]
    answers = [answers_of(partner) for partner in policy.partners]
    groups = [PUBLISHER_GROUP, f"{EXERCISE}{PUBLISHER_GROUP}"]
    return (
        *(Rule(publisher, "topic", topic, False, "READ") for topic in (*sources, *feeds)),
        *(Rule(publisher, "topic", topic, False, "WRITE") for topic in (*feeds, *answers)),
        Rule(publisher, "topic", feedback_of(""), True, "READ"),
        *(Rule(publisher, "group", group, True, "READ") for group in groups),
        *(Rule(publisher, "transactional-id", group, True, "WRITE") for group in groups),
    )


def bars(partner: str) -> tuple[Rule, ...]:
    """What keeps a revoked partner out, whatever allows it in: denials go first, on open connections too."""
    user = user_of(partner)
    return (
        Rule(user, "topic", "*", False, "ALL", "DENY"),
        Rule(user, "group", "*", False, "ALL", "DENY"),
        Rule(user, "transactional-id", "*", False, "ALL", "DENY"),
        Rule(user, "cluster", "kafka-cluster", False, "ALL", "DENY"),
    )


def standing(policy: ReleasePolicy, partner: str, found: PartnersFound, day: date) -> Standing:
    """Whether a partner may be on the log on a day, and why not."""
    if set(bars(partner)) & found.permissions:
        return "revoked"
    if partner not in policy.partners:
        return "not in the policy"
    agreement = policy.partners[partner].agreement
    if day < agreement.since:
        return "not yet in force"
    return "in force" if day <= agreement.until else "ended"


def plan(
    policy: ReleasePolicy,
    live: LiveSettings,
    found: PartnersFound,
    day: date,
    *,
    publisher: str = PUBLISHER,
    readmit: Collection[str] = (),
) -> Plan:
    """What is to be done on a day (UTC). `readmit` names revoked partners that may come back.

    Raises ConfigurationError for a partner whose name would give it what is the house's own, UsageError for a partner
    to readmit that the policy does not have.
    """
    _require_apart(policy, live, publisher)
    if strangers := sorted(set(readmit) - set(policy.partners)):
        raise UsageError(f"'{strangers[0]}' is no partner of the policy {policy.policy}; it cannot be readmitted")
    lifted = {bar for partner in readmit for bar in bars(partner)} & found.permissions
    left = found._replace(permissions=found.permissions - lifted)
    standings = {name: standing(policy, name, left, day) for name in {*policy.partners, *partners_on(left)}}
    admitted = [name for name in policy.partners if standings[name] == "in force"]

    wanted = {rule for name in admitted for rule in partner_rules(policy, name)}
    allowed = {rule for rule in left.permissions if _partner(rule.principal) and rule.effect == "ALLOW"}
    for_publisher = [rule for rule in publisher_rules(policy, publisher) if rule not in found.permissions]
    users = {Credential(user_of(name), MECHANISM) for name in admitted}
    there = {credential for credential in found.credentials if _partner(credential.user)}
    create, change, notes = _topics(policy, live, found)
    return Plan(
        create=create,
        change=change,
        grant=(*for_publisher, *sorted(wanted - allowed)),
        take_back=tuple(sorted(lifted | (allowed - wanted))),
        quotas=_quotas(found, [user_of(name) for name in admitted]),
        add_users=tuple(sorted(users - there)),
        remove_users=tuple(sorted(there - users)),
        reasons={user: _reason(policy, user, standings) for user, _ in there - users},
        notes=(*notes, *_notes(left, standings)),
    )


def on_log(policy: ReleasePolicy, live: LiveSettings, found: PartnersFound, day: date) -> list[PartnerOnLog]:
    """Each partner of the policy, and each that the log alone knows, as it is against as it should be."""
    shown = []
    for name in (*policy.partners, *sorted(partners_on(found) - set(policy.partners))):
        now = standing(policy, name, found, day)
        wanted = set(partner_rules(policy, name)) if now == "in force" else set()
        held = {rule for rule in found.permissions if rule.principal == user_of(name)}
        allowed = {rule for rule in held if rule.effect == "ALLOW"}
        shown.append(
            PartnerOnLog(
                name,
                user_of(name),
                now,
                policy.partners[name].agreement if name in policy.partners else None,
                any(credential.user == user_of(name) for credential in found.credentials),
                {topic: topic in found.topics for topic in topics_of(name)},
                tuple(sorted(held)),
                tuple(sorted(wanted - held)),
                tuple(sorted(allowed - wanted)),
            )
        )
    return shown


def find(log: "KafkaAdministration") -> PartnersFound:
    """Look at the log. Raises RefusedError where it has no access control."""
    return PartnersFound(log.topics(), log.permissions(), log.credentials(), log.quotas())


def carry_out(plan: Plan, log: "KafkaAdministration") -> None:
    """Do all of a plan but its new users, whose passwords are the caller's to keep: first what takes away.

    Done again after a failure, it does the rest.
    """
    log.remove_credentials(plan.remove_users)
    if plan.take_back:
        log.revoke(plan.take_back)
    log.create(plan.create)
    for spec in plan.change:
        log.change(spec)
    if plan.grant:
        log.grant(plan.grant)
    if plan.quotas:
        log.set_quotas(plan.quotas)


def revoke(partner: str, found: PartnersFound, log: "KafkaAdministration") -> list[str]:
    """Shut a partner out at once, and until it is readmitted; what was taken away, one line each."""
    user = user_of(partner)
    gone = sorted(credential for credential in found.credentials if credential.user == user)
    allowed = sorted(rule for rule in found.permissions if rule.principal == user and rule.effect == "ALLOW")
    log.grant(bars(partner))
    log.remove_credentials(gone)
    if allowed:
        log.revoke(allowed)
    return [*(f"- user {user} ({mechanism})" for user, mechanism in gone), *(f"- {rule_in_words(r)}" for r in allowed)]


def open_connections(settings: Mapping[str, Mapping[str, str | None]]) -> str:
    """What brokers' settings say of connections that are open when a user goes, or has a new password."""
    key = "connections.max.reauth.ms"
    # a value for one listener alone is hidden by the broker, but not that there is one
    for_listeners = any(name.endswith(f".{key}") for found in settings.values() for name in found)
    limits_ms = [int(found.get(key) or 0) for found in settings.values()]
    if limits_ms and all(limits_ms):
        return f"open connections must show the password again within {max(limits_ms) / 1000:g} s, or end"
    if for_listeners:
        return f"open connections must show the password again after {key} of their listener, or end"
    return (
        f"open connections are not asked for the password again, as {key} is 0 on a broker; "
        "set it, see docs/operations.md"
    )


def rule_in_words(rule: Rule) -> str:
    """A permission as people read it."""
    name = f"{rule.name}*" if rule.prefixed else rule.name
    host = "" if rule.host == "*" else f" from {rule.host}"
    what = "permission" if rule.effect == "ALLOW" else "denial"
    return f"{what} {rule.principal}: {rule.operation} {rule.resource} {name}{host}"


def _require_apart(policy: ReleasePolicy, live: LiveSettings, publisher: str) -> None:
    """No partner's groups are the house's own; that its topics are not, the policy has seen to."""
    if publisher.startswith(USER_PREFIX):
        raise UsageError(f"the publisher cannot be '{publisher}': users that begin with {USER_PREFIX} are partners")
    groups = {
        (rule.name, rule.prefixed): rule.principal
        for rule in (*rules(live), *publisher_rules(policy, publisher))
        if rule.resource == "group"
    }
    for name in policy.partners:
        prefix = f"{name}."
        for (group, is_prefix), principal in groups.items():
            if group.startswith(prefix) or (is_prefix and prefix.startswith(group)):
                raise ConfigurationError(f"partner '{name}' would share the group {group} with {principal}; rename it")


def _topics(
    policy: ReleasePolicy, live: LiveSettings, found: PartnersFound
) -> tuple[tuple[TopicSpec, ...], tuple[TopicSpec, ...], list[str]]:
    """Topics to make, topics to change, and what cannot be changed in place."""
    create, change, notes = [], [], []
    for name in policy.partners:
        for spec in partner_topics(policy, name, live):
            topic = found.topics.get(spec.name)
            if topic is None:
                create.append(spec)
                continue
            if any(topic.configs.get(key) != value for key, value in spec.configs().items()):
                change.append(spec)
            as_configured = TopicFound(spec.name, topic.partitions, topic.replication, spec.configs())
            notes += differences([spec], {spec.name: as_configured})
    return tuple(create), tuple(change), notes


def _quotas(found: PartnersFound, users: Iterable[str]) -> dict[str, dict[str, float | None]]:
    """Quotas to set, and to take from users that go."""
    wanted = dict.fromkeys(users, QUOTAS)
    steps: dict[str, dict[str, float | None]] = {}
    for user, held in found.quotas.items():
        if _partner(user) and user not in wanted:
            steps[user] = dict.fromkeys(held)
    for user, values in wanted.items():
        if any(found.quotas.get(user, {}).get(key) != value for key, value in values.items()):
            steps[user] = dict(values)
    return steps


def _reason(policy: ReleasePolicy, user: str, standings: Mapping[str, Standing]) -> str:
    """Why a user goes."""
    name = _partner(user)
    now = standings[name]
    if now == "ended":
        return f"its agreement ended on {policy.partners[name].agreement.until}"
    if now == "not yet in force":
        return f"its agreement begins on {policy.partners[name].agreement.since}"
    return f"users of partners have {MECHANISM} alone" if now == "in force" else now


def _notes(found: PartnersFound, standings: Mapping[str, Standing]) -> list[str]:
    """What the plan leaves as it is, and a person should know of."""
    notes = [
        f"{name} was revoked, and stays out until it is readmitted (--readmit {name})"
        for name, now in sorted(standings.items())
        if now == "revoked"
    ]
    every_bar = {bar for name in standings for bar in bars(name)}
    for rule in sorted(found.permissions - every_bar):
        if rule.principal == "*" and rule.effect == "ALLOW":
            notes.append(f"{rule_in_words(rule)}: everyone may, partners too; take it back")
        elif _partner(rule.principal) and rule.effect == "DENY":
            notes.append(f"{rule_in_words(rule)}: made by hand, and stays")
    return notes


def partners_on(found: PartnersFound) -> set[str]:
    """The partners that the log knows of by their users, permissions or quotas."""
    users = {rule.principal for rule in found.permissions} | {each.user for each in found.credentials}
    return {name for user in users | set(found.quotas) if (name := _partner(user))}


def _partner(user: str) -> str:
    """The partner that a user is; empty for all others."""
    return user.removeprefix(USER_PREFIX) if user.startswith(USER_PREFIX) else ""


def _topic_in_words(spec: TopicSpec) -> str:
    assert spec.retention_ms is not None
    return f"{spec.name} (1 partition, kept {spec.retention_ms / DAY_MS:g} days)"
