"""`maritime.read` and `maritime.detect`, as a notebook uses them."""

import json

import numpy as np
import pandas as pd
import pytest

import maritime
from maritime.errors import ConfigurationError, InputError, UsageError
from tests.cli.running import PROJECT

COLUMNS = (*("mmsi", "t", "lat", "lon", "sog", "cog", "heading", "nav_status", "msg_type", "source", "file", "line"),)


@pytest.fixture(scope="module")
def frame(sea):
    return maritime.read(sea / "sea.nmea")


def test_read_gives_every_report_with_utc_times_and_names(sea, replayed, frame):
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == json.loads((replayed / "summary.json").read_text())["reports"]
    assert str(frame["t"].dtype) == "datetime64[ms, UTC]"
    assert set(frame["source"].cat.categories) == {"PHUKET", "KHAOLAK"}
    assert frame["t"].min() >= pd.Timestamp("2026-03-14T05:59:00Z")


def test_read_says_what_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv"):
        maritime.read(tmp_path / "none.csv")


def test_detect_finds_in_a_file_what_the_replay_found(sea, replayed):
    alerts = maritime.detect(sea / "sea.nmea")
    written = [json.loads(line) for line in (replayed / "alerts.jsonl").read_text().splitlines()]
    assert alerts["alert_id"].tolist() == [alert["alert_id"] for alert in written]
    assert alerts["reasons"].tolist() == [alert["reasons"] for alert in written]
    assert alerts["geometry"].tolist() == [alert["geometry"] for alert in written]


def test_detect_finds_the_same_in_a_frame_in_any_order(frame):
    shuffled = frame.sample(frac=1.0, random_state=1)
    bare = shuffled[["mmsi", "t", "lat", "lon", "sog"]].assign(t=shuffled["t"].dt.tz_localize(None))
    for given in (shuffled, bare):
        alerts = maritime.detect(given)
        assert alerts["type"].tolist().count("loitering") == 3


def test_detect_takes_settings_in_three_forms(frame, tmp_path):
    strict = {"loitering": {"far_after_min": 420}}
    (tmp_path / "strict.yaml").write_text(json.dumps(strict))
    found = [
        maritime.detect(frame, config) for config in (strict, tmp_path / "strict.yaml", str(tmp_path / "strict.yaml"))
    ]
    assert len({tuple(alerts["alert_id"]) for alerts in found}) == 1
    assert found[0]["type"].tolist().count("loitering") == 1
    with pytest.raises(ConfigurationError, match="the keys there are"):
        maritime.detect(frame, {"loitering": {"far": 7}})


def test_no_alerts_are_an_empty_frame_with_its_columns():
    nothing = pd.DataFrame({"mmsi": [], "t": pd.to_datetime([], utc=True), "lat": [], "lon": []})
    alerts = maritime.detect(nothing)
    assert len(alerts) == 0
    assert {"alert_id", "type", "started_at", "reasons"} <= set(alerts.columns)


def test_a_frame_without_a_needed_column_is_said():
    with pytest.raises(UsageError, match="the frame has no column lat, lon; it needs mmsi, t, lat, lon"):
        maritime.detect(pd.DataFrame({"mmsi": [1], "t": [0]}))


def test_reports_without_a_time_are_said():
    frame = pd.DataFrame({"mmsi": [1.0, np.nan], "t": [0, 0], "lat": [0.0, 0.0], "lon": [0.0, 0.0]})
    with pytest.raises(UsageError, match="without mmsi or t"):
        maritime.detect(frame)


def test_the_engine_package_keeps_its_name():
    from maritime.detect import engine

    assert maritime.detect.engine is engine


def test_importing_the_package_is_cheap():
    import subprocess
    import sys

    loaded = "import sys, maritime; print({'numba', 'pandas', 'pyarrow'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "set()\n"
    )


def test_the_examples_in_the_docs_give_what_they_say(sea, monkeypatch):
    import doctest

    monkeypatch.chdir(sea)
    result = doctest.testfile(str(PROJECT / "docs" / "library.md"), module_relative=False, encoding="utf-8")
    assert result.attempted > 8
    assert result.failed == 0
