"""The deletion benchmark's own arithmetic, on tracks and alerts made by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.deletion_score import DarkAlert, Score, read_dark_alerts, read_held_back, score
from benchmarks.planted_silences import Silence, Stretch, plant, stretches, vessel_days
from maritime.units import HOUR_MS, MINUTE_MS


def track(mmsi: int, hours: float, sog_kn: float = 8.0, every_min: int = 2, from_h: float = 0.0) -> pd.DataFrame:
    t_ms = np.arange(int(from_h * HOUR_MS), int((from_h + hours) * HOUR_MS) + 1, every_min * MINUTE_MS)
    return pd.DataFrame({"mmsi": mmsi, "t_ms": t_ms, "sog_kn": sog_kn})


def silence(mmsi: int, start_h: float, end_h: float) -> Silence:
    return Silence(mmsi, int(start_h * HOUR_MS), int(end_h * HOUR_MS), 2 * MINUTE_MS, 2 * MINUTE_MS)


def alert(mmsi: int, start_h: float, end_h: float | None, confidence: float = 0.5, raised_h: float = 0.0) -> DarkAlert:
    end_ms = None if end_h is None else int(end_h * HOUR_MS)
    return DarkAlert(mmsi, int(start_h * HOUR_MS), end_ms, int((raised_h or start_h + 1) * HOUR_MS), confidence)


def test_a_hole_of_more_than_ten_minutes_ends_a_stretch() -> None:
    gap_h = 12 / 60
    reports = pd.concat([track(1, 7.0), track(1, 6.0, from_h=7.0 + gap_h)])
    second_ms = 7 * HOUR_MS + 12 * MINUTE_MS
    assert stretches(reports) == [
        Stretch(1, 0, 7 * HOUR_MS, True),
        Stretch(1, second_ms, second_ms + 6 * HOUR_MS, True),
    ]


def test_ten_minutes_are_no_hole() -> None:
    assert [s.fit for s in stretches(track(1, 8.0, every_min=10))] == [True]


@pytest.mark.parametrize(("hours", "sog_kn", "fit"), [(6.0, 8.0, True), (5.9, 8.0, False), (8.0, 1.0, False)])
def test_only_long_stretches_under_way_are_fit(hours: float, sog_kn: float, fit: bool) -> None:
    assert [s.fit for s in stretches(track(1, hours, sog_kn))] == [fit]


def test_more_than_four_fifths_must_be_under_way() -> None:
    reports = track(1, 10.0)
    reports.loc[: len(reports) // 4, "sog_kn"] = 0.0
    assert [s.fit for s in stretches(reports)] == [False]


@pytest.mark.parametrize("seed", range(20))
def test_planted_silences_lie_inside_fit_stretches_and_nothing_else_is_deleted(seed: int) -> None:
    reports = pd.concat([track(1, 6.0), track(2, 20.0), track(3, 20.0, sog_kn=0.1)], ignore_index=True)
    kept, planted = plant(reports, stretches(reports), np.random.default_rng(seed))
    assert {s.mmsi for s in planted} == {1, 2}
    for s in planted:
        own = kept[kept["mmsi"] == s.mmsi]["t_ms"]
        assert s.start_ms in own.values
        assert s.end_ms in own.values
        assert not ((own > s.start_ms) & (own < s.end_ms)).any()
        assert HOUR_MS <= s.length_ms <= 6 * HOUR_MS + 4 * MINUTE_MS
        assert s.start_interval_ms == s.end_interval_ms == 2 * MINUTE_MS
    gone = reports.merge(kept, how="left", indicator=True).query("_merge == 'left_only'")
    assert all(any(s.mmsi == r.mmsi and s.start_ms < r.t_ms < s.end_ms for s in planted) for r in gone.itertuples())
    assert len(gone) == len(reports) - len(kept) > 0


def test_the_same_seed_plants_the_same_silences() -> None:
    reports = track(2, 20.0)
    first, again, other = (plant(reports, stretches(reports), np.random.default_rng(s))[1] for s in (7, 7, 8))
    assert first == again != other


def test_vessel_days_run_from_first_to_last_report() -> None:
    assert vessel_days(pd.concat([track(1, 12.0), track(2, 6.0, from_h=3.0)])) == 0.75


def test_an_alert_in_a_planted_silence_finds_it() -> None:
    result = score([alert(1, 2.0, 5.0)], [silence(1, 2.0, 5.0)], [], 1.0)
    assert result.found[0].alert is not None
    assert result.found[0].exact
    assert result.found[0].while_silent
    assert not result.others


def test_alerts_of_other_vessels_or_times_do_not_find_it() -> None:
    result = score([alert(2, 2.0, 5.0), alert(1, 5.0, 8.0)], [silence(1, 2.0, 5.0)], [], 1.0)
    assert result.found[0].alert is None
    assert len(result.others) == 2


def test_the_greatest_overlap_is_the_match_and_a_second_alert_is_another() -> None:
    result = score([alert(1, 0.0, 2.5, 0.1), alert(1, 2.5, 5.0, 0.9)], [silence(1, 2.0, 5.0)], [], 1.0)
    assert result.found[0].alert == alert(1, 2.5, 5.0, 0.9)
    assert result.others == [alert(1, 0.0, 2.5, 0.1)]


def test_only_closed_alerts_of_two_hours_count_as_others() -> None:
    result = score([alert(1, 0.0, 1.9), alert(2, 0.0, 2.0), alert(3, 0.0, None)], [], [], 1.0)
    assert [a.mmsi for a in result.others] == [2]
    assert result.still_silent == 1


@pytest.mark.parametrize(("start_h", "end_h", "exact"), [(2.03, 5.0, True), (2.05, 5.0, False), (2.0, 5.05, False)])
def test_start_and_end_may_err_by_one_interval(start_h: float, end_h: float, exact: bool) -> None:
    assert score([alert(1, start_h, end_h)], [silence(1, 2.0, 5.0)], [], 1.0).found[0].exact is exact


def test_an_alert_raised_at_reappearance_was_not_raised_while_silent() -> None:
    result = score([alert(1, 2.0, 5.0, raised_h=5.0)], [silence(1, 2.0, 5.0)], [], 1.0)
    assert not result.found[0].while_silent


@pytest.mark.parametrize(("end_h", "inside"), [(5.0, 0), (5.1, 1), (None, 1)])
def test_alerts_over_heard_stretches_are_counted(end_h: float | None, inside: int) -> None:
    heard = [Stretch(1, 0, 2 * HOUR_MS, True), Stretch(1, 5 * HOUR_MS, 9 * HOUR_MS, True)]
    assert score([alert(1, 2.0, end_h)], [], heard, 1.0).inside_stretches == inside


def test_the_curve_trades_recall_for_false_alarms() -> None:
    planted = [silence(1, 2.0, 5.0), silence(2, 2.0, 5.0), silence(3, 2.0, 5.0), silence(4, 2.0, 3.5)]
    alerts = [alert(1, 2.0, 5.0, 0.9), alert(2, 2.0, 5.0, 0.4), alert(9, 0.0, 4.0, 0.6), alert(4, 2.0, 3.5, 0.1)]
    result = score(alerts, planted, [], 50.0)
    assert [result.at(confidence) for confidence in (0.0, 0.4, 0.5, 0.9, 0.95)] == [
        (pytest.approx(2 / 3), 2.0),
        (pytest.approx(2 / 3), 2.0),
        (pytest.approx(1 / 3), 2.0),
        (pytest.approx(1 / 3), 0.0),
        (0.0, 0.0),
    ]


def test_runs_add_up() -> None:
    total = Score()
    for days in (10.0, 30.0):
        total.add(score([alert(1, 2.0, 5.0), alert(5, 0.0, 3.0)], [silence(1, 2.0, 5.0)], [], days))
    assert (len(total.found), len(total.others), total.vessel_days) == (2, 2, 40.0)


def test_the_last_revision_counts_and_a_retracted_alert_is_none(tmp_path: Path) -> None:
    def record(alert_id: str, revision: int, state: str, ended_at: str | None, kind: str = "dark_period") -> str:
        return json.dumps(
            {
                "alert_id": alert_id,
                "revision": revision,
                "type": kind,
                "state": state,
                "mmsi": 366000001,
                "started_at": "1970-01-01T01:00:00Z",
                "ended_at": ended_at,
                "raised_at": "1970-01-01T02:00:00Z",
                "confidence": 0.7,
            }
        )

    path = tmp_path / "alerts.jsonl"
    path.write_text(
        "\n".join(
            [
                record("a", 0, "open", None),
                record("a", 1, "closed", "1970-01-01T04:00:00Z"),
                record("b", 0, "open", None),
                record("b", 1, "retracted", "1970-01-01T04:00:00Z"),
                record("c", 0, "closed", "1970-01-01T04:00:00Z", kind="loitering"),
            ]
        ),
        encoding="utf-8",
    )
    assert read_dark_alerts(path) == [DarkAlert(366000001, HOUR_MS, 4 * HOUR_MS, 2 * HOUR_MS, 0.7)]


def test_silences_that_are_no_alerts_are_read_by_the_rule_that_held_them_back(tmp_path: Path) -> None:
    utc_ms = pa.timestamp("ms", "UTC")
    episodes = pa.table(
        {
            "type": ["silence", "silence", "landfall", "silence"],
            "mmsi": [1, 2, 3, 4],
            "started_at": pa.array([0, HOUR_MS, 0, 0], utc_ms),
            "ended_at": pa.array([4 * HOUR_MS, None, HOUR_MS, HOUR_MS], utc_ms),
            "held_back_by": ["at_rest", "few_reports", "ferry", None],
        }
    )
    pq.write_table(episodes, tmp_path / "episodes.parquet")
    assert read_held_back(tmp_path / "episodes.parquet") == {
        "at_rest": [DarkAlert(1, 0, 4 * HOUR_MS, 0, 0.0)],
        "few_reports": [DarkAlert(2, HOUR_MS, None, HOUR_MS, 0.0)],
    }
