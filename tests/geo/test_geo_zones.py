import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.errors import ConfigurationError
from maritime.geo.zones import load_area, load_zones
from maritime.geo.zones_kernels import zone_of
from tests import naive_geo


def feature(*rings: list[list[float]], **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]] for ring in rings]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def box(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north]]


def write(path: Path, *features: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@settings(max_examples=60)
@given(
    st.floats(-180, 179.99),
    st.floats(0.01, 170),
    st.lists(st.floats(-90, 90), min_size=2, max_size=2, unique=True).map(sorted),
    st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=20),
)
def test_a_box_is_the_same_however_it_is_written(
    tmp_path_factory: pytest.TempPathFactory,
    west: float,
    width: float,
    lats: list[float],
    spots: list[tuple[float, float]],
) -> None:
    south, north = lats
    east = west + width
    jumped = east - 360 if east > 180 else east
    ways = [[box(west, south, east, north)], [box(west, south, jumped, north)]]
    if east > 180:
        ways.append([box(west, south, 180, north), box(-180, south, jumped, north)])
    folder = tmp_path_factory.mktemp("zones")
    for k, rings in enumerate(ways):
        parts = [[[*ring, ring[0]]] for ring in rings]
        geometry = {"type": "MultiPolygon", "coordinates": parts}
        path = write(folder / f"{k}.geojson", {"type": "Feature", "properties": {}, "geometry": geometry})
        zones = load_zones(path).arrays
        for lat, lon in spots:
            edges_deg = [abs(lat - south), abs(lat - north), *(abs((lon - e + 180) % 360 - 180) for e in (west, east))]
            if min(edges_deg) > 1e-9 and abs(lon) != 180:
                assert (zone_of(zones, lat, lon) == 0) == naive_geo.in_box((west, south, east, north), lat, lon)


def test_positions_on_the_antimeridian_belong_to_a_zone_across_it(tmp_path: Path) -> None:
    cut = write(
        tmp_path / "cut.geojson", feature(box(175, -20, 180, -15), name="W"), feature(box(-180, -20, -175, -15))
    )
    whole = write(tmp_path / "whole.geojson", feature(box(175, -20, -175, -15)))
    for lon in (180.0, -180.0):
        assert zone_of(load_zones(cut).arrays, -17.0, lon) >= 0
        assert zone_of(load_zones(whole).arrays, -17.0, lon) == 0


@pytest.mark.parametrize(("west", "east"), [(170, -178), (178, -170), (175, -175)])
def test_a_zone_across_the_antimeridian_holds_both_sides(tmp_path: Path, west: float, east: float) -> None:
    zones = load_zones(write(tmp_path / "z.geojson", feature(box(west, -20, east, -15)))).arrays
    for lon in (west + 0.5, 179.9, -179.9, east - 0.5):
        assert zone_of(zones, -17.0, lon) == 0
    for lon in (west - 0.5, east + 0.5, 0.0):
        assert zone_of(zones, -17.0, lon) == -1


def test_a_hole_is_outside(tmp_path: Path) -> None:
    zones = load_zones(write(tmp_path / "z.geojson", feature(box(0, 0, 4, 4), box(1, 1, 3, 3), name="Ring")))
    assert zone_of(zones.arrays, 0.5, 0.5) == 0
    assert zone_of(zones.arrays, 2.0, 2.0) == -1


def test_the_first_of_overlapping_zones_counts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "z.geojson", feature(box(0, 0, 2, 2), name="first"), feature(box(1, 1, 3, 3), name="second")
    )
    zones = load_zones(path)
    found = [zone_of(zones.arrays, lat, lat) for lat in (0.5, 1.5, 2.5, 3.5)]
    assert [zones.name(k) for k in found] == ["first", "first", "second", None]


def test_polar_caps_and_bands(tmp_path: Path) -> None:
    ring = [[lon, 70.0] for lon in range(-180, 180, 20)]
    cap = load_zones(write(tmp_path / "cap.geojson", feature(ring))).arrays
    band = load_zones(write(tmp_path / "band.geojson", feature(box(-180, -10, 180, 10)))).arrays
    for lon in (-180.0, -175.0, 0.0, 13.0, 179.9, 180.0):
        assert (zone_of(cap, 89.9, lon), zone_of(cap, 80.0, lon), zone_of(cap, 60.0, lon)) == (0, 0, -1)
        assert (zone_of(band, 0.0, lon), zone_of(band, 11.0, lon)) == (0, -1)


def test_an_area_chooses_whole_arrays(tmp_path: Path) -> None:
    area = load_area(write(tmp_path / "a.geojson", feature(box(170, -10, -170, 10)), feature(box(0, 0, 1, 1))))
    lat = np.array([0.0, 0.0, 0.5, 20.0, math.nan, 0.0])
    lon = np.array([179.0, -175.0, 0.5, 0.5, 0.5, math.nan])
    assert area.contains(lat, lon).tolist() == [True, True, True, False, False, False]
    assert area.contains(lat[:0], lon[:0]).tolist() == []


def test_no_zones_hold_nothing() -> None:
    assert zone_of(load_zones().arrays, 0.0, 0.0) == -1


def test_properties_are_kept_and_names_made_up(tmp_path: Path) -> None:
    zones = load_zones(write(tmp_path / "z.geojson", feature(box(0, 0, 1, 1), max_kn=8), feature(box(2, 2, 3, 3))))
    assert zones.names == ("zone 1", "zone 2")
    assert zones.properties == ({"max_kn": 8}, {})


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ([{"type": "Feature", "properties": {"name": "Buoy"}, "geometry": {"type": "Point", "coordinates": [0, 0]}}],
         "feature 1 'Buoy' has no area"),
        ([feature(box(0, 0, 1, 1), name="A"), feature(box(2, 2, 3, 3), name="A")], "feature 2 'A' bears the name"),
        ([feature(box(0, 0, 1, 1)), feature(box(2, 2, 400, 3))], "feature 2 has longitude 400"),
        ([feature(box(0, 0, 1, 1)), 7], "feature 2 is not a GeoJSON Feature"),
        ([{"type": "Feature", "properties": 3, "geometry": None}], "feature 1 has properties"),
        ([{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}}], "feature 1 has empty"),
    ],
)  # fmt: skip
def test_bad_zones_are_named(tmp_path: Path, features: list[Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        load_zones(write(tmp_path / "zones.geojson", *features))
    assert "zones.geojson" in str(refused.value)


def test_an_area_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no area"):
        load_area(write(tmp_path / "a.geojson"))
