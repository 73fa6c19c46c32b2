"""A reception outage: many vessels of a place silent together, and not a few that left one by one."""

import numpy as np
import pyarrow as pa
import pytest

from maritime.columns import POSITION_SCHEMA
from maritime.units import HOUR_MS, MINUTE_MS
from tests.detect.fleet import START_MS, final, run

WATCHED_H = 6


def region(last_heard_min):
    """Ships at anchor in one region, heard until some minute each, and one ship far off that is always heard."""
    tracks = []
    for i, until_min in enumerate([*last_heard_min, WATCHED_H * 60]):
        minutes = np.arange(0, until_min, 2)
        far = i == len(last_heard_min)
        tracks.append(
            {
                "mmsi": np.full(minutes.size, 366_000_001 + i),
                "t": START_MS + minutes * MINUTE_MS + i * 1000,
                "lat": np.full(minutes.size, (40.3 if far else 6.3) + i / 100),
                "lon": np.full(minutes.size, 95.3),
                "sog": np.full(minutes.size, 0.1),
                "cog": np.full(minutes.size, 90.0),
                "heading": np.full(minutes.size, 90.0),
                "nav_status": np.full(minutes.size, 1),
                "msg_type": np.full(minutes.size, 1),
                "source": np.full(minutes.size, 1),
            }
        )
    columns = {name: np.concatenate([track[name] for track in tracks]) for name in POSITION_SCHEMA.names}
    order = np.lexsort((columns["mmsi"], columns["t"]))
    arrays = [pa.array(columns[name][order], type=POSITION_SCHEMA.field(name).type) for name in POSITION_SCHEMA.names]
    return pa.RecordBatch.from_arrays(arrays, schema=POSITION_SCHEMA)


def outages(last_heard_min):
    return [episode for episode in final(run(region(last_heard_min))) if episode.type == "reception_outage"]


def test_ships_silent_together_are_one_outage():
    [outage] = outages([240] * 6)
    assert outage.alerted
    assert abs(outage.started_ms - (START_MS + 4 * HOUR_MS)) < 5 * MINUTE_MS
    [reason] = outage.reasons
    assert reason.value >= reason.threshold


@pytest.mark.parametrize("left_before", [2, 4])
def test_ships_that_leave_one_by_one_are_none(left_before):
    """The last few fall silent in one window, when fewer than 5 were still heard."""
    staggered = [240 - 10 * (i + 1) for i in range(left_before)]
    assert outages([*staggered, *[240] * (6 - left_before)]) == []
