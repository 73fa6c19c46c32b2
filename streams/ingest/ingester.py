"""Ingester: sources → chunks → aligned by time → heartbeats → the log.

Each source reads in a thread of its own into an inbox of bounded size. One loop takes from the inboxes what the aligner
has room for, releases what has been waited for long enough, and writes it: a transaction as soon as there are
`flush_rows` reports or `flush_bytes`, or something has waited `flush_s`. Each second, even when nothing comes, a status
goes into every partition. So a log that is slow or away fills the inboxes, and then the sources are left unread.

A new ingester goes on where the one before it stopped: it reads the names of the sources and the watermark back.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from threading import Event, Thread
from typing import Final

import numpy as np
import pyarrow as pa

from maritime.alerts.recorder import CLOCK_AHEAD
from maritime.columns import Chunk, Reject
from maritime.detect.heartbeat import HeartbeatMaker, Heartbeats
from maritime.detect.settings import DetectSettings
from maritime.errors import MaritimeError, UsageError
from streams import codec
from streams.feeds import STALE_S
from streams.ingest.aligner import HOLD_S, IDLE_S, MOST_ROWS, NOTHING, Aligned, Aligner, joined
from streams.ingest.backoff import Backoff
from streams.ingest.inbox import Inbox, wall_ms
from streams.ingest.outbox import Outbox, nobody
from streams.ingest.resume import continue_time, resumed
from streams.ingest.source import Source
from streams.log_writer import LIVE_ROWS, LogWriter, reject_of_row
from streams.source_names import SourceNames
from streams.status import ENDED, IDLE, LIVE, STALE, SourceStatus, Status
from streams.transport import Transport

LOG = logging.getLogger(__name__)
LOOK_S: Final = 0.05  # chosen: how often time is looked at while nothing arrives
STOP_S: Final = 10.0  # how long a source may take to stop
FUTURE_S: Final = 300.0  # chosen: a receiver's clock may be minutes off; time that the log believes is never taken back
IN_THE_FUTURE: Final = "time_in_the_future"


@dataclass(frozen=True, slots=True)
class IngestPace:
    """How often things happen, and how long sources are waited for."""

    flush_s: float = 0.2
    flush_rows: int = LIVE_ROWS
    flush_bytes: int = 256 * 1024
    status_s: float = 1.0
    names_s: float = 60.0  # names beside a status, so that the log can be resumed when nothing else comes
    hold_s: float = HOLD_S
    idle_s: float = IDLE_S
    stale_s: float = STALE_S
    most_held_rows: int = MOST_ROWS
    future_s: float = FUTURE_S


class SharedNames(SourceNames):
    """Names of sources that several threads may give codes."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def code(self, name: str) -> int:
        """Return the code of a name, giving it the next free one at first sight."""
        with self._lock:
            return super().code(name)


@dataclass(slots=True)
class _Feed:
    """One source and what came of it."""

    source: Source
    inbox: Inbox
    thread: Thread | None = None
    last_ms: int | None = None
    reports: int = 0
    rejects: int = 0
    told_error: str = ""  # the last error that was logged


