"""What docs/sharing_http.md shows is run against a server."""

import base64
import json
import re
import shutil
import subprocess
import sys
import time

import pytest

from maritime.console.webhook_settings import webhook_settings
from maritime.console.webhooks import signature
from tests.cli.running import PROJECT
from tests.console.house import ALERT, alert

PAGE = (PROJECT / "docs" / "sharing_http.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def ran(house, *command, **more):
    env = {"URL": house.url, "TOKEN": house.tokens["now"], "NAME": "now", "PATH": "/usr/bin:/bin"} | more
    done = subprocess.run(command, env=env, cwd=house.folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_for_the_shell_bring_the_alerts(house):
    house.take(ALERT, alert(1))
    events, features = (
        ran(house, "sh", "-c", block) for block in blocks("sh") if "receipt" not in block and "feedback" not in block
    )
    assert len(events.splitlines()) == 2
    assert features.count('"type": "Feature"') == 2


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_for_receipts_prove_a_copy(house):
    house.take(ALERT)
    house.sign_head()
    (house.folder / "keys.json").write_bytes(house.keys.to_jwks())
    copy = json.loads(house.get("/events").content)["data"]
    (block,) = (block for block in blocks("sh") if "receipt" in block)
    (command,) = re.findall(r"`maritime (verify [^`]*--receipt[^`]*)`", PAGE)
    program = f"{block}{sys.executable} -m maritime.cli {command}"
    more = {"ALERT_ID": copy["alert_id"], "REVISION": "0", "PYTHONPATH": str(PROJECT)}
    assert "it stands in the ledger of 3 entries" in ran(house, "sh", "-c", program, **more)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_lines_for_feedback_say_it(house):
    house.take(ALERT)
    (block,), (line,) = blocks("json"), (block for block in blocks("sh") if "feedback" in block)
    message = json.loads(block) | {"alert_id": house.publisher.desk.shared_id(ALERT.alert_id, "now")}
    (house.folder / "feedback.json").write_text(json.dumps(message))
    told = json.loads(ran(house, "sh", "-c", line))
    assert told == {"feedback_id": message["feedback_id"], "state": "waiting"}
    assert [each.kind for each in house.hear()] == ["dismissed"]


def test_the_lines_for_the_client_list_the_objects(house):
    house.take(ALERT)
    client, _ = blocks("python")
    assert re.search(r"^actual incident incident--", ran(house, sys.executable, "-c", client), re.MULTILINE)


def test_the_lines_for_the_receiver_know_a_genuine_webhook():
    _, receiver = blocks("python")
    names: dict = {}
    exec(receiver, names)  # our own page
    key, now_s = bytes(range(32)), int(time.time())
    secret = "whsec_" + base64.b64encode(key).decode()

    def judged(body=b"{}", at_s=now_s, signed=b"{}"):
        headers = {"webhook-id": "m", "webhook-timestamp": str(at_s)}
        return names["is_genuine"](secret, headers | {"webhook-signature": signature(key, "m", at_s, signed)}, body)

    assert judged()
    assert not judged(body=b"{ }")
    assert not judged(at_s=now_s - 1000)


def test_the_settings_shown_are_settings():
    settings = webhook_settings(PROJECT / "docs" / "examples" / "webhooks.yaml")
    assert settings.hooks["fusion-centre"].channel == "actual"
