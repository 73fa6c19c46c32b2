import csv
import json
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from tests.cli.running import maritime

FILES = {
    *("alerts.jsonl", "alerts.geojson", "alerts.csv", "alerts.parquet", "alerts.kml", "alert_revisions.jsonl"),
    *("episodes.parquet", "vessel_hours.parquet", "rejects.jsonl", "summary.json", "map.png"),
}


def jsonl(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_leaves_the_files_and_no_others(replayed):
    assert {path.name for path in replayed.iterdir()} == FILES


def test_every_format_tells_the_same_alerts(replayed):
    ids = [alert["alert_id"] for alert in jsonl(replayed / "alerts.jsonl")]
    assert ids
    assert [f["id"] for f in json.loads((replayed / "alerts.geojson").read_text())["features"]] == ids
    assert pq.read_table(replayed / "alerts.parquet")["alert_id"].to_pylist() == ids
    with (replayed / "alerts.csv").open(newline="") as file:
        assert [row["alert_id"] for row in csv.DictReader(file)] == ids
    marks = ElementTree.parse(replayed / "alerts.kml").iter("{http://www.opengis.net/kml/2.2}Placemark")
    assert [mark.get("id") for mark in marks] == [f"alert-{each}" for each in ids]


def test_revisions_end_in_the_alerts(replayed):
    newest = {}
    for alert in jsonl(replayed / "alert_revisions.jsonl"):
        assert alert["revision"] > newest.get(alert["alert_id"], {"revision": -1})["revision"]
        newest[alert["alert_id"]] = alert
    assert sorted(newest) == sorted(alert["alert_id"] for alert in jsonl(replayed / "alerts.jsonl"))
    assert all(newest[alert["alert_id"]] == alert for alert in jsonl(replayed / "alerts.jsonl"))


def test_the_ships_that_loiter_are_found(sea, replayed):
    ran = maritime("evaluate", "out/alerts.jsonl", "truth.csv", "--json", cwd=sea)
    [loitering] = [score for score in ran.json()["scores"] if score["type"] == "loitering"]
    assert loitering["truths"] == loitering["found"] == 3
    table = maritime("evaluate", "out/alerts.jsonl", "truth.csv", cwd=sea).out
    assert "1.00 (0.44–1.00)" in table


def test_the_summary_counts_what_the_files_hold(replayed):
    summary = json.loads((replayed / "summary.json").read_text())
    assert summary["alerts"] == len(jsonl(replayed / "alerts.jsonl"))
    assert summary["rejects"]["kept"] == len(jsonl(replayed / "rejects.jsonl"))
    episodes = pq.read_table(replayed / "episodes.parquet")
    assert sum(kind["episodes"] for kind in summary["episodes_by_type"].values()) == episodes.num_rows
    assert len(set(episodes["episode_id"].to_pylist())) == episodes.num_rows
    assert 2 < summary["vessel_days"] <= summary["vessels"] * 25 / 24
    assert summary["reports_per_s"] > 0
    assert summary["config_sha256"] == jsonl(replayed / "alerts.jsonl")[0]["detector"]["config_sha256"]


def test_again_is_the_same_to_the_byte(sea, replayed, tmp_path):
    assert maritime("replay", sea / "sea.nmea", "--out", tmp_path, "--revisions", cwd=sea).code == 0
    for name in FILES - {"summary.json", "map.png"}:
        assert (tmp_path / name).read_bytes() == (replayed / name).read_bytes(), name


def test_the_table_shows_the_alerts_with_their_reasons(sea, tmp_path):
    ran = maritime("replay", sea / "sea.nmea", "--out", "out", "--top", "1", "--no-map", cwd=tmp_path)
    (first,) = {alert["reasons"][0]["term"] for alert in jsonl(tmp_path / "out" / "alerts.jsonl")} - {"beacon_active"}
    assert first.replace("_", " ") in ran.out, "loitering is newer, and ranks before a beacon long fallen silent"
    assert "per 100 vessel-days" in ran.out
    assert "written to out" in ran.out
    assert not (tmp_path / "out" / "map.png").exists()


def test_a_span_is_as_if_the_other_reports_were_not_there(sea, tmp_path):
    span = ["--from", "2026-03-14T08:00:00Z", "--to", "2026-03-14T10:00:00Z"]
    summary = maritime("replay", sea / "sea.nmea", "--out", "out", "--json", *span, cwd=tmp_path).json()
    assert "2026-03-14T08:00:00Z" <= summary["span"]["from"] < summary["span"]["to"] < "2026-03-14T10:00:00Z"
    assert summary["reports"] > 100


def test_an_area_chooses_the_alerts(sea, replayed, tmp_path):
    alerts = jsonl(replayed / "alerts.jsonl")
    lat, lon = alerts[0]["lat"], alerts[0]["lon"]
    ring = [[lon - 0.01, lat - 0.01], [lon + 0.01, lat - 0.01], [lon + 0.01, lat + 0.01], [lon - 0.01, lat + 0.01]]
    polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    (tmp_path / "area.geojson").write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": polygon}))
    ran = maritime("replay", sea / "sea.nmea", "--out", "out", "--area", "area.geojson", "--json", cwd=tmp_path)
    told = jsonl(tmp_path / "out" / "alerts.jsonl")
    revisions = jsonl(replayed / "alert_revisions.jsonl")
    inside = {a["alert_id"] for a in revisions if abs(a["lat"] - lat) < 0.01 and abs(a["lon"] - lon) < 0.01}
    assert told == [alert for alert in alerts if alert["alert_id"] in inside]
    assert 0 < len(told) < len(alerts)
    assert ran.json()["reports"] == json.loads((replayed / "summary.json").read_text())["reports"]


def test_types_choose_the_alerts(sea, tmp_path):
    ran = maritime("replay", sea / "sea.nmea", "--out", "out", "--types", "dark_period", "--json", cwd=tmp_path)
    assert set(ran.json()["alerts_by_type"]) <= {"dark_period"}
    assert jsonl(tmp_path / "out" / "alerts.jsonl") == []


def test_settings_change_the_alerts_and_their_digest(sea, replayed, tmp_path):
    variables = {"MARITIME_LOITERING__FAR_AFTER_MIN": "420"}
    ran = maritime("replay", sea / "sea.nmea", "--out", "out", "--json", cwd=tmp_path, env=variables)
    assert ran.code == 0, ran.err
    summary = json.loads((replayed / "summary.json").read_text())
    assert ran.json()["config_sha256"] != summary["config_sha256"]
    assert ran.json()["alerts_by_type"].get("loitering") != summary["alerts_by_type"]["loitering"]


@pytest.mark.parametrize("arguments", [["--help"], ["replay", "--help"]])
def test_help_answers_at_once(tmp_path, arguments):
    import time

    started_s = time.monotonic()
    assert maritime(*arguments, cwd=tmp_path).code == 0
    assert time.monotonic() - started_s < 2.0  # measured 0.25 s; a heavy import would take longer than this