class Ingester:
    """Writes what sources give into a log. Two with one identity fence each other: the older raises FencedError.

    `stop` ends the reading and, after a few tries, the waiting for a log that is away; `stop()` sets it too. `on_wait`
    is told why the log is waited for. `clock_ms` is the wall clock, `steady_s` one that is never set; `rng` spreads
    tries to reach the log. Making one waits for the log. Raises UsageError for no source, or two of one name.
    """

    def __init__(
        self,
        transport: Transport,
        sources: Sequence[Source],
        *,
        settings: DetectSettings | None = None,
        pace: IngestPace | None = None,
        stop: Event | None = None,
        on_wait: Callable[[str], None] = nobody,
        clock_ms: Callable[[], int] = wall_ms,
        steady_s: Callable[[], float] = time.monotonic,
        rng: Random | None = None,
    ) -> None:
        names = [source.name for source in sources]
        if not names or len(set(names)) < len(names):
            raise UsageError(f"the sources are {', '.join(names) or 'none'}; name at least one, and each once")
        settings = settings or DetectSettings()
        self._pace = pace or IngestPace()
        self._clock_ms = clock_ms
        self._steady_s = steady_s
        self._stop = stop or Event()
        self._arrived = Event()
        self._outbox = Outbox(transport, Backoff(rng or Random(), longest_s=5.0), self._stop, on_wait)
        found = self._outbox.asked(lambda: resumed(transport))
        self.table = SharedNames()
        self.table.learn(found.names)
        self.watermark_ms = found.watermark_ms
        self._maker = HeartbeatMaker(settings.time, settings.clocks)
        if found.watermark_ms is not None:
            continue_time(self._maker, found.watermark_ms, settings.time.lateness_s)
        self._writer = LogWriter(self._outbox, self.table, most_rows=LIVE_ROWS)
        self._aligner = Aligner(hold_s=self._pace.hold_s, idle_s=self._pace.idle_s, most_rows=self._pace.most_held_rows)
        self._feeds = [
            _Feed(
                source,
                Inbox(source.name, self.table, clock_ms, arrived=self._arrived, since_ms=found.watermark_ms),
            )
            for source in sources
        ]
        self._pending: list[Aligned] = []
        self._pending_rows = self._pending_bytes = 0
        self._pending_since_s = 0.0
        self._rejects: list[Reject] = []
        self._status_at_s: float | None = None
        self._names_at_s: float | None = None
        self._counts: Counter[str] = Counter()
        self._is_running = False

    @property
    def is_done(self) -> bool:
        """Whether every source has come to its end, and all that it gave is written."""
        return (
            all(feed.inbox.has_ended and feed.inbox.is_empty() for feed in self._feeds) and not self._aligner.held_rows
        )

    def run(self, after_step: Callable[[], None] = lambda: None) -> None:
        """Ingest until told to stop, or until every source has come to its end."""
        self.start()
        try:
            while not self._stop.is_set() and not self.is_done:
                self.step()
                after_step()
        finally:
            self.stop()

    def start(self) -> None:
        """Let the sources read."""
        now_ms = self._clock_ms()
        for feed in self._feeds:
            self._aligner.open(feed.source.name, now_ms)
            feed.thread = Thread(target=self._read, args=(feed,), name=f"ingest {feed.source.name}", daemon=True)
            feed.thread.start()
        self._is_running = True

    def step(self, timeout_s: float = LOOK_S) -> None:
        """Wait for something to arrive, and do what is due. Raises what a source raised that cannot go on."""
        if self._arrived.wait(timeout_s):
            self._arrived.clear()
        self._take()
        self._hold(self._aligner.release(self._clock_ms()))
        now_s = self._steady_s()
        if self._is_full() or (self._has_pending() and now_s - self._pending_since_s >= self._pace.flush_s):
            self._flush()
        if self._status_at_s is None or now_s - self._status_at_s >= self._pace.status_s:
            self._status_at_s = now_s
            self._flush(with_status=True)

    def stop(self) -> None:
        """Stop the sources and write what they gave; where all came to their end, also the last heartbeats.

        One that was fenced writes nothing more: the log is another's.
        """
        if not self._is_running:
            return
        self._is_running = False
        finished = all(feed.inbox.has_ended for feed in self._feeds)
        self._stop.set()
        deadline_s = self._steady_s() + STOP_S
        for feed in self._feeds:
            if feed.thread is not None:
                feed.thread.join(max(0.1, deadline_s - self._steady_s()))
        if self._outbox.is_fenced:
            return
        self._take(all_of_it=True)
        self._hold(self._aligner.drain())
        self._flush(with_status=True, finish=finished)

    def finish(self) -> None:
        """No more reports will ever come: write the heartbeats that let every report be judged."""
        self._take(all_of_it=True)
        self._hold(self._aligner.drain())
        self._flush(with_status=True, finish=True)

    def status(self) -> Status:
        """The ingester now."""
        now_ms = self._clock_ms()
        told = (
            SourceStatus(feed.source.name, self._state(feed, now_ms), feed.last_ms, feed.reports, feed.rejects)
            for feed in self._feeds
        )
        return Status(now_ms, self.watermark_ms, tuple(told))

    def counters(self) -> dict[str, int]:
        """What was done so far: `reports`, `statics`, `heartbeats` written, `rejects` by reason as `rejects.…`, …"""
        return {
            **self._counts,
            "reports": self._writer.rows,
            "statics": self._writer.static_rows,
            "heartbeats": self._writer.heartbeats_written,
            "commits": self._outbox.commits,
            "failures": self._outbox.failures,
            "held": self._aligner.held_rows,
        }

    def why_not_ready(self) -> tuple[str, ...]:
        """What keeps it from doing its part, for people: sources without a connection, and why."""
        return tuple(
            f"{inbox.name} is not connected" + (f": {inbox.last_error}" if inbox.last_error else "")
            for inbox in self.inboxes()
            if not inbox.connected and not inbox.has_ended
        )

    def inboxes(self) -> list[Inbox]:
        """What the sources say of themselves: connected or not, how often, the last error."""
        return [feed.inbox for feed in self._feeds]

    def _read(self, feed: _Feed) -> None:
        """A source's thread."""
        try:
            feed.source.run(feed.inbox, self._stop)
        except BaseException as error:
            feed.inbox.failure = error
            feed.inbox.last_error = str(error)
        finally:
            feed.inbox.connected = False
            feed.inbox.has_ended = feed.inbox.failure is None and not self._stop.is_set()
            self._arrived.set()

    def _take(self, *, all_of_it: bool = False) -> None:
        """Take from the inboxes what the aligner has room for."""
        for feed in self._feeds:
            if feed.inbox.last_error != feed.told_error:
                feed.told_error = feed.inbox.last_error
                LOG.warning("%s: %s", feed.source.name, feed.told_error)
            failure = feed.inbox.failure
            if failure is not None and not all_of_it:
                if isinstance(failure, MaritimeError):
                    raise failure
                raise RuntimeError(f"source {feed.source.name} broke") from failure
            has_ended = feed.inbox.has_ended  # before it is found empty
            while all_of_it or (self._aligner.has_room(feed.source.name) and not self._is_full()):
                chunk = feed.inbox.take()
                if chunk is None:
                    break
                self._note(feed, chunk.rejects, chunk.reject_counts)
                if chunk.positions.num_rows + chunk.statics.num_rows:
                    feed.last_ms = self._clock_ms()
                chunk = self._without_future(feed, chunk)
                feed.reports += chunk.positions.num_rows + chunk.statics.num_rows
                self._aligner.take(feed.source.name, chunk, self._clock_ms())
                if len(self._rejects) >= self._pace.flush_rows:
                    break
            if has_ended and feed.inbox.is_empty():
                self._aligner.end(feed.source.name)
            if not feed.inbox.is_empty() and self._aligner.has_room(feed.source.name):
                self._arrived.set()

    def _without_future(self, feed: _Feed, chunk: Chunk) -> Chunk:
        """Without rows whose time has not come: believed once, they would bring the log's time forward for good."""
        latest_ms = self._clock_ms() + round(self._pace.future_s * 1000)
        kept: dict[str, pa.RecordBatch] = {}
        for name in ("positions", "statics", "clock"):
            batch = getattr(chunk, name)
            if batch is None or not batch.num_rows:
                continue
            ahead = batch["t"].to_numpy() > latest_ms
            if ahead.any():
                kept[name] = batch.filter(pa.array(~ahead))
                rows = batch.filter(pa.array(ahead)).to_pylist()
                self._note(
                    feed, [reject_of_row(row, IN_THE_FUTURE, chunk.file) for row in rows], {IN_THE_FUTURE: len(rows)}
                )
        return replace(chunk, **kept) if kept else chunk

    def _note(self, feed: _Feed, rejects: Sequence[Reject], counts: dict[str, int]) -> None:
        if not counts:
            return
        self._mark_pending()
        feed.rejects += sum(counts.values())
        self._counts.update({f"rejects.{reason}": n for reason, n in counts.items()})
        self._rejects += rejects

    def _hold(self, released: Aligned) -> None:
        if released.rows:
            self._mark_pending()
            self._pending.append(released)
            self._pending_rows += released.rows
            self._pending_bytes += sum(batch.nbytes for batch in released if batch.num_rows)

    def _mark_pending(self) -> None:
        if not self._has_pending():
            self._pending_since_s = self._steady_s()

    def _has_pending(self) -> bool:
        return bool(self._pending_rows or self._rejects)

    def _is_full(self) -> bool:
        pace = self._pace
        return (
            self._pending_rows >= pace.flush_rows
            or self._pending_bytes >= pace.flush_bytes
            or len(self._rejects) >= pace.flush_rows
        )

    def _flush(self, *, with_status: bool = False, finish: bool = False) -> None:
        """Write what is pending as one transaction."""
        rows = joined(self._pending) if self._pending else NOTHING
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0
        ahead: pa.RecordBatch | None = None
        if rows.rows:
            beats = self._maker.feed(rows.positions, rows.clock)
            believed, ahead = self._maker.believed(rows.positions)
            self._writer.reports(believed, rows.statics)
            self._beat(beats)
        if finish:
            self._beat(self._maker.finish())
        self._writer.rejects(self._rejects)
        self._rejects = []
        if ahead is not None:
            self._counts["rejects." + CLOCK_AHEAD] += ahead.num_rows
            self._writer.refused([ahead], CLOCK_AHEAD)
        if with_status:
            now_s = self._steady_s()
            with_names = self._names_at_s is None or now_s - self._names_at_s >= self._pace.names_s
            self._names_at_s = now_s if with_names else self._names_at_s
            self._writer.status(self.status(), with_names=with_names)
        self._outbox.deliver()

    def _beat(self, beats: Heartbeats) -> None:
        """Write heartbeats, but for those that are in the log already."""
        passed = (
            0 if self.watermark_ms is None else int(np.searchsorted(beats.watermark_ms, self.watermark_ms, "right"))
        )
        beats = codec.between(beats, passed, len(beats)) if passed else beats
        if len(beats):
            self._writer.heartbeats(beats)
            self.watermark_ms = int(beats.watermark_ms[-1])

    def _state(self, feed: _Feed, now_ms: int) -> str:
        if feed.inbox.has_ended:
            return ENDED
        if feed.last_ms is not None and now_ms - feed.last_ms > self._pace.stale_s * 1000:
            return STALE
        return IDLE if self._aligner.is_idle(feed.source.name, now_ms) else LIVE
