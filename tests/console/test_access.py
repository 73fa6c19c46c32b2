"""Who gets in, and what anybody else learns: nothing."""

import json
import logging
import os
import socket
import ssl
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import requests
import trustme

from maritime.console.rate_limit import RateLimit
from maritime.console.taxii import collection_id
from maritime.console.tokens import Tokens, new_token
from maritime.errors import ConfigurationError, UsageError
from maritime.units import DAY_MS
from tests.console.house import ALERT, LONGER, NONE_AFTER_ALL, alert

SECURITY = ("Cache-Control", "Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options")
UNKNOWN = "/no/such/path"


def paths_of(house, name="now"):
    """Every kind of path there is, for a copy of a partner."""
    copy = json.loads(next(p for p in house.publisher.desk.outbox(1000) if p.partner == name).envelope)
    alert_id, collection = copy["alert_id"], collection_id("nmc.example", name, "actual")
    general = [
        "/taxii2/",
        "/taxii2/alerts/",
        "/taxii2/alerts/collections/",
        "/taxii2/alerts/collections/actual/",
        "/taxii2/alerts/collections/actual/manifest/",
        "/taxii2/alerts/collections/actual/objects/",
        "/features",
        "/features/api",
        "/features/conformance",
        "/features/collections",
        "/features/collections/actual",
        "/features/collections/actual/items",
        "/cap/feed.atom",
        "/events",
        "/feedback",
        "/.well-known/jwks.json",
    ]
    own = [
        f"/taxii2/alerts/collections/{collection}/",
        f"/taxii2/alerts/collections/{collection}/manifest/",
        f"/taxii2/alerts/collections/{collection}/objects/",
        f"/taxii2/alerts/collections/{collection}/objects/incident--{alert_id}/",
        f"/taxii2/alerts/collections/{collection}/objects/incident--{alert_id}/versions/",
        f"/taxii2/alerts/collections/actual/objects/incident--{alert_id}/",
        f"/features/collections/actual/items/{alert_id}",
        f"/cap/{alert_id}/0.cap",
        f"/receipts/{alert_id}/0",
    ]
    return general, own, alert_id


def told(answer):
    """All that an answer tells, but for when it was."""
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k != "Date"}


@pytest.fixture
def full(house):
    house.take(ALERT, alert(1))
    house.sign_head()
    return house


def test_who_has_a_token_reads_every_path(full):
    general, own, _ = paths_of(full)
    for path in general + own:
        assert full.get(path).status_code == 200, path
        assert full.get(path, method="HEAD").content == b""


@pytest.mark.parametrize("name", [None, "wrong" * 9, "", "é", "\udcff", "x" * 5_000])
def test_without_a_token_every_path_is_the_same(full, name):
    general, own, _ = paths_of(full)
    header = {} if name is None else {"Authorization": f"Bearer {name}".encode("utf-8", "surrogateescape")}
    for prefix in ("/taxii2/", "/"):
        answers = [
            full.get(path, None, headers=header)
            for path in [*general, *own, UNKNOWN, "/taxii2/unknown"]
            if path.startswith("/taxii2/") == (prefix == "/taxii2/")
        ]
        assert {answer.status_code for answer in answers} == {401}
        assert len({repr(told(answer)) for answer in answers}) == 1
        assert "Bearer" in answers[0].headers["WWW-Authenticate"]


def test_another_partners_token_finds_nothing_of_it_anywhere(full):
    general, own, alert_id = paths_of(full)
    everything = "".join(full.get(path, "also").text for path in general)
    assert alert_id not in everything
    assert paths_of(full, "also")[2] in everything  # it has its own copy, under its own number
    for path in own:
        answer = full.get(path, "also")
        nowhere = path.replace(alert_id, "00000000-0000-4000-8000-000000000000")
        nowhere = nowhere.replace(collection_id("nmc.example", "now", "actual"), "00000000-0000-4000-8000-000000000000")
        assert answer.status_code == 404, path
        assert told(answer) == told(full.get(nowhere, "also")), path


