"""The log in one process keeps what streams.transport promises."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.errors import FencedError, RefusedError, TransportError
from streams.memory import MemoryLog
from streams.murmur2 import murmur2, partition_of, partitions_of, vessel_key
from streams.transport import Outgoing, Partition

T = "t"


class Seen:
    """A listener that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[int]]] = []
        self.during = {}

    def _tell(self, what, partitions):
        self.told.append((what, [p.number for p in partitions]))
        if what in self.during:
            self.during[what](partitions)

    def assigned(self, partitions):
        self._tell("assigned", partitions)

    def revoked(self, partitions):
        self._tell("revoked", partitions)

    def lost(self, partitions):
        self._tell("lost", partitions)


def member(log, name=None):
    client, seen = log.client(name), Seen()
    client.subscribe(T, seen)
    return client, seen


def put(log, *values, partition=0):
    client = log.client()
    client.send([Outgoing(T, value, partition=partition) for value in values])
    client.commit()


def values(client, partition=0, offset=0):
    return [record.value for record in client.read(Partition(T, partition), offset)]


def test_nothing_is_read_before_the_commit_and_all_of_it_after():
    log = MemoryLog({T: 2, "u": 1})
    client = log.client()
    client.send([Outgoing(T, b"a", partition=0), Outgoing("u", b"b", partition=0)])
    client.send([Outgoing(T, b"c", partition=1)])
    assert values(log.client()) == []
    client.commit()
    assert (values(log.client()), values(log.client(), 1)) == ([b"a"], [b"c"])
    client.send([Outgoing(T, b"d", partition=0)])
    client.abort()
    client.commit()
    assert values(log.client()) == [b"a"]


def test_a_key_decides_the_partition_as_kafka_does():
    log = MemoryLog({T: 12})
    client = log.client()
    client.send([Outgoing(T, b"v", vessel_key(mmsi)) for mmsi in (211_000_001, 970_000_001)])
    client.commit()
    for mmsi in (211_000_001, 970_000_001):
        assert values(client, partition_of(vessel_key(mmsi), 12))


@pytest.mark.parametrize(
    ("key", "expected"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536),
     (b"a-little-bit-longer-string", -1486304829), (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
     (b"abc", 479470107)],
)  # fmt: skip
def test_murmur2_as_in_kafkas_own_tests(key, expected):
    assert murmur2(key) == expected


def test_partitions_of_many_vessels():
    import numpy as np

    mmsi = np.array([1, 999_999_999, 211_000_001, 1], np.uint32)
    assert partitions_of(mmsi, 12).tolist() == [partition_of(b"%09d" % m, 12) for m in mmsi.tolist()]


def test_polls_go_on_from_the_committed_position():
    log = MemoryLog({T: 1})
    put(log, b"a", b"b", b"c")
    client, _ = member(log)
    assert [r.value for r in client.poll(0, 2)] == [b"a", b"b"]
    client.commit({Partition(T, 0): 1})
    client.close()
    again, seen = member(log)
    assert [r.value for r in again.poll(0)] == [b"b", b"c"]
    assert seen.told == [("assigned", [0])]
    assert again.committed(Partition(T, 0)) == 1
    again.seek(Partition(T, 0), 0)
    assert [r.value for r in again.poll(0)] == [b"a", b"b", b"c"]


def test_positions_and_records_are_committed_together():
    log = MemoryLog({T: 1, "out": 1})
    put(log, b"a")
    client, _ = member(log)
    client.poll(0)
    client.send([Outgoing("out", b"x", partition=0)])
    log.expire(client)
    with pytest.raises(TransportError):
        client.commit({Partition(T, 0): 1})
    assert list(log.client().read(Partition("out", 0))) == []
    assert log.client().committed(Partition(T, 0)) is None


def test_revoked_comes_before_assigned_and_in_the_losers_poll():
    log = MemoryLog({T: 4})
    one, seen_one = member(log)
    one.poll(0)
    assert seen_one.told == [("assigned", [0, 1, 2, 3])]
    two, seen_two = member(log)
    two.poll(0)
    assert seen_two.told == [], "nothing is free yet"
    committed = []
    seen_one.during["revoked"] = lambda partitions: committed.append(one.commit(dict.fromkeys(partitions, 0)))
    one.poll(0)
    assert seen_one.told[1:] == [("revoked", [2, 3])]
    assert committed == [None], "what is open may still be committed"
    two.poll(0)
    assert seen_two.told == [("assigned", [2, 3])]
    one.close()
    two.poll(0)
    assert seen_two.told[1:] == [("assigned", [0, 1])]


