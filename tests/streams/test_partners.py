"""What a release policy asks of the log, planned without one."""

from datetime import date
from pathlib import Path

import pytest

from maritime.errors import ConfigurationError, UsageError
from maritime.sharing.policy_file import load_policy, parse_policy
from maritime.units import DAY_MS
from streams import partners
from streams.partners import PartnersFound, carry_out, on_log, plan
from streams.settings import LiveSettings, LogSettings
from streams.topics import Credential, Rule, TopicFound, specs

POLICY = load_policy(Path(__file__).resolve().parents[2] / "configs" / "sharing" / "national_centre.yaml")
LIVE = LiveSettings()
DAY = date(2026, 6, 1)
NOTHING = PartnersFound({}, frozenset(), frozenset(), {})


class Log:
    """Keeps what it is told, and in which order."""

    def __init__(self, found=NOTHING):
        self.topics, self.permissions = dict(found.topics), set(found.permissions)
        self.credentials, self.quotas = set(found.credentials), {u: dict(q) for u, q in found.quotas.items()}
        self.done = []

    @property
    def found(self):
        return PartnersFound(dict(self.topics), frozenset(self.permissions), frozenset(self.credentials), self.quotas)

    def create(self, wanted):
        self.done.append("create")
        self.topics |= {s.name: TopicFound(s.name, s.partitions, s.replication, s.configs()) for s in wanted}

    def change(self, spec):
        self.create([spec])

    def grant(self, rules):
        self.done.append("grant")
        self.permissions |= set(rules)

    def revoke(self, rules):
        self.done.append("revoke")
        self.permissions -= set(rules)

    def remove_credentials(self, gone):
        self.done.append("remove users")
        self.credentials -= set(gone)

    def set_quotas(self, wanted):
        self.done.append("quotas")
        for user, values in wanted.items():
            held = self.quotas.setdefault(user, {})
            held |= values
            self.quotas[user] = {key: value for key, value in held.items() if value is not None}
        self.quotas = {user: held for user, held in self.quotas.items() if held}

    def apply(self, policy=POLICY, day=DAY, **more):
        wanted = plan(policy, LIVE, self.found, day, **more)
        carry_out(wanted, self)
        self.credentials |= set(wanted.add_users)
        return wanted.sentences()


def without(partner):
    """The policy as if the partner had never been in it."""
    content = POLICY.model_dump(mode="json", exclude={"folder"})
    content["partners"].pop(partner)
    for mark in content["marks"]:
        mark["rel_to"] = [target for target in mark["rel_to"] if target != partner]
    content["groups"] = {}
    for mark in content["marks"]:
        mark["rel_to"] = [target for target in mark["rel_to"] if not target.startswith("group:")]
    return type(POLICY).model_validate(content)


def named(name):
    return parse_policy(
        f"""
policy: p
version: "1"
originator: {{org_id: o}}
marks: [{{types: [loitering], tlp: TLP:GREEN, purpose: [maritime_safety], rel_to: [{name}], retain_days: 10}}]
partners:
  {name}:
    name: N
    country: SG
    mandate: [maritime_safety]
    tlp_ceiling: TLP:GREEN
    agreement: {{reference: R, since: 2026-01-01, until: 2026-12-31}}
""".encode()
    )


def test_done_once_nothing_is_left_to_do():
    log = Log()
    assert log.apply()
    assert log.apply() == []
    assert all(each.is_as_wanted for each in on_log(POLICY, LIVE, log.found, DAY))


