import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maritime.alerts.output import OutputFolder
from maritime.alerts.recorder import LATE, Recorder
from maritime.columns import PROVENANCE_SCHEMA, STATIC_SCHEMA, Chunk, Reject
from tests.alerts.episodes import DETECTOR, NOON_MS, episode

NO_STATICS = pa.RecordBatch.from_pylist([], schema=STATIC_SCHEMA)


def report(mmsi, t_ms, lat=37.0, lon=-122.0):
    unknown = dict.fromkeys(("sog", "cog", "heading"), float("nan"))
    codes = {"nav_status": 15, "msg_type": 1, "source": 0, "line": 3, "utc_s": 255}
    return {"mmsi": mmsi, "t": t_ms, "lat": lat, "lon": lon, **unknown, **codes}


def chunk(*reports, rejects=(), reject_counts=None):
    positions = pa.RecordBatch.from_pylist(list(reports), schema=PROVENANCE_SCHEMA)
    return Chunk("day.csv", positions, NO_STATICS, rejects=tuple(rejects), reject_counts=reject_counts or {})


def east_of_122(_lat_deg, lon_deg):
    return lon_deg > -122.0


def recorded(folder, episodes, chunks=(), late=(), **options):
    with OutputFolder(folder) as output, Recorder(output, DETECTOR, **options) as record:
        for each in chunks:
            record.chunk(each)
        record.refused("day.csv", late, LATE)
        for each in episodes:
            record.episode(each)
        counts = record.finish()
    alerts = [json.loads(line) for line in (folder / "alerts.jsonl").read_text().splitlines()]
    return counts, alerts


def test_an_alert_is_kept_in_its_last_revision_with_the_time_it_was_first_raised(tmp_path):
    revisions = [
        episode(revision=0, state="open", ended_ms=None),
        episode(revision=1, raised_ms=NOON_MS + 7_200_000),
        episode(revision=2, state="retracted", alerted=False, held_back_by="at_rest", raised_ms=None),
    ]
    counts, [alert] = recorded(tmp_path, revisions, revisions=True)
    assert (alert["revision"], alert["state"], alert["raised_at"]) == (2, "retracted", "2020-01-01T13:01:00Z")
    assert len((tmp_path / "alert_revisions.jsonl").read_text().splitlines()) == 3
    assert counts["alerts_by_type"]["dark_period"] == {
        "open": 0,
        "closed": 0,
        "retracted": 1,
        "per_100_vessel_days": None,
    }


def test_episodes_that_were_held_back_are_no_alerts(tmp_path):
    counts, alerts = recorded(tmp_path, [episode(alerted=False, raised_ms=None, held_back_by="slowing")])
    assert alerts == []
    assert counts["alerts"] == 0
    assert counts["episodes_by_type"]["silence"]["held_back_by"] == {"slowing": 1}
    assert not (tmp_path / "alert_revisions.jsonl").exists()


def test_types_choose_the_alerts_and_leave_the_episodes(tmp_path):
    told = [episode(episode_id="a"), episode(episode_id="b", type="loitering")]
    _, alerts = recorded(tmp_path, told, types=["loitering"])
    assert [alert["type"] for alert in alerts] == ["loitering"]
    assert pq.read_table(tmp_path / "episodes.parquet").num_rows == 2


def test_an_area_chooses_what_is_told_and_counted(tmp_path):
    told = [
        episode(episode_id="a", lon=-121.0),
        episode(episode_id="b", lon=-123.0),
        episode(episode_id="c", lat=None, lon=None, type="reception_outage"),
    ]
    reports = chunk(report(366_000_001, NOON_MS, lon=-121.0), report(366_000_002, NOON_MS, lon=-123.0))
    counts, alerts = recorded(tmp_path, told, [reports], area=east_of_122)
    assert {alert["alert_id"] for alert in alerts} == {"a", "c"}
    assert pq.read_table(tmp_path / "episodes.parquet")["episode_id"].to_pylist() == ["a", "c"]
    assert (counts["vessels"], counts["vessel_days"], counts["reports"]) == (1, 0.04, 2)


def test_an_alert_that_was_told_in_an_area_is_told_to_its_end(tmp_path):
    inside = episode(revision=0, state="open", ended_ms=None, lon=-121.9)
    _, [alert] = recorded(tmp_path, [inside, episode(revision=1, lon=-122.1)], area=east_of_122)
    assert (alert["revision"], alert["state"]) == (1, "closed")


def test_an_alert_that_comes_into_an_area_was_raised_before(tmp_path):
    revisions = [episode(revision=0, lon=-122.1), episode(revision=1, lon=-121.9, raised_ms=NOON_MS + 7_200_000)]
    _, [alert] = recorded(tmp_path, revisions, area=east_of_122)
    assert (alert["revision"], alert["raised_at"]) == (1, "2020-01-01T13:01:00Z")


def test_counts_span_and_rates(tmp_path):
    day_ms = 86_400_000
    reports = [chunk(report(366_000_001, NOON_MS), report(366_000_002, NOON_MS + 1)), chunk()]
    reports.append(chunk(report(366_000_001, NOON_MS + day_ms)))
    counts, _ = recorded(tmp_path, [episode()], reports)
    assert counts["span"] == {"from": "2020-01-01T12:00:00Z", "to": "2020-01-02T12:00:00Z"}
    assert (counts["reports"], counts["vessels"], counts["vessel_days"]) == (3, 2, pytest.approx(3 / 24, abs=0.01))
    assert counts["alerts_by_type"]["dark_period"]["per_100_vessel_days"] == 100 * 24 / 3


def test_rejects_and_late_reports_are_kept_and_counted(tmp_path):
    refused = chunk(rejects=[Reject("day.csv", 9, "bad_row", b"x,y")], reject_counts={"bad_row": 4})
    late = chunk(report(366_000_001, NOON_MS)).positions
    counts, _ = recorded(tmp_path, [], [refused], [late])
    lines = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert Counter(line["reason"] for line in lines) == {"bad_row": 1, "late": 1}
    assert counts["rejects"] == {"total": 5, "kept": 2, "by_reason": {"bad_row": 4, "late": 1}}
    assert lines[1]["line"] == 3
    assert f"mmsi=366000001 t={NOON_MS}" in lines[1]["bytes"]


def test_the_sketch_follows_the_reports(tmp_path):
    with OutputFolder(tmp_path) as output, Recorder(output, DETECTOR) as record:
        record.chunk(chunk(report(366_000_001, NOON_MS), report(366_000_001, NOON_MS + 60_000, lat=np.nan, lon=np.nan)))
        record.finish()
        [track] = record.sketch.tracks()
    assert track.lat_deg.tolist() == [37.0]
