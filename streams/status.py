"""Status: what the ingester says of itself and its sources each second, in every partition, even when nothing comes.

It is told in wall time and never moves event time: a source that is cut makes no vessel dark.
"""

from dataclasses import dataclass
from typing import Final

LIVE, IDLE, STALE, ENDED = "live", "idle", "stale", "ended"
STATES: Final = (LIVE, IDLE, STALE, ENDED)
"""Reports come; none of late, so nobody waits for it; none for so long that people are told; it came to its end."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source of the ingester."""

    name: str
    state: str  # one of STATES
    last_ms: int | None  # wall time of its newest report; None = none since the ingester began
    reports: int  # since the ingester began
    rejects: int


@dataclass(frozen=True, slots=True)
class Status:
    """The ingester at one moment."""

    wall_ms: int
    watermark_ms: int | None  # event time that it has reached; None = no report yet
    sources: tuple[SourceStatus, ...]
