"""Webhooks against a receiver that fails as receivers do."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from prometheus_client import CollectorRegistry
from pydantic import SecretBytes, ValidationError

from maritime.console.given_up import GivenUp
from maritime.console.watched import Watched
from maritime.console.webhook_settings import Hook, is_public, load_webhooks
from maritime.console.webhooks import Clocks, PrivateAddressError, Webhooks, _Guard, signature
from maritime.errors import ConfigurationError, InputError
from maritime.sharing.formats.cloudevent import FORMAT
from maritime.sharing.policy_file import load_policy
from maritime.units import DAY_MS
from streams.observe.webhook_metrics import WebhookMetrics
from tests.cli.running import maritime
from tests.console.house import ALERT, LONGER, NONE_AFTER_ALL, alert

SECRET = bytes(range(32))
METRICS = ("told_total", "not_taken_total", "given_up")


class Receiver(ThreadingHTTPServer):
    """Answers each path as told, the last answer for ever, and keeps what came."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.came = {}, []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def taken(self, path):
        return [json.loads(body) for at, status, _, body in self.came if at == path and status == 200]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = self.server.answers.get(self.path, [200])
        status = told.pop(0) if len(told) > 1 else told[0]
        if status == "hang":
            time.sleep(20)
            return
        self.server.came.append((self.path, status, dict(self.headers), body))
        if status == "drop":
            return
        self.send_response(status)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.shutdown()
    server.server_close()


def settings_file(house, receiver, hooks, **more):
    """Settings with a hook for each partner, by the path that it is told at."""
    (house.folder / "secret").write_text("whsec_" + base64.b64encode(SECRET).decode())
    (house.folder / "secret").chmod(0o600)
    made = {
        name: {"url": f"http://127.0.0.1:{receiver.server_port}{path}", "secret_file": "secret"}
        for name, path in hooks.items()
    }
    path = house.folder / "webhooks.yaml"
    path.write_text(yaml.safe_dump({"state": "told.json", "hooks": made, **more}))
    return path


@contextmanager
def telling(house, receiver, hooks, waits=None, step_ms=0, host="127.0.0.1", **more):
    """Webhooks at work; waiting takes a hundredth of a second and moves the clock by `step_ms` per second waited."""
    waits = [] if waits is None else waits
    path = settings_file(house, receiver, hooks, **more)
    path.write_text(path.read_text().replace("127.0.0.1", host))
    settings, secrets = load_webhooks(path)

    async def wait(seconds):
        waits.append(seconds)
        house.clock_ms += round(seconds * step_ms)
        await asyncio.sleep(0.01)

    policy = Watched(house.folder / "policy.yaml", load_policy)
    clocks = Clocks(lambda: house.clock_ms, wait, lambda: 1.0)
    work = Webhooks(settings, secrets, house.reader(), policy, clocks)
    over = threading.Event()

    async def run():
        task = asyncio.create_task(work.run())
        while not over.is_set() and not task.done():
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield work
    finally:
        over.set()
        thread.join(10)


def until(condition, within_s=5.0):
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.01)


def test_each_copy_comes_signed_in_order_as_a_cloudevent(build, receiver):
    house = build()
    house.take(*(alert(number) for number in range(3)))
    with telling(house, receiver, {"now": "/now"}):
        until(lambda: len(receiver.taken("/now")) == 3)
        house.take(alert(9))
        until(lambda: len(receiver.taken("/now")) == 4)
    assert [int(each["sequence"]) for each in receiver.taken("/now")] == [1, 2, 3, 4]
    for _, _, headers, body in receiver.came:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert int(headers["webhook-timestamp"]) == house.clock_ms // 1000
        assert headers["Content-Type"] == "application/cloudevents+json"
        assert "Cookie" not in headers
        assert FORMAT.parse(body).jws
    assert len({headers["webhook-id"] for _, _, headers, _ in receiver.came}) == 4


def test_nothing_replayed_is_told_where_the_actual_is(build, receiver):
    house = build()
    for news in (ALERT, LONGER, NONE_AFTER_ALL):
        house.take(news, status="exercise")
    house.take(alert(1))
    with telling(house, receiver, {"now": "/now", "also": "/also"}):
        until(lambda: receiver.taken("/now") and receiver.taken("/also"))
        time.sleep(0.2)
    for path in ("/now", "/also"):
        assert [(each["alertstatus"], each["sequence"][-1]) for each in receiver.taken(path)] == [("actual", "1")]


