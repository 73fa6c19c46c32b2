"""The faults of benchmarks.chaos: each breaks something on a real broker and says what a reader found afterwards.

A fault is a function of a Scale. It has a broker of its own, so that nothing of one reaches another.
"""

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, Final

import numpy as np
import pyarrow as pa
from kafka import TopicPartition

from benchmarks.detector_process import LATEST_DEATH_MS, STEPS, Break, Detectors, is_stopped
from benchmarks.live_log import PARTITIONS, LiveLog, Outcome, Verdict, feed, offline, outcome, send, verdict, wait_until
from maritime.columns import POSITION_SCHEMA
from maritime.detect.heartbeat import HeartbeatMaker
from maritime.detect.settings import DetectSettings
from maritime.errors import RefusedError
from streams import codec
from streams.arrow_frames import MOST_BYTES, MOST_UNPACKED_BYTES, pack
from streams.murmur2 import partitions_of
from streams.topic_names import POSITIONS, REJECTS, STATE, VESSELS
from streams.topics import rules
from streams.transport import Headers, Outgoing, Partition
from streams.worker import Pace
from tests.broker.kafka_broker import ADMIN, PASSWORDS, Broker, Cluster
from tests.detect.fleet import fleet

SEED: Final = 3
QUICK: Final = Pace(cycle_s=0.0, snapshot_every_s=0.5, most_records=4)
STEADY: Final = Pace(cycle_s=0.2, snapshot_every_s=1.0, most_records=20)
ONE_LIFE_S: Final = 60.0
KILLS_OF_A_LOG: Final = 26  # two at each step; the log is mostly long enough for them


@dataclass(frozen=True, slots=True)
class Scale:
    """How often things are broken."""

    kills: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Result:
    """How often it was broken, what the log lacks or has too much of, and a remark. `is_told` says that what is lost
    can be lost by nature of the fault, and that the detectors said so.
    """

    repetitions: int
    verdict: Verdict
    remark: str = ""
    is_told: bool = False


class NotBrokenError(Exception):
    """The fault did not take place as it was meant; the sentence says what was seen instead."""


@cache
def expected() -> Outcome:
    """What the fleet leads to."""
    found = offline()
    assert len(found.events) >= 10
    return found


