"""The whole simulation: the same seed gives the same bytes, files are written whole, wrong scenarios are named."""

import csv
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pyais
import pytest
import yaml

from maritime.errors import ConfigurationError, OutputError, UsageError
from maritime.simulate import load_scenario, simulate

SCENE = {
    "title": "A small scene",
    "start": "2026-03-14T22:00:00Z",
    "duration_h": 4,
    "seed": 5,
    "receivers": [
        {"name": "WEST", "at": [8.0, 98.0], "range_nm": 40, "base_station": 5670001},
        {"name": "EAST", "at": [8.1, 98.4], "range_nm": 40, "milliseconds": False},
    ],
    "satellites": [{"name": "SAT", "every_min": 60}],
    "noise": {"loss": 0.1, "duplicates": 0.1, "clock_skew_s": 5},
    "traffic": [
        {"kind": "lane", "points": [[7.5, 97.9], [8.6, 97.9]], "vessels": 4},
        {"kind": "anchorage", "centre": [8.1, 98.1], "vessels": 2},
        {"kind": "quay", "at": [8.05, 98.2], "vessels": 2},
        {"kind": "fishing_ground", "centre": [8.2, 97.9], "vessels": 3, "transceiver": "B"},
    ],
    "vessels": [
        {
            "mmsi": 563000001,
            "name": "DARK ONE",
            "starts_at": [7.8, 98.0],
            "plan": [{"do": "sail", "to": [[7.9, 98.0], [7.9, 98.9]], "speed_kn": 10}],
            "silences": [{"from_h": 1, "to_h": 3, "expect": "dark_period", "note": "two hours"}],
        }
    ],
    "beacons": [
        {
            "mmsi": 970000001,
            "at": [8.0, 98.1],
            "state": "active",
            "from_h": 1,
            "to_h": 2,
            "expect": "distress_beacon",
        },
        {"mmsi": 972000001, "at": [8.0, 98.1], "state": "test", "from_h": 3, "to_h": 3.5},
    ],
    "aids": [{"mmsi": 995670001, "name": "FAIRWAY", "at": [8.0, 98.05]}],
}


@pytest.fixture
def scenario(tmp_path):
    def write(changes=None, text=None):
        path = tmp_path / "scene.yaml"
        path.write_text(text if text is not None else yaml.safe_dump(SCENE | (changes or {})))
        return path

    return write


def run(path, folder, seed=None):
    summary = simulate(path, folder / "out.nmea", folder / "truth.csv", seed)
    return summary, (folder / "out.nmea").read_bytes(), (folder / "truth.csv").read_text()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(scenario, tmp_path):
    path = scenario()
    first, log, truth = run(path, tmp_path)
    again, log_again, truth_again = run(path, tmp_path)
    other, other_log, _ = run(path, tmp_path, seed=6)
    assert (first, log, truth) == (again, log_again, truth_again)
    assert (first.seed, other.seed) == (5, 6)
    assert log != other_log


def test_one_more_vessel_leaves_the_others_as_they_were(scenario, tmp_path):
    _, log, truth = run(scenario(), tmp_path)
    more = {"mmsi": 563000002, "starts_at": [8.2, 98.2], "plan": [{"do": "stop", "hours": 4}]}
    _, log_with_more, truth_with_more = run(scenario({"vessels": [more, *SCENE["vessels"]]}), tmp_path)
    assert truth == truth_with_more
    single = {line for line in log.splitlines() if b"!AIVDM,1,1" in line}
    single_with_more = {line for line in log_with_more.splitlines() if b"!AIVDM,1,1" in line}
    assert single < single_with_more


