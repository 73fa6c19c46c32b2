"""Change: whether a rate differs from an earlier one, by an exact test that knows observation and suppression.

Of n alerts of one cell in both periods together, those of the later are binomial, whatever the cell's rate is
(J. Przyborowski and H. Wilenski, "Homogeneity of results in testing samples from Poisson series", Biometrika 31, 1940):
with p = ρ·E₂ / (E₁ + ρ·E₂), where E are vessel-hours and ρ is the ratio of the rates. Where counts below a limit are
not shown, both were at least that limit, and the binomial is cut to that. Cells are strata: each is compared with
itself, and the sum over cells has the convolution of their distributions, so vessels that are heard elsewhere than
before change nothing. The ends of the interval are those ρ at which a sum as large, or as small, has a chance of 2.5 %.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from maritime.evaluate.intervals import TAIL

LARGEST_LOG: Final = 25.0  # chosen: ratios beyond e^±25 are as good as infinite and zero

FloatArray = npt.NDArray[np.float64]


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
    chances, lowest = _sum_of(strata, least, near)
    observed = sum(stratum.now for stratum in strata) - lowest
    log_near = math.log(near)

    def tails(log_ratio: float) -> tuple[float, float]:
        """Chances of a sum as small, and of one as large, under a ratio."""
        weights = np.log(np.maximum(chances, 1e-300)) + np.arange(chances.size) * (log_ratio - log_near)
        tilted = np.exp(weights - weights.max())
        total = tilted.sum()
        return float(tilted[: observed + 1].sum() / total), float(tilted[observed:].sum() / total)

    low = -math.inf if observed == 0 else _solve(lambda log_ratio: tails(log_ratio)[1] > TAIL)
    high = math.inf if observed == chances.size - 1 else _solve(lambda log_ratio: tails(log_ratio)[0] < TAIL)
    as_small, as_large = tails(0.0)
    return Ratio(near, math.exp(low), math.exp(high), min(1.0, 2 * min(as_small, as_large)))


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


def _sum_of(strata: Sequence[Stratum], least: int, rate_ratio: float) -> tuple[FloatArray, int]:
    """The distribution of the sum of later counts under a ratio, and the sum that its first entry stands for."""
    chances, lowest = np.ones(1), 0
    for stratum in strata:
        n = stratum.before + stratum.now
        odds = math.log(rate_ratio * stratum.hours_now / stratum.hours_before)
        counts = range(least, n - least + 1)
        logs = np.array([-math.lgamma(x + 1) - math.lgamma(n - x + 1) + x * odds for x in counts])
        own = np.exp(logs - logs.max())
        chances, lowest = np.convolve(chances, own / own.sum()), lowest + least
    return chances, lowest


def _solve(beyond: Callable[[float], bool]) -> float:
    """The least logarithm of a ratio that lies beyond, by halving."""
    low, high = -LARGEST_LOG, LARGEST_LOG
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return high
