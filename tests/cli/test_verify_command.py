"""`maritime verify` and `maritime keys`, as people meet them."""

import json
import subprocess
import sys

import pytest
import rfc8785

from maritime.sharing.formats import FORMATS
from maritime.sharing.keys import KeySet, SigningKey, current_key
from maritime.sharing.release import Release
from maritime.sharing.signatures import ENVELOPE, sign, sign_bytes
from maritime.times import from_rfc3339
from tests.cli.running import PROJECT, maritime
from tests.sharing.samples import EVERY, full

KEY = SigningKey.from_seed(bytes(range(32)))
PERSONAL = ("CHAO LE", "567801002", "9074729", "HSB1234", "98.25", "8.799", "watch@nmc", "Ban Thung", "duty officer")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "keys.json").write_bytes(KeySet((KEY.public(org_id="nmc.example"),)).to_jwks())
    return tmp_path


def document(folder, envelope, jws, **more):
    (folder / "event.json").write_text(json.dumps({"envelope": envelope, "jws": jws} | more), encoding="utf-8")


def verify(folder, *more):
    ran = maritime("verify", "event.json", "--keys", "keys.json", *more, cwd=folder)
    assert "Traceback" not in ran.err
    for personal in PERSONAL:
        assert personal not in ran.out + ran.err
    return ran


def test_it_says_who_signed_what(folder):
    document(folder, full().to_dict(), sign(full(), KEY))
    ran = verify(folder, "--at", "2026-03-15")
    assert ran.code == 0, ran.err
    for told in (
        KEY.kid,
        "of nmc.example",
        "update 4e423363-002e-410f-8563-edd7cb220a22 revision 2, actual",
        "expires",
    ):
        assert told in ran.out
    told = verify(folder, "--at", "2026-03-20", "--json").json()
    assert told == {
        "valid": True,
        "kid": KEY.kid,
        "key_of": "nmc.example",
        "schema_version_known": True,
        "originator": "nmc.example",
        "alert_id": "4e423363-002e-410f-8563-edd7cb220a22",
        "revision": 2,
        "kind": "update",
        "status": "actual",
        "sent": "2026-03-14T21:00:00+00:00",
        "expires": "2026-03-17T21:00:00+00:00",
        "expired": True,
    }


def test_an_event_is_read_from_standard_input(folder):
    event = {"specversion": "1.0", "type": "x", "data": EVERY[-1].to_dict(), "jws": sign(EVERY[-1], KEY)}
    command = [sys.executable, "-m", "maritime.cli", "verify", "-", "--keys", "keys.json", "--json"]
    ran = subprocess.run(command, cwd=folder, input=json.dumps(event), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["kind"] == "cancel"


def test_a_key_set_that_does_not_name_the_originator_is_said(folder):
    (folder / "keys.json").write_bytes(KeySet((KEY.public(),)).to_jwks())
    document(folder, full().to_dict(), sign(full(), KEY))
    assert "does not say whose the key is" in verify(folder).out


@pytest.mark.parametrize(
    ("changes", "jws", "reason"),
    [
        ({"revision": 3}, sign(full(), KEY), "altered"),
        ({}, sign(full(), SigningKey.from_seed(bytes(32))), "unknown_key"),
        ({}, None, "unsigned"),
        ({}, "x", "malformed"),
    ],
)
def test_what_does_not_hold_is_said_with_its_reason(folder, changes, jws, reason):
    document(folder, full().to_dict() | changes, jws)
    ran = verify(folder)
    assert (ran.code, ran.out) == (1, "")
    assert f"not valid ({reason})" in ran.err
    ran = verify(folder, "--json")
    assert (ran.code, ran.json()["valid"], ran.json()["reason"]) == (1, False, reason)


def signed(envelope):
    return envelope, sign_bytes(rfc8785.dumps(envelope), KEY, ENVELOPE, detached=True)


def test_a_newer_version_is_valid_and_said_to_be_unknown(folder):
    for changes in ({"wind_kn": 9}, {"kind": "forecast"}):
        document(folder, *signed(full().to_dict() | {"schema_version": "2.0"} | changes))
        ran = verify(folder)
        assert ran.code == 0
        assert "not known here" in ran.out
        assert verify(folder, "--json").json()["schema_version_known"] is False


def test_what_is_signed_but_no_envelope_is_not_valid(folder):
    document(folder, *signed(full().to_dict() | {"kind": "CHAO LE"}))
    ran = verify(folder)
    assert ran.code == 1
    assert "not valid (not_an_envelope)" in ran.err
    assert "kind is wrong" in ran.err


def test_a_time_that_is_none_is_said(folder):
    document(folder, *signed(full().to_dict() | {"expires": "2026-02-30T00:00:00+00:00"}))
    ran = verify(folder)
    assert (ran.code, "not valid (not_an_envelope)" in ran.err, "expires is wrong" in ran.err) == (1, True, True)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_opened(folder, name):
    (folder / "event.json").write_bytes(FORMATS[name].render(Release(full(), sign(full(), KEY))))
    assert verify(folder, "--json").json()["kid"] == KEY.kid
    (folder / "event.json").write_bytes(FORMATS[name].render(Release(full(revision=3), sign(full(), KEY))))
    assert verify(folder, "--json").json()["reason"] == "altered"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b"<x/>", b'{"data":{}}', b'{"specversion":"1.0","data":"x"}']
)
def test_what_is_no_document_is_said(folder, content):
    (folder / "event.json").write_bytes(content)
    assert verify(folder).code == 1


