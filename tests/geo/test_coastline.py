import csv
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import STRtree, points
from shapely.geometry import Polygon

from maritime.errors import ConfigurationError
from maritime.geo.coastline import SHIPPED, Coastline, load_coastline
from maritime.geo.coastline_file import Shore, read_shore, write_shore
from maritime.geo.coastline_kernels import coast_distance_m, on_land
from maritime.geo.geodesy import destination
from maritime.geo.lines import divided, unwrapped
from tests import naive_geo

SHARED = Path(os.environ.get("MARITIME_SHARED_DIR", Path(__file__).parents[3] / "shared")) / "data" / "geo"
FAR_M = 2.1e7  # more than half round the Earth: no limit


@pytest.fixture(scope="module")
def shipped() -> Coastline:
    return load_coastline()


def geojson(path: Path, *geometries: dict[str, Any], **members: Any) -> Path:
    features = [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}))
    return path


def polygon(*ring: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


# ------------------------------------------------------------------------------------------- the shipped coastline


def test_shipped_file_and_arrays_are_small(shipped: Coastline) -> None:
    assert SHIPPED.stat().st_size < 1 << 20
    arrays = [array for part in shipped.arrays for array in (part if isinstance(part, tuple) else (part,))]
    assert sum(array.nbytes for array in arrays) < 50e6


def test_shipped_coastline_says_how_far_it_may_be_off(shipped: Coastline) -> None:
    assert shipped.id == "natural-earth-10m-4.1.0"
    assert (shipped.error_median_m, shipped.error_m) == (700.0, 4_300.0)


def test_land_area_by_rings(shipped: Coastline) -> None:
    caspian = (51.0, 42.0)
    land_m2 = 0.0
    for ring in shipped.rings():
        area_m2 = naive_geo.sector_areas_m2(ring)
        # The Caspian Sea is the one ring of water: a ring around it that is too small to be Eurasia.
        is_water = area_m2 < 1e12 and Polygon(ring).contains(points(caspian))
        land_m2 += -area_m2 if is_water else area_m2
    assert 146e12 < land_m2 < 148e12


def test_land_area_by_positions(shipped: Coastline) -> None:
    heights = (np.arange(360) + 0.5) / 180 - 1  # equal areas between parallels
    lats, lons = np.degrees(np.arcsin(heights)), np.arange(-179.5, 180)
    share = np.mean([on_land(shipped.arrays, lat, lon) for lat in lats for lon in lons])
    assert 146e12 < share * 4 * math.pi * naive_geo.EARTH_RADIUS_M**2 < 148e12


@pytest.mark.parametrize(
    ("name", "lat", "lon", "land", "least_km", "most_km"),
    [
        ("North Atlantic", 30.0, -40.0, False, 1200, 1400),
        ("Point Nemo, 2,690 km from Ducie, Motu Nui and Maher", -48.877, -123.393, False, 2600, 2750),
        ("Dzungaria, 2,395 km from the Gulf of Ob", 46.28, 86.67, True, 2350, 2450),  # Garcia-Castellanos 2007
        ("North Pole", 90.0, 0.0, False, 650, 750),  # Kaffeklubben Island lies 713 km off
        ("South Pole", -90.0, 0.0, True, 500, 1400),
        ("Madrid", 40.417, -3.703, True, 290, 330),
        ("Denver", 39.74, -104.99, True, 1000, 1400),
        ("Caspian Sea", 42.0, 51.0, False, 80, 150),
        ("Chukotka west of the antimeridian", 67.5, 179.0, True, 10, 150),
        ("Chukotka east of the antimeridian", 67.0, -179.0, True, 10, 150),
        ("Chukotka on the antimeridian", 67.5, 180.0, True, 10, 150),
        ("Bering Sea on the antimeridian", 60.0, 180.0, False, 200, 400),
        ("Taveuni, Fiji", -16.85, -179.97, True, 0, 10),
        ("Ascension Island", -7.94, -14.37, True, 0, 6),
        ("off Ascension Island", -8.5, -14.37, False, 50, 65),
        ("Malta", 35.89, 14.44, True, 0, 10),
        ("Dover Strait", 51.0, 1.4, False, 10, 25),
        ("Great Nicobar", 7.03, 93.78, True, 0, 15),
    ],
)
def test_known_places(
    shipped: Coastline, name: str, lat: float, lon: float, land: bool, least_km: float, most_km: float
) -> None:
    assert on_land(shipped.arrays, lat, lon) == land, name
    assert least_km <= coast_distance_m(shipped.arrays, lat, lon, FAR_M) / 1000 <= most_km, name


def test_no_coast_where_polygons_were_cut_at_the_antimeridian(shipped: Coastline) -> None:
    for lat in (66.5, 67.5, 68.0):  # inner Chukotka
        assert coast_distance_m(shipped.arrays, lat, 180.0, FAR_M) > 20_000
    assert coast_distance_m(shipped.arrays, -88.0, 180.0, FAR_M) > 200_000


def test_distance_is_that_to_the_nearest_of_all_edges(shipped: Coastline) -> None:
    shore = shipped.shore
    joined = np.ones(len(shore.lon_deg), bool)
    joined[shore.starts[1:] - 1] = False
    lon, lat, origin = divided(shore.lon_deg, shore.lat_deg, joined, 10_000)
    joined = joined[origin][:-1]
    vectors = naive_geo.vector(lat, lon)
    a, b = vectors[:-1][joined], vectors[1:][joined]
    rng = np.random.default_rng(7)
    far = np.degrees(np.arcsin(rng.uniform(-1, 1, 8))), rng.uniform(-180, 180, 8)
    near = (place[rng.integers(0, len(lat), 8)] + rng.normal(0, 0.05, 8) for place in (lat, lon))
    for spot_lat, spot_lon in np.hstack([far, [*near]]).T:
        expected_m = naive_geo.arc_distances_m(naive_geo.vector(spot_lat, spot_lon), a, b).min()
        assert coast_distance_m(shipped.arrays, spot_lat, spot_lon, FAR_M) == pytest.approx(expected_m, abs=3)


def test_sides_are_those_of_polygons_on_the_plane(shipped: Coastline) -> None:
    polygons = [Polygon(ring) for ring in shipped.rings()]
    tree = STRtree(polygons)
    rng = np.random.default_rng(11)
    lats = np.degrees(np.arcsin(rng.uniform(-1, 1, 2_000)))
    lons = rng.uniform(-180, 180, 2_000)
    within = np.zeros(len(lats), int)
    for turn in (-360, 0, 360):
        positions, _ = tree.query(points(lons + turn, lats), predicate="within")
        within += np.bincount(positions, minlength=len(lats))
    assert [on_land(shipped.arrays, lat, lon) for lat, lon in zip(lats, lons, strict=True)] == list(within % 2 == 1)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 1e6))
