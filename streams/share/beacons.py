"""Beacons: a distress call as the alert that will follow it, so that both are revisions of one."""

from typing import Final

from maritime.alerts.alert import Alert, Detector
from maritime.detect.episode import Reason
from maritime.detect.tell.beacon import NO_DEVICE, confidence_of, safety_of
from maritime.detect.tell.context import episode_id, hull_name
from maritime.times import to_rfc3339
from streams.codec import ToldCall

BEACON: Final = "distress_beacon"


def alert_of(told: ToldCall, maker: Detector) -> Alert:
    """What is known of a beacon at its call. The id is that of its alert where both name the same first report."""
    call = told.call
    hull = hull_name(call.mmsi, 1)
    return Alert(
        alert_id=episode_id(BEACON, hull, call.heard_ms),
        revision=0,
        type=BEACON,
        state="open",
        mmsi=call.mmsi,
        hull=hull,
        started_ms=call.heard_ms,
        ended_ms=None,
        raised_ms=call.heard_ms,
        lat=call.lat,
        lon=call.lon,
        severity="extreme",
        confidence=confidence_of(call.device),
        score=1.0,
        reasons=(Reason("beacon_active", True, True, "1"),),
        evidence={
            "device": call.device or NO_DEVICE,
            "last_report": to_rfc3339(call.heard_ms),
            "source": told.source or None,
            "safety": safety_of(call.device, True),
        },
        detector=maker,
        geometry=None if call.lat is None else {"type": "Point", "coordinates": [call.lon, call.lat]},
    )
