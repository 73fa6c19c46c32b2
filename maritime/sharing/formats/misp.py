"""MISP: an event with objects of MISP's own templates, as its servers and PyMISP read it.

The event's uuid is the alert's id, so that a later revision is a later edit of one event (`timestamp`). Objects are
`cap-alert` and `cap-info` (what it is, how it may be used), `geolocation` or, for an area, `geojson` (where), and `ais`
or `ais-observation` for a vessel with an MMSI or IMO number; a vessel known by less is a text, its pseudonym
where it has one. The canonical envelope is the attachment `envelope.json`, and its signature the text beside it.
Nothing goes to an intrusion detection system.

A cancel is MISP's way of taking back: the event is no longer published, what is in it but its notice and envelope is
deleted, and `cap-alert` says Cancel. A cancel tells nothing but what it cancels: objects of earlier revisions stay in
the recipient's event until that is removed. `distribution` is never wider than both TLP and onward sharing allow: the
recipient's organisation, unless the originator permits passing on what is green or clear.
"""

import base64
from collections.abc import Iterable
from typing import Any, Final

from maritime.sharing.canonical import canonical, in_text
from maritime.sharing.envelope import CapSeverity, Envelope, Handling, Place, Tlp, Vessel
from maritime.sharing.formats.cap import references, scope
from maritime.sharing.formats.format import Format, to_json
from maritime.sharing.formats.ids import derived, revision_name
from maritime.sharing.formats.summary import summary, terms
from maritime.sharing.release import Release
from maritime.sharing.shapes import circle_around
from maritime.sharing.untrusted import Carried, at_most_one, attached, read_json
from maritime.sharing.wording import headline, is_distress
from maritime.times import from_rfc3339

Thing = dict[str, Any]  # an event, object or attribute of MISP

ENVELOPE_FILE: Final = "envelope.json"
JWS_COMMENT: Final = f"detached JWS (RFC 7515) over {ENVELOPE_FILE}"
INHERIT: Final = "5"  # distribution as the event's
OWN_ORGANISATION: Final = "0"
WIDER: Final[dict[Tlp, str]] = {"TLP:CLEAR": "3", "TLP:GREEN": "1"}  # all communities; this community
THREAT_LEVELS: Final[dict[CapSeverity, str]] = {"Extreme": "1", "Severe": "1", "Moderate": "2", "Minor": "3"}
THREAT_UNDEFINED: Final = "4"
ANALYSED: Final = {"confirmed": "1", "dismissed": "2", "resolved": "2"}  # ongoing, completed; otherwise 0, initial

# github.com/MISP/misp-objects: uuid, version and meta-category of each template
TEMPLATES: Final = {
    "ais": ("ef90551a-ff34-472c-9fba-c272c4435baa", "4", "marine"),
    "ais-observation": ("7aef2fc4-6d89-4293-94f2-f2010b7e3ad0", "2", "marine"),
    "cap-alert": ("03b107bb-133d-4180-87ff-e3dbe731f828", "1", "misc"),
    "cap-info": ("826c25e6-fdd5-4e4a-b081-be5ba3ac2c3d", "1", "misc"),
    "geojson": ("b6d67c8b-8d8c-4231-8830-7a159e5195e5", "1", "file"),
    "geolocation": ("cd6f2238-ba55-4888-82c4-104e6e1acf21", "8", "misc"),
}
TYPES: Final = {  # of the templates' attributes; the others are text
    "accuracy-radius": "float",
    "attachment": "attachment",
    "expires": "datetime",
    "first-seen": "datetime",
    "last-seen": "datetime",
    "latitude": "float",
    "longitude": "float",
    "onset": "datetime",
    "sent": "datetime",
}
CATEGORIES: Final = {"attachment": "External analysis"}  # MISP's default of the type; the others have Other
CORRELATED: Final = frozenset({"MMSI", "IMO-number", "name", "call-sign"})  # what one event has in common with another


