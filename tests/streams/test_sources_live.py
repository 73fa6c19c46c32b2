"""Live sources against servers and senders of the tests' own, friendly and hostile, on loopback."""

import asyncio
import base64
import gzip
import json
import os
import socket
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from maritime.errors import ConfigurationError, InputError, UsageError
from streams.ingest.aisstream import aisstream_source
from streams.ingest.backoff import Backoff
from streams.ingest.files import DirectorySource, FileSource
from streams.ingest.http import LARGEST_BODY, MOST_REQUESTS, HttpSource
from streams.ingest.lines import LineCutter
from streams.ingest.messages import LARGEST_MESSAGE
from streams.ingest.mqtt import MqttSource
from streams.ingest.opening import open_source
from streams.ingest.sentences import SentenceDecoder, stamped
from streams.ingest.signalk import signalk_source
from streams.ingest.tcp import TcpSource
from streams.ingest.udp import UdpSource
from tests.streams.feeding import LineServer, Reading, post, quick, sentences, tagged, wait_for

PART_1 = b"!AIVDM,2,1,3,B,55P5TL01VIaAL@7WKO@mBplU@<PDhh000000001S;AJ::4A80?4i@E53,0*3E\r\n"
PART_2 = b"!AIVDM,2,2,3,B,1@0000000000000,2*55\r\n"


def mmsis(reading: Reading) -> list[int]:
    return [row["mmsi"] - 200_000_000 for row in reading.rows()]


# ------------------------------------------------------------------------------------------------ lines and sentences


def test_where_a_connection_is_split_does_not_matter():
    text = b"".join(sentences(5)) + b"x" * 10_000 + b"\n" + b"".join(sentences(3, 5)) + b"cut"
    for size in (1, 7, 100, 4_000, 4_097, 50_000):
        cutter, whole, long = LineCutter(), b"", []
        for at in range(0, len(text), size):
            lines, too_long = cutter.cut(text[at : at + size])
            whole += lines
            long += too_long
        assert whole == b"".join(sentences(8))
        assert [line[:1] for line in long] == [b"x"]
        assert cutter.end() == b"cut"


def test_an_endless_line_takes_no_memory():
    cutter = LineCutter()
    for _ in range(1_000):
        cutter.cut(b"x" * 65_536)
        assert len(cutter._rest) <= 4_096


def test_the_receive_time_is_given_to_sentences_without_one():
    line = next(sentences(1))
    (chunk,) = SentenceDecoder(Reading(TcpSource("x", "h", 1, quick())).inbox.table, "x").decode(
        line, 1_700_000_000_123
    )
    assert chunk.positions["t"].to_pylist() == [1_700_000_000_123]
    bare = line.strip()
    for timed in (
        tagged(b"c:1600000000", bare),
        tagged(b"g:2-2-77", bare),
        bare + b",b003669708,1600000000",
        b"2020-09-13 12:26:40 " + bare,
        b"$PGHP,1,2008,5,9,0,0,0,10,338,2,,1,09*17\n" + bare,
        b"$GPRMC,1,2*00",
    ):
        assert stamped(timed, 1_700_000_000_000) == timed
    for untimed in (tagged(b"s:north", bare), bare + b",r003669708", b"AIS " + bare):
        assert b"c:1700000000.000" in stamped(untimed, 1_700_000_000_000)


def test_backoff_grows_is_spread_and_begins_anew():
    waits = [Backoff(quick(seed)) for seed in range(3)]
    rows = [[backoff.next_s() for _ in range(12)] for backoff in waits]
    for row in rows:
        assert all(0.5 * min(60, 0.5 * 2**k) <= wait <= min(60, 0.5 * 2**k) for k, wait in enumerate(row))
    assert rows[0] != rows[1]
    waits[0].worked()
    assert waits[0].next_s() <= 0.5


# ------------------------------------------------------------------------------------------------ TCP


def tcp(port: int, **options) -> TcpSource:
    source = TcpSource(f"tcp://127.0.0.1:{port}", "127.0.0.1", port, quick(), **options)
    source._backoff = Backoff(quick(), first_s=0.01)
    return source


def test_tcp_reads_reconnects_and_refuses_what_was_cut_off():
    """Each connection is a stream of its own: parts of a message do not join over a disconnect."""
    first = b"".join(sentences(3)) + PART_1 + b"!AIVDM,1,1,,A,cut"
    with LineServer(first, PART_2 + b"".join(sentences(2, 3))) as server, Reading(tcp(server.port)) as reading:
        wait_for(lambda: len(reading.rows()) == 5)
        assert mmsis(reading) == [0, 1, 2, 3, 4]
        assert reading.inbox.connects == 2
        assert not reading.statics()
    assert sorted(reading.reasons()) == ["incomplete_multipart", "incomplete_multipart", "line_cut"]


