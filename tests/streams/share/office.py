"""An office that shares: a log with alerts, a policy, a ledger, and a worker that a test steps or kills."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import yaml

from maritime.alerts.alert import Alert, Detector
from maritime.detect.episode import Reason
from maritime.sharing.desk import Desk
from maritime.sharing.feedback_book import FeedbackBook
from maritime.sharing.keys import SigningKey
from maritime.sharing.ledger import Ledger
from maritime.sharing.publisher import Publisher, Secrets
from maritime.times import from_rfc3339
from maritime.units import HOUR_MS, MINUTE_MS
from streams.codec import pack_alert, pack_call
from streams.distress import DistressCall
from streams.exercise import LogStatus
from streams.memory import Fault, MemoryLog
from streams.share.feedback_door import FeedbackDoor
from streams.share.policy_watch import PolicyWatch
from streams.share.worker import Clients, SharePace, ShareWorker
from streams.topic_names import ALERTS, RESCUE
from streams.transport import Outgoing, Partition, Record
from tests.sharing.policies import MARK, partner, rule

NOW_MS = from_rfc3339("2026-03-14T21:00:00Z")
PARTNERS = ("fleet", "guard", "rescue")
MAKER = Detector("maritime-watch", "0.1.0", "ab" * 32)
SIGNING = SigningKey.from_seed(bytes(32))
SHARED = {f"{prefix}alerts.{name}": 2 for prefix in ("", "exercise.") for name in PARTNERS}
TOPICS = {ALERTS: 3, RESCUE: 2} | SHARED


def alert(number: int = 0, revision: int = 0, **changes: Any) -> Alert:
    return replace(
        Alert(
            alert_id=f"{number:032x}",
            revision=revision,
            type="loitering",
            state="open",
            mmsi=567801000 + number,
            hull=f"{567801000 + number}-1",
            started_ms=NOW_MS - 3 * HOUR_MS,
            ended_ms=None,
            raised_ms=NOW_MS - MINUTE_MS,
            lat=8.79967,
            lon=98.254947,
            severity="severe",
            confidence=0.9,
            score=0.8,
            reasons=(Reason("duration", 2.9, 2.0, "h"),),
            evidence={"hours": 2.9 + revision, "source": "coast-7"},
            detector=MAKER,
            geometry={"type": "Point", "coordinates": [98.254947, 8.79967]},
        ),
        **changes,
    )


def records_of(
    alerts: Sequence[Alert], status: LogStatus = "actual", topics: Sequence[str] = (ALERTS,)
) -> list[Outgoing]:
    packed = (pack_alert(each, status) for each in alerts)
    return [Outgoing(topic, p.value, key, headers=p.headers) for key, p in packed for topic in topics]


def call_record(call: DistressCall, status: LogStatus = "actual") -> Outgoing:
    key, packed = pack_call(call, "coast-7", status)
    return Outgoing(RESCUE, packed.value, key, headers=packed.headers)


def policy_text(**partners: Any) -> bytes:
    """`fleet` and `guard` get everything, `rescue` too, and exercises; changes by partner."""
    made: dict[str, Any] = {name: partner(rule(), exercises=True, rescue=name == "rescue") for name in PARTNERS}
    made |= partners
    mark = MARK | {"rel_to": list(made), "expires_h": 10_000}
    return yaml.safe_dump(
        {
            "policy": "test",
            "version": "1",
            "originator": {"org_id": "nmc.example", "name": "Centre", "country": "TH"},
            "marks": [mark],
            "partners": made,
        }
    ).encode()


class Immediately(Executor):
    """Does at once what it is given."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Office:
    """A worker on a log; `restart` makes another one on the same ledger, as after a crash."""

    def __init__(
        self,
        folder: Path,
        log: Any = None,
        status: LogStatus = "actual",
        fault: Fault | None = None,
        connect: Callable[[str, Fault | None], Any] | None = None,
        *,
        hears: bool = False,
    ) -> None:
        """With `hears` it takes feedback, from the folder `spool` too."""
        self.folder, self.status = folder, status
        self.log = log or MemoryLog(TOPICS, markers=True)
        self.now_ms, self.seconds = NOW_MS, 0.0
        self._connect = connect or (lambda name, fault: self.log.client(f"share.{name}", f"share.{name}", fault=fault))
        self.policy = folder / "policy.yaml"
        if not self.policy.exists():
            self.policy.write_bytes(policy_text())
        self.random, self.hears = Random(1), hears
        self.ledger: Ledger | None = None
        self.restart(fault)

    def restart(self, fault: Fault | None = None) -> ShareWorker:
        if self.ledger is not None:
            self.ledger.close()
        self.ledger = Ledger(self.folder / "ledger.db")
        self.desk = Desk(self.ledger, self.random.randbytes)
        return self.made(fault)

    def made(self, fault: Fault | None = None) -> ShareWorker:
        """A worker on the ledger that is open."""
        ledger = self.ledger
        assert ledger is not None

        def publisher(policy: Any, sha256: str) -> Publisher:
            return Publisher(policy, sha256, ledger, Secrets(SIGNING, {}), self.random.randbytes)

        self.policies = PolicyWatch(self.policy, publisher)
        self.door = self._door(ledger, fault) if self.hears else None
        self.worker = ShareWorker(
            Clients(*(partial(lambda name: self._connect(name, fault), name) for name in Clients._fields)),
            ledger,
            self.desk,
            self.policies,
            self.status,
            MAKER,
            lambda: self.now_ms,
            self.clock,
            SharePace(wait_s=0.0, join_s=0.0, due_every_s=0.0, purge_every_s=0.0),
            from_beginning=True,
            feedback=self.door,
        )
        return self.worker

    def _door(self, ledger: Ledger, fault: Fault | None) -> FeedbackDoor:
        self.book = FeedbackBook(ledger, self.random.randbytes)
        return FeedbackDoor(
            ledger,
            self.desk,
            self.book,
            lambda: SIGNING,
            lambda: self._connect("feedback", fault),
            Immediately(),
            lambda: self.now_ms,
            self.clock,
            self.folder / "spool",
            every_s=0.0,
        )

    def clock(self) -> float:
        self.seconds += 0.001
        return self.seconds

    def write(self, records: Sequence[Outgoing]) -> None:
        client = self.log.client(group="detect")
        client.send(list(records))
        client.commit()
        client.close()

    def work(self, rounds: int = 500) -> None:
        """Until nothing is left to do that can be done."""
        idle = 0
        for _ in range(rounds):
            is_busy = self.worker.cycle() or self.worker.failures_in_a_row or self.worker.is_delivering
            idle = 0 if is_busy or not self.worker.is_joined else idle + 1
            if idle == 3:
                return
        raise AssertionError(f"never done: {self.worker.last_error}")

    def got(self, name: str, *, exercise: bool = False) -> list[dict[str, Any]]:
        """The events of a partner's topic, by their sequence."""
        events = [self.event(record) for record in self.topic(name, exercise=exercise)]
        return sorted(events, key=lambda event: event["sequence"])

    @staticmethod
    def event(record: Record) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(record.value or b"")
        return event

    def topic(self, name: str, *, exercise: bool = False) -> list[Record]:
        topic = f"{'exercise.' if exercise else ''}alerts.{name}"
        client = self.log.client(group="reader")
        found = [r for n in range(client.topics()[topic]) for r in client.read(Partition(topic, n))]
        client.close()
        return found

    def decisions(self) -> list[tuple[str, int, str, str]]:
        """Every decision, without order: internal id, revision, partner, decision."""
        assert self.ledger is not None
        entries = [self.ledger.entry(seq) for seq in range(len(self.ledger))]
        return sorted((e.internal_id, e.internal_revision, e.partner, e.decision) for e in entries)


def gist(events: Sequence[dict[str, Any]]) -> list[tuple[str, str, str, Any]]:
    """What is the same in every run: sequence, kind, status, and what was told."""
    return [
        (e["sequence"].lstrip("0"), e["alertkind"], e["alertstatus"], e["data"]["vessels"][0]["mmsi"]) for e in events
    ]
