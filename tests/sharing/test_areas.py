"""Areas and cells: which rule releases a copy is a function of the cell that the copy tells, whatever the area is."""

from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from shapely.geometry import Polygon, box

from maritime.sharing.cells import cell_of, is_made_of, is_of_whole_cells, is_too_small
from maritime.sharing.decide import Decision, decide
from maritime.sharing.envelope import Envelope
from maritime.sharing.policy import ReleasePolicy
from maritime.times import from_rfc3339
from tests.sharing.policies import ADDRESS, KEY, coarse_rule, partner, policy, rule
from tests.sharing.told import complete

LATER_MS: Final = from_rfc3339("2026-03-19T21:07:11.250Z")
GRIDS: Final = (0.1, 0.3, 0.5, 0.7, 1.0)
SMALLER: Final = {"box": [98.1, 6.6, 98.2, 6.7]}
CUTS: Final = {"box": [97.75, 6.0, 99.25, 8.0]}
WHOLE: Final = {"box": [97.5, 6.0, 99.0, 8.0]}
coordinates = st.floats(-1.5, 1.5, allow_nan=False)
boxes = st.tuples(coordinates, coordinates, st.floats(0.05, 2.5), st.floats(0.05, 2.5)).map(
    lambda b: {"box": [98.25 + b[0], 6.75 + b[1], 98.25 + b[0] + b[2], 6.75 + b[1] + b[3]]}
)
lined = st.tuples(*[st.integers(-30, 30)] * 2, *[st.integers(1, 40)] * 2).map(
    lambda b: {"box": [round(98 + b[0] / 10, 1), round(6 + b[1] / 10, 1), *_far(b)]}
)
rings = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=5).map(
    lambda corners: {"ring": [(98.25 + lon, 6.75 + lat) for lon, lat in corners]}
)
areas = st.one_of(boxes, lined, rings.filter(lambda area: Polygon(area["ring"]).is_valid))


def _far(b: tuple[int, ...]) -> list[float]:
    return [round(98 + (b[0] + b[2]) / 10, 1), round(6 + (b[1] + b[3]) / 10, 1)]


def ask(by: ReleasePolicy, lat: float, lon: float) -> Decision:
    record = complete("loitering")
    record["places"] = [{"role": "stop", "at": record["observed"]["start"], "lat": lat, "lon": lon}]
    record["geometry"] = {"type": "Point", "coordinates": [lon, lat]}
    return decide(Envelope.model_validate(record), "p", by, address=ADDRESS, now_ms=LATER_MS, pseudonym_key=KEY)


def told(by: ReleasePolicy, lat: float, lon: float) -> tuple[str, str | None, bytes | None]:
    answer = ask(by, lat, lon)
    return answer.code, answer.rule, answer.envelope and answer.envelope.canonical()


@pytest.mark.parametrize(("area", "lat", "lon"), [(CUTS, 6.6, 97.9), (CUTS, 6.6, 99.1)])
def test_a_copy_tells_no_more_than_its_cell_where_an_area_cuts_it(area: dict[str, Any], lat: float, lon: float) -> None:
    by = policy({"p": partner(coarse_rule(area="here"))}, areas={"here": area})
    assert ask(by, lat, lon).code == "no_rule"
    assert "not wholly in the area here" in ask(by, lat, lon).steps[-2].said
    assert ask(by, 6.6, 98.1).code == "rule"


def test_an_area_that_no_cell_fits_into_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"rules\.0\.area: no cell of 0\.5° fits into 'here'"):
        policy({"p": partner(coarse_rule(area="here"))}, areas={"here": SMALLER})
    policy({"p": partner(rule(area="here"))}, areas={"here": SMALLER})  # an exact copy tells where it was anyway


def test_what_a_cell_tells_by_the_rule_before_it_is_refused_where_that_cuts_cells() -> None:
    exact, coarser = rule(area="here"), coarse_rule(grid_deg=1.0)
    with pytest.raises(ValidationError, match="lies not in the area 'here'"):
        policy({"p": partner(exact, coarse_rule())}, areas={"here": CUTS})
    policy({"p": partner(exact, coarse_rule())}, areas={"here": WHOLE})
    with pytest.raises(ValidationError, match="lines of a grid of 1°"):
        policy({"p": partner(coarse_rule("first", area="here"), coarser)}, areas={"here": WHOLE})
    policy({"p": partner(exact, coarse_rule(area="off"))}, areas={"here": CUTS, "off": {"box": [100, 6, 102, 8]}})


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # most areas cut cells, and are refused
@given(
    st.lists(st.tuples(areas, st.sampled_from((None, *GRIDS))), min_size=1, max_size=2),
    st.sampled_from(GRIDS),
    st.lists(st.tuples(st.floats(6, 7.5), st.floats(97.5, 99)), min_size=1, max_size=3),
    st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)), min_size=3, max_size=3),
)
def test_to_move_within_the_cell_changes_no_byte_and_no_release(
    first: list[tuple[dict[str, Any], float | None]],
    last_deg: float,
    where: list[tuple[float, float]],
    within: list[tuple[float, float]],
) -> None:
    """Whatever the areas are: a policy is refused, or nobody learns more of a position than the cell that is told."""
    rules = [
        coarse_rule(f"r{i}", area=f"a{i}", grid_deg=deg) if deg else rule(f"r{i}", area=f"a{i}")
        for i, (_, deg) in enumerate(first)
    ]
    try:
        by = policy(
            {"p": partner(*rules, coarse_rule("last", grid_deg=last_deg))},
            areas={f"a{i}": area for i, (area, _) in enumerate(first)},
        )
    except ValidationError:
        assume(False)
    for lat, lon in where:
        answer = ask(by, lat, lon)
        assert answer.envelope is not None
        generalised = answer.envelope.handling.generalised
        if generalised is None or generalised.grid_deg is None:
            continue
        cell = cell_of(lat, lon, generalised.grid_deg)
        moved = [
            (cell.south + up * (cell.north - cell.south), cell.west + right * (cell.east - cell.west))
            for up, right in within
        ]
        assert {told(by, *each) for each in moved} == {told(by, lat, lon)}


@given(areas, st.sampled_from(GRIDS), st.tuples(st.floats(4, 9), st.floats(96, 101)))
def test_an_area_of_whole_cells_cuts_none_and_one_that_holds_a_cell_is_not_too_small(
    area: dict[str, Any], grid_deg: float, where: tuple[float, float]
) -> None:
    shape = box(*area["box"]) if "box" in area else Polygon(area["ring"])
    cell = cell_of(*where, grid_deg).shape()
    common = shape.intersection(cell.buffer(-1e-6)).area
    if is_of_whole_cells(shape, grid_deg):
        assert common == pytest.approx(0, abs=1e-12) or shape.covers(cell.buffer(-1e-6))
    if shape.covers(cell):
        assert not is_too_small(shape, grid_deg)


def test_grids_that_are_made_of_each_other() -> None:
    assert all(is_made_of(coarse, fine) for coarse, fine in ((1, 0.5), (0.3, 0.1), (0.7, 0.01), (10, 2.5), (0.5, 0.5)))
    assert not any(is_made_of(coarse, fine) for coarse, fine in pairwise((0.5, 0.7, 1, 10)))
    assert is_of_whole_cells(box(-180, 83, 180, 90), 7.0) is False
    assert is_of_whole_cells(box(-180, 78, 180, 90), 7.0)  # the last cell takes what is left
