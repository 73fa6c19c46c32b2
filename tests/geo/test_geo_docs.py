"""What docs/geography.md shows is tried: its files are read, its command is run, its figures are those of the files."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from maritime.geo.coastline import SHIPPED, load_coastline
from maritime.geo.coastline_kernels import on_land
from maritime.geo.ports import load_ports
from maritime.geo.ports_kernels import nearest_place_m
from maritime.geo.zones import load_zones
from maritime.geo.zones_kernels import zone_of

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "geography.md").read_text(encoding="utf-8")


def shown(kind: str) -> str:
    (block,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
def coast_file(tmp_path: Path) -> Path:
    path = tmp_path / "coastline.geojson"
    path.write_text(shown("json coastline"), encoding="utf-8")
    return path


def test_coastline_shown(coast_file: Path) -> None:
    coast = load_coastline(coast_file)
    assert (coast.id, coast.error_m, coast.error_median_m) == ("survey-2024", 25.0, 5.0)
    assert on_land(coast.arrays, 11.63, 92.72)
    assert not on_land(coast.arrays, 11.63, 92.76)


def test_packing_a_coastline(coast_file: Path) -> None:
    _, script, *arguments = shlex.split(shown("shell"))
    subprocess.run([sys.executable, str(PROJECT / script), *arguments], cwd=coast_file.parent, check=True, timeout=120)
    packed = load_coastline(coast_file.parent / "mine.coast")
    assert (packed.id, packed.error_m) == ("survey-2024", 25.0)
    assert on_land(packed.arrays, 11.63, 92.72)


def test_ports_shown(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(shown("csv ports"), encoding="utf-8")
    places = load_ports([path])
    distance_m, index = nearest_place_m(places.arrays, -7.92, -14.41, 1_000.0)
    assert (places.name(index), places.kinds[index], places.locodes[index]) == ("Georgetown", "anchorage", "SHASC")
    assert distance_m < 1


def test_zone_shown(tmp_path: Path) -> None:
    path = tmp_path / "zones.geojson"
    path.write_text(shown("json zones"), encoding="utf-8")
    zones = load_zones(path)
    assert [zones.name(zone_of(zones.arrays, -17.0, lon)) for lon in (180.0, 179.6, 179.0)] == [
        "Cable corridor",
        "Cable corridor",
        None,
    ]


def test_figures() -> None:
    coast = load_coastline()
    assert f"{len(coast.shore.lon_deg) / 1000:.0f},000 points in {SHIPPED.stat().st_size / 1024:.0f} KiB" in PAGE
    assert f"**{coast.error_median_m / 1000:.1f} km**" in PAGE
    assert f"**{coast.error_m / 1000:.1f} km**" in PAGE
    assert f"{len(load_ports().places):,} ports" in PAGE


def test_notice_ships_with_the_files_it_speaks_of() -> None:
    notice = (PROJECT / "docs" / "NOTICE").read_text(encoding="utf-8")
    assert (SHIPPED.parent / "NOTICE").read_text(encoding="utf-8") == notice
    for asset in SHIPPED.parent.iterdir():
        assert asset.name == "NOTICE" or asset.name in notice
