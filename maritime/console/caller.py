"""Caller: who asks, and the thread in which is read for it."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from aiohttp import web

from maritime.console.answers import not_here
from maritime.errors import InputError
from maritime.sharing.desk import Channel
from maritime.sharing.policy import Partner
from maritime.sharing.sent import CHANNELS, SentParcels

Answer = TypeVar("Answer")
THREADS: Final = 8  # chosen: more partners than that rarely ask at once
TITLES: Final = {
    "actual": "Alerts released to you",
    "exercise": "Exercises, tests and replays released to you: none of it is real",
}
"""What the channels are called where they are listed."""
AT_ONCE: Final = 2  # requests of one partner that are worked on at once, so that none takes all threads


@dataclass(frozen=True, slots=True)
class Caller:
    """A partner whose identity is proved and whose agreement is in force."""

    name: str
    partner: Partner
    org_id: str  # of the originator, who serves it

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels that it has."""
        return CHANNELS if self.partner.exercises else CHANNELS[:1]

    def channel(self, name: str) -> Channel:
        """A channel of its own by name. Raises HttpError (404)."""
        for channel in self.channels:
            if channel == name:
                return channel
        raise not_here()


CALLER: Final = web.RequestKey("caller", Caller)


class Reader:
    """Reads what was sent, in threads, a connection to the ledger for each piece of work."""

    def __init__(self, ledger: Path, clock_ms: Callable[[], int]) -> None:
        """`ledger` is the file."""
        self._ledger, self._clock_ms = ledger, clock_ms
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="reader")
        self._turns: dict[str, asyncio.Semaphore] = {}

    async def read(self, partner: str, work: Callable[[SentParcels], Answer]) -> Answer:
        """Do some work for a partner; a partner's own requests wait for one another, not for those of others.

        Raises InputError when the ledger cannot be read.
        """
        turn = self._turns.setdefault(partner, asyncio.Semaphore(AT_ONCE))
        await turn.acquire()
        done = asyncio.get_running_loop().run_in_executor(self._threads, self._done, work)
        done.add_done_callback(lambda _: turn.release())  # not before: who asks and goes away still has the thread
        return await asyncio.shield(done)

    def _done(self, work: Callable[[SentParcels], Answer]) -> Answer:
        try:
            with SentParcels(self._ledger, self._clock_ms()) as sent:
                return work(sent)
        except sqlite3.Error as error:
            raise InputError(f"ledger {self._ledger} cannot be read ({error})") from None

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)
