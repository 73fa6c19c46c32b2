"""Alerts of known faults against a known truth."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.errors import InputError
from maritime.evaluate import Event, evaluate, match, score

HEADER = "type,mmsi,hull,started_at,ended_at,lat,lon,scenario,note\n"


def at(hour: float) -> str:
    return f"2026-03-14T{int(hour):02d}:{round(hour % 1 * 60):02d}:00Z"


def alert(number: int, kind: str, mmsi: int | None, start: float, end: float | None, **more: object) -> dict:
    return {
        "alert_id": f"a{number}",
        "revision": 0,
        "type": kind,
        "state": "open" if end is None else "closed",
        "mmsi": mmsi,
        "hull": f"{mmsi}-1",
        "started_at": at(start),
        "ended_at": None if end is None else at(end),
        "raised_at": at(start + 1),
    } | more


@pytest.fixture
def judge(tmp_path):
    def run(alerts, truths, vessel_days=None, summary=None):
        (tmp_path / "alerts.jsonl").write_text("".join(json.dumps(a) + "\n" for a in alerts))
        rows = [f"{kind},{mmsi},,{at(s)},{'' if e is None else at(e)},,,x,\n" for kind, mmsi, s, e in truths]
        (tmp_path / "truth.csv").write_text(HEADER + "".join(rows))
        if summary is not None:
            (tmp_path / "summary.json").write_text(json.dumps(summary))
        found = evaluate(tmp_path / "alerts.jsonl", tmp_path / "truth.csv", vessel_days)
        return found, {s.type: s for s in found.scores}

    return run


def test_one_hit_one_miss_one_false_alarm_one_duplicate(judge):
    alerts = [
        alert(1, "loitering", 1, 2.0, 6.0),
        alert(2, "loitering", 1, 6.0, 8.0),  # the same episode again
        alert(3, "loitering", 3, 2.0, 6.0),  # nobody there
    ]
    truths = [("loitering", 1, 1.9, 7.9), ("loitering", 2, 1.0, 9.0)]
    _, scores = judge(alerts, truths, vessel_days=50)
    found = scores["loitering"]
    assert (found.truths, found.alerts, found.found, found.duplicates, found.false_alarms) == (2, 3, 1, 1, 1)
    assert found.recall == 0.5
    assert found.precision == pytest.approx(2 / 3)
    assert found.start_error.median_s == pytest.approx(6 * 60)
    assert found.end_error.median_s == pytest.approx(114 * 60)
    assert found.delay.median_s == pytest.approx(66 * 60)
    assert found.alerts_per_100_vessel_days == pytest.approx(6.0)
    assert found.alerts_per_100_vessel_days_interval == pytest.approx((2 * 0.6187, 2 * 8.767), abs=1e-3)
    assert found.recall_interval[0] < 0.5 < found.recall_interval[1]


def test_the_larger_overlap_wins(judge):
    alerts = [alert(1, "dark_period", 1, 2.0, 3.0), alert(2, "dark_period", 1, 3.5, 7.0)]
    _, scores = judge(alerts, [("dark_period", 1, 2.5, 7.0)])
    assert scores["dark_period"].start_error.median_s == 3600
    assert scores["dark_period"].duplicates == 1


def test_types_without_alerts_and_alerts_without_truths(judge):
    _, scores = judge([alert(1, "kinematics", 1, 2.0, 3.0)], [("dark_period", 1, 2.0, 3.0)])
    assert (scores["kinematics"].recall, scores["kinematics"].precision) == (None, 0.0)
    assert (scores["dark_period"].recall, scores["dark_period"].precision) == (0.0, None)
    assert scores["dark_period"].start_error is None


def test_retracted_alerts_do_not_count_and_the_last_revision_speaks(judge):
    alerts = [
        alert(1, "loitering", 1, 2.0, None),
        alert(1, "loitering", 1, 2.0, 6.0, revision=1),
        alert(2, "loitering", 9, 2.0, None),
        alert(2, "loitering", 9, 2.0, 3.0, revision=1, state="retracted"),
    ]
    _, scores = judge(alerts, [("loitering", 1, 2.0, 6.0)])
    assert (scores["loitering"].alerts, scores["loitering"].precision) == (1, 1.0)
    assert scores["loitering"].end_error.median_s == 0


def test_an_outage_is_matched_without_a_vessel(judge):
    _, scores = judge([alert(1, "reception_outage", None, 5.1, 7.0)], [("reception_outage", "", 5.0, 7.0)])
    assert scores["reception_outage"].recall == 1.0


def test_what_still_goes_on_overlaps_what_comes_later(judge):
    _, scores = judge([alert(1, "dark_period", 1, 2.0, None)], [("dark_period", 1, 3.0, 9.0)])
    assert scores["dark_period"].found == 1
    assert scores["dark_period"].end_error is None


def test_another_vessel_or_another_time_is_no_match(judge):
    alerts = [alert(1, "dark_period", 2, 3.0, 9.0), alert(2, "dark_period", 1, 10.0, 11.0)]
    _, scores = judge(alerts, [("dark_period", 1, 3.0, 9.0)])
    assert (scores["dark_period"].found, scores["dark_period"].false_alarms) == (0, 2)


def test_vessel_days_come_from_the_summary_unless_given(judge):
    truths = [("loitering", 1, 2.0, 6.0)]
    alerts = [alert(1, "loitering", 1, 2.0, 6.0)]
    evaluation, scores = judge(alerts, truths, summary={"vessel_days": 20.0})
    assert (evaluation.vessel_days, scores["loitering"].alerts_per_100_vessel_days) == (20.0, 5.0)
    evaluation, scores = judge(alerts, truths, vessel_days=10.0, summary={"vessel_days": 20.0})
    assert (evaluation.vessel_days, scores["loitering"].alerts_per_100_vessel_days) == (10.0, 10.0)


def test_without_vessel_days_there_is_no_rate(judge):
    evaluation, scores = judge([alert(1, "loitering", 1, 2.0, 6.0)], [("loitering", 1, 2.0, 6.0)])
    assert evaluation.vessel_days is None
    assert scores["loitering"].alerts_per_100_vessel_days is None


def test_it_is_plain_json(judge):
    evaluation, _ = judge([alert(1, "loitering", 1, 2.0, 6.0)], [("loitering", 1, 2.0, 6.0)], vessel_days=1)
    told = json.loads(json.dumps(evaluation.to_dict()))
    assert told["scores"][0]["type"] == "loitering"
    assert told["scores"][0]["start_error"] == {"median_s": 0.0, "p95_s": 0.0}


@pytest.mark.parametrize(
    ("alerts", "truth", "named"),
    [
        ("{", HEADER, "line 1"),
        ("[]\n", HEADER, "line 1"),
        ('{"alert_id": 1}\n', HEADER, "'state'"),
        (json.dumps(alert(1, "loitering", 1, 2.0, 6.0) | {"started_at": "soon"}), HEADER, "'soon'"),
        ("", "type,mmsi\n", "'started_at'"),
        ("", HEADER + "loitering,abc,,2026-03-14T00:00:00Z,,,,x,\n", "line 2"),
        ("", HEADER + "loitering,1,,,,,,x,\n", "started_at is empty"),
    ],
)
def test_wrong_files_are_named(tmp_path, alerts, truth, named):
    (tmp_path / "alerts.jsonl").write_text(alerts)
    (tmp_path / "truth.csv").write_text(truth)
    with pytest.raises(InputError, match=named):
        evaluate(tmp_path / "alerts.jsonl", tmp_path / "truth.csv")


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"no\.jsonl"):
        evaluate(tmp_path / "no.jsonl", tmp_path / "no.csv")


def events():
    span = st.tuples(st.integers(0, 100), st.one_of(st.none(), st.integers(0, 50)))
    return st.lists(
        st.builds(
            lambda kind, mmsi, times: Event(
                kind, mmsi, times[0], None if times[1] is None else times[0] + times[1], times[0]
            ),
            st.sampled_from(["loitering", "dark_period"]),
            st.integers(1, 3),
            span,
        ),
        max_size=8,
    )


@given(events(), events())
def test_every_event_is_counted_once(truths, alerts):
    for matching in match(truths, alerts):
        assert matching.truths == sum(t.type == matching.type for t in truths)
        assert matching.alerts == sum(a.type == matching.type for a in alerts)
        assert all(pair.truth.mmsi == pair.alert.mmsi for pair in matching.pairs)


@given(events())
def test_the_truth_itself_is_a_perfect_set_of_alerts(truths):
    for found in score(match(truths, truths), None).scores:
        assert (found.recall, found.precision, found.duplicates) == (1.0, 1.0, 0)


def test_pooling_adds_the_counts_of_several_runs():
    first = match([Event("loitering", 1, 0, 10)], [Event("loitering", 1, 0, 10)])
    second = match([Event("loitering", 1, 0, 10)], [])
    (pooled,) = score([*first, *second], 200.0).scores
    assert (pooled.truths, pooled.found, pooled.alerts, pooled.recall) == (2, 1, 1, 0.5)
    assert pooled.alerts_per_100_vessel_days == 0.5
