"""Who may do what on a real broker with TLS, SCRAM and an authorizer, after the example policy was applied to it."""

import json
import re
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, NewTopic, ResourcePattern, ResourceType
from kafka.errors import KafkaConnectionError, SaslAuthenticationFailedError
from pydantic import SecretStr

from maritime.errors import RefusedError, TransportError
from maritime.sharing.feedback import read_event
from maritime.sharing.policy_file import load_policy
from streams import partners
from streams.kafka import KafkaAdministration
from streams.settings import KafkaSettings, LiveSettings, LogSettings
from streams.topic_names import ALERTS, POSITIONS, REJECTS, RESCUE, STATE, VESSELS
from streams.topics import Rule, specs
from tests.broker.kafka_broker import ADMIN, PASSWORDS
from tests.streams.waiting import until
from tests.streams.wire import Wire

pytestmark = pytest.mark.broker

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / "docs" / "examples"
POLICY = load_policy(PROJECT / "configs" / "sharing" / "national_centre.yaml")
LIVE = LiveSettings(log=LogSettings(partitions=2))
IN_FORCE, AFTER_THE_BORDER_AGENCY = date(2026, 6, 1), date(2027, 1, 1)
FUSION, FISHERIES, RESCUERS, BORDER = "fusion-centre", "fisheries-agency", "rescue-centre", "border-agency"
PARTNERS = (FUSION, FISHERIES, RESCUERS, BORDER)

HOUSE = (POSITIONS, VESSELS, REJECTS, STATE, ALERTS, RESCUE)
TOPICS = (
    *HOUSE,
    *(f"{before}{name}" for name in PARTNERS for before in ("alerts.", "exercise.alerts.", "feedback.", "answers.")),
    "__consumer_offsets",
    "__transaction_state",
)
# Written out: what the policy's readers would say, not what the code does.
MAY_READ = {
    FUSION: {"alerts.fusion-centre", "exercise.alerts.fusion-centre", "answers.fusion-centre"},
    FISHERIES: {"alerts.fisheries-agency", "exercise.alerts.fisheries-agency", "answers.fisheries-agency"},
    RESCUERS: {"alerts.rescue-centre", "exercise.alerts.rescue-centre", "alerts.rcc", "answers.rescue-centre"},
    BORDER: {"alerts.border-agency", "answers.border-agency"},
}
MAY_WRITE = {name: {f"feedback.{name}"} for name in PARTNERS}
ALLOWED, TOPIC_DENIED, GROUP_DENIED = "NoError", "TopicAuthorizationFailedError", "GroupAuthorizationFailedError"
CLUSTER_DENIED = "ClusterAuthorizationFailedError"


class Access:
    """The broker with the policy applied, and a way to be anyone on it."""

    def __init__(self, broker, closes):
        self.broker, self._closes = broker, closes
        self.passwords = {}
        self.log = KafkaAdministration(self.settings(ADMIN), SecretStr(PASSWORDS[ADMIN]))
        closes.callback(self.log.close)
        self.log.create(specs(LIVE))
        self.house = self.wire(ADMIN, PASSWORDS[ADMIN])
        # the log's own topics come with the first group and the first writer
        until(lambda: self.house.find_group("tail.1") == ALLOWED)
        until(lambda: self.house.find_writer("tail.1") == ALLOWED)

    def settings(self, username, **more):
        given = {"bootstrap": self.broker.bootstrap, "security_protocol": "SASL_SSL", "username": username}
        given |= {"ca_file": self.broker.ca_file, "request_timeout_ms": 4_000}
        return KafkaSettings.model_validate(given | more)

    def plan(self, day, **more):
        return partners.plan(POLICY, LIVE, partners.find(self.log), day, **more)

    def apply(self, day=IN_FORCE, **more):
        wanted = self.plan(day, **more)
        partners.carry_out(wanted, self.log)
        for credential in wanted.add_users:
            self.give(credential.user)
        until(lambda: not [step for step in self.plan(day).sentences() if not step.startswith("!")])
        return wanted

    def give(self, user, password=None):
        self.passwords[user] = password or f"{user}-{len(self.passwords)}-of-the-tests"
        self.log.set_password(partners.Credential(user, partners.MECHANISM), SecretStr(self.passwords[user]))

    def wire(self, user, password=None, **more):
        return Wire(self.settings(user, **more), password or self.passwords[user], self._closes)

    def partner(self, name, **more):
        return self.wire(partners.user_of(name), **more)

    def administration(self, name, password=None, **more):
        user = partners.user_of(name)
        settings = self.settings(user, **{"request_timeout_ms": 1_000} | more)
        administration = KafkaAdministration(settings, SecretStr(password or self.passwords[user]))
        self._closes.callback(administration.close)
        return administration


