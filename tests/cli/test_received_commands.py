"""`maritime import`, `received`, `events` and `watchlist`, as people meet them."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from maritime.alerts.spool import json_line
from maritime.sharing.formats import FORMATS
from maritime.sharing.keys import KeySet, SigningKey
from maritime.sharing.release import Release
from maritime.sharing.signatures import sign
from tests.cli.running import PROJECT, maritime
from tests.sharing.samples import changed, full
from tests.sharing.test_publisher import ALERT

KEY, OTHER = SigningKey.from_seed(bytes(range(32))), SigningKey.from_seed(bytes(32))
PERSONAL = ("CHAO LE", "567801002", "9074729", "HSB1234")
AT = ("--at", "2026-03-15")
THEIRS = changed(full("loitering", vessels=[{"mmsi": 567801002}]), originator={"org_id": "other.example"})
CONTEXT = full().context_id


@pytest.fixture
def folder(tmp_path):
    keys = KeySet((KEY.public(org_id="nmc.example"), OTHER.public(org_id="other.example")))
    (tmp_path / "keys.json").write_bytes(keys.to_jwks())
    (tmp_path / "alert.xml").write_bytes(FORMATS["cap"].render(Release(full(), sign(full(), KEY))))
    (tmp_path / "feed.jsonl").write_text(line(THEIRS, OTHER) + "\n" + line(full(), None) + "\n")
    return tmp_path


def line(envelope, key):
    return json.dumps({"envelope": envelope.to_dict(), "jws": sign(envelope, key) if key else None})


def call(folder, *arguments, code=0):
    ran = maritime(*arguments, "--store", "r.db", *AT, cwd=folder)
    assert "Traceback" not in ran.err
    assert ran.code == code, ran.out + ran.err
    return ran


def taken(folder):
    call(folder, "import", "alert.xml", "feed.jsonl", "--keys", "keys.json", code=1)


def test_what_holds_is_kept_and_what_does_not_is_told(folder):
    ran = call(folder, "import", "alert.xml", "feed.jsonl", "--keys", "keys.json", code=1)
    assert "documents: 3; 2 added" in ran.out
    assert "feed.jsonl, line 2: rejected (unsigned)" in ran.err
    again = call(folder, "import", "alert.xml", "feed.jsonl", "--keys", "keys.json", "--json", code=1)
    assert again.json() == {
        "documents": 3,
        "added": 0,
        "updated": 0,
        "withdrawn": 0,
        "unchanged": 2,
        "older": 0,
        "rejected": {"unsigned": 1},
    }
    listed = call(folder, "received", "list")
    assert "nmc.example" in listed.out
    assert not any(personal in listed.out for personal in PERSONAL)
    rejects = maritime("received", "rejects", "--store", "r.db", "--json", cwd=folder).json()["rejects"]
    assert [(each["file"], each["line"], each["reason"]) for each in rejects] == [("feed.jsonl", 2, "unsigned")] * 2


def test_a_stream_is_kept_line_by_line_as_it_comes(folder):
    command = [sys.executable, "-m", "maritime.cli", "import", "-", "--store", "r.db", "--keys", "keys.json", *AT]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        running.stdin.write(line(THEIRS, OTHER) + "\n")
        running.stdin.flush()
        for _ in range(100):
            ran = maritime("received", "list", "--store", "r.db", *AT, "--json", cwd=folder)
            if ran.code == 0 and ran.json()["alerts"]:
                break
        assert [each["originator"] for each in ran.json()["alerts"]] == ["other.example"]
        assert running.poll() is None
        running.communicate(line(full(), KEY) + "\n", timeout=60)
    assert running.returncode == 0


def test_keys_are_held_to_one_organisation(folder):
    held = ("--keys", "keys.json", "--org", "other.example")
    ran = call(folder, "import", "alert.xml", "feed.jsonl", *held, "--json", code=1)
    assert (ran.json()["added"], ran.json()["rejected"]) == (1, {"unknown_key": 1, "unsigned": 1})
    call(folder, "import", "alert.xml", code=2)
    ran = call(folder, "import", "feed.jsonl", "--unsigned", "--keys", "keys.json", "--json")
    assert ran.json()["added"] == 1
    assert call(folder, "import", "alert.xml", "--keys", "keys.json", "--format", "cise", code=1).err.count(
        "other_format"
    )


def test_one_is_shown_whole_and_purged_when_due(folder):
    taken(folder)
    call(folder, "received", "show", "4e", code=2)
    shown = call(folder, "received", "show", "nmc.example/4e", "--json").json()
    assert (shown["envelope"], shown["jws"]) == (full().to_dict(), sign(full(), KEY))
    assert "CHAO LE" in call(folder, "received", "show", "nmc.example/4e").out
    ran = maritime("received", "purge", "--store", "r.db", "--at", "2026-09-11", "--json", cwd=folder)
    assert len(ran.json()["purged"]) == 2
    assert call(folder, "received", "list", "--json").json()["alerts"] == []


def ours(folder, onward):
    """A policy of another house, to which the national centre's alerts are received ones."""
    text = (PROJECT / "configs" / "sharing" / "national_centre.yaml").read_text().replace("nmc.example", "us.example")
    consents = "consents:\n  - {originator: nmc.example, partners: [fusion-centre], until: 2026-12-31}\n"
    (folder / "us.yaml").write_text(text + (consents if onward else ""))
    return ("--from-store", "r.db", "--partner", "fusion-centre", "--policy", "us.yaml", "--format", "cloudevent", *AT)


