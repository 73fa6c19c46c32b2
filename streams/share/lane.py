"""Lane: a client of the log on a thread of its own, for what may take long: one thing at a time, and nobody waits."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Final, Protocol

from maritime.errors import TransportError
from streams.transport import Transport

CLOSE_S: Final = 2.0  # chosen: to let go of connections in order; a client that hangs is left behind

Job = Callable[[Transport], None]


class Lane(Protocol):
    """Does one thing at a time with a client of the log."""

    def start(self, job: Job) -> None:
        """Begin, when nothing else is under way. What the job comes to it keeps itself."""

    def ended(self, within_s: float) -> bool:
        """Whether it has ended, or does within that time. Raises, once, what the job raised."""

    def close(self) -> None:
        """Let go of the client."""


class HereLane:
    """Does it at once, with a client that is somebody else's to close."""

    def __init__(self, client: Callable[[], Transport]) -> None:
        self._client = client
        self._raised: BaseException | None = None

    def start(self, job: Job) -> None:
        """See Lane."""
        try:
            job(self._client())
        except TransportError as error:
            self._raised = error

    def ended(self, within_s: float) -> bool:
        """See Lane."""
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised
        return True

    def close(self) -> None:
        """See Lane."""


class OwnLane:
    """Has a client and a thread of its own, and ends first what one of its client's name left open."""

    def __init__(self, connect: Callable[[], Transport]) -> None:
        self._connect = connect
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None
        self._client: list[Transport] = []  # the thread's

    def start(self, job: Job) -> None:
        """See Lane."""
        if self._thread is None:
            self._thread, self._client = ThreadPoolExecutor(1, thread_name_prefix="share-lane"), []
        held = self._client
        self._running = self._thread.submit(lambda: job(self._connected(held)))

    def ended(self, within_s: float) -> bool:
        """See Lane."""
        if self._running is None:
            return True
        if not wait([self._running], within_s).done:
            return False
        ended, self._running = self._running, None
        ended.result()
        return True

    def close(self) -> None:
        """See Lane. A client that still works is left behind; the next of its name takes its place."""
        thread, self._thread, self._running = self._thread, None, None
        if thread is not None:
            wait([thread.submit(_closed, self._client)], CLOSE_S)
            thread.shutdown(wait=False, cancel_futures=True)

    def _connected(self, held: list[Transport]) -> Transport:
        if not held:
            transport = self._connect()
            try:
                transport.send([])
                transport.abort()
            except TransportError:
                with suppress(TransportError):
                    transport.close()
                raise
            held.append(transport)
        return held[0]


def _closed(held: list[Transport]) -> None:
    for transport in held:
        with suppress(TransportError):
            transport.close()