@pytest.fixture(scope="module")
def on_broker(secured_broker):
    with ExitStack() as closes:
        yield Access(secured_broker, closes)


@pytest.fixture
def access(on_broker):
    """All four partners are in, whatever the test before did."""
    on_broker.apply(readmit=PARTNERS)
    return on_broker


# Topics


@pytest.mark.parametrize("name", PARTNERS)
def test_a_partner_reads_its_own_topics_and_no_other(access, name):
    wire = access.partner(name)
    for topic in MAY_READ[name]:
        access.house.produce(topic, topic.encode())
    assert {topic for topic in TOPICS if wire.fetch(topic) != (TOPIC_DENIED, [])} == MAY_READ[name]
    for topic in MAY_READ[name]:
        answer, values = wire.fetch(topic)
        assert (answer, values[-1]) == (ALLOWED, topic.encode())


@pytest.mark.parametrize("name", PARTNERS)
def test_a_partner_writes_its_own_feedback_and_no_other_topic(access, name):
    wire = access.partner(name)
    answers = {topic: wire.produce(topic) for topic in TOPICS}
    assert answers == {topic: ALLOWED if topic in MAY_WRITE[name] else TOPIC_DENIED for topic in TOPICS}


@pytest.mark.parametrize("name", PARTNERS)
def test_a_partner_is_told_of_no_topic_that_is_not_its_own(access, name):
    wire = access.partner(name)
    its_own = MAY_READ[name] | MAY_WRITE[name]
    assert wire.topics() == its_own
    assert {topic for topic in TOPICS if wire.describe(topic) != TOPIC_DENIED} == its_own
    assert {topic for topic in TOPICS if wire.ends(topic) != TOPIC_DENIED} == its_own
    # whether a topic is there cannot be found out by its name either
    assert wire.describe("alerts.nobody") == TOPIC_DENIED


# Groups and writers


@pytest.mark.parametrize("name", PARTNERS)
def test_a_partner_has_groups_of_its_own_prefix_and_no_other(access, name):
    wire = access.partner(name)
    topic = f"alerts.{name}"
    others = [f"{other}.watch" for other in PARTNERS if other != name]
    groups = [*others, LIVE.log.group, "share.1", "tail.1", name, f"{name}x", "", "*"]
    for group in (f"{name}.watch", f"{name}."):
        assert wire.find_group(group) == ALLOWED
        assert wire.join_group(group) in (ALLOWED, "MemberIdRequiredError")
        assert wire.read_positions(group) == ALLOWED
        assert wire.move_group(group, topic) == ALLOWED
    for ask in (wire.find_group, wire.join_group, wire.read_positions, lambda group: wire.move_group(group, topic)):
        assert {ask(group) for group in groups} == {GROUP_DENIED}
    assert wire.move_group(f"{name}.watch", "alerts") == TOPIC_DENIED


def test_a_partner_cannot_take_the_place_of_a_writer(access):
    wire = access.partner(FUSION)
    for transactional_id in ("share.1", "maritime-detect.1", "ingest.1", "fusion-centre.1"):
        for ask in (wire.find_writer, wire.begin_as):
            assert ask(transactional_id) == "TransactionalIdAuthorizationFailedError"


# Administration


def test_a_partner_administers_nothing(access):
    wire = access.partner(RESCUERS)
    everything = ACL(
        "User:partner.rescue-centre",
        "*",
        ACLOperation.ALL,
        ACLPermissionType.ALLOW,
        ResourcePattern(ResourceType.TOPIC, "*"),
    )
    before = access.log.permissions(), access.log.credentials(), set(access.log.topics())
    answers = {
        "create": wire.administer("create_topics", [NewTopic("alerts.mine", 1, 1)]),
        "delete": wire.administer("delete_topics", ["alerts.rescue-centre"]),
        "add rights": wire.administer("create_acls", [everything]),
        "read rights": wire.administer("describe_acls", everything),
        "take rights": wire.administer("delete_acls", [everything]),
        "read users": wire.administer("describe_user_scram_credentials", ["admin"]),
    }
    assert {name: answer for name, answer in answers.items() if not answer.endswith("AuthorizationFailedError")} == {}
    with pytest.raises(RefusedError, match="the log refuses it"):
        access.administration(RESCUERS).set_password(
            partners.Credential("partner.rescue-centre", partners.MECHANISM), SecretStr("mine")
        )
    with pytest.raises(RefusedError):
        access.administration(RESCUERS).set_quotas({"partner.rescue-centre": {"consumer_byte_rate": 1e9}})
    with pytest.raises(RefusedError):
        access.administration(RESCUERS).quotas()
    assert (access.log.permissions(), access.log.credentials(), set(access.log.topics())) == before


