"""`maritime report`: four files, the same for the same input, and nothing for who may have none."""

import json
import re
from urllib.parse import urlsplit

import jsonschema
import pytest
from lxml import etree

from tests.cli.running import PROJECT, maritime
from tests.reports.world import alert_at, folder

POLICY = PROJECT / "configs" / "sharing" / "national_centre.yaml"
SPAN = ("--from", "2026-04-01", "--to", "2026-05-01")
FILES = ("report.json", "counts.csv", "cells.geojson", "report.html")
PARTNER = ("--partner", "fisheries-agency", "--policy", POLICY)
BUSY, QUIET = (8.61, 97.32), (9.61, 97.32)
LONE_MMSI = 563_999_999


@pytest.fixture(scope="module")
def replays(tmp_path_factory):
    """Two folders: eight dark periods in one cell, and three of one vessel in another."""
    base = tmp_path_factory.mktemp("replays")
    busy = [alert_at(n, "2026-04-10T10:00:00Z", BUSY) for n in range(1, 9)]
    quiet = [alert_at(n, "2026-04-12T10:00:00Z", QUIET, mmsi=LONE_MMSI) for n in range(20, 23)]
    hours = {("2026-04-10T10:00:00Z", BUSY): 400, ("2026-03-10T10:00:00Z", BUSY): 300}
    folder(base / "one", busy, hours)
    folder(base / "two", quiet, {("2026-04-12T10:00:00Z", QUIET): 500})
    return base


def texts(out):
    return {name: (out / name).read_text(encoding="utf-8") for name in FILES}


@pytest.mark.parametrize("options", [(), PARTNER, ("--period", "week", "--cell", "0.25", "--area", "8,97,10,98")])
def test_the_same_input_gives_the_same_bytes(replays, tmp_path, options):
    made = []
    for seed, order in (("1", ("one", "two")), ("2", ("two", "one", "one"))):
        ran = maritime(
            "report", *order, *SPAN, "--out", tmp_path / seed, *options, cwd=replays, env={"PYTHONHASHSEED": seed}
        )
        assert ran.code == 0, ran.err
        made.append(texts(tmp_path / seed))
    assert made[0] == made[1]
    report = json.loads(made[0]["report.json"])
    schema = json.loads((PROJECT / "docs" / "schemas" / "report.schema.json").read_text())
    jsonschema.validate(report, schema, jsonschema.Draft202012Validator)
    assert report["status"] == "exercise"


def test_a_partner_s_report_tells_neither_small_groups_nor_vessels(replays, tmp_path):
    assert maritime("report", "one", "two", *SPAN, "--out", tmp_path / "both", *PARTNER, cwd=replays).code == 0
    said = texts(tmp_path / "both")
    report = json.loads(said["report.json"])
    assert [cell["count"] for cell in report["cells"]] == [8]
    assert [(cell["south"], cell["west"]) for cell in report["cells"]] == [(8.0, 97.0)]
    for text in said.values():
        assert not re.search(r"563\d{6}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])|97\.32|8\.61", text)
        assert not re.search(r"suspect|smuggl|illegal", text, re.IGNORECASE)
    folder(tmp_path / "quieter", [], {("2026-04-12T10:00:00Z", QUIET): 500})
    ran = maritime("report", "one", tmp_path / "quieter", *SPAN, "--out", tmp_path / "less", *PARTNER, cwd=replays)
    assert ran.code == 0
    assert texts(tmp_path / "less") == said  # three alerts more or less: nothing tells
    own = json.loads(maritime("report", "one", "two", *SPAN, "--out", tmp_path / "own", "--json", cwd=replays).out)
    assert (own["view"], own["trends"][0]["count"]) == ("own", 11)


def test_the_page_asks_nothing_of_anybody(replays, tmp_path):
    assert maritime("report", "one", "two", *SPAN, "--out", tmp_path, cwd=replays).code == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = etree.HTML(text)
    assert page.xpath("//script | //link | //img | //iframe | //object | //form | //@style | //@onclick") == []
    assert all(target.startswith("#") for target in page.xpath("//@href | //@src | //@*[name()='xlink:href']"))
    assert not any(urlsplit(url).netloc for url in re.findall(r"https?://\S+|url\(([^)#][^)]*)\)", text))
    [policy] = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert len(page.xpath("//*[local-name()='svg'][@role='img']")) == 2  # a map and a chart


def test_names_from_outside_are_text_on_the_page(replays, tmp_path):
    area = {"type": "Polygon", "coordinates": [[[97, 8], [98, 8], [98, 9], [97, 9], [97, 8]]]}
    (tmp_path / "<b>.geojson").write_text(json.dumps(area))
    ran = maritime("report", replays / "one", *SPAN, "--out", "out", "--area", "<b>.geojson", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert "&lt;b&gt;.geojson" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--partner", "nobody", "--policy", POLICY), 2, "'nobody' is no partner"),
        (("--partner", "rescue-centre", "--policy", POLICY), 2, "gives rescue-centre no reports"),
        (("--partner", "fusion-centre"), 2, "--policy is missing"),
        (("--policy", POLICY), 2, "--policy is for a partner's report"),
        ((*PARTNER, "--cell", "5"), 2, "--cell is for the own view"),
        ((*PARTNER, "--period", "week"), 2, "--period is for the own view"),
        (("--period", "hour"), 2, "'hour' is none of day, week, month"),
        (("--cell", "3"), 2, "cells of 3° are none of"),
        (("--area", "1,2,3"), 2, "neither a file nor four numbers"),
        (("--area", "9,2,3,4"), 2, "is no box"),
        (("--verdicts", "none.jsonl"), 1, "none.jsonl cannot be read"),
        (("--to", "2026-04-30"), 2, "no whole month"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(replays, tmp_path, options, code, said):
    ran = maritime("report", "one", *SPAN, "--out", tmp_path / "out", *options, cwd=replays)
    assert (ran.code, ran.err.count("\n")) == (code, 1), ran.err
    assert said in ran.err
    assert not (tmp_path / "out").exists()


def test_a_report_does_not_go_into_a_replay_s_folder(replays):
    ran = maritime("report", "one", *SPAN, "--out", "one", cwd=replays)
    assert (ran.code, "holds a replay" in ran.err) == (2, True)


def test_a_folder_that_an_earlier_version_wrote_is_refused_with_what_to_do(replays, tmp_path):
    old = folder(tmp_path / "old", [], {})
    (old / "vessel_hours.parquet").unlink()
    ran = maritime("report", old, *SPAN, "--out", "out", cwd=tmp_path)
    assert (ran.code, "replay the files of" in ran.err) == (1, True)