def test_tcp_parts_of_a_message_join_within_a_connection():
    with LineServer(PART_1 + PART_2) as server, Reading(tcp(server.port)) as reading:
        wait_for(lambda: reading.statics())
        assert reading.statics()[0]["mmsi"] == 369_190_000


def test_tcp_garbage_and_endless_lines_are_counted_and_kept():
    garbage = bytes(range(256)) * 8 + b"\n" + b"!AIVDM,1,1,,A,garbage,0*00\n" + b"a" * 100_000 + b"\n"
    with LineServer(garbage + b"".join(sentences(1))) as server, Reading(tcp(server.port)) as reading:
        wait_for(lambda: reading.rows())
        assert {"line_too_long", "bad_checksum"} <= set(reading.reasons())


def test_tcp_a_silent_connection_is_given_up():
    with (
        LineServer(b"".join(sentences(1)), b"".join(sentences(1, 1))) as server,
        Reading(tcp(server.port, silent_s=0.4)) as reading,
    ):
        server._hold_last = True
        wait_for(lambda: reading.inbox.connects >= 2)
    hung = socket.create_server(("127.0.0.1", 0))
    with closing(hung), Reading(tcp(hung.getsockname()[1], silent_s=0.4)) as reading:
        wait_for(lambda: reading.inbox.connects >= 2)
        assert "nothing came" in reading.inbox.last_error


def test_tcp_a_full_inbox_stops_the_reading_and_loses_nothing():
    """The client stops reading, so the server cannot send on: its socket's buffers hold a bounded part."""
    text = b"".join(sentences(20_000))
    sent = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)

    def serve():
        client, _ = listener.accept()
        with client:
            client.sendall(text)
            sent.set()
            time.sleep(0.5)

    threading.Thread(target=serve, daemon=True).start()
    source = tcp(listener.getsockname()[1])
    with closing(listener), Reading(source, most_bytes=50_000) as reading:
        wait_for(lambda: not reading.inbox.has_room())
        time.sleep(0.3)
        assert reading.inbox.bytes_held < 50_000 + 200_000, "one piece more than fits at most"
        wait_for(lambda: len(reading.rows()) == 20_000)
        assert sent.is_set()
        assert mmsis(reading) == list(range(20_000))


# ------------------------------------------------------------------------------------------------ UDP


@contextmanager
def udp():
    source = UdpSource("udp://:0", "127.0.0.1", 0)
    with Reading(source) as reading:
        wait_for(lambda: source.bound_port)
        yield reading, source.bound_port


def test_udp_sentences_and_json_of_several_senders():
    one, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with udp() as (reading, port), closing(one), closing(other):
        at = ("127.0.0.1", port)
        lines = list(sentences(4))
        one.sendto(lines[0].strip(), at)
        one.sendto(lines[1] + lines[2], at)
        one.sendto(PART_1, at)
        other.sendto(PART_2, at)  # of another sender: not the same message
        other.sendto(json.dumps({"class": "AIS", "nmea": [lines[3].decode().strip()], "rxuxtime": 1.7e9}).encode(), at)
        one.sendto(b"\xff\x00" * 30_000, at)
        wait_for(lambda: len(reading.rows()) == 4)
        assert not reading.statics()
        one.sendto(PART_2, at)
        wait_for(lambda: reading.statics())
        assert sorted(mmsis(reading)) == [0, 1, 2, 3]
        assert "line_too_long" in reading.reasons()


def test_udp_a_port_that_is_taken_is_an_error():
    with udp() as (_, port):
        reading = Reading(UdpSource("udp", "127.0.0.1", port))
        with pytest.raises(InputError, match="take another port"):
            reading.source.run(reading.inbox, reading.stop)


# ------------------------------------------------------------------------------------------------ HTTP


@contextmanager
def listening(most_bytes: int = 8 << 20, **options):
    source = HttpSource("http://:0", "127.0.0.1", 0, **options)
    with Reading(source, most_bytes=most_bytes) as reading:
        wait_for(lambda: source.bound_port)
        yield reading, source.bound_port


def body_of(n: int, start: int = 0) -> bytes:
    messages = [
        {"class": "AIS", "rxuxtime": 1.7e9 + i, "nmea": [s.decode().strip()]} for i, s in enumerate(sentences(n, start))
    ]
    return json.dumps({"protocol": "jsonaiscatcher", "stationid": "Hel 1", "msgs": messages}, indent=1).encode()