def test_limit_cuts_the_distance_and_nothing_else(shipped: Coastline, lat: float, lon: float, limit_m: float) -> None:
    coast = shipped.arrays
    distance_m = coast_distance_m(coast, lat, lon, FAR_M)
    assert coast_distance_m(coast, lat, lon, limit_m) == pytest.approx(min(distance_m, limit_m))


@given(st.floats(-89, 89), st.floats(-180, 180), st.floats(0, 360), st.floats(0, 1e5))
def test_distance_changes_no_faster_than_the_way(
    shipped: Coastline, lat: float, lon: float, course: float, run_m: float
) -> None:
    coast = shipped.arrays
    there = destination(lat, lon, course, run_m)
    change_m = coast_distance_m(coast, lat, lon, FAR_M) - coast_distance_m(coast, *there, FAR_M)
    assert abs(change_m) <= run_m + 1


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no port list under {SHARED}")
def test_ports_of_the_world_lie_at_the_coast(shipped: Coastline) -> None:
    with (SHARED / "world_port_index_pub150.csv").open(encoding="utf-8-sig", newline="") as file:
        ports = [(float(row["Latitude"]), float(row["Longitude"])) for row in csv.DictReader(file)]
    away_m = [coast_distance_m(shipped.arrays, lat, lon, FAR_M) for lat, lon in ports]
    assert np.median(away_m) < 1_500  # of a coastline that is off by 700 m itself
    assert np.quantile(away_m, 0.75) < 4_300  # the rest lies on rivers and lakes


def test_unknown_position(shipped: Coastline) -> None:
    for lat, lon in ((math.nan, 0.0), (0.0, math.nan)):
        assert math.isnan(coast_distance_m(shipped.arrays, lat, lon, 1e5))
        assert not on_land(shipped.arrays, lat, lon)


# -------------------------------------------------------------------------------------------------- users' own files


