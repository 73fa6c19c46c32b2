"""Partner API: what partners without Kafka read over HTTP, each its own: TAXII, features, CAP feed, events, receipts;
and where they say what they think of it.

Whoever asks proves who it is, has an agreement that is in force, and does not ask too often; before that it learns
nothing, not even which paths there are. What is read is what was released and sent: nothing is decided here, and the
ledger is opened for reading only. What partners say is laid into a folder, from which the publisher takes it.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from threading import Event
from typing import Final

from aiohttp import web

from maritime.console.access import Access
from maritime.console.answers import HSTS, NOT_HERE, ORIGIN, SECURITY, HttpError, refused
from maritime.console.caller import CALLER, Reader
from maritime.console.cap_feed import CapFeed
from maritime.console.events import Events
from maritime.console.features import Features
from maritime.console.feedback import Feedback
from maritime.console.idlers import HEADERS_S, Idlers
from maritime.console.rate_limit import RateLimit
from maritime.console.receipts import Receipts
from maritime.console.taxii import Taxii
from maritime.console.watched import Watched
from maritime.errors import ConfigurationError, MaritimeError
from maritime.sharing.feedback_spool import FeedbackSpool
from maritime.sharing.keys import KeySet

LOG: Final = logging.getLogger(__name__)
SERVICE_S: Final = 30.0  # for an answer to be ready
LOOK_S: Final = 0.1
REFUSED: Final = {405: "what is here is to be read (GET)", 404: NOT_HERE}
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
READING: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Site:
    """Where it listens; port 0 takes any."""

    host: str
    port: int
    tls: SSLContext | None
    origin: str = ""  # as partners write it, where that is another


class PartnerApi:
    """The server."""

    def __init__(
        self,
        reader: Reader,
        access: Access,
        keys: Watched[KeySet],
        heads: Watched[tuple[str, ...]] | None,
        rate: RateLimit,
        clock_ms: Callable[[], int],
        headers_s: float = HEADERS_S,
        spool: FeedbackSpool | None = None,
        indexes: Path | None = None,
    ) -> None:
        """`clock_ms` tells the time of day; `headers_s` is how long a connection may dawdle; `indexes` as for Taxii.

        Without `spool` partners can say nothing here.
        """
        self._reader, self._access, self._rate, self._clock_ms = reader, access, rate, clock_ms
        self._headers_s, self._idlers = headers_s, Idlers(headers_s)
        self._strangers = RateLimit(per_minute=60, burst=60)  # chosen: lines of log that those who get nothing can make
        self._surfaces = (
            Taxii(reader, indexes),
            Features(reader),
            CapFeed(reader),
            Events(reader),
            Receipts(reader, keys, heads, clock_ms),
            Feedback(reader, spool, clock_ms),
        )

    async def serve(self, site: Site, stop: Event, on_listening: Callable[[int], None]) -> None:
        """Serve once, until `stop`; `on_listening` is told the port. Raises ConfigurationError if it is taken."""
        app = web.Application(middlewares=[self._guard(site.tls is not None)])
        app[ORIGIN] = site.origin
        for surface in self._surfaces:
            app.add_routes(surface.routes())
        runner = web.AppRunner(
            app, access_log=None, logger=_silent(), shutdown_timeout=2.0, timeout_ceil_threshold=1, lingering_time=1.0
        )
        await runner.setup()
        try:
            assert runner.server is not None
            try:
                listener = await asyncio.get_running_loop().create_server(
                    runner.server,
                    site.host,
                    site.port,
                    ssl=site.tls,
                    ssl_handshake_timeout=self._headers_s if site.tls else None,
                    backlog=64,
                )
            except (OSError, OverflowError) as error:
                raise ConfigurationError(f"{site.host}:{site.port} cannot be had ({error}); choose another") from None
            try:
                on_listening(listener.sockets[0].getsockname()[1])
                while not stop.is_set():
                    await asyncio.sleep(LOOK_S)
                    self._idlers.close(runner.server.connections, time.monotonic())
            finally:
                listener.close()
        finally:
            await runner.cleanup()
            self._reader.close()

    def _guard(self, is_tls: bool) -> Callable[..., Awaitable[web.StreamResponse]]:
        @web.middleware
        async def guard(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            self._idlers.busy(request.protocol)
            try:
                response = await self._answered(request, handler)
                self._log(request, response.status)
                response.headers.update(SECURITY)
                if is_tls:
                    response.headers["Strict-Transport-Security"] = HSTS
                return response
            finally:
                self._idlers.idle(request.protocol, time.monotonic())

        return guard

    async def _answered(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            self._admit(request)
            async with asyncio.timeout(SERVICE_S):
                return await handler(request)
        except HttpError as refusal:
            response = refused(refusal, request.path)
        except web.HTTPException as error:  # of the router: no such path, or not to be done with it
            headers = {"Allow": error.headers["Allow"]} if error.status == 405 else {}
            response = refused(HttpError(error.status, REFUSED.get(error.status, "refused"), headers), request.path)
        except (MaritimeError, TimeoutError) as error:
            LOG.error("cannot_answer", extra={"fields": {"why": type(error).__name__, "said": str(error)}})
            response = refused(HttpError(503, "this cannot be answered now", {"Retry-After": "60"}), request.path)
        except Exception as error:
            LOG.error("failed", exc_info=error)
            response = refused(HttpError(500, "this went wrong here, not with you"), request.path)
        if request.body_exists:
            response.force_close()  # nobody reads it
        return response

    def _log(self, request: web.Request, status: int) -> None:
        """Who asked for what kind of thing, and from where; neither ids nor parameters."""
        caller, resource = request.get(CALLER), request.match_info.route.resource
        if caller is None and self._strangers.take("all", time.monotonic()):
            return
        LOG.info(
            "asked",
            extra={
                "fields": {
                    "partner": caller and caller.name,
                    "from": request.remote,
                    "what": resource and resource.canonical,
                    "status": status,
                }
            },
        )

    def _admit(self, request: web.Request) -> None:
        """Let a partner in. Raises HttpError: unknown, too often, no agreement, a body where there is none to be."""
        host = request.headers.get("Host", "")
        if not _HOST.fullmatch(host) or request.host != host:  # links are made with it; a request line may name another
            raise HttpError(400, "say which host you mean")
        certificate = request.transport.get_extra_info("peercert") if request.transport else None
        partner = self._access.partner(request.headers.get("Authorization"), certificate)
        wait_s = self._rate.take(partner, time.monotonic())
        if wait_s:
            raise HttpError(429, "you ask too often", {"Retry-After": str(int(wait_s) + 1)})
        request[CALLER] = self._access.caller(partner, self._clock_ms())
        if request.body_exists and request.method in READING:
            raise HttpError(413, "a request for reading has no content")


def _silent() -> logging.Logger:
    """For the library, which would log pieces of requests that it cannot read, and so of tokens."""
    silent = logging.getLogger(f"{__name__}.library")
    silent.disabled = True
    return silent
