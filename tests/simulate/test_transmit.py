"""Who transmits how often, and what the receivers hear of it."""

import numpy as np
import pytest

from maritime.simulate.armour import Payload
from maritime.simulate.geometry import offset_deg
from maritime.simulate.reception import hear, post
from maritime.simulate.scenario import Noise, Receiver, Satellite, Vessel
from maritime.simulate.track import Track, sail
from maritime.simulate.transmit import Broadcast, class_a_interval_s, class_b_interval_s, report_times_s
from maritime.simulate.transmit import vessel_broadcasts as broadcasts_of
from maritime.units import NM_M

START_MS = 1_773_446_400_000
HOUR_MS = 3_600_000


def track_of(*plan: dict, **more) -> Track:
    vessel = Vessel.model_validate({"mmsi": 235_000_001, "starts_at": (8.0, 97.5), "plan": list(plan)} | more)
    track = sail(vessel, 3 * 3600.0, np.random.default_rng(1))
    assert track is not None
    return track


def passage(speed_kn: float, **more) -> Track:
    return track_of({"do": "sail", "to": [[12.0, 97.5]], "speed_kn": speed_kn}, **more)


def intervals(track: Track, class_a: bool = True) -> np.ndarray:
    nominal_s = class_a_interval_s(track) if class_a else class_b_interval_s(track)
    return np.diff(report_times_s(track.t_s, nominal_s, np.random.default_rng(2)))


# ITU-R M.1371-5 annex 1, tables 1 and 2
@pytest.mark.parametrize(("speed_kn", "expected_s"), [(8, 10), (13, 10), (16, 6), (20, 6), (26, 2)])
def test_class_a_intervals(speed_kn, expected_s):
    found = intervals(passage(speed_kn, length_m=150))
    assert np.mean(found) == pytest.approx(expected_s, rel=0.02)
    assert found.min() >= 0.79 * expected_s
    assert found.max() <= 1.21 * expected_s


@pytest.mark.parametrize("do", ["stop", "anchor"])
def test_class_a_at_rest_reports_every_three_minutes(do):
    assert np.mean(intervals(track_of({"do": do, "hours": 3}))) == pytest.approx(180, rel=0.05)


def test_class_a_reports_faster_while_it_changes_course():
    turning = track_of({"do": "circle", "hours": 3, "speed_kn": 12, "radius_nm": 0.25}, length_m=100)
    assert np.mean(intervals(turning)) == pytest.approx(10 / 3, rel=0.05)


@pytest.mark.parametrize(("speed_kn", "expected_s"), [(1, 180), (6, 30), (25, 30)])
def test_class_b_intervals(speed_kn, expected_s):
    track = track_of({"do": "patrol", "hours": 3, "speed_kn": speed_kn, "leg_nm": 90, "toward_deg": 0})
    assert np.mean(intervals(track, class_a=False)) == pytest.approx(expected_s, rel=0.05)


def test_class_a_sends_positions_static_data_and_long_range_positions():
    reports, static, far = broadcasts_of(passage(12, length_m=150), START_MS, Noise(), np.random.default_rng(3))
    assert reports.t_ms.size == pytest.approx(3 * 360, rel=0.02)
    assert static.t_ms.size == pytest.approx(30, abs=1)
    assert (far.t_ms.size, far.long_range) == (pytest.approx(60, abs=1), True)


def test_class_b_sends_no_long_range_positions():
    sent = list(broadcasts_of(passage(12, transceiver="B", length_m=12), START_MS, Noise(), np.random.default_rng(3)))
    assert [broadcast.long_range for broadcast in sent] == [False, False, False]


def test_nothing_is_sent_in_a_silence():
    track = passage(12, silences=[{"from_h": 1, "to_h": 2}])
    for sent in broadcasts_of(track, START_MS, Noise(), np.random.default_rng(3)):
        assert not np.any((sent.t_ms >= START_MS + HOUR_MS) & (sent.t_ms < START_MS + 2 * HOUR_MS))
        assert sent.t_ms.size > 0


def test_a_vessel_silent_throughout_sends_nothing():
    track = passage(12, silences=[{"from_h": -1, "to_h": 9}])
    assert [s.t_ms.size for s in broadcasts_of(track, START_MS, Noise(), np.random.default_rng(3))] == [0, 0, 0]