@contextmanager
def lone_broker(*, secured: bool = False, is_started: bool = True) -> Iterator[Broker]:
    """A broker for one fault."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        broker = Broker(Path(folder), secured=secured)
        try:
            if is_started:
                broker.start()
            yield broker
        finally:
            broker.kill()


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Three brokers for one fault."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        three = Cluster(Path(folder))
        try:
            three.start()
            yield three
        finally:
            three.stop()


@contextmanager
def detectors(log: LiveLog) -> Iterator[Detectors]:
    """Detectors of a log, which is closed in the end."""
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        closing(log),
        Detectors(log.live, Path(folder)) as all_,
    ):
        yield all_


def finished(log: LiveLog, all_: Detectors, want: Outcome | None = None) -> Verdict:
    """Let two more detectors read what is left, and judge."""
    if log.is_read()():
        return verdict(outcome(log), want or expected())
    two = [all_.start(f"last-{i}", pace=STEADY) for i in range(2)]
    log.wait_read()
    for process in two:
        all_.stop(process)
    return verdict(outcome(log), want or expected())


def killed_at_each_step(scale: Scale) -> Result:
    """SIGKILL of a detector at each step of its transaction, again and again."""
    killed: Counter[str] = Counter()
    verdicts = []
    while killed.total() < scale.kills:
        before = killed.total()
        verdicts.append(_one_log_of_kills(min(KILLS_OF_A_LOG, scale.kills - before), killed))
        if killed.total() == before:
            raise NotBrokenError(f"a whole log was read without a death at {_next_step(killed)}")
    least = min(killed[step] for step in STEPS)
    return Result(killed.total(), _sum(verdicts), f"{len(verdicts)} logs, each of {len(killed)} steps ≥ {least} times")


def _next_step(killed: Counter[str]) -> str:
    return STEPS[killed.total() % len(STEPS)]


def _one_log_of_kills(kills: int, killed: Counter[str]) -> Verdict:
    """Kill so often while one log is read, or until it is read, in order of the steps; counted in `killed`."""
    before = killed.total()
    chance = random.Random(SEED + before)
    with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
        feed(log)
        while killed.total() < before + kills:
            step = _next_step(killed)
            delay_ms = chance.uniform(0.5, LATEST_DEATH_MS) if step == "ending" else 0.0
            # The first seek and read of a life are always passed; the others come with the transactions.
            most = 2 if step in ("seek", "read", "snapshot_sent") else 4
            death = Break(step, chance.randint(1, most), delay_ms=delay_ms)
            process = all_.start("w0", pace=QUICK, breaks=(death,), stop_when_idle_s=5.0)
            process.join(ONE_LIFE_S)
            if process.exitcode == -signal.SIGKILL:
                killed[step] += 1
            elif process.is_alive() or not log.is_read()():
                raise NotBrokenError(f"a detector that was to die at {death} lived on, and the log is not read")
            else:
                break  # the log was too short for the number that was drawn
        return finished(log, all_)


def frozen_past_the_session(scale: Scale) -> Result:
    """SIGSTOP of a detector inside a transaction, until another has its partitions; then SIGCONT."""
    fenced, total = 0, []
    steps = ("sent", "positions_sent", "ending")
    for i in range(scale.rounds):
        with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
            feed(log)
            stopping = Break(steps[i % len(steps)], 3, signal.SIGSTOP)
            zombie = all_.start("zombie", pace=QUICK, breaks=(stopping,))
            wait_until(lambda: is_stopped(zombie), "the detector stops")  # noqa: B023 - called here only
            other = all_.start("other", pace=STEADY)
            log.wait_read()
            assert zombie.pid is not None
            os.kill(zombie.pid, signal.SIGCONT)
            time.sleep(3.0)
            all_.stop(other)
            all_.stop(zombie)
            counts = all_.counters(zombie)
            fenced += bool(counts["fenced"] or counts["failures"])
            total.append(finished(log, all_))
    if fenced < scale.rounds:
        raise NotBrokenError(f"only {fenced} of {scale.rounds} zombies were turned away")
    return Result(scale.rounds, _sum(total), f"{fenced} zombies turned away")


def scaled_under_load(scale: Scale) -> Result:
    """One detector, then three, then two, while reports come in."""
    total = []
    for _ in range(scale.rounds):
        with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
            loading = Thread(target=feed, args=(log,), kwargs={"pause_s": 0.12}, daemon=True)
            first = all_.start("w0", pace=STEADY)
            loading.start()
            time.sleep(2.0)
            more = [all_.start(name, pace=STEADY) for name in ("w1", "w2")]
            time.sleep(4.0)
            all_.stop(first)
            loading.join(60.0)
            log.wait_read()
            for process in more:
                all_.stop(process)
            if not all(all_.counters(process)["records"] for process in [first, *more]):
                raise NotBrokenError("not every detector had something to do")
            total.append(verdict(outcome(log), expected()))
    return Result(scale.rounds, _sum(total), "1 → 3 → 2")


def broker_killed(scale: Scale) -> Result:
    """SIGKILL and restart of the only broker while detectors work."""
    chance = random.Random(SEED)
    freed = 0
    with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
        feed(log)
        for i in range(2):
            all_.start(f"w{i}", pace=replace(QUICK, cycle_s=0.05, most_records=2))
        kills = 0
        while kills < scale.rounds:
            time.sleep(chance.uniform(2.0, 4.0))
            broker.kill()
            broker.start()
            freed += log.free()
            kills += 1
        log.wait_read()
        found = finished(log, all_)
    return Result(kills, found, f"{freed} forgotten transactions ended")


def leader_killed(scale: Scale) -> Result:
    """SIGKILL of the broker that leads a partition, one of three, and its restart."""
    with cluster() as three, detectors(log := LiveLog(three.bootstrap, replication=3)) as all_:
        feed(log)
        for i in range(2):
            all_.start(f"w{i}", pace=replace(QUICK, cycle_s=0.05, most_records=2))
        led = []
        for i in range(scale.rounds):
            time.sleep(3.0)
            leader = _leader(log, POSITIONS, i % log.topics[POSITIONS])
            three.nodes[leader].kill()
            time.sleep(3.0)
            three.nodes[leader].start()
            led.append(leader)
        log.wait_read()
        found = finished(log, all_)
    return Result(len(led), found, f"killed nodes {', '.join(map(str, led))}")


def coordinator_restarted(scale: Scale) -> Result:
    """The broker that coordinates a detector's transactions dies in the middle of a commit, one of three."""
    chance = random.Random(SEED)
    died = 0
    with cluster() as three, detectors(log := LiveLog(three.bootstrap, replication=3)) as all_:
        feed(log)
        for i in range(scale.rounds):
            node = three.nodes[_leader(log, "__transaction_state", _state_partition(f"{log.live.log.group}.w0"))]
            # At once: the request never arrives. Some milliseconds later: it is carried out by half, or not answered.
            delay_ms = 0.0 if i % 3 == 0 else chance.uniform(0.5, LATEST_DEATH_MS)
            death = Break("ending", 3, signal.SIGKILL, node.pid, delay_ms)
            process = all_.start("w0", pace=QUICK, breaks=(death,))
            wait_until(lambda: node.pid is None, "the coordinator dies", 60.0, 0.02)  # noqa: B023 - called here only
            died += 1
            time.sleep(1.0)
            node.start()
            time.sleep(2.0)
            all_.stop(process)
        found = finished(log, all_)
    return Result(died, found)


