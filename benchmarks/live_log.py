"""A log on a broker that belongs to a benchmark, what is fed into it, and the verdict on what came out.

The food is the small fleet of the engine's tests, which shows every behaviour. What should come out is what one
detector finds that reads the same records in memory, with no fault; tests/streams/test_same_alerts.py shows that this
is what `maritime replay` finds, byte for byte.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
from pydantic import SecretStr

from maritime.detect.heartbeat import HeartbeatMaker
from maritime.detect.settings import DetectSettings
from maritime.errors import TransportError
from streams.kafka import KafkaAdministration, KafkaTransport
from streams.log_writer import LogWriter
from streams.settings import KafkaSettings, LiveSettings, LogSettings
from streams.topic_names import POSITIONS
from streams.topics import specs
from streams.transport import Outgoing, Partition
from tests.detect.fleet import fleet, sources, statics
from tests.streams.live import events, letters

PARTITIONS: Final = 3
PATIENCE_S: Final = 120.0
STEP_ROWS: Final = 150
BATCH_ROWS: Final = 100


class TooLongError(Exception):
    """Something did not come about in time; the sentence says what."""


def wait_until(true: Callable[[], bool], what: str, patience_s: float = PATIENCE_S, pause_s: float = 0.1) -> None:
    """Wait with a bound. A log that is away is waited for."""
    until_s = time.monotonic() + patience_s
    failure = ""
    while True:
        try:
            if true():
                return
        except TransportError as error:
            failure = f" ({error})"
        if time.monotonic() > until_s:
            raise TooLongError(f"{what}: not within {patience_s:g} s{failure}")
        time.sleep(pause_s)


class LiveLog:
    """The project's topics on a broker; made when they are not there."""

    def __init__(
        self,
        bootstrap: str,
        *,
        partitions: int = PARTITIONS,
        replication: int = 1,
        group: str = "chaos",
        user: Callable[[str], dict[str, Any]] | None = None,
        passwords: dict[str, str] | None = None,
        admin: str | None = None,
        make: bool = True,
        **kafka: Any,
    ) -> None:
        base = {"bootstrap": bootstrap, "session_timeout_ms": 3_000, "request_timeout_ms": 5_000} | kafka
        self._user, self._passwords = user, passwords or {}
        self.live = LiveSettings(
            kafka=KafkaSettings.model_validate(base),
            log=LogSettings(partitions=partitions, replication=replication, group=group),
        )
        self._admin = admin
        self._closes = ExitStack()
        self._made = 0
        self.topics = {spec.name: spec.partitions for spec in specs(self.live)}
        if make:
            self.make_topics()

    def make_topics(self) -> None:
        """Create the topics."""

        def made() -> bool:
            with closing(self.administration()) as administration:
                administration.create(specs(self.live))
            return True

        wait_until(made, "the topics are made")

    def of(self, user: str | None) -> KafkaSettings:
        """How a user reaches the log."""
        if self._user is None or user is None:
            return self.live.kafka
        return KafkaSettings.model_validate(self.live.kafka.model_dump() | self._user(user))

    def password(self, user: str | None) -> SecretStr | None:
        """A user's password."""
        return SecretStr(self._passwords[user]) if user in self._passwords else None

    def administration(self) -> KafkaAdministration:
        """A connection of the administrator."""
        return KafkaAdministration(self.of(self._admin), self.password(self._admin))

    def client(self, identity: str | None = None, group: str = "reader", user: str | None = None) -> KafkaTransport:
        """A client; closed with the log."""
        self._made += 1
        user = user or self._admin
        name = identity or f"reader-{self._made}"
        client = KafkaTransport(self.of(user), group=group, member=name, password=self.password(user))
        self._closes.callback(_closed, client)
        return client

    def is_read(self) -> Callable[[], bool]:
        """Whether the group's positions are behind the last record of every partition; to be called again and again.

        Everything is fed in transactions, whose mark takes the last offset.
        """
        client = self.client(group=self.live.log.group)

        def is_read() -> bool:
            for number in range(self.topics[POSITIONS]):
                partition = Partition(POSITIONS, number)
                if (client.committed(partition) or 0) < client.bounds(partition)[1] - 1:
                    return False
            return True

        return is_read

    def wait_read(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until the group has read everything."""
        wait_until(self.is_read(), "the group reads everything", patience_s)

    def free(self) -> int:
        """End transactions that a restarted lone broker forgot (see streams.kafka.stuck); how many those were."""
        freed = 0

        def ended() -> bool:
            nonlocal freed
            with closing(self.administration()) as administration:
                stuck = administration.stuck()
                administration.end_stuck(stuck)
                freed += len(stuck)
                return True

        wait_until(ended, "the broker is looked through")
        return freed

    def close(self) -> None:
        """Close all clients."""
        self._closes.close()


def _closed(client: KafkaTransport) -> None:
    try:
        client.close()
    except TransportError:
        return


def feed(
    log: Any,
    positions: pa.RecordBatch | None = None,
    *,
    step: int = STEP_ROWS,
    most_rows: int = BATCH_ROWS,
    pause_s: float = 0.0,
    between: Callable[[int], None] = lambda step: None,
    finish: bool = True,
) -> None:
    """The fleet into a log, `step` reports with their heartbeats in a transaction; `between` is called after each."""
    positions = fleet(1) if positions is None else positions
    settings = DetectSettings()
    client = log.client(group="ingest")
    writer = LogWriter(client, sources(), most_rows=most_rows)
    maker = HeartbeatMaker(settings.time, settings.clocks)
    for number, (begin, end) in enumerate(pairwise([*range(0, positions.num_rows, step), positions.num_rows])):
        part = positions.slice(begin, end - begin)
        beats = maker.feed(part)
        believed, _ = maker.believed(part)
        writer.reports(believed, statics() if begin == 0 else statics().slice(0, 0))
        writer.heartbeats(beats)
        writer.commit()
        between(number)
        time.sleep(pause_s)
    if finish:
        writer.heartbeats(maker.finish())
        writer.commit()
    client.close()


def send(log: LiveLog, records: Sequence[Outgoing]) -> None:
    """Records as they are, in one transaction."""
    client = log.client(group="stranger")
    client.send(records)
    client.commit()
    client.close()


def offline(feeds: Callable[[Any], None] = feed, partitions: int = PARTITIONS) -> "Outcome":
    """What one detector finds in memory, where nothing fails."""
    from streams.memory import MemoryLog
    from tests.streams.live import drain, setup_of, topics, worker_of

    log = MemoryLog(topics(partitions))
    feeds(log)
    drain([worker_of(log, setup_of(partitions))])
    return outcome(log)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader of committed records finds: events of alerts by id and bytes, dead letters by kind and reason."""

    events: tuple[tuple[str, bytes], ...]
    letters: Counter[tuple[str, str]]


def outcome(log: Any) -> Outcome:
    """What is in a log."""
    return Outcome(tuple(events(log)), letters(log))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a log lacks and what it has too much of."""

    lost: int
    duplicated: int
    strange: int  # other bytes than expected, or not expected at all

    @property
    def is_right(self) -> bool:
        """Whether all is there, once."""
        return not (self.lost or self.duplicated or self.strange)


def verdict(found: Outcome, expected: Outcome) -> Verdict:
    """Compare every revision of every alert, byte for byte, and the dead letters."""
    wanted, there = dict(expected.events), dict(found.events)
    letters_lost = sum((expected.letters - found.letters).values())
    letters_more = sum((found.letters - expected.letters).values())
    return Verdict(
        lost=len(wanted.keys() - there.keys()) + letters_lost,
        duplicated=len(found.events) - len(there) + letters_more,
        strange=sum(wanted.get(name) != value for name, value in there.items()),
    )
