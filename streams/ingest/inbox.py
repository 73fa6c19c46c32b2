"""Inbox: what one source has read and the ingester has not taken yet. Bounded: a full one stops the reading."""

import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Event
from typing import Final

from maritime.columns import Chunk, Reject, SourceTable
from maritime.sources.inputs import EMPTY_POSITIONS
from maritime.sources.statics import EMPTY_STATICS

MOST_BYTES: Final = 8 << 20  # chosen: some 100,000 reports, five seconds at 20,000 a second
LOOK_S: Final = 0.2  # how soon a source that waits for room sees that it shall stop
REJECT_BYTES: Final = 100  # what a reject takes beside its content


class Inbox:
    """One source puts chunks in, in its thread; the ingester takes them out, in its own.

    `clock_ms` is the wall clock that sources stamp receive times with; `arrived` is set when there is something to
    take; `since_ms` is the watermark of the log as it was found: what is older comes too late. What the source says of
    itself for people: `connected`, `connects`, `last_error`.
    """

    def __init__(
        self,
        name: str,
        table: SourceTable,
        clock_ms: Callable[[], int],
        *,
        most_bytes: int = MOST_BYTES,
        arrived: Event | None = None,
        since_ms: int | None = None,
    ) -> None:
        self.since_ms = since_ms
        self.name = name
        self.table = table
        self.clock_ms = clock_ms
        self.connected = False
        self.connects = 0
        self.last_error = ""
        self.has_ended = False
        self.failure: BaseException | None = None
        self.arrived = arrived or Event()
        self._most_bytes = most_bytes
        self._held: deque[tuple[Chunk, int]] = deque()
        self._bytes = 0
        self._room = Condition()

    @property
    def bytes_held(self) -> int:
        """About how much memory the chunks take."""
        return self._bytes

    def has_room(self) -> bool:
        """Whether a chunk would be taken at once."""
        return self._bytes < self._most_bytes

    def add(self, chunk: Chunk) -> None:
        """Put a chunk in, room or not: for a source that looked for room before it read."""
        with self._room:
            self._add(chunk)

    def offer(self, chunk: Chunk) -> bool:
        """Put a chunk in if there is room."""
        with self._room:
            if self._bytes >= self._most_bytes:
                return False
            self._add(chunk)
            return True

    def put(self, chunk: Chunk, stop: Event) -> None:
        """Put a chunk in, once there is room. After `stop` there is always room: nothing that was read is lost."""
        with self._room:
            while self._bytes >= self._most_bytes and not stop.is_set():
                self._room.wait(LOOK_S)
            self._add(chunk)

    def refuse(self, reason: str, content: bytes, stop: Event) -> None:
        """Put in bytes that are refused before anything could decode them."""
        self.put(refused(self.name, reason, content), stop)

    def take(self) -> Chunk | None:
        """The oldest chunk; None when there is none."""
        with self._room:
            if not self._held:
                return None
            chunk, size = self._held.popleft()
            self._bytes -= size
            self._room.notify_all()
            return chunk

    def is_empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._held

    def _add(self, chunk: Chunk) -> None:
        size = _size(chunk)
        if size or chunk.reject_counts:
            self._held.append((chunk, size))
            self._bytes += size
            self.arrived.set()


def refused(name: str, reason: str, content: bytes) -> Chunk:
    """A chunk of one reject and nothing else."""
    reject = Reject(name, 0, reason, content[:1024])
    return Chunk(name, EMPTY_POSITIONS, EMPTY_STATICS, None, (reject,), 0, {reason: 1})


def _size(chunk: Chunk) -> int:
    rows = chunk.positions.nbytes * bool(chunk.positions.num_rows) + chunk.statics.nbytes * bool(chunk.statics.num_rows)
    if chunk.clock is not None and chunk.clock.num_rows:
        rows += chunk.clock.nbytes
    return int(rows) + sum(len(reject.content) + REJECT_BYTES for reject in chunk.rejects)


def wall_ms() -> int:
    """The wall clock, ms UTC."""
    return time.time_ns() // 1_000_000