def poisoned(scale: Scale) -> Result:
    """Records of every wrong kind among the right ones."""
    bad = poison_records()
    with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
        for i in range(3):
            all_.start(f"w{i}", pace=STEADY)

        def between(step: int) -> None:
            if step % 4 == 3 and bad:
                send(log, [bad.pop(0)[1]])

        kinds, reasons = len(bad), Counter(("record", reason) for reason, _ in bad)
        feed(log, between=between, pause_s=0.02)
        if bad:
            raise NotBrokenError(f"{len(bad)} records were not sent")
        log.wait_read()
        found = finished(log, all_, Outcome(expected().events, reasons))
    return Result(kinds, found, f"{len(reasons)} reasons")


def snapshots_damaged(scale: Scale) -> Result:
    """A snapshot that is half written, and one that is corrupt, before a detector begins."""
    total, passed_over = [], 0
    ways = ("half written", "corrupt", "manifest that lies", "both slots")
    for way in ways:
        with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
            feed(log, step=400)
            ends = Break("committed", 30, signal.SIGTERM)  # in order, with snapshots of everything
            first = all_.start("w0", pace=QUICK, breaks=(ends,))
            first.join(ONE_LIFE_S)
            send(log, [record for number in range(log.topics[STATE]) for record in _damage(log, number, way)])
            second = all_.start("w1", pace=STEADY)
            log.wait_read()
            all_.stop(second)
            passed_over += all_.counters(second)["snapshots_passed_over"]
            total.append(finished(log, all_))
    if not passed_over:
        raise NotBrokenError("no snapshot was passed over")
    return Result(len(ways), _sum(total), f"{', '.join(ways)}; {passed_over} passed over")


