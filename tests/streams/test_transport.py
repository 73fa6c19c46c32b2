"""What every implementation of the transport owes: written once, run on each of LOGS."""

from contextlib import ExitStack

import pytest

from maritime.errors import FencedError, RefusedError, TransportError
from streams.transport import Outgoing, Partition
from tests.streams.logs import KafkaLogs, Member, MemoryLogs, outgoing, values
from tests.streams.waiting import until

LOGS = [
    "memory",
    pytest.param("kafka", marks=pytest.mark.broker),
]


@pytest.fixture
def closes():
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=LOGS)
def logs(request, closes):
    if request.param == "memory":
        return MemoryLogs()
    return KafkaLogs(request.getfixturevalue("broker").bootstrap, closes)


def committed_values(client, topic, number=0):
    return values(client.read(Partition(topic, number)))


def test_what_is_committed_can_be_read_with_all_that_was_sent(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    headers = (("schema", b"pos"), ("v", b"1"))
    writer.send([Outgoing(topic, b"value", key=b"key", partition=0, headers=headers, timestamp_ms=1_700_000_000_000)])
    writer.commit()
    reader = logs.client("reader")
    until(lambda: committed_values(reader, topic) == [b"value"])
    (record,) = reader.read(Partition(topic, 0))
    assert (record.partition, record.offset) == (Partition(topic, 0), 0)
    assert (record.key, record.headers) == (b"key", headers)


def test_nothing_can_be_read_before_the_commit(logs):
    topic = logs.topic()
    writer, reader = logs.client("writer"), logs.client("reader")
    writer.send(outgoing(topic, b"1"))
    assert committed_values(reader, topic) == []
    assert reader.bounds(Partition(topic, 0)) == (0, 0)
    writer.commit()
    until(lambda: committed_values(reader, topic) == [b"1"])


def test_one_commit_is_seen_in_all_topics(logs):
    topics = [logs.topic(), logs.topic(3)]
    writer, reader = logs.client("writer"), logs.client("reader")
    writer.send(outgoing(topics[0], b"a"))
    writer.send(outgoing(topics[1], b"b", b"c", partition=2))
    writer.commit()
    until(
        lambda: committed_values(reader, topics[0]) == [b"a"] and committed_values(reader, topics[1], 2) == [b"b", b"c"]
    )


def test_what_is_aborted_is_never_seen(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, b"no"))
    writer.abort()
    writer.send(outgoing(topic, b"yes"))
    writer.commit()
    writer.send(outgoing(topic, b"no, too"))
    writer.abort()
    member = Member(logs.client("member"), topic)
    until(lambda: bool(member.records), member.poll)
    member.poll()
    assert member.values == [b"yes"]
    assert committed_values(writer, topic) == [b"yes"]


def test_commit_and_abort_of_nothing_do_nothing(logs):
    writer = logs.client("writer")
    writer.commit()
    writer.abort()
    writer.commit({})


def test_the_order_within_a_partition_is_the_order_of_sending(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    sent = [str(n).encode() for n in range(300)]
    for start in range(0, len(sent), 100):
        writer.send(outgoing(topic, *sent[start : start + 100]))
        writer.commit()
    member = Member(logs.client("member"), topic)
    until(lambda: len(member.records) >= len(sent), member.poll)
    assert member.values == sent
    offsets = [record.offset for record in member.records]
    assert offsets == sorted(set(offsets))


def test_a_poll_gives_at_most_so_many_records(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, *[b"x"] * 25))
    writer.commit()
    member = Member(logs.client("member"), topic)
    got = []
    until(lambda: sum(got) == 25, lambda: got.append(len(member.client.poll(0.2, most_records=10))))
    assert max(got) <= 10


def test_a_key_decides_the_partition(logs):
    topic = logs.topic(12)
    writer = logs.client("writer")
    keys = [b"002320042", b"219018000", b"525019000", b"970123456"]
    writer.send([Outgoing(topic, key, key=key) for key in keys])
    writer.commit()
    from streams.murmur2 import partition_of

    for key in keys:
        until(lambda key=key: key in committed_values(writer, topic, partition_of(key, 12)))


def test_positions_are_committed_with_the_records(logs):
    entry, result = logs.topic(), logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(entry, b"1", b"2"))
    writer.commit()
    member = Member(logs.client("member"), entry)
    until(lambda: len(member.records) == 2, member.poll)
    partition = Partition(entry, 0)
    assert member.client.committed(partition) is None
    member.client.send(outgoing(result, b"seen 1"))
    member.client.commit({partition: 1})
    assert member.client.committed(partition) == 1
    member.client.send(outgoing(result, b"seen 2"))
    member.client.abort()
    assert member.client.committed(partition) == 1
    member.client.commit({partition: 2})
    assert member.client.committed(partition) == 2
    assert committed_values(member.client, result) == [b"seen 1"]


def test_a_member_that_comes_back_goes_on_at_the_committed_position(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, b"1", b"2", b"3"))
    writer.commit()
    first = Member(logs.client("member"), topic)
    until(lambda: len(first.records) == 3, first.poll)
    first.client.commit({Partition(topic, 0): 2})
    first.client.close()
    second = Member(logs.client("member"), topic)
    until(lambda: bool(second.records), second.poll)
    assert second.values == [b"3"]


def test_a_seek_inside_the_listener_decides_what_is_read(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, b"0", b"1", b"2"))
    writer.commit()
    member = Member(logs.client("member"), topic)
    asked = []

    def on_assigned(partition):
        asked.append((member.client.committed(partition), member.client.bounds(partition)[0]))
        asked.append(committed_values(member.client, topic))
        member.client.seek(partition, 1)

    member.on_assigned = on_assigned
    until(lambda: len(member.records) == 2, member.poll)
    assert asked == [(None, 0), [b"0", b"1", b"2"]]
    assert member.values == [b"1", b"2"]
    member.client.seek(Partition(topic, 0), 0)
    until(lambda: len(member.records) == 5, member.poll)
    assert member.values[2:] == [b"0", b"1", b"2"]


