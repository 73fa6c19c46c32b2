"""STIX 2.1 (OASIS): a bundle with the alert as an `incident`, and what belongs to it.

    identity (originator) ── created_by_ref ── incident ── related-to ── observed-data ── maritime-vessel …
    marking-definition (TLP 2.0, terms) ──────────┘  └──── related-to ── location

The incident's id is `incident--` and the alert's id, so that a later revision is a later version of it (`modified` is
when it was sent) and a cancel revokes it. STIX has no word for a ship, an exercise, or a shared document: our extension
definition, which travels along, adds the object `maritime-vessel` and, to the incident, the words of the alert, the
canonical envelope and its signature. An exercise also says so in name, labels and description.

What STIX cannot say: an area is a point with a precision that covers it; an observation that lasts ends, so far, where
it began. `created` is to be the same in all versions, but an envelope tells only when its own revision was sent: who
knows when the first was gives it to `render`.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid5

import rfc8785

from maritime.sharing.canonical import canonical
from maritime.sharing.envelope import Envelope, Originator, Tlp, Vessel
from maritime.sharing.formats.format import Format, to_json
from maritime.sharing.formats.ids import derived
from maritime.sharing.formats.summary import summary, terms
from maritime.sharing.release import Release
from maritime.sharing.shapes import circle_around
from maritime.sharing.untrusted import Carried, at_most_one, read_json
from maritime.sharing.wording import headline

Thing = dict[str, Any]  # a STIX object, or what becomes one: None is left out

EXTENSION: Final = "extension-definition--768b077f-11fb-4da4-a8b5-f9657c579d94"
AUTHOR: Final = "identity--7304a03e-3b3f-4cf2-a759-11fac65dd019"
UNDATED: Final = "1970-01-01T00:00:00.000Z"  # chosen: created, for what is the same in every bundle and never changes
VESSEL_NAMESPACE: Final = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")  # STIX 2.1 section 2.9: of all observables
IDENTIFYING: Final = ("mmsi", "imo", "name", "call_sign", "pseudonym")  # of a vessel, as STIX's contributing properties

# OASIS, "TLP 2.0 marking definitions" (extension-definition-specifications/tlp-2.0)
TLP_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP_CREATED: Final = "2022-10-01T00:00:00.000Z"
TLP_IDS: Final[dict[Tlp, str]] = {
    "TLP:CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "TLP:GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "TLP:AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "TLP:AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "TLP:RED": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def render(release: Release, first_sent: str | None = None) -> bytes:
    """A release as a STIX bundle; `first_sent` is when the alert's first revision was, written as the envelope does."""
    bundle_id = f"bundle--{derived(release.envelope.alert_id, release.envelope.revision)}"
    return to_json({"type": "bundle", "id": bundle_id, "objects": objects_of(release, first_sent)})


def objects_of(release: Release, first_sent: str | None = None) -> list[Thing]:
    """The objects of a release's bundle; `first_sent` as for `render`."""
    envelope = release.envelope
    markings = [_tlp(envelope.handling.tlp), _terms(terms(envelope.handling))]
    marking_refs = [each["id"] for each in markings]
    originator = _originator(envelope.originator, envelope.sent, marking_refs)
    common = {
        "spec_version": "2.1",
        "created_by_ref": originator["id"],
        "created": _time(first_sent or envelope.sent),
        "modified": _time(envelope.sent),
        "object_marking_refs": marking_refs,
    }
    vessels = _vessels(envelope, marking_refs)
    incident = common | _incident(release, vessels)
    around_it = [common | each for each in (_observation(envelope, vessels), _location(envelope)) if each]
    links = [common | _link(envelope, incident["id"], each["id"]) for each in around_it]
    unique = {each["id"]: each for each in vessels}
    objects = [_author(), _definition(), *markings, originator, incident, *unique.values(), *around_it, *links]
    return [_stated(each) for each in objects]


