"""The exact test of `maritime.reports.change` again, by trying every table of counts; whole fractions throughout."""

from fractions import Fraction
from itertools import product
from math import factorial


def tails(strata, least, rate_ratio):
    """Chance of a sum of later counts as small, and as large, given each cell's total and that both are shown."""
    observed = sum(now for _, _, now, _ in strata)
    weights = {}
    tables = [
        [x for x in range(before + now + 1) if x >= least and before + now - x >= least] for before, _, now, _ in strata
    ]
    for later in product(*tables):
        weight = Fraction(1)
        for x, (before, hours_before, now, hours_now) in zip(later, strata, strict=True):
            earlier = before + now - x  # two Poisson counts with rates in that ratio; what both share cancels
            weight *= Fraction(hours_before) ** earlier * (Fraction(rate_ratio) * hours_now) ** x
            weight /= factorial(earlier) * factorial(x)
        weights[sum(later)] = weights.get(sum(later), 0) + weight
    total = sum(weights.values())
    as_small = sum(weight for value, weight in weights.items() if value <= observed)
    as_large = sum(weight for value, weight in weights.items() if value >= observed)
    return as_small / total, as_large / total
