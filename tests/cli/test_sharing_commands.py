"""`maritime export` and `maritime policy`, as people call them."""

import json
from pathlib import Path

import pytest

from tests.cli.running import PROJECT, Ran, maritime
from tests.sharing.test_publisher import ALERT

POLICY = PROJECT / "configs" / "sharing" / "national_centre.yaml"
CASES = PROJECT / "configs" / "sharing" / "cases" / "national_centre.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A replay's folder with one alert."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "alerts.jsonl").write_text(json.dumps(ALERT.to_dict()) + "\n")
    (tmp_path / "out" / "summary.json").write_text("{}")
    return tmp_path


def export(folder: Path, *arguments: object) -> Ran:
    return maritime("export", *arguments, cwd=folder)


@pytest.mark.parametrize("format_", ["cise", "cap", "stix", "geojson", "misp", "cloudevent"])
def test_an_alert_is_exported_signed_and_verified_in_every_format(folder: Path, format_: str) -> None:
    maritime("keys", "new", "--out", "key.pem", "--jwks", "keys.json", "--org", "nmc.example", cwd=folder)
    done = export(folder, ALERT.alert_id[:6], "--format", format_, "--policy", POLICY, "--key", "key.pem")
    assert done.code == 0, done.err
    (folder / "document").write_text(done.out)
    verified = maritime("verify", "document", "--keys", "keys.json", "--json", cwd=folder)
    assert verified.json()["valid"] is True
    assert verified.json()["status"] == "exercise"


def test_what_says_that_it_is_actual_is_not_signed_by_hand(folder: Path) -> None:
    """A replay's envelope whose status somebody has written over must not become a genuine alert."""
    maritime("keys", "new", "--out", "key.pem", "--jwks", "keys.json", "--org", "nmc.example", cwd=folder)
    event = export(folder, ALERT.alert_id, "--format", "cloudevent", "--policy", POLICY).out
    (folder / "forged.json").write_text(event.replace('"status":"exercise"', '"status":"actual"'))
    plain = export(folder, "forged.json", "--format", "cap")
    assert "<status>Actual</status>" in plain.out  # another's alert can be written in another format, unsigned
    for partner in ((), ("--partner", "fusion-centre")):
        signed = export(folder, "forged.json", "--format", "cap", "--policy", POLICY, "--key", "key.pem", *partner)
        assert (signed.code, signed.out) == (2, "")
        assert "signed by 'maritime share' alone" in signed.err


def test_an_alert_that_readers_take_differently_is_refused(folder: Path) -> None:
    text = json.dumps(ALERT.to_dict())
    (folder / "twice.json").write_text('{"mmsi": 1, ' + text[1:])
    (folder / "two.jsonl").write_text(f"{text}\n{text}\n")
    for name, said in (("twice.json", "'mmsi' is there twice"), ("two.jsonl", "of several alerts give one")):
        done = export(folder, name, "--format", "cap")
        assert (done.code, done.out) == (1, "")
        assert said in done.err


def test_the_own_view_needs_no_policy(folder: Path) -> None:
    told = json.loads(export(folder, "out/alerts.jsonl", "--format", "cloudevent").out)["data"]
    assert told["vessels"][0]["mmsi"] == ALERT.mmsi
    assert told["handling"]["tlp"] == "TLP:RED"
    assert told["handling"]["rel_to"] == []


def test_a_partners_copy_is_in_its_languages_and_holds_what_it_may_have(folder: Path) -> None:
    done = export(folder, ALERT.alert_id, "--format", "cap", "--partner", "fusion-centre", "--policy", POLICY)
    assert done.out.count("<info>") == 2  # en and fr
    assert "coast-7" not in done.out
    assert ALERT.alert_id not in done.out


def test_what_is_denied_says_why_and_writes_nothing(folder: Path) -> None:
    done = export(folder, ALERT.alert_id, "--format", "cap", "--partner", "border-agency", "--policy", POLICY)
    assert (done.code, done.out) == (1, "")
    assert "denied to border-agency (not_actual)" in done.err
    told = export(folder, ALERT.alert_id, "--format", "cap", "--partner", "border-agency", "--policy", POLICY, "--json")
    assert told.json()["reason"] == "not_actual"


