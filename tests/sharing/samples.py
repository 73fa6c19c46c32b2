"""Envelopes of every type of alert, as the originator's own full view and as a coarsened copy."""

from typing import Any, Final, get_args

from maritime.alerts.schema import AlertType
from maritime.sharing.envelope import Envelope

JWS: Final = "eyJhbGciOiJFZDI1NTE5IiwiYjY0IjpmYWxzZX0..c2lnbmF0dXJl"
"""Of the form of a signature; no key made it."""
TYPES: Final = get_args(AlertType)
NATURES: Final = {"distress_beacon": "distress", "feed_stale": "sensor", "reception_outage": "sensor"}
AREA: Final = {
    "type": "Polygon",
    "coordinates": [[[98.0, 8.5], [98.5, 8.5], [98.5, 9.0], [98.0, 9.0], [98.0, 8.5]]],
}


def full(alert_type: str = "unusual_landing", **changes: Any) -> Envelope:
    """The originator's own view; `changes` replace whole top-level fields."""
    sensor = NATURES.get(alert_type) == "sensor"
    distress = alert_type == "distress_beacon"
    here = {"type": "Point", "coordinates": [98.254947, 8.79967]}
    track = {"type": "LineString", "coordinates": [[98.1, 8.7], [98.254947, 8.79967]]}
    geometry = {"type": "GeometryCollection", "geometries": [track, AREA]} if alert_type == "dark_period" else here
    record: dict[str, Any] = {
        "alert_id": "4e423363-002e-410f-8563-edd7cb220a22",
        "revision": 2,
        "kind": "update",
        "status": "actual",
        "references": ["4e423363-002e-410f-8563-edd7cb220a22@1@2026-03-14T20:45:00+00:00"],
        "context_id": "0b7a9f4e-51a3-4d0e-9d57-6f1b4fd3a111",
        "originator": {
            "org_id": "nmc.example",
            "name": "National Maritime Centre",
            "country": "TH",
            "contact": "watch@nmc.example",
        },
        "sent": "2026-03-14T21:00:00+00:00",
        "expires": "2026-03-17T21:00:00+00:00",
        "observed": {"start": "2026-03-14T20:23:14.772+00:00", "end": "2026-03-14T20:42:59.560+00:00"},
        "event": {
            "type": alert_type,
            "subtype": "inferred" if alert_type == "unusual_landing" else None,
            "nature": NATURES.get(alert_type, "behaviour"),
            "headline": f"{alert_type.replace('_', ' ').capitalize()} near 8.800° N 98.255° E",
        },
        "assessment": {
            "severity": "Extreme" if distress else "Severe",
            "urgency": "Immediate" if distress else "Past",
            "certainty": "Likely",
            "confidence": 0.95,
            "source_reliability": "B",
            "information_credibility": 2,
            "explanation": [
                {"feature": "place", "value": 50.0, "threshold": 3.0, "unit": "km"},
                {"feature": "beacon_active", "value": True, "threshold": True, "unit": "1"},
                {"feature": "watch_zone", "value": "Ko Ra <north> & south", "threshold": None, "unit": "name"},
            ],
            "detector": {"name": "maritime-watch", "version": "0.1.0", "config_sha256": "ab" * 32},
            "review": {"state": "confirmed", "role": "duty officer", "at": "2026-03-14T20:58:00+00:00"},
            "caveats": ["position from AIS alone"],
        },
        "vessels": []
        if sensor
        else [
            {
                "mmsi": 567801002,
                "imo": 9074729,
                "name": "CHAO LE 2",
                "call_sign": "HSB1234",
                "flag": "TH",
                "ship_type": 37,
                "length_m": 12.0,
                "role": "subject",
            },
            {"mmsi": 567000999, "role": "other"},
        ],
        "geometry": None if sensor else geometry,
        "places": []
        if sensor
        else [
            {"role": "last_report", "at": "2026-03-14T20:23:14.772+00:00", "lat": 8.7, "lon": 98.1, "sog_kn": 25.9},
            {"role": "stop", "at": "2026-03-14T20:42:59.560+00:00", "lat": 8.79967, "lon": 98.254947, "cog_deg": 71.3},
        ],
        "position_uncertainty_m": None if sensor else 30.0,
        "area_desc": None if sensor else "around 8.800° N 98.255° E",
        "safety": {"distress": True, "beacon": "EPIRB-AIS", "sar_phase": "distress"} if distress else None,
        "handling": {
            "tlp": "TLP:AMBER",
            "purpose": ["maritime_safety", "border_surveillance"],
            "rel_to": ["fusion-centre", "rescue-centre"],
            "onward": "with_consent",
            "personal_data": not sensor,
            "retain_until": "2026-09-10T21:00:00+00:00",
            "policy": {"name": "national-centre", "version": "3"},
        },
        "evidence": [
            {"name": "hours", "value": 0.329, "unit": "h"},
            {"name": "source", "value": "coast-7", "unit": None},
            {"name": "modes", "value": ["slow", "adrift"], "unit": None},
            {"name": "place", "value": "Ban Thung Dap, ]]> beach", "unit": None},
        ],
        "feedback": {"ack_required": True, "topic": "feedback.fusion-centre"},
    }
    return Envelope.model_validate(record | changes)


def coarse(alert_type: str = "loitering") -> Envelope:
    """What a partner gets that may know little: a pseudonym, a cell, rounded times."""
    return full(
        alert_type,
        revision=0,
        kind="alert",
        references=[],
        originator={"org_id": "nmc.example"},
        observed={"start": "2026-03-14T18:00:00+00:00", "end": "2026-03-15T00:00:00+00:00"},
        event={"type": alert_type, "nature": "behaviour", "headline": "Loitering near 8.75° N 98.25° E"},
        assessment={"severity": "Moderate", "urgency": "Past", "certainty": "Possible"},
        vessels=[{"pseudonym": "k3v9qzt2mw7xr4ah", "ship_type": 30, "role": "subject"}],
        geometry=AREA,
        places=[],
        position_uncertainty_m=39_000.0,
        area_desc="around 8.75° N 98.25° E",
        evidence=[{"name": "hours", "value": 6.0, "unit": "h"}],
        feedback=None,
    )


def cancel() -> Envelope:
    """A cancel: nothing but what the recipient already has."""
    whole = full("dark_period")
    return Envelope.model_validate(
        {
            "alert_id": whole.alert_id,
            "revision": 3,
            "kind": "cancel",
            "status": "actual",
            "references": [f"{whole.alert_id}@2@{whole.sent}"],
            "originator": {"org_id": "nmc.example"},
            "sent": "2026-03-15T06:00:00+00:00",
            "event": {"type": "dark_period", "nature": "behaviour"},
            "handling": {"tlp": "TLP:AMBER", "purpose": ["maritime_safety"], "rel_to": ["fusion-centre"]},
        }
    )


def changed(envelope: Envelope, **parts: Any) -> Envelope:
    """The envelope with parts replaced; fields of a part one by one, as `handling={"tlp": …}`."""
    record = envelope.to_dict()
    for name, value in parts.items():
        record[name] = {**record[name], **value} if isinstance(record.get(name), dict) else value
    return Envelope.model_validate(record)


def named(envelope: Envelope) -> str:
    """What a test of a sample is called."""
    return f"{envelope.event.type}-{envelope.kind}-{envelope.revision}"


EVERY: Final = [*(full(each) for each in TYPES), coarse(), cancel()]
