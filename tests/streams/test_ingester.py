"""The ingester from sockets to alerts: the same alerts as a replay, through failures, restarts and cuts."""

import json
import re
import socket
import time
from collections import Counter
from contextlib import closing
from functools import cache
from pathlib import Path
from random import Random
from threading import Event

import numpy as np
import pyarrow as pa
import pytest
from prometheus_client import CollectorRegistry

from maritime.columns import CLOCK_SCHEMA, PROVENANCE_SCHEMA, STATIC_SCHEMA, Chunk
from maritime.errors import FencedError, InputError, RefusedError, TransportError, UsageError
from maritime.replay import replay
from maritime.simulate import load_scenario, play
from maritime.times import to_rfc3339
from maritime.units import HOUR_MS, MINUTE_MS
from streams import codec
from streams.ingest.ingester import Ingester, IngestPace, SharedNames
from streams.ingest.opening import open_source
from streams.ingest.outbox import TRIES_AFTER_STOP
from streams.ingest.resume import resumed
from streams.log_writer import LogWriter
from streams.memory import MemoryLog
from streams.observe.health import Pulse
from streams.observe.source_metrics import SourceMetrics
from streams.status import ENDED, LIVE, SourceStatus, Status
from streams.topic_names import ALERTS, POSITIONS, REJECTS
from streams.transport import Partition, Record
from tests.detect.fleet import START_MS, _joined, _track, batch, fleet, places, run
from tests.streams.feeding import LineServer, post, quick, sentences, wait_for
from tests.streams.live import drain, final_lines, letters, records, setup_of, topics, worker_of

SCENARIO = Path(__file__).parents[2] / "configs" / "scenarios" / "outage_receiver.yaml"
LINES = 40_000
PARTITIONS = 3


@cache
def lines() -> list[bytes]:
    return play(load_scenario(SCENARIO), "outage_receiver").log.splitlines(keepends=True)[:LINES]


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("replayed")
    path = folder / "log.nmea"
    path.write_bytes(b"".join(lines()))
    assert replay([path], folder / "out", places=places(), draw_map=False).summary["alerts"]
    return (folder / "out" / "alerts.jsonl").read_bytes()


def ingesting(log: MemoryLog, *uris: str, identity: str = "ingest", pace: IngestPace | None = None) -> Ingester:
    sources = [open_source(uri, environment={}, rng=quick()) for uri in uris]
    return Ingester(log.client(identity, "ingest"), sources, pace=pace, rng=quick())


def run_until(ingester: Ingester, done, patience_s: float = 60.0) -> None:
    until_s = time.monotonic() + patience_s
    while not done():
        assert time.monotonic() < until_s, ingester.counters()
        ingester.step()


def detected(log: MemoryLog, workers: int = 2) -> bytes:
    setup = setup_of(PARTITIONS)
    drain([worker_of(log, setup, f"w{i}") for i in range(workers)])
    return final_lines(log)


def seen(ingester: Ingester) -> int:
    """Sentences that came to anything: messages of other types give no rows, so rows do not count them."""
    counts = ingester.counters()
    return counts["reports"] + counts["statics"] + counts["held"]


