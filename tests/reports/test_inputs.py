"""Folders of replays: what is read, what counts once, and what is refused."""

import json

import pytest

from maritime.errors import InputError, UsageError
from maritime.reports.inputs import read_replays, read_verdicts
from maritime.reports.make import Ordered, report_of
from maritime.reports.told import Verdict, own_view
from maritime.times import from_rfc3339
from tests.reports.world import alert_at, folder

HERE, THERE = (8.6, 97.3), (20.6, 97.3)
APRIL = Ordered(from_rfc3339("2026-04-01"), from_rfc3339("2026-05-01"))


def alerts(*numbers):
    return [alert_at(n, "2026-04-10T10:00:00Z", HERE) for n in numbers]


def hours(count, when="2026-04-10T10:00:00Z", where=HERE):
    return {(when, where): count}


def totals(*folders):
    report = report_of(folders, APRIL)
    return report.trends[0].count, report.quality.periods[0].vessel_hours, report.quality.overlaps


def test_folders_of_other_hours_and_areas_add_up(tmp_path):
    one = folder(tmp_path / "1", alerts(1), hours(10))
    two = folder(tmp_path / "2", alerts(2), hours(20, "2026-04-10T11:00:00Z"))
    three = folder(tmp_path / "3", [], hours(40, where=THERE))
    assert totals(one, two, three) == (2, 70, 0)


def test_the_same_hours_and_alerts_count_once(tmp_path):
    one = folder(tmp_path / "1", alerts(1, 2), hours(10))
    two = folder(tmp_path / "2", alerts(2, 3), hours(12))
    assert totals(one, two) == totals(two, one) == (3, 12, 1)
    assert totals(one, one, tmp_path / "2" / ".." / "1") == (2, 10, 0)


def broken(tmp_path, name, text):
    there = folder(tmp_path / "out", alerts(1), hours(10))
    path = there / name
    path.unlink() if text is None else path.write_bytes(text)
    return there


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("vessel_hours.parquet", None, "without vessel-hours there is no rate"),
        ("vessel_hours.parquet", b"PAR1 not", "not a sound Parquet file"),
        ("summary.json", None, "give folders that `maritime replay` has written"),
        ("summary.json", b"[]", "is no summary"),
        ("summary.json", b'{"reports": -1}', "is no summary"),
        ("alerts.jsonl", None, "cannot be read"),
        ("alerts.jsonl", b"\n{}\n", "alerts.jsonl:2 is no alert"),
        ("alerts.jsonl", b"[" * 100_000, "alerts.jsonl:1 is no alert"),
        ("alerts.jsonl", b" " * (5 << 20), "has more than 4 MiB"),
    ],
)
def test_what_is_missing_or_not_sound_is_said_in_one_sentence(tmp_path, name, text, said):
    with pytest.raises(InputError, match=said):
        read_replays([broken(tmp_path, name, text)], own_view, {})


def test_vessel_hours_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(InputError, match="-3 vessel-hours"):
        read_replays([folder(tmp_path, [], hours(-3))], own_view, {})


def test_the_last_verdict_counts(tmp_path):
    path = tmp_path / "verdicts.jsonl"
    lines = [("a", "dismissed", "2026-04-12T00:00:00Z"), ("a", "confirmed", "2026-04-11T00:00:00Z")]
    path.write_text(
        "\n".join(json.dumps(dict(zip(("alert_id", "verdict", "at"), line, strict=True))) for line in lines)
    )
    assert read_verdicts(path) == {"a": Verdict("dismissed", from_rfc3339("2026-04-12"))}
    path.write_text('{"alert_id": "a", "verdict": "maybe", "at": "2026-04-11T00:00:00Z"}')
    with pytest.raises(InputError, match=r"verdicts.jsonl:1 is no verdict"):
        read_verdicts(path)


def test_a_time_without_a_whole_period_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no whole month"):
        report_of([tmp_path], Ordered(from_rfc3339("2026-04-02"), from_rfc3339("2026-05-31")))