@settings(max_examples=25)
@given(
    st.sampled_from([(0.0, 0.0), (-17.0, 180.0), (72.0, -179.95), (84.0, 30.0), (-85.0, -179.9)]),
    st.lists(st.floats(500, 60_000), min_size=3, max_size=60),
    st.lists(st.tuples(st.floats(0, 360), st.floats(0, 150_000)), min_size=1, max_size=10),
)
def test_an_island_anywhere(
    tmp_path_factory: pytest.TempPathFactory,
    middle: tuple[float, float],
    radii_m: list[float],
    spots: list[tuple[float, float]],
) -> None:
    bearings = [360 * k / len(radii_m) for k in range(len(radii_m))]
    ring = [naive_geo.destination(*middle, bearing, r) for bearing, r in zip(bearings, radii_m, strict=True)]
    path = tmp_path_factory.mktemp("island") / "island.geojson"
    coast = load_coastline(geojson(path, polygon(*((lon, lat) for lat, lon in ring))))
    (line,) = coast.rings()
    lon, lat, _ = divided(line[:, 0], line[:, 1], np.append(np.ones(len(line) - 1, bool), False), 2_000)
    flat = Polygon(line)
    for bearing, away_m in spots:
        spot = naive_geo.destination(*middle, bearing, away_m)
        expected_m = naive_geo.coast_distance_m([np.column_stack([lon, lat])], *spot)
        # An edge of 10 km, straight on the map, bends away from its chord by 2 m times the tangent of the latitude.
        bend_m = 2 + 2 * math.tan(math.radians(abs(middle[0]) + 1))
        assert coast_distance_m(coast.arrays, *spot, FAR_M) == pytest.approx(expected_m, abs=bend_m)
        if expected_m > 1:
            within = any(flat.contains(points(spot[1] + turn, spot[0])) for turn in (-360, 0, 360))
            assert on_land(coast.arrays, *spot) == within


def test_sides_on_the_meridian_of_a_corner(tmp_path: Path) -> None:
    floats = [30 + step * 3.6e-15 for step in range(-12, 13)]  # from one float to the next
    for corner in floats:
        kite = polygon((corner, 84.4), (29.9, 84), (corner, 83.9), (30.1, 84))
        coast = load_coastline(geojson(tmp_path / "kite.geojson", kite))
        for lon in floats:
            assert on_land(coast.arrays, 84.2, lon)
            assert not on_land(coast.arrays, 83.8, lon)
            assert not on_land(coast.arrays, 84.5, lon)


def test_polygons_cut_at_the_antimeridian_are_one_land(tmp_path: Path) -> None:
    west = polygon((179, 10), (180, 10), (180, 11), (179, 11))
    east = polygon((-180, 10), (-179, 10), (-179, 11), (-180, 11))
    whole = polygon((179, 10), (-179, 10), (-179, 11), (179, 11))
    beyond = polygon((179, 10), (181, 10), (181, 11), (179, 11))
    coasts = [
        load_coastline(geojson(tmp_path / f"{k}.geojson", *land))
        for k, land in enumerate(([west, east], [whole], [beyond]))
    ]
    for lat, lon in ((10.5, 180.0), (10.5, 179.3), (10.5, -179.3), (10.7, -180.0), (12.0, 180.0), (10.5, 178.0)):
        sides = {on_land(coast.arrays, lat, lon) for coast in coasts}
        assert sides == {10 < lat < 11 and (lon > 179 or lon < -179)}
        nearest_m = [coast_distance_m(coast.arrays, lat, lon, FAR_M) for coast in coasts]
        assert nearest_m == pytest.approx([nearest_m[0]] * 3, rel=1e-9)


def test_antarctica_cut_open_at_the_pole(tmp_path: Path) -> None:
    ring = [(-180, -90), (-180, -75), (-90, -70), (0, -72), (90, -70), (180, -75), (180, -90)]
    coast = load_coastline(geojson(tmp_path / "antarctica.geojson", polygon(*ring)))
    for lon in (-180.0, -100.0, 0.0, 179.0, 180.0):
        assert on_land(coast.arrays, -80.0, lon)
        assert not on_land(coast.arrays, -65.0, lon)
    assert coast_distance_m(coast.arrays, -90.0, 0.0, FAR_M) > 1_500_000


def test_a_hole_is_water(tmp_path: Path) -> None:
    rings = [
        [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]],
        [[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]],
    ]
    coast = load_coastline(geojson(tmp_path / "atoll.geojson", {"type": "Polygon", "coordinates": rings}))
    assert on_land(coast.arrays, 0.5, 0.5)
    assert not on_land(coast.arrays, 2.0, 2.0)
    assert coast_distance_m(coast.arrays, 2.0, 1.1, FAR_M) == pytest.approx(0.1 * 111_195, rel=1e-3)


