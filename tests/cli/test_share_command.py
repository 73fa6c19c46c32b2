"""`maritime share` before it connects: what is wrong is told in a sentence, and nothing is allowed instead."""

import pytest

from tests.cli.running import PROJECT, maritime

POLICY = (PROJECT / "configs" / "sharing" / "national_centre.yaml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    assert maritime("keys", "new", "--out", "key.pem", "--jwks", "keys.json", cwd=tmp_path).code == 0
    return tmp_path


def share(folder, *more):
    words = ("--policy", "policy.yaml", "--ledger", "ledger.db", "--key", "key.pem", *more)
    return maritime("share", *words, cwd=folder, env={"MARITIME_KAFKA__BOOTSTRAP": "127.0.0.1:9"})


def test_a_bad_policy_is_told_with_line_and_key_and_ends_with_3(folder):
    (folder / "policy.yaml").write_text(POLICY.replace("machine_alerts", "machine_alarts", 1), encoding="utf-8")
    ran = share(folder)
    assert ran.code == 3
    line = 1 + POLICY[: POLICY.index("machine_alerts")].count("\n")
    assert f"policy.yaml:{line}: partners.fusion-centre.machine_alarts" in ran.err


def test_a_partner_with_pseudonyms_needs_its_key(folder):
    ran = share(folder)
    assert (ran.code, "fisheries-agency get pseudonyms" in ran.err) == (3, True)
    (folder / "keys").mkdir()
    (folder / "keys" / "fisheries-agency.key").write_bytes(b"short")
    ran = share(folder, "--pseudonym-keys", "keys")
    assert (ran.code, "write 32 random ones" in ran.err) == (3, True)


def test_pseudonym_keys_are_made_once_and_closed_to_others(folder):
    words = ("keys", "pseudonyms", "--policy", "policy.yaml", "--out", "keys", "--json")
    assert maritime(*words, cwd=folder).json() == {"made": ["fisheries-agency"], "there": []}
    path = folder / "keys" / "fisheries-agency.key"
    key = path.read_bytes()
    assert (len(key), path.stat().st_mode & 0o777) == (32, 0o600)
    assert maritime(*words, cwd=folder).json() == {"made": [], "there": ["fisheries-agency"]}
    assert path.read_bytes() == key


def test_a_key_that_is_none_ends_with_3(folder):
    (folder / "key.pem").write_text("nothing")
    assert share(folder).code == 3


def test_a_key_that_partners_do_not_have_or_no_longer_believe_signs_nothing(folder):
    more = ("keys", "new", "--out", "other.pem", "--jwks", "other.json")
    assert maritime(*more, "--valid-from", "2020-01-01", "--valid-until", "2021-01-01", cwd=folder).code == 0
    maritime("keys", "pseudonyms", "--policy", "policy.yaml", "--out", "keys", cwd=folder)
    for words in (
        ("--jwks", "other.json"),
        ("--jwks", "other.json", "--key", "other.pem"),
    ):  # not in it; its time is over
        ran = share(folder, "--pseudonym-keys", "keys", *words)
        assert (ran.code, "no own key is published and valid now" in ran.err) == (3, True), ran.err
    ran = share(folder, "--key", "other.pem")
    assert (ran.code, "give --jwks" in ran.err) == (2, True)


def test_one_process_works_for_a_ledger(folder):
    from streams.share.lock import only_one

    with only_one(folder / "ledger.db"):
        ran = share(folder)
    assert (ran.code, "another process" in ran.err) == (2, True)