@cache
def whole_rows(path: Path) -> tuple[int, int]:
    """Reports and static reports of the lines, as a replay reads them."""
    log = MemoryLog(topics(1))
    ingester = ingesting(log, str(path))
    ingester.run()
    counts = ingester.counters()
    return counts["reports"], counts["statics"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> int:
    path = tmp_path_factory.mktemp("rows") / "log.nmea"
    path.write_bytes(b"".join(lines()))
    return sum(whole_rows(path))


def test_a_file_ends_by_itself_and_gives_the_alerts_of_a_replay(expected, tmp_path):
    path = tmp_path / "log.nmea"
    path.write_bytes(b"".join(lines()))
    log = MemoryLog(topics(PARTITIONS))
    ingesting(log, str(path)).run()
    assert detected(log) == expected
    assert not [reason for reason in letters(log) if reason[0] == "record"]


def test_tcp_gives_the_alerts_of_a_replay(expected, rows):
    log = MemoryLog(topics(PARTITIONS))
    with LineServer(b"".join(lines())) as server:
        ingester = ingesting(log, f"tcp://127.0.0.1:{server.port}")
        ingester.start()
        run_until(ingester, lambda: seen(ingester) == rows)
        ingester.finish()
        ingester.stop()
    assert detected(log) == expected


def test_udp_gives_the_alerts_of_a_replay(expected, rows):
    log = MemoryLog(topics(PARTITIONS))
    ingester = ingesting(log, "udp://127.0.0.1:0")
    ingester.start()
    source = ingester._feeds[0].source
    wait_for(lambda: source.bound_port)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        for begin in range(0, LINES, 100):
            sender.sendto(b"".join(lines()[begin : begin + 100]), ("127.0.0.1", source.bound_port))
            if begin % 2_000 == 0:
                ingester.step(0.01)
    run_until(ingester, lambda: seen(ingester) == rows)
    ingester.finish()
    ingester.stop()
    assert detected(log) == expected


def test_http_gives_the_alerts_of_a_replay(expected, rows):
    log = MemoryLog(topics(PARTITIONS))
    ingester = ingesting(log, "http://127.0.0.1:0")
    ingester.start()
    source = ingester._feeds[0].source
    wait_for(lambda: source.bound_port)
    messages = list(as_posted(lines()))
    for begin in range(0, len(messages), 2_000):
        body = json.dumps({"protocol": "jsonaiscatcher", "msgs": messages[begin : begin + 2_000]}).encode()
        assert post(source.bound_port, body) == 200
        ingester.step(0)
    run_until(ingester, lambda: seen(ingester) == rows)
    ingester.finish()
    ingester.stop()
    assert detected(log) == expected


TAG = re.compile(rb"\\(?:g:(\d)-\d-(\d+),?)?(?:s:(\w+),)?(?:c:(\d+))?\*..\\(.*)")


def as_posted(of: list[bytes]):
    """Sentences with tag blocks as AIS-catcher's objects, parts of a message in one."""
    groups: dict[bytes, dict] = {}
    for line in of:
        match = TAG.match(line.strip())
        part, group, station, time_s, sentence = match.groups()
        if part not in (None, b"1"):
            whole = groups.pop(group, None)
            if whole is not None:
                whole["nmea"].append(sentence.decode())
                yield whole
            continue
        rx_time = int(time_s) / (1000 if len(time_s) > 11 else 1)
        message = {"class": "AIS", "rxuxtime": rx_time, "station_id": station.decode(), "nmea": [sentence.decode()]}
        if part is None:
            yield message
        else:
            groups[group] = message


def test_two_sources_aligned_give_the_alerts_of_a_replay(expected, rows):
    """Each station by a connection of its own; one comes a second later than the other."""
    stations: dict[bytes, list[bytes]] = {}
    group_of: dict[bytes, bytes] = {}
    for line in lines():
        _, group, station, _, _ = TAG.match(line.strip()).groups()
        station = station or group_of[group]
        if group is not None:
            group_of[group] = station
        stations.setdefault(station, []).append(line)
    assert len(stations) > 1
    log = MemoryLog(topics(PARTITIONS))
    servers = [LineServer(b"".join(part)) for part in stations.values()]
    pace = IngestPace(hold_s=30.0, idle_s=30.0, most_held_rows=2_000)
    ingester = ingesting(log, *(f"tcp://127.0.0.1:{server.port}" for server in servers), pace=pace)
    ingester.start()
    run_until(ingester, lambda: seen(ingester) == rows)
    ingester.finish()
    ingester.stop()
    for server in servers:
        server.__exit__()
    assert detected(log) == expected
    assert not [reason for reason in letters(log) if reason[1] == "late"]


def test_a_restarted_ingester_goes_on(expected, tmp_path):
    """Codes mean what they meant, time goes on, and nobody is handed a heartbeat of a time that has passed."""
    log = MemoryLog(topics(PARTITIONS))
    half = LINES // 2
    before = ingested(log, lines()[:half], {}, finish=False)
    names = ingested(log, lines()[half:], before, finish=True)
    assert before.items() <= names.items()
    lines_found = [json.loads(line) for line in detected(log).splitlines()]
    lines_expected = [json.loads(line) for line in expected.splitlines()]
    assert [(a["alert_id"], a["state"]) for a in lines_found] == [(a["alert_id"], a["state"]) for a in lines_expected]
    assert not [reason for reason in letters(log) if reason[0] == "record"]
    assert codes_in(log) == {name: [code] for code, name in names.items() if code in named(log)}


def ingested(log: MemoryLog, part: list[bytes], known: dict[int, str], *, finish: bool) -> dict[int, str]:
    """What an ingester knows of the sources after some lines; before them it must know what the log tells."""
    with LineServer(b"".join(part)) as server:
        source = open_source(f"tcp://127.0.0.1:{server.port}", environment={}, rng=quick(), name="north")
        ingester = Ingester(log.client("ingest", "ingest"), [source], rng=quick())
        assert ingester.table.by_code() == known
        ingester.start()
        inbox = ingester.inboxes()[0]
        for _ in range(5):
            seen_before = -1
            while seen(ingester) != seen_before or not seen(ingester) or not inbox.is_empty():
                seen_before = seen(ingester)
                ingester.step()
        if finish:
            ingester.finish()
        ingester.stop()
        return ingester.table.by_code()


def test_a_log_of_nothing_but_statuses_is_gone_on_with():
    """All sources are cut for days, and the log has let go of what they gave before."""
    log = MemoryLog(topics(PARTITIONS))
    known = ingested(log, lines()[:2_000], {}, finish=False)
    watermark_ms = resumed(log.client()).watermark_ms
    end = log.ends()[Partition(POSITIONS, 0)]
    at_s = {"now": 0.0}
    ingester = Ingester(log.client("ingest", "ingest"), [Scripted("north")], steady_s=lambda: at_s["now"])
    ingester.start()
    for _ in range(700):
        at_s["now"] += 1.0
        ingester.step(0)
    ingester.stop()
    assert log.ends()[Partition(POSITIONS, 0)] - end < 750
    for number in range(PARTITIONS):
        log.forget_before(Partition(POSITIONS, number), end)
    found = resumed(log.client())
    assert (found.names, found.watermark_ms) == ({code: name for code, name in known.items() if code}, watermark_ms)
    assert watermark_ms is not None


def test_reading_back_holds_few_records():
    log = MemoryLog(topics(1))
    writer = LogWriter(log.client(), SharedNames())
    for at_s in range(3_000):
        sources = (SourceStatus("north", LIVE, None, 0, 0),)
        writer.status(Status(START_MS + at_s * 1000, None, sources))
    writer.commit()
    alive = {"now": 0, "most": 0}

    class Counted(Record):
        __slots__ = ()

        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, **kwargs)
            alive["now"] += 1
            alive["most"] = max(alive.values())

        def __del__(self) -> None:
            alive["now"] -= 1

    class Client:
        def __init__(self, client) -> None:
            self.bounds, self._client = client.bounds, client

        def read(self, partition, offset):
            for r in self._client.read(partition, offset):
                yield Counted(r.partition, r.offset, r.value, r.key, r.headers)

    assert resumed(Client(log.client())).watermark_ms is None
    assert alive["most"] < 100


