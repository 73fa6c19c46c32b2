"""Reception outages: a case for each sentence of the definition, and random feeds against tests/naive_reception.py."""

import math
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from maritime.columns import POSITION_SCHEMA
from maritime.detect.episode import Episode
from maritime.detect.outage import OutageSettings
from maritime.detect.settings import DetectSettings
from maritime.units import HOUR_MS, MINUTE_MS
from tests.detect.fleet import START_MS, final
from tests.detect.fleet import run as run_fleet
from tests.detect.sea import EAST, HERE, WEST, company, minutes, mmsis, of, told, unheard, vessel
from tests.naive_reception import MINUTE, WINDOW, Ears, Report, RoundingDecides, feeds

SHIP = 311_000_001
ELSEWHERE = (1.5, 3.5)


def during(begin_min: float, end_min: float, source: int | None = None):  # type: ignore[no-untyped-def]
    return lambda r: begin_min <= minutes(r.t) < end_min and source in (None, r.source)


def notices(episodes: list[Episode]) -> list[Episode]:
    return [e for e in episodes if e.type == "reception_outage"]


def silences(episodes: list[Episode]) -> list[Episode]:
    """Each silence as it stands at the end."""
    return list({e.episode_id: e for e in episodes if e.type == "silence"}.values())


def test_one_notice_for_a_whole_source_and_no_dark_period():
    everyone = unheard(company(9, n=10), during(240, 360))
    episodes = told(everyone)
    first, last = notices(episodes)
    assert (first.state, first.hull, minutes(first.raised_ms)) == ("open", "source-north", 260)
    assert first.started_ms == max(r.t for r in everyone if minutes(r.t) < 240)
    assert (last.state, last.episode_id) == ("closed", first.episode_id)
    assert last.ended_ms == min(r.t for r in everyone if minutes(r.t) >= 360)
    assert first.evidence["vessels_fallen_silent"] >= 10
    assert len(silences(episodes)) == 10
    assert not any(s.alerted for s in silences(episodes))
    held = [s.held_back_by for s in silences(episodes)]
    assert held.count("reception_outage") >= 5
    assert set(held) <= {"reception_outage", "leaving_area_heard"}


def test_a_region_of_a_degree_falls_silent_while_its_source_hears_others():
    near, others = company(9, n=10, apart_deg=0.05), company(9, n=16, middle=ELSEWHERE)
    others = [r._replace(mmsi=r.mmsi + 10_000_000) for r in others]
    episodes = told(unheard(near, during(240, 360)) + others)
    first, last = notices(episodes)
    assert first.hull.startswith("region-")
    assert (first.lat, first.lon) == HERE
    assert (minutes(first.raised_ms), last.state) == (260, "closed")
    assert not any(s.alerted for s in silences(episodes))


def test_a_feed_that_stops_for_good_is_told_of_once_and_darkens_nobody():
    gone, others = company(5, n=8, source=2), company(14, n=10, middle=ELSEWHERE)
    others = [r._replace(mmsi=r.mmsi + 10_000_000) for r in others]
    episodes = told(gone + others)
    (notice,) = notices(episodes)
    assert (notice.state, notice.hull, notice.ended_ms) == ("open", "source-south", None)
    assert not any(s.alerted for s in silences(episodes))
    assert len(silences(episodes)) == 8


def test_a_silence_that_an_outage_falls_into_is_no_alert_but_one_told_of_before_stays():
    others = unheard(company(9, n=10), during(240, 300))
    own = vessel(SHIP, (220.0, 8.0, EAST, 120.0), (200.0, 2.0, EAST, 0.0), (110.0, 8.0, WEST, 120.0), start=(1.5, 8.1))
    (silence,) = silences(of(SHIP, told(others + own)))
    assert (silence.alerted, silence.held_back_by) == (False, "reception_outage")
    earlier = [r for r in own if not 150 <= minutes(r.t) < 220]
    (silence,) = silences(of(SHIP, told(others + earlier)))
    assert (silence.alerted, silence.state, minutes(silence.started_ms)) == (True, "closed", 148)


def test_what_moved_during_an_outage_is_not_raised_when_it_reappears():
    """It switched off at rest, long before; it may have sailed while nobody could hear it."""
    near_shore = (1.5, 9.45)
    others = unheard(company(9, n=10, middle=near_shore), during(360, 420))
    legs = (120.0, 8.0, EAST, 120.0), (60.0, 0.1, EAST, 120.0), (270.0, 3.0, EAST, 0.0), (80.0, 8.0, WEST, 120.0)
    own = vessel(SHIP, *legs, start=(1.5, 9.05))
    (silence,) = silences(of(SHIP, told(others + own)))
    assert (silence.alerted, silence.held_back_by) == (False, "at_rest")
    assert silence.evidence["outage_meanwhile"] is True
    (silence,) = silences(of(SHIP, told(company(9, n=10, middle=near_shore) + own)))
    assert silence.alerted


