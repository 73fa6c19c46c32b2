import json
import os
import re

import pytest

from maritime.alerts.terms import TERM_MEANING
from maritime.alerts.writers.jsonl import write_jsonl
from maritime.cli.explain import newest_folder
from maritime.detect import dark_period, landing
from maritime.detect.episode import Reason
from maritime.detect.tell import loitering
from maritime.errors import UsageError
from tests.alerts.episodes import alert
from tests.cli.running import PROJECT, maritime


@pytest.fixture
def folder(tmp_path):
    reasons = (Reason("silence", 2.0, 1.0, "h"), Reason("rarity", None, 0.5, ""))
    alerts = [
        alert(episode_id="aa11", reasons=reasons),
        alert(episode_id="aa22", type="loitering", ended_ms=None, state="open"),
    ]
    write_jsonl(alerts, tmp_path / "alerts.jsonl")
    return tmp_path


def test_it_says_why_in_words_and_numbers(folder):
    ran = maritime("explain", "aa1", cwd=folder)
    assert ran.code == 0
    for told in ("not heard", "366000001", "United States", "2020-01-01 12:00", "(2.0 h)", "silence", "severe", "0.80"):
        assert told in ran.out
    assert "unknown" in ran.out  # the term that lacks its history
    assert "sog kn: 12.3" in ran.out


def test_every_term_that_can_be_told_has_a_meaning():
    sources = [path.read_text() for path in (PROJECT / "maritime" / "detect" / "tell").glob("*.py")]
    told = {term for source in sources for term in re.findall(r'Reason\(\s*"(\w+)"', source)}
    assert len(told) > 20
    told |= {*dark_period.HELD, *landing.TERMS, *loitering.MODES} - {"", "slow"}
    assert told - TERM_MEANING.keys() == set()
    assert TERM_MEANING.keys() - told == set()


def test_a_term_that_lacks_its_history_is_shown_as_unknown(tmp_path):
    write_jsonl([alert(type="landfall", evidence={"unknown_terms": ["short_stay"]})], tmp_path / "alerts.jsonl")
    ran = maritime("explain", "00ff", cwd=tmp_path)
    [line] = (line for line in ran.out.splitlines() if line.startswith(" short stay"))
    assert line.split()[2] == "unknown"
    assert "time ashore" in line


def test_as_json_it_is_the_alert_and_what_it_means(folder):
    told = maritime("explain", "aa2", "--json", cwd=folder).json()
    assert told["alert_id"] == "aa22"
    assert told["meaning"]
    assert told["ended_at"] is None


@pytest.mark.parametrize(
    ("alert_id", "said"),
    [("aa", "2 alerts in .*begin with 'aa' (aa11, aa22); give more"), ("b", "no alert in .*begins with 'b'")],
)
def test_an_id_that_fits_none_or_several_is_wrong_usage(folder, alert_id, said):
    ran = maritime("explain", alert_id, "--from", folder, cwd=folder)
    assert ran.code == 2
    for part in said.split(".*"):
        assert part in ran.err


def test_without_a_folder_the_newest_replay_is_taken(tmp_path):
    for age, name in enumerate(("new", "old")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "alerts.jsonl").touch()
        (tmp_path / name / "summary.json").touch()
        os.utime(tmp_path / name / "summary.json", (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "alerts.jsonl").touch()
    assert newest_folder(tmp_path) == tmp_path / "new"


def test_without_any_replay_it_asks_for_one(tmp_path):
    with pytest.raises(UsageError, match="name one with --from"):
        newest_folder(tmp_path)


@pytest.mark.parametrize("content", ["{}", "not json", json.dumps({"alert_id": 3}), "[1]"])
def test_a_file_that_holds_no_alerts_is_said(tmp_path, content):
    (tmp_path / "alerts.jsonl").write_text(content)
    ran = maritime("explain", "a", "--from", ".", cwd=tmp_path)
    assert ran.code == 1
    assert "a line that is no alert" in ran.err
