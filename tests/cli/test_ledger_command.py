"""`maritime ledger`: heads, what was done to a ledger, and receipts."""

import json
import sqlite3
from pathlib import Path

import pytest

from maritime.sharing.desk import Parcel
from maritime.sharing.keys import KeySet
from maritime.sharing.receipts import check_receipt, read_head
from maritime.times import from_rfc3339
from tests.cli.running import Ran, maritime
from tests.sharing.test_publisher import ALERT, LONGER, NOW_MS, SIGNING, Office, two

LATE_MS = from_rfc3339("2100-01-01T00:00:00Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a ledger (`ledger.db`) of some decisions, a key and its set."""
    office = Office(tmp_path, two())
    office.take(ALERT)
    office.take(LONGER, NOW_MS + 3_600_000)
    office.ledger.close()
    maritime("keys", "new", "--out", "key.pem", "--jwks", "keys.json", cwd=tmp_path)
    return tmp_path


def head(folder: Path) -> None:
    done = maritime("ledger", "head", "--ledger", "ledger.db", "--key", "key.pem", "--heads", "heads", cwd=folder)
    assert done.code == 0, done.err
    assert "4 entries" in done.out


def test_heads_are_added_and_the_ledger_is_sound(folder: Path) -> None:
    head(folder)
    head(folder)
    arguments = ("--ledger", "ledger.db", "--heads", "heads", "--keys", "keys.json")
    checked = maritime("ledger", "check", *arguments, cwd=folder)
    assert (checked.code, checked.out) == (0, "4 entries are as they were written, by 2 signed heads\n")


def test_what_was_done_to_a_ledger_is_found(folder: Path) -> None:
    head(folder)
    with sqlite3.connect(folder / "ledger.db") as database:
        database.execute("DROP TRIGGER never_removed")
        database.execute("DELETE FROM entries WHERE seq = 3")
    arguments = ("--ledger", "ledger.db", "--heads", "heads", "--keys", "keys.json")
    checked = maritime("ledger", "check", *arguments, "--json", cwd=folder)
    assert checked.code == 1
    assert "entry 3 is missing" in checked.json()["fault"]


def test_a_copy_is_proved_to_who_has_it(folder: Path) -> None:
    head(folder)
    office = Office(folder, two())
    copy = office.publisher.desk.outbox()[0]
    office.ledger.close()
    alert_id = json.loads(copy.envelope)["alert_id"]
    arguments = ("--ledger", "ledger.db", "--heads", "heads", "--keys", "keys.json")
    proof = maritime("ledger", "prove", alert_id, "0", "now", *arguments, cwd=folder).json()
    newest = read_head(proof["head"], KeySet.read(folder / "keys.json"), LATE_MS)
    check_receipt(proof["receipt"], newest, copy.envelope)
    other = maritime("ledger", "prove", alert_id, "0", "late", *arguments, cwd=folder)
    assert (other.code, "late was sent no revision 0" in other.err) == (2, True)


def test_the_partner_checks_its_receipt(folder: Path) -> None:
    head(folder)
    office = Office(folder, two())
    first, second, *_ = [parcel for parcel in office.publisher.desk.outbox() if parcel.partner == "now"]
    office.ledger.close()
    arguments = ("--ledger", "ledger.db", "--heads", "heads", "--keys", "keys.json")
    alert_id = json.loads(first.envelope)["alert_id"]
    proof = maritime("ledger", "prove", alert_id, "0", "now", *arguments, cwd=folder)
    (folder / "receipt.json").write_text(proof.out)
    keys = KeySet.read(folder / "keys.json")
    (folder / "both.json").write_bytes(KeySet((*keys.keys, SIGNING.public(org_id="nmc.example"))).to_jwks())

    def verify(parcel: Parcel, receipt: str = "receipt.json", key_set: str = "both.json") -> Ran:
        event = {"envelope": json.loads(parcel.envelope), "jws": parcel.jws}
        (folder / "copy.json").write_text(json.dumps(event))
        return maritime("verify", "copy.json", "--keys", key_set, "--receipt", receipt, "--json", cwd=folder)

    assert verify(first).json()["ledger_entries"] == 4
    assert verify(second).json()["reason"] == "not_in_the_ledger"
    forged = json.loads(proof.out)
    forged["receipt"]["path"] = forged["receipt"]["path"][::-1]
    (folder / "forged.json").write_text(json.dumps(forged))
    assert verify(first, "forged.json").json()["reason"] == "not_in_the_ledger"
    (folder / "ours.json").write_bytes(KeySet((SIGNING.public(org_id="nmc.example"),)).to_jwks())
    assert verify(first, key_set="ours.json").json()["reason"] == "unknown_key"  # that of the head
    (folder / "none.json").write_text('{"receipt": 1}')
    for name, said in (
        ("none.json", "none.json is no receipt"),
        ("copy.json", "is no receipt"),
        ("no.json", "no.json"),
    ):
        done = verify(first, name)
        assert (done.code, said in done.err) == (1, True), done.err


def test_a_ledger_that_is_not_there_is_not_made(folder: Path) -> None:
    done = maritime("ledger", "head", "--ledger", "none.db", "--key", "key.pem", "--heads", "heads", cwd=folder)
    assert (done.code, "there is no ledger none.db" in done.err) == (2, True)
    assert not (folder / "none.db").exists()


def test_a_head_of_somebody_else_is_refused(folder: Path) -> None:
    head(folder)
    maritime("keys", "new", "--out", "other.pem", "--jwks", "other.json", cwd=folder)
    arguments = ("--ledger", "ledger.db", "--heads", "heads", "--keys", "other.json")
    done = maritime("ledger", "check", *arguments, cwd=folder)
    assert (done.code, "is not in the key set" in done.err) == (1, True)
