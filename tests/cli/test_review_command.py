"""`maritime review`: what is to be reviewed, and what people said."""

import json
from pathlib import Path
from typing import Any

import pytest

from maritime.sharing.ledger import Ledger
from tests.cli.running import maritime
from tests.sharing.policies import MARK, partner, policy, rule
from tests.sharing.test_publisher import ALERT, NOW_MS, Office

LONG = policy(
    {"p": partner(rule(), machine_alerts=False)}, marks=[MARK | {"expires_h": 1_000_000, "retain_days": 100_000}]
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    office = Office(tmp_path, LONG)
    office.take(ALERT)
    office.ledger.close()
    return tmp_path


def review(folder: Path, *words: str, code: int = 0) -> Any:
    ran = maritime("review", *words, "--ledger", "ledger.db", cwd=folder)
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    return ran


def test_what_waits_is_listed_until_something_is_said_of_it(folder: Path) -> None:
    (row,) = review(folder, "list", "--json").json()["unreviewed"]
    assert (row["alert_id"], row["type"], row["mmsi"], row["status"]) == (
        ALERT.alert_id,
        "loitering",
        ALERT.mmsi,
        "actual",
    )
    assert "1 not reviewed\n0 reviews\n" in review(folder, "list").out
    words = ("--protected-persons", "SY,IQ", "--personal-data", "yes", "--caveat", "seen from the air")
    said = review(folder, "say", "4e42", "--state", "confirmed", "--role", "duty officer", *words, "--json").json()
    assert said["alert_id"] == ALERT.alert_id
    assert said["review"]["countries_of_origin"] == ["SY", "IQ"]
    listed = review(folder, "list", "--json").json()
    assert listed["unreviewed"] == []
    assert [(row["role"], row["taken_at"]) for row in listed["reviews"]] == [("duty officer", None)]
    assert "confirmed by duty officer, protected persons (SY, IQ), personal data, seen from the air" in json.dumps(
        listed
    )
    assert "; not acted on yet\n1 reviews" in review(folder, "list").out


def test_it_is_acted_on_by_who_shares(folder: Path) -> None:
    review(folder, "say", "4e42", "--state", "confirmed", "--role", "analyst", "--offence", "illegal_fishing")
    office = Office(folder, LONG)
    (filed,) = office.publisher.reviews.reading.waiting(9)
    (parcel,) = office.publisher.take_review(filed, NOW_MS + 1)
    assert b"illegal_fishing" in parcel.envelope
    office.ledger.close()
    assert "not acted on" not in review(folder, "list").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--state", "guilty"), "--state 'guilty'"),
        (("--state", "confirmed", "--protected-persons", "Syria"), "--protected-persons 'Syria'"),
        (("--state", "confirmed", "--personal-data", "perhaps"), "neither yes nor no"),
        (("--state", "dismissed", "--offence", "smuggling"), "an offence is named by a review that confirms"),
        (("--state", "confirmed", "--offence", "Illegal fishing"), "--offence 'Illegal fishing'"),
        (("--state", "confirmed", "--caveat", "\x1b[2J"), "--caveat"),
        (("--state", "confirmed", "--role", ""), "--role ''"),
    ],
)
def test_what_cannot_be_said_is_refused_in_a_sentence(folder: Path, words: tuple[str, ...], said: str) -> None:
    ran = review(folder, "say", "4e42", "--role", "analyst", *words, code=2)
    assert said in ran.err
    assert review(folder, "list", "--json").json()["reviews"] == []


def test_another_alert_is_not_found_and_no_ledger_is_none(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    say = ("say", "77", "--state", "confirmed", "--role", "analyst")
    assert "no alert 77" in review(folder, *say, code=2).err
    empty = tmp_path_factory.mktemp("empty")
    assert "there is no ledger" in review(empty, *say, code=2).err
    Ledger(empty / "ledger.db").close()
    assert "no alert 77" in review(empty, *say, code=2).err
    assert review(empty, "list", "--json").json() == {"unreviewed": [], "reviews": []}