def carried(bundle: Any) -> Carried | None:
    """What a bundle carries: in our extension of its incident. None when it is none."""
    if not isinstance(bundle, dict) or bundle.get("type") != "bundle" or not isinstance(bundle.get("objects"), list):
        return None
    ours = [_extension(each) for each in bundle["objects"]]
    texts = [each["envelope"] for each in ours if isinstance(each.get("envelope"), str)]
    text = at_most_one(texts, "incidents with an envelope")
    jws = at_most_one([each["jws"] for each in ours if "jws" in each], "signatures")
    return Carried.embedded(None if text is None else text.encode(), jws)


def _extension(thing: Any) -> Thing:
    """Our extension of an incident; empty where there is none."""
    extensions = thing.get("extensions") if isinstance(thing, dict) and thing.get("type") == "incident" else None
    ours = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    return ours if isinstance(ours, dict) else {}


def _incident(release: Release, vessels: list[Thing]) -> Thing:
    envelope, assessment = release.envelope, release.envelope.assessment
    observed, safety = envelope.observed, envelope.safety
    roles = [vessel.role for vessel in envelope.vessels]
    confidence = assessment.confidence if assessment else None
    return {
        "type": "incident",
        "id": f"incident--{envelope.alert_id}",
        "name": headline(envelope),
        "description": summary(envelope),
        "confidence": None if confidence is None else round(confidence * 100),  # STIX 2.1 appendix A: 0 to 100
        "lang": "en",
        "labels": [envelope.event.type.replace("_", "-"), envelope.status, envelope.kind],
        "revoked": True if envelope.kind == "cancel" else None,
        "extensions": {
            EXTENSION: _stated(
                {
                    "extension_type": "property-extension",
                    "alert_type": envelope.event.type,
                    "nature": envelope.event.nature,
                    "kind": envelope.kind,
                    "status": envelope.status,
                    "revision": envelope.revision,
                    "context_id": envelope.context_id,
                    "expires": envelope.expires and _time(envelope.expires),
                    "observed_start": observed and _time(observed.start),
                    "observed_end": observed and observed.end and _time(observed.end),
                    "severity": assessment and assessment.severity,
                    "urgency": assessment and assessment.urgency,
                    "certainty": assessment and assessment.certainty,
                    "source_reliability": assessment and assessment.source_reliability,
                    "information_credibility": assessment and assessment.information_credibility,
                    "distress": safety and safety.distress,
                    "sar_phase": safety and safety.sar_phase,
                    "subject_refs": _refs(vessels, roles, "subject"),
                    "other_refs": _refs(vessels, roles, "other"),
                    "places": envelope.to_dict().get("places"),
                    "envelope": envelope.canonical().decode(),
                    "jws": release.jws,
                }
            )
        },
    }


def _refs(vessels: Sequence[Thing], roles: Sequence[str], role: str) -> list[str]:
    return list(dict.fromkeys(each["id"] for each, its in zip(vessels, roles, strict=True) if its == role))


def _vessels(envelope: Envelope, marking_refs: list[str]) -> list[Thing]:
    """Each as an observable: the same id wherever the same is known of it, as STIX asks of observables."""
    first: dict[bytes, int] = {}  # of those of whom nothing is known that names them, by all that is known
    made = []
    for number, vessel in enumerate(envelope.vessels):
        known = vessel.model_dump(mode="json", exclude_none=True)
        stated = {name: value for name, value in known.items() if name in Vessel.model_fields and name != "role"}
        if "mmsi" in stated:
            stated["mmsi"] = f"{stated['mmsi']:09d}"
        contributing: Thing = {name: stated[name] for name in IDENTIFYING if name in stated}
        if contributing:
            own_id = str(uuid5(VESSEL_NAMESPACE, rfc8785.dumps(contributing).decode()))
        else:
            own_id = derived(envelope.alert_id, "vessel", first.setdefault(canonical(known), number))
        made.append(
            stated
            | {
                "type": "maritime-vessel",
                "spec_version": "2.1",
                "id": f"maritime-vessel--{own_id}",
                "object_marking_refs": marking_refs,
                "extensions": {EXTENSION: {"extension_type": "new-sco"}},
            }
        )
    return made