def test_what_is_missing_is_said(folder):
    ran = verify(folder)
    assert (ran.code, "event.json cannot be read" in ran.err) == (1, True)
    document(folder, full().to_dict(), sign(full(), KEY))
    (folder / "keys.json").unlink()
    ran = verify(folder)
    assert (ran.code, "key set keys.json cannot be read" in ran.err) == (1, True)
    assert maritime("verify", "event.json", cwd=folder).code == 2
    assert verify(folder, "--at", "noon").code == 2


# keys


def new(folder, out, *more):
    return maritime("keys", "new", "--out", out, "--jwks", "set.json", *more, cwd=folder)


def test_keys_are_made_and_follow_each_other(tmp_path):
    first = new(tmp_path, "one.pem", "--valid-from", "2026-01-01", "--org", "nmc.example", "--json")
    assert first.code == 0, first.err
    second = new(tmp_path, "two.pem", "--valid-from", "2026-07-01", "--org", "nmc.example", "--json").json()
    assert second["ended"] == {first.json()["kid"]: "2026-07-02T00:00:00Z"}
    keys = KeySet.read(tmp_path / "set.json")
    own = [SigningKey.read(tmp_path / name) for name in ("one.pem", "two.pem")]
    assert current_key(own, keys, from_rfc3339("2026-06-30")).kid == first.json()["kid"]
    assert current_key(own, keys, from_rfc3339("2026-07-01")).kid == second["kid"]
    assert {key.org_id for key in keys.keys} == {"nmc.example"}
    shown = new(
        tmp_path, "three.pem", "--valid-from", "2027-01-01", "--valid-until", "2028-01-01", "--org", "nmc.example"
    )
    assert "until 2028-01-01T00:00:00Z" in shown.out
    assert f"key {second['kid']} ends at 2027-01-02T00:00:00Z" in shown.out


def test_no_private_part_leaves_the_private_file(tmp_path):
    ran = new(tmp_path, "one.pem")
    pem = (tmp_path / "one.pem").read_text()
    assert (tmp_path / "one.pem").stat().st_mode & 0o777 == 0o600
    assert pem.splitlines()[1][20:] not in ran.out + ran.err + (tmp_path / "set.json").read_text()
    assert set(json.loads((tmp_path / "set.json").read_text())["keys"][0]) == {
        "alg",
        "crv",
        "kid",
        "kty",
        "nbf",
        "use",
        "x",
    }


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--valid-from", "2026-02-01", "--valid-until", "2026-01-01"], "never valid"),
        (["--valid-from", "soon"], "--valid-from: 'soon' is not a time"),
        (["--org", "National Centre"], "no short name"),
    ],
)
def test_wrong_usage_makes_no_key(tmp_path, more, said):
    ran = new(tmp_path, "one.pem", *more)
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert not list(tmp_path.iterdir())


def test_a_private_key_is_never_written_over(tmp_path):
    new(tmp_path, "one.pem")
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ran = new(tmp_path, "one.pem")
    assert (ran.code, "never written over" in ran.err) == (2, True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_a_set_that_cannot_be_used_leaves_no_key(tmp_path):
    (tmp_path / "set.json").write_text("no set")
    assert new(tmp_path, "one.pem").code == 1
    (tmp_path / "set.json").write_text('{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}')
    ran = new(tmp_path, "one.pem")
    assert (ran.code, "would be lost" in ran.err) == (2, True)
    (tmp_path / "set.json").unlink()
    (tmp_path / "file").touch()
    ran = maritime("keys", "new", "--out", "one.pem", "--jwks", "file/set.json", cwd=tmp_path)
    assert ran.code == 1
    assert not (tmp_path / "one.pem").exists()


def test_the_examples_in_docs_are_valid():
    examples = PROJECT / "docs" / "examples"
    ran = maritime("verify", "event.json", "--keys", "keys.json", "--at", "2026-03-15", cwd=examples)
    assert ran.code == 0, ran.err