def test_every_permission_is_what_the_policy_says_and_no_more():
    log = Log()
    log.apply()
    held = {
        (rule.principal, rule.operation, rule.resource, rule.name, rule.prefixed)
        for rule in log.permissions
        if rule.principal.startswith("partner.")
    }
    expected = set()
    for name in POLICY.partners:
        user = f"partner.{name}"
        expected |= {
            (user, "READ", "topic", f"alerts.{name}", False),
            (user, "READ", "topic", f"answers.{name}", False),
            (user, "WRITE", "topic", f"feedback.{name}", False),
            (user, "READ", "group", f"{name}.", True),
        }
        if name != "border-agency":
            expected.add((user, "READ", "topic", f"exercise.alerts.{name}", False))
    expected.add(("partner.rescue-centre", "READ", "topic", "alerts.rcc", False))
    assert held == expected
    assert log.credentials == {Credential(f"partner.{name}", "SCRAM-SHA-512") for name in POLICY.partners}
    assert log.quotas == {f"partner.{name}": partners.QUOTAS for name in POLICY.partners}


def test_the_publisher_writes_to_partners_and_never_to_the_topics_of_the_house():
    log = Log()
    log.apply(publisher="CN=share,O=centre")
    writes = {rule.name for rule in log.permissions if rule.operation == "WRITE" and rule.resource == "topic"}
    mine = {r for r in log.permissions if r.principal == "CN=share,O=centre"}
    assert {rule.name for rule in mine if rule.operation == "WRITE" and rule.resource == "topic"} == {
        f"{before}{name}" for name in POLICY.partners for before in ("alerts.", "exercise.alerts.", "answers.")
    }
    assert {rule.name for rule in mine if rule.operation == "READ" and rule.resource == "topic"} == {
        *("alerts", "alerts.rcc", "exercise.alerts", "exercise.alerts.rcc", "feedback."),
        *(f"{before}alerts.{name}" for name in POLICY.partners for before in ("", "exercise.")),
    }
    assert not writes & {spec.name for spec in specs(LIVE)}
    assert not [rule for rule in mine if rule.prefixed and rule.operation == "WRITE" and rule.resource == "topic"]


def test_the_day_decides_who_is_in():
    def users(day):
        return {user for user, _ in plan(POLICY, LIVE, NOTHING, day).add_users}

    assert "partner.border-agency" not in users(date(2026, 1, 14))
    assert "partner.border-agency" in users(date(2026, 1, 15))
    assert "partner.border-agency" in users(date(2026, 12, 31))
    assert "partner.border-agency" not in users(date(2027, 1, 1))


def test_an_ended_agreement_takes_all_back_and_leaves_the_publisher_its_way_to_cancel():
    log = Log()
    log.apply()
    before = log.permissions.copy()
    steps = log.apply(day=date(2027, 1, 1))
    assert steps == [
        "- user partner.border-agency (SCRAM-SHA-512): its agreement ended on 2026-12-31",
        "- permission partner.border-agency: READ group border-agency.*",
        "- permission partner.border-agency: READ topic alerts.border-agency",
        "- permission partner.border-agency: READ topic answers.border-agency",
        "- permission partner.border-agency: WRITE topic feedback.border-agency",
        "- quotas of partner.border-agency",
    ]
    assert before - log.permissions == {rule for rule in before if rule.principal == "partner.border-agency"}
    assert "alerts.border-agency" in log.topics
    (border,) = [each for each in on_log(POLICY, LIVE, log.found, date(2027, 1, 1)) if each.name == "border-agency"]
    assert (border.standing, border.has_user, border.is_as_wanted) == ("ended", False, True)


def test_a_partner_that_is_no_more_in_the_policy_is_removed():
    log = Log()
    log.apply()
    steps = log.apply(without("border-agency"))
    assert "- user partner.border-agency (SCRAM-SHA-512): not in the policy" in steps
    assert not [rule for rule in log.permissions if rule.principal == "partner.border-agency"]
    assert "partner.border-agency" not in log.quotas
    assert Rule("share", "topic", "alerts.border-agency", False, "WRITE") in log.permissions