def test_read_starts_where_asked_and_ends_where_the_log_ended(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, b"0", b"1", b"2"))
    writer.commit()
    until(lambda: len(committed_values(writer, topic)) == 3)
    reading = writer.read(Partition(topic, 0), 1)
    writer.send(outgoing(topic, b"later"))
    writer.commit()
    assert values(reading) == [b"1", b"2"]
    end = writer.bounds(Partition(topic, 0))[1]
    assert values(writer.read(Partition(topic, 0), end + 10)) == []


def test_partitions_move_to_a_second_member_and_back(logs):
    topic = logs.topic(4)
    one = Member(logs.client("one"), topic)
    until(lambda: len(one.holds) == 4, one.poll)
    two = Member(logs.client("two"), topic)
    until(lambda: len(one.holds) == 2 and len(two.holds) == 2, one.poll, two.poll)
    assert one.holds.isdisjoint(two.holds)
    assert [kind for kind, _ in one.told] == ["assigned", "revoked"], "two partitions stayed all the time"
    two.client.close()
    until(lambda: len(one.holds) == 4, one.poll)


def test_what_is_open_can_be_committed_while_partitions_are_revoked(logs):
    topic, result = logs.topic(2), logs.topic()
    writer = logs.client("writer")
    for number in (0, 1):
        writer.send(outgoing(topic, b"a", b"b", partition=number))
    writer.commit()
    one = Member(logs.client("one"), topic)
    until(lambda: len(one.records) == 4, one.poll)
    moved = []

    def on_revoked(partition):
        one.client.send(outgoing(result, b"done with %d" % partition.number))
        one.client.commit({partition: 2})
        moved.append(partition)

    one.on_revoked = on_revoked
    two = Member(logs.client("two"), topic)
    found = {}
    two.on_assigned = lambda partition: found.update({partition: two.client.committed(partition)})
    until(lambda: len(two.holds) == 1, one.poll, two.poll)
    assert found == dict.fromkeys(moved, 2)
    two.poll()
    assert two.records == []
    until(lambda: committed_values(two.client, result) == [b"done with %d" % moved[0].number])


def test_a_client_knows_where_it_reads_on(logs):
    topic = logs.topic()
    writer, member = logs.client("writer"), Member(logs.client("reader"), topic)
    until(lambda: member.poll() or member.holds)
    writer.send(outgoing(topic, b"1", b"2"))
    writer.commit()
    until(lambda: member.poll() or member.values == [b"1", b"2"])
    assert member.client.position(Partition(topic, 0)) >= 2
    member.client.seek(Partition(topic, 0), 1)
    assert member.client.position(Partition(topic, 0)) == 1
    with pytest.raises(TransportError, match="not assigned"):
        writer.position(Partition(topic, 0))


def test_positions_in_partitions_of_others_cannot_be_committed(logs):
    topic, result = logs.topic(2), logs.topic()
    one, two = Member(logs.client("one"), topic), Member(logs.client("two"), topic)
    until(lambda: len(one.holds) == 1 and len(two.holds) == 1, one.poll, two.poll)
    (foreign,) = two.holds
    one.client.send(outgoing(result, b"no"))
    with pytest.raises(TransportError):
        one.client.commit({foreign: 7})
    one.client.send(outgoing(result, b"yes"))
    one.client.commit()
    until(lambda: committed_values(one.client, result) == [b"yes"])
    assert two.client.committed(foreign) is None


def test_a_second_client_of_the_same_name_fences_the_first(logs):
    topic = logs.topic()
    first = logs.client("twin")
    first.send(outgoing(topic, b"old"))
    second = logs.client("twin")
    second.send(outgoing(topic, b"new"))
    second.commit()
    with pytest.raises(FencedError):
        first.commit()
    until(lambda: committed_values(second, topic) == [b"new"])


def test_what_is_too_large_is_refused_by_name_and_the_rest_goes_on(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, b"goes with it"))
    with pytest.raises(RefusedError, match=topic):
        writer.send(outgoing(topic, b"x" * 2_000_000))
    writer.commit()
    writer.send(outgoing(topic, b"fits"))
    writer.commit()
    until(lambda: committed_values(writer, topic) == [b"fits"])


def test_a_topic_that_is_not_there_is_refused_by_name(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    with pytest.raises(RefusedError, match="no-such-topic"):
        writer.send(outgoing("no-such-topic", b"x"))
    with pytest.raises(RefusedError, match=topic):
        writer.bounds(Partition(topic, 7))
    writer.send(outgoing(topic, b"1"))
    writer.commit()
    until(lambda: committed_values(writer, topic) == [b"1"])


def test_topics_and_their_partitions(logs):
    topic = logs.topic(3)
    assert logs.client("reader").topics()[topic] == 3


def test_an_empty_poll_comes_back_in_time(logs):
    member = Member(logs.client("member"), logs.topic())
    until(lambda: bool(member.holds), member.poll)
    assert member.client.poll(0.0) == []
    assert member.client.poll(0.1) == []


def test_metrics_are_numbers(logs):
    topic = logs.topic()
    writer = logs.client("writer")
    writer.send(outgoing(topic, b"12345"))
    writer.commit()
    metrics = writer.metrics()
    assert metrics["records_sent"] == 1.0
    assert metrics["bytes_sent"] == 5.0
    assert all(isinstance(number, float) for number in metrics.values())