def test_nothing_replayed_stands_among_what_is_actual(house):
    """Told at once, updated, waiting for its hour, and cancelled: a replay leads to exercises alone, by every path."""
    house.take(ALERT)
    general, own, _ = paths_of(house)
    before = [told(house.get(path)) for path in general + own]
    for news in (ALERT, alert(7), LONGER, NONE_AFTER_ALL):
        house.take(news, status="exercise")
    house.publisher.release_due(house.clock_ms + 30 * DAY_MS)
    assert {each.channel for each in house.publisher.desk.outbox() if each.partner == "now"} == {"actual", "exercise"}
    assert [told(house.get(path)) for path in general + own] == before
    replayed = [json.loads(p.envelope)["alert_id"] for p in house.publisher.desk.outbox() if p.channel == "exercise"]
    assert len(set(replayed)) >= 2
    for alert_id in replayed:
        for path in (
            f"/taxii2/alerts/collections/actual/objects/incident--{alert_id}/",
            f"/features/collections/actual/items/{alert_id}",
        ):
            assert house.get(path).status_code == 404
        assert b"<status>Exercise</status>" in house.get(f"/cap/{alert_id}/0.cap").content
        for path in (f"/cap/{alert_id}/0.cap", "/events?channel=exercise", "/cap/exercise.atom"):
            assert house.get(path, "also").status_code == 404  # takes no exercises


def test_the_partner_whose_copies_wait_has_nothing_yet(full):
    _, own, alert_id = paths_of(full)
    for path in own:
        assert full.get(path, "late").status_code == 404, path
    assert full.get("/events", "late").content == b""
    assert full.get("/features/collections/actual/items", "late").json()["features"] == []
    assert alert_id not in full.get("/cap/feed.atom", "late").text


@pytest.mark.parametrize("change", [{"until": "2026-03-13"}, {"since": "2026-03-15"}])
def test_after_and_before_an_agreement_there_is_nothing(full, change):
    general, own, alert_id = paths_of(full)
    full.policy["partners"]["now"]["agreement"] |= change
    full.write_policy()
    for path in [*general, *own, UNKNOWN]:
        answer = full.get(path)
        assert (answer.status_code, alert_id in answer.text) == (403, False), path
    assert full.get("/events", "also").status_code == 200


def test_the_last_day_of_an_agreement_counts(full):
    full.policy["partners"]["now"]["agreement"]["until"] = "2026-03-14"
    full.write_policy()
    assert full.get("/events").status_code == 200


def test_who_is_no_partner_of_the_policy_gets_nothing(full):
    general, own, _ = paths_of(full)
    assert {full.get(path, "nobody").status_code for path in [*general, *own, UNKNOWN]} == {403}


def test_under_a_policy_that_is_bad_nobody_gets_anything_until_it_is_mended(full):
    good = (full.folder / "policy.yaml").read_bytes()
    (full.folder / "policy.yaml").write_text("policy: [broken")
    assert {full.get(path).status_code for path in paths_of(full)[0]} == {503}
    (full.folder / "policy.yaml").unlink()
    assert full.get("/events").status_code == 503
    (full.folder / "policy.yaml").write_bytes(good)
    assert full.get("/events").status_code == 200


def test_a_revoked_token_is_nobodys_at_once_and_a_new_one_counts_beside_the_old(full):
    new = full.add_token("now")
    assert {full.get("/events", each).status_code for each in ("now", new)} == {200}
    lines = (full.folder / "tokens").read_text().splitlines(keepends=True)
    (full.folder / "tokens").write_text("".join(lines[1:]))  # the first was now's
    assert (full.get("/events", "now").status_code, full.get("/events", new).status_code) == (401, 200)