def render(release: Release) -> bytes:
    """A release as a MISP event."""
    envelope, timestamp = release.envelope, _timestamp(release.envelope.sent)
    cancelled = envelope.kind == "cancel"
    review = envelope.assessment and envelope.assessment.review
    told, texts = [*_where(envelope), *_vessel_objects(envelope)], list(_vessel_texts(envelope))
    if cancelled:
        told, texts = [_deleted(each) for each in told], [_deleted(each) for each in texts]
    event: Thing = {
        "uuid": envelope.alert_id,
        "info": headline(envelope),
        "date": (envelope.observed.start if envelope.observed else envelope.sent)[:10],
        "timestamp": timestamp,
        "publish_timestamp": timestamp,
        "published": not cancelled,
        "analysis": "2" if cancelled else ANALYSED.get(review.state if review else "", "0"),
        "threat_level_id": _threat_level(envelope),
        "distribution": _distribution(envelope.handling),
        "Orgc": {
            "uuid": derived("org", envelope.originator.org_id),
            "name": envelope.originator.name or envelope.originator.org_id,
        },
        "Tag": [{"name": name} for name in _tags(envelope)],
        "Attribute": [_dated(each, timestamp) for each in (*_attributes(release), *texts)],
        "Object": [_dated(each, timestamp) for each in (_cap_alert(envelope), _cap_info(envelope), *told)],
    }
    return to_json({"Event": event})


def carried(whole: Any) -> Carried | None:
    """What an event carries in its attachment `envelope.json`; None when it is none."""
    event = whole.get("Event") if isinstance(whole, dict) else None
    attributes = event.get("Attribute") if isinstance(event, dict) else None
    if not isinstance(attributes, list):
        return None
    attributes = [each for each in attributes if isinstance(each, dict)]
    files = [each for each in attributes if (each.get("type"), each.get("value")) == ("attachment", ENVELOPE_FILE)]
    signatures = [each.get("value") for each in attributes if each.get("comment") == JWS_COMMENT]
    content = attached([each.get("data") for each in files], ENVELOPE_FILE)
    return Carried.embedded(content, at_most_one(signatures, JWS_COMMENT))


def _attributes(release: Release) -> Iterable[Thing]:
    """The canonical envelope and its signature. They keep their uuids over the revisions, and so replace each other."""
    alert_id = release.envelope.alert_id
    yield _attribute(derived(alert_id, ENVELOPE_FILE), "attachment", ENVELOPE_FILE) | {
        "data": base64.b64encode(release.envelope.canonical()).decode(),
        "comment": "the shared envelope, canonical JSON (RFC 8785)",
    }
    if release.jws is not None:
        yield _attribute(derived(alert_id, "jws"), "text", release.jws) | {"comment": JWS_COMMENT}


def _cap_alert(envelope: Envelope) -> Thing:
    return _object(
        envelope,
        "cap-alert",
        {
            "identifier": revision_name(envelope.alert_id, envelope.revision),
            "sender": envelope.originator.org_id,
            "sent": envelope.sent,
            "status": envelope.status.capitalize(),
            "msgType": envelope.kind.capitalize(),
            "scope": scope(envelope.handling),
            "restriction": terms(envelope.handling),
            "references": " ".join(references(envelope)) or None,
            "incident": envelope.context_id,
        },
    )


def _cap_info(envelope: Envelope) -> Thing:
    assessment, observed = envelope.assessment, envelope.observed
    return _object(
        envelope,
        "cap-info",
        {
            "category": "Rescue" if is_distress(envelope) else "Other",
            "event": envelope.event.type,
            "headline": headline(envelope),
            "description": summary(envelope),
            "severity": assessment and assessment.severity,
            "urgency": assessment and assessment.urgency,
            "certainty": assessment and assessment.certainty,
            "onset": observed and observed.start,
            "expires": envelope.expires,
            "senderName": envelope.originator.name,
            "contact": envelope.originator.contact,
            "language": "en",
        },
    )


def _where(envelope: Envelope) -> Iterable[Thing]:
    geometry = envelope.to_dict().get("geometry")
    circle = circle_around(envelope.shapes().outline(), envelope.position_uncertainty_m)
    if circle:
        radius_km = None if circle.radius_m is None else circle.radius_m / 1000
        stated = {"latitude": circle.lat, "longitude": circle.lon, "accuracy-radius": radius_km}
        yield _object(envelope, "geolocation", stated | {"text": envelope.area_desc})
    if geometry and geometry["type"] != "Point":
        content = base64.b64encode(canonical(geometry)).decode()
        yield _object(envelope, "geojson", {"attachment": "geometry.geojson"}, {"attachment": content})
    for i, place in enumerate(envelope.places):
        yield _place(envelope, i, place)


def _place(envelope: Envelope, i: int, place: Place) -> Thing:
    stated = {
        "latitude": place.lat,
        "longitude": place.lon,
        "first-seen": place.at,
        "last-seen": place.at,
        "text": place.role.replace("_", " "),
    }
    return _object(envelope, "geolocation", stated, number=i + 1)


