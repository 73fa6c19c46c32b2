import csv
import json
from datetime import UTC, datetime
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from maritime.alerts.recorder import WRITERS
from maritime.alerts.spool import AlertSpool, read_alerts
from maritime.alerts.writers.csv_table import harmless, write_csv
from maritime.alerts.writers.episodes import EPISODE_SCHEMA, EpisodeFile
from maritime.alerts.writers.geojson import write_geojson
from maritime.alerts.writers.jsonl import write_jsonl
from maritime.alerts.writers.kml import write_kml
from maritime.alerts.writers.parquet_table import ALERT_SCHEMA, write_parquet
from maritime.alerts.writers.rejects import KEPT_PER_REASON, RejectFile
from maritime.columns import Reject
from maritime.detect.episode import Reason
from tests.alerts.episodes import NOON_MS, alert, episode

KML = "{http://www.opengis.net/kml/2.2}"
NASTY = "MV <b>\"&\x00\u2028 =cmd|'/C calc'!A0"


@pytest.mark.parametrize("name", WRITERS)
def test_no_alerts_give_a_file_that_is_right_and_empty(name, tmp_path):
    WRITERS[name]([], tmp_path / name)
    content = (tmp_path / name).read_bytes()
    if name.endswith(".parquet"):
        assert pq.read_table(tmp_path / name).num_rows == 0
    elif name.endswith(".geojson"):
        assert json.loads(content) == {"type": "FeatureCollection", "features": []}
    elif name.endswith(".kml"):
        assert not ElementTree.fromstring(content).findall(f".//{KML}Placemark")
    else:
        assert len(content.splitlines()) == name.endswith(".csv")


@pytest.mark.parametrize("name", WRITERS)
def test_equal_alerts_give_equal_bytes(name, tmp_path):
    for copy in ("a", "b"):
        WRITERS[name]([alert(), alert(type="loitering", lat=None, lon=None, geometry=None)], tmp_path / copy)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_json_lines_are_read_back(tmp_path):
    write_jsonl([alert(evidence={"name": NASTY})], tmp_path / "alerts.jsonl")
    [back] = read_alerts(tmp_path / "alerts.jsonl")
    assert back.evidence["name"] == NASTY
    assert back.started_ms == NOON_MS


