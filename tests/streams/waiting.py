"""Waiting for what comes soon, with a bound."""

import time
from collections.abc import Callable

PATIENCE_S = 30.0


def until(true: Callable[[], bool], *do: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Do these in turns until it is true; an assertion fails when it takes too long."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, f"not so within {patience_s:g} s"
        for each in do:
            each()
        if not do:
            time.sleep(0.02)