def test_basic_has_the_partner_as_user_and_the_token_as_password(full):
    def status(user, password):
        return requests.get(f"{full.url}/events", auth=(user, password), timeout=5).status_code

    assert status("now", full.tokens["now"]) == 200
    assert status("also", full.tokens["now"]) == status("now", "") == status("", full.tokens["now"]) == 401
    for nonsense in ("Basic !!!", "Basic", "Digest x", "Bearer", "basic " + "A" * 999):
        assert full.get("/events", None, headers={"Authorization": nonsense}).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_written(full, method):
    for path in ("/events", "/features", "/cap/feed.atom", "/.well-known/jwks.json", "/taxii2/"):
        answer = full.get(path, method=method)
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET,HEAD"
    assert full.get("/events", None, method=method).status_code == 401


def test_every_answer_has_the_headers_that_keep_it_safe(full):
    answers = [full.get("/events"), full.get("/events", None), full.get(UNKNOWN), full.get("/events", method="PUT")]
    for answer in answers:
        assert all(name in answer.headers for name in SECURITY)
        assert answer.headers["Server"] == "maritime"
        assert "Strict-Transport-Security" not in answer.headers  # not over TLS


def raw(house, content, port=None, wait_s=5.0):
    """What the server says to some bytes, until it hangs up; None when it does not."""
    with socket.create_connection(("127.0.0.1", port or house.port), timeout=wait_s) as connection:
        try:
            connection.sendall(content)
            said = b""
            while piece := connection.recv(65_536):
                said += piece
            return said
        except TimeoutError:
            return None
        except ConnectionError:
            return b""


def asked(house, path, extra=""):
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.tokens['now']}\r\nConnection: close\r\n"
    return (head + extra + "\r\n").encode()


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/cap/../../etc/passwd",
        "/cap/%2e%2e/%2e%2e/etc/passwd",
        "/cap/..%2f..%2ftokens/0.cap",
        "//tokens",
        "/features/collections/..%2f..%2ftokens/items",
        "/taxii2/alerts/collections/%00/objects/",
        "/receipts/' OR 1=1 --/0",
        "/events%0d%0aSet-Cookie:x",
        "http://other.example/events",
        "*",
    ],
)
def test_no_path_leads_out(full, path):
    said = raw(full, asked(full, path))
    assert said is not None
    assert b"root:" not in said
    assert full.tokens["now"].encode() not in said
    assert b"\r\nSet-Cookie" not in said
    status = int(said.split()[1])
    assert status in (400, 404) or (status == 200 and path.startswith("http"))  # RFC 9112: an absolute form


def test_what_is_too_large_is_turned_away_and_the_connection_closed(full):
    for extra in ("Content-Length: 999999999999\r\n", "Transfer-Encoding: chunked\r\n"):
        assert b" 413 " in raw(full, asked(full, "/events", extra)).splitlines()[0]
    put = asked(full, "/events", "Content-Length: 9999999\r\n").replace(b"GET", b"PUT", 1)
    assert b" 405 " in raw(full, put).splitlines()[0]
    assert raw(full, asked(full, "/events", f"X: {'x' * 100_000}\r\n"))[9:12] in (b"400", b"")
    assert raw(full, asked(full, f"/events?{'x' * 100_000}"))[9:12] in (b"400", b"414", b"")
    assert full.get("/events").status_code == 200


def test_who_dawdles_is_cut_off_and_holds_up_nobody(build):
    house = build(headers_s=0.3).start()
    house.take(ALERT)
    slow = [socket.create_connection(("127.0.0.1", house.port), timeout=5) for _ in range(40)]
    for connection in slow:
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n")
    began_s = time.monotonic()
    assert house.get("/events").status_code == 200
    assert time.monotonic() - began_s < 1
    for connection in slow:
        with suppress(ConnectionError):
            assert connection.recv(10) == b""
        connection.close()
    assert time.monotonic() - began_s < 3