def test_http_takes_what_aiscatcher_posts():
    with listening() as (reading, port):
        assert post(port, body_of(3)) == 200
        assert post(port, gzip.compress(body_of(2, 3)), {"Content-Encoding": "gzip"}) == 200
        lines = b"\n".join(
            json.dumps({"class": "AIS", "mmsi": 200_000_005 + i, "type": 1, "lat": 54.0, "lon": 10.0}).encode()
            for i in range(2)
        )
        assert post(port, lines) == 200
        wait_for(lambda: len(reading.rows()) == 7)
        assert mmsis(reading) == list(range(7))
        assert reading.rows()[0]["t"] == 1_700_000_000_000
        assert reading.rows()[6]["t"] > 1_700_000_100_000, "without a time of its own, that of its receipt"
        assert "Hel 1" in reading.inbox.table._names
        assert not reading.reasons()


def test_http_hostile_bodies_are_refused_counted_and_harmless():
    bomb = gzip.compress(b" " * (64 << 20))
    assert len(bomb) < LARGEST_BODY
    with listening() as (reading, port):
        assert post(port, bomb, {"Content-Encoding": "gzip"}) == 413
        assert post(port, bomb[: len(bomb) // 2], {"Content-Encoding": "gzip"}) in (400, 413)
        assert post(port, gzip.compress(body_of(200))[:-20], {"Content-Encoding": "gzip"}) == 400
        assert post(port, b"not gzip at all", {"Content-Encoding": "gzip"}) == 400
        assert post(port, b"x", {"Content-Encoding": "br"}) == 400
        assert post(port, b"x" * (LARGEST_BODY + 1)) == 413
        assert post(port, b"garbage") == 200
        assert post(port, b"[" * 50_000) == 200
        assert post(port, b"1") == 200
        assert post(port, b"", method="GET") == 405
        assert post(port, body_of(1)) == 200
        wait_for(lambda: reading.rows())
        assert {"oversize", "bad_compression", "not_json", "not_an_object"} <= set(reading.reasons())


def test_http_slow_clients_are_cut_off_and_do_not_hold_others_up():
    with listening(headers_s=0.6, body_s=0.6) as (reading, port):
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        for i, client in enumerate(slow):
            client.settimeout(10)
            if i % 3 == 1:
                client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            elif i % 3 == 2:
                client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert post(port, body_of(1)) == 200
        for client in slow:
            with closing(client):
                answer = client.recv(4096)
                assert not answer or b" 408 " in answer or b" 400 " in answer
        wait_for(lambda: reading.rows())


def test_http_token_as_bearer_or_password():
    with listening(token=SecretStr("s3cret")) as (reading, port):
        basic = base64.b64encode(b"station:s3cret").decode()
        assert post(port, body_of(1)) == 401
        assert post(port, body_of(1), {"Authorization": "Bearer wrong"}) == 401
        assert post(port, body_of(1), {"Authorization": "Basic !!!"}) == 401
        assert post(port, body_of(1), {"Authorization": "Bearer s3cret"}) == 200
        assert post(port, body_of(1, 1), {"Authorization": f"Basic {basic}"}) == 200
        wait_for(lambda: len(reading.rows()) == 2)


def test_http_without_room_says_so():
    with listening(most_bytes=1_000, room_s=0.2) as (reading, port):
        assert post(port, body_of(50)) == 200
        assert post(port, body_of(50, 50)) == 503
        assert len(reading.rows()) == 50
        assert post(port, body_of(50, 50)) == 200
        assert len(reading.rows()) == 100


def test_http_more_requests_at_once_than_may_be_are_turned_away():
    body = body_of(1)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (len(body) + 1)
    with listening() as (reading, port):
        waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(MOST_REQUESTS)]
        for client in waiting:
            client.sendall(head + body)
        time.sleep(0.5)
        assert post(port, body) == 503
        for client in waiting:
            client.sendall(b"\n")
            client.settimeout(10)
        for client in waiting:
            with closing(client):
                assert client.recv(4096).startswith(b"HTTP/1.1 200")
        assert post(port, body) == 200
        assert len(reading.rows()) == MOST_REQUESTS + 1


def test_http_nothing_is_unpacked_before_there_is_room(monkeypatch):
    unpacked = []
    monkeypatch.setattr("streams.ingest.http._unpacked", lambda body, _: unpacked.append(body) or body)
    with listening(most_bytes=1_000, room_s=0.1) as (_, port):
        assert post(port, body_of(50)) == 200
        assert post(port, body_of(50, 50)) == 503
    assert len(unpacked) == 1


# ------------------------------------------------------------------------------------------------ websockets


@contextmanager
def websocket_server(*scripts):
    """Each connection gets the next script, a list of messages, and is then closed, all but the last."""
    heard: list[str] = []
    ready, stop, port = threading.Event(), threading.Event(), []

    async def serve(request):
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        script = scripts[min(len(heard_connections), len(scripts) - 1)]
        heard_connections.append(request.path_qs)
        if script and script[0] == "listen":
            heard.append((await connection.receive()).data)
        for message in script:
            if message != "listen":
                await (connection.send_bytes if isinstance(message, bytes) else connection.send_str)(message)
        while len(heard_connections) == len(scripts) and not stop.is_set():
            await asyncio.sleep(0.02)
        return connection

    heard_connections: list[str] = []

    async def run():
        runner = web.ServerRunner(web.Server(serve), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.append(runner.addresses[0][1])
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield port[0], heard, heard_connections
    finally:
        stop.set()
        thread.join(10)


def fast(source):
    source._backoff = Backoff(quick(), first_s=0.01)
    return source


def stream_message(kind: str, fields: dict, time_utc: str = "2022-12-29 18:22:32.318353 +0000 UTC") -> str:
    metadata = {"MMSI": fields["UserID"], "ShipName": "X", "latitude": 1.0, "longitude": 1.0, "time_utc": time_utc}
    return json.dumps({"MessageType": kind, "MetaData": metadata, "Message": {kind: {"Valid": True, **fields}}})


POSITION = {
    "MessageID": 1,
    "UserID": 259_000_420,
    "Latitude": 66.02695,
    "Longitude": 12.25382,
    "Sog": 10.5,
    "Cog": 308.2,
    "TrueHeading": 235,
    "NavigationalStatus": 15,
    "Timestamp": 31,
}
STATIC = {
    "MessageID": 5,
    "UserID": 259_000_420,
    "Name": "AUGUSTSON           ",
    "CallSign": "LEHX   ",
    "ImoNumber": 9_144_263,
    "Type": 30,
    "MaximumStaticDraught": 5.5,
    "Destination": "BODO",
    "Dimension": {"A": 12, "B": 22, "C": 4, "D": 5},
    "Eta": {"Month": 12, "Day": 30, "Hour": 6, "Minute": 0},
}


def test_aisstream_subscribes_and_decodes():
    report_b = {"CallSign": "LESW", "ShipType": 37, "Dimension": {"A": 12, "B": 3, "C": 3, "D": 2}, "Valid": True}
    script = [
        "listen",
        stream_message("PositionReport", POSITION),
        stream_message("ShipStaticData", STATIC).encode(),
        stream_message(
            "StandardClassBPositionReport", {**POSITION, "MessageID": 18, "UserID": 257_000_001, "Sog": 102.3}
        ),
        stream_message("StaticDataReport", {"MessageID": 24, "UserID": 257_702_970, "ReportB": report_b}),
        stream_message("PositionReport", {**POSITION, "UserID": 1, "Valid": False}),
        "garbage",
        "[" * 10_000,
        json.dumps({"MessageType": "PositionReport", "MetaData": 7, "Message": [1]}),
    ]
    with websocket_server(script) as (port, heard, _):
        key = SecretStr("the-key")
        source = aisstream_source(
            "aisstream:", key, quick(), box=(60, 5, 70, 20), url=f"ws://127.0.0.1:{port}/v0/stream"
        )
        with Reading(fast(source)) as reading:
            wait_for(lambda: len(reading.reasons()) >= 4 and len(reading.statics()) == 2)
            assert json.loads(heard[0])["APIKey"] == "the-key"
            assert json.loads(heard[0])["BoundingBoxes"] == [[[60, 5], [70, 20]]]
            first, second = reading.rows()
            assert (first["mmsi"], first["t"], first["msg_type"], first["utc_s"]) == (
                259_000_420,
                1_672_338_152_318,
                1,
                31,
            )
            assert first["sog"] == 10.5
            assert second["msg_type"] == 18
            assert second["sog"] != second["sog"], "102.3 is no speed"
            ship, boat = reading.statics()
            assert (ship["name"], ship["imo"], ship["length_m"], ship["eta"]) == (
                "AUGUSTSON",
                9_144_263,
                34,
                "12-30 06:00",
            )
            assert (ship["ship_type"], ship["draught_m"]) == (30, 5.5)
            assert (boat["call_sign"], boat["ship_type"], boat["beam_m"]) == ("LESW", 37, 5)
            assert "the-key" not in repr(vars(source)) + repr(reading.reasons())


def test_a_websocket_reconnects_after_a_close_a_refusal_and_an_oversize_message():
    good = stream_message("PositionReport", POSITION)
    scripts = [
        ["listen", good],
        ["listen", '{"error":"Api Key Is Not Valid"}'],
        ["listen", json.dumps({"x": "y" * LARGEST_MESSAGE})],
        ["listen", good],
    ]
    with websocket_server(*scripts) as (port, _, connections):
        source = aisstream_source("a", SecretStr("k"), quick(), url=f"ws://127.0.0.1:{port}/")
        with Reading(fast(source)) as reading:
            wait_for(lambda: len(reading.rows()) == 2)
            assert len(connections) == 4
            assert "oversize" in reading.reasons()


def test_signalk_deltas_in_si_units():
    at = "2022-12-29T18:22:32.000Z"
    position = {"path": "navigation.position", "value": {"longitude": 24.7, "latitude": 59.7}}
    script = [
        json.dumps({"name": "server", "version": "1.7.0", "self": "vessels.urn:mrn:imo:mmsi:1", "roles": ["master"]}),
        json.dumps(
            {
                "context": "vessels.urn:mrn:imo:mmsi:230029970",
                "updates": [
                    {
                        "timestamp": at,
                        "values": [
                            position,
                            {"path": "navigation.speedOverGround", "value": 5.144444},
                            {"path": "navigation.courseOverGroundTrue", "value": 3.14159265},
                            {"path": "navigation.headingTrue", "value": 1.57079633},
                            {"path": "navigation.state", "value": "moored"},
                            {"path": "sensors.ais.class", "value": "B"},
                            {"path": "", "value": {"name": "ELLI", "communication": {"callsignVhf": "OH1"}}},
                            {"path": "design.aisShipType", "value": {"id": 37, "name": "Pleasure"}},
                            {"path": "design.length", "value": {"overall": 12.5}},
                        ],
                    },
                    {"timestamp": at, "values": [{"path": "environment.wind.speedTrue", "value": 3}]},
                ],
            }
        ),
        json.dumps({"context": "vessels.urn:mrn:signalk:uuid:1", "updates": [{"timestamp": at, "values": [position]}]}),
        json.dumps(
            {"context": "vessels.urn:mrn:imo:mmsi:2", "updates": [7, {"values": [7, {"path": 3}]}, {"values": 1}]}
        ),
        json.dumps({"foo": 1}),
        "garbage",
    ]
    with websocket_server(script) as (port, _, connections):
        source = fast(signalk_source("signalk", "127.0.0.1", port, quick()))
        with Reading(source) as reading:
            wait_for(lambda: len(reading.reasons()) == 2)
            (row,) = reading.rows()
            assert connections[0].startswith("/signalk/v1/stream?subscribe=all")
            assert (row["mmsi"], row["t"], row["msg_type"], row["nav_status"]) == (
                230_029_970,
                1_672_338_152_000,
                18,
                5,
            )
            assert (round(row["sog"], 3), round(row["cog"], 3), round(row["heading"], 3)) == (10.0, 180.0, 90.0)
            (static,) = reading.statics()
            assert (static["name"], static["call_sign"], static["ship_type"]) == ("ELLI", "OH1", 37)
            assert static["length_m"] == 12.5


# ------------------------------------------------------------------------------------------------ MQTT


class Broker:
    """As much of an MQTT 3.1.1 broker as a subscriber needs; a script of (topic, payload) for each connection."""

    def __init__(self, *scripts, refuse_first: bool = False) -> None:
        self._scripts, self._refuse = scripts, refuse_first
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.subscribed: list[bytes] = []
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.settimeout(10)
            self.connections += 1
            self._packet(client)  # CONNECT
            if self._refuse:
                self._refuse = False
                client.sendall(b"\x20\x02\x00\x05")
                client.close()
                continue
            client.sendall(b"\x20\x02\x00\x00")
            subscribe = self._packet(client)
            self.subscribed.append(subscribe)
            client.sendall(b"\x90\x04" + subscribe[:2] + b"\x00\x00")
            at = len(self.subscribed) - 1
            for topic, payload in self._scripts[min(at, len(self._scripts) - 1)]:
                body = len(topic).to_bytes(2, "big") + topic + payload
                client.sendall(b"\x30" + self._length(len(body)) + body)
            if at < len(self._scripts) - 1:
                client.close()
            else:
                self._held = client

    def _packet(self, client: socket.socket) -> bytes:
        client.recv(1)
        length = shift = 0
        while True:
            (byte,) = client.recv(1)
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        body = b""
        while len(body) < length:
            body += client.recv(length - len(body))
        return body

    def _length(self, n: int) -> bytes:
        out = bytearray()
        while True:
            n, low = divmod(n, 128)
            out.append(low | (128 if n else 0))
            if not n:
                return bytes(out)

    def close(self) -> None:
        self._listener.close()


LOCATION = {"time": 1668075025, "sog": 10.7, "cog": 326.6, "navStat": 0, "posAcc": True, "raim": False, "heading": 325}
LOCATION |= {"lon": 20.345818, "lat": 60.03802}
METADATA = {
    "timestamp": 1668075026035,
    "name": "ARUNA CIHAN",
    "callSign": "V7WW7",
    "imo": 9543756,
    "type": 70,
    "refA": 160,
}
METADATA |= {"refB": 33, "refC": 20, "refD": 12, "draught": 68, "eta": 733376, "posType": 15, "destination": "UST LUGA"}


def test_mqtt_digitraffic_reads_and_reconnects():
    first = [
        (b"vessels-v2/230123000/location", json.dumps(LOCATION).encode()),
        (b"vessels-v2/538007561/metadata", json.dumps(METADATA).encode()),
        (b"vessels-v2/1/location", b"garbage\n{"),
        (b"vessels-v2/1/location", b"x" * (LARGEST_MESSAGE + 1)),
    ]
    second = [(b"vessels-v2/230123001/location", json.dumps(LOCATION).encode())]
    with closing(Broker(first, second, refuse_first=True)) as broker:
        source = fast(MqttSource("mqtt", "127.0.0.1", broker.port, quick()))
        with Reading(source) as reading:
            wait_for(lambda: len(reading.rows()) == 2)
            assert [row["mmsi"] for row in reading.rows()] == [230_123_000, 230_123_001]
            assert reading.rows()[0]["t"] == 1_668_075_025_000
            assert round(reading.rows()[0]["sog"], 3) == 10.7
            (static,) = reading.statics()
            assert (static["mmsi"], static["name"], static["length_m"]) == (538_007_561, "ARUNA CIHAN", 193)
            assert sorted(reading.reasons()) == ["not_json", "oversize"]
            assert b"vessels-v2/+/location" in broker.subscribed[0]
            assert broker.connections == 3


# ------------------------------------------------------------------------------------------------ files


def watched(path: Path) -> DirectorySource:
    return DirectorySource(str(path), path, look_s=0.02, settle_s=0.1)


def csv_rows(start: int, n: int) -> str:
    return "".join(f"{200_000_000 + i},2020-01-01T00:00:{i:02d},54.0,10.0,5.0,90.0\n" for i in range(start, start + n))


def test_a_directory_is_watched_for_new_growing_and_rotated_files(tmp_path):
    log = tmp_path / "ais.nmea"
    timed = [tagged(b"c:1600000000", line) for line in sentences(40)]
    log.write_bytes(b"".join(timed[:3]))
    with Reading(watched(tmp_path)) as reading:
        wait_for(lambda: len(reading.rows()) == 3)
        with log.open("ab") as appended:
            appended.write(timed[3] + timed[4][:20])
            appended.flush()
            wait_for(lambda: len(reading.rows()) == 4)
            appended.write(timed[4][20:])
        wait_for(lambda: len(reading.rows()) == 5)
        log.rename(tmp_path / "ais.nmea.1")
        with (tmp_path / "ais.nmea.1").open("ab") as appended:
            appended.write(timed[5])
        log.write_bytes(b"".join(timed[6:8]))
        wait_for(lambda: len(reading.rows()) == 8)
        log.write_bytes(timed[8])  # truncated: shorter than before
        wait_for(lambda: len(reading.rows()) == 9)
        compressed = tmp_path / "ais.nmea.1.gz"
        compressed.write_bytes(gzip.compress((tmp_path / "ais.nmea.1").read_bytes()))
        (tmp_path / "ais.nmea.1").unlink()
        (tmp_path / "old.nmea.gz").write_bytes(gzip.compress(b"".join(timed[9:12])))
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "day.csv").write_text("mmsi,timestamp,lat,lon,sog,cog\n" + csv_rows(12, 3))
        (tmp_path / ".hidden").write_bytes(timed[39])
        wait_for(lambda: len(reading.rows()) == 15)
        with (tmp_path / "sub" / "day.csv").open("a") as appended:
            appended.write(csv_rows(15, 2))
        wait_for(lambda: len(reading.rows()) == 17)
        (tmp_path / "noise.bin").write_bytes(os.urandom(3000) + b"\n")
        wait_for(lambda: reading.reasons())
        time.sleep(0.3)
        assert sorted(mmsis(reading)) == list(range(17)), "each once"


def test_another_file_with_the_inode_of_one_that_is_gone_is_read_from_its_beginning(tmp_path):
    timed = [tagged(b"c:%d" % (1_600_000_000 + i), line) for i, line in enumerate(sentences(9))]
    log = tmp_path / "ais.nmea"
    log.write_bytes(b"".join(timed[:2]))
    with Reading(watched(tmp_path)) as reading:
        wait_for(lambda: len(reading.rows()) == 2)
        with log.open("r+b") as rewritten:  # the same inode, other and more bytes
            rewritten.write(b"".join(timed[2:9]))
        wait_for(lambda: len(reading.rows()) == 9)
        assert mmsis(reading) == list(range(9))


def test_after_a_restart_files_that_were_read_are_read_on(tmp_path):
    timed = [tagged(b"c:1600000000", line) for line in sentences(6)]
    old, new, table = tmp_path / "old.nmea", tmp_path / "new.nmea", tmp_path / "old.csv"
    old.write_bytes(b"".join(timed[:2]))
    table.write_text("mmsi,timestamp,lat,lon,sog,cog\n" + csv_rows(40, 3))
    for path in (old, table):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    new.write_bytes(b"".join(tagged(b"c:1660000000", line) for line in sentences(2, 2)))
    reading = Reading(watched(tmp_path))
    reading.inbox.since_ms = 1_650_000_000_000
    with reading:
        wait_for(lambda: len(reading.rows()) == 2)
        with old.open("ab") as appended:
            appended.write(timed[4])
        with table.open("a") as appended:
            appended.write(csv_rows(50, 1))
        wait_for(lambda: len(reading.rows()) == 4)
        assert sorted(mmsis(reading)) == [2, 3, 4, 50]


def test_after_a_restart_what_was_read_before_is_counted_and_not_told_again(tmp_path):
    since_ms = 1_600_000_010_000
    timed = [tagged(b"c:%d" % (1_600_000_000 + i), line) for i, line in enumerate(sentences(20))]
    (tmp_path / "log.nmea").write_bytes(b"".join(timed[:15]))
    (tmp_path / "day.nmea.gz").write_bytes(gzip.compress(b"".join(timed[:12])))
    reading = Reading(watched(tmp_path))
    reading.inbox.since_ms = since_ms
    with reading:
        wait_for(lambda: len(reading.rows()) == 5 + 2)
        with (tmp_path / "log.nmea").open("ab") as appended:
            appended.write(timed[3] + timed[15])  # late, and said to be
        (tmp_path / "new.nmea").write_bytes(timed[4])
        wait_for(lambda: len(reading.rows()) == 5 + 2 + 3)
        assert not reading.reasons()
        assert sum(chunk.reject_counts.get("read_before", 0) for chunk in reading.chunks) == 10 + 10


def test_a_file_older_than_the_log_is_said_to_be_passed_over(tmp_path, caplog):
    caplog.set_level("INFO")
    old = tmp_path / "old.nmea"
    old.write_bytes(b"".join(sentences(1)))
    os.utime(old, (1_600_000_000, 1_600_000_000))
    reading = Reading(watched(tmp_path))
    reading.inbox.since_ms = 1_650_000_000_000
    with reading:
        wait_for(lambda: "old.nmea is older than" in caplog.text)
    assert not reading.rows()


def test_only_what_has_the_name_of_a_log_and_a_dot_is_its_rotation(tmp_path):
    timed = [tagged(b"c:1600000000", line) for line in sentences(3)]
    (tmp_path / "ais").write_bytes(timed[0])
    with Reading(watched(tmp_path)) as reading:
        wait_for(lambda: len(reading.rows()) == 1)
        (tmp_path / "ais.1.gz").write_bytes(gzip.compress(timed[1]))
        (tmp_path / "aisle.gz").write_bytes(gzip.compress(timed[2]))
        wait_for(lambda: len(reading.rows()) == 2)
        time.sleep(0.3)
        assert sorted(mmsis(reading)) == [0, 2]


def test_lines_appended_without_a_time_get_that_of_their_reading(tmp_path):
    log = tmp_path / "live.nmea"
    lines = list(sentences(3))
    log.write_bytes(lines[0])
    with Reading(watched(tmp_path), clock_ms=lambda: 1_700_000_000_000) as reading:
        wait_for(lambda: reading.reasons() == ["no_time"])
        with log.open("ab") as appended:
            appended.write(lines[1] + lines[2])
        wait_for(lambda: len(reading.rows()) == 2)
        assert {row["t"] for row in reading.rows()} == {1_700_000_000_000}


def test_a_file_is_read_to_its_end(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text("mmsi,timestamp,lat,lon,sog,cog\n" + csv_rows(0, 5))
    reading = Reading(FileSource("day", path))
    reading.source.run(reading.inbox, reading.stop)
    assert mmsis(reading) == list(range(5))
    for number, spoil in enumerate((lambda: path.write_bytes(b"\x00\x01"), path.unlink), 1):
        spoil()
        reading.source.run(reading.inbox, reading.stop)
        assert reading.reasons() == ["unreadable"] * number
        assert "day.csv" in reading.inbox.last_error


# ------------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("tcp://example.org:4001", TcpSource),
        ("tcp://[::1]:4001", TcpSource),
        ("udp://:10110", UdpSource),
        ("http://127.0.0.1:8080", HttpSource),
        ("digitraffic:", MqttSource),
        ("mqtt://broker.example", MqttSource),
        ("mqtt+wss://user@broker.example/mqtt", MqttSource),
        ("signalk://boat.local", object),
        ("aisstream:", object),
        ("aisstream:5,90,15,100", object),
        (".", DirectorySource),
        (__file__, FileSource),
    ],
)
def test_addresses_become_sources(uri, kind):
    source = open_source(uri, environment={"MARITIME_AISSTREAM_KEY": "k"}, rng=quick())
    assert isinstance(source, kind)
    assert source.name == uri