def test_it_is_passed_on_only_where_its_originator_agrees(folder):
    taken(folder)
    ran = maritime("export", "nmc.example/4e", *ours(folder, False), "--json", cwd=folder)
    assert (ran.code, ran.json()["reason"]) == (1, "no_consent")
    ran = maritime("export", "nmc.example/4e", *ours(folder, True), cwd=folder)
    assert ran.code == 0, ran.err
    copy = ran.json()["data"]
    assert (copy["originator"]["org_id"], copy["context_id"]) == ("nmc.example", CONTEXT)
    assert copy["handling"]["onward"] == "with_consent"
    assert copy["alert_id"] != full().alert_id
    call(folder, "import", "feed.jsonl", "--unsigned", "--keys", "keys.json")
    purged = maritime("export", "nmc.example/4e", *ours(folder, True)[:-1], "2026-09-11", cwd=folder)
    assert purged.code == 2


def test_for_this_house_it_keeps_its_originators_signature(folder):
    taken(folder)
    ran = maritime("export", "nmc.example/4e", "--from-store", "r.db", "--format", "cap", *AT, cwd=folder)
    (folder / "again.xml").write_text(ran.out)
    assert maritime("verify", "again.xml", "--keys", "keys.json", *AT, cwd=folder).code == 0
    maritime("keys", "new", "--out", "own.pem", "--jwks", "own.json", "--org", "us.example", cwd=folder)
    sign_over = ("--from-store", "r.db", "--format", "cap", "--key", "own.pem", *AT)
    assert maritime("export", "nmc.example/4e", *sign_over, cwd=folder).code == 2


def test_reports_of_one_event_stand_side_by_side(folder):
    taken(folder)
    (folder / "out").mkdir()
    (folder / "out" / "alerts.jsonl").write_bytes(json_line(ALERT))
    own = ("--from", "out")
    listed = call(folder, "events", "list", *own, "--json").json()["events"]
    assert sorted(len(each["reports"]) for each in listed) == [1, 2]
    suggested = call(folder, "events", "suggest", *own, "--json").json()["suggestions"]
    assert [each["contexts"] for each in suggested] == [[CONTEXT, ALERT.alert_id]]
    call(folder, "events", "join", CONTEXT, ALERT.alert_id, "--role", "duty officer")
    (event,) = call(folder, "events", "show", CONTEXT[:6], *own, "--json").json()["events"]
    assert event["originators"] == ["nmc.example", "other.example", "own"]
    assert event["may_be_shared"] is False
    shown = call(folder, "events", "show", CONTEXT[:6], *own).out
    assert "vessels.subject.name: CHAO LE 2 (nmc.example)" in shown
    assert call(folder, "events", "suggest", *own, "--json").json()["suggestions"] == []
    call(folder, "events", "leave", CONTEXT, ALERT.alert_id, "--role", "analyst")
    assert len(call(folder, "events", "list", *own, "--json").json()["events"]) == 2
    call(folder, "events", "leave", CONTEXT, ALERT.alert_id, "--role", "analyst", code=2)
    call(folder, "events", "show", "zz", code=2)
    call(folder, "events", "list", "--from", "nowhere", code=1)


