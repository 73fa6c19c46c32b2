"""StatusServer: /metrics, /healthz and /readyz over HTTP, for the machine itself and its monitoring, not the world.

It listens on loopback unless told otherwise, has no password and tells no secrets. Whoever connects has a few seconds
and one request; more than MOST_CONNECTIONS at once are turned away, so it cannot take the process's memory or threads.
"""

import json
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from maritime.errors import ConfigurationError
from streams.loopback import LOOPBACK
from streams.observe.health import Answer, Health

TIMEOUT_S: Final = 5.0
MOST_CONNECTIONS: Final = 16


class StatusServer:
    """Serves from entering it as a context manager to leaving it. Port 0 takes any; `port` then says which.

    Raises ConfigurationError when the address cannot be had.
    """

    def __init__(self, registry: CollectorRegistry, health: Health, host: str = LOOPBACK, port: int = 0) -> None:
        try:
            self._server = _Server((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ConfigurationError(f"metrics cannot be served at {host}:{port} ({error}); choose another") from None
        self._server.registry = registry
        self._server.health = health
        self._thread = threading.Thread(target=self._server.serve_forever, name="status-server", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(TIMEOUT_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    registry: CollectorRegistry
    health: Health

    def __init__(self, *arguments: Any) -> None:
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # a socket's timeout is for each read: one who sends byte by byte is cut off by this one
        deadline = threading.Timer(2 * TIMEOUT_S, _cut, (request,))
        deadline.daemon = True
        deadline.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are the visitor's business."""


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    timeout = TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._send(200, CONTENT_TYPE_LATEST, generate_latest(self.server.registry))
        elif path == "/healthz":
            self._answer(self.server.health.alive())
        elif path == "/readyz":
            self._answer(self.server.health.ready())
        else:
            self._send(404, "text/plain; charset=utf-8", b"there are /metrics, /healthz and /readyz\n")

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def version_string(self) -> str:
        return "maritime"

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes every few seconds are no events."""

    def _answer(self, answer: Answer) -> None:
        body = json.dumps({"ok": answer.is_well, "why_not": answer.why_not}, ensure_ascii=False).encode() + b"\n"
        self._send(200 if answer.is_well else 503, "application/json", body)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
