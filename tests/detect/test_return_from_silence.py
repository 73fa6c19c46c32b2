"""What a vessel that is heard again tells of its silence: cases by hand among the fleet of tests/detect/fleet.py."""

from functools import cache

import numpy as np
import pytest

from maritime.columns import POSITION_SCHEMA
from maritime.detect.episode import Episode
from maritime.units import HOUR_MS
from tests.detect import fleet

MMSI = 711_000_001
SOUTH_EDGE_DEG = 5.7  # of all that the fleet reports
NM_DEG = fleet.NM_DEG


@cache
def company() -> dict[str, np.ndarray]:
    positions = fleet.fleet(hours=26.0)
    return {name: positions.column(name).to_numpy() for name in POSITION_SCHEMA.names}


def steady(
    from_h: float, to_h: float, lat: float, lon: float, north_kn: float, sog: float | None = None, every_s: int = 60
) -> dict[str, np.ndarray]:
    """Reports of one vessel on a course due north (or south) from a position."""
    t_s = np.arange(from_h * 3600, to_h * 3600, every_s)
    n = len(t_s)
    return {
        "mmsi": np.full(n, MMSI),
        "t": fleet.START_MS + (t_s * 1000).astype(np.int64),
        "lat": lat + north_kn * NM_DEG * (t_s - from_h * 3600) / 3600,
        "lon": np.full(n, lon),
        "sog": np.full(n, abs(north_kn) if sog is None else sog),
        "cog": np.full(n, 0.0 if north_kn >= 0 else 180.0),
        "heading": np.full(n, 0.0 if north_kn >= 0 else 180.0),
        "nav_status": np.full(n, 0),
        "msg_type": np.full(n, 1),
        "source": np.full(n, 1),
    }


def episodes(kind: str, *legs: dict[str, np.ndarray]) -> list[Episode]:
    columns = {name: np.concatenate([part[name] for part in (company(), *legs)]) for name in POSITION_SCHEMA.names}
    told = fleet.final(fleet.run(fleet.batch(columns)))
    return [e for e in told if e.mmsi == MMSI and e.type == kind]


@pytest.mark.parametrize(("hours", "alerted"), [(4, True), (18, False)])
def test_one_that_fell_silent_at_rest_has_sailed_unheard_if_it_came_far_for_the_time(hours, alerted):
    before = steady(0, 3, 6.4, 95.0, 0.0)
    after = steady(3 + hours, 25, 6.4 + 3 * NM_DEG, 95.0, 2.0)
    (silence, *_) = episodes("silence", before, after)
    assert silence.ended_ms - silence.started_ms == pytest.approx(hours * HOUR_MS, abs=HOUR_MS / 30)
    assert silence.alerted == alerted
    assert silence.held_back_by == (None if alerted else "at_rest")


@pytest.mark.parametrize(("north_kn", "state"), [(-12.0, "closed"), (12.0, "retracted")])
def test_beyond_the_edge_one_that_sails_outward_does_not_come_back_one_that_sails_inward_does(north_kn, state):
    start = SOUTH_EDGE_DEG + 30 * NM_DEG  # where it falls silent
    before = steady(0, 4, start + 48 * NM_DEG, 94.9, -12.0)
    after = steady(7, 7.5, start - 36 * NM_DEG, 94.9, north_kn)
    silence = next(e for e in episodes("silence", before, after) if e.ended_ms is not None)
    assert (silence.alerted, silence.state) == (True, state)


def test_a_fast_ferry_that_never_tells_its_speed_is_one_hull():
    ferry = steady(0, 2, 6.0, 95.3, 38.0, every_s=300)
    assert episodes("identity_clash", ferry | {"sog": np.full(len(ferry["t"]), np.nan)}) == []
