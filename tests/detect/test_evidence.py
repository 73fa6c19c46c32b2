"""What every alert says besides its reasons: history, own reception, where a silent vessel can have been."""

import numpy as np
import pyarrow as pa
import pytest
from numba import njit

from maritime.columns import STATIC_SCHEMA
from maritime.detect.heartbeat import HeartbeatMaker
from maritime.detect.kernels.events import CLOSED, LOITERING, OPEN, RETRACTED, SILENCE, tell
from maritime.detect.prior import PRIORS
from maritime.detect.settings import DetectSettings
from maritime.geo.geodesy import distance_m
from maritime.times import FAR, from_rfc3339
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS, NM_M
from tests.detect.fleet import START_MS, _cut, _joined, _later, _track, batch, final, new_engine
from tests.detect.walk import new_events, new_hull

DARK = 311_000_001


def told(*tracks, statics=()):
    """Episodes of some tracks among sixteen ships that are heard all the time."""
    rng = np.random.default_rng(1)
    others = [
        _track(rng, 211_000_001 + k, 18, 5.4 + 0.12 * k, 94.5, 90, 9 + k % 5, turns_h=4 + k % 3) for k in range(16)
    ]
    positions = batch(_joined(*others, *tracks))
    engine, maker = new_engine(), HeartbeatMaker(DetectSettings().time)
    engine.feed(positions, pa.RecordBatch.from_pylist(list(statics), schema=STATIC_SCHEMA))
    episodes = engine.advance(maker.feed(positions)) + engine.advance(maker.finish())
    return [e for e in episodes if e.mmsi == DARK]


def silences(episodes):
    return [e for e in final(episodes) if e.type == "silence" and e.alerted]


def sailing(seed=7, lat=6.1, lon=94.6, hours=18, turns_h=None):
    return _track(np.random.default_rng(seed), DARK, hours, lat, lon, 90, 8, turns_h=turns_h)


def test_a_dark_period_names_the_ports_in_reach_and_draws_where_it_can_have_been():
    episodes = told(_cut(sailing(), 4, 10))
    opened = next(e for e in episodes if e.type == "silence" and e.state == "open")
    (closed,) = silences(episodes)
    for episode in (opened, closed):
        evidence = episode.evidence
        assert len(evidence["reachable_ports"]) <= 5
        assert all(port["way_nm"] <= evidence["reach_nm"] for port in evidence["reachable_ports"])
    ways = [port["way_nm"] for port in closed.evidence["reachable_ports"]]
    assert closed.evidence["reachable_ports"][0]["port"].startswith("Sabang")
    assert ways == sorted(ways)
    hours = closed.evidence["hours"]
    assert closed.evidence["reach_nm"] == pytest.approx(1.3 * closed.evidence["last_sog_kn"] * hours, rel=0.01)
    line, area = closed.geometry["geometries"]
    assert line["type"] == "LineString"
    (here, there), ring = line["coordinates"], area["coordinates"][0]
    assert ring[0] == ring[-1]
    for lon, lat in ring:
        way_m = distance_m(lat, lon, here[1], here[0]) + distance_m(lat, lon, there[1], there[0])
        assert way_m / NM_M == pytest.approx(closed.evidence["reach_nm"], rel=0.01)
    assert from_rfc3339(closed.evidence["reappeared_at"]) == closed.ended_ms


@pytest.mark.parametrize(("what", "seen"), [("NEW NAME", True), ("OLD NAME", False)])
def test_a_change_of_identity_in_the_dark_is_told(what, seen):
    statics = [
        {"mmsi": DARK, "t": START_MS, "name": "OLD NAME", "ship_type": 70},
        {"mmsi": DARK, "t": START_MS + 8 * HOUR_MS, "name": what, "ship_type": 70},
    ]
    (closed,) = silences(told(_cut(sailing(), 4, 9), statics=statics))
    assert closed.evidence["identity_change_seen"] is seen
    assert ("identity_changed_at" in closed.evidence) is seen


def test_a_reappearance_that_no_speed_explains_is_an_identity_clash():
    far = _later(sailing(lat=7.0, lon=98.0, hours=9), 7)
    episodes = told(_cut(sailing(), 4, 18), far)
    (silence,) = [e for e in final(episodes) if e.type == "silence" and e.hull.endswith("-1") and e.revision > 0]
    assert (silence.state, silence.held_back_by or silence.reasons[-1].term) == ("retracted", "identity_clash")
    (clash,) = [e for e in final(episodes) if e.type == "identity_clash"]
    assert clash.alerted
    assert clash.hull.endswith("-2")
    assert clash.reasons[0].value > DetectSettings().hulls.reachable_kn


def test_earlier_alerts_of_the_hull_are_counted_and_how_it_is_heard():
    track = _cut(_cut(sailing(lat=6.0, turns_h=6), 2.5, 4.7), 8.5, 10.7)
    first, second = silences(told(track))
    assert (first.evidence["prior_alerts_30d"], first.evidence["prior_alerts_365d"]) == (0, 0)
    assert (second.evidence["prior_alerts_30d"], second.evidence["prior_alerts_365d"]) == (1, 1)
    for episode in (first, second):
        assert from_rfc3339(episode.evidence["first_report"]) == track["t"].min()
        assert episode.evidence["own_reception"] == 1.0
        assert 12 <= episode.evidence["own_reception_windows"] <= 36


@njit
def _tell(events, kind, what, hulls, revision, now_ms, start_ms):
    tell(events, kind, what, hulls[0], revision, 1, now_ms, start_ms, FAR, 0.0, 0.0)


def alert(hulls, kind, what, revision, day):
    """Earlier alerts told with an alert of that day, in 30 and 365 days."""
    events = new_events()
    _tell(events, kind, what, hulls, revision, day * DAY_MS + MINUTE_MS, day * DAY_MS)
    return int(events.rows[0]["prior_30d"]), int(events.rows[0]["prior_365d"])


def test_prior_alerts_are_counted_by_kind_and_age_and_retracted_ones_struck_out():
    hulls, _ = new_hull()
    assert alert(hulls, SILENCE, OPEN, 0, 18_000) == (0, 0)
    assert alert(hulls, SILENCE, CLOSED, 1, 18_000) == (0, 0), "not its own"
    assert alert(hulls, LOITERING, OPEN, 0, 18_001) == (0, 0), "another kind"
    assert alert(hulls, SILENCE, OPEN, 0, 18_010) == (1, 1)
    assert alert(hulls, SILENCE, RETRACTED, 1, 18_010) == (1, 1)
    assert alert(hulls, SILENCE, OPEN, 0, 18_031) == (0, 1), "31 days on; the retracted one is no alert"
    assert alert(hulls, SILENCE, OPEN, 0, 18_400) == (0, 0), "the last was over a year before"
    for day in range(18_401, 18_411):
        alert(hulls, LOITERING, OPEN, 0, day)
    assert alert(hulls, LOITERING, OPEN, 0, 18_411) == (PRIORS, PRIORS), "so many are remembered"
    assert alert(hulls, SILENCE, OPEN, 0, 18_411) == (0, 0)
