"""What is left out of a partner's reports cannot be found out from any number of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.reports.build import Scope, findings
from maritime.reports.disclosure import FOR_PARTNERS, FOR_THE_HOUSE, shown_atoms
from maritime.reports.grid import Box, Cell, Grid
from maritime.reports.periods import whole_periods
from maritime.times import from_rfc3339
from tests.reports.naive_counts import counts
from tests.reports.world import PLACES, told

GRID = Grid(1.0)
JANUARY, APRIL = from_rfc3339("2026-01-01"), from_rfc3339("2026-04-01")
MONTHS = whole_periods(JANUARY, APRIL, "month")
EXPOSURE = {(period, GRID.cell(*place)): 1_000 for period in MONTHS for place in PLACES.values()}
BOXES = [None, Box(8, 97, 9, 98), Box(8, 97, 9, 99), Box(8, 98, 9, 100), Box(8, 97, 10, 100), Box(-21, 170, -20, 171)]
SPANS = [slice(0, 1), slice(1, 2), slice(2, 3), slice(0, 2), slice(1, 3), slice(0, 3)]


def reports(world, boxes=BOXES, spans=SPANS, limits=FOR_PARTNERS):
    """Everything that reports over many areas and times say of a world."""
    scopes = [
        Scope("month", MONTHS[span], GRID, limits, box.contains if box else None) for box in boxes for span in spans
    ]
    return [findings(world, EXPOSURE, scope) for scope in scopes]


ALERTS = st.builds(
    lambda number, kind, place, again, day, vessel, verdict: told(
        number,
        type=kind,
        place=PLACES[place],
        next_place=PLACES[again] if again else None,
        start_ms=JANUARY + day * 86_400_000 + number,
        vessel=str(vessel),
        linked_by=str(vessel),
        verdict=verdict,
    ),
    st.integers(0, 10**6),
    st.sampled_from(["dark_period", "loitering", "unusual_landing"]),
    st.sampled_from(sorted(PLACES)),
    st.sampled_from([None, "a", "b", "far"]),
    st.integers(0, 89),
    st.integers(1, 6),
    st.sampled_from([None, "confirmed", "dismissed"]),
)


def worlds(most=60):
    return st.lists(ALERTS, max_size=most, unique_by=lambda alert: alert.alert_id)


def crowd(n=12):
    """So many alerts, each way, that something is always shown."""
    return [
        told(2_000_000 + i, vessel=str(i % 6), linked_by=str(i % 6), start_ms=JANUARY + 86_400_000 * (i * 5 % 60) + i)
        for i in range(n)
    ]


@given(world=worlds(), box=st.sampled_from(BOXES), span=st.sampled_from(SPANS), whole=st.booleans())
def test_counts_are_those_of_the_slow_twin(world, box, span, whole):
    limits = FOR_THE_HOUSE if whole else FOR_PARTNERS
    [found] = reports(world, [box], [span], limits)
    inside = (
        (lambda lat, lon: True)
        if box is None
        else (lambda lat, lon: bool(box.contains(np.array([lat]), np.array([lon]))[0]))
    )
    expected = counts(world, [p.label for p in MONTHS[span]], 1.0, limits.alerts, limits.vessels, inside)
    assert {(c.type, c.period, (c.south, c.west)): c.count for c in found.cells} == expected
    for trend in found.trends:
        of = [count for (kind, period, _), count in expected.items() if (kind, period) == (trend.type, trend.period)]
        assert trend.count == sum(of)


@settings(max_examples=30)
@given(world=worlds(), other=worlds(30))
def test_what_is_left_out_changes_nothing_in_any_report(world, other):
    """Two worlds with the same shown atoms and any others left out give the same reports: nothing tells them apart."""
    world = world + crowd()
    shown = shown_atoms(world, "month", GRID, FOR_PARTNERS)
    kept = [alert for alerts in shown.values() for alert in alerts]
    left_out = [
        alert
        for atom, alerts in shown_atoms(other, "month", GRID, FOR_THE_HOUSE).items()
        if atom not in shown
        for alert in alerts[:4]
    ]
    boxes, spans = BOXES[::2], SPANS[1::2]
    assert reports(kept, boxes, spans) == reports(kept + left_out, boxes, spans) == reports(world, boxes, spans)


def consistent(worlds_said):
    """Worlds by what all reports together say of them."""
    groups = {}
    for world, said in worlds_said:
        groups.setdefault(said, []).append(world)
    return groups.values()


def recovered(groups):
    """Counts below five that somebody with all reports knows exactly."""
    return [
        (world, i)
        for group in groups
        for world in group
        for i, count in enumerate(world)
        if count < FOR_PARTNERS.alerts and len({other[i] for other in group}) < 2
    ]


def populate(world):
    """Alerts of a row of cells, each of a vessel of its own."""
    numbers = itertools.count(1)
    return [told(next(numbers), place=PLACES[place]) for place, n in zip("abc", world, strict=True) for _ in range(n)]


ALL_WORLDS = list(itertools.product((0, 1, 3, 4, 5, 6), repeat=3))
ROW = [None, *(Box(8, 97 + i, 9, 97 + j) for i in range(3) for j in range(i + 1, 4))]


def test_nobody_with_all_reports_recovers_a_count_that_was_left_out():
    said = ((world, repr(reports(populate(world), ROW, [slice(2, 3)]))) for world in ALL_WORLDS)
    groups = consistent(said)
    assert recovered(groups) == []
    for group in groups:  # every value from none to four is as possible as any other
        for i, count in enumerate(group[0]):
            if count < FOR_PARTNERS.alerts:
                assert {world[i] for world in group} == {0, 1, 3, 4}


@pytest.mark.parametrize("least_total", [0, 5])
def test_the_test_finds_out_a_scheme_that_hides_small_cells_but_not_their_sums(least_total):
    def naive(world):
        said = []
        for i, j in itertools.combinations(range(4), 2):
            total = sum(world[i:j])
            cells = [count if count >= 5 else None for count in world[i:j]]
            said.append((cells, total if total >= least_total else None))
        return repr(said)

    assert recovered(consistent((world, naive(world)) for world in ALL_WORLDS))


def test_six_alerts_of_two_vessels_are_left_out():
    two = [told(i, vessel=str(i % 2)) for i in range(6)]
    three = [told(i, vessel=str(i % 3)) for i in range(6)]
    assert not any(found.cells for found in reports(two))
    assert [cell.count for cell in reports(three, [None], [slice(2, 3)])[0].cells] == [6]


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180, exclude_max=True), size=st.sampled_from([0.25, 1.0, 10.0]))
def test_a_position_lies_in_its_cell(lat, lon, size):
    south, west = Grid(size).cell(lat, lon)
    assert south - 1e-9 <= lat <= south + size
    assert (lon - west + 1e-9) % 360.0 <= size + 1e-9  # just below 180 is -180, where numbers end
    assert isinstance(Grid(size).cell(lat, lon), Cell)