def test_what_waits_is_shown_as_it_will_leave(folder: Path) -> None:
    arguments = (ALERT.alert_id, "--format", "geojson", "--partner", "fisheries-agency", "--policy", POLICY)
    maritime("keys", "pseudonyms", "--policy", POLICY, "--out", "keys", cwd=folder)
    done = export(folder, *arguments, "--pseudonym-keys", "keys")
    assert done.code == 0, done.err
    assert "it waits until" in done.err
    assert str(ALERT.mmsi) not in done.out
    bare = export(folder, *arguments)
    assert (bare.code, "no_pseudonym_key" in bare.err) == (1, True)
    missing = export(folder, *arguments, "--pseudonym-keys", "nowhere")
    assert (missing.code, "nowhere" in missing.err) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nothing", "--format", "cap"), 2, "begins with 'nothing'"),
        (("out/summary.json", "--format", "cap"), 1, "alert_id: Field required"),
        (("out", "--format", "cap"), 2, "begins with 'out'"),
        (("out/alerts.jsonl", "--format", "pdf"), 2, "none of cise, cap, stix"),
        (("out/alerts.jsonl", "--format", "cap", "--partner", "ally"), 2, "no partner of the policy own-view"),
        (("out/alerts.jsonl", "--format", "cap", "--at", "soon"), 2, "--at"),
        (("out/alerts.jsonl", "--format", "cap", "--policy", "none.yaml"), 3, "none.yaml cannot be read"),
        (("out/alerts.jsonl", "--format", "cap", "--key", "none.pem"), 3, "none.pem"),
    ],
)
def test_mistakes_are_one_sentence(folder: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = export(folder, *arguments)
    assert done.code == code, done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_the_example_policy_and_its_cases_hold(tmp_path: Path) -> None:
    checked = maritime("policy", "check", POLICY, "--json", cwd=tmp_path).json()
    assert (checked["partners"], checked["groups"]) == (4, 1)
    tried = maritime("policy", "test", POLICY, CASES, cwd=tmp_path)
    assert tried.code == 0, tried.out


def test_a_policy_that_fails_its_cases_or_holds_not_together_is_told(tmp_path: Path) -> None:
    text = POLICY.read_text()
    (tmp_path / "other.yaml").write_text(text.replace("[dark_period, unusual_landing]", "[dark_period]"))
    tried = maritime("policy", "test", "other.yaml", CASES, cwd=tmp_path)
    assert tried.code == 1
    assert "FAILED  … but landings near the border, once confirmed: no_rule instead of released" in tried.out
    (tmp_path / "bad.yaml").write_text(text.replace("mandate: [fisheries_control]", "mandate: [fishing]"))
    checked = maritime("policy", "check", "bad.yaml", cwd=tmp_path)
    line = 1 + text[: text.index("mandate: [fisheries_control]")].count("\n")
    assert checked.code == 3
    assert f"bad.yaml:{line}: partners.fisheries-agency.mandate.0" in checked.err


def test_explain_gives_every_step_and_the_copy(folder: Path) -> None:
    done = maritime(
        "policy", "explain", POLICY, "--alert", ALERT.alert_id, "--partner", "fusion-centre", "--json", cwd=folder
    )
    told = done.json()
    assert (told["outcome"], told["rule"]) == ("released", "all-of-it")
    assert told["copy"]["vessels"][0]["mmsi"] == ALERT.mmsi
    assert [step["what"] for step in told["steps"]][:3] == ["safety", "status", "review"]
    denied = maritime("policy", "explain", POLICY, "--alert", ALERT.alert_id, "--partner", "border-agency", cwd=folder)
    assert "denied (unreviewed)" in denied.out
    as_if = ("policy", "explain", POLICY, "--alert", ALERT.alert_id, "--partner", "border-agency", "--review")
    assert "no    review" not in maritime(*as_if, "confirmed", cwd=folder).out
    assert "denied (dismissed)" in maritime(*as_if, "dismissed", cwd=folder).out
    assert "--review: 'perhaps' is none of" in maritime(*as_if, "perhaps", cwd=folder).err


def test_diff_tells_what_changes_for_whom(folder: Path) -> None:
    (folder / "new.yaml").write_text(POLICY.read_text().replace("grid_deg: 1", "grid_deg: 0.5"))
    same = maritime("policy", "diff", POLICY, POLICY, cwd=folder)
    assert "no change for any partner over 1 alerts" in same.out
    told = maritime("policy", "diff", POLICY, "new.yaml", "--json", cwd=folder).json()
    assert {row["partner"] for row in told["changes"]} == {"fisheries-agency"}
    assert "~ geometry" in {row["change"] for row in told["changes"]}