N = 20_000


def sent_from(distance_nm: float, long_range: bool = False, hours: float = 10.0) -> Broadcast:
    lat, lon = offset_deg(8.0, 98.0, distance_nm * NM_M, 0.0)
    t_ms = START_MS + np.sort(np.random.default_rng(4).integers(0, int(hours * HOUR_MS), N))
    return Broadcast(t_ms, np.full(N, lat), np.full(N, lon), Payload(np.zeros((N, 28), np.uint8), 0), long_range)


def heard(receiver, sent, noise=None, tracks=None):
    noise = noise or Noise(loss=0.0)
    rng = np.random.default_rng(6)
    listener = post(receiver, tracks or {}, noise, START_MS, START_MS + 10 * HOUR_MS, rng)
    return listener, hear(listener, sent, noise, rng)


COAST = Receiver(name="COAST", at=(8.0, 98.0), range_nm=40, roll_off_nm=2)


@pytest.mark.parametrize(("distance_nm", "expected"), [(5, 1.0), (36, 0.8808), (40, 0.5), (44, 0.1192), (70, 0.0)])
def test_reception_falls_off_smoothly_with_distance(distance_nm, expected):
    assert heard(COAST, sent_from(distance_nm))[1].index.size / N == pytest.approx(expected, abs=0.015)


def test_random_loss_and_duplicates():
    _, found = heard(COAST, sent_from(5), Noise(loss=0.3, duplicates=0.1))
    assert np.unique(found.index).size / N == pytest.approx(0.7, abs=0.015)
    assert found.index.size / np.unique(found.index).size == pytest.approx(1.1, abs=0.01)


def test_a_wrong_clock_shifts_the_stamp_but_not_the_arrival():
    _, found = heard(COAST.model_copy(update={"clock_skew_s": -3.5}), sent_from(5))
    assert set(found.stamped_ms - found.arrived_ms) == {-3500}
    for number in range(20):
        rng = np.random.default_rng(number)
        skewed = post(COAST, {}, Noise(clock_skew_s=5), START_MS, START_MS + HOUR_MS, rng)
        assert abs(skewed.clock_skew_ms) <= 5000


def test_an_outage_is_total_and_ends():
    outage = Receiver.model_validate(
        {"name": "COAST", "at": (8.0, 98.0), "outages": [{"from_h": 3, "to_h": 5, "expect": "reception_outage"}]}
    )
    sent = sent_from(5)
    hours = (sent.t_ms[heard(outage, sent)[1].index] - START_MS) / HOUR_MS
    assert not np.any((hours >= 3) & (hours < 5))
    assert np.any(hours < 3)
    assert np.any(hours >= 5)


def test_a_receiver_aboard_takes_its_coverage_along():
    carrier = passage(20, starts_at=(8.0, 98.0))  # to the north for three hours
    aboard = Receiver(name="SHIP", aboard=carrier.vessel.mmsi, range_nm=20, roll_off_nm=1)
    sent = sent_from(5, hours=3)
    hours = (sent.t_ms[heard(aboard, sent, tracks={carrier.vessel.mmsi: carrier})[1].index] - START_MS) / HOUR_MS
    assert np.mean(hours < 0.5) > 0.4
    assert hours.max() < 1.7  # 20 nm past the sender, and a little of the roll-off


def test_a_satellite_hears_in_its_passes_and_best_what_is_made_for_it():
    satellite = Satellite(name="SAT", every_min=95, pass_min=10, hears_long_range=0.8, hears_others=0.05)
    listener, far = heard(satellite, sent_from(5, long_range=True))
    _, near = heard(satellite, sent_from(5))
    assert 5 <= len(listener.passes_ms) <= 7
    assert np.all(np.diff(listener.passes_ms[:, 0]) > 70 * 60_000)
    sent_ms = sent_from(5).t_ms[far.index]
    inside = [np.any((t >= listener.passes_ms[:, 0]) & (t < listener.passes_ms[:, 1])) for t in sent_ms]
    assert all(inside)
    assert near.index.size / far.index.size == pytest.approx(0.05 / 0.8, rel=0.25)


def test_coast_stations_do_not_hear_the_long_range_channels():
    assert heard(COAST, sent_from(5, long_range=True))[1].index.size == 0