def named(log: MemoryLog) -> set[int]:
    return {code for codes in codes_in(log).values() for code in codes}


def codes_in(log: MemoryLog) -> dict[str, list[int]]:
    """The codes that each name of a source ever had in the log."""
    found: dict[str, set[int]] = {}
    for record in records(log, POSITIONS):
        if codec.kind_of(record.headers) == codec.NAMES:
            for code, name in codec.unpack_names(record.value, record.headers).items():
                found.setdefault(name, set()).add(code)
    return {name: sorted(codes) for name, codes in found.items()}


def test_a_second_ingester_of_one_identity_fences_the_first():
    log = MemoryLog(topics(PARTITIONS))
    first = ingesting(log, "udp://127.0.0.1:0")
    first.start()
    first.step(0)
    second = ingesting(log, "udp://:0")
    second.start()
    second.step(0)
    with pytest.raises(FencedError):
        run_until(first, lambda: False, 5)
    first.stop()
    second.step(0)
    second.stop()


class Recovering:
    """A client that takes its identity back when it is used after it was fenced, as Kafka's does."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._client = log.client("ingest", "ingest")
        self._was_fenced = False

    def __getattr__(self, name: str):
        return getattr(self._client, name)

    def send(self, records) -> None:
        if self._was_fenced:
            self._client = self._log.client("ingest", "ingest")
        try:
            self._client.send(records)
        except FencedError:
            self._was_fenced = True
            raise


def test_an_ingester_that_was_fenced_does_not_fence_its_successor_on_its_way_out():
    log = MemoryLog(topics(PARTITIONS))
    first = Ingester(Recovering(log), [open_source("udp://127.0.0.1:0", environment={}, rng=quick())], rng=quick())
    first.start()
    first.step(0)
    second = ingesting(log, "udp://127.0.0.1:0")
    second.start()
    second.step(0)
    with pytest.raises(FencedError):
        run_until(first, lambda: False, 5)
    first.stop()
    second._status_at_s = None
    second.step(0)
    second.stop()


class Away:
    """A log that is away, until it is said to be back."""

    def __init__(self, log: MemoryLog) -> None:
        self._client = log.client("ingest", "ingest")
        self.is_away = True
        self.tries = 0

    def __getattr__(self, name: str):
        if self.is_away and name != "abort":
            self.tries += 1
            raise TransportError("127.0.0.1:9092 cannot be reached")
        return getattr(self._client, name)


def test_a_log_that_is_away_at_the_start_is_waited_for():
    away = Away(MemoryLog(topics(PARTITIONS)))
    reasons: list[str] = []

    def on_wait(reason: str) -> None:
        reasons.append(reason)
        away.is_away = len(reasons) < 3

    source = open_source("udp://127.0.0.1:0", environment={}, rng=quick())
    ingester = Ingester(away, [source], rng=quick(), on_wait=on_wait)
    assert reasons == ["the log cannot be used: 127.0.0.1:9092 cannot be reached"] * 3
    assert ingester.watermark_ms is None


def test_a_stop_ends_the_waiting_for_a_log_that_is_away():
    stop = Event()
    source = open_source("udp://127.0.0.1:0", environment={}, rng=quick())
    with pytest.raises(TransportError):
        Ingester(Away(MemoryLog(topics(1))), [source], rng=quick(), stop=stop, on_wait=lambda _: stop.set())
    stop.clear()
    away = Away(MemoryLog(topics(PARTITIONS)))
    away.is_away = False
    ingester = Ingester(away, [source], rng=quick(), stop=stop, on_wait=lambda _: stop.set())
    ingester._outbox._wait = lambda _: None
    ingester.start()
    away.is_away = True
    with pytest.raises(TransportError):
        run_until(ingester, lambda: False, 5)
    assert away.tries == 1 + TRIES_AFTER_STOP
    with pytest.raises(TransportError):
        ingester.stop()
    assert away.tries == 2 + TRIES_AFTER_STOP, "no more than once on the way out"


def test_health_says_why_not_and_metrics_tell_connections(caplog):
    log = MemoryLog(topics(PARTITIONS))
    with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
        port = nobody.getsockname()[1]
    uri = f"tcp://127.0.0.1:{port}"
    ingester = ingesting(log, uri, "udp://127.0.0.1:0")
    ingester.start()
    pulse = Pulse(time.monotonic)
    inbox, other = ingester.inboxes()
    run_until(ingester, lambda: inbox.last_error and other.connected)
    for _ in range(5):
        ingester.step(0)
    pulse.turned(*ingester.why_not_ready())
    (reason,) = pulse.ready().why_not
    assert reason == f"{uri} is not connected: {inbox.last_error}"
    assert len([r for r in caplog.records if r.name == "streams.ingest.ingester"]) == 1, "once for one error"
    registry = CollectorRegistry()
    registry.register(SourceMetrics(ingester.status, ingester.inboxes))
    assert registry.get_sample_value("maritime_source_connected", {"source": uri}) == 0.0
    assert registry.get_sample_value("maritime_source_connected", {"source": "udp://127.0.0.1:0"}) == 1.0
    assert registry.get_sample_value("maritime_source_connects_total", {"source": "udp://127.0.0.1:0"}) == 1.0
    ingester.stop()
    away = Away(MemoryLog(topics(PARTITIONS)))

    def on_wait(reason: str) -> None:
        pulse.turned(reason)
        away.is_away = False

    Ingester(away, [Scripted("x")], rng=quick(), on_wait=on_wait)
    assert pulse.ready().why_not == ("the log cannot be used: 127.0.0.1:9092 cannot be reached",)
    assert pulse.alive().is_well


def test_an_unreadable_file_does_not_end_the_other_sources(tmp_path):
    log = MemoryLog(topics(PARTITIONS))
    path = tmp_path / "noise.csv"
    path.write_bytes(b"\x00\x01")
    with LineServer(b"".join(sentences(2))) as server:
        ingester = ingesting(log, str(path), f"tcp://127.0.0.1:{server.port}")
        ingester.start()
        run_until(ingester, lambda: ingester.counters()["reports"] == 2 and "rejects.unreadable" in ingester.counters())
        assert ingester.status().sources[0].state == ENDED
        ingester.stop()
    assert letters(log) == {("row", "unreadable"): 1}


def test_what_is_stamped_in_the_future_is_refused_and_moves_no_time():
    """Two wrong stamps bear each other out, and time that the log believes is never taken back."""
    log = MemoryLog(topics(PARTITIONS))
    now_ms = START_MS + HOUR_MS
    ingester = Ingester(log.client("i", "ingest"), [Scripted("north")], clock_ms=lambda: now_ms)
    ingester.table.code("north")
    ingester.start()
    positions = traffic(1, 1.0)
    t_ms = positions["t"].to_numpy().copy()
    t_ms[-4:] = [now_ms + 4 * MINUTE_MS, now_ms + 6 * MINUTE_MS, 3_976_214_400_000, 3_976_214_401_000]
    n = positions.num_rows
    columns = [*positions.columns, pa.array(np.arange(n)), pa.array(np.full(n, 255, np.uint8))]
    columns[positions.schema.get_field_index("t")] = pa.array(t_ms)
    rows = pa.RecordBatch.from_arrays(columns, schema=PROVENANCE_SCHEMA)
    statics = pa.RecordBatch.from_pylist([{"mmsi": 235_000_000, "t": 3_976_214_400_000}], schema=STATIC_SCHEMA)
    clock = pa.RecordBatch.from_pylist(
        [{"source": 1, "t": 3_976_214_400_000, "reported": START_MS}], schema=CLOCK_SCHEMA
    )
    ingester.inboxes()[0].put(Chunk("north", rows, statics, clock), Event())
    run_until(ingester, lambda: ingester.counters()["reports"] == n - 3)
    ingester.stop()
    assert ingester.watermark_ms <= now_ms + 5 * MINUTE_MS
    assert ingester.counters()["rejects.time_in_the_future"] == 5
    assert letters(log) == {("row", "time_in_the_future"): 5}
    assert ingester.status().sources[0].rejects == 5


def test_a_log_that_is_away_stops_the_reading_and_loses_nothing():
    log = MemoryLog(topics(PARTITIONS))
    failing = Counter()

    def fault(point: str) -> None:
        failing[point] += 1
        if point in ("send", "commit", "committed") and failing[point] % 3 == 1:
            raise TransportError(f"away at {point}")

    with LineServer(b"".join(sentences(5_000))) as server:
        source = open_source(f"tcp://127.0.0.1:{server.port}", environment={}, rng=quick())
        pace = IngestPace(flush_rows=500, most_held_rows=500)
        ingester = Ingester(log.client("i", "ingest", fault=fault), [source], pace=pace, rng=Random(0))
        ingester._outbox._backoff._first_s = 0.001
        ingester.start()
        run_until(ingester, lambda: seen(ingester) == 5_000)
        ingester.stop()
    assert ingester.counters()["failures"] > 5
    mmsis = [
        mmsi
        for record in records(log, POSITIONS)
        if codec.kind_of(record.headers) == codec.POSITIONS
        for mmsi in codec.unpack_positions(record.value, record.headers)["mmsi"].to_pylist()
    ]
    assert set(mmsis) == {200_000_000 + i for i in range(5_000)}


def test_what_the_log_will_never_take_stops_the_ingester():
    log = MemoryLog(topics(PARTITIONS))
    ingester = ingesting(log, "udp://127.0.0.1:0")
    del log.topics[REJECTS]
    ingester.start()
    ingester._feeds[0].inbox.refuse("garbage", b"x", Event())
    with pytest.raises(RefusedError, match=REJECTS):
        run_until(ingester, lambda: False, 5)


def test_a_source_that_cannot_go_on_is_told():
    log = MemoryLog(topics(PARTITIONS))
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind(("0.0.0.0", 0))
        ingester = ingesting(log, f"udp://:{taken.getsockname()[1]}")
        ingester.start()
        with pytest.raises(InputError, match="another port"):
            run_until(ingester, lambda: False, 5)
        ingester.stop()


def test_sources_must_be_there_and_differ():
    log = MemoryLog(topics(1))
    with pytest.raises(UsageError):
        ingesting(log)
    with pytest.raises(UsageError):
        ingesting(log, "udp://:1", "udp://:1")


def test_rejects_become_dead_letters_with_their_reasons():
    log = MemoryLog(topics(PARTITIONS))
    garbage = b"!AIVDM,1,1,,A,garbage,0*00\n" * 50 + b"x" * 9_000 + b"\n"
    with LineServer(garbage + b"".join(sentences(2))) as server:
        ingester = ingesting(log, f"tcp://127.0.0.1:{server.port}")
        ingester.start()
        run_until(ingester, lambda: ingester.counters()["reports"] == 2)
        ingester.stop()
    assert letters(log) == {("row", "bad_checksum"): 50, ("row", "line_too_long"): 1}
    assert ingester.status().sources[0].rejects == 51


def test_a_status_a_second_goes_into_every_partition_even_when_nothing_comes():
    log = MemoryLog(topics(PARTITIONS))
    at = {"s": 0.0}
    source = open_source("udp://127.0.0.1:0", environment={}, rng=quick())
    ingester = Ingester(
        log.client("i", "ingest"),
        [source],
        clock_ms=lambda: START_MS + round(at["s"] * 1000),
        steady_s=lambda: at["s"],
    )
    ingester.start()
    for _ in range(50):
        ingester.step(0)
        at["s"] += 0.25
    statuses = [codec.unpack_status(r.value, r.headers) for r in records(log, POSITIONS)]
    assert len(statuses) == 13 * PARTITIONS
    assert statuses[0].sources[0].name == "udp://127.0.0.1:0"
    ingester.stop()


# ------------------------------------------------------------------------------------------------ cuts


class Scripted:
    """A source whose reports a test puts in by hand."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, inbox, stop: Event) -> None:
        stop.wait()