def test_a_bucket_fills_at_its_pace_and_each_has_its_own():
    rate = RateLimit(per_minute=60, burst=3)
    assert [rate.take("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 1.0]
    assert rate.take("b", 0.0) == 0.0
    assert rate.take("a", 0.5) == pytest.approx(0.5)
    assert rate.take("a", 1.0) == 0.0
    assert rate.take("a", 1.0) > 0.0
    assert [rate.take("a", 1000.0) for _ in range(4)] == [0.0, 0.0, 0.0, 1.0]  # it holds no more than the burst


def test_who_asks_too_often_waits_and_nobody_else_does(build):
    house = build(per_minute=1, burst=3).start()
    house.take(ALERT)
    assert [house.get("/events").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert 1 <= int(house.get(UNKNOWN).headers["Retry-After"]) <= 60
    assert house.get("/events", "also").status_code == 200


@pytest.mark.parametrize(
    "host", ["", "Host: \r\n", "Host: a b\r\n", "Host: x/y\r\n", "Host: [::1\r\n", "Host: x:y\r\n"]
)
def test_without_a_host_there_is_no_answer(full, host):
    content = asked(full, "/cap/feed.atom").replace(b"Host: x\r\n", host.encode())
    said = raw(full, content)
    assert b" 400 " in said.splitlines()[0]
    assert socket.getfqdn().encode() not in said


def test_the_request_line_names_no_other_host(full):
    """An absolute form (RFC 9112 section 3.2.2) would else put any host into the links."""
    said = [raw(full, asked(full, f"{host}/features")) for host in ("http://x", "http://other.example", "ftp://y%0a")]
    assert [each.split()[1] for each in said] == [b"200", b"400", b"400"]
    assert b"http://x/features" in said[0]


def test_who_begins_tls_and_no_more_is_cut_off(build, certificates):
    house = build(headers_s=0.3).start(tls=certificates.tls)
    began_s = time.monotonic()
    assert raw(house, b"\x16\x03\x01\x02") == b""
    assert time.monotonic() - began_s < 3


def test_who_does_not_take_its_answer_is_cut_off(build):
    house = build(headers_s=0.5).start()
    house.take(*(alert(number) for number in range(150)))
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.connect(("127.0.0.1", house.port))
        many = 30  # one fits into the buffers of the operating system
        slow.sendall(asked(house, "/events?limit=500").replace(b"Connection: close\r\n", b"") * many)
        time.sleep(1.5)
        slow.settimeout(5)  # it is closed: there is an end
        taken = b""
        with suppress(ConnectionError):
            while piece := slow.recv(65_536):
                taken += piece
    assert len(taken) < many * len(house.get("/events?limit=500").content)
    assert not taken.endswith(b"\n")  # in the middle: what was left to send is not kept


def test_it_is_logged_who_asked_for_what_kind_of_thing(full, caplog):
    caplog.set_level(logging.INFO)
    _, own, _ = paths_of(full)
    full.get(own[-2])
    full.get("/events", None)
    asked_for = [record.fields for record in caplog.records if record.message == "asked"]
    assert [(each["partner"], each["what"], each["status"]) for each in asked_for] == [
        ("now", "/cap/{alert_id}/{revision}.cap", 200),
        (None, "/events", 401),
    ]


def test_strangers_cannot_fill_the_log(full, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(100):
        full.get("/events", None)
    assert len([record for record in caplog.records if record.message == "asked"]) < 70


def test_no_log_tells_a_token_or_a_copy(full, caplog):
    caplog.set_level(logging.DEBUG)
    _, own, alert_id = paths_of(full)
    full.get("/events")
    full.get(own[-1])
    raw(full, asked(full, "/events", f"X: {full.tokens['now']}\x00\r\n"))  # what the library cannot read
    raw(full, asked(full, "/events", f"Authorization: Bearer {full.tokens['now'] * 300}\r\n"))
    (full.folder / "policy.yaml").write_text("policy: [broken")
    full.get("/events")
    assert "cannot_answer" in caplog.text
    logged = "".join(
        record.getMessage() + repr(record.__dict__) for record in caplog.records if "urllib3" not in record.name
    )
    assert full.tokens["now"] not in logged
    assert alert_id not in logged


class Certificates:
    """Two authorities; the server's certificate is of the first."""

    def __init__(self, folder):
        self.ca, self.other, self.folder = trustme.CA(), trustme.CA(), folder
        self.ca.cert_pem.write_to_path(folder / "ca.pem")
        server = self.ca.issue_cert("127.0.0.1")
        server.private_key_pem.write_to_path(folder / "server.key")
        for each in server.cert_chain_pems:
            each.write_to_path(folder / "server.pem", append=True)

    def of(self, name, by=None, **more):
        path = self.folder / f"{name}-{id(by)}.pem"
        issued = (by or self.ca).issue_cert("client.example", common_name=name, **more)
        path.write_bytes(issued.private_key_and_cert_chain_pem.bytes())
        return str(path)

    @property
    def tls(self):
        return self.folder / "server.pem", self.folder / "server.key", self.folder / "ca.pem"


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


def test_a_client_certificate_is_enough_and_must_be_of_the_right_authority(build, certificates):
    house = build().start(tls=certificates.tls, with_tokens=False)
    house.take(ALERT)
    url, verify = f"https://127.0.0.1:{house.port}/events", str(certificates.folder / "ca.pem")

    def get(cert, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(url, cert=cert, verify=verify, headers=headers, timeout=5)

    answer = get(certificates.of("now"))
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"]
    (sent,) = [p for p in house.publisher.desk.outbox() if p.partner == "now"]
    assert json.loads(answer.content)["data"] == json.loads(sent.envelope)
    assert get(certificates.of("stranger")).status_code == 403
    for cert in (None, certificates.of("now", by=certificates.other)):
        with pytest.raises(requests.exceptions.ConnectionError):
            get(cert)
    assert get(certificates.of("now"), house.tokens["now"]).status_code == 401  # no tokens are known here
    over = certificates.of("now", not_after=datetime.now(UTC) - timedelta(days=1))
    with pytest.raises(requests.exceptions.ConnectionError):
        get(over)


def test_certificate_and_token_must_say_the_same(build, certificates):
    house = build().start(tls=certificates.tls)
    url, verify = f"https://127.0.0.1:{house.port}/events", str(certificates.folder / "ca.pem")

    def status(cert, token):
        headers = {"Authorization": f"Bearer {house.tokens[token]}"} if token else {}
        return requests.get(url, cert=cert, verify=verify, headers=headers, timeout=5).status_code

    now = certificates.of("now")
    assert (status(now, None), status(None, "now"), status(now, "now")) == (200, 200, 200)
    assert (status(now, "also"), status(None, None)) == (401, 401)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_tls_and_no_tls_get_nothing(build, certificates):
    house = build().start(tls=certificates.tls)
    assert raw(house, asked(house, "/events")) in (b"", None)
    context = ssl.create_default_context(cafile=str(certificates.folder / "ca.pem"))
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", house.port), timeout=5) as connection,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        context.wrap_socket(connection, server_hostname="127.0.0.1")


@pytest.mark.parametrize(
    "line", ["now", "now abc", "Now " + "a" * 64, "now " + "g" * 64, "now " + "a" * 64 + " more", "../x " + "a" * 64]
)
def test_a_line_that_is_no_token_stops_it(tmp_path, line):
    (tmp_path / "tokens").write_text(f"# tokens\n\n{line}\n")
    with pytest.raises(ConfigurationError, match="tokens:3: "):
        Tokens.read(tmp_path / "tokens")


def test_tokens_are_long_and_only_their_hash_is_kept():
    token, line = new_token("now", os.urandom(32))
    assert len(token) == 43
    assert token not in line
    with pytest.raises(UsageError, match="no partner's name"):
        new_token("No Name\n", os.urandom(32))