def _vessel_objects(envelope: Envelope) -> Iterable[Thing]:
    for i, vessel in enumerate(envelope.vessels):
        if vessel.mmsi or vessel.imo:
            stated = {
                "MMSI": vessel.mmsi and f"{vessel.mmsi:09d}",
                "IMO-number": vessel.imo and str(vessel.imo),
                "name": vessel.name,
                "call-sign": vessel.call_sign,
            }
            if vessel.mmsi and vessel.ship_type is not None:  # which ais-observation does not have
                stated["type-of-ship"] = str(vessel.ship_type)
            made = _object(envelope, "ais" if vessel.mmsi else "ais-observation", stated, number=i)
            yield made | {"comment": _in_words(vessel)}


def _vessel_texts(envelope: Envelope) -> Iterable[Thing]:
    for i, vessel in enumerate(envelope.vessels):
        if not (vessel.mmsi or vessel.imo):
            made = _attribute(derived(envelope.alert_id, "vessel", i), "text", vessel.pseudonym or _in_words(vessel))
            yield made | {"comment": _in_words(vessel), "disable_correlation": vessel.pseudonym is None}


def _in_words(vessel: Vessel) -> str:
    named = {
        "pseudonym": vessel.pseudonym,
        "name": vessel.name,
        "call sign": vessel.call_sign,
        "flag": vessel.flag,
        "ship type": vessel.ship_type,
        "length, m": vessel.length_m,
    }
    return "; ".join(
        [f"vessel: {vessel.role}", *(f"{name}: {in_text(each)}" for name, each in named.items() if each is not None)]
    )


def _tags(envelope: Envelope) -> Iterable[str]:
    """Machine tags of MISP's taxonomies (github.com/MISP/misp-taxonomies): tlp, admiralty-scale, exercise."""
    yield envelope.handling.tlp.lower()
    assessment = envelope.assessment
    if assessment and assessment.source_reliability:
        yield f'admiralty-scale:source-reliability="{assessment.source_reliability.lower()}"'
    if assessment and assessment.information_credibility:
        yield f'admiralty-scale:information-credibility="{assessment.information_credibility}"'
    if envelope.status == "exercise":
        yield "exercise:generic"


def _threat_level(envelope: Envelope) -> str:
    assessment = envelope.assessment
    return THREAT_LEVELS.get(assessment.severity, THREAT_UNDEFINED) if assessment else THREAT_UNDEFINED


def _distribution(handling: Handling) -> str:
    return WIDER.get(handling.tlp, OWN_ORGANISATION) if handling.onward == "permitted" else OWN_ORGANISATION


def _object(
    envelope: Envelope, name: str, stated: Thing, attached: dict[str, str] | None = None, number: int = 0
) -> Thing:
    """An object of a template. Its uuid and those of its attributes are the same over the revisions of an alert."""
    template_uuid, version, meta_category = TEMPLATES[name]
    own = derived(envelope.alert_id, name, number)
    attributes = []
    for relation, value in stated.items():
        text = None if value is None else in_text(value).strip()
        if text:
            made = _attribute(derived(own, relation), TYPES.get(relation, "text"), text)
            made |= {"object_relation": relation, "disable_correlation": relation not in CORRELATED}
            attributes.append(made | ({"data": attached[relation]} if attached and relation in attached else {}))
    return {
        "uuid": own,
        "name": name,
        "meta-category": meta_category,
        "template_uuid": template_uuid,
        "template_version": version,
        "distribution": INHERIT,
        "Attribute": attributes,
    }


def _attribute(uuid: str, kind: str, value: str) -> Thing:
    return {
        "uuid": uuid,
        "type": kind,
        "category": CATEGORIES.get(kind, "Other"),
        "value": value,
        "to_ids": False,
        "distribution": INHERIT,
        "disable_correlation": True,
    }


def _deleted(made: Thing) -> Thing:
    """An object or attribute as MISP takes it back: it is kept, marked, so that this too reaches other servers."""
    return _with(made, {"deleted": True})


def _dated(made: Thing, timestamp: str) -> Thing:
    """With the time of the revision: a later one replaces the same object or attribute of an earlier one."""
    return _with(made, {"timestamp": timestamp})


def _with(made: Thing, added: Thing) -> Thing:
    inner = {"Attribute": [each | added for each in made["Attribute"]]} if "Attribute" in made else {}
    return made | added | inner


def _timestamp(text: str) -> str:
    return str(from_rfc3339(text) // 1000)


FORMAT: Final = Format("MISP event", render, read_json, carried, "application/json", ".misp.json")
