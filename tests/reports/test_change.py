"""Changes of a rate: exact, blind to reception, and not misled by what is left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.reports.change import Stratum, holm, ratio
from tests.reports import naive_change

HOURS = st.integers(1, 50)


def strata(least):
    counts = st.integers(least, least + 4)
    return st.lists(st.builds(Stratum, counts, HOURS, counts, HOURS), min_size=1, max_size=3)


@pytest.mark.parametrize("least", [0, 5])
@given(data=st.data())
@settings(max_examples=30)
def test_p_and_interval_are_those_of_all_tables(least, data):
    cells = data.draw(strata(least))
    found = ratio(cells, least)
    if found is None:
        assert all(cell.before + cell.now == 0 for cell in cells)
        return
    as_small, as_large = naive_change.tails(cells, least, 1)
    assert found.p == pytest.approx(min(1.0, float(2 * min(as_small, as_large))), rel=1e-6)
    if found.low > 1e-6:
        assert float(naive_change.tails(cells, least, found.low)[1]) == pytest.approx(0.025, rel=1e-3)
    if found.high < 1e6:
        assert float(naive_change.tails(cells, least, found.high)[0]) == pytest.approx(0.025, rel=1e-3)


def test_one_cell_in_which_nothing_is_left_out_is_the_binomial_test_of_przyborowski_and_wilenski():
    """11 of 14 in half of the hours: P(X ≥ 11), X binomial (14, 1/2), is 470 / 16384."""
    found = ratio([Stratum(3, 100, 11, 100)], 0)
    assert found.p == pytest.approx(2 * 470 / 16384)
    assert found.estimate == pytest.approx(11 / 3)


def test_nothing_before_has_no_upper_end_and_nothing_now_no_lower_one():
    assert ratio([Stratum(0, 10, 4, 10)], 0).high == np.inf
    assert ratio([Stratum(4, 10, 0, 10)], 0).low == 0.0
    assert ratio([Stratum(0, 10, 0, 10)], 0) is None


def worlds(least, *, true_ratio, heard, n_cells, per_cell, n_worlds):
    """Findings of worlds in which a share `heard` of the hours, and of the alerts in them, is left."""
    random = np.random.default_rng(20261125)
    found = []
    for _ in range(n_worlds):
        before = random.poisson(per_cell, n_cells)
        now = random.binomial(random.poisson(per_cell * true_ratio, n_cells), heard)
        cells = [
            Stratum(int(b), 1000, int(n), round(1000 * heard))
            for b, n in zip(before, now, strict=True)
            if min(b, n) >= least
        ]
        if cells:
            found.append(ratio(cells, least))
    return found


@pytest.mark.parametrize(("least", "per_cell"), [(0, 3.0), (5, 10.0), (5, 7.0)])
def test_half_of_the_reception_is_no_change(least, per_cell):
    """Also where every second cell falls below what is shown, which those that stay seem to rise by."""
    found = worlds(least, true_ratio=1.0, heard=0.5, n_cells=25, per_cell=per_cell, n_worlds=200)
    assert sum(each.p <= 0.05 for each in found) <= 18  # 5 % of 200, and three standard deviations more
    assert np.median([each.low for each in found]) < 1 < np.median([each.high for each in found])


def test_sums_of_what_is_shown_would_take_it_for_a_change():
    """The test above finds something: without the cut in the binomial the same worlds seem to have changed."""
    naive = []
    random = np.random.default_rng(1)
    for _ in range(100):
        pairs = zip(random.poisson(7.0, 25), random.poisson(3.5, 25), strict=True)
        naive.append(ratio([Stratum(int(b), 1000, int(n), 500) for b, n in pairs if min(b, n) >= 5], 0))
    assert sum(each.p <= 0.05 for each in naive if each) > 30  # eight times as often as it may


@pytest.mark.parametrize("least", [0, 5])
def test_a_change_is_found_whatever_the_reception(least):
    for heard in (1.0, 0.5):
        found = worlds(least, true_ratio=3.0, heard=heard, n_cells=15, per_cell=10.0, n_worlds=40)
        assert sum(each.p <= 0.01 and each.estimate > 1 for each in found) >= 38


def test_reception_that_moves_to_busier_cells_is_no_change():
    """Rates in each cell as before; over both together the rate trebles (E. H. Simpson, 1951)."""
    found = ratio([Stratum(10, 1000, 1, 100), Stratum(10, 100, 100, 1000)], 0)
    assert found.p > 0.9
    assert found.low < 1 < found.high


def test_holm_is_the_example_of_its_definition():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]
