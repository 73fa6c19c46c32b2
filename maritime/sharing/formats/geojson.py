"""GeoJSON: a release as a Feature (RFC 7946) for maps, with the moving point of its places (MF-JSON, OGC 19-045r3).

Native fields are flat properties, as tables of attributes in map programs want them. The envelope and its signature
are foreign members (RFC 7946 §6.1). GeoJSON has no marks for handling: they are properties like the others.
"""

from typing import Any, Final

from maritime.sharing.envelope import Envelope, Place
from maritime.sharing.formats.format import Format, to_json
from maritime.sharing.formats.summary import told_at
from maritime.sharing.release import Release
from maritime.sharing.untrusted import Carried, read_json
from maritime.sharing.wording import headline

KNOTS: Final = "KNT"  # UNECE Recommendation 20
DEGREES: Final = "http://qudt.org/vocab/unit/DEG"  # the code of UNECE has two letters, MF-JSON asks for three or a URI

PROPERTIES: Final = {
    "alert_id": "alert_id",
    "revision": "revision",
    "kind": "kind",
    "status": "status",
    "area_desc": "area_desc",
    "event_type": "event.type",
    "event_subtype": "event.subtype",
    "event_nature": "event.nature",
    "originator": "originator.org_id",
    "sent": "sent",
    "expires": "expires",
    "observed_start": "observed.start",
    "observed_end": "observed.end",
    "severity": "assessment.severity",
    "urgency": "assessment.urgency",
    "certainty": "assessment.certainty",
    "confidence": "assessment.confidence",
    "caveats": "assessment.caveats",
    "distress": "safety.distress",
    "beacon": "safety.beacon",
    "sar_phase": "safety.sar_phase",
    "mmsi": "vessel.mmsi",
    "imo": "vessel.imo",
    "name": "vessel.name",
    "call_sign": "vessel.call_sign",
    "flag": "vessel.flag",
    "ship_type": "vessel.ship_type",
    "length_m": "vessel.length_m",
    "pseudonym": "vessel.pseudonym",
    "position_uncertainty_m": "position_uncertainty_m",
    "tlp": "handling.tlp",
    "purpose": "handling.purpose",
    "rel_to": "handling.rel_to",
    "onward": "handling.onward",
    "personal_data": "handling.personal_data",
    "retain_until": "handling.retain_until",
}
"""Properties by the fields of the envelope that they repeat; the vessel is the first subject."""


def render(release: Release) -> bytes:
    """The Feature as canonical JSON."""
    envelope = release.envelope
    record = envelope.to_dict()
    feature: dict[str, Any] = {
        "type": "Feature",
        "id": envelope.alert_id,
        "geometry": record.get("geometry"),
        "properties": _properties(envelope),
        **_movement(envelope.places),
        "envelope": record,
    }
    if release.jws is not None:
        feature["jws"] = release.jws
    return to_json(feature)


def carried(feature: Any) -> Carried | None:
    """What a Feature carries in its members `envelope` and `jws`; None when it is none."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return None
    return Carried.of(feature.get("envelope"), feature.get("jws"))


FORMAT: Final = Format("GeoJSON Feature", render, read_json, carried, "application/geo+json", ".geojson")


def _properties(envelope: Envelope) -> dict[str, Any]:
    """One level, no lists: each text or number or boolean; what is absent is left out."""
    record = envelope.to_dict()
    record["vessel"] = next((each for each in record.get("vessels", []) if each["role"] == "subject"), None)
    told = {name: told_at(record, path) for name, path in PROPERTIES.items()}
    return {"headline": headline(envelope), **{name: value for name, value in told.items() if value not in (None, "")}}


def _movement(places: list[Place]) -> dict[str, Any]:
    """The track: the places with a time, one per instant and in order of time. Nothing when there are fewer than two.

    Nothing is known between them (`Discrete`): least of all where a vessel was that was not heard.
    """
    at = {place.at.replace(".000+", "+"): place for place in reversed(places) if place.at is not None}
    if len(at) < 2:  # MF-JSON Prism: a movement has two instants or more
        return {}
    datetimes = sorted(at)  # all in UTC and of one form; "+" sorts before "."
    track = [at[datetime] for datetime in datetimes]
    measures = {
        name: {"type": "Measure", "form": form, "values": values, "interpolation": "Discrete"}
        for name, form, values in (
            ("sog_kn", KNOTS, [place.sog_kn for place in track]),
            ("cog_deg", DEGREES, [place.cog_deg for place in track]),
        )
        if any(value is not None for value in values)
    }
    movement: dict[str, Any] = {
        "temporalGeometry": {
            "type": "MovingPoint",
            "datetimes": datetimes,
            "coordinates": [[place.lon, place.lat] for place in track],
            "interpolation": "Discrete",
        }
    }
    return {**movement, "temporalProperties": [{"datetimes": datetimes, **measures}]} if measures else movement