def test_a_partner_cannot_change_its_topics(access):
    rescuers = access.administration(RESCUERS)
    spec = partners.partner_topics(POLICY, RESCUERS, LIVE)[0]
    with pytest.raises(RefusedError):
        rescuers.change(replace(spec, retention_ms=1))
    assert access.plan(IN_FORCE).change == ()


# Connections


def test_the_wrong_password_opens_nothing(access):
    for password in ("not-the-password", access.passwords[partners.user_of(FISHERIES)]):
        with pytest.raises(TransportError, match=r"user 'partner\.fusion-centre'.*check the name and the password"):
            access.administration(FUSION, password)


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_without_tls_nothing_opens(access, protocol):
    with pytest.raises(TransportError, match=r"PLAINTEXT|hung up on user"):
        access.administration(FUSION, security_protocol=protocol)


def test_a_broker_of_another_authority_is_not_believed(access):
    with pytest.raises(TransportError, match=r"not trusted.*check kafka\.ca_file"):
        access.administration(FUSION, ca_file=access.broker.folder / "other_ca.pem")


def test_tls_alone_makes_nobody_a_partner(access):
    with pytest.raises(TransportError):
        access.administration(FUSION, security_protocol="SSL")


# Those who go


def test_a_rotated_password_s_old_one_opens_nothing(access):
    user = partners.user_of(FUSION)
    old = access.passwords[user]
    access.administration(FUSION).close()
    access.give(user)

    def refused():
        try:
            access.administration(FUSION, old).close()
        except TransportError:
            return True
        return False

    until(refused, patience_s=5)
    assert access.partner(FUSION).fetch("alerts.fusion-centre")[0] == ALLOWED


def test_after_its_agreement_a_partner_is_out_and_the_others_are_not(access):
    border, fusion = access.partner(BORDER), access.partner(FUSION)
    password = access.passwords[partners.user_of(BORDER)]
    assert border.fetch("alerts.border-agency")[0] == ALLOWED
    steps = access.apply(AFTER_THE_BORDER_AGENCY).sentences()
    assert "- user partner.border-agency (SCRAM-SHA-512): its agreement ended on 2026-12-31" in steps
    assert not [step for step in steps if "border-agency" not in step]
    assert border.fetch("alerts.border-agency")[0] == TOPIC_DENIED  # the connection that was open
    assert border.produce("feedback.border-agency") == TOPIC_DENIED
    with pytest.raises(TransportError, match="check the name and the password"):
        access.administration(BORDER, password)
    assert fusion.fetch("alerts.fusion-centre")[0] == ALLOWED


def test_a_revoked_partner_is_out_at_once_and_stays_out(access):
    wire = access.partner(FISHERIES)
    password = access.passwords[partners.user_of(FISHERIES)]
    topic = "alerts.fisheries-agency"
    assert wire.fetch(topic)[0] == ALLOWED
    steps = partners.revoke(FISHERIES, partners.find(access.log), access.log)
    assert "- user partner.fisheries-agency (SCRAM-SHA-512)" in steps
    until(lambda: wire.fetch(topic) == (TOPIC_DENIED, []), patience_s=2)
    assert wire.join_group(f"{FISHERIES}.watch") == GROUP_DENIED
    assert wire.topics() == set()

    def cannot_come_in():
        with pytest.raises(TransportError, match="check the name and the password"):
            access.administration(FISHERIES, password)

    cannot_come_in()
    noted = access.apply().sentences()
    assert "! fisheries-agency was revoked, and stays out until it is readmitted (--readmit fisheries-agency)" in noted
    cannot_come_in()
    access.apply(readmit=[FISHERIES])
    cannot_come_in()  # its password went with its user
    assert access.partner(FISHERIES).fetch(topic)[0] == ALLOWED