def add(folder, *more, code=0):
    how = ("--reason", "overdue", "--purpose", "maritime_safety", "--role", "duty officer", "--expires", "2026-04-01")
    return call(folder, "watchlist", "add", *how, *more, code=code)


def test_a_watched_vessel_is_found_until_its_entry_is_withdrawn(folder):
    taken(folder)
    alerts = [ALERT, replace(ALERT, alert_id="5" * 32, mmsi=567801003)]
    (folder / "alerts.jsonl").write_bytes(b"".join(map(json_line, alerts)))
    entry = add(folder, "--mmsi", "567801002", "--begins", "2026-03-01", "--json").json()
    assert (entry["rel_to"], entry["personal_data"]) == ([], True)
    assert [each["state"] for each in call(folder, "watchlist", "check", "--json").json()["entries"]] == ["in_force"]
    assert "mmsi 567801002" in call(folder, "watchlist", "list").out
    found = call(folder, "watchlist", "match", "alerts.jsonl", "--json").json()["matches"]
    assert [(each["alert_id"], each["handling"]["rel_to"]) for each in found] == [(ALERT.alert_id, [])]
    received = call(folder, "watchlist", "match", "--received", "--json").json()["matches"]
    assert sorted(each["alert_originator"] for each in received) == ["nmc.example", "other.example"]
    call(folder, "watchlist", "match", code=2)
    call(folder, "watchlist", "remove", entry["alert_id"][:8])
    assert call(folder, "watchlist", "match", "alerts.jsonl", "--json").json()["matches"] == []
    assert call(folder, "watchlist", "remove", "nmc.example/4e", code=2).err.count("no entry of this house")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--mmsi", "0"), "--mmsi 0"),
        (("--mmsi", "111111111"), "that of no vessel"),
        (("--imo", "1234568"), "that of no vessel"),
        ((), "which vessel it is"),
        (("--mmsi", "567801002", "--box", "1,2,3"), "--box"),
        (("--mmsi", "567801002", "--reason", "smuggling"), "--reason"),
        (("--mmsi", "567801002", "--purpose", "fame"), "--purpose"),
        (("--mmsi", "567801002", "--expires", "2026-12-01"), "within 90 days"),
        (("--mmsi", "567801002", "--expires", "soon"), "--expires"),
        (("--mmsi", "567801002", "--begins", "2026-05-01"), "after it begins"),
    ],
)
def test_an_entry_that_is_none_is_refused_in_a_sentence(folder, more, said):
    assert said in add(folder, *more, code=2).err
    assert not (folder / "r.db").exists()


def test_an_alerts_line_that_is_none_is_told_with_its_number(folder):
    (folder / "alerts.jsonl").write_bytes(json_line(ALERT) + b'{"x": 1}\n')
    add(folder, "--imo", "9074729")
    assert "alerts.jsonl, line 2" in call(folder, "watchlist", "match", "alerts.jsonl", code=1).err


def test_other_files_are_no_store(folder):
    for command in (("received", "list"), ("received", "purge"), ("events", "list"), ("watchlist", "list")):
        call(folder, *command, code=2)
    (folder / "r.db").write_text("no database, but long enough to look like one")
    for command in (("received", "list"), ("received", "purge"), ("events", "list"), ("watchlist", "list")):
        assert "no store" in call(folder, *command, code=1).err
