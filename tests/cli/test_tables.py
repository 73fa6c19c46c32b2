"""What is printed on a narrow screen: nothing cut away."""

from io import StringIO

import pytest
from rich.console import Console

from maritime.alerts.writers.csv_table import reason_text
from maritime.alerts.writers.jsonl import write_jsonl
from maritime.cli import screen, tables
from maritime.cli.evaluate import print_scores
from maritime.detect.episode import Reason
from maritime.replay import ReplayResult
from tests.alerts.episodes import alert

SUMMARY = {
    "span": {"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T23:59:00Z"},
    "alerts": 2,
    "alerts_by_type": {"dark_period": {"open": 0, "closed": 1, "retracted": 1, "per_100_vessel_days": 50.0}},
    "reports": 1234,
    "vessels": 3,
    "vessel_days": 2.0,
    "rejects": {"total": 0},
    "engine": {"set_aside": 56},
}
SCORE = {
    "type": "dark_period",
    "truths": 1,
    "found": 1,
    "alerts": 1,
    "recall": 1.0,
    "recall_interval": (0.21, 1.0),
    "precision": 1.0,
    "precision_interval": (0.21, 1.0),
    "false_alarms": 0,
    "duplicates": 0,
    "start_error": {"median_s": 60.0, "p95_s": 60.0},
    "end_error": None,
    "delay": None,
    "alerts_per_100_vessel_days": 50.0,
    "alerts_per_100_vessel_days_interval": (1.3, 278.6),
}


@pytest.fixture(params=[40, 80, 160])
def printed(request, monkeypatch):
    """A screen of some width, and what was printed on it."""
    paper = StringIO()

    def console():
        return Console(file=paper, width=request.param, highlight=False, markup=False)

    monkeypatch.setattr(screen, "console", console)
    monkeypatch.setattr(tables, "console", console)
    return paper


def test_every_alert_is_told_whole_at_any_width(printed, tmp_path):
    write_jsonl([alert(), alert(episode_id="11aa", state="retracted")], tmp_path / "alerts.jsonl")
    tables.print_ranked(ReplayResult(tmp_path, SUMMARY), 20)
    told = " ".join(printed.getvalue().split())
    for words in (
        "00ff00ff",
        "dark period",
        "366000001-1",
        "2020-01-01 12:00",
        "37.5000 N",
        "severe",
        "0.80",
        "silence 2 h",
    ):
        assert words in told
    assert "…" not in told
    assert "1 alert from 1,234 reports of 3 vessels (2.0 vessel-days), 56 reports of other stations" in told


def test_scores_are_told_whole_at_any_width(printed):
    print_scores({"scores": [SCORE]})
    told = " ".join(printed.getvalue().split())
    for words in ("dark period", "recall", "1.00 (0.21–1.00)", "start error", "1.0 / 1.0", "50.0 (1.3–278.6)"):
        assert words in told
    assert "…" not in told


def test_nothing_to_score_is_said(printed):
    print_scores({"scores": []})
    assert "nothing to score" in " ".join(printed.getvalue().split())


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (Reason("silence", 2.5, 1.0, "h"), "silence 2.5 h (threshold 1.0 h)"),
        (Reason("rarity", None, 0.5, "1"), "rarity unknown (threshold 0.5)"),
        (Reason("beacon_active", True, True, "1"), "beacon active"),
        (Reason("beacon_active", False, True, "1"), "no beacon active"),
    ],
)
def test_a_reason_reads_as_words(reason, told):
    written = {"term": reason.term, "value": reason.value, "threshold": reason.threshold, "unit": reason.unit}
    assert reason_text(written) == told