def test_what_was_given_by_hand_is_taken_back_and_what_was_denied_stays():
    log = Log()
    log.apply()
    user = "partner.fusion-centre"
    given = {
        Rule(user, "topic", "alerts", True, "READ"),
        Rule(user, "cluster", "kafka-cluster", False, "ALTER"),
        Rule(user, "topic", "alerts.fusion-centre", False, "READ", "ALLOW", "192.0.2.1"),
    }
    denied = Rule(user, "topic", "alerts.fusion-centre", False, "READ", "DENY", "198.51.100.7")
    everyone = Rule("*", "topic", "alerts", False, "READ")
    log.permissions |= {*given, denied, everyone}
    log.credentials.add(Credential(user, "SCRAM-SHA-256"))
    steps = plan(POLICY, LIVE, log.found, DAY)
    assert set(steps.take_back) == given
    assert steps.remove_users == (Credential(user, "SCRAM-SHA-256"),)
    assert steps.notes == (
        "permission *: READ topic alerts: everyone may, partners too; take it back",
        "denial partner.fusion-centre: READ topic alerts.fusion-centre from 198.51.100.7: made by hand, and stays",
    )
    shown = {each.name: each for each in on_log(POLICY, LIVE, log.found, DAY)}
    assert set(shown["fusion-centre"].not_wanted) == given
    log.apply()
    assert not given & log.permissions
    assert {denied, everyone} <= log.permissions


def test_users_and_permissions_of_others_are_left_alone():
    log = Log()
    house = {Rule("tail", "topic", "alerts", False, "READ"), Rule("partner", "topic", "alerts", False, "READ")}
    log.permissions |= house
    log.credentials |= {Credential("admin", "SCRAM-SHA-512"), Credential("partner", "SCRAM-SHA-512")}
    log.quotas["tail"] = {"request_percentage": 1.0}
    log.apply()
    log.apply(without("border-agency"), date(2040, 1, 1))
    assert house <= log.permissions
    assert {user for user, _ in log.credentials} == {"admin", "partner"}
    assert set(log.quotas) == {"tail"}


def test_a_revoked_partner_stays_out_until_it_is_readmitted():
    log = Log()
    log.apply()
    assert partners.revoke("fusion-centre", log.found, log)[0] == "- user partner.fusion-centre (SCRAM-SHA-512)"
    assert log.done[-3:] == ["grant", "remove users", "revoke"]  # denied first
    assert {rule.effect for rule in log.permissions if rule.principal == "partner.fusion-centre"} == {"DENY"}
    assert log.apply() == [
        "- quotas of partner.fusion-centre",
        "! fusion-centre was revoked, and stays out until it is readmitted (--readmit fusion-centre)",
    ]
    assert log.apply(without("fusion-centre"))[-1].startswith("! fusion-centre was revoked")
    steps = log.apply(readmit=["fusion-centre"])
    assert "+ user partner.fusion-centre (SCRAM-SHA-512)" in steps
    assert not set(partners.bars("fusion-centre")) & log.permissions
    assert log.apply() == []


def test_readmitted_is_who_the_policy_has():
    with pytest.raises(UsageError, match="'fusion-center' is no partner"):
        plan(POLICY, LIVE, NOTHING, DAY, readmit=["fusion-center"])


def test_first_what_takes_away():
    log = Log()
    log.apply()
    log.permissions.add(Rule("partner.fusion-centre", "topic", "alerts", False, "READ"))
    log.credentials.add(Credential("partner.gone", "SCRAM-SHA-512"))
    log.permissions.remove(Rule("partner.fusion-centre", "topic", "alerts.fusion-centre", False, "READ"))
    log.done.clear()
    log.apply()
    assert log.done == ["remove users", "revoke", "create", "grant"]


# Topics


def test_topics_have_one_partition_and_keep_no_longer_than_the_policy_allows():
    made = {spec.name: spec for spec in plan(POLICY, LIVE, NOTHING, DAY).create}
    assert {spec.partitions for spec in made.values()} == {1}
    assert {spec.cleanup for spec in made.values()} == {"delete"}
    days = {name: spec.retention_ms / DAY_MS for name, spec in made.items()}
    assert days["alerts.fisheries-agency"] == 30  # its rule, though the mark says 180
    assert days["alerts.border-agency"] == 90  # by its group
    assert days["alerts.rescue-centre"] == 90  # a mark says 365, the house keeps alerts for 90
    assert days["exercise.alerts.fisheries-agency"] == 30


