"""UDP listener: NMEA sentences in datagrams, as receivers send them to display programs and servers.

AIS-catcher's JSON in datagrams (`-u HOST PORT JSON on`) is understood too. A datagram that nobody reads in time is lost
in the system's buffer without a trace: that is UDP, and a reason to use TCP where it can be had.
"""

import socket
from contextlib import suppress
from threading import Event
from typing import Final

from maritime.errors import InputError
from maritime.sources import aiscatcher
from streams.ingest.inbox import Inbox
from streams.ingest.lines import LONGEST_LINE
from streams.ingest.messages import MessageDecoder
from streams.ingest.sentences import SentenceDecoder
from streams.loopback import LOOPBACK

LOOK_S: Final = 0.2  # how soon it sees that it shall stop
LARGEST_DATAGRAM: Final = 65_536
BUFFER_BYTES: Final = 4 << 20  # asked of the system: a second of 40,000 sentences
MOST_AT_ONCE: Final = 2_000  # datagrams decoded together …
MOST_BYTES_AT_ONCE: Final = 1 << 20  # … and their bytes


class UdpSource:
    """Listens on this machine alone when `host` is empty; `bound_port` is known once it listens."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.name = name
        self._address = (host or LOOPBACK, port)
        self.bound_port: int | None = None

    def run(self, inbox: Inbox, stop: Event) -> None:
        """Read until `stop`. Raises InputError when the port cannot be had."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as listener:
            with suppress(OSError):
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            try:
                listener.bind(self._address)
            except OSError as error:
                raise InputError(f"{self.name} cannot listen ({error.strerror}); take another port") from None
            self.bound_port = listener.getsockname()[1]
            inbox.connected = True
            inbox.connects += 1
            sentences = SentenceDecoder(inbox.table, self.name)
            messages = MessageDecoder(aiscatcher.LAYOUT, inbox.table, self.name)
            while not stop.is_set():
                by_sender = self._gathered(listener, inbox, stop)
                for sender, datagrams in by_sender.items():
                    self._decode(sender, datagrams, sentences, messages, inbox, stop)
            for chunk in sentences.end_all():
                inbox.put(chunk, stop)

    def _gathered(self, listener: socket.socket, inbox: Inbox, stop: Event) -> dict[str, list[bytes]]:
        """What has come, by its sender: waits for the first datagram and takes all others that are there."""
        by_sender: dict[str, list[bytes]] = {}
        listener.settimeout(LOOK_S)
        size = 0
        for _ in range(MOST_AT_ONCE):
            if size >= MOST_BYTES_AT_ONCE:
                break
            try:
                datagram, address = listener.recvfrom(LARGEST_DATAGRAM)
            except (TimeoutError, BlockingIOError):
                break
            except OSError as error:  # an earlier datagram of ours could not be delivered: not our concern
                inbox.last_error = str(error)
                stop.wait(LOOK_S)
                break
            listener.settimeout(0.0)
            size += len(datagram)
            by_sender.setdefault(f"{address[0]}:{address[1]}", []).append(datagram)
        return by_sender

    def _decode(
        self,
        sender: str,
        datagrams: list[bytes],
        sentences: SentenceDecoder,
        messages: MessageDecoder,
        inbox: Inbox,
        stop: Event,
    ) -> None:
        now_ms = inbox.clock_ms()
        lines = bytearray()
        objects: list[bytes] = []
        for datagram in datagrams:
            if datagram.lstrip()[:1] in (b"{", b"["):
                objects.append(datagram)
                continue
            for line in datagram.split(b"\n"):
                if len(line) > LONGEST_LINE:
                    inbox.refuse("line_too_long", line, stop)
                elif line.strip():
                    lines += line + b"\n"
        if lines:
            for chunk in sentences.decode(bytes(lines), now_ms, sender):
                inbox.put(chunk, stop)
        if objects:
            for chunk in messages.decode(objects, now_ms):
                inbox.put(chunk, stop)
