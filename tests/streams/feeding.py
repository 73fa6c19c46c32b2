"""Servers and senders for the tests of ingest, on loopback; and an ingester that a test steps by hand."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import reduce
from operator import xor
from random import Random

from maritime.columns import Chunk, SourceTable
from streams.ingest.inbox import Inbox, wall_ms
from streams.ingest.source import Source

PATIENCE_S = 15.0


def wait_for(what: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds; fail the test if it never does."""
    until_s = time.monotonic() + patience_s
    while not what():
        assert time.monotonic() < until_s, "it never came to be"
        time.sleep(0.01)


class Reading:
    """A source that reads into an inbox, in a thread; what has come is collected in `chunks`."""

    def __init__(self, source: Source, *, most_bytes: int = 8 << 20, clock_ms: Callable[[], int] = wall_ms) -> None:
        self.source = source
        self.inbox = Inbox(source.name, SourceTable(), clock_ms, most_bytes=most_bytes)
        self.stop = threading.Event()
        self.chunks: list[Chunk] = []
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.source.run(self.inbox, self.stop)
        except BaseException as error:
            self.failure = error

    def __enter__(self) -> "Reading":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the source does not stop"
        self.take()

    def take(self) -> list[Chunk]:
        while (chunk := self.inbox.take()) is not None:
            self.chunks.append(chunk)
        return self.chunks

    def rows(self) -> list[dict]:
        return [row for chunk in self.take() for row in chunk.positions.to_pylist()]

    def statics(self) -> list[dict]:
        return [row for chunk in self.take() for row in chunk.statics.to_pylist()]

    def reasons(self) -> list[str]:
        return [reject.reason for chunk in self.take() for reject in chunk.rejects]


class LineServer:
    """A TCP server that gives each client, in turn, what the next script says: bytes to send, then close (or hold)."""

    def __init__(self, *scripts: bytes, hold_last: bool = True) -> None:
        self._scripts = list(scripts)
        self._hold_last = hold_last
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]
        self.served = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        held = []
        while not self._stop.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            script = self._scripts[self.served] if self.served < len(self._scripts) else b""
            self.served += 1
            with contextlib.suppress(OSError):
                client.settimeout(PATIENCE_S)
                client.sendall(script)
            if self._hold_last and self.served == len(self._scripts):
                held.append(client)
            else:
                client.close()
        for client in held:
            client.close()

    def __enter__(self) -> "LineServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        self._listener.close()


def post(port: int, body: bytes, headers: dict[str, str] | None = None, method: str = "POST") -> int:
    """The status that a listener answers with."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        client.request(method, "/", body, headers or {})
        return client.getresponse().status


def quick(rng_seed: int = 1) -> Random:
    """A random source for reconnects."""
    return Random(rng_seed)


def sentences(n: int, start: int = 0) -> Iterator[bytes]:
    """Different, sound sentences of type 1."""
    for i in range(start, start + n):
        body = b"AIVDM,1,1,,A,%s,0" % _payload(i)
        yield b"!%s*%02X\r\n" % (body, reduce(xor, body))


def tagged(tag: bytes, line: bytes) -> bytes:
    """A line with a tag block in front of it."""
    return b"\\%s*%02X\\%s" % (tag, reduce(xor, tag), line)


def _payload(i: int) -> bytes:
    """The characters behind the type: MMSI 200000000 + i at 54° N 10° E, 10 kn."""
    bits = format(1, "06b") + format(0, "02b") + format(200_000_000 + i, "030b") + format(0, "04b") + format(128, "08b")
    bits += format(100, "010b") + "0" + format(10 * 600_000, "028b") + format(54 * 600_000, "027b")
    bits += format(900, "012b") + format(90, "09b") + format(60, "06b") + "0" * 25
    assert len(bits) == 168
    return bytes(
        value + 48 if value < 40 else value + 56 for value in (int(bits[k : k + 6], 2) for k in range(0, 168, 6))
    )