def traffic(vessels: int, hours: float) -> pa.RecordBatch:
    """Vessels to and fro off the Andaman coast, by turns heard by source 1 and source 2."""
    rng = np.random.default_rng(5)
    tracks = [
        _track(rng, 235_000_000 + i, hours, 6.5 + 0.02 * i, 95.0, 40.0 + 10 * i, 10.0, source=1 + i % 2, turns_h=1.0)
        for i in range(vessels)
    ]
    return batch(_joined(*tracks))


def live_through(log: MemoryLog, positions: pa.RecordBatch, hours: float, cut_from_h: dict[int, float]) -> None:
    """Two sources over some hours of wall time, by which a step is half a minute; a cut one gives nothing from then."""
    at = {"ms": START_MS}
    sources = [Scripted("north"), Scripted("south")]
    ingester = Ingester(
        log.client("i", "ingest"), sources, clock_ms=lambda: at["ms"], steady_s=lambda: at["ms"] / 1000.0
    )
    for name in ("north", "south"):
        ingester.table.code(name)
    ingester.start()
    t_ms, source = positions["t"].to_numpy(), positions["source"].to_numpy()
    extra = [pa.array(np.zeros(positions.num_rows, np.int64)), pa.array(np.full(positions.num_rows, 255, np.uint8))]
    rows = pa.RecordBatch.from_arrays([*positions.columns, *extra], schema=PROVENANCE_SCHEMA)
    no_statics = pa.RecordBatch.from_pylist([], schema=STATIC_SCHEMA)
    for step_ms in range(START_MS, START_MS + round(hours * HOUR_MS), MINUTE_MS // 2):
        at["ms"] = step_ms + MINUTE_MS // 2
        for number, inbox in enumerate(ingester.inboxes(), 1):
            if step_ms >= START_MS + cut_from_h.get(number, 1e9) * HOUR_MS:
                continue
            new = (t_ms >= step_ms) & (t_ms < at["ms"]) & (source == number)
            if new.any():
                inbox.put(Chunk(inbox.name, rows.filter(pa.array(new)), no_statics), Event())
        ingester.step(0)
        ingester.step(0)
    ingester.stop()


def kinds(log: MemoryLog) -> Counter[str]:
    return Counter(alert["type"] for alert in told(log))


def told(log: MemoryLog) -> list[dict]:
    return [json.loads(record.value)["data"] for record in records(log, ALERTS)]


def stale(log: MemoryLog) -> list[dict]:
    return [alert for alert in told(log) if alert["type"] == "feed_stale"]


def test_all_sources_cut_no_vessel_goes_dark():
    log = MemoryLog(topics(PARTITIONS))
    live_through(log, traffic(16, 5.0), 12.0, {1: 5.0, 2: 5.0})
    detected(log)
    assert kinds(log) == {"feed_stale": 2}


def test_one_source_cut_its_vessels_do_not_go_dark_but_one_silent_among_others_does():
    """Eight vessels are heard by the source that is cut alone; one of the other falls silent while all others go on."""
    log = MemoryLog(topics(PARTITIONS))
    live_through(log, fleet(1), 12.0, {2: 5.0})
    detected(log)
    (alert,) = stale(log)
    assert (alert["evidence"]["source"], alert["state"]) == ("south", "open")
    dark = [alert for alert in told(log) if alert["type"] == "dark_period"]
    assert {alert["mmsi"] for alert in dark} == {311_000_001}
    reference = [e for e in run(fleet(1)) if e.type == "silence" and e.mmsi == 311_000_001 and e.alerted]
    first = next(alert for alert in dark if alert["mmsi"] == 311_000_001)
    assert first["raised_at"] == to_rfc3339(reference[0].raised_ms), "at the watermark, as in a replay"