@pytest.mark.parametrize(
    "uri",
    [
        *("tcp://host", "tcp://:1", "tcp://host:99999", "tcp://host:x", "udp://host", "http://:1/path", "ftp://host:1"),
        *(
            "mqtt://",
            "mqtt://user:secret@host",
            "signalk://",
            "aisstream:1,2,3",
            "aisstream:9,9,8,8",
            "aisstream:a,b,c,d",
        ),
        *("digitraffic:x", "no/such/path", "", "tcp:host:1", "\x00", "http://u:p@:80", "x" * 5_000),
    ],
)
def test_addresses_that_are_none(uri):
    with pytest.raises(UsageError) as told:
        open_source(uri, environment={"MARITIME_AISSTREAM_KEY": "k"}, rng=quick())
    assert "secret" not in str(told.value)


def test_without_a_host_a_listener_is_for_this_machine_alone():
    for uri in ("udp://:0", "http://:0"):
        source = open_source(uri, environment={}, rng=quick())
        with Reading(source):
            wait_for(lambda source=source: source.bound_port)
            connected = socket.SOCK_DGRAM if uri.startswith("udp") else socket.SOCK_STREAM
            with closing(socket.socket(socket.AF_INET, connected)) as other:
                other.bind(("127.0.0.2", source.bound_port))  # taken, if it listened on all addresses
    assert open_source("udp://0.0.0.0:1", environment={}, rng=quick())._address == ("0.0.0.0", 1)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "[::]", "station.example"])
