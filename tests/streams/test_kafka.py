"""The transport against a real broker: what the client library gets wrong, crashes, access."""

import threading
import time
from contextlib import ExitStack, closing

import kafka.errors as kafka_errors
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import MemberToRemove
from pydantic import SecretStr

from maritime.errors import ConfigurationError, FencedError, RefusedError, TransportError
from streams.kafka import KafkaAdministration, KafkaTransport
from streams.kafka.writer import offsets
from streams.settings import KafkaSettings, LiveSettings, LogSettings
from streams.topics import Rule, TopicSpec, differences, rules, specs
from streams.transport import Outgoing, Partition
from tests.broker.kafka_broker import ADMIN, PASSWORDS
from tests.streams.logs import KafkaLogs, Member, outgoing, values
from tests.streams.waiting import until

pytestmark = pytest.mark.broker


@pytest.fixture
def closes():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def logs(broker, closes):
    return KafkaLogs(broker.bootstrap, closes)


def committed_values(client, topic, number=0):
    return values(client.read(Partition(topic, number)))


# The library's own faults


def test_the_librarys_producer_is_poisoned_by_one_refused_record(broker, logs):
    small, other = logs.topic(**{"max.message.bytes": "1000"}), logs.topic()
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    try:
        with pytest.raises(kafka_errors.MessageSizeTooLargeError):
            producer.send(small, b"x" * 5_000).get(timeout=10)
        for _ in range(3):
            with pytest.raises(kafka_errors.KafkaError, match=r"MessageSizeTooLarge|previous"):
                producer.send(other, b"fits").get(timeout=10)
    finally:
        producer.close(timeout=2)


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_after_a_refused_record_ours_goes_on(broker, closes, delivery):
    logs = KafkaLogs(broker.bootstrap, closes, delivery=delivery, compression="none")
    small, other = logs.topic(**{"max.message.bytes": "1000"}), logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(small, b"x" * 5_000))
    with pytest.raises(RefusedError, match=small):
        writer.commit()
    for value in (b"1", b"2"):
        writer.send(outgoing(other, value))
        writer.commit()
    until(lambda: committed_values(writer, other) == [b"1", b"2"])
    assert committed_values(writer, small) == []


def test_connections_that_fail_leave_no_threads(broker):
    settings = KafkaSettings(bootstrap="127.0.0.1:1", request_timeout_ms=1_000)
    before = threading.active_count()
    for _ in range(3):
        client = KafkaTransport(settings, group="g", member="m")
        with pytest.raises(TransportError, match=r"127\.0\.0\.1:1 cannot be reached"):
            client.topics()
        client.close()
    until(lambda: threading.active_count() <= before)


def test_closed_transports_leave_no_threads(logs):
    topic = logs.topic()
    logs.client("warm").topics()
    before = threading.active_count()
    for _ in range(3):
        client = logs.client("again")
        client.send(outgoing(topic, b"1"))
        client.commit()
        Member(client, topic).poll()
        client.close()
    until(lambda: threading.active_count() <= before)


# Crashes and fences


def test_a_member_that_the_group_gave_up_hears_of_it_and_cannot_commit(broker, logs):
    topic, result = logs.topic(), logs.topic()
    member = Member(logs.client("member"), topic)
    until(lambda: bool(member.holds), member.poll)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.remove_group_members(logs.group, [MemberToRemove(group_instance_id="member")])
    admin.close()
    member.client.send(outgoing(result, b"no"))
    with pytest.raises(FencedError):
        member.client.commit({Partition(topic, 0): 1})
    until(lambda: ("lost", (0,)) in member.told, member.poll)
    until(lambda: bool(member.holds), member.poll)
    member.client.send(outgoing(result, b"yes"))
    member.client.commit({Partition(topic, 0): 0})
    until(lambda: committed_values(member.client, result) == [b"yes"])


