"""Random numbers with a memory: what wind, current and satellite geometry do is alike from one moment to the next."""

import numpy as np
from numpy.typing import NDArray


def wander(t_s: NDArray[np.float64], memory_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return float64[n] of about unit standard deviation that changes over `memory_s`; straight between its knots."""
    if t_s.size == 0:
        return np.zeros(0)
    knots_s = np.arange(t_s[0] - memory_s, t_s[-1] + 2 * memory_s, memory_s)
    return np.interp(t_s, knots_s, rng.normal(size=knots_s.size))
