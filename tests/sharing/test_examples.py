"""The example for partners runs alone, believes what is signed, and nothing else."""

import json
import subprocess
import sys
from hashlib import sha256

import pytest

from maritime.sharing.formats import cloudevent, open_document
from maritime.sharing.keys import KeySet, SigningKey
from maritime.sharing.release import Release
from maritime.sharing.signatures import sign, verify
from maritime.times import from_rfc3339
from tests.cli.running import PROJECT
from tests.sharing.samples import full

EXAMPLES = PROJECT / "docs" / "examples"
KEY = SigningKey.from_seed(sha256(b"the key of the example in docs, which signs nothing else").digest())
BEGINS_MS, ENDS_MS = from_rfc3339("2026-01-01"), from_rfc3339("2027-01-01")
KEYS = KeySet((KEY.public(BEGINS_MS, ENDS_MS, "nmc.example"),))


def example_event():
    envelope = full("loitering")
    return json.loads(cloudevent.render(Release(envelope, sign(envelope, KEY))))


def ran(tmp_path, event, keys=None):
    """The example as a partner runs it: in a folder of its own, where this package is not to be found."""
    (tmp_path / "event.json").write_text(json.dumps(event), encoding="utf-8")
    (tmp_path / "keys.json").write_bytes(keys or KEYS.to_jwks())
    command = [sys.executable, "-I", str(EXAMPLES / "verify_envelope.py"), "event.json", "keys.json"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)


def test_the_example_files_are_what_this_version_makes():
    assert (EXAMPLES / "event.json").read_text(encoding="utf-8") == json.dumps(example_event(), indent=2) + "\n"
    assert (EXAMPLES / "keys.json").read_bytes() == KEYS.to_jwks()
    envelope, jws = open_document((EXAMPLES / "event.json").read_bytes())
    assert verify(envelope, jws, KEYS, from_rfc3339("2026-04-01")).org_id == "nmc.example"


def test_it_needs_two_packages_and_not_this_one():
    text = (EXAMPLES / "verify_envelope.py").read_text(encoding="utf-8")
    imported = {line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert imported == {"json", "sys", "datetime", "jwt", "rfc8785"}
    assert len(text.splitlines()) <= 45


def test_it_believes_what_was_signed(tmp_path):
    done = ran(tmp_path, example_event())
    assert done.returncode == 0, done.stderr
    assert done.stdout == "valid: update 4e423363-002e-410f-8563-edd7cb220a22 revision 2\n"
    newer = KeySet((*KEYS.keys, SigningKey.from_seed(bytes(32)).public(ENDS_MS)))
    assert ran(tmp_path, example_event(), newer.to_jwks()).returncode == 0


def altered():
    event = example_event()
    header, _, signature = event["jws"].split(".")
    yield "field", event | {"data": event["data"] | {"revision": 3}}, KEYS
    yield "new field", event | {"data": event["data"] | {"note": "x"}}, KEYS
    yield "number", event | {"data": event["data"] | {"position_uncertainty_m": 31.0}}, KEYS
    yield "signature", event | {"jws": f"{header}..{'A' * len(signature)}"}, KEYS
    yield "none", event | {"jws": "eyJhbGciOiJub25lIn0.."}, KEYS
    yield "unsigned", {name: each for name, each in event.items() if name != "jws"}, KEYS
    yield "other key", event, KeySet((SigningKey.from_seed(bytes(32)).public(),))
    yield "too early", event, KeySet((KEY.public(BEGINS_MS + 365 * 86_400_000),))
    yield "too late", event, KeySet((KEY.public(None, BEGINS_MS),))
    yield "another originator's key", event, KeySet((KEY.public(org_id="other.example"),))


@pytest.mark.parametrize(("event", "keys"), [pytest.param(*rest, id=name) for name, *rest in altered()])
def test_it_believes_nothing_else(tmp_path, event, keys):
    done = ran(tmp_path, event, keys.to_jwks())
    assert done.returncode != 0
    assert "valid:" not in done.stdout
