"""Vessel-hours by hour and cell, against slow loops."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from maritime.alerts.vessel_days import VesselDays
from maritime.alerts.vessel_hours import VesselHours, cell_of
from maritime.units import HOUR_MS

MMSI = st.sampled_from([219_000_001, 219_000_002, 566_000_003, 7, 2_190_001, 970_000_001])
REPORTS = st.lists(
    st.tuples(st.integers(0, 70 * HOUR_MS), MMSI, st.floats(-90, 90), st.floats(-180, 180, exclude_max=True)),
    min_size=1,
    max_size=40,
).map(sorted)


def counted(reports, cuts=()):
    """What the file says, of reports that come in parts."""
    columns = [
        np.array(c, t) for c, t in zip(zip(*reports, strict=True), (np.int64, np.uint32, float, float), strict=True)
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "vessel_hours.parquet"
        hours = VesselHours(path)
        for start, end in zip([0, *cuts], [*cuts, len(reports)], strict=True):
            t_ms, mmsi, lat, lon = (column[start:end] for column in columns)
            hours.add(mmsi, t_ms, lat, lon)
        hours.finish()
        return [tuple(row.values()) for row in pq.read_table(path).to_pylist()]


def naive(reports):
    """The first report of each ship in each hour says in which cell the hour counts."""
    first = {}
    for t_ms, mmsi, lat, lon in reports:
        if (200_000_000 <= mmsi <= 799_999_999) or mmsi < 1_000_000:
            first.setdefault((t_ms // HOUR_MS, mmsi), (t_ms, lat, lon))
    made = {}
    for (hour, _), (_, lat, lon) in first.items():
        row, column = min(int((lat + 90) // 0.25), 719), int((lon + 180) // 0.25) % 1440
        made[hour, row * 1440 + column] = made.get((hour, row * 1440 + column), 0) + 1
    return sorted((hour, cell, count) for (hour, cell), count in made.items())


def tied(reports):
    """Whether a ship is at two places at once, of which either may come first."""
    return len({report[:2] for report in reports}) < len(reports)


@given(REPORTS)
def test_counts_are_those_of_the_slow_twin_and_add_up_to_vessel_days(reports):
    made = counted(reports)
    if not tied(reports):
        assert made == naive(reports)
    days = VesselDays()
    days.add(
        *(
            np.array(column, kind)
            for column, kind in zip(list(zip(*reports, strict=True))[1::-1], (np.uint32, np.int64), strict=True)
        )
    )
    assert sum(count for _, _, count in made) == round(days.count * 24)


@given(REPORTS, st.data())
def test_parts_do_not_matter(reports, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, len(reports)), max_size=3)) - {len(reports)})
    if not tied(reports):
        assert counted(reports, cuts) == counted(reports)


def test_what_comes_days_late_is_not_counted():
    now, late = (100 * HOUR_MS, 219_000_001, 1.0, 1.0), (10 * HOUR_MS, 219_000_001, 1.0, 1.0)
    assert [row[0] for row in counted([now, late], cuts=[1])] == [100]


def test_positions_at_the_edges_have_cells():
    cells = cell_of(np.array([90.0, -90.0, 0.0]), np.array([180.0, -180.0, 179.99]))
    assert cells.tolist() == [719 * 1440, 0, 360 * 1440 + 1439]
