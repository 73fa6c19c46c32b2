"""Health: what a process may be asked, and how it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it is so, and why not."""

    is_well: bool
    why_not: tuple[str, ...] = ()

    @classmethod
    def of(cls, *why_not: str | None) -> "Answer":
        """Well when nothing speaks against it."""
        reasons = tuple(reason for reason in why_not if reason)
        return cls(not reasons, reasons)


class Health(Protocol):
    """Is asked from another thread than the one that works."""

    def alive(self) -> Answer:
        """Whether the process works at all; one that does not should be started anew."""

    def ready(self) -> Answer:
        """Whether it does its part now; one that is not may become so by itself."""


class Pulse:
    """Health of a loop that says when it turned, and what is in its way. For loops without a worker of their own.

    Neither a lock nor a thread is needed: each attribute is one value, written by the loop alone.
    """

    def __init__(self, clock: Callable[[], float], silent_s: float = 120.0) -> None:
        self._clock = clock
        self._silent_s = silent_s
        self._turned_s = clock()
        self._not_ready: tuple[str, ...] = ("has not begun",)

    def turned(self, *not_ready: str) -> None:
        """The loop turned once more; `not_ready` says what keeps it from doing its part."""
        self._not_ready = not_ready
        self._turned_s = self._clock()

    def alive(self) -> Answer:
        """Whether the loop turned lately."""
        silent_s = self._clock() - self._turned_s
        return Answer.of(f"nothing was done for {silent_s:.0f} s" if silent_s > self._silent_s else None)

    def ready(self) -> Answer:
        """Whether it turns and nothing is in its way."""
        return Answer.of(*self.alive().why_not, *self._not_ready)
