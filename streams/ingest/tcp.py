"""TCP client: NMEA lines from a server, a receiver's or a provider's; reconnects when it breaks or falls silent."""

import logging
import socket
from random import Random
from threading import Event
from typing import Final

from streams.ingest.backoff import Backoff
from streams.ingest.inbox import Inbox
from streams.ingest.lines import LineCutter
from streams.ingest.sentences import SentenceDecoder

LOG = logging.getLogger(__name__)
CONNECT_S: Final = 10.0
LOOK_S: Final = 0.2  # how soon it sees that it shall stop
SILENT_S: Final = 120.0  # chosen: a connection that gives nothing for so long may be dead without our knowing
PIECE_BYTES: Final = 64 * 1024


class TcpSource:
    """`silent_s` without a byte ends a connection."""

    def __init__(self, name: str, host: str, port: int, rng: Random, *, silent_s: float = SILENT_S) -> None:
        self.name = name
        self._address = (host, port)
        self._backoff = Backoff(rng)
        self._silent_s = silent_s

    def run(self, inbox: Inbox, stop: Event) -> None:
        """Read until `stop`."""
        while not stop.is_set():
            try:
                with socket.create_connection(self._address, timeout=CONNECT_S) as connection:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                    inbox.connected = True
                    inbox.connects += 1
                    self._read(connection, inbox, stop)
            except OSError as error:
                inbox.last_error = str(error)
            inbox.connected = False
            if not stop.is_set():
                wait_s = self._backoff.next_s()
                LOG.warning("%s: %s; again in %.1f s", self.name, inbox.last_error, wait_s)
                stop.wait(wait_s)

    def _read(self, connection: socket.socket, inbox: Inbox, stop: Event) -> None:
        """One connection until it ends; its unfinished line and messages are refused."""
        connection.settimeout(LOOK_S)
        cutter, decoder = LineCutter(), SentenceDecoder(inbox.table, self.name)
        silent_s = 0.0
        try:
            while not stop.is_set():
                try:
                    piece = connection.recv(PIECE_BYTES)
                except TimeoutError:
                    silent_s += LOOK_S
                    if silent_s >= self._silent_s:
                        inbox.last_error = f"nothing came for {self._silent_s:.0f} s"
                        return
                    continue
                if not piece:
                    inbox.last_error = "the server closed the connection"
                    return
                silent_s = 0.0
                self._backoff.worked()
                lines, too_long = cutter.cut(piece)
                for line in too_long:
                    inbox.refuse("line_too_long", line, stop)
                if lines:
                    for chunk in decoder.decode(lines, inbox.clock_ms()):
                        inbox.put(chunk, stop)
        finally:
            rest = cutter.end()
            if rest.strip():
                inbox.refuse("line_cut", rest, stop)
            for chunk in decoder.end_all():
                inbox.put(chunk, stop)
