"""What a report finds in alerts and vessel-hours."""

import pytest

from maritime.reports.build import Scope, findings
from maritime.reports.chains import chains
from maritime.reports.disclosure import FOR_PARTNERS, FOR_THE_HOUSE
from maritime.reports.grid import Box, Grid
from maritime.reports.periods import period_of, whole_periods
from maritime.times import from_rfc3339
from maritime.units import HOUR_MS
from tests.reports.world import PLACES, told

GRID = Grid(1.0)
MARCH, APRIL = whole_periods(from_rfc3339("2026-03-01"), from_rfc3339("2026-05-01"), "month")


def alerts(n, place="a", when="2026-04-10", first=0, **changes):
    start_ms = from_rfc3339(when)
    return [told(first + i, place=PLACES[place], start_ms=start_ms + i, **changes) for i in range(n)]


def found(world, hours, *, limits=FOR_THE_HOUSE, periods=(APRIL,), area=None):
    exposure = {(period, GRID.cell(*PLACES[place])): n for (period, place), n in hours.items()}
    return findings(world, exposure, Scope("month", periods, GRID, limits, area))


def change(before, now, hours_before, hours_now, limits=FOR_THE_HOUSE):
    """The finding for one cell against the month before."""
    world = alerts(before, when="2026-03-10") + alerts(now, first=10_000)
    hours = {(MARCH, "a"): hours_before, (APRIL, "a"): hours_now}
    [trend] = found(world, hours, limits=limits).trends
    return trend.changes.previous


@pytest.mark.parametrize("limits", [FOR_THE_HOUSE, FOR_PARTNERS])
def test_a_change_of_reception_alone_gives_no_evidence_of_change(limits):
    made = change(60, 30, 20_000, 10_000, limits)
    assert made.finding == "no evidence of change"
    assert made.ratio == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("limits", [FOR_THE_HOUSE, FOR_PARTNERS])
def test_a_change_of_behaviour_is_found_though_reception_hides_it(limits):
    assert change(60, 60, 20_000, 8_000, limits).finding == "up"
    assert change(60, 25, 10_000, 20_000, limits).finding == "down"


def test_there_is_no_finding_where_the_intervals_of_the_rates_overlap():
    """24 and 42 in the same hours: p is 0.036, but 15.4 to 35.7 and 30.3 to 56.8 overlap."""
    made = change(24, 42, 1_000, 1_000)
    assert made.adjusted_p < 0.05
    assert made.finding == "no evidence of change"


def test_many_cells_do_not_cry_change():
    """One of two hundred cells with 1 before and 8 now (p is 0.039 alone)."""
    assert change(1, 8, 1_000, 1_000).adjusted_p == pytest.approx(0.0391, rel=0.01)
    grid = Grid(1.0)
    cells = [(lat + 0.5, lon + 0.5) for lat in range(10) for lon in range(20)]
    world = [
        told(i * 100 + j, place=place, start_ms=from_rfc3339(f"2026-0{month}-10"))
        for i, place in enumerate(cells)
        for month, n, first in ((3, 1, 0), (4, 8 if i == 0 else 1, 20))
        for j in range(first, first + n)
    ]
    exposure = {(period, grid.cell(*place)): 1_000 for period in (MARCH, APRIL) for place in cells}
    cells_found = findings(world, exposure, Scope("month", [APRIL], grid, FOR_THE_HOUSE)).cells
    assert {cell.changes.previous.finding for cell in cells_found} == {"no evidence of change"}


def test_a_period_in_which_nothing_was_heard_is_not_compared():
    [trend] = found(alerts(9), {(APRIL, "a"): 500}).trends
    assert trend.changes.previous.finding == "not compared"
    assert (trend.count, trend.vessel_hours, trend.rate.per_1000_vessel_hours) == (9, 500, 18.0)


def test_ratios_and_shares_on_fewer_than_five_are_left_out():
    assert change(4, 40, 1_000, 1_000).ratio is None
    assert change(5, 40, 1_000, 1_000).ratio == 8.0
    world = [*alerts(3, verdict="confirmed"), *alerts(1, first=50, verdict="dismissed")]
    [few] = found(world, {(APRIL, "a"): 10}).verdicts
    assert (few.confirmed, few.dismissed, few.share_confirmed, few.interval) == (3, 1, None, None)
    [enough] = found([*world, *alerts(1, first=90, verdict="confirmed")], {(APRIL, "a"): 10}).verdicts
    assert enough.share_confirmed == 0.8


def test_a_rate_has_garwoods_interval():
    """5 alerts in 1,000 vessel-hours: 1.62 to 11.67 (half the χ² quantiles of 10 and 12)."""
    [trend] = found(alerts(5), {(APRIL, "a"): 1_000}).trends
    assert (trend.rate.interval.low, trend.rate.interval.high) == (1.623, 11.67)