def test_a_single_quiet_window_is_no_outage():
    others = unheard(company(9, n=10), during(240, 250))
    own = vessel(SHIP, (220.0, 8.0, EAST, 120.0), (200.0, 2.0, EAST, 0.0), (110.0, 8.0, WEST, 120.0), start=(1.5, 8.1))
    episodes = told(others + own)
    assert notices(episodes) == []
    first, *_ = of(SHIP, episodes)
    assert (first.alerted, minutes(first.raised_ms)) == (True, 278)


def test_it_lasts_until_half_of_the_usual_number_is_heard():
    everyone = unheard(company(9, n=10), during(240, 360))
    few = {mmsis()[k] for k in range(3)}
    slowly = unheard(everyone, lambda r: minutes(r.t) < 400 and minutes(r.t) > 300 and r.mmsi not in few)
    *_, last = notices(told(slowly))
    assert last.ended_ms == min(r.t for r in slowly if minutes(r.t) >= 400)


def test_fewer_than_five_usual_vessels_show_nothing():
    assert notices(told(unheard(company(9, n=3), during(240, 360)))) == []


def test_vessels_that_leave_one_by_one_are_no_outage():
    leaving = unheard(company(9, n=10), lambda r: minutes(r.t) > 240 + 20 * mmsis().index(r.mmsi))
    assert notices(told(leaving + vessel(SHIP, (540.0, 5.0, EAST, 120.0), start=(1.5, 8.1)))) == []


def test_a_satellite_is_never_steady_for_an_hour():
    everyone = [r for r in company(14, n=10) if minutes(r.t) % 95 < 15]
    assert notices(told(everyone)) == []


def test_an_hour_of_steady_reception_is_needed():
    for steady_min, told_of in ((50, 0), (60, 1)):
        begins = [r for r in company(5, n=10) if minutes(r.t) >= 100]
        stops = unheard(begins, during(100 + steady_min, 100 + steady_min + 60))
        first_ever = vessel(SHIP, (20.0, 5.0, EAST, 120.0))
        assert len({e.episode_id for e in notices(told(first_ever + stops))}) == told_of


def test_while_its_source_is_out_a_region_counts_as_out_without_a_notice_of_its_own():
    """The ship is heard by another receiver; where it fell silent, everybody did."""
    others = unheard(company(9, n=10, apart_deg=0.05), during(240, 360))
    own = vessel(SHIP, (236.0, 2.0, EAST, 120.0), (250.0, 2.0, EAST, 0.0), (50.0, 2.0, EAST, 120.0), source=2)
    episodes = told(others + own)
    assert {e.hull for e in notices(episodes)} == {"source-north"}
    (silence,) = silences(of(SHIP, episodes))
    assert (silence.alerted, silence.held_back_by) == (False, "reception_outage")


def test_a_receiver_that_moves_away_darkens_nobody():
    """A busy lane, heard 18 nm each way by a patrol that goes along it at 40 kn."""
    lane = company(6, n=50, apart_deg=0.04)

    def out_of_range(r: Report) -> bool:
        receiver = HERE[1] - 1.2 + 40.0 / 60.0 * minutes(r.t) / 60.0
        return abs(r.lon - receiver) > 0.3

    left_behind = silences(told(unheard(lane, out_of_range)))
    assert len(left_behind) >= 25
    assert not any(s.alerted for s in left_behind)
    assert max(s.evidence["reception"] for s in left_behind if s.held_back_by == "expected_silence") < 0.5


@pytest.mark.parametrize("apart_deg", [0.05, 0.06, 0.07])
def test_nor_does_one_that_moves_as_slowly_as_a_ship(apart_deg):
    """A patrol at 15 kn that hears 24 nm each way: an hour later somebody is still heard ahead, nobody close by."""
    lane = company(12, n=24, apart_deg=apart_deg)

    def out_of_range(r: Report) -> bool:
        receiver = HERE[1] - 1.3 + 15.0 / 60.0 * minutes(r.t) / 60.0
        return abs(r.lon - receiver) > 0.4

    left_behind = silences(told(unheard(lane, out_of_range)))
    assert len(left_behind) >= 15
    assert not any(s.alerted for s in left_behind)


def convoy(n: int, until_min: float) -> list[Report]:
    """Vessels in each other's sight that sail east from one region into the next at minute 200 or so."""
    ships = [
        vessel(mmsi, (until_min, 10.0, EAST, 60.0), start=(1.4 + k / 100, 8.45), after_min=k / 10)
        for k, mmsi in enumerate(mmsis()[:n])
    ]
    return [r for ship in ships for r in ship]


def test_a_convoy_that_sails_on_into_the_next_region_is_no_outage():
    assert notices(told(convoy(8, 360))) == []
    (gone,) = notices(told([*convoy(8, 180), *company(6, n=3, middle=(1.5, 4.0))]))
    assert gone.evidence["vessels_fallen_silent"] == 8


