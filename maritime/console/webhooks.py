"""Webhooks: tells partners that want it, a CloudEvent at a time, in the order of their channel, each at least once.

Signed as Standard Webhooks has it: HMAC-SHA-256 over id, time and body. What fails is tried again, later each time,
until it is taken or the days are over; then that partner is told no more, over restarts too, until somebody takes it up
again (`maritime.console.given_up`). Every partner has a task of its own: one that does not answer delays nobody else.
Redirects are not followed, and no private address is connected to unless that partner's is to be one: a name must not
lead into the house.
"""

import asyncio
import base64
import hmac
import json
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from pydantic import SecretBytes

from maritime.console.access import is_in_force
from maritime.console.caller import Reader
from maritime.console.given_up import GivenUp, write_whole
from maritime.console.watched import Watched
from maritime.console.webhook_settings import Hook, WebhookSettings, is_loopback, is_public
from maritime.errors import InputError, MaritimeError
from maritime.sharing.formats.cloudevent import FORMAT, render
from maritime.sharing.formats.ids import derived
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.sent import Sent, SentParcels
from maritime.units import DAY_MS

LOG: Final = logging.getLogger(__name__)
BATCH: Final = 20
LOOK_S: Final = 1.0  # how often is looked for something new
ANSWER_S: Final = 15.0  # Standard Webhooks: 15 to 30 s
TROUBLE_S: Final = 30.0  # after a fault of our own
FIRST_WAIT_S: Final = 5.0
LONGEST_WAIT_S: Final = 3600.0
GONE: Final = 410  # Standard Webhooks: the receiver wants no more


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time of day, waiting, and a random number of [0, 1) to spread the tries."""

    now_ms: Callable[[], int]
    wait: Callable[[float], Awaitable[None]]
    random: Callable[[], float]


class Told(NamedTuple):
    """How it stands with a partner, since the start: events told, tries that were not taken; whether it is given up."""

    partner: str
    told: int
    not_taken: int
    is_given_up: bool


class NotTakenError(Exception):
    """The receiver did not take it; `final`: it wants no more at all."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Webhooks:
    """Tells all partners of the settings, from where it ended the last time."""

    def __init__(
        self,
        settings: WebhookSettings,
        secrets: Mapping[str, SecretBytes],
        reader: Reader,
        policy: Watched[ReleasePolicy],
        clocks: Clocks,
    ) -> None:
        """Raises InputError when the file of its state is none."""
        self._settings, self._secrets, self._reader, self._policy = settings, secrets, reader, policy
        self._clocks = clocks
        self._told = _read_state(settings.state)
        self._given_up = GivenUp(settings.state)
        self._took, self._not_taken = Counter[str](), Counter[str]()

    async def run(self) -> None:
        """Tell until cancelled."""
        await asyncio.gather(*(self._alone(partner, hook) for partner, hook in self._settings.hooks.items()))

    def counts(self) -> list[Told]:
        """How it stands with each partner, by name."""
        given_up = self._given_up.feeds()
        return [
            Told(partner, self._took[partner], self._not_taken[partner], _feed(partner, hook) in given_up)
            for partner, hook in sorted(self._settings.hooks.items())
        ]

    async def _alone(self, partner: str, hook: Hook) -> None:
        """What goes wrong with one partner stops no other."""
        try:
            await self._serve(partner, hook)
        except Exception as error:
            LOG.error("webhook_failed", extra={"fields": {"partner": partner, "host": hook.host}}, exc_info=error)

    async def _serve(self, partner: str, hook: Hook) -> None:
        connector = aiohttp.TCPConnector(resolver=_Guard(hook.allow_private or is_loopback(hook.host)), limit=1)
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as session:
            while True:
                await self._taken_up(partner, hook)
                try:
                    parcels = await self._reader.read(partner, partial(self._next, partner, hook))
                    for parcel in parcels:
                        if not await self._deliver(session, partner, hook, parcel):
                            break
                        self._advance(partner, hook, parcel.sequence)
                except (MaritimeError, OSError) as error:  # no ledger, a bad policy, a full disk: nothing is told
                    _tell("webhook_waits", partner, hook, why=str(error))
                    await self._clocks.wait(TROUBLE_S)
                    continue
                if not parcels:
                    await self._clocks.wait(LOOK_S)

    async def _taken_up(self, partner: str, hook: Hook) -> None:
        """Wait while it is given up."""
        why = self._given_up.feeds().get(_feed(partner, hook))
        if why is None:
            return
        _tell("webhook_is_given_up", partner, hook, why=why)
        while _feed(partner, hook) in self._given_up.feeds():
            await self._clocks.wait(LOOK_S)
        _tell("webhook_taken_up", partner, hook)

    def _next(self, partner: str, hook: Hook, sent: SentParcels) -> list[Sent]:
        return sent.parcels(partner, hook.channel, self._told.get(_feed(partner, hook), 0), BATCH)

    def _may_have(self, partner: str, parcel: Sent) -> bool:
        """Not what is to be deleted by now; after an agreement only cancels: the rest can be fetched, if renewed."""
        if parcel.retain_until_ms <= self._clocks.now_ms():
            return False
        if is_in_force(self._policy.current(), partner, self._clocks.now_ms()):
            return True
        return parcel.release().envelope.kind == "cancel"

    async def _deliver(self, session: aiohttp.ClientSession, partner: str, hook: Hook, parcel: Sent) -> bool:
        """Try until it is taken, or may not be had any more; false when it is given up."""
        began_ms, tries = self._clocks.now_ms(), 0
        while self._may_have(partner, parcel):
            try:
                await self._post(session, partner, hook, parcel)
                return True
            except NotTakenError as error:
                tries += 1
                self._not_taken[partner] += 1
                days = (self._clocks.now_ms() - began_ms) / DAY_MS
                if error.final or days >= self._settings.give_up_after_days:
                    _tell("webhook_given_up", partner, hook, sequence=parcel.sequence, tries=tries, why=str(error))
                    self._given_up.add(_feed(partner, hook), f"{error!s} at sequence {parcel.sequence}")
                    return False
                wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(tries - 1, 20))
                wait_s *= 0.5 + 0.5 * self._clocks.random()
                _tell("webhook_not_taken", partner, hook, sequence=parcel.sequence, tries=tries, why=str(error))
                await self._clocks.wait(wait_s)
        return True

    async def _post(self, session: aiohttp.ClientSession, partner: str, hook: Hook, parcel: Sent) -> None:
        """One try. Raises NotTakenError."""
        release = parcel.release()
        body = render(release, parcel.sequence)
        message_id = f"msg_{derived('webhook', release.envelope.alert_id, release.envelope.revision)}"
        at_s = self._clocks.now_ms() // 1000
        headers = {
            "Content-Type": FORMAT.media_type,
            "User-Agent": "maritime",
            "webhook-id": message_id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": signature(self._secrets[partner].get_secret_value(), message_id, at_s, body),
        }
        try:
            async with session.post(hook.url, data=body, headers=headers, allow_redirects=False) as answer:
                if answer.status // 100 != 2:
                    raise NotTakenError(f"it answered {answer.status}", final=answer.status == GONE)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NotTakenError(type(error).__name__) from None

    def _advance(self, partner: str, hook: Hook, sequence: int) -> None:
        self._took[partner] += 1
        self._told[_feed(partner, hook)] = sequence
        write_whole(self._settings.state, self._told)


def signature(secret: bytes, message_id: str, at_s: int, body: bytes) -> str:
    """The value of `webhook-signature` (Standard Webhooks, symmetric)."""
    signed = f"{message_id}.{at_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()


class _Guard(ThreadedResolver):
    """Resolves names, and refuses those with any address that is not public; what it gives is what is connected to."""

    def __init__(self, allow_private: bool) -> None:
        super().__init__()
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if not self._allow_private and not all(is_public(each["host"]) for each in found):
            raise PrivateAddressError
        return found


class PrivateAddressError(OSError):
    """A name leads to an address that is not public."""


def _feed(partner: str, hook: Hook) -> str:
    return f"{partner}/{hook.channel}"


def _tell(event: str, partner: str, hook: Hook, **fields: object) -> None:
    LOG.warning(event, extra={"fields": {"partner": partner, "host": hook.host, **fields}})


def _read_state(path: Path) -> dict[str, int]:
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} does not say how far partners have been told ({error})") from None
    if not isinstance(told, dict) or not all(type(each) is int for each in told.values()):
        raise InputError(f"{path} does not say how far partners have been told; it is no object of numbers")
    return told