def test_pyais_reads_every_line(scenario, tmp_path):
    summary, log, _ = run(scenario(), tmp_path)
    found = Counter()
    texts, statuses, stations = set(), Counter(), set()
    for message in pyais.FileReaderStream(str(tmp_path / "out.nmea")):
        decoded = message.decode()
        found[decoded.msg_type] += 1
        message.tag_block.init()
        stations.add(message.tag_block.asdict()["source_station"])
        if decoded.msg_type == 14:
            texts.add((decoded.mmsi, decoded.text))
        if decoded.mmsi // 1_000_000 in (970, 972) and decoded.msg_type == 1:
            statuses[decoded.mmsi, int(decoded.status)] += 1
    assert found.total() == summary.messages
    assert set(found) == {1, 3, 4, 5, 14, 18, 21, 24, 27}
    assert stations == {"WEST", "EAST", "SAT"}
    assert texts == {(970000001, "SART ACTIVE"), (972000001, "MOB TEST")}
    assert set(statuses) == {(970000001, 14), (972000001, 15)}
    assert statuses[972000001, 15] <= 2 * 8 * 1.5  # a single burst, at two stations, with some duplicates
    assert len(log) == summary.bytes


def test_the_log_is_in_order_of_arrival_up_to_the_clocks(scenario, tmp_path):
    _, log, _ = run(scenario({"noise": {"clock_skew_s": 0}}), tmp_path)
    stamps = [line.split(b"c:")[1].split(b"*")[0] for line in log.splitlines() if b"c:" in line]
    assert {len(stamp) for stamp in stamps} == {10, 13}
    times = [int(stamp) * (1000 if len(stamp) == 10 else 1) for stamp in stamps]
    assert all(later >= earlier - 1000 for earlier, later in pairwise(times))


def test_the_truth_is_what_was_expected(scenario, tmp_path):
    summary, _, truth = run(scenario(), tmp_path)
    rows = list(csv.DictReader(truth.splitlines()))
    assert list(rows[0]) == ["type", "mmsi", "hull", "started_at", "ended_at", "lat", "lon", "scenario", "note"]
    assert summary.truths == {"dark_period": 1, "distress_beacon": 1}
    dark = next(row for row in rows if row["type"] == "dark_period")
    assert (dark["mmsi"], dark["hull"], dark["scenario"], dark["note"]) == (
        "563000001",
        "563000001-1",
        "scene",
        "two hours",
    )
    assert dark["started_at"].startswith("2026-03-14T22:5")
    assert dark["ended_at"].startswith("2026-03-15T01:0")
    assert float(dark["lat"]) == pytest.approx(7.9, abs=0.01)


def test_the_summary_is_plain_json(scenario, tmp_path):
    summary, _, _ = run(scenario(), tmp_path)
    told = json.loads(json.dumps(summary.to_dict()))
    assert (told["scenario"], told["vessels"], told["receivers"]) == ("scene", 12, 3)
    assert 1 < told["vessel_days"] < 2


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"durations_h": 4}, "'durations_h' is not a key here; did you mean 'duration_h'"),
        ({"noise": {"los": 0.1}}, "noise: 'los' is not a key here; did you mean 'loss'.*position_m"),
        ({"receivers": [{"name": "A", "at": [98, 8]}]}, r"receivers\.0\.at: \[98.0, 8.0\] is not a place"),
        ({"receivers": [{"name": "A"}]}, "needs either at or aboard"),
        ({"receivers": [{"name": "A,B", "at": [8, 98]}]}, r"receivers\.0\.name"),
        ({"receivers": [{"name": "A", "aboard": 1}]}, "aboard 1, which is not in vessels"),
        ({"receivers": [], "satellites": []}, "nobody listens"),
        ({"satellites": [{"name": "WEST"}]}, "share a name"),
        ({"traffic": [{"kind": "lanes", "vessels": 1}]}, "traffic.*'lane'.*'quay'"),
        ({"traffic": [{"kind": "lane", "vessels": 1, "points": [[1, 2], [3, 4]], "speed_kn": [9, 5]}]}, "not a range"),
        ({"seed": "x"}, "seed"),
        ({"duration_h": 0}, "duration_h"),
        ({"duration_h": 0.9}, "dark_period is expected from hour 1, outside the scenario"),
    ],
)
def test_a_wrong_scenario_is_named_by_file_and_key(scenario, changes, named):
    with pytest.raises(ConfigurationError, match=rf"scene\.yaml.*{named}"):
        load_scenario(scenario(changes))


