"""Episodes and alerts made by hand for the tests of the writers."""

from typing import Any

from maritime.alerts.alert import Alert, Detector
from maritime.detect.episode import Episode, Reason

DETECTOR = Detector("maritime-watch", "0.1.0", "ab" * 32)
NOON_MS = 1_577_880_000_000  # 2020-01-01T12:00:00Z


def episode(**changes: Any) -> Episode:
    """A closed dark period of two hours, with some fields changed."""
    fields: dict[str, Any] = {
        "episode_id": "00ff00ff00ff00ff",
        "revision": 1,
        "type": "silence",
        "state": "closed",
        "mmsi": 366_000_001,
        "hull": "366000001-1",
        "started_ms": NOON_MS,
        "ended_ms": NOON_MS + 7_200_000,
        "raised_ms": NOON_MS + 3_660_000,
        "lat": 37.5,
        "lon": -122.75,
        "score": 0.9,
        "severity": "severe",
        "confidence": 0.8,
        "alerted": True,
        "held_back_by": None,
        "reasons": (Reason("silence", 2.0, 1.0, "h"),),
        "evidence": {"last_report": {"at": "2020-01-01T12:00:00Z", "sog_kn": 12.3}},
        "geometry": {"type": "LineString", "coordinates": [[-122.75, 37.5], [-122.5, 37.25]]},
    }
    return Episode(**{**fields, **changes})


def alert(**changes: Any) -> Alert:
    """The alert of `episode(**changes)`."""
    return Alert.of(episode(**changes), DETECTOR)