def test_the_signature_is_that_of_the_standard():
    """The example of the specification of Standard Webhooks."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected


def test_what_fails_is_tried_again_later_each_time_and_nothing_overtakes_it(build, receiver):
    house, waits = build(), []
    house.take(alert(1), alert(2))
    receiver.answers["/now"] = [500, 307, 404, "drop", 302, 200]
    with telling(house, receiver, {"now": "/now"}, waits):
        until(lambda: len(receiver.taken("/now")) == 2)
    assert [int(each["sequence"]) for each in receiver.taken("/now")] == [1, 2]
    tries = [(json.loads(body)["sequence"][-1], headers["webhook-id"]) for _, _, headers, body in receiver.came]
    assert [sequence for sequence, _ in tries] == ["1"] * 6 + ["2"]
    assert len({message_id for _, message_id in tries}) == 2  # a try again bears the same id
    assert waits[:5] == [5.0, 10.0, 20.0, 40.0, 80.0]
    assert not [path for path, *_ in receiver.came if path == "/elsewhere"]  # redirects are not followed


def test_after_a_restart_it_goes_on_where_it_was_and_may_repeat_the_last(build, receiver):
    house = build()
    house.take(alert(1), alert(2))
    with telling(house, receiver, {"now": "/now"}):
        until(lambda: len(receiver.taken("/now")) == 2)
    house.take(alert(3))
    with telling(house, receiver, {"now": "/now"}):
        until(lambda: len(receiver.taken("/now")) == 3)
    assert [int(each["sequence"]) for each in receiver.taken("/now")] == [1, 2, 3]
    (house.folder / "told.json").unlink()  # lost: all that is kept comes again, at least once
    with telling(house, receiver, {"now": "/now"}):
        until(lambda: len(receiver.taken("/now")) == 6)


def test_one_that_hangs_or_fails_delays_nobody_else(build, receiver):
    house = build()
    house.take(alert(1), alert(2))
    receiver.answers["/now"] = ["hang"]
    with telling(house, receiver, {"now": "/now", "also": "/also"}):
        until(lambda: len(receiver.taken("/also")) == 2, within_s=3)
    assert receiver.taken("/now") == []
    assert {each["data"]["handling"]["rel_to"][0] for each in receiver.taken("/also")} == {"also"}


def test_it_gives_up_after_days_and_says_so(build, receiver, caplog):
    house, waits = build(), []
    house.take(ALERT)
    began_ms = house.clock_ms
    receiver.answers["/now"] = [500]
    with telling(house, receiver, {"now": "/now"}, waits, step_ms=1000, give_up_after_days=1.0):
        until(lambda: "webhook_given_up" in caplog.text)
        ended_ms = house.clock_ms
    assert max(waits) == 3600.0
    assert DAY_MS <= ended_ms - began_ms < DAY_MS + 2 * 3_600_000
    fields = [record.fields for record in caplog.records if record.message == "webhook_given_up"]
    assert [(each["partner"], each["sequence"], each["why"]) for each in fields] == [("now", 1, "it answered 500")]
    assert base64.b64encode(SECRET).decode() not in repr([record.__dict__ for record in caplog.records])


def test_one_that_is_gone_is_told_no_more(build, receiver):
    house = build()
    house.take(alert(1), alert(2))
    receiver.answers["/now"] = [410]
    with telling(house, receiver, {"now": "/now"}) as work:
        until(lambda: work.counts()[0].is_given_up)
    assert len(receiver.came) == 1


def test_who_was_given_up_stays_so_over_restarts_until_it_is_taken_up(build, receiver, caplog):
    house = build()
    house.take(alert(1), alert(2))
    receiver.answers["/now"] = [410, 200]
    with telling(house, receiver, {"now": "/now", "also": "/also"}) as work:
        until(lambda: work.counts()[1].is_given_up and work.counts()[0].told == 2)
    caplog.clear()
    with telling(house, receiver, {"now": "/now", "also": "/also"}) as work:
        until(lambda: "webhook_is_given_up" in caplog.text)
        house.take(alert(3))
        until(lambda: len(receiver.taken("/also")) == 3)
        assert work.counts() == [("also", 1, 0, False), ("now", 0, 0, True)]
        assert receiver.taken("/now") == []
        assert GivenUp(house.folder / "told.json").take_up("now") == ["now/actual"]
        until(lambda: work.counts()[1] == ("now", 3, 0, False))
        assert len(receiver.taken("/now")) == 3  # from where it was
    assert GivenUp(house.folder / "told.json").take_up("now") == []


def test_a_spoilt_file_of_those_given_up_stops_the_start(build, receiver):
    house = build()
    (house.folder / "told.json.given-up").write_text("[]")
    with pytest.raises(InputError, match="which webhooks were given up"), telling(house, receiver, {"now": "/now"}):
        pass


def test_the_command_takes_up_and_metrics_tell(build, receiver):
    house = build()
    path = settings_file(house, receiver, {"now": "/now"})
    GivenUp(house.folder / "told.json").add("now/actual", "it answered 410")
    assert "'other'" in maritime("serve", "resume", "other", "--webhooks", str(path), cwd=house.folder).err
    done = maritime("serve", "resume", "now", "--webhooks", str(path), "--json", cwd=house.folder)
    assert done.json() == {"partner": "now", "taken_up": ["now/actual"]}
    assert maritime("serve", "resume", "now", "--webhooks", str(path), cwd=house.folder).out == "now was not given up\n"
    registry = CollectorRegistry()
    registry.register(WebhookMetrics(lambda: [("now", 2, 1, True)]))
    told = {name: registry.get_sample_value(f"maritime_webhook_{name}", {"partner": "now"}) for name in METRICS}
    assert told == {"told_total": 2.0, "not_taken_total": 1.0, "given_up": 1.0}


def test_after_the_agreement_only_cancels_are_told(build, receiver):
    house = build()
    house.take(ALERT, alert(1))
    house.take(LONGER)
    house.take(NONE_AFTER_ALL)
    house.policy["partners"]["now"]["agreement"]["until"] = "2026-03-13"
    house.write_policy()
    with telling(house, receiver, {"now": "/now"}):
        until(lambda: receiver.taken("/now"))
    assert [each["alertkind"] for each in receiver.taken("/now")] == ["cancel"]


def test_what_ends_while_it_is_tried_is_tried_no_more(build, receiver):
    house, waits = build(), []
    house.take(alert(1), alert(2))
    receiver.answers["/now"] = [500]
    with telling(house, receiver, {"now": "/now"}, waits):
        until(lambda: len(receiver.came) > 2)
        house.policy["partners"]["now"]["agreement"]["until"] = "2026-03-13"
        house.write_policy()
        until(lambda: 1.0 in waits)  # nothing is left to be told
        tries = len(receiver.came)
        until(lambda: waits.count(1.0) > 5)
        assert len(receiver.came) == tries
    assert {json.loads(body)["sequence"][-1] for _, _, _, body in receiver.came} == {"1"}


def test_what_must_be_deleted_meanwhile_is_not_told(build, receiver):
    house, waits = build(), []
    house.take(ALERT)
    receiver.answers["/now"] = [500]
    with telling(house, receiver, {"now": "/now"}, waits, give_up_after_days=30.0):
        until(lambda: receiver.came)
        house.clock_ms += 90 * DAY_MS
        tries = len(receiver.came)
        until(lambda: 1.0 in waits)
        assert len(receiver.came) <= tries + 1  # one was on its way


def test_under_a_bad_policy_nothing_is_told_until_it_is_mended(build, receiver):
    house, waits = build(), []
    house.take(ALERT)
    good = (house.folder / "policy.yaml").read_bytes()
    with telling(house, receiver, {"now": "/now"}, waits):
        until(lambda: receiver.taken("/now"))
        (house.folder / "policy.yaml").write_text("policy: [broken")
        house.take(alert(1))
        until(lambda: 30.0 in waits)
        assert len(receiver.taken("/now")) == 1
        (house.folder / "policy.yaml").write_bytes(good)
        until(lambda: len(receiver.taken("/now")) == 2)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_private_addresses_are_known_in_every_dress(address, expected):
    assert is_public(address) is expected


def test_a_name_that_leads_into_the_house_is_not_connected_to():
    async def resolve(allow_private):
        return await _Guard(allow_private).resolve("localhost", 443)

    with pytest.raises(PrivateAddressError):
        asyncio.run(resolve(False))
    assert asyncio.run(resolve(True))


def test_the_guard_stands_before_every_connection(build, receiver, monkeypatch):
    house, waits = build(), []
    house.take(ALERT)
    monkeypatch.setattr("maritime.console.webhooks.is_loopback", lambda host: False)  # as for any name
    with telling(house, receiver, {"now": "/now"}, waits, host="localhost"):
        until(lambda: len([each for each in waits if each >= 5.0]) > 2)
    assert receiver.came == []


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example/hook",
        "ftp://partner.example/",
        "https://user:password@partner.example/",
        "https:///path",
        "https://10.0.0.1/",
        "https://[fd00::1]/",
        "https://2130706433/",
        "https://127.1/",
        "http://[::ffff:10.0.0.1]/",
        "hook",
    ],
)
def test_where_it_must_not_go_is_refused_when_it_is_read(url):
    with pytest.raises(ValidationError):
        Hook(url=url, secret_file="secret")


@pytest.mark.parametrize("url", ["https://partner.example/hook", "http://127.0.0.1:8000/", "http://localhost:1/a?b=c"])
def test_where_it_may_go(url):
    assert Hook(url=url, secret_file="secret").url == url
    assert Hook(url="https://10.0.0.1/", secret_file="secret", allow_private=True)


@pytest.mark.parametrize(
    ("content", "mode"), [("whsec_AAAA", 0o600), ("AAAA" * 8, 0o600), ("whsec_!", 0o600), ("whsec_" + "A" * 44, 0o644)]
)
def test_a_secret_that_is_none_or_open_stops_it(build, receiver, content, mode):
    house = build()
    path = settings_file(house, receiver, {"now": "/now"})
    assert load_webhooks(path)[1] == {"now": SecretBytes(SECRET)}
    (house.folder / "secret").write_text(content)
    (house.folder / "secret").chmod(mode)
    with pytest.raises(ConfigurationError, match="secret") as told:
        load_webhooks(path)
    assert content not in str(told.value)


@pytest.mark.parametrize("content", ["[1]", '{"now/actual": "1"}', "x"])
def test_a_state_that_is_none_stops_it(build, receiver, content):
    house = build()
    (house.folder / "told.json").write_text(content)
    with pytest.raises(InputError, match="how far"), telling(house, receiver, {"now": "/now"}):
        pass
