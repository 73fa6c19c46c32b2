import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.errors import ConfigurationError
from maritime.geo.ports import Places, load_ports
from maritime.geo.ports_kernels import nearest_place_m
from tests import naive_geo

FAR_M = 2.1e7
SHARED = Path(os.environ.get("MARITIME_SHARED_DIR", Path(__file__).parents[3] / "shared")) / "data" / "geo"


@pytest.fixture(scope="module")
def registry() -> Places:
    return load_ports()


def test_registry_holds_the_worlds_ports(registry: Places) -> None:
    assert 3_900 < len(registry.places) < 4_100
    assert {place.source for place in registry.places} == {"registry"}
    assert set(registry.kinds) == {"port"}
    assert len({place.country for place in registry.places}) > 180
    assert all(place.locode is None or len(place.locode) == 5 for place in registry.places)


@pytest.mark.parametrize(
    ("lat", "lon", "locode"),
    [
        (51.90, 4.45, "NLRTM"),
        (37.80, -122.41, "USSFO"),
        (11.66, 92.73, "INIXZ"),
        (1.26, 103.83, "SGSIN"),
        (-18.13, 178.42, "FJSUV"),
    ],
)
def test_known_ports_lie_where_they_are(registry: Places, lat: float, lon: float, locode: str) -> None:
    ports = [place for place in registry.places if place.locode == locode]
    assert ports
    assert min(naive_geo.distance_m(lat, lon, port.lat_deg, port.lon_deg) for port in ports) < 20_000


@settings(max_examples=400)
@given(st.floats(-90, 90), st.floats(-180, 180))
def test_nearest_is_that_of_all(registry: Places, lat: float, lon: float) -> None:
    lats = np.array([place.lat_deg for place in registry.places])
    lons = np.array([place.lon_deg for place in registry.places])
    angles = naive_geo.chord_angles(naive_geo.vector(lats, lons), naive_geo.vector(lat, lon))
    expected_m = float(angles.min()) * naive_geo.EARTH_RADIUS_M
    distance_m, index = nearest_place_m(registry.arrays, lat, lon, FAR_M)
    assert distance_m == pytest.approx(expected_m, abs=0.1)
    assert angles[index] * naive_geo.EARTH_RADIUS_M == pytest.approx(expected_m, abs=0.1)
    assert nearest_place_m(registry.arrays, lat, lon, expected_m / 2) == (expected_m / 2, -1)


def test_every_port_is_its_own_nearest(registry: Places) -> None:
    for place in registry.places[::37]:
        distance_m, index = nearest_place_m(registry.arrays, place.lat_deg, place.lon_deg, 1_000.0)
        assert distance_m < 0.1
        found = registry.places[index]
        assert (found.lat_deg, found.lon_deg) == (place.lat_deg, place.lon_deg)


def test_unknown_position(registry: Places) -> None:
    distance_m, index = nearest_place_m(registry.arrays, math.nan, 0.0, 1e5)
    assert math.isnan(distance_m)
    assert index == -1


def test_users_csv_joins_the_registry(registry: Places, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "\ufeffKind;LONGITUDE;Name;latitude\nmarina;-14.41;Georgetown;-7.92\n;179.99;Rabi;-16.5\nAnchorage;0;;0\n",
        encoding="utf-8",
    )
    places = load_ports([path])
    mine = places.places[len(registry.places) :]
    assert [(place.name, place.kind, place.source) for place in mine] == [
        ("Georgetown", "marina", "mine.csv"),
        ("Rabi", "port", "mine.csv"),
        (None, "anchorage", "mine.csv"),
    ]
    distance_m, index = nearest_place_m(places.arrays, -16.5, -179.99, 5_000.0)  # over the antimeridian
    assert places.name(index) == "Rabi"
    assert distance_m == pytest.approx(naive_geo.distance_m(-16.5, 179.99, -16.5, -179.99))


def feature(geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_users_geojson_may_draw_an_anchorage_as_an_area(registry: Places, tmp_path: Path) -> None:
    box = [[179.9, -30.1], [-179.9, -30.1], [-179.9, -29.9], [179.9, -29.9], [179.9, -30.1]]
    path = tmp_path / "mine.geojson"
    features = [
        feature({"type": "Point", "coordinates": [-14.41, -7.92]}, name="Georgetown", kind="marina"),
        feature({"type": "Polygon", "coordinates": [box]}, name="Roads", kind="anchorage"),
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    places = load_ports([path])
    point, area = len(registry.places), len(registry.places) + 1
    assert places.places[area].lat_deg == pytest.approx(-30)
    assert abs(places.places[area].lon_deg) == pytest.approx(180)
    assert nearest_place_m(places.arrays, -7.92, -14.41, 1_000.0) == (pytest.approx(0, abs=0.1), point)
    for lon in (180.0, -180.0, 179.95, -179.95):
        assert nearest_place_m(places.arrays, -30.0, lon, 1_000.0) == (0.0, area)
    outside_m = naive_geo.distance_m(-30.0, -179.9, -30.0, -179.8)
    assert nearest_place_m(places.arrays, -30.0, -179.8, 20_000.0) == (pytest.approx(outside_m, rel=1e-3), area)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"name,lat\nX,5\n", "no column 'lon'"),
        ("a.csv", b"", "no column 'lat'"),
        ("a.csv", b"name,lat,lon\nX,5,6\nY,95,6\n", "line 3 has lat '95'"),
        ("a.csv", b"name,lat,lon\nX,5,\n", "line 2 has lon ''"),
        ("a.csv", b"name,lat,lon\nX,nan,7\n", "line 2 has lat 'nan'"),
        ("a.csv", b"name,lat,lon\nX\n", "line 2 has lat ''"),
        (
            "a.csv",
            b"name,lat,lon,kind\nX,5,6,harbour\n",
            "line 2 is of kind 'harbour'; use one of port, marina, anchorage",
        ),
        ("a.csv", b"name,lat,lon\nK\xf6ln,5,6\n", "not UTF-8"),
        ("a.geojson", b'{"type": "LineString", "coordinates": [[0, 0], [1, 1]]}', "feature 1 is neither"),
        ("a.geojson", b'{"type": "Point", "coordinates": [0, 91]}', "feature 1 has .* latitude 91"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as refused:
        load_ports([path])
    assert name in str(refused.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.csv.*No such file"):
        load_ports([tmp_path / "nowhere.csv"])


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no port lists under {SHARED}")
def test_a_public_port_list_reads_as_it_is(registry: Places) -> None:
    places = load_ports([SHARED / "world_port_index_pub150.csv"])
    added = places.places[len(registry.places) :]
    assert len(added) == 3_768
    assert sum(place.locode is not None for place in added) > 2_000
    assert added[0].name == "Maurer"
