"""Tilted: sums of independent counts whose chances are weight(s) · θˢ: exact tails and intervals for θ.

Both the rate of Poisson counts and the ratio of two rates are such a θ, also where small counts are not shown: the
weights of what is not shown are left out, and nothing else changes.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from maritime.evaluate.intervals import TAIL

LARGEST_LOG: Final = 30.0  # chosen: a θ beyond e^±30 is as good as infinite and zero
LEAST_CHANCE: Final = 1e-300

FloatArray = npt.NDArray[np.float64]


class TiltedSum:
    """A sum, by the chances of its parts at one θ: for each part the lowest value and the logarithms of the chances."""

    def __init__(self, parts: Sequence[tuple[int, FloatArray]], at: float) -> None:
        chances = np.ones(1)
        for _, logs in parts:
            own = np.exp(logs - logs.max())
            chances = np.convolve(chances, own / own.sum())
        self._logs = np.log(np.maximum(chances, LEAST_CHANCE))
        self._lowest = sum(lowest for lowest, _ in parts)
        self._at = math.log(at)

    @classmethod
    def of_poisson(cls, hours: Sequence[int], least: int, most: Sequence[int], at: float) -> Self:
        """The sum of Poisson counts of one rate, each from `least` to its `most`; beyond that there is next to none."""
        parts = []
        for observed, top in zip(hours, most, strict=True):
            counts = np.arange(least, top + 1)
            parts.append((least, counts * math.log(at * observed) - _log_factorials(counts)))
        return cls(parts, at)

    def tails(self, observed: int, log_theta: float) -> tuple[float, float]:
        """Chances of a sum as small as observed, and of one as large."""
        logs = self._logs + np.arange(self._logs.size) * (log_theta - self._at)
        tilted = np.exp(logs - logs.max())
        place, total = observed - self._lowest, tilted.sum()
        return float(tilted[: place + 1].sum() / total), float(tilted[place:].sum() / total)

    def interval(self, observed: int, tail: float = TAIL) -> tuple[float, float]:
        """Those θ at which a sum as large, and one as small, has a chance of `tail`; 0 and infinity for none."""
        place = observed - self._lowest
        low, high = 0.0, math.inf
        if place > 0:
            low = _solve(lambda log_theta: self.tails(observed, log_theta)[1] > tail)
        if place < self._logs.size - 1:
            high = _solve(lambda log_theta: self.tails(observed, log_theta)[0] < tail)
        return low, high

    def median_unbiased(self, observed: int) -> float:
        """The middle of those θ at which a sum as large, and one as small, has an even chance.

        Source: K. F. Hirji, A. A. Tsiatis and C. R. Mehta, "Median unbiased estimation for binary data", The American
        Statistician 43 (1989).
        """
        return sum(self.interval(observed, 0.5)) / 2


def _log_factorials(counts: npt.NDArray[np.int64]) -> FloatArray:
    return np.array([math.lgamma(count + 1) for count in counts.tolist()])


def _solve(beyond: Callable[[float], bool]) -> float:
    """The least θ that lies beyond, by halving its logarithm."""
    low, high = -LARGEST_LOG, LARGEST_LOG
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return math.exp(high)
