"""A released alert as an event of the CISE data model 1.5.3: an Anomaly, or for distress a MaritimeSafetyIncident.

Distress is an Incident because the standard's Incident takes severity, urgency and certainty in the words of CAP, and
rescue centres subscribe to that service; an Anomaly of a distress call could only be `Other`. An offence stays an
Anomaly: which law was broken is for a person to say, in their own document.
"""

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from lxml import etree

from maritime.alerts.schema import GeometryCollection
from maritime.errors import InputError
from maritime.sharing.envelope import Assessment, Envelope, Place, Vessel
from maritime.sharing.formats.carried import canonical_of
from maritime.sharing.formats.cise_words import (
    ANOMALY_TYPES,
    LOCATION_ROLES,
    NATURES,
    NATURES_OF_STATUS,
    OBJECT_ROLES,
    RELIABILITIES,
    RISK_PROBABILITIES,
    RISK_SEVERITIES,
    SENSITIVITIES,
    vessel_type,
)
from maritime.sharing.formats.wkt import position_of, to_wkt
from maritime.sharing.formats.xml_tree import add, add_known, worded
from maritime.sharing.release import Release

XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
NAMESPACES: Final = {
    "document": "http://www.cise.eu/datamodel/v1/entity/document/",
    "location": "http://www.cise.eu/datamodel/v1/entity/location/",
    "vessel": "http://www.cise.eu/datamodel/v1/entity/vessel/",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
ENVELOPE_TITLE: Final = "maritime-watch envelope"
SIGNATURE_TITLE: Final = "maritime-watch signature"

_COMMENTED: Final = (
    "status",
    "kind",
    "revision",
    "references",
    "event.type",
    "event.subtype",
    "event.nature",
    "safety.beacon",
    "safety.sar_phase",
    "assessment.urgency",
    "assessment.certainty",
    "assessment.confidence",
    "assessment.source_reliability",
    "assessment.review.state",
    "assessment.review.role",
    "assessment.caveats",
    "handling.tlp",
    "handling.purpose",
    "handling.rel_to",
    "handling.onward",
    "handling.withheld",
)
"""What the standard has no field for, or too few words; said in Comments under the envelope's own names."""


def event_entity(release: Release) -> etree._Element:
    """The event, with its vessels and places, and the envelope and signature as attached documents.

    Raises InputError for a time that does not exist, or a number that JSON cannot say.
    """
    envelope = release.envelope
    carried = canonical_of(envelope)
    is_distress = envelope.event.nature == "distress"
    event = etree.Element("MaritimeSafetyIncident" if is_distress else "Anomaly", nsmap=NAMESPACES)
    _add_identifier(event, envelope)
    _add_metadata(event, envelope)
    _add_nature(event, envelope)
    if envelope.observed:
        add_period(event, "OccurrencePeriod", envelope.observed.start, envelope.observed.end)
    if envelope.assessment and not is_distress:
        _add_risk(event, envelope.assessment)
    _add_area(event, envelope)
    for place in envelope.places:
        _add_place(event, place, simulated=is_simulated(envelope))
    for vessel in envelope.vessels:
        _add_vessel(event, vessel, _places_of(vessel, envelope), simulated=is_simulated(envelope))
    for document in _documents(release, carried):
        add(event, "DocumentRel").append(document)
    if is_distress:
        _add_incident(event, envelope.assessment)
    else:
        add(event, "AnomalyType", ANOMALY_TYPES.get(envelope.event.type, "Other"))
    return event


def instant(text: str) -> str:
    """The time as it was given. Raises InputError when there is no such time."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"'{text}' is no time that exists; correct it in the envelope") from None
    return text


def add_period(parent: etree._Element, tag: str, start: str | None, end: str | None) -> None:
    """From start to end, in UTC; what is not known is left out."""
    period = add(parent, tag)
    for name, time in (("End", end), ("Start", start)):
        if time is not None:
            date, _, of_day = instant(time).partition("T")
            add(period, f"{name}Date", date)
            add(period, f"{name}Time", of_day)


def is_simulated(envelope: Envelope) -> bool:
    """Whether it is an exercise or a test."""
    return NATURES_OF_STATUS.get(envelope.status) == "Simulated"


def comments(envelope: Envelope) -> str:
    """A line for each field that the standard has no place for, as `assessment.confidence: 0.95`."""
    record = envelope.to_dict()
    named = ((path, _at(record, path)) for path in _COMMENTED)
    return "\n".join(f"{path}: {_in_one_line(value)}" for path, value in named if value is not None)


def _at(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _in_one_line(value: Any) -> str:
    """So that no text can pretend to be another field's line."""
    text = "; ".join(value) if isinstance(value, list) else worded(value)
    return " ".join(text.split())


def _add_identifier(event: etree._Element, envelope: Envelope) -> None:
    identifier = add(event, "Identifier")
    organisation = add(identifier, "GeneratedBy")
    add_known(organisation, "ContactInformation", envelope.originator.contact)
    add_known(organisation, "Nationality", envelope.originator.country)
    add(organisation, "IdentificationNumber", envelope.originator.org_id)
    add_known(organisation, "LegalName", envelope.originator.name)
    add(identifier, "GeneratedIn", instant(envelope.sent))
    add(identifier, "UUID", envelope.alert_id)


def _add_metadata(event: etree._Element, envelope: Envelope) -> None:
    metadata = add(event, "Metadata")
    add_known(metadata, "Abstract", envelope.event.headline)
    add(metadata, "Comments", comments(envelope))
    add(metadata, "CreationDate", instant(envelope.sent))
    if envelope.assessment and envelope.assessment.explanation:
        add(metadata, "Description", "\n".join(_explained(envelope.assessment)))
    add(metadata, "Designation", envelope.event.type)
    if envelope.assessment and envelope.assessment.information_credibility:
        level = RELIABILITIES[envelope.assessment.information_credibility]
        add(metadata, "InformationReliabilityLevel", level)
    add(metadata, "InformationSensitivityDegree", SENSITIVITIES[envelope.handling.tlp])
    if envelope.expires:
        add_period(metadata, "ValidityPeriod", envelope.sent, envelope.expires)


def _explained(assessment: Assessment) -> Iterator[str]:
    for term in assessment.explanation:
        feature = f"{term.feature} [{term.unit}]" if term.unit else term.feature
        value = "unknown" if term.value is None else worded(term.value)
        against = "" if term.threshold is None else f", threshold {worded(term.threshold)}"
        yield _in_one_line(f"{feature}: {value}{against}")


def _add_nature(event: etree._Element, envelope: Envelope) -> None:
    nature = NATURES_OF_STATUS.get(envelope.status)
    if nature is None and envelope.assessment:
        nature = NATURES[envelope.assessment.certainty]
    add_known(event, "NatureType", nature)


def _add_risk(event: etree._Element, assessment: Assessment) -> None:
    """Without RiskType: its words are offences, and those are for a person to name."""
    risk = add(add(event, "ImpliedRiskRel"), "Risk")
    add(risk, "RiskProbability", RISK_PROBABILITIES[assessment.certainty])
    add(risk, "RiskSeverity", RISK_SEVERITIES[assessment.severity])


def _add_area(event: etree._Element, envelope: Envelope) -> None:
    geometry = envelope.geometry
    if geometry is None and envelope.area_desc is None:
        return
    relation = add(event, "LocationRel")
    location = add(relation, "Location")
    parts = geometry.geometries if isinstance(geometry, GeometryCollection) else [geometry] if geometry else []
    for part in parts:
        _add_geometry(location, part.type, part.coordinates)
    if geometry and envelope.position_uncertainty_m is not None:
        note = f"position_uncertainty_m: {worded(envelope.position_uncertainty_m)}"
        add(add(location, "Metadata"), "Comments", note)
    if envelope.area_desc is not None:
        location.set(XSI_TYPE, "location:NamedLocation")
        add(location, "GeographicName", envelope.area_desc)
    if is_simulated(envelope):
        add(relation, "SourceType", "Simulation")


def _add_geometry(location: etree._Element, kind: str, coordinates: Any) -> None:
    """Nothing for coordinates that are none; the attached envelope has them as they came."""
    try:
        if kind == "Point":
            lon, lat = position_of(coordinates)
            geometry = add(location, "Geometry")
            add(geometry, "Latitude", lat)
            add(geometry, "Longitude", lon)
        else:
            text = to_wkt(kind, coordinates)
            add(add(location, "Geometry"), "WKT", text)
    except ValueError:
        return


def _add_place(event: etree._Element, place: Place, *, simulated: bool) -> None:
    relation = add(event, "LocationRel")
    _add_geometry(add(relation, "Location"), "Point", [place.lon, place.lat])
    if place.at:
        add_period(relation, "DateTime", place.at, None)
    add(relation, "LocationRole", LOCATION_ROLES.get(place.role, "Other"))
    if simulated:
        add(relation, "SourceType", "Simulation")


def _places_of(vessel: Vessel, envelope: Envelope) -> list[Place]:
    """Places are the subject's; with several subjects it is not said whose."""
    subjects = [each for each in envelope.vessels if each.role == "subject"]
    return envelope.places if subjects == [vessel] else []


def _add_vessel(event: etree._Element, vessel: Vessel, places: list[Place], *, simulated: bool) -> None:
    """A pseudonym is told in Comments, never in a field for an identity."""
    relation = add(event, "InvolvedObjectRel")
    ship = add(relation, "Object")
    ship.set(XSI_TYPE, "vessel:Vessel")
    if vessel.pseudonym is not None:
        add(add(ship, "Metadata"), "Comments", f"pseudonym: {_in_one_line(vessel.pseudonym)}")
    add_known(ship, "Name", vessel.name)
    for place in places:
        _add_vessel_place(ship, place, simulated=simulated)
    add_known(ship, "Nationality", vessel.flag)
    add_known(ship, "CallSign", vessel.call_sign)
    add_known(ship, "IMONumber", vessel.imo)
    add_known(ship, "Length", vessel.length_m)
    add_known(ship, "MMSI", vessel.mmsi)
    if vessel.ship_type is not None:
        add(ship, "ShipType", vessel_type(vessel.ship_type))
    add(relation, "ObjectRole", OBJECT_ROLES[vessel.role])


def _add_vessel_place(ship: etree._Element, place: Place, *, simulated: bool) -> None:
    relation = add(ship, "LocationRel")
    _add_geometry(add(relation, "Location"), "Point", [place.lon, place.lat])
    add_known(relation, "COG", place.cog_deg)
    if place.at:
        add_period(relation, "PeriodOfTime", place.at, None)
    if simulated:
        add(relation, "SourceType", "Simulation")
    add_known(relation, "SOG", place.sog_kn)


def _add_incident(event: etree._Element, assessment: Assessment | None) -> None:
    if assessment:
        add(event, "Certainty", assessment.certainty)
        add(event, "ResponseUrgency", assessment.urgency)
        add(event, "Severity", assessment.severity)
    add(event, "MaritimeSafetyIncidentType", "Other")


def _documents(release: Release, carried: bytes) -> Iterator[etree._Element]:
    sensitivity = SENSITIVITIES[release.envelope.handling.tlp]
    yield _document(ENVELOPE_TITLE, "application/json", carried, sensitivity)
    if release.jws is not None:
        yield _document(SIGNATURE_TITLE, "application/jose", release.jws.encode(), sensitivity)


def _document(title: str, media_type: str, content: bytes, sensitivity: str) -> etree._Element:
    """The media type stands in Subject: the standard's FileMediaType knows two films and a picture only."""
    document = etree.Element("Document", nsmap=NAMESPACES)
    document.set(XSI_TYPE, "document:EventDocument")
    add(add(document, "Metadata"), "InformationSensitivityDegree", sensitivity)
    add(document, "Subject", media_type)
    add(document, "Title", title)
    add(document, "Content", base64.b64encode(content).decode())
    add(document, "DocumentType", "Other")
    return document
