"""Column mappings: every option, and what is said when one is misspelt."""

import math
import re
from pathlib import Path

import pytest

from maritime.errors import ConfigurationError
from maritime.sources.mapping import load_mapping
from maritime.sources.sniffer import FORMATS
from maritime.sources.table import REASONS
from maritime.times import from_rfc3339
from tests.sources.gather import Gathered, gather, shared

SHIPPED = Path(__file__).parents[2] / "configs" / "mappings"


def read(folder: Path, mapping: str, text: str) -> Gathered:
    (folder / "mapping.yaml").write_text(mapping)
    (folder / "reports.txt").write_text(text)
    return gather(folder / "reports.txt", mapping=load_mapping(folder / "mapping.yaml"))


def test_every_option(tmp_path: Path) -> None:
    got = read(
        tmp_path,
        "name: coast_radar\n"
        "columns: {t: Logged, lat: [Y, North], lon: X, sog: Speed, cog: Track, heading: Bow, length_m: Feet}\n"
        "time: {format: '%d.%m.%Y %H:%M:%S', zone: Europe/Oslo}\n"
        "units: {lat: rad, lon: minutes_1e4, sog: m/s, cog: rad, heading: tenths_deg, length_m: ft}\n"
        "constants: {mmsi: 257000001, msg_type: 18, nav_status: 7}\n"
        "delimiter: ';'\n"
        "decimal: ','\n"
        "nulls: ['-999']\n",
        "Logged;North;X;Speed;Track;Bow;Feet;Unused\n"
        f"01.07.2020 12:00:00;{str(math.radians(60)).replace('.', ',')};3000000;"
        "5,144444444;1,5707963267948966;450;100;x\n"
        "01.01.2020 12:00:00;1,0;3000000;-999;;;;x\n",
    )
    first, second = got.rows
    assert (first["t"], second["t"]) == (from_rfc3339("2020-07-01T10:00:00Z"), from_rfc3339("2020-01-01T11:00:00Z"))
    assert (first["lat"], first["lon"]) == (pytest.approx(60), pytest.approx(5))
    assert (first["sog"], first["cog"], first["heading"]) == (pytest.approx(10), pytest.approx(90), pytest.approx(45))
    assert (first["mmsi"], first["msg_type"], first["nav_status"]) == (257000001, 18, 7)
    assert second["sog"] is None
    assert got.statics[0]["length_m"] == pytest.approx(30.48)
    assert got.sources == ["coast_radar"] * 2


def test_a_zone_holds_only_for_times_without_their_own(tmp_path: Path) -> None:
    text = "mmsi,time,lat,lon\n1,2020-07-01 12:00:00,1,2\n1,2020-07-01 12:00:00Z,1,2\n1,1593604800,1,2\n"
    got = read(tmp_path, "time: {zone: America/New_York}\n", text)
    assert [r["t"] for r in got.rows] == [from_rfc3339(f"2020-07-01T{hour}:00:00Z") for hour in (16, 12, 12)]


@pytest.mark.parametrize("carrier", ["csv", "json"])
def test_mapping_holds_for_json_too(tmp_path: Path, carrier: str) -> None:
    mapping = "columns: {mmsi: id, t: when, lat: north, lon: east}\n"
    text = "id,when,north,east\n1,1593604800,1,2\n"
    if carrier == "json":
        text = '{"id": "1", "when": 1593604800, "north": 1, "east": "2"}\n'
    assert [(r["mmsi"], r["lat"], r["lon"]) for r in read(tmp_path, mapping, text).rows] == [(1, 1.0, 2.0)]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            "columns: {mmsi: A, latt: B}",
            r"mapping.yaml: 'columns.latt' is not a setting; did you mean 'lat'\? the keys there are",
        ),
        ("unit: {sog: m/s}", r"'unit' is not a setting; did you mean 'units'\?"),
        ("units: {sog: knots}", r"'units.sog' is 'knots'; .*'kn', 'm/s'"),
        ("time: {format: iso}", r"'time.format' is 'iso'; .*auto, day_first, month_first"),
        ("time: {zone: Norway/Oslo}", r"'time.zone' is 'Norway/Oslo'; .*Europe/Oslo"),
        ("constants: {mmsi: 0}", r"'constants.mmsi' is 0"),
        ("columns: [a", r"mapping.yaml is not YAML"),
    ],
)
def test_a_wrong_mapping_names_file_and_key(tmp_path: Path, mapping: str, message: str) -> None:
    (tmp_path / "mapping.yaml").write_text(mapping)
    with pytest.raises(ConfigurationError, match=message):
        load_mapping(tmp_path / "mapping.yaml")


def test_a_mapped_column_that_is_missing_is_told(tmp_path: Path) -> None:
    got = read(tmp_path, "columns: {sog: Fart}\n", "mmsi,time,lat,lon,speed\n1,1593604800,1,2,3\n")
    assert got.failures[0].reason.startswith("has no column for 'Fart'; it has mmsi, time, lat, lon, speed")


@pytest.mark.parametrize(
    ("mapping", "name"),
    [
        ("solent.yaml", "tracks/solent_2016-01-12.csv"),
        ("german_bight.yaml", "tracks/german_bight_2022-11-01_1h.csv.gz"),
        ("gfw_messages.yaml", "tracks/messages_20170922.json"),
    ],
)
def test_shipped_mappings_read_what_is_recognised_without_them(mapping: str, name: str) -> None:
    mapped, recognised = gather(shared(name), mapping=load_mapping(SHIPPED / mapping)), gather(shared(name))
    assert mapped.rows
    assert not mapped.failures
    without = [[{k: v for k, v in row.items() if k != "source"} for row in got.rows] for got in (mapped, recognised)]
    assert without[0] == without[1]
    assert mapped.statics == recognised.statics


def test_every_shipped_mapping_loads() -> None:
    assert {load_mapping(path).name for path in SHIPPED.glob("*.yaml")} >= {"solent", "german_bight", "gfw_messages"}


def test_the_documented_mapping_loads_and_every_format_is_documented(tmp_path: Path) -> None:
    text = (SHIPPED.parents[1] / "docs" / "formats.md").read_text()
    (tmp_path / "mapping.yaml").write_text(text.split("```yaml\n")[1].split("```")[0])
    assert load_mapping(tmp_path / "mapping.yaml").names("lat") == ("y", "north")
    assert set(re.findall(r"^\| `(\w+)` \|.*\|.*\|.*\|$", text, re.MULTILINE)) >= set(FORMATS)
    for reason in [*REASONS.values(), "wrong_field_count", "not_json", "not_an_object", "line_too_long", "line_cut"]:
        assert f"`{reason}`" in text
