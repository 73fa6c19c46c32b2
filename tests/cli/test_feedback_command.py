"""`maritime feedback`: who said what, what waits for an answer, and what it makes of precision."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maritime.sharing.envelope import offset_time
from maritime.sharing.feedback_reading import FeedbackReading
from maritime.sharing.ledger import Ledger
from maritime.units import HOUR_MS
from tests.cli.running import maritime
from tests.sharing.speaking import feedback_id
from tests.sharing.test_feedback_book import Books
from tests.sharing.test_publisher import ALERT

HOUR_AGO_MS = int(time.time() * 1000) - HOUR_MS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with the word of two partners; `a` asks twice, once with a deadline that is over."""
    path = tmp_path_factory.mktemp("feedback")
    books = Books(path)
    books.take(ALERT)
    late, soon = offset_time(HOUR_AGO_MS + 1), offset_time(HOUR_AGO_MS + 1000 * HOUR_MS)
    books.says("a", "request_for_information", 1, answer_by=late, question="Which flag?\nAnd whose?")
    books.says("a", "request_for_information", 2, answer_by=soon)
    books.says("a", "dismissed", 3, note="A ferry.")
    books.says("b", "confirmed", 4)
    books.say("b", b"nothing")
    books.ledger.close()
    return path


def feedback(folder: Path, command: str, *words: str, code: int = 0):
    ran = maritime("feedback", command, *words, "--ledger", "ledger.db", cwd=folder)
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    return ran


def test_what_partners_said_is_listed_the_newest_first(folder: Path) -> None:
    rows = feedback(folder, "list", "--json").json()["feedback"]
    assert [(row["partner"], row["kind"]) for row in rows][:2] == [("b", "confirmed"), ("a", "dismissed")]
    assert rows[1]["reason"] == "ordinary_activity"
    assert rows[1]["alert_id"] == ALERT.alert_id != rows[1]["shared_alert_id"]
    told = feedback(folder, "list", "--partner", "a").out
    assert "a: dismissed (ordinary_activity), loitering" in told
    assert "  A ferry.\n" in told
    assert told.endswith("3 messages\n")
    assert len(feedback(folder, "list", "--most", "1", "--json").json()["feedback"]) == 1


def test_requests_that_wait_are_listed_the_most_urgent_first(folder: Path) -> None:
    rows = feedback(folder, "list", "--open", "--json").json()["feedback"]
    assert [(row["feedback_id"], row["state"]) for row in rows] == [
        (feedback_id(1), "overdue"),
        (feedback_id(2), "open"),
    ]
    (row,) = feedback(folder, "list", "--overdue", "--json").json()["feedback"]
    assert row["question"] == "Which flag?\nAnd whose?"
    assert "  And whose?\n" in feedback(folder, "list", "--overdue").out


def test_what_was_refused_is_listed_with_its_reason(folder: Path) -> None:
    (row,) = feedback(folder, "list", "--refused", "--json").json()["refused"]
    assert (row["partner"], row["reason"]) == ("b", "not_valid")
    assert "not_valid" in feedback(folder, "list", "--refused").out


def test_an_answer_is_written_and_waits_for_the_publisher(tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.take(ALERT)
    books.says("a", "request_for_information", 1)
    books.says("b", "request_for_information", 1)
    wrong = feedback(tmp_path, "answer", feedback_id(1), "No.", "--role", "analyst", code=2)
    assert "say which with --partner" in wrong.err
    told = feedback(tmp_path, "answer", feedback_id(1), "No.", "--role", "analyst", "--partner", "b", "--json").json()
    assert told["partner"] == "b"
    command = [sys.executable, "-m", "maritime.cli", "feedback", "answer", feedback_id(1), "-"]
    done = subprocess.run(
        [*command, "--role", "analyst", "--partner", "a", "--ledger", tmp_path / "ledger.db"],
        input="Flag unknown.\n",
        text=True,
        capture_output=True,
        check=True,
    )
    assert "waits to be signed" in done.stdout
    assert books.reading.open_requests() == []
    (written,) = books.reading.answers("a", feedback_id(1))
    assert (written.text, written.role, written.jws) == ("Flag unknown.", "analyst", None)
    books.ledger.close()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((feedback_id(9), "No.", "--role", "analyst"), "there is no request"),
        ((feedback_id(1), "", "--role", "analyst"), "write 1 to 4000"),
        ((feedback_id(1), "\x1b[2J", "--role", "analyst"), "plain text"),
        ((feedback_id(1), "No.", "--role", ""), "write 1 to 80"),
    ],
)
def test_what_cannot_be_answered_is_said(folder: Path, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in feedback(folder, "answer", *words, code=2).err


def test_precision_hides_shares_of_a_few_votes(folder: Path) -> None:
    told = feedback(folder, "precision", "--json").json()
    assert told["types"] == [
        {
            "type": "loitering",
            "confirmed": 1,
            "dismissed": 1,
            "share_confirmed": None,
            "interval_95": None,
            "contested": [ALERT.alert_id],
        }
    ]
    assert "1 contested: fewer than 5 votes" in feedback(folder, "precision").out


def test_precision_of_many_votes_has_an_interval(tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.ledger.database.execute("INSERT INTO past_verdicts VALUES ('loitering', 'confirmed', 8)")
    books.ledger.database.execute("INSERT INTO past_verdicts VALUES ('loitering', 'dismissed', 2)")
    books.ledger.close()
    (row,) = feedback(tmp_path, "precision", "--json").json()["types"]
    # Wilson 1927 for 8 of 10, worked out by hand: (0.8 + z²/20 ± z·√(0.016 + z²/400)) / (1 + z²/10)
    assert (row["share_confirmed"], row["interval_95"]) == (0.8, [0.4902, 0.9433])


def test_verdicts_are_written_a_line_each(folder: Path, tmp_path: Path) -> None:
    told = feedback(folder, "verdicts", "--out", str(tmp_path / "verdicts.jsonl"), "--json").json()
    assert (told["verdicts"], told["contested"]) == (0, 1)
    books = Books(tmp_path)
    books.take(ALERT)
    books.says("a", "dismissed", 1)
    books.ledger.close()
    feedback(tmp_path, "verdicts", "--out", "verdicts.jsonl")
    lines = (tmp_path / "verdicts.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"alert_id": ALERT.alert_id, "verdict": "dismissed", "at": "2026-03-14T21:10:00Z"}
    ]


@pytest.mark.parametrize("command", [("list",), ("precision",), ("answer", feedback_id(1), "x", "--role", "r")])
def test_a_ledger_without_feedback_or_none_at_all_is_no_traceback(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert "there is no ledger" in feedback(tmp_path, *command, code=2).err
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert FeedbackReading(ledger.database).newest(1) == []
    feedback(tmp_path, *command, code=2 if command[0] == "answer" else 0)
