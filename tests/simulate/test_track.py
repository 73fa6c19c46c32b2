"""Tracks do what their plans say, smoothly."""

import numpy as np
import pytest

from maritime.geo import geodesy
from maritime.simulate.geometry import bearing_deg, distance_m, offset_deg, wrapped_lon_deg
from maritime.simulate.scenario import Vessel
from maritime.simulate.track import GRID_S, Track, sail
from maritime.units import NM_M


def track_of(*plan: dict, starts_at=(8.0, 97.5), hours=10.0, **more) -> Track:
    vessel = Vessel.model_validate({"mmsi": 235_000_001, "starts_at": starts_at, "plan": list(plan)} | more)
    track = sail(vessel, hours * 3600, np.random.default_rng(1))
    assert track is not None
    return track


def test_a_passage_keeps_its_speed_and_arrives():
    track = track_of({"do": "sail", "to": [[9.0, 97.5]], "speed_kn": 12}, length_m=150)
    assert track.t_s[-1] == pytest.approx(60 * NM_M / (12 * NM_M / 3600), rel=2e-3)
    assert np.median(track.speed_kn) == pytest.approx(12, rel=2e-3)
    assert distance_m(track.lat_deg[-1], track.lon_deg[-1], 9.0, 97.5) < 500


def test_a_corner_becomes_a_turn_of_some_minutes():
    track = track_of({"do": "sail", "to": [[8.2, 97.5], [8.2, 97.8]], "speed_kn": 12}, length_m=150)
    course = np.degrees(np.arctan2(track.east_ms, track.north_ms))
    turning = (course > 10) & (course < 80)
    assert 45 < turning.sum() * GRID_S < 400
    assert np.abs(np.diff(course)).max() < 8


def test_speed_over_ground_is_the_distance_made_good():
    track = track_of(
        {"do": "sail", "to": [[8.3, 97.9]], "speed_kn": 14},
        {"do": "drift", "hours": 2, "speed_kn": 1, "toward_deg": 90},
    )
    steps_m = distance_m(track.lat_deg[:-1], track.lon_deg[:-1], track.lat_deg[1:], track.lon_deg[1:])
    told_m = np.hypot(track.north_ms, track.east_ms) * GRID_S
    assert told_m.sum() == pytest.approx(steps_m.sum(), rel=5e-3)


def test_a_stop_is_a_stop_and_an_anchor_swings():
    stopped = track_of({"do": "stop", "hours": 5, "heading_deg": 40})
    anchored = track_of({"do": "anchor", "hours": 9, "swing_m": 100, "wind_deg": 270})
    assert stopped.speed_kn.max() < 0.01
    assert np.abs(stopped.heading_deg - 40).max() < 5
    assert set(stopped.nav_status) == {5}
    radius_m = distance_m(anchored.lat_deg[0], anchored.lon_deg[0], anchored.lat_deg, anchored.lon_deg)
    assert 20 < radius_m.max() < 210
    assert anchored.speed_kn.max() < 2
    assert set(anchored.nav_status) == {1}


def test_a_drift_goes_where_it_should_with_its_bow_elsewhere():
    track = track_of({"do": "drift", "hours": 4, "speed_kn": 1.0, "toward_deg": 90, "heading_deg": 10})
    gone_nm = distance_m(track.lat_deg[0], track.lon_deg[0], track.lat_deg[-1], track.lon_deg[-1]) / NM_M
    assert gone_nm == pytest.approx(4.0, rel=0.15)
    assert bearing_deg(track.lat_deg[0], track.lon_deg[0], track.lat_deg[-1], track.lon_deg[-1]) == pytest.approx(
        90, abs=20
    )
    assert np.abs((track.heading_deg - 10 + 180) % 360 - 180).max() < 30
    assert track.speed_kn.max() < 2


def test_circles_stay_on_their_rim():
    track = track_of({"do": "circle", "hours": 4, "speed_kn": 4, "radius_nm": 0.8}, length_m=100)
    from_start_nm = distance_m(track.lat_deg[0], track.lon_deg[0], track.lat_deg, track.lon_deg) / NM_M
    assert 1.5 < from_start_nm.max() < 1.75
    path_nm = np.hypot(track.north_ms, track.east_ms).sum() * GRID_S / NM_M
    assert path_nm == pytest.approx(16, rel=0.03)


def test_a_patrol_returns_and_moves_on():
    track = track_of({"do": "patrol", "hours": 6, "speed_kn": 4, "leg_nm": 4, "toward_deg": 0, "spacing_nm": 0.5})
    north_nm = (track.lat_deg - 8.0) * 60
    assert -0.2 < north_nm.min() < north_nm.max() < 4.2
    assert (np.diff(np.sign(track.north_ms[np.abs(track.north_ms) > 0.5])) != 0).sum() == 5
    assert track.lon_deg[-1] > 97.5 + 2.4 / 60


def test_a_repeated_plan_goes_on_until_the_end():
    track = track_of(
        {"do": "sail", "to": [[8.1, 97.5]], "speed_kn": 12},
        {"do": "sail", "to": [[8.0, 97.5]], "speed_kn": 12},
        repeat=True,
    )
    assert track.t_s[-1] == pytest.approx(10 * 3600, abs=GRID_S)
    assert len(track.performed) == 20


def test_a_track_runs_on_over_the_antimeridian():
    track = track_of({"do": "sail", "to": [[-17.0, -179.5]], "speed_kn": 15}, starts_at=(-17.0, 179.5))
    assert track.lon_deg[0] == pytest.approx(179.5, abs=1e-3)
    assert track.lon_deg[-1] == pytest.approx(180.5, abs=5e-3)
    assert track.speed_kn.max() < 17


def test_a_plan_outside_the_scenario_is_no_track():
    vessel = Vessel.model_validate(
        {
            "mmsi": 1,
            "starts_at": [8, 97],
            "begin_h": 20,
            "plan": [{"do": "stop", "hours": 1}],
        }
    )
    assert sail(vessel, 10 * 3600.0, np.random.default_rng(1)) is None


def test_geometry_agrees_with_the_kernels():
    rng = np.random.default_rng(5)
    for _ in range(200):
        lat, lon = rng.uniform(-80, 80), rng.uniform(-180, 180)
        north_m, east_m = rng.uniform(-9000, 9000, 2)
        to_lat, to_lon = (float(x) for x in offset_deg(lat, lon, north_m, east_m))
        expected_m = geodesy.distance_m(lat, lon, to_lat, to_lon)
        assert float(distance_m(lat, lon, to_lat, to_lon)) == pytest.approx(expected_m, rel=1e-9, abs=1e-3)
        assert expected_m == pytest.approx(np.hypot(north_m, east_m), rel=0.02)
        assert -180 <= float(wrapped_lon_deg(to_lon)) < 180