def test_a_permission_given_by_hand_does_not_let_a_revoked_partner_in(access):
    wire = access.partner(FISHERIES)
    partners.revoke(FISHERIES, partners.find(access.log), access.log)
    access.log.grant([Rule("partner.fisheries-agency", "topic", "alerts", True, "ALL")])
    until(lambda: any(rule.operation == "ALL" and rule.prefixed for rule in access.log.permissions()))
    assert {topic for topic in TOPICS if wire.fetch(topic) != (TOPIC_DENIED, [])} == set()


def test_a_read_that_waits_at_the_broker_is_answered_once_more(access):
    """Kafka asks for permission when a request comes, not when it is answered; docs/operations.md says so."""
    waits, topic = access.partner(FISHERIES), "alerts.fisheries-agency"
    _, values = waits.fetch(topic)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(waits.fetch(topic, len(values), wait_ms=10_000)))
    asking.start()
    time.sleep(0.5)  # it waits there by now
    partners.revoke(FISHERIES, partners.find(access.log), access.log)
    for value in (b"one", b"two"):
        access.house.produce(topic, value)
    asking.join(15)
    ((answer, got),) = answers
    assert (answer, got[0]) == (ALLOWED, b"one")
    assert waits.fetch(topic, len(values)) == (TOPIC_DENIED, [])


def test_an_open_connection_ends_when_its_password_must_be_shown_again(access):
    wire = access.partner(BORDER)
    partners.revoke(BORDER, partners.find(access.log), access.log)
    told = partners.open_connections(access.log.broker_settings())
    assert told.startswith("open connections must show the password again within 6 s")
    answers = set()
    with pytest.raises((KafkaConnectionError, SaslAuthenticationFailedError)):
        until(lambda: False, lambda: answers.add(wire.fetch("alerts.border-agency")[0]), patience_s=10)
    assert answers <= {ALLOWED, TOPIC_DENIED}


# What partners are told to do


def test_the_example_for_partners_reads_and_verifies(access, tmp_path):
    """As docs/sharing.md has it: altered ones are passed over, gaps are told."""
    event = json.loads((EXAMPLES / "event.json").read_text())
    altered = json.loads(json.dumps(event))
    altered["data"]["revision"] += 1
    user, topic = partners.user_of(BORDER), "alerts.border-agency"
    _, before = access.house.fetch(topic)
    for sequence, each in ((1, event), (2, altered), (4, event)):
        access.house.produce(topic, json.dumps(each | {"sequence": f"{sequence:020d}"}).encode())
    (tmp_path / "password").write_text(f"{access.passwords[user]}\n")
    # begins behind what other tests wrote
    assert access.partner(BORDER).move_group(f"{BORDER}.watch", topic, len(before)) == ALLOWED
    words = [access.broker.bootstrap, BORDER, access.broker.ca_file, tmp_path / "password", EXAMPLES / "keys.json"]
    with subprocess.Popen(
        [sys.executable, EXAMPLES / "subscribe.py", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        process.kill()
    alert_id = event["data"]["alert_id"]
    assert lines[0] == f"1: {event['data']['kind']} {alert_id} revision {event['data']['revision']}\n"
    assert lines[1].startswith("2: not valid, passed over: ")
    assert lines[2] == "after 2 comes 4: something is missing; ask the originator\n"


def test_the_example_for_partners_says_what_they_think(access, tmp_path):
    """As docs/sharing.md has it, and its own topic alone has it afterwards."""
    user, topic, alert_id = partners.user_of(BORDER), "feedback.border-agency", "4e423363-002e-410f-8563-edd7cb220a22"
    (tmp_path / "password").write_text(f"{access.passwords[user]}\n")
    words = [access.broker.bootstrap, BORDER, access.broker.ca_file, tmp_path / "password", alert_id, "2"]
    for what in ("confirmed", "dismissed:known_operation", "ask:Which flag?"):
        command = [sys.executable, EXAMPLES / "answer.py", *words, what, "duty officer"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        _, values = access.house.fetch(topic)
        said = read_event(values[-1]).message
        assert done.stdout == f"{said.kind}, as {said.feedback_id}\n"
        assert (said.alert_id, said.revision, said.role) == (alert_id, 2, "duty officer")


def test_what_the_docs_show_is_feedback():
    page = (PROJECT / "docs" / "sharing.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert read_event(block.encode()).message.kind == "request_for_information"