def test_others_may_post_with_a_token_only(host):
    with pytest.raises(ConfigurationError, match="MARITIME_HTTP_TOKEN"):
        open_source(f"http://{host}:80", environment={}, rng=quick())
    assert open_source(f"http://{host}:80", environment={"MARITIME_HTTP_TOKEN": "t"}, rng=quick())
    for own in ("", "localhost", "127.0.0.1", "[::1]"):
        assert open_source(f"http://{own}:80", environment={}, rng=quick())


def test_the_key_comes_from_the_environment_or_a_file(tmp_path):
    with pytest.raises(ConfigurationError, match="MARITIME_AISSTREAM_KEY"):
        open_source("aisstream:", environment={}, rng=quick())
    file = tmp_path / "key"
    file.write_text("  abc\n")
    assert open_source("aisstream:", environment={"MARITIME_AISSTREAM_KEY_FILE": str(file)}, rng=quick())
    file.write_text("\n")
    for wrong in (
        {"MARITIME_AISSTREAM_KEY_FILE": str(file)},
        {"MARITIME_AISSTREAM_KEY_FILE": str(tmp_path / "none")},
        {"MARITIME_AISSTREAM_KEY_FILE": str(file), "MARITIME_AISSTREAM_KEY": "x"},
    ):
        with pytest.raises(ConfigurationError):
            open_source("aisstream:", environment=wrong, rng=quick())
