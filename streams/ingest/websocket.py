"""Websocket client of servers that send one JSON object a message: aisstream.io and Signal K.

Messages are bounded, compression is not agreed to, and what comes within a tenth of a second is decoded together.
"""

import asyncio
import logging
from collections.abc import Callable
from random import Random
from threading import Event
from typing import Final

import aiohttp

from maritime.columns import SourceTable
from streams.ingest.backoff import Backoff
from streams.ingest.inbox import Inbox
from streams.ingest.messages import LARGEST_MESSAGE, MessageDecoder

LOG = logging.getLogger(__name__)
CONNECT_S: Final = 15.0
SILENT_S: Final = 120.0  # chosen: as for TCP; a live connection answers pings besides
PING_S: Final = 30.0
GATHER_S: Final = 0.1
GATHER_MESSAGES: Final = 500
LOOK_S: Final = 0.2


class WebsocketSource:
    """`greeting` is sent once the connection stands; it may hold a key and is never shown.

    `refusal` looks at a message and says why the server will not serve us, or None.
    """

    def __init__(
        self,
        name: str,
        url: str,
        rng: Random,
        make_decoder: Callable[[SourceTable, str], MessageDecoder],
        *,
        greeting: Callable[[], str] | None = None,
        refusal: Callable[[bytes], str | None] | None = None,
        headers: dict[str, str] | None = None,
        silent_s: float = SILENT_S,
    ) -> None:
        self.name = name
        self._url = url
        self._backoff = Backoff(rng)
        self._make_decoder = make_decoder
        self._greeting = greeting
        self._refusal = refusal
        self._headers = headers or {}
        self._silent_s = silent_s

    def run(self, inbox: Inbox, stop: Event) -> None:
        """Read until `stop`."""
        asyncio.run(self._run(inbox, stop))

    async def _run(self, inbox: Inbox, stop: Event) -> None:
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_connect=CONNECT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while not stop.is_set():
                try:
                    async with asyncio.timeout(CONNECT_S):
                        connection = await session.ws_connect(
                            self._url, heartbeat=PING_S, max_msg_size=LARGEST_MESSAGE, headers=self._headers
                        )
                    async with connection:
                        inbox.connected = True
                        inbox.connects += 1
                        if self._greeting is not None:
                            await connection.send_str(self._greeting())
                        await self._read(connection, inbox, stop)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    # not its text: it may show the address with what it holds
                    inbox.last_error = f"{type(error).__name__}: cannot connect, or the connection broke"
                inbox.connected = False
                wait_s = self._backoff.next_s()
                LOG.warning("%s: %s; again in %.1f s", self.name, inbox.last_error, wait_s)
                for _ in range(int(wait_s / LOOK_S) + 1):
                    if stop.is_set():
                        break
                    await asyncio.sleep(LOOK_S)

    async def _read(self, connection: aiohttp.ClientWebSocketResponse, inbox: Inbox, stop: Event) -> None:
        decoder = self._make_decoder(inbox.table, self.name)
        clock = asyncio.get_running_loop()
        gathered: list[bytes] = []
        heard_s = since_s = clock.time()
        receiving: asyncio.Task[aiohttp.WSMessage] | None = None
        try:
            while not stop.is_set():
                if receiving is None:
                    receiving = asyncio.ensure_future(connection.receive())
                done, _ = await asyncio.wait({receiving}, timeout=GATHER_S if gathered else LOOK_S)
                now_s = clock.time()
                if done:
                    message, receiving = receiving.result(), None
                    if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                        text = message.data if isinstance(message.data, bytes) else message.data.encode()
                        why = self._refusal(text) if self._refusal is not None else None
                        if why is not None:
                            inbox.last_error = f"the server refuses: {why}"
                            return
                        since_s = now_s if not gathered else since_s
                        heard_s = now_s
                        gathered.append(text)
                    else:
                        inbox.last_error = _why_it_ended(connection, message)
                        if connection.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                            await self._put_one(inbox, stop)
                        return
                elif now_s - heard_s > self._silent_s:
                    inbox.last_error = f"nothing came for {self._silent_s:.0f} s"
                    return
                if gathered and (now_s - since_s >= GATHER_S or len(gathered) >= GATHER_MESSAGES):
                    await self._put(decoder, gathered, inbox, stop)
                    gathered = []
        finally:
            if receiving is not None:
                receiving.cancel()
            if gathered:
                await self._put(decoder, gathered, inbox, stop)

    async def _put(self, decoder: MessageDecoder, messages: list[bytes], inbox: Inbox, stop: Event) -> None:
        """Decode and put in; while there is no room, nothing is read."""
        self._backoff.worked()
        for chunk in decoder.decode(messages, inbox.clock_ms()):
            while not inbox.has_room() and not stop.is_set():
                await asyncio.sleep(LOOK_S / 4)
            inbox.add(chunk)

    async def _put_one(self, inbox: Inbox, stop: Event) -> None:
        while not inbox.has_room() and not stop.is_set():
            await asyncio.sleep(LOOK_S / 4)
        inbox.refuse("oversize", b"", stop)


def _why_it_ended(connection: aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> str:
    if message.type == aiohttp.WSMsgType.ERROR:
        return f"the connection broke ({type(message.data).__name__})"
    return f"the server closed the connection (code {connection.close_code})"
