"""A detector in a process of its own, for the benchmarks; it can be told to break at an exact step of its work.

The processes are forked from a server that has places and kernels ready, so one begins in a tenth of a second. The
steps are those of the transport, and inside a commit those of the producer: see STEPS.
"""

import json
import logging
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from pydantic import SecretStr

from maritime.detect.settings import DetectSettings
from streams.detector import DetectSetup
from streams.kafka import KafkaTransport
from streams.settings import LiveSettings
from streams.spare_memory import ONE_POOL, one_allocator
from streams.topic_names import STATE
from streams.transport import Listener, Outgoing, Partition, Record
from streams.worker import DetectWorker, Pace

STEPS: Final = (
    "poll",
    "polled",
    "send",
    "sent",
    "snapshot_sent",
    "commit",
    "positions",  # before the group's positions are made part of the transaction
    "positions_sent",
    "ending",  # some milliseconds after the end of the transaction was asked for
    "ended",
    "committed",
    "seek",
    "read",
)
os.environ.update(ONE_POOL)  # for the server of processes, which loads Arrow when it starts
CONTEXT: Final = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["benchmarks.warmed"])
LATEST_DEATH_MS: Final = 12  # a commit takes some 10 ms on loopback


class Break(NamedTuple):
    """At the n-th time that a step is passed a signal goes to a process: to the detector itself when `pid` is None."""

    step: str
    n: int
    how: signal.Signals = signal.SIGKILL
    pid: int | None = None
    delay_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What a detector is told."""

    live: LiveSettings
    member: str
    counters: Path  # written when it ends in order
    pace: Pace = field(default_factory=Pace)
    breaks: tuple[Break, ...] = ()
    password: str | None = None
    stop_when_idle_s: float | None = None
    poll_interval_ms: int | None = None  # after which a member that does not poll loses its partitions
    sleeps: Mapping[int, float] = field(default_factory=dict)  # seconds of sleep after the n-th poll that found records
    clock_jumps: tuple[float, ...] = ()  # seconds, one at every hundredth look at the clock


def detect(orders: Orders) -> None:
    """Work until SIGTERM, or until there is nothing to do for so long; then write the counters down."""
    from benchmarks.warmed import PLACES

    one_allocator()
    logging.basicConfig(level=logging.CRITICAL)  # kafka-python tells every lost connection
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    steps = _Steps(orders.breaks)
    live = orders.live

    def connect() -> KafkaTransport:
        client = KafkaTransport(
            live.kafka,
            group=live.log.group,
            member=orders.member,
            password=SecretStr(orders.password) if orders.password else None,
        )
        return _Stepping(client, steps, orders)  # type: ignore[return-value]

    worker = DetectWorker(
        connect,
        DetectSetup(DetectSettings(), PLACES, live.log.partitions, status=live.log.status),
        orders.pace,
        clock=_jumping(orders.clock_jumps),
    )
    try:
        worker.run(stop, stop_when_idle_s=orders.stop_when_idle_s)
    finally:
        times = os.times()
        told = {**worker.counters(), "cpu_ms": round(1000 * (times.user + times.system))}
        orders.counters.write_text(json.dumps(told | {"error": str(worker.last_error or "")}))


class _Steps:
    """Counts the steps, and breaks where it was told."""

    def __init__(self, breaks: Sequence[Break]) -> None:
        self._breaks = {(each.step, each.n): each for each in breaks}
        self._passed: Counter[str] = Counter()

    def at(self, step: str) -> None:
        self._passed[step] += 1
        told = self._breaks.get((step, self._passed[step]))
        if told is None:
            return
        if told.delay_ms:
            Thread(target=self._break, args=(told,), daemon=True).start()
        else:
            self._break(told)

    def _break(self, told: Break) -> None:
        time.sleep(told.delay_ms / 1000)
        os.kill(os.getpid() if told.pid is None else told.pid, told.how)


class _Stepping:
    """A KafkaTransport whose steps are counted."""

    def __init__(self, inner: KafkaTransport, steps: _Steps, orders: Orders) -> None:
        self._inner, self._steps = inner, steps
        self._polls, self._sleeps = 0, dict(orders.sleeps)
        make: Callable[[], Any] = inner._writer._made
        inner._writer._made = lambda: _stepping_producer(make(), steps)  # type: ignore[method-assign]
        config = inner._reader._config
        if orders.poll_interval_ms is not None:
            more = {"max_poll_interval_ms": orders.poll_interval_ms}
            inner._reader._config = lambda: config() | more  # type: ignore[method-assign]

    def subscribe(self, topic: str, listener: Listener) -> None:
        self._inner.subscribe(topic, listener)

    def send(self, records: Sequence[Outgoing]) -> None:
        self._steps.at("send")
        self._inner.send(records)
        self._steps.at("snapshot_sent" if records[0].topic == STATE else "sent")

    def poll(self, timeout_s: float, most_records: int = 500) -> list[Record]:
        self._steps.at("poll")
        records = self._inner.poll(timeout_s, most_records)
        if records:
            self._steps.at("polled")
            self._polls += 1
            time.sleep(self._sleeps.get(self._polls, 0.0))
        return records

    def commit(self, positions: Mapping[Partition, int] | None = None) -> None:
        self._steps.at("commit")
        self._inner.commit(positions)
        self._steps.at("committed")

    def seek(self, partition: Partition, offset: int) -> None:
        self._steps.at("seek")
        self._inner.seek(partition, offset)

    def read(self, partition: Partition, offset: int = 0) -> Iterator[Record]:
        self._steps.at("read")
        return self._inner.read(partition, offset)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _stepping_producer(producer: Any, steps: _Steps) -> Any:
    if hasattr(producer, "is_stepping"):
        return producer
    positions, end = producer.send_offsets_to_transaction, producer.commit_transaction

    def send_positions(*arguments: Any) -> Any:
        steps.at("positions")
        answer = positions(*arguments)
        steps.at("positions_sent")
        return answer

    def commit() -> Any:
        steps.at("ending")
        answer = end()
        steps.at("ended")
        return answer

    producer.send_offsets_to_transaction, producer.commit_transaction, producer.is_stepping = (
        send_positions,
        commit,
        True,
    )
    return producer


def _jumping(jumps_s: tuple[float, ...]) -> Callable[[], float]:
    looks, offset_s = 0, 0.0

    def clock() -> float:
        nonlocal looks, offset_s
        looks += 1
        if jumps_s and looks % 100 == 0:
            offset_s += jumps_s[looks // 100 % len(jumps_s)]
        return time.monotonic() + offset_s

    return clock


class Detectors:
    """The detectors of one log; those that are left are killed in the end."""

    def __init__(self, live: LiveSettings, folder: Path) -> None:
        self._live, self._folder = live, folder
        self._started: list[tuple[BaseProcess, Path]] = []

    def start(self, member: str, **orders: Any) -> BaseProcess:
        """Start one; `orders` as in Orders."""
        path = self._folder / f"counters-{len(self._started)}.json"
        given = {"live": self._live} | orders
        process = CONTEXT.Process(target=detect, args=(Orders(member=member, counters=path, **given),), daemon=True)
        process.start()
        self._started.append((process, path))
        return process

    def stop(self, process: BaseProcess, patience_s: float = 60.0) -> None:
        """Ask one to end in order, and wait. Raises TimeoutError."""
        if process.is_alive():
            process.terminate()
        process.join(patience_s)
        if process.is_alive():
            raise TimeoutError(f"detector {process.pid} did not end in {patience_s:g} s")

    def counters(self, process: BaseProcess) -> Counter[str]:
        """What one counted; empty when it did not end in order."""
        (path,) = (path for each, path in self._started if each is process)
        told = json.loads(path.read_text()) if path.exists() else {}
        return Counter({name: count for name, count in told.items() if isinstance(count, int)})

    def error(self, process: BaseProcess) -> str:
        """The last failure of one that ended."""
        (path,) = (path for each, path in self._started if each is process)
        return str(json.loads(path.read_text())["error"]) if path.exists() else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process, _ in self._started:
            if process.is_alive():
                process.kill()
                process.join(10)


def is_stopped(process: BaseProcess) -> bool:
    """Whether SIGSTOP holds it."""
    try:
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False