def test_a_twin_takes_the_partitions_and_the_first_is_fenced(logs):
    topic, result = logs.topic(2), logs.topic()
    first = Member(logs.client("twin"), topic)
    until(lambda: len(first.holds) == 2, first.poll)
    first.client.send(outgoing(result, b"old"))
    second = Member(logs.client("twin"), topic)
    until(lambda: len(second.holds) == 2, second.poll)
    with pytest.raises(FencedError):
        first.client.commit({Partition(topic, 0): 5})
    second.client.send(outgoing(result, b"new"))
    second.client.commit({Partition(topic, 0): 0})
    until(lambda: committed_values(second.client, result) == [b"new"])
    assert second.client.committed(Partition(topic, 0)) == 0
    second.client.close()
    until(lambda: ("lost", (0, 1)) in first.told and len(first.holds) == 2, first.poll)


def test_a_restarted_member_ends_what_the_last_one_left_open(logs):
    """Without waiting for the transaction's timeout: the positions in it would keep the restarted one from its work."""
    topic, result = logs.topic(), logs.topic()
    partition = Partition(topic, 0)
    gone = Member(logs.client("member"), topic)
    until(lambda: bool(gone.holds), gone.poll)
    gone.client.send(outgoing(result, b"half"))
    membership = gone.client._reader.membership([partition])
    gone.client._writer._producer.send_offsets_to_transaction(offsets({partition: 7}), membership)

    again = logs.client("member")
    again.subscribe(topic, Member(logs.client("other", "other"), topic))
    began_s = time.monotonic()
    assert again.committed(partition) is None
    assert time.monotonic() - began_s < 3.0
    assert committed_values(again, result) == []


def test_a_listener_that_fails_skips_no_record(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, b"1", b"2"))
    writer.commit()
    member = Member(logs.client("member"), topic)
    failures = [RuntimeError("no state")]

    def on_assigned(partition):
        if failures:
            raise failures.pop()

    member.on_assigned = on_assigned
    with pytest.raises(RuntimeError, match="no state"):
        until(lambda: False, member.poll)
    until(lambda: len(member.records) == 2, member.poll)
    assert ("lost", (0,)) in member.told


@pytest.mark.slow
def test_a_broker_killed_in_a_transaction(broker, closes):
    if not broker.can_be_killed:
        pytest.skip("the broker of KAFKA_BOOTSTRAP is not ours to kill")
    logs = KafkaLogs(broker.bootstrap, closes, request_timeout_ms=2_000, transaction_timeout_ms=5_000)
    topic, result = logs.topic(), logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, b"1", b"2"))
    writer.commit()
    member = Member(logs.client("member"), topic)
    until(lambda: len(member.records) == 2, member.poll)
    member.client.send(outgoing(result, b"first"))
    member.client.commit({Partition(topic, 0): 1})
    # A single broker that dies between its word and its marks forgets the marks (Kafka 4.3), so let it write them.
    until(lambda: committed_values(writer, result) == [b"first"])
    member.client.send(outgoing(result, b"second"))
    broker.kill()
    try:
        started = time.monotonic()
        with pytest.raises(TransportError):
            member.client.commit({Partition(topic, 0): 2})
        with pytest.raises(TransportError):
            member.client.committed(Partition(topic, 0))
        assert time.monotonic() - started < 30.0
    finally:
        broker.start()
    position = []

    def ask():
        try:
            position.append(member.client.committed(Partition(topic, 0)))
        except TransportError:
            time.sleep(0.1)

    until(lambda: bool(position), ask)
    assert position == [1], "nothing of the transaction that was cut"
    member.client.send(outgoing(result, b"second, again"))
    member.client.commit()
    until(lambda: committed_values(member.client, result) == [b"first", b"second, again"])
    writer.send(outgoing(topic, b"3"))
    writer.commit()
    seen = []

    def go_on():
        try:
            seen.extend(record.value for record in member.client.poll(0.2))
        except TransportError:
            time.sleep(0.1)

    until(lambda: b"3" in seen, go_on)