def _observation(envelope: Envelope, vessels: list[Thing]) -> Thing | None:
    """That the vessels were seen, and when; STIX has none without something seen or without its times."""
    if not vessels or not envelope.observed:
        return None
    return {
        "type": "observed-data",
        "id": f"observed-data--{derived(envelope.alert_id, 'observed-data')}",
        "first_observed": _time(envelope.observed.start),
        "last_observed": _time(envelope.observed.end or envelope.observed.start),
        "number_observed": 1,
        "object_refs": list(dict.fromkeys(each["id"] for each in vessels)),
    }


def _location(envelope: Envelope) -> Thing | None:
    circle = circle_around(envelope.shapes().outline(), envelope.position_uncertainty_m)
    return circle and {
        "type": "location",
        "id": f"location--{derived(envelope.alert_id, 'location')}",
        "name": envelope.area_desc,
        "latitude": circle.lat,
        "longitude": circle.lon,
        "precision": circle.radius_m,
    }


def _link(envelope: Envelope, incident_id: str, target_id: str) -> Thing:
    return {
        "type": "relationship",
        "id": f"relationship--{derived(envelope.alert_id, 'related-to', target_id)}",
        "relationship_type": "related-to",  # the only one that STIX has from an incident
        "source_ref": incident_id,
        "target_ref": target_id,
    }


def _originator(originator: Originator, sent: str, marking_refs: list[str]) -> Thing:
    """The organisation; undated where its short name alone is known, so that this does not replace a fuller one."""
    fuller = originator.name or originator.contact or originator.country
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": f"identity--{derived('org', originator.org_id)}",
        "created": UNDATED,
        "modified": _time(sent) if fuller else UNDATED,
        "name": originator.name or originator.org_id,
        "description": f"{originator.org_id}, {originator.country}" if originator.country else originator.org_id,
        "identity_class": "organization",
        "contact_information": originator.contact,
        "object_marking_refs": marking_refs if fuller else None,
    }


def _tlp(tlp: Tlp) -> Thing:
    level = tlp.removeprefix("TLP:").lower()
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP_IDS[tlp],
        "created": TLP_CREATED,
        "name": tlp,
        "extensions": {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level}},
    }


def _terms(statement: str) -> Thing:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{derived('terms', statement)}",
        "created": UNDATED,
        "definition_type": "statement",
        "definition": {"statement": statement},
    }


def _author() -> Thing:
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": AUTHOR,
        "created": UNDATED,
        "modified": UNDATED,
        "name": "maritime-watch",
        "identity_class": "group",
    }


def _definition() -> Thing:
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION,
        "created_by_ref": AUTHOR,
        "created": UNDATED,
        "modified": UNDATED,
        "name": "maritime-watch alert",
        "description": "A maritime alert as an incident, with the document that was shared, and the vessels in it.",
        "schema": (
            "property-extension of incident: envelope, string, the shared document as canonical JSON (RFC 8785); jws, "
            "string, a detached JWS (RFC 7515) over the UTF-8 bytes of envelope; further properties repeat fields of "
            "the envelope, which alone counts; severity, urgency and certainty are words of CAP 1.2. new-sco "
            "maritime-vessel: mmsi, nine digits, string; imo, integer; name, call_sign, flag (ISO 3166-1 alpha-2), "
            "pseudonym, strings; ship_type, integer (ITU-R M.1371-5 table 53); length_m, number, metres; the ID "
            "contributing properties are mmsi, imo, name, call_sign and pseudonym."
        ),
        "version": "1.0.0",
        "extension_types": ["property-extension", "new-sco"],
    }


def _stated(thing: Thing) -> Thing:
    """Without what is not known: STIX has neither null nor empty lists."""
    return {name: value for name, value in thing.items() if value is not None and value != []}


def _time(text: str) -> str:
    """`2026-03-14T21:00:00+00:00` → `2026-03-14T21:00:00.000Z`: STIX wants milliseconds and Z."""
    return f"{text[:19]}{text[19:-6] or '.000'}Z"


FORMAT: Final = Format("STIX bundle", render, read_json, carried, "application/stix+json;version=2.1", ".stix.json")
