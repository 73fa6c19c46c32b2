"""What the status server answers, and what it does not let visitors do."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry, Gauge

from maritime.errors import ConfigurationError
from streams.observe import status_server
from streams.observe.health import Answer
from streams.observe.status_server import StatusServer


class Toy:
    """Health that a test sets."""

    def __init__(self):
        self.is_alive = Answer.of()
        self.is_ready = Answer.of("not yet")

    def alive(self):
        return self.is_alive

    def ready(self):
        return self.is_ready


@pytest.fixture
def served():
    registry = CollectorRegistry()
    Gauge("maritime_toy", "A toy", registry=registry).set(3)
    health = Toy()
    with StatusServer(registry, health) as server:
        yield server, health


def fetched(server, path, method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_it_answers_by_path(served):
    server, health = served
    status, body = fetched(server, "/metrics")
    assert (status, b"maritime_toy 3.0" in body) == (200, True)
    assert fetched(server, "/healthz?probe=1")[0] == 200
    assert fetched(server, "/readyz") == (503, b'{"ok": false, "why_not": ["not yet"]}\n')
    health.is_ready = Answer.of()
    assert json.loads(fetched(server, "/readyz")[1]) == {"ok": True, "why_not": []}
    assert fetched(server, "/etc/passwd")[0] == 404
    assert fetched(server, "/metrics", "HEAD") == (200, b"")
    assert fetched(server, "/metrics", "POST")[0] == 501


def test_it_listens_on_loopback_unless_told(served):
    server, _ = served
    assert server._server.server_address[0] == "127.0.0.1"


def test_one_who_says_nothing_or_drips_is_cut_off(served, monkeypatch):
    monkeypatch.setattr(status_server, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(status_server._Handler, "timeout", 0.2)
    server, _ = served
    began_s = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as silent:
        assert silent.recv(1) == b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as dripping, suppress(OSError):
        while time.monotonic() - began_s < 20:
            dripping.sendall(b"G")
            time.sleep(0.05)
    assert time.monotonic() - began_s < 5


def test_visitors_beyond_a_number_are_turned_away_and_places_come_free(served):
    server, _ = served
    idle = [
        socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(status_server.MOST_CONNECTIONS)
    ]
    until_s = time.monotonic() + 5
    while threading.active_count() < status_server.MOST_CONNECTIONS and time.monotonic() < until_s:
        time.sleep(0.01)
    with pytest.raises(OSError):  # noqa: PT011 - reset or closed without an answer, as the system likes
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz", timeout=5)
    for connection in idle:
        connection.close()
    while time.monotonic() < until_s:
        try:
            assert fetched(server, "/healthz")[0] == 200
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("no place came free")


def test_an_address_that_is_taken_is_said(served):
    server, _ = served
    with pytest.raises(ConfigurationError, match=str(server.port)):
        StatusServer(CollectorRegistry(), Toy(), port=server.port)
