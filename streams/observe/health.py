"""Health: what a process may be asked, and how it answers."""

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