def history_deleted(scale: Scale) -> Result:
    """Retention has deleted records that came after the snapshot: the detector must say so, and go on.

    What was going on at that time cannot be known any more, so its alerts may lack revisions or differ.
    """
    with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
        feed(log)
        death = Break("committed", 20)
        first = all_.start("w0", pace=replace(QUICK, snapshot_every_s=1e9, most_records=20), breaks=(death,))
        first.join(ONE_LIFE_S)
        before = outcome(log)
        client = log.client(group=log.live.log.group)
        ends = {}
        for number in range(log.topics[POSITIONS]):
            committed = client.committed(Partition(POSITIONS, number))
            if committed:
                ends[TopicPartition(POSITIONS, number)] = committed
        with closing(log.administration()) as administration:
            administration._client.delete_records(ends, timeout_ms=10_000)
        second = all_.start("w1", pace=STEADY)
        log.wait_read()
        all_.stop(second)
        missing = all_.counters(second)["history_missing"]
        after = outcome(log)
    if missing != len(ends):
        raise NotBrokenError(f"history_missing is {missing}, not {len(ends)}")
    if not set(before.events) <= set(after.events):
        raise NotBrokenError("alerts that were there are gone")
    found = verdict(after, expected())
    return Result(len(ends), replace(found, strange=0), f"history_missing told {missing} times", is_told=True)


def broker_down_at_start(scale: Scale) -> Result:
    """Detectors that start before their broker."""
    with lone_broker() as broker:  # so that the topics are there
        log = LiveLog(broker.bootstrap)
        with detectors(log) as all_:
            feed(log)
            broker.stop()
            for i in range(2):
                all_.start(f"w{i}", pace=STEADY)
            time.sleep(4.0)
            broker.start()
            log.wait_read()
            found = finished(log, all_)
    return Result(1, found, "4 s late")


def slow_past_the_poll_interval(scale: Scale) -> Result:
    """A detector that does not poll for longer than the group allows, beside another, inside a transaction and not."""
    with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
        loading = Thread(target=feed, args=(log,), kwargs={"pause_s": 0.12}, daemon=True)
        sleeps = {10: 9.0, 40: 9.0}
        slow = all_.start("slow", pace=QUICK, poll_interval_ms=3_000, sleeps=sleeps)
        quick = all_.start("quick", pace=STEADY, poll_interval_ms=3_000)
        loading.start()
        loading.join(120.0)
        log.wait_read()
        time.sleep(2.0)
        for process in (slow, quick):
            all_.stop(process)
        lost = all_.counters(slow)["failures"]
        if not lost:
            raise NotBrokenError("the slow detector did not lose its partitions")
        found = finished(log, all_)
    return Result(len(sleeps), found, f"{lost} failed cycles of the slow one, then it came back")


def fed_twice(scale: Scale) -> Result:
    """A feeder that is restarted feeds the same reports from the beginning: they are late, and no alert changes."""
    with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
        half = fleet(1).slice(0, 7_500)
        for i in range(2):
            all_.start(f"w{i}", pace=STEADY)

        def twice(into: Any) -> None:
            feed(into, half, finish=False)
            feed(into)

        twice(log)
        log.wait_read()
        found = finished(log, all_, offline(twice))
        known = offline(lambda into: feed(into))
        final, again = _final(outcome(log)), _final(known)
        late = outcome(log).letters["reports", "late"]
    if not late:
        raise NotBrokenError("no report was late")
    changed = len(set(final.items()) ^ set(again.items()))
    return Result(1, replace(found, strange=found.strange + changed), f"{late:,} reports were late, none counted twice")


def clock_jumped(scale: Scale) -> Result:
    """The clock that paces a detector jumps by hours: the one that is handed in, not the machine's."""
    with lone_broker() as broker, detectors(log := LiveLog(broker.bootstrap)) as all_:
        feed(log)
        jumps = (3_600.0, -7_200.0, 90.0, 3_510.0)
        for i in range(2):
            all_.start(f"w{i}", pace=QUICK, clock_jumps=jumps)
        log.wait_read()
        found = finished(log, all_)
    return Result(len(jumps), found, "±1 h at every hundredth look at the clock")


