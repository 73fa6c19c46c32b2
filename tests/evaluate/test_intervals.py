"""Intervals against published tables and against the definition of what they promise."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.evaluate.intervals import poisson_cdf, poisson_interval, wilson_interval

# Garwood (1936), 95 %, as tabulated in Ulm, Am. J. Epidemiol. 131 (1990), and in the usual χ² tables.
GARWOOD = {
    0: (0.0, 3.689),
    1: (0.0253, 5.572),
    2: (0.2422, 7.225),
    5: (1.623, 11.668),
    10: (4.795, 18.390),
    20: (12.217, 30.888),
    50: (37.111, 65.919),
    100: (81.364, 121.627),
}


@pytest.mark.parametrize(("count", "expected"), GARWOOD.items())
def test_poisson_interval_as_published(count, expected):
    assert poisson_interval(count) == pytest.approx(expected, abs=6e-4)


@given(st.integers(1, 400))
def test_poisson_ends_leave_a_fortieth_on_each_side(count):
    low, high = poisson_interval(count)
    assert 1 - poisson_cdf(count - 1, low) == pytest.approx(0.025, abs=1e-6)
    assert poisson_cdf(count, high) == pytest.approx(0.025, abs=1e-6)
    assert low < count < high


def test_poisson_interval_of_a_large_count_is_nearly_normal():
    low, high = poisson_interval(10_000)
    assert low == pytest.approx(10_000 - 1.96 * 100, rel=1e-3)
    assert high == pytest.approx(10_000 + 1.96 * 100, rel=1e-3)


@given(st.integers(0, 40), st.floats(0.01, 60))
def test_poisson_cdf_is_the_sum_of_its_terms(count, mean):
    expected = sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(count + 1))
    assert poisson_cdf(count, mean) == pytest.approx(expected, abs=1e-9)


# Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
@pytest.mark.parametrize(
    ("hits", "trials", "expected"),
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson_interval_as_published(hits, trials, expected):
    assert wilson_interval(hits, trials) == pytest.approx(expected, abs=1e-4)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share_and_mirrors(hits_of):
    hits, trials = hits_of
    low, high = wilson_interval(hits, trials)
    mirrored_low, mirrored_high = wilson_interval(trials - hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    assert (mirrored_low, mirrored_high) == (pytest.approx(1 - high), pytest.approx(1 - low))


def test_no_trials_no_interval():
    assert wilson_interval(0, 0) is None
