"""Outbox: records of one transaction on their way to a log that may be away for a while. Nothing is lost meanwhile.

When a commit failed it is not known whether it counted, so what it held is sent again: a report that is in the log
twice changes nothing, and a heartbeat of a time that has passed is set aside by whoever reads it.
"""

import logging
from collections.abc import Callable, Sequence
from threading import Event
from typing import TypeVar

from maritime.errors import FencedError, RefusedError, TransportError
from streams.ingest.backoff import Backoff
from streams.transport import Outgoing, Transport

LOG = logging.getLogger(__name__)
TRIES_AFTER_STOP = 5  # chosen: some ten seconds of a log that is away, then stopping matters more

T = TypeVar("T")


def nobody(_reason: str) -> None:
    """Nobody wants to know that the log is waited for."""


class Outbox:
    """A sink for a LogWriter. FencedError and RefusedError are raised at once: trying again helps neither.

    Once fenced, it never touches the transport again: a transport that recovers would take the identity back from the
    one that is now its rightful owner. `on_wait` is told why, each time before the log is tried again.
    """

    def __init__(
        self, transport: Transport, backoff: Backoff, stop: Event, on_wait: Callable[[str], None] = nobody
    ) -> None:
        self._transport = transport
        self._backoff = backoff
        self._stop = stop
        self._on_wait = on_wait
        self._held: list[Outgoing] = []
        self._fenced: FencedError | None = None
        self._tries_left = TRIES_AFTER_STOP
        self.commits = 0
        self.failures = 0

    @property
    def is_fenced(self) -> bool:
        """Whether another took this one's place."""
        return self._fenced is not None

    def topics(self) -> dict[str, int]:
        """The topics, and how many partitions each has."""
        return self.asked(self._transport.topics)

    def send(self, records: Sequence[Outgoing]) -> None:
        """Hold records for the next delivery."""
        self._held += records

    def commit(self) -> None:
        """Deliver all that is held, as one transaction."""
        self.deliver()

    def deliver(self) -> None:
        """Deliver all that is held, as one transaction."""
        if self._held:
            self._tried(self._send_held)
            self.commits += 1
            self._held = []

    def asked(self, question: Callable[[], T]) -> T:
        """The log's answer, once it is there; after a stop it is not asked again, for nothing would be lost."""
        return self._tried(question, is_question=True)

    def _send_held(self) -> None:
        self._transport.send(self._held)
        self._transport.commit()

    def _tried(self, what: Callable[[], T], *, is_question: bool = False) -> T:
        """What comes of it, once the log is there. All deliveries after a stop share the tries that are left."""
        if self._fenced is not None:
            raise self._fenced
        try:
            while True:
                try:
                    done = what()
                except (FencedError, RefusedError):
                    raise
                except TransportError as error:
                    self.failures += 1
                    if self._stop.is_set():
                        self._tries_left -= 1
                        if is_question or self._tries_left <= 0:
                            raise
                    LOG.warning("the log cannot be used: %s", error)
                    self._forget_quietly()
                    self._on_wait(f"the log cannot be used: {error}")
                    self._wait(self._backoff.next_s())
                else:
                    self._backoff.worked()
                    return done
        except FencedError as error:
            self._fenced = error
            raise

    def _forget_quietly(self) -> None:
        try:
            self._transport.abort()
        except FencedError:
            raise
        except TransportError:
            pass  # it has aborted by itself, or the next try says why not

    def _wait(self, wait_s: float) -> None:
        if self._stop.is_set():
            Event().wait(min(wait_s, 2.0))
        else:
            self._stop.wait(wait_s)
