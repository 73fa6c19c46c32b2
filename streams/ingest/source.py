"""Source: where AIS comes from. It reads, in a thread of its own, until it is told to stop, and mends what breaks."""

from threading import Event
from typing import Protocol

from streams.ingest.inbox import Inbox


class Source(Protocol):
    """`name` is what people know it by; it holds no secrets and is the same after a restart.

    `run` puts chunks into the inbox until `stop` is set, or until the source has come to its end. A connection that
    breaks is made again; bad bytes are rejects; what cannot be mended (a port that is taken) raises MaritimeError.
    """

    @property
    def name(self) -> str:
        """What people know it by."""

    def run(self, inbox: Inbox, stop: Event) -> None:
        """Read until `stop`, or to the end."""