@pytest.mark.parametrize(
    ("plan", "named"),
    [
        ({"do": "stop", "hour": 3}, r"plan\.0\.stop: 'hour' is not a key here; did you mean 'hours'"),
        ({"do": "stop"}, "either hours or until_h"),
        ({"do": "dance"}, "'sail', 'stop', 'anchor'"),
        ({"do": "sail", "to": [], "speed_kn": 3}, r"plan\.0\.sail\.to"),
        ({"do": "stop", "hours": 1, "expect": "rendezvous"}, "'loitering'"),
    ],
)
def test_a_wrong_step_is_named(scenario, plan, named):
    with pytest.raises(ConfigurationError, match=named):
        load_scenario(scenario({"vessels": [{"mmsi": 1, "starts_at": [8, 98], "plan": [plan]}]}))


def test_an_unheard_vessel_cannot_be_expected_to_be_found(scenario, tmp_path):
    far = {
        "mmsi": 1,
        "starts_at": [0, 80],
        "plan": [{"do": "stop", "hours": 4}],
        "silences": [{"from_h": 1, "to_h": 2, "expect": "dark_period"}],
    }
    with pytest.raises(ConfigurationError, match="nobody hears it before"):
        simulate(scenario({"vessels": [far], "satellites": []}), tmp_path / "o.nmea", tmp_path / "t.csv")
    assert not (tmp_path / "o.nmea").exists()


def test_an_unheard_vessel_cannot_be_expected_to_clash(scenario, tmp_path):
    far = {"mmsi": 1, "starts_at": [0, 80], "plan": [{"do": "stop", "hours": 4}], "expect": "identity_clash"}
    with pytest.raises(ConfigurationError, match="expects identity_clash of 1, but nobody hears it"):
        simulate(scenario({"vessels": [far], "satellites": []}), tmp_path / "o.nmea", tmp_path / "t.csv")


def test_a_step_outside_the_scenario_cannot_be_expected_to_be_found(scenario, tmp_path):
    late = {
        "mmsi": 1,
        "starts_at": [8, 98],
        "plan": [
            {"do": "stop", "hours": 5},
            {"do": "drift", "hours": 5, "speed_kn": 1, "toward_deg": 0, "expect": "loitering"},
        ],
    }
    with pytest.raises(ConfigurationError, match=r"expects loitering of 1 from hour 5\.00, outside the scenario"):
        simulate(scenario({"vessels": [late]}), tmp_path / "o.nmea", tmp_path / "t.csv")


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "\0"])
def test_what_is_no_scenario_is_refused(scenario, text):
    with pytest.raises(ConfigurationError, match=r"scene\.yaml"):
        load_scenario(scenario(text=text))


def test_a_missing_scenario_and_an_unwritable_output_are_errors(scenario, tmp_path):
    with pytest.raises(ConfigurationError, match=r"missing\.yaml"):
        simulate(tmp_path / "missing.yaml", tmp_path / "o.nmea", tmp_path / "t.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file is not a folder"):
        simulate(scenario(), tmp_path / "file" / "o.nmea", tmp_path / "t.csv")
    assert not list(tmp_path.glob("**/*.part*"))


def test_the_log_is_not_written_without_its_truth(scenario, tmp_path):
    (tmp_path / "truth").mkdir()
    with pytest.raises(OutputError, match="truth: it is not a file"):
        simulate(scenario(), tmp_path / "o.nmea", tmp_path / "truth")
    with pytest.raises(UsageError, match="two of the outputs are one file"):
        simulate(scenario(), tmp_path / "o.nmea", tmp_path / "." / "o.nmea")
    with pytest.raises(UsageError, match="seed -1 is below 0"):
        simulate(scenario(), tmp_path / "o.nmea", tmp_path / "t.csv", seed=-1)
    assert not list(tmp_path.glob("*.nmea*"))


def test_the_example_in_the_docs_is_a_scenario(scenario, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    summary, _, _ = run(scenario(text=example), tmp_path)
    assert summary.truths == {"dark_period": 1}


def test_the_docs_name_every_shipped_scenario():
    root = Path(__file__).parents[2]
    page = (root / "docs" / "simulation.md").read_text()
    for path in (root / "configs" / "scenarios").glob("*.yaml"):
        assert f"`{path.stem}`" in page or f"`{path.stem.removesuffix('_noisy')}_clean`, `_noisy`" in page