@pytest.mark.slow
def test_a_broker_killed_after_its_word_can_be_freed(broker, closes):
    if not broker.can_be_killed:
        pytest.skip("the broker of KAFKA_BOOTSTRAP is not ours to kill")
    logs = KafkaLogs(broker.bootstrap, closes)
    topic, result = logs.topic(), logs.topic()
    member = Member(logs.client("member"), topic)
    until(lambda: bool(member.holds), member.poll)
    member.client.send(outgoing(result, b"told to be committed"))
    member.client.commit({Partition(topic, 0): 0})
    broker.kill()
    broker.start()
    with closing(KafkaAdministration(logs.settings)) as administration:
        stuck = []
        until(
            lambda: bool(stuck) or bool(committed_values(member.client, result)),
            lambda: stuck.extend(find(administration)),
        )
        # the broker finds its partitions one after the other, so another may show after the first was ended
        until(lambda: administration.stuck() == [], lambda: administration.end_stuck(find(administration)))
    after = logs.client("after")
    after.send(outgoing(result, b"after"))
    after.commit()
    until(lambda: committed_values(after, result)[-1:] == [b"after"])
    assert after.committed(Partition(topic, 0)) in (None, 0)


def find(administration):
    try:
        return administration.stuck()
    except TransportError:
        return []


def test_an_open_transaction_is_not_stuck(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, b"1"))
    with closing(KafkaAdministration(logs.settings)) as administration:
        assert not [each for each in administration.stuck() if each.partition.topic == topic]
    writer.commit()
    until(lambda: committed_values(writer, topic) == [b"1"])


def test_a_client_moves_past_records_that_were_aborted(logs):
    """So a log to which only aborted records come does not look as if its reader stood still."""
    topic = logs.topic()
    writer, member = logs.client("writer"), Member(logs.client("reader"), topic)
    until(lambda: member.poll() or member.holds)
    place = Partition(topic, 0)
    for _ in range(3):
        before = member.client.position(place)
        writer.send(outgoing(topic, b"1"))
        writer._writer._confirm()  # it lies in the log, uncommitted
        writer.abort()
        until(lambda before=before: member.poll() or member.client.position(place) > before)
    assert not member.records


def test_at_least_once_commits_records_first_and_positions_then(broker, closes):
    logs = KafkaLogs(broker.bootstrap, closes, delivery="at_least_once")
    topic, result = logs.topic(), logs.topic()
    member = Member(logs.client("member"), topic)
    until(lambda: bool(member.holds), member.poll)
    member.client.send(outgoing(result, b"no"))
    member.client.abort()
    member.client.send(outgoing(result, b"yes"))
    member.client.commit({Partition(topic, 0): 0})
    assert committed_values(member.client, result) == [b"yes"]
    assert member.client.committed(Partition(topic, 0)) == 0


