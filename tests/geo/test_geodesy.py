import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maritime.geo.geodesy import angle_between_deg, bearing_deg, destination, distance_m, quick_distance_m, wrap_deg
from tests import naive_geo

lats = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0, 89.9999, -89.9999, 80.5, -80.5, 0.0]))
lons = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 180.0, 179.9999, -179.9999, 0.0]))
courses = st.floats(0, 360, exclude_max=True)


@given(lats, lons, lats, lons)
def test_distance_is_that_of_vectors(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    assert distance_m(lat1, lon1, lat2, lon2) == pytest.approx(
        naive_geo.distance_m(lat1, lon1, lat2, lon2), rel=1e-9, abs=0.2
    )


@given(st.floats(-79.5, 79.5), lons, courses, st.floats(1, 50_000))
def test_quick_distance_is_within_its_bound(lat: float, lon: float, course: float, run_m: float) -> None:
    lat2, lon2 = destination(lat, lon, course, run_m)
    assume(abs(lat2) < 80)
    assert quick_distance_m(lat, lon, lat2, lon2) == pytest.approx(distance_m(lat, lon, lat2, lon2), rel=1e-3, abs=1e-3)


def test_both_distances_cross_the_antimeridian() -> None:
    expected_m = 0.2 * math.pi / 180 * 6_371_008.8
    for lon1, lon2 in ((179.9, -179.9), (-179.9, 179.9)):
        assert distance_m(0, lon1, 0, lon2) == pytest.approx(expected_m)
        assert quick_distance_m(0, lon1, 0, lon2) == pytest.approx(expected_m)


def test_distance_over_a_pole_and_to_the_antipode() -> None:
    assert distance_m(89, 0, 89, 180) == pytest.approx(2 * math.pi / 180 * 6_371_008.8)
    assert distance_m(0, 0, 0, 180) == pytest.approx(math.pi * 6_371_008.8)


@given(lats, lons, lats, lons)
def test_bearing_is_that_of_vectors(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    away_m = naive_geo.distance_m(lat1, lon1, lat2, lon2)
    assume(1 < away_m < math.pi * 6_371_000 - 1_000)  # beyond, the course is any
    turned = bearing_deg(lat1, lon1, lat2, lon2)
    assert 0 <= turned < 360
    assert angle_between_deg(turned, naive_geo.bearing_deg(lat1, lon1, lat2, lon2)) < 1e-4


@given(lats, lons, courses, st.floats(0, 20_000_000))
def test_destination_is_that_of_vectors(lat: float, lon: float, course: float, run_m: float) -> None:
    lat2, lon2 = destination(lat, lon, course, run_m)
    assert -90 <= lat2 <= 90
    assert -180 <= lon2 < 180
    assert naive_geo.distance_m(lat2, lon2, *naive_geo.destination(lat, lon, course, run_m)) < 0.2


@given(lats, lons, courses, st.floats(1, 1_000_000))
def test_destination_and_bearing_lead_there_and_back(lat: float, lon: float, course: float, run_m: float) -> None:
    assume(abs(lat) < 89.9)
    lat2, lon2 = destination(lat, lon, course, run_m)
    assert distance_m(lat, lon, lat2, lon2) == pytest.approx(run_m, abs=0.01)
    assert angle_between_deg(bearing_deg(lat, lon, lat2, lon2), course) < 0.01


@given(st.floats(-1e4, 1e4))
def test_wrapping_keeps_the_angle(angle: float) -> None:
    wrapped = wrap_deg(angle)
    assert -180 <= wrapped < 180
    turns = (angle - wrapped) / 360
    assert turns == pytest.approx(round(turns), abs=1e-9)


@given(st.floats(-720, 720), st.floats(-720, 720))
def test_angle_between_is_that_of_unit_vectors(first: float, second: float) -> None:
    a, b = math.radians(first), math.radians(second)
    cos = math.cos(a) * math.cos(b) + math.sin(a) * math.sin(b)
    assert angle_between_deg(first, second) == pytest.approx(math.degrees(math.acos(max(-1, min(1, cos)))), abs=1e-5)


@pytest.mark.parametrize("unknown", range(4))
def test_unknown_in_unknown_out(unknown: int) -> None:
    numbers = [10.0, 20.0, 30.0, 40.0]
    numbers[unknown] = math.nan
    for kernel in (distance_m, quick_distance_m, bearing_deg):
        assert math.isnan(kernel(*numbers))
    assert any(math.isnan(number) for number in destination(*numbers))
    assert math.isnan(angle_between_deg(*numbers[:2])) == (unknown < 2)
