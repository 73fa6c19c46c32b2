import numpy as np
import pytest

from maritime.alerts.tracks import FIRST_INTERVAL_MS, TrackSketch
from maritime.alerts.vessel_days import VesselDays
from maritime.units import DAY_MS, HOUR_MS


def fed(sketch, mmsi, t_ms, lat=None):
    n = len(t_ms)
    lat = np.full(n, 1.5) if lat is None else lat
    sketch.add(np.asarray(mmsi, np.uint32), np.asarray(t_ms, np.int64), lat, np.full(n, 2.5))
    return sketch


def test_one_point_per_vessel_and_interval_whatever_the_order():
    t_ms = np.array([120_000, 0, 30_000, 60_000, 59_999])
    [track] = fed(TrackSketch(), np.full(5, 9), t_ms).tracks()
    assert track.mmsi == 9
    assert [t // FIRST_INTERVAL_MS for t in track.t_ms] == [0, 1, 2]


def test_reports_without_a_position_are_passed_over():
    assert list(fed(TrackSketch(), [9], [0], np.array([np.nan])).tracks()) == []


def test_memory_is_bounded_and_every_vessel_stays_visible():
    sketch = TrackSketch(points_kept=1_000)
    for start in range(0, 100):
        t_ms = (start * 200 + np.arange(200)) * FIRST_INTERVAL_MS
        for mmsi in (1, 2, 3):
            fed(sketch, np.full(200, mmsi), t_ms)
    tracks = list(sketch.tracks())
    assert [track.mmsi for track in tracks] == [1, 2, 3]
    assert 300 < sum(track.t_ms.size for track in tracks) <= 1_000
    for track in tracks:
        assert np.all(np.diff(track.t_ms) > 0)
        assert track.t_ms[-1] - track.t_ms[0] > 0.98 * 20_000 * FIRST_INTERVAL_MS


def test_vessel_days_are_hours_in_which_ships_are_heard():
    days = VesselDays()
    mmsi = np.array([366_000_001, 366_000_001, 366_000_002, 3_660_001, 970_000_001], np.uint32)
    t_ms = np.array([1, 59, 60, 10, 10], np.int64) * 60_000
    for _ in range(2):
        days.add(mmsi, t_ms)
    days.add(mmsi[:1], t_ms[:1] + DAY_MS)
    assert days.count == 3 / 24
    assert days.ships == 2


def test_numbered_vessels_of_a_data_set_without_names_count():
    days = VesselDays()
    days.add(np.array([1, 202, 2_570_101, 99], np.uint32), np.zeros(4, np.int64))
    assert (days.ships, days.count) == (3, 3 / 24)


@pytest.mark.parametrize("chunk_hours", [1, 5, 31 * 24])
def test_vessel_days_of_a_month_are_all_counted_in_bounded_memory(chunk_hours):
    days = VesselDays()
    for hour in range(0, 31 * 24, chunk_hours):
        hours = np.arange(hour, min(hour + chunk_hours, 31 * 24), dtype=np.int64)
        ships = np.repeat(np.array([366_000_001, 366_000_002], np.uint32), hours.size)
        days.add(ships, np.tile(hours * HOUR_MS, 2))
        assert len(days._open) <= 49
    assert days.count == 62


def test_a_report_much_older_than_the_newest_is_not_counted():
    days = VesselDays()
    days.add(np.array([366_000_001], np.uint32), np.array([10 * DAY_MS], np.int64))
    days.add(np.array([366_000_002], np.uint32), np.array([DAY_MS], np.int64))
    assert days.count == 1 / 24
