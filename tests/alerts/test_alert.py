import json

import numpy as np
import pytest

from maritime.alerts.alert import Alert, plain, rank, rounded
from maritime.alerts.spool import json_line
from maritime.detect.episode import Reason
from tests.alerts.episodes import DETECTOR, NOON_MS, alert, episode

FIELDS = [
    *("alert_id", "revision", "type", "state", "mmsi", "hull", "started_at", "ended_at", "raised_at", "lat", "lon"),
    *("severity", "confidence", "score", "reasons", "evidence", "detector", "geometry"),
]


def test_fields_stand_in_a_fixed_order_with_times_in_rfc_3339():
    record = alert().to_dict()
    assert list(record) == FIELDS
    assert record["started_at"] == "2020-01-01T12:00:00Z"
    assert record["ended_at"] == "2020-01-01T14:00:00Z"
    assert record["raised_at"] == "2020-01-01T13:01:00Z"
    assert record["detector"] == {"name": "maritime-watch", "version": "0.1.0", "config_sha256": "ab" * 32}


def test_an_open_alert_ends_at_null():
    assert alert(state="open", ended_ms=None).to_dict()["ended_at"] is None


@pytest.mark.parametrize(
    ("kind", "told"), [("silence", "dark_period"), ("landfall", "unusual_landing"), ("loitering", "loitering")]
)
def test_people_are_told_the_name_of_the_alert_not_of_the_episode(kind, told):
    assert alert(type=kind).type == told


def test_an_episode_that_was_never_raised_is_no_alert():
    with pytest.raises(ValueError, match="never raised"):
        Alert.of(episode(raised_ms=None), DETECTOR)


def test_a_later_revision_keeps_the_time_of_the_first_raising():
    retracted = episode(revision=2, state="retracted", alerted=False, raised_ms=None, held_back_by="at_rest")
    assert Alert.of(retracted, DETECTOR, first_raised_ms=NOON_MS).raised_ms == NOON_MS
    assert Alert.of(episode(), DETECTOR, first_raised_ms=NOON_MS).raised_ms == NOON_MS


def test_geometry_over_the_antimeridian_is_cut():
    line = {"type": "LineString", "coordinates": [[179.0, 0.0], [181.0, 0.0]]}
    assert alert(geometry=line).to_dict()["geometry"] == {
        "type": "MultiLineString",
        "coordinates": [[[179.0, 0.0], [180.0, 0.0]], [[-180.0, 0.0], [-179.0, 0.0]]],
    }


def test_reading_back_what_was_written_changes_nothing():
    written = json_line(alert(reasons=(Reason("night", True, None, ""), Reason("p", 1.23456789e-7, 1e-3, ""))))
    assert json_line(Alert.from_dict(json.loads(written))) == written


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.23456789, 1.234568),
        (1.23456789e-7, 1.23457e-7),
        (-122.412345678, -122.412346),
        (float("nan"), None),
        (float("inf"), None),
        (7, 7),
        (True, True),
        ("x", "x"),
        (None, None),
    ],
)
def test_floats_are_rounded_and_what_json_lacks_is_null(value, expected):
    assert rounded(value) == expected


def test_minus_zero_is_zero():
    assert json.dumps(rounded(-0.0)) == "0.0"


def test_numpy_scalars_and_tuples_become_plain():
    value = plain({"n": np.int64(3), "x": np.float32(0.5), "pair": (1, 2.0)})
    assert value == {"n": 3, "x": 0.5, "pair": [1, 2.0]}
    json.dumps(value)


def test_rank_falls_with_age_and_rises_with_severity_and_confidence():
    fresh = alert(raised_ms=NOON_MS)
    day_ms = 86_400_000
    assert rank(fresh, NOON_MS) == pytest.approx(0.75 * 0.8)
    assert rank(fresh, NOON_MS + day_ms) == pytest.approx(0.75 * 0.8 / 2)
    assert rank(alert(raised_ms=NOON_MS, severity="extreme"), NOON_MS) > rank(fresh, NOON_MS)
    assert rank(alert(raised_ms=NOON_MS, confidence=0.9), NOON_MS) > rank(fresh, NOON_MS)
