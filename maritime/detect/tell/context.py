"""What every teller needs: names for the numbers in an event, and the fields that all episodes share."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maritime.detect.episode import Episode, Reason, Severity, State
from maritime.detect.settings import DetectSettings
from maritime.times import FAR, NEVER, to_rfc3339

Event: TypeAlias = Mapping[str, Any]
"""One row of EVENT_DTYPE by column; Python's own numbers, which cost a fraction of numpy's."""

STATES: Final[tuple[State, ...]] = ("open", "open", "closed", "retracted")  # by kernels.events OPEN, UPDATE, …
SEVERITIES: Final[tuple[tuple[float, Severity], ...]] = ((0.9, "extreme"), (0.75, "severe"), (0.6, "moderate"))


@dataclass(frozen=True, slots=True)
class TellContext:
    """Names behind the numbers of an event."""

    settings: DetectSettings
    place_name: Callable[[int], str | None]  # row in the port list → name
    zone_name: Callable[[int], str | None]
    source_name: Callable[[int], str | None]  # None where the receiver is not named
    coastline_id: str
    coastline_error_m: float
    port_lat_deg: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))  # beside the rows of `place_name`
    port_lon_deg: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


def known(value: float, digits: int = 1) -> float | None:
    """A float of an event, rounded; None for NaN."""
    return None if value != value else round(float(value), digits)


def severity_of(score: float) -> Severity:
    """CAP severity of a score."""
    for least, name in SEVERITIES:
        if score >= least:
            return name
    return "minor"


def hull_name(mmsi: int, number: int) -> str:
    """`"123456789-1"`."""
    return f"{mmsi:09d}-{number}"


def _of_the_hull(event: Event) -> dict[str, Any]:
    """What every episode of a hull tells: since when it is known, how it is heard, and its earlier alerts."""
    known_windows = int(event["windows_known"])
    return {
        "first_report": to_rfc3339(int(event["first_t"])),
        "own_reception": round(int(event["windows_heard"]) / known_windows, 3) if known_windows else None,
        "own_reception_windows": known_windows,
        "prior_alerts_30d": int(event["prior_30d"]),
        "prior_alerts_365d": int(event["prior_365d"]),
    }


def episode_id(kind: str, hull: str, start_ms: int) -> str:
    """The id of an episode: the same in every run over the same reports."""
    return hashlib.sha256(f"{kind}|{hull}|{start_ms}".encode()).hexdigest()[:32]


def build(
    event: Event,
    kind: str,
    *,
    score: float,
    confidence: float,
    reasons: Sequence[Reason],
    evidence: dict[str, Any],
    held_back_by: str | None,
    geometry: dict[str, Any] | None = None,
    hull: str | None = None,
    severity: Severity | None = None,
) -> Episode:
    """The episode of an event, with the fields that all share filled from it."""
    hull = hull or hull_name(int(event["mmsi"]), int(event["number"]))
    start_ms = int(event["start_t"])
    lat, lon = known(event["lat"], 6), known(event["lon"], 6)
    alerted = bool(event["alerted"])
    if alerted and event["first_t"] != NEVER:
        evidence = evidence | _of_the_hull(event)
    if not math.isnan(event["clock_off_s"]):
        evidence = evidence | {"source_clock_off_s": known(event["clock_off_s"])}
    score = min(max(score, 0.0), 1.0)
    return Episode(
        episode_id=episode_id(kind, hull, start_ms),
        revision=int(event["revision"]),
        type=kind,
        state=STATES[int(event["what"])],
        mmsi=int(event["mmsi"]),
        hull=hull,
        started_ms=start_ms,
        ended_ms=None if event["end_t"] >= FAR else int(event["end_t"]),
        raised_ms=int(event["told_t"]) if alerted else None,
        lat=lat,
        lon=lon,
        score=round(score, 4),
        severity=severity or severity_of(score),
        confidence=round(min(max(confidence, 0.0), 1.0), 4),
        alerted=alerted,
        held_back_by=None if alerted else held_back_by or "below_threshold",
        reasons=tuple(reasons),
        evidence=evidence,
        geometry=geometry or (None if lat is None else {"type": "Point", "coordinates": [lon, lat]}),
    )
