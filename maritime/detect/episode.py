"""Episode: a behaviour of one hull with a start, maybe an end, and evidence. The engine's output.

One behaviour is one episode that evolves: `open → (updated…) → closed`, or `retracted`. Its id is stable, its
revision counts up. An episode that people should hear of is an alert (`alerted`); one that is not says which rule
held it back (`held_back_by`).
"""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Scalar = float | int | str | bool | None
State = Literal["open", "closed", "retracted"]
Severity = Literal["minor", "moderate", "severe", "extreme"]  # CAP 1.2 §3.2.2.4, without "Unknown"


class Reason(NamedTuple):
    """One named term that made the score: its value against its threshold, in a unit."""

    term: str
    value: Scalar
    threshold: Scalar
    unit: str


@dataclass(frozen=True, slots=True)
class Episode:
    """A behaviour of one hull. Unknown is None; times are ms UTC; positions degrees."""

    episode_id: str  # hex digest of (type, hull, start): the same in every run
    revision: int  # 0 at first sight, +1 with every change told
    type: str  # loitering, silence, landfall, distress_beacon, position_withheld, reception_outage, …
    state: State
    mmsi: int
    hull: str  # "<mmsi 9 digits>-<n>"; n counts the transmitters found behind the MMSI, from 1
    started_ms: int
    ended_ms: int | None
    raised_ms: int | None  # event time (watermark) at which the alert was raised; None = not alerted
    lat: float | None
    lon: float | None
    score: float  # 0–1, the sum of the reasons
    severity: Severity
    confidence: float  # 0–1
    alerted: bool
    held_back_by: str | None  # the rule that kept it from being an alert; None when alerted
    reasons: tuple[Reason, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)  # of alerts and silences; others are told by their reasons
    geometry: dict[str, Any] | None = None  # GeoJSON geometry: Point, LineString, Polygon or GeometryCollection