def test_a_segment_is_closed_each_day_so_that_what_is_in_it_goes_in_time():
    (spec, *_) = partners.partner_topics(POLICY, "rescue-centre", LIVE)
    assert spec.configs()["segment.ms"] == str(DAY_MS)
    (short, *_) = partners.partner_topics(POLICY, "rescue-centre", LiveSettings(log=LogSettings(alerts_days=0.25)))
    assert short.configs()["segment.ms"] == short.configs()["retention.ms"] == str(DAY_MS // 4)


def test_only_what_is_meant_for_a_partner_says_how_long_it_is_kept():
    assert partners.kept_days(POLICY, "fusion-centre", 400.0) == 365
    assert partners.kept_days(without("border-agency"), "fusion-centre", 400.0) == 365
    assert partners.kept_days(POLICY, "border-agency", 400.0) == 90
    content = POLICY.model_dump(mode="json", exclude={"folder"})
    content["marks"][0]["rel_to"] = ["rescue-centre"]  # what is kept for 365 days
    assert partners.kept_days(type(POLICY).model_validate(content), "fusion-centre", 400.0) == 180


@pytest.mark.parametrize(("most_days", "kept"), [(400.0, 365.0), (90.0, 90.0), (7.0, 7.0)])
def test_the_house_s_own_retention_is_the_cap(most_days, kept):
    assert partners.kept_days(POLICY, "rescue-centre", most_days) == kept


def test_to_whom_nothing_is_released_little_is_kept():
    assert partners.kept_days(named("someone"), "someone", 90.0) == 1.0


def test_a_topic_with_other_settings_is_changed_and_one_with_other_partitions_is_told():
    log = Log()
    log.apply()
    topic = "alerts.fisheries-agency"
    log.topics[topic] = TopicFound(topic, 3, 1, log.topics[topic].configs | {"retention.ms": "1"})
    steps = plan(POLICY, LIVE, log.found, DAY)
    assert [spec.name for spec in steps.change] == [topic]
    (note,) = steps.notes
    assert "3 partitions where 1 are set" in note
    shorter = LiveSettings(log=LogSettings(alerts_days=10))
    changed = {spec.name for spec in plan(POLICY, shorter, log.found, DAY).change}
    assert {topic, "alerts.fusion-centre", "feedback.fusion-centre"} <= changed


# Names


@pytest.mark.parametrize("name", ["rcc", "tail", "exercise", "share"])
def test_a_partner_cannot_bear_a_name_that_gives_it_the_house_s_own(name):
    with pytest.raises(ConfigurationError, match="a name of the house's own"):
        named(name)


def test_a_group_of_detectors_named_like_a_partner_is_refused():
    live = LiveSettings(log=LogSettings(group="fusion-centre.detect"))
    with pytest.raises(ConfigurationError, match=r"would share the group fusion-centre\.detect with detect"):
        plan(POLICY, live, NOTHING, DAY)


def test_the_publisher_is_no_partner():
    with pytest.raises(UsageError, match=r"partner\.share"):
        plan(POLICY, LIVE, NOTHING, DAY, publisher="partner.share")


# Open connections


@pytest.mark.parametrize(
    ("brokers", "said"),
    [
        ({"1": {"connections.max.reauth.ms": "600000"}, "2": {"connections.max.reauth.ms": "3000"}}, "within 600 s"),
        ({"1": {"connections.max.reauth.ms": "600000"}, "2": {"connections.max.reauth.ms": "0"}}, "is 0 on a broker"),
        ({"1": {}}, "is 0 on a broker"),
        ({}, "is 0 on a broker"),
        ({"1": {"listener.name.outside.connections.max.reauth.ms": None}}, "of their listener"),
    ],
)
def test_what_open_connections_may_do(brokers, said):
    assert said in partners.open_connections(brokers)