def test_a_partner_s_rate_allows_for_what_it_does_not_see():
    """Of 40 cells in which 5 are expected those that are shown have more; their rate is still near 5."""
    import numpy as np

    random = np.random.default_rng(3)
    cells = [(lat + 0.5, lon + 0.5) for lat in range(8) for lon in range(20)]
    world, number = [], 0
    for place in cells:
        for _ in range(random.poisson(5)):
            number += 1
            world.append(told(number, place=place, start_ms=from_rfc3339("2026-04-10")))
    exposure = {(APRIL, GRID.cell(*place)): 1_000 for place in cells}
    [trend] = findings(world, exposure, Scope("month", [APRIL], GRID, FOR_PARTNERS)).trends
    assert trend.count / trend.vessel_hours > 0.0062
    assert trend.rate.per_1000_vessel_hours == pytest.approx(5.0, abs=0.6)
    assert trend.rate.interval.low < 5 < trend.rate.interval.high


def test_a_cell_with_far_more_than_the_others_is_hot():
    world = alerts(40) + alerts(4, "b", first=100) + alerts(5, "c", first=200)
    hours = {(APRIL, place): 5_000 for place in "abc"}
    assert [cell.hot for cell in found(world, hours).cells] == [True, False, False]
    hours[APRIL, "a"] = 60_000
    assert [cell.hot for cell in found(world, hours).cells] == [False, False, False]


def test_flows_lead_from_cell_to_cell_and_small_ones_are_left_out():
    world = [
        *alerts(6, next_place=PLACES["b"]),
        *alerts(3, first=50, next_place=PLACES["c"]),
        *alerts(4, first=80, next_place=(8.6, 97.6)),
    ]
    hours = {(APRIL, "a"): 100}
    whole = found(world, hours).flows
    assert [(flow.destination.west, flow.count) for flow in whole] == [(98.0, 6), (99.0, 3)]
    assert [flow.count for flow in found(world, hours, limits=FOR_PARTNERS).flows] == [6]


def test_chains_are_one_vessel_s_near_in_time_and_place():
    def of(vessel, *steps):
        return [
            told(
                vessel * 10 + i,
                type=kind,
                start_ms=from_rfc3339("2026-04-10") + round(hour * HOUR_MS),
                place=place,
                linked_by=str(vessel),
                vessel=str(vessel),
            )
            for i, (kind, hour, place) in enumerate(steps)
        ]

    dark, landing = ("dark_period", 0, (8.5, 97.5)), ("unusual_landing", 10, (8.9, 98.2))
    world = [
        *of(1, dark, landing),
        *of(2, dark, ("dark_period", 3, (8.5, 97.5)), landing),  # twice in a row is one step
        *of(3, dark, ("unusual_landing", 60, (8.9, 98.2))),  # too late
        *of(4, dark, ("unusual_landing", 10, (15.0, 98.2))),  # too far
        *of(5, dark, ("unusual_landing", 0, (8.9, 98.2))),  # order not known
    ]
    assert [chain.steps for chain in chains(world)] == [
        ("dark_period", "unusual_landing"),
        ("dark_period", "unusual_landing"),
        ("dark_period + unusual_landing",),
    ]
    assert chains([*world[:1], told(99, type="unusual_landing")]) == []


def test_latency_is_told_of_five_or_more():
    world = [told(i, latency_min=i, start_ms=from_rfc3339("2026-04-10")) for i in range(20)]
    [latency] = found(world, {}).latency
    assert (latency.median_min, latency.p95_min) == (9, 18)
    assert found(world[:4], {}).latency == []


def test_an_area_takes_the_cells_whose_middle_lies_in_it():
    world = alerts(2) + alerts(3, "b", first=50)
    hours = {(APRIL, "a"): 10, (APRIL, "b"): 20, (APRIL, "far"): 40}
    cut = found(world, hours, area=Box(8.0, 97.9, 9.0, 98.6).contains)
    assert [(trend.count, trend.vessel_hours) for trend in cut.trends] == [(3, 20)]
    across = Box(-30.0, 160.0, 0.0, -160.0)
    assert found([*world, *alerts(1, "far", first=90)], hours, area=across.contains).trends[0].vessel_hours == 40


def test_periods_are_whole_and_have_those_before():
    january = period_of(from_rfc3339("2024-01-31"), "month")
    assert [period.label for period in (january, january.previous(), january.last_year())] == [
        "2024-01",
        "2023-12",
        "2023-01",
    ]
    leap = period_of(from_rfc3339("2024-02-29"), "day")
    assert leap.last_year() is None
    assert leap.next().label == "2024-03-01"
    week = period_of(from_rfc3339("2021-01-03"), "week")
    assert (week.label, week.last_year()) == ("2020-W53", None)
    assert week.next().last_year().label == "2020-W01"
    between = whole_periods(from_rfc3339("2026-01-02"), from_rfc3339("2026-03-31"), "month")
    assert [period.label for period in between] == ["2026-02"]
