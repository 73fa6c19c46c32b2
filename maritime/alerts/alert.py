"""Alert: an episode told to people, as every file and screen shows it."""

import math
from dataclasses import dataclass
from typing import Any, Final

from maritime.alerts.antimeridian import cut
from maritime.detect.episode import Episode, Reason, Severity, State
from maritime.times import from_rfc3339, to_rfc3339

DECIMALS: Final = 6  # of a degree: 0.11 m on the ground, finer than the 1/10,000 min that AIS transmits
SMALL: Final = 1e-3  # below this a float keeps six significant digits instead: probabilities stay visible

ALERT_TYPE: Final = {"silence": "dark_period", "landfall": "unusual_landing"}
"""What an episode is called once people are told of it, where that is another word."""
EPISODE_TYPE: Final = {alert: episode for episode, alert in ALERT_TYPE.items()}

SEVERITY_WEIGHT: Final[dict[Severity, float]] = {"minor": 0.25, "moderate": 0.5, "severe": 0.75, "extreme": 1.0}
"""Chosen: CAP's four steps at equal distances, for ranking only."""
RANK_HALF_LIFE_H: Final = 24.0  # chosen: an alert a day old ranks like a fresh one of half its weight


@dataclass(frozen=True, slots=True)
class Detector:
    """What made an alert: enough to make it again."""

    name: str
    version: str
    config_sha256: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. Times are ms UTC, positions degrees, unknown is None; `alert_id` is the episode's id."""

    alert_id: str
    revision: int
    type: str
    state: State
    mmsi: int
    hull: str
    started_ms: int
    ended_ms: int | None
    raised_ms: int
    lat: float | None
    lon: float | None
    severity: Severity
    confidence: float
    score: float
    reasons: tuple[Reason, ...]
    evidence: dict[str, Any]
    detector: Detector
    geometry: dict[str, Any] | None

    @classmethod
    def of(cls, episode: Episode, detector: Detector, first_raised_ms: int | None = None) -> "Alert":
        """The alert that an episode is; `first_raised_ms` says when an earlier revision of it was raised.

        Raises ValueError for an episode that was never raised.
        """
        raised_ms = episode.raised_ms if first_raised_ms is None else first_raised_ms
        if raised_ms is None:
            raise ValueError(f"episode {episode.episode_id} was never raised, so it is no alert")
        return cls(
            alert_id=episode.episode_id,
            revision=episode.revision,
            type=ALERT_TYPE.get(episode.type, episode.type),
            state=episode.state,
            mmsi=episode.mmsi,
            hull=episode.hull,
            started_ms=episode.started_ms,
            ended_ms=episode.ended_ms,
            raised_ms=raised_ms,
            lat=episode.lat,
            lon=episode.lon,
            severity=episode.severity,
            confidence=episode.confidence,
            score=episode.score,
            reasons=episode.reasons,
            evidence=episode.evidence,
            detector=detector,
            geometry=cut(episode.geometry) if episode.geometry else None,
        )

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Alert":
        """Read back what `to_dict` wrote; evidence stays as written, its times as text.

        Raises KeyError, TypeError or UsageError when the record is not an alert.
        """
        ended_at = record["ended_at"]
        return cls(
            alert_id=record["alert_id"],
            revision=record["revision"],
            type=record["type"],
            state=record["state"],
            mmsi=record["mmsi"],
            hull=record["hull"],
            started_ms=from_rfc3339(record["started_at"]),
            ended_ms=None if ended_at is None else from_rfc3339(ended_at),
            raised_ms=from_rfc3339(record["raised_at"]),
            lat=record["lat"],
            lon=record["lon"],
            severity=record["severity"],
            confidence=record["confidence"],
            score=record["score"],
            reasons=tuple(Reason(**reason) for reason in record["reasons"]),
            evidence=record["evidence"],
            detector=Detector(**record["detector"]),
            geometry=record["geometry"],
        )

    def to_dict(self) -> dict[str, Any]:
        """The alert as JSON writes it: fixed key order, RFC 3339 times, floats rounded once, unknown null."""
        return {
            "alert_id": self.alert_id,
            "revision": self.revision,
            "type": self.type,
            "state": self.state,
            "mmsi": self.mmsi,
            "hull": self.hull,
            "started_at": to_rfc3339(self.started_ms),
            "ended_at": to_rfc3339(self.ended_ms),
            "raised_at": to_rfc3339(self.raised_ms),
            "lat": rounded(self.lat),
            "lon": rounded(self.lon),
            "severity": self.severity,
            "confidence": rounded(self.confidence),
            "score": rounded(self.score),
            "reasons": [
                {"term": r.term, "value": rounded(r.value), "threshold": rounded(r.threshold), "unit": r.unit}
                for r in self.reasons
            ],
            "evidence": plain(self.evidence),
            "detector": {
                "name": self.detector.name,
                "version": self.detector.version,
                "config_sha256": self.detector.config_sha256,
            },
            "geometry": plain(self.geometry),
        }


def rank(alert: Alert, now_ms: int) -> float:
    """How early to look at an alert, 0–1: severity × confidence × age (halved every day since it was raised)."""
    age_h = max(0, now_ms - alert.raised_ms) / 3_600_000
    return SEVERITY_WEIGHT[alert.severity] * alert.confidence * math.exp2(-age_h / RANK_HALF_LIFE_H)


def plain(value: Any) -> Any:
    """`value` as JSON can say it: numpy scalars and tuples unpacked, floats rounded."""
    kind = type(value)
    if kind is float:
        return rounded(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return rounded(value.item() if hasattr(value, "item") else value)


def rounded(value: Any) -> Any:
    """A float to six decimals (six significant digits when small); NaN and infinity, which JSON lacks, to None."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    if abs(value) < SMALL:
        return float(f"{value:.{DECIMALS}g}") + 0.0
    return round(value, DECIMALS)
