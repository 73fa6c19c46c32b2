"""HTTP listener for AIS-catcher's JSON POST (`AIS-catcher -H http://HOST:PORT`), plain or gzip.

A body is bounded before and after it is unpacked, headers and body must come in time, and requests in service are
few, so that a client that dawdles costs little. A token, if one is set, comes as `Authorization: Bearer TOKEN` or as
the password of Basic (AIS-catcher's USERPWD). What cannot be taken now is answered with 503, so that the sender knows.

Source: https://docs.aiscatcher.org (HTTP output); body: {"protocol":"jsonaiscatcher","stationid":…,"msgs":[{…},…]}.
There is no TLS here: put a proxy in front where the network is not one's own.
"""

import asyncio
import base64
import binascii
import hmac
import logging
import time
import zlib
from threading import Event
from typing import Final

from aiohttp import web
from pydantic import SecretStr

from maritime.errors import InputError
from maritime.sources import aiscatcher
from streams.ingest.inbox import Inbox, refused
from streams.ingest.messages import MessageDecoder
from streams.loopback import LOOPBACK

LOG = logging.getLogger(__name__)
LARGEST_BODY: Final = 1 << 20  # bytes as they come; chosen: a busy station posts some 100 KiB a minute
LARGEST_UNPACKED: Final = 8 << 20
HEADERS_S: Final = 10.0  # for headers to come, and between two requests of a connection
BODY_S: Final = 20.0
MOST_CONNECTIONS: Final = 64  # that idle
MOST_REQUESTS: Final = 64  # so many bodies at most are in memory, as they came
ROOM_S: Final = 5.0  # how long a request waits for room
LOOK_S: Final = 0.2


class HttpSource:
    """Listens on this machine alone when `host` is empty; `bound_port` is known once it listens."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        *,
        token: SecretStr | None = None,
        headers_s: float = HEADERS_S,
        body_s: float = BODY_S,
        room_s: float = ROOM_S,
    ) -> None:
        self.name = name
        self._host, self._port = host or LOOPBACK, port
        self._token = token
        self._headers_s, self._body_s, self._room_s = headers_s, body_s, room_s
        self.bound_port: int | None = None

    def run(self, inbox: Inbox, stop: Event) -> None:
        """Serve until `stop`. Raises InputError when the port cannot be had."""
        asyncio.run(self._serve(inbox, stop))

    async def _serve(self, inbox: Inbox, stop: Event) -> None:
        decoder = MessageDecoder(aiscatcher.LAYOUT, inbox.table, self.name)
        seen: dict[object, float] = {}  # connection → when it began to be idle; in the future while it is served

        in_service = 0

        async def take(request: web.BaseRequest) -> web.StreamResponse:
            nonlocal in_service
            if in_service >= MOST_REQUESTS:
                return _no_room(and_close=True)
            in_service += 1
            seen[request.protocol] = float("inf")
            try:
                return await self._answer(request, decoder, inbox, stop)
            finally:
                in_service -= 1
                seen[request.protocol] = time.monotonic()

        server = web.Server(take, auto_decompress=False, access_log=None, lingering_time=1.0, timeout_ceil_threshold=1)
        runner = web.ServerRunner(server, shutdown_timeout=2.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, self._port, backlog=64)
            try:
                await site.start()
            except OSError as error:
                raise InputError(f"{self.name} cannot listen ({error.strerror}); take another port") from None
            self.bound_port = runner.addresses[0][1]
            inbox.connected = True
            inbox.connects += 1
            while not stop.is_set():
                await asyncio.sleep(LOOK_S)
                self._close_idlers(server, seen)
        finally:
            await runner.cleanup()

    def _close_idlers(self, server: web.Server, seen: dict[object, float]) -> None:
        """Close connections whose headers do not come, and the longest idle of too many."""
        now_s = time.monotonic()
        connections = server.connections
        for gone in seen.keys() - set(connections):
            del seen[gone]
        idle = sorted(connections, key=lambda connection: seen.setdefault(connection, now_s))
        for place, connection in enumerate(idle):
            too_many = place < len(idle) - MOST_CONNECTIONS and seen[connection] < float("inf")
            if too_many or now_s - seen[connection] > self._headers_s:
                connection.force_close()

    async def _answer(
        self, request: web.BaseRequest, decoder: MessageDecoder, inbox: Inbox, stop: Event
    ) -> web.StreamResponse:
        if not self._is_allowed(request.headers.get("Authorization", "")):
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        if request.method not in ("POST", "PUT"):
            return web.Response(status=405, headers={"Allow": "POST"})
        try:
            async with asyncio.timeout(self._body_s):
                body = await self._body(request)
        except TimeoutError:
            inbox.last_error = "a request's body did not come in time"
            return _closing(408)
        if body is None:
            inbox.offer(refused(self.name, "oversize", b""))
            return _closing(413)
        if not await self._has_room(inbox, stop):
            return _no_room()
        try:
            text = _unpacked(body, request.headers.get("Content-Encoding", ""))
        except _TooLargeError:
            inbox.offer(refused(self.name, "oversize", body))
            return web.Response(status=413)
        except ValueError as error:
            inbox.offer(refused(self.name, "bad_compression", body))
            inbox.last_error = str(error)
            return web.Response(status=400, text=f"{error}\n")
        # from the look for room to here nobody else had a turn: one body at a time is unpacked and decoded, and what
        # is answered with 200 is not lost
        counts = {"rejected": 0}
        for chunk in decoder.decode([text], inbox.clock_ms()):
            counts["rejected"] += sum(chunk.reject_counts.values())
            inbox.add(chunk)
        return web.json_response(counts)

    async def _has_room(self, inbox: Inbox, stop: Event) -> bool:
        """Wait until there is room; false when there is none for too long."""
        until_s = time.monotonic() + self._room_s
        while not inbox.has_room():
            if stop.is_set() or time.monotonic() >= until_s:
                return False
            await asyncio.sleep(LOOK_S / 4)
        return True

    async def _body(self, request: web.BaseRequest) -> bytes | None:
        """The body as it came; None when it is too large."""
        if request.content_length is not None and request.content_length > LARGEST_BODY:
            return None
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > LARGEST_BODY:
                return None
        return bytes(body)

    def _is_allowed(self, authorization: str) -> bool:
        if self._token is None:
            return True
        scheme, _, told = authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                told = base64.b64decode(told, validate=True).decode("utf-8", "replace").partition(":")[2]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(told.strip().encode(), self._token.get_secret_value().encode())


class _TooLargeError(Exception):
    """The body unpacks to more than may be."""


def _unpacked(body: bytes, encoding: str) -> bytes:
    """The body as it was meant. Raises ValueError when it is damaged, _TooLargeError when it is too large."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity") and body[:2] != b"\x1f\x8b":
        return body
    if encoding not in ("", "identity", "gzip", "deflate"):
        raise ValueError(f"Content-Encoding {encoding[:20]!r} is not known here; use gzip")
    engine = zlib.decompressobj(wbits=15 if encoding == "deflate" else 31)
    try:
        text = engine.decompress(body, LARGEST_UNPACKED)
    except zlib.error as error:
        raise ValueError(f"the compressed body is damaged ({error})") from None
    if engine.unconsumed_tail:
        raise _TooLargeError
    if not engine.eof:
        raise ValueError("the compressed body is cut off")
    return text


def _no_room(*, and_close: bool = False) -> web.Response:
    response = web.Response(status=503, headers={"Retry-After": "5"}, text="no room now; send it again\n")
    if and_close:
        response.force_close()
    return response


def _closing(status: int) -> web.Response:
    response = web.Response(status=status)
    response.force_close()
    return response