def test_who_was_given_up_learns_it_and_comes_back():
    log = MemoryLog({T: 2})
    one, seen = member(log)
    one.poll(0)
    log.expire(one)
    two, seen_two = member(log)
    two.poll(0)
    assert seen_two.told == [("assigned", [0, 1])]
    one.poll(0)
    assert seen.told == [("assigned", [0, 1]), ("lost", [0, 1])]
    two.poll(0)
    one.poll(0)
    assert seen.told[-1] == ("assigned", [1])


def test_who_takes_an_identity_fences_the_one_before():
    log = MemoryLog({T: 1})
    one, _ = member(log, "w")
    one.poll(0)
    one.send([Outgoing(T, b"zombie", partition=0)])
    two, seen = member(log, "w")
    for act in (lambda: one.commit(), lambda: one.send([Outgoing(T, b"x")]), lambda: one.poll(0)):
        with pytest.raises(FencedError, match="w"):
            act()
    two.poll(0)
    assert seen.told == [("assigned", [0])]
    assert values(two) == []
    one.subscribe(T, Seen())
    one.commit()
    with pytest.raises(FencedError):
        two.poll(0)


def test_what_the_log_never_takes():
    log = MemoryLog({T: 1}, largest_bytes=100)
    client = log.client()
    for wrong in (Outgoing(T, b"x" * 101), Outgoing("none", b"x"), Outgoing(T, b"x", partition=1)):
        client.send([Outgoing(T, b"before", partition=0)])
        with pytest.raises(RefusedError, match=wrong.topic):
            client.send([wrong])
        client.commit()
    assert values(client) == [], "what was sent before is aborted with it"
    with pytest.raises(RefusedError):
        client.subscribe("none", Seen())
    with pytest.raises(RefusedError):
        client.bounds(Partition(T, 9))


def test_markers_leave_gaps_in_the_offsets():
    log = MemoryLog({T: 1}, markers=True)
    put(log, b"a")
    put(log, b"b", b"c")
    assert [r.offset for r in log.client().read(Partition(T, 0))] == [0, 2, 3]
    assert log.client().bounds(Partition(T, 0)) == (0, 5)
    client, _ = member(log)
    assert [r.value for r in client.poll(0)] == [b"a", b"b", b"c"]


def test_the_oldest_records_can_be_gone():
    log = MemoryLog({T: 1})
    put(log, b"a", b"b", b"c")
    log.forget_before(Partition(T, 0), 2)
    assert log.client().bounds(Partition(T, 0)) == (2, 3)
    client, _ = member(log)
    assert [r.value for r in client.poll(0)] == [b"c"]


def test_a_poll_waits_for_records_and_no_longer_than_told():
    log = MemoryLog({T: 1})
    client, _ = member(log)
    started_s = time.monotonic()
    assert client.poll(0.05) == []
    assert 0.04 < time.monotonic() - started_s < 5
    writer = threading.Timer(0.05, lambda: put(log, b"a"))
    writer.start()
    assert [r.value for r in client.poll(10.0)] == [b"a"]
    assert time.monotonic() - started_s < 8
    writer.join()


def test_what_comes_later_is_not_read():
    log = MemoryLog({T: 1})
    put(log, b"a")
    reading = log.client().read(Partition(T, 0))
    put(log, b"b")
    assert [record.value for record in reading] == [b"a"]


def test_metrics_count():
    log = MemoryLog({T: 1})
    client, _ = member(log)
    client.send([Outgoing(T, b"abc", partition=0)])
    client.commit()
    client.poll(0)
    told = client.metrics()
    assert told["records_sent"] == told["records_received"] == told["commits"] == 1
    assert told["bytes_sent"] == told["bytes_received"] == 3


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["poll", "join", "close", "expire"])), max_size=40))
def test_a_partition_has_one_owner_and_all_have_one_in_the_end(steps):
    log = MemoryLog({T: 5})
    members: dict[int, tuple] = {}
    for who, what in steps:
        if what == "join" and who not in members:
            members[who] = member(log)
        elif who in members:
            client, _ = members[who]
            if what == "poll":
                client.poll(0)
            elif what == "expire":
                log.expire(client)
            else:
                client.close()
                del members[who]
    for _ in range(6):
        for client, _ in members.values():
            client.poll(0)
    owners = log.owners()
    if members:
        assert len(owners) == 5
        shares = [sum(owner is client for owner in owners.values()) for client, _ in members.values()]
        assert max(shares) - min(shares) <= 1
    for client, seen in members.values():
        held: set[int] = set()
        for what, numbers in seen.told:
            assert held.isdisjoint(numbers) if what == "assigned" else held.issuperset(numbers)
            held = held | set(numbers) if what == "assigned" else held - set(numbers)
        assert held == {p.number for p, owner in owners.items() if owner is client}
