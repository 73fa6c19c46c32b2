"""How sure a share or a rate is: 95 % intervals for counts."""

import math
from collections.abc import Callable
from typing import Final

Interval = tuple[float, float]

NORMAL_QUANTILE: Final = 1.959963984540054  # Φ⁻¹(0.975)
TAIL: Final = 0.025  # on each side of a 95 % interval


def wilson_interval(hits: int, trials: int) -> Interval | None:
    """Return the 95 % interval of a share of `hits` in `trials`; None without trials.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if trials == 0:
        return None
    z2 = NORMAL_QUANTILE**2
    share = hits / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = NORMAL_QUANTILE / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return (0.0 if hits == 0 else max(0.0, centre - half)), (1.0 if hits == trials else min(1.0, centre + half))


def poisson_interval(count: int) -> Interval:
    """Return the exact 95 % interval of the mean of a Poisson count.

    The ends are the means under which a count this large, or this small, has probability 0.025: F. Garwood, "Fiducial
    limits for the Poisson distribution", Biometrika 28 (1936); they equal half the χ² quantiles of 2k and 2k + 2.
    """
    widest = count + 20 * math.sqrt(count + 1) + 20  # more than twelve standard deviations above the count
    lower = 0.0 if count == 0 else _solve(lambda mean: 1 - poisson_cdf(count - 1, mean) > TAIL, widest)
    return lower, _solve(lambda mean: poisson_cdf(count, mean) < TAIL, widest)


def poisson_cdf(count: int, mean: float) -> float:
    """Return the probability of at most `count` events when `mean` are expected."""
    if mean <= 0:
        return 1.0
    log_terms = [k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(count + 1)]
    largest = max(log_terms)
    return min(1.0, math.exp(largest) * math.fsum(math.exp(term - largest) for term in log_terms))


def _solve(beyond: Callable[[float], bool], widest: float) -> float:
    """The least argument in [0, widest] that lies beyond, by halving."""
    low, high = 0.0, widest
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return high