def test_nor_in_busy_waters_where_a_sketch_shows_many_by_chance():
    """Sixty others around fill two thirds of the sketch, which then cannot show that they sailed on."""
    others = company(6, n=60, middle=(1.5, 9.5), apart_deg=0.01)
    silenced = [r._replace(mmsi=r.mmsi + 50_000_000) for r in convoy(8, 180)]
    (gone,) = notices(told([*silenced, *others, *company(6, n=3, middle=(1.5, 4.0))]))
    assert (gone.evidence["vessels_fallen_silent"], gone.evidence["source"]) == (8, None)


def test_disabled_nothing_is_told_and_nothing_held_back_by_it():
    off = DetectSettings(outage=OutageSettings(enabled=False))
    episodes = told(unheard(company(9, n=10), during(240, 360)), off)
    assert notices(episodes) == []
    assert {s.held_back_by for s in silences(episodes)} == {"expected_silence", "leaving_area_heard"}
    assert not any(s.alerted for s in silences(episodes))


def region(last_heard_min):
    """Ships at anchor in one region, heard until some minute each, and one ship far off that is always heard."""
    tracks = []
    for i, until_min in enumerate([*last_heard_min, 6 * 60]):
        heard_min = np.arange(0, until_min, 2)
        far = i == len(last_heard_min)
        tracks.append(
            {
                "mmsi": np.full(heard_min.size, 366_000_001 + i),
                "t": START_MS + heard_min * MINUTE_MS + i * 1000,
                "lat": np.full(heard_min.size, (40.3 if far else 6.3) + i / 100),
                "lon": np.full(heard_min.size, 95.3),
                "sog": np.full(heard_min.size, 0.1),
                "cog": np.full(heard_min.size, 90.0),
                "heading": np.full(heard_min.size, 90.0),
                "nav_status": np.full(heard_min.size, 1),
                "msg_type": np.full(heard_min.size, 1),
                "source": np.full(heard_min.size, 1),
            }
        )
    columns = {name: np.concatenate([track[name] for track in tracks]) for name in POSITION_SCHEMA.names}
    order = np.lexsort((columns["mmsi"], columns["t"]))
    arrays = [pa.array(columns[name][order], type=POSITION_SCHEMA.field(name).type) for name in POSITION_SCHEMA.names]
    return pa.RecordBatch.from_arrays(arrays, schema=POSITION_SCHEMA)


def outages(last_heard_min):
    return [episode for episode in final(run_fleet(region(last_heard_min))) if episode.type == "reception_outage"]


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


class Plan(NamedTuple):
    vessels: tuple[int, int]
    apart_deg: float
    second_source: int
    loss_period: int
    cuts: list[tuple[int, int, int]]  # which of the groups, minute, minutes


PLANS = st.builds(
    Plan,
    st.tuples(st.integers(2, 12), st.integers(1, 12)),
    st.sampled_from([0.03, 0.1]),
    st.sampled_from([1, 2]),
    st.sampled_from([0, 3, 5]),
    st.lists(st.tuples(st.sampled_from([0, 0, 1]), st.integers(50, 420), st.integers(5, 150)), min_size=1, max_size=3),
)


def sail(plan: Plan) -> list[Report]:
    groups = [
        company(9, n=plan.vessels[0], apart_deg=plan.apart_deg),
        [
            r._replace(mmsi=r.mmsi + 10_000_000)
            for r in company(
                9, n=plan.vessels[1], middle=(1.5, 7.0), apart_deg=plan.apart_deg, source=plan.second_source
            )
        ],
    ]
    for k, begin, length in plan.cuts:
        groups[k] = unheard(groups[k], during(begin, begin + length))
    reports = [r for group in groups for r in group]
    return [r for r in reports if not plan.loss_period or (r.t // MINUTE + r.mmsi) % plan.loss_period]


@settings(max_examples=50, derandomize=True, database=None, phases=[Phase.generate])
@given(plan=PLANS)
def test_random_feeds_against_the_twin(plan):
    reports = sail(plan)
    try:
        wanted = feeds(Ears(reports), max(r.t for r in reports) // WINDOW - 1).notices()
    except RoundingDecides:
        return
    found = list({e.episode_id: e for e in notices(told(reports))}.values())
    raised = {}
    for e in notices(told(reports)):
        raised.setdefault(e.episode_id, e.raised_ms)
    assert sorted(
        (isinstance(o.where, tuple), o.start, o.raised, o.end or math.inf, o.silenced) for o in wanted
    ) == sorted(
        (
            e.hull.startswith("region"),
            e.started_ms,
            raised[e.episode_id],
            e.ended_ms or math.inf,
            e.evidence["vessels_fallen_silent"],
        )
        for e in found
    )
    assert sorted(o.usual for o in wanted) == pytest.approx(
        sorted(e.evidence["usual_vessels_in_ten_minutes"] for e in found), abs=0.051
    )
