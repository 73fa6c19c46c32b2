"""Backoff: how long to wait before a connection is tried again."""

from random import Random
from typing import Final

FIRST_S: Final = 0.5
LONGEST_S: Final = 60.0  # chosen: a server that comes back is heard again within a minute


class Backoff:
    """Twice as long after each failure, less up to half of it at random, so that many clients do not come at once."""

    def __init__(self, rng: Random, *, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._rng = rng
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0

    def next_s(self) -> float:
        """The wait after one more failure."""
        wait_s = min(self._longest_s, self._first_s * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return wait_s * self._rng.uniform(0.5, 1.0)

    def worked(self) -> None:
        """A connection gave something: begin anew."""
        self._failures = 0