def test_lines_count_for_distance_alone(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[10, 50], [10, 60]]}
    coast = load_coastline(geojson(tmp_path / "shore.geojson", line))
    assert coast_distance_m(coast.arrays, 55.0, 10.1, FAR_M) == pytest.approx(
        naive_geo.distance_m(55, 10, 55, 10.1), rel=1e-4
    )
    assert not on_land(coast.arrays, 55.0, 10.1)
    assert not on_land(coast.arrays, 55.0, 9.9)
    assert list(coast.rings()) == []


def test_a_file_may_state_its_error(tmp_path: Path) -> None:
    island = polygon((0, 0), (1, 0), (1, 1))
    stated = load_coastline(geojson(tmp_path / "a.geojson", island, id="survey-2024", error_m=25, error_median_m=5))
    assert (stated.id, stated.error_m, stated.error_median_m) == ("survey-2024", 25.0, 5.0)
    silent = load_coastline(geojson(tmp_path / "b.geojson", island))
    assert silent.id.startswith("b.geojson-")
    assert silent.error_m == 100.0
    moved = load_coastline(geojson(tmp_path / "b.geojson", polygon((0, 0), (1, 0), (1, 2))))
    assert moved.id != silent.id


def test_unwrapped_band_round_the_earth() -> None:
    band = np.array([[-180, -10], [180, -10], [180, 10], [-180, 10], [-180, -10]], float)
    assert np.ptp(unwrapped(band)[:, 0]) == 360


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"),
        (b"\xff\x00", "is not JSON"),
        (b"[]", "no GeoJSON 'type'"),
        (b'{"type": "FeatureCollection", "features": []}', "holds no coast"),
        (b'{"type": "FeatureCollection", "features": 3}', "not a list"),
        (b'{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}', "feature 1 .* not closed"),
        (b'{"type": "LineString", "coordinates": [[0, 0], [10, 95]]}', "feature 1 .* latitude 95"),
        (b'{"type": "LineString", "coordinates": [[0, 0], [NaN, 5]]}', "feature 1 .* longitude nan"),
        (b'{"type": "LineString", "coordinates": [[0, 0], ["a", 5]]}', "feature 1 .* in numbers"),
        (b'{"type": "LineString", "coordinates": [[0, 0]]}', "feature 1 .* at least two"),
        (b'{"type": "Point", "coordinates": [0, 0]}', "feature 1 .* neither land"),
        (b'{"type": "Curve", "coordinates": [0, 0]}', "feature 1 .* 'Curve'"),
        (
            b'{"type": "Feature", "properties": {"name": "Atoll"}, "geometry": null}',
            "feature 1 'Atoll' has no geometry",
        ),
        (b'{"type": "LineString", "coordinates": [[0, 0], [1, 1]], "error_m": -1}', "-1 m is no distance"),
        (b"MWCOAST1 and then nothing that fits", "cut short or altered"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "mine.geojson"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as refused:
        load_coastline(path)
    assert "mine.geojson" in str(refused.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.coast.*No such file"):
        load_coastline(tmp_path / "nowhere.coast")


# ---------------------------------------------------------------------------------------------------- the compact file


@settings(max_examples=50)
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(-180_000_000, 180_000_000), st.integers(-90_000_000, 90_000_000)),
            min_size=2,
            max_size=20,
        ),
        min_size=1,
        max_size=10,
    )
)
def test_compact_file_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[tuple[int, int]]]
) -> None:
    lon, lat = np.array([point for line in lines for point in line]).T / 1e6
    shore = Shore("an-id", "a source", 10.0, 3.0, lon, lat, np.cumsum([0, *map(len, lines)]))
    path = tmp_path_factory.mktemp("coast") / "a.coast"
    write_shore(path, shore)
    again = read_shore(path)
    assert (again.id, again.source, again.error_m, again.error_median_m) == ("an-id", "a source", 10.0, 3.0)
    np.testing.assert_allclose(again.lon_deg, lon, atol=1e-9)
    np.testing.assert_allclose(again.lat_deg, lat, atol=1e-9)
    np.testing.assert_array_equal(again.starts, shore.starts)


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:100] + b"?" + b[101:], lambda b: b[:8]])
def test_a_damaged_compact_file_is_refused(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "a.coast"
    path.write_bytes(damage(SHIPPED.read_bytes()))
    with pytest.raises(ConfigurationError, match=r"a\.coast.*cut short or altered"):
        load_coastline(path)


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.coast"
    path.write_bytes(b"MWCOAST9" + SHIPPED.read_bytes()[8:])
    with pytest.raises(ConfigurationError, match="MWCOAST9"):
        read_shore(path)