def permission_revoked(scale: Scale) -> Result:
    """On a secured broker the writer of vessels loses a topic while alerts flow; then the detectors lose the topic of
    dead letters, say so, and go on when they have it back.
    """
    with lone_broker(secured=True) as broker:
        secure = {"security_protocol": "SASL_SSL", "ca_file": broker.ca_file}

        def user(name: str) -> dict[str, Any]:
            return {"username": name}

        log = LiveLog(
            broker.bootstrap,
            user=user,
            passwords=PASSWORDS,
            admin=ADMIN,
            username=ADMIN,
            **secure,
            group="maritime-detect",
        )
        with detectors(log) as all_, closing(log.administration()) as administration:
            administration.grant(rules(log.live))
            detect = log.live.model_copy(update={"kafka": log.of("detect")})
            process = all_.start("w0", pace=STEADY, live=detect, password=PASSWORDS["detect"])
            vessels = [rule for rule in rules(log.live) if rule.principal == "ingest" and rule.name == VESSELS]
            administration.revoke(vessels)
            stranger = log.client(group="ingest", user="ingest")
            refusals = sum(_is_refused(stranger, VESSELS) for _ in range(3))
            feed(log)
            log.wait_read()
            while_revoked = verdict(outcome(log), expected())
            letters = [rule for rule in rules(log.live) if rule.principal == "detect" and rule.name == REJECTS]
            administration.revoke(letters)
            time.sleep(1.0)
            send(log, [Outgoing(POSITIONS, b"no arrow", partition=0)])
            time.sleep(4.0)
            is_standing = not log.is_read()()
            administration.grant(letters)
            log.wait_read()
            all_.stop(process)
            want = Outcome(expected().events, Counter({("record", "wrong_headers"): 1}))
            found = verdict(outcome(log), want)
            error = all_.error(process)
    if not is_standing or REJECTS not in error or refusals < 1 or not while_revoked.is_right:
        raise NotBrokenError(f"refusals {refusals}, standing {is_standing}, told: {error}")
    return Result(2, found, f"told: {error[:60]}…")


FAULTS: Final[dict[str, Callable[[Scale], Result]]] = {
    "kill": killed_at_each_step,
    "zombie": frozen_past_the_session,
    "scale": scaled_under_load,
    "broker": broker_killed,
    "leader": leader_killed,
    "coordinator": coordinator_restarted,
    "poison": poisoned,
    "snapshot": snapshots_damaged,
    "retention": history_deleted,
    "start": broker_down_at_start,
    "slow": slow_past_the_poll_interval,
    "twice": fed_twice,
    "clock": clock_jumped,
    "acl": permission_revoked,
}


def _sum(verdicts: list[Verdict]) -> Verdict:
    return Verdict(sum(v.lost for v in verdicts), sum(v.duplicated for v in verdicts), sum(v.strange for v in verdicts))


def _leader(log: LiveLog, topic: str, number: int) -> int:
    """The node that leads a partition."""
    with closing(log.administration()) as administration:
        (described,) = administration._client.describe_topics([topic])
    (leader,) = (p["leader_id"] for p in described["partitions"] if p["partition_index"] == number)
    return int(leader)


def _state_partition(transactional_id: str, partitions: int = 4) -> int:
    """Where the transactions of an id are coordinated: Java's hash of a text, of a broker of the tests."""
    value = 0
    for letter in transactional_id:
        value = (31 * value + ord(letter)) & 0xFFFFFFFF
    return (value - (1 << 32) if value >> 31 else value) % (1 << 31) % partitions if value != 1 << 31 else 0


def _final(found: Outcome) -> dict[str, bytes]:
    """The newest revision of each alert."""
    newest: dict[str, tuple[int, bytes]] = {}
    for name, value in found.events:
        alert_id, _, revision = name.rpartition("/")
        newest[alert_id] = max(newest.get(alert_id, (0, b"")), (int(revision), value))
    return {alert_id: value for alert_id, (_, value) in newest.items()}


def _is_refused(client: Any, topic: str) -> bool:
    time.sleep(0.5)
    try:
        client.send([Outgoing(topic, b"{}", key=b"219018000")])
        client.commit()
    except RefusedError as error:
        return topic in str(error)
    return False