def test_records_of_half_a_mebibyte_pass(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    large = bytes(range(256)) * 2048
    writer.send(outgoing(topic, *[large] * 8))
    writer.commit()
    until(lambda: committed_values(writer, topic) == [large] * 8)


# Topics


def test_topics_are_created_once_and_checked(broker, closes):
    logs = KafkaLogs(broker.bootstrap, closes)
    wanted = specs(LiveSettings(log=LogSettings(partitions=3)))
    with closing(KafkaAdministration(logs.settings)) as administration:
        assert set(administration.create(wanted)) <= {spec.name for spec in wanted}
        assert administration.create(wanted) == []
        assert differences(wanted, administration.topics()) == []
        other = specs(LiveSettings(log=LogSettings(partitions=4, alerts_days=1.0)))
        found = differences(other, administration.topics())
    assert any("alerts: 3 partitions where 4 are set" in sentence for sentence in found)
    assert any("alerts: retention.ms is 7776000000, should be 86400000" in sentence for sentence in found)


# Access


@pytest.fixture
def access(secured_broker, closes):
    """A way to be someone on the secured broker."""

    class Access:
        def settings(self, username, **more):
            given = {"bootstrap": secured_broker.bootstrap, "security_protocol": "SASL_SSL", "username": username}
            given |= {"ca_file": secured_broker.ca_file, "request_timeout_ms": 4_000}
            return KafkaSettings.model_validate(given | more)

        def client(self, username, group, password=None, **more):
            secret = SecretStr(password or PASSWORDS[username])
            client = KafkaTransport(self.settings(username, **more), group=group, member="1", password=secret)
            closes.callback(client.close)
            return client

        def administration(self):
            administration = KafkaAdministration(self.settings(ADMIN), SecretStr(PASSWORDS[ADMIN]))
            closes.callback(administration.close)
            return administration

    return Access()


def test_each_principal_can_do_its_work_and_no_more(access):
    settings = LiveSettings(log=LogSettings(partitions=2))
    administration = access.administration()
    administration.create(specs(settings))
    administration.grant(rules(settings))
    time.sleep(0.5)
    ingest = access.client("ingest", "ingest")
    ingest.send(outgoing("ais.positions", b"batch"))
    ingest.send([Outgoing("ais.vessels", b"{}", key=b"219018000")])
    ingest.commit()
    with pytest.raises(RefusedError, match="alerts"):
        ingest.send(outgoing("alerts", b"no"))

    detect = Member(access.client("detect", settings.log.group), "ais.positions")
    until(lambda: bool(detect.records), detect.poll)
    detect.client.send([*outgoing("alerts", b"alert"), Outgoing("ais.detector.state", b"state", key=b"0/a/0")])
    detect.client.commit({Partition("ais.positions", 0): 1})
    detect.client.send(outgoing("ais.positions", b"no"))
    with pytest.raises(RefusedError, match=r"ais\.positions"):
        detect.client.commit()

    tail = Member(access.client("tail", "tail.7"), "alerts")
    until(lambda: tail.values == [b"alert"], tail.poll)
    with pytest.raises(RefusedError, match=r"sending as tail\.7\.1: the log refuses it"):
        tail.client.send(outgoing("alerts", b"no"))
    with pytest.raises(RefusedError):
        access.client("tail", "detect").committed(Partition("alerts", 0))


def test_one_revoked_permission_silences_no_other_topic(access):
    administration = access.administration()
    administration.create([TopicSpec(name, 1, 1, "delete", 3_600_000) for name in ("for.one", "for.two")])
    allowed = [Rule("partner", "topic", name, False, op) for name in ("for.one", "for.two") for op in ("WRITE", "READ")]
    administration.grant([*allowed, Rule("partner", "transactional-id", "release.", True, "WRITE")])
    writer = access.client("partner", "release")

    def works(topic, value):
        def attempt():
            try:
                writer.send(outgoing(topic, value))
                writer.commit()
                done.append(value)
            except RefusedError:
                time.sleep(0.1)

        done = []
        until(lambda: bool(done), attempt)

    works("for.one", b"1")
    works("for.two", b"1")
    administration.revoke([rule for rule in allowed if rule.name == "for.one"])

    def refused():
        writer.send(outgoing("for.one", b"no"))
        writer.commit()
        time.sleep(0.05)

    with pytest.raises(RefusedError, match=r"for\.one"):
        until(lambda: False, refused)
    writer.send(outgoing("for.two", b"2"))
    writer.commit()
    until(lambda: committed_values(writer, "for.two") == [b"1", b"2"])


def test_a_wrong_password_is_told_plainly_and_not_shown(access, caplog):
    client = access.client("ingest", "ingest", password="not-the-password")
    with pytest.raises(TransportError, match=r"user 'ingest'.*check the name and the password") as raised:
        client.topics()
    told = caplog.text + str(raised.value) + repr(raised.value.__cause__) + repr(vars(client))
    assert "not-the-password" not in told


def test_an_unknown_authority_is_told_plainly(access, secured_broker):
    client = access.client("ingest", "ingest", ca_file=secured_broker.folder / "other_ca.pem")
    with pytest.raises(TransportError, match=r"not trusted.*check kafka\.ca_file"):
        client.topics()


def test_the_wrong_protocol_is_told(access):
    client = access.client("ingest", "ingest", security_protocol="PLAINTEXT")
    with pytest.raises(TransportError, match="PLAINTEXT"):
        client.topics()


def test_a_missing_password_or_file_is_a_configuration_error(access, tmp_path):
    client = KafkaTransport(access.settings("ingest"), group="ingest", member="1")
    with pytest.raises(ConfigurationError, match="MARITIME_KAFKA_PASSWORD"):
        client.topics()
    client = access.client("ingest", "ingest", ca_file=tmp_path / "no.pem")
    with pytest.raises(ConfigurationError, match=r"kafka\.ca_file"):
        client.topics()
