"""GeoJSON: a release as a Feature (RFC 7946) for maps, with the moving point of its places (MF-JSON, OGC 19-045r3).

Native fields are flat properties, as tables of attributes in map programs want them. The envelope and its signature
are foreign members (RFC 7946 §6.1). GeoJSON has no marks for handling: they are properties like the others.
"""

from typing import Any, Final

import rfc8785

from maritime.errors import InputError
from maritime.sharing.envelope import Envelope, Place
from maritime.sharing.formats import Format
from maritime.sharing.formats.embedded import bounded, json_of, release_of
from maritime.sharing.release import Release
from maritime.sharing.shapes import shapes_of
from maritime.sharing.wording import area_desc, headline

KNOTS: Final = "KNT"  # UNECE Recommendation 20
DEGREES: Final = "http://qudt.org/vocab/unit/DEG"  # the code of UNECE has two letters, MF-JSON asks for three or a URI


def render(release: Release) -> bytes:
    """The Feature as canonical JSON. Raises InputError for a geometry that RFC 7946 does not allow."""
    envelope = release.envelope
    shapes_of(envelope)
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
    return rfc8785.dumps(feature)


def parse(document: bytes) -> Release:
    """The release that such a Feature carries; its native fields are not read. Raises InputError for anything else."""
    feature = json_of(bounded(document, "GeoJSON"), "the GeoJSON document")
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise InputError("this is no GeoJSON Feature; send one Feature per alert")
    if "envelope" not in feature:
        raise InputError(
            "this GeoJSON Feature carries no envelope; only what was exported as an alert can be read back"
        )
    jws = feature.get("jws")
    if jws is not None and not isinstance(jws, str):
        raise InputError(f"the signature in this GeoJSON is {type(jws).__name__}, not text; send it as it was")
    return release_of(feature["envelope"], jws, "GeoJSON")


FORMAT: Final = Format(render, parse, "application/geo+json", ".geojson")


def _properties(envelope: Envelope) -> dict[str, Any]:
    """One level, no lists: each text or number or boolean; what is absent is left out."""
    assessment, handling, safety = envelope.assessment, envelope.handling, envelope.safety
    vessel = next((each for each in envelope.vessels if each.role == "subject"), None)
    properties = {
        "alert_id": envelope.alert_id,
        "revision": envelope.revision,
        "kind": envelope.kind,
        "status": envelope.status,
        "headline": headline(envelope),
        "area_desc": area_desc(envelope),
        "event_type": envelope.event.type,
        "event_subtype": envelope.event.subtype,
        "event_nature": envelope.event.nature,
        "originator": envelope.originator.org_id,
        "sent": envelope.sent,
        "expires": envelope.expires,
        "observed_start": envelope.observed and envelope.observed.start,
        "observed_end": envelope.observed and envelope.observed.end,
        "severity": assessment and assessment.severity,
        "urgency": assessment and assessment.urgency,
        "certainty": assessment and assessment.certainty,
        "confidence": assessment and assessment.confidence,
        "caveats": "; ".join(assessment.caveats) if assessment else None,
        "distress": safety and safety.distress,
        "beacon": safety and safety.beacon,
        "sar_phase": safety and safety.sar_phase,
        "mmsi": vessel and vessel.mmsi,
        "imo": vessel and vessel.imo,
        "name": vessel and vessel.name,
        "call_sign": vessel and vessel.call_sign,
        "flag": vessel and vessel.flag,
        "ship_type": vessel and vessel.ship_type,
        "length_m": vessel and vessel.length_m,
        "pseudonym": vessel and vessel.pseudonym,
        "position_uncertainty_m": envelope.position_uncertainty_m,
        "tlp": handling.tlp,
        "purpose": " ".join(handling.purpose),
        "rel_to": " ".join(handling.rel_to),
        "onward": handling.onward,
        "personal_data": handling.personal_data,
        "retain_until": handling.retain_until,
    }
    return {name: value for name, value in properties.items() if value is not None and value != ""}


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
