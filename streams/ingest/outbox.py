"""Outbox: records of one transaction on their way to a log that may be away for a while. Nothing is lost meanwhile.

When a commit failed it is not known whether it counted, so what it held is sent again: a report that is in the log
twice changes nothing, and a heartbeat of a time that has passed is set aside by whoever reads it.
"""

import logging
from collections.abc import Callable, Sequence
from threading import Event

from maritime.errors import FencedError, RefusedError, TransportError
from streams.ingest.backoff import Backoff
from streams.transport import Outgoing, Transport

LOG = logging.getLogger(__name__)
TRIES_AFTER_STOP = 5  # chosen: some ten seconds of a log that is away, then stopping matters more


class Outbox:
    """A sink for a LogWriter. `deliver` raises FencedError and RefusedError at once: trying again helps neither."""

    def __init__(self, transport: Transport, backoff: Backoff, stop: Event) -> None:
        self._transport = transport
        self._backoff = backoff
        self._stop = stop
        self._held: list[Outgoing] = []
        self.commits = 0
        self.failures = 0

    def topics(self) -> dict[str, int]:
        """The topics, and how many partitions each has."""
        return self._transport.topics()

    def send(self, records: Sequence[Outgoing]) -> None:
        """Hold records for the next delivery."""
        self._held += records

    def commit(self) -> None:
        """Deliver all that is held, as one transaction."""
        self.deliver()

    def deliver(self, between: Callable[[float], None] | None = None) -> None:
        """Deliver all that is held, as one transaction; `between` waits between tries."""
        if not self._held:
            return
        tries_left = TRIES_AFTER_STOP
        while True:
            try:
                self._transport.send(self._held)
                self._transport.commit()
                break
            except (FencedError, RefusedError):
                raise
            except TransportError as error:
                self.failures += 1
                tries_left -= self._stop.is_set()
                if not tries_left:
                    raise
                LOG.warning("the log does not take what was received: %s", error)
                self._forget_quietly()
                (between or self._wait)(self._backoff.next_s())
        self._backoff.worked()
        self.commits += 1
        self._held = []

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