def poison_records() -> list[tuple[str, Outgoing]]:
    """A record of each wrong kind for partition 0, with the reason that its dead letter must give."""
    rows = fleet(1)
    rows = rows.filter(pa.array(partitions_of(rows["mmsi"].to_numpy(), PARTITIONS) == 0)).slice(0, 50)
    foreign = fleet(1)
    foreign = foreign.filter(pa.array(partitions_of(foreign["mmsi"].to_numpy(), PARTITIONS) == 1)).slice(0, 5)
    value, headers = codec.pack_positions(rows)
    beats = HeartbeatMaker(DetectSettings().time).feed(fleet(1).slice(0, 2_000))
    old_beats = next(codec.pack_heartbeats(beats))
    zeros = pa.array(np.zeros(MOST_UNPACKED_BYTES // 4))
    bomb = pa.record_batch([zeros, zeros], ["a", "b"])

    def made(value: bytes | None, headers: Headers) -> Outgoing:
        return Outgoing(POSITIONS, value, b"poison", 0, headers)

    def but(**changed: bytes) -> Outgoing:
        return made(value, tuple((name, changed.get(name, text)) for name, text in headers))

    def column(name: str, wrong: float) -> Outgoing:
        field = POSITION_SCHEMA.field(name)
        column = np.full(rows.num_rows, wrong).astype(field.type.to_pandas_dtype())
        packed = pack(rows.set_column(POSITION_SCHEMA.get_field_index(name), field, pa.array(column)))
        return made(packed, headers)

    return [
        ("wrong_headers", made(value, ())),
        ("wrong_headers", but(n=b"many")),
        ("wrong_headers", made(value, (*headers, headers[0]))),
        ("wrong_kind", but(kind=b"x")),
        ("wrong_schema", but(schema=b"statics")),
        ("wrong_schema", made(pack(bomb.slice(0, 9)), headers)),
        ("wrong_version", but(v=b"99")),
        ("wrong_count", but(n=b"7")),
        ("wrong_span", but(tmin=b"0")),
        ("empty", made(None, headers)),
        ("bad_arrow", made(b"", headers)),
        ("bad_arrow", made(b"no arrow", headers)),
        ("bad_arrow", made(value[: len(value) // 2], headers)),
        ("oversize", made(bytes(MOST_BYTES + 1), headers)),
        ("mmsi_out_of_range", column("mmsi", 1 << 31)),
        ("time_out_of_range", column("t", -1)),
        ("position_out_of_range", column("lat", 91.0)),
        ("position_out_of_range", column("lon", np.inf)),
        ("speed_out_of_range", column("sog", -1.0)),
        ("direction_out_of_range", column("cog", 361.0)),
        ("message_type_out_of_range", column("msg_type", 28)),
        ("wrong_partition", made(*codec.pack_positions(foreign))),
        ("wrong_part", made(old_beats.value, (*old_beats.headers, ("part", b"3/2")))),
        ("time_out_of_order", made(*old_beats)),
    ]


def _damage(log: LiveLog, number: int, way: str) -> Iterator[Outgoing]:
    """Records that damage the newest snapshot of a state partition, or both."""
    client = log.client()
    newest = {record.key: record.value for record in client.read(Partition(STATE, number))}
    manifests = sorted(
        ((json.loads(value)["sequence"], key) for key, value in newest.items() if key.endswith(b"manifest")),
        reverse=True,
    )
    if not manifests:
        return
    for _, key in manifests if way == "both slots" else manifests[:1]:
        chunk = key.replace(b"manifest", b"0")
        if way == "half written":  # a new first chunk came, its manifest did not
            yield Outgoing(STATE, b"new" + newest[chunk][:100], chunk, number)
        elif way == "manifest that lies":
            manifest = json.loads(newest[key])
            yield Outgoing(STATE, json.dumps(manifest | {"chunks": 4_000}).encode(), key, number)
        else:
            middle = len(newest[chunk]) // 2
            flipped = bytes([newest[chunk][middle] ^ 0xFF])
            yield Outgoing(STATE, newest[chunk][:middle] + flipped + newest[chunk][middle + 1 :], chunk, number)
