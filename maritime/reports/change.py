"""Change: whether a rate differs from an earlier one, by an exact test that knows observation and suppression.

Of n alerts of one cell in both periods together, those of the later are binomial, whatever the cell's rate is
(J. Przyborowski and H. Wilenski, "Homogeneity of results in testing samples from Poisson series", Biometrika 31, 1940):
with p = ρ·E₂ / (E₁ + ρ·E₂), where E are vessel-hours and ρ is the ratio of the rates. Where counts below a limit are
not shown, both were at least that limit, and the binomial is cut to that. Cells are strata: each is compared with
itself, and the sum over cells has the convolution of their distributions, so vessels that are heard elsewhere than
before change nothing. The ends of the interval are those ρ at which a sum as large, or as small, has a chance of 2.5 %.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maritime.reports.tilted import FloatArray, TiltedSum


class Stratum(NamedTuple):
    """One cell: alerts and vessel-hours before and now."""

    before: int
    hours_before: int
    now: int
    hours_now: int


class Ratio(NamedTuple):
    """The rate now over that before: the estimate, the 95 % interval and the two-sided p of no change."""

    estimate: float
    low: float
    high: float  # infinite where nothing was before
    p: float


def ratio(strata: Sequence[Stratum], least: int) -> Ratio | None:
    """The common ratio of cells in which both counts are shown if they are at least `least`; None without any alert.

    Every stratum has vessel-hours in both periods, and counts that are shown.
    """
    strata = [stratum for stratum in strata if stratum.before + stratum.now > 0]
    if not strata:
        return None
    near = _mantel_haenszel(strata)
    later = TiltedSum([_later(stratum, least, near) for stratum in strata], near)
    observed = sum(stratum.now for stratum in strata)
    as_small, as_large = later.tails(observed, 0.0)
    return Ratio(near, *later.interval(observed), p=min(1.0, 2 * min(as_small, as_large)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p of several tests, adjusted so that one false change among all of them has a chance of 5 % at most.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian J. of Statistics 6 (1979).
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        largest = max(largest, min(1.0, p_values[i] * (len(p_values) - place)))
        adjusted[i] = largest
    return adjusted


def _mantel_haenszel(strata: Sequence[Stratum]) -> float:
    """The estimate of the common ratio (Rothman and Greenland, "Modern Epidemiology", ch. 15); none is a half."""
    now = sum(s.now * s.hours_before / (s.hours_before + s.hours_now) for s in strata)
    before = sum(s.before * s.hours_now / (s.hours_before + s.hours_now) for s in strata)
    if now == 0 or before == 0:
        half = sum(s.hours_before for s in strata) / sum(s.hours_before + s.hours_now for s in strata) / 2
        now, before = now + half, before + 0.5 - half
    return now / before


def _later(stratum: Stratum, least: int, rate_ratio: float) -> tuple[int, FloatArray]:
    """Chances of the later count of a cell under a ratio, as logarithms, from the least on."""
    n = stratum.before + stratum.now
    odds = math.log(rate_ratio * stratum.hours_now / stratum.hours_before)
    counts = range(least, n - least + 1)
    return least, np.array([-math.lgamma(x + 1) - math.lgamma(n - x + 1) + x * odds for x in counts])
