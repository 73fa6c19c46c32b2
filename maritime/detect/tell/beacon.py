"""Tell distress beacons and withheld positions."""

from typing import Any, Final

import numpy as np

from maritime.detect.episode import Episode, Reason
from maritime.detect.tell.context import Event, TellContext, build, known
from maritime.times import FAR, to_rfc3339
from maritime.units import MINUTE_MS

DEVICES: Final = {970: "AIS-SART", 972: "man overboard", 974: "EPIRB-AIS"}  # ITU-R M.585-9 annex 2

NO_DEVICE: Final = "vessel with navigational status 14"


def confidence_of(device: str | None) -> float:
    """How sure it is that somebody is in distress: a ship may send status 14 by a slip of the keyboard."""
    return 0.95 if device else 0.5


def safety_of(device: str | None, active: bool) -> dict[str, Any]:
    """The evidence that rescuers go by."""
    return {"distress": active, "beacon": device, "sar_phase": "distress" if active else None}


def beacon_episode(event: Event, context: TellContext) -> Episode:
    """The episode of a BEACON event: active is an alert of the highest severity, test is recorded only."""
    active = bool(event["alerted"])
    device = DEVICES.get(int(event["mmsi"]) // 1_000_000)
    return build(
        event,
        "distress_beacon",
        score=1.0 if active else 0.0,
        confidence=confidence_of(device),
        reasons=[Reason("beacon_active", active, True, "1")],
        evidence={
            "device": device or NO_DEVICE,
            "reports": int(event["v"][0]),
            "last_report": to_rfc3339(int(event["v"][1])),
            "source": context.source_name(int(event["source"])),
            "safety": safety_of(device, active),
        },
        held_back_by="test",
        severity="extreme" if active else "minor",
    )


def withheld_episode(event: Event, context: TellContext) -> Episode:
    """The episode of a WITHHELD event: transmitting without a position."""
    settings = context.settings.withheld
    v = event["v"]
    end_ms = int(event["end_t"]) if event["end_t"] < FAR else int(event["told_t"])
    minutes = (end_ms - int(event["start_t"])) / MINUTE_MS
    never = np.isnan(v[1])
    held = (
        "no_position_before" if never else "few_positions_before" if v[2] < settings.positions_before else "too_short"
    )
    return build(
        event,
        "position_withheld",
        score=0.5 + 0.3 * min(minutes / 360.0, 1.0),
        confidence=0.8,
        reasons=[
            Reason("without_position", round(minutes, 1), settings.after_min, "min"),
            Reason("reports", int(v[0]), settings.reports, "reports"),
            Reason("positions_before", int(v[2]), settings.positions_before, "reports"),
        ],
        evidence={
            "reports_without_position": int(v[0]),
            "last_report": to_rfc3339(int(v[4])),
            "last_position_at": None if never else to_rfc3339(int(v[1])),
            "last_sog_kn": known(v[3]),
            "source": context.source_name(int(event["source"])),
        },
        held_back_by=held,
    )