def test_geojson_has_the_geometry_or_else_the_point(tmp_path):
    write_geojson([alert(), alert(geometry=None), alert(geometry=None, lat=None)], tmp_path / "a.geojson")
    features = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert [f["geometry"] and f["geometry"]["type"] for f in features] == ["LineString", "Point", None]
    assert features[1]["geometry"]["coordinates"] == [-122.75, 37.5]
    assert features[0]["id"] == features[0]["properties"]["alert_id"]
    assert "geometry" not in features[0]["properties"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_is_made_harmless(cell):
    assert harmless(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["MV TEST", -122.5, 0, None, "a=b"])
def test_other_cells_stay(cell):
    assert harmless(cell) is cell


def test_csv_keeps_negative_numbers_and_disarms_text(tmp_path):
    write_csv([alert(hull="=HYPERLINK(1)", reasons=(Reason("-x", 2.0, 1.0, "h"),))], tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["lon"] == "-122.75"
    assert row["hull"] == "'=HYPERLINK(1)"
    assert row["reasons"] == "'-x 2.0 h (threshold 1.0 h)"
    assert json.loads(row["evidence"])["last_report"]["sog_kn"] == 12.3


def test_parquet_is_typed(tmp_path):
    reasons = (Reason("silence", 2, 1.0, "h"), Reason("dest", "PORT", None, ""), Reason("night", True, None, ""))
    write_parquet([alert(reasons=reasons)], tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.schema.equals(ALERT_SCHEMA)
    [row] = table.to_pylist()
    assert row["started_at"] == datetime(2020, 1, 1, 12, tzinfo=UTC)
    assert [(r["value"], r["value_text"]) for r in row["reasons"]] == [(2.0, None), (None, "PORT"), (1.0, None)]


def test_kml_escapes_and_keeps_what_xml_can_say(tmp_path):
    write_kml([alert(hull=NASTY)], tmp_path / "a.kml")
    [placemark] = ElementTree.parse(tmp_path / "a.kml").findall(f".//{KML}Placemark")
    assert placemark.findtext(f"{KML}name") == f"dark period {NASTY}".replace("\x00", "\ufffd")
    assert placemark.findtext(f".//{KML}begin") == "2020-01-01T12:00:00Z"
    assert placemark.findtext(f".//{KML}LineString/{KML}coordinates") == "-122.750000,37.500000 -122.500000,37.250000"


def test_kml_draws_areas_with_holes(tmp_path):
    ring, hole = [[0, 0], [4, 0], [4, 4], [0, 0]], [[2, 1], [3, 1], [3, 2], [2, 1]]
    write_kml([alert(geometry={"type": "MultiPolygon", "coordinates": [[ring, hole]]})], tmp_path / "a.kml")
    [polygon] = ElementTree.parse(tmp_path / "a.kml").findall(f".//{KML}Polygon")
    assert len(polygon.findall(f"{KML}outerBoundaryIs")) == 1
    assert len(polygon.findall(f"{KML}innerBoundaryIs")) == 1


def spooled(path, alerts):
    with path.open("w+b") as file:
        spool = AlertSpool(file)
        for each in alerts:
            spool.add(each)
        return list(spool.newest())


def test_the_spool_gives_the_newest_revision_by_the_time_it_was_raised(tmp_path):
    late, early = {"episode_id": "b", "raised_ms": NOON_MS + 9}, {"episode_id": "a", "raised_ms": NOON_MS + 5}
    newest = spooled(
        tmp_path / "spool",
        [alert(**late, revision=0), alert(**early, revision=0), alert(**late, revision=1), alert(**early, revision=1)],
    )
    assert [(a.alert_id, a.revision) for a in newest] == [("a", 1), ("b", 1)]
    assert len((tmp_path / "spool").read_bytes().splitlines()) == 4


def written_episodes(path, episodes):
    file = EpisodeFile(path)
    for each in episodes:
        file.add(each)
    counts = file.finish()
    return pq.read_table(path), counts


def test_episodes_leave_one_row_each_with_its_last_revision(tmp_path):
    table, counts = written_episodes(
        tmp_path / "episodes.parquet",
        [
            episode(episode_id="a", revision=0, state="open", ended_ms=None),
            episode(episode_id="b", revision=0, alerted=False, held_back_by="slowing_into_a_port"),
            episode(episode_id="a", revision=1),
            episode(episode_id="c", revision=0, type="loitering", state="open", ended_ms=None),
        ],
    )
    assert table.schema.equals(EPISODE_SCHEMA)
    assert table["episode_id"].to_pylist() == ["b", "a", "c"]
    assert table["type"].to_pylist() == ["silence", "silence", "loitering"]
    assert counts == {
        "loitering": {"episodes": 1, "alerted": 1, "held_back_by": {}},
        "silence": {"episodes": 2, "alerted": 1, "held_back_by": {"slowing_into_a_port": 1}},
    }


def test_an_episode_corrected_after_it_was_written_is_written_once(tmp_path, monkeypatch):
    monkeypatch.setattr("maritime.alerts.writers.episodes.ROWS_PER_GROUP", 1)
    table, counts = written_episodes(
        tmp_path / "episodes.parquet",
        [
            episode(episode_id="a", revision=0),
            episode(episode_id="b", revision=0),
            episode(episode_id="a", revision=1, state="retracted", alerted=False, held_back_by="moored"),
        ],
    )
    assert [(r["episode_id"], r["revision"]) for r in table.to_pylist()] == [("b", 0), ("a", 1)]
    assert counts["silence"] == {"episodes": 2, "alerted": 1, "held_back_by": {"moored": 1}}
    assert [path.name for path in tmp_path.iterdir()] == ["episodes.parquet"]


def test_an_alert_type_among_the_episodes_is_written_as_the_episode_it_is(tmp_path):
    table, _ = written_episodes(tmp_path / "e.parquet", [episode(type="dark_period"), episode(type="unusual_landing")])
    assert table["type"].to_pylist() == ["silence", "landfall"]


def test_rejects_are_all_counted_and_the_first_kept(tmp_path):
    file = RejectFile(tmp_path / "rejects.jsonl")
    flood = [Reject("a.csv", n, "bad_row", b"x") for n in range(1, KEPT_PER_REASON + 11)]
    file.add(flood)
    file.add([Reject("a.nmea", 7, "bad_checksum", b'\\s:1*00\\!AIVDM,"\xe9\x00')], {"bad_checksum": 5, "no_time": 2})
    file.close()
    lines = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text("ascii").splitlines()]
    assert file.by_reason == {"bad_row": KEPT_PER_REASON + 10, "bad_checksum": 5, "no_time": 2}
    assert file.kept == len(lines) == KEPT_PER_REASON + 1
    assert lines[-1]["bytes"].encode("latin-1") == b'\\s:1*00\\!AIVDM,"\xe9\x00'
    assert lines[-1] == {"file": "a.nmea", "line": 7, "reason": "bad_checksum", "bytes": lines[-1]["bytes"]}
