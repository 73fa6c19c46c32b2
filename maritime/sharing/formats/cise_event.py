"""A released alert as an event of the CISE data model 1.5.3: an Anomaly, or for distress a MaritimeSafetyIncident.

Distress is an Incident because the standard's Incident takes severity, urgency and certainty in the words of CAP, and
rescue centres subscribe to that service; an Anomaly of a distress call could only be `Other`. An offence stays an
Anomaly: which law was broken is for a person to say, in their own document.
"""

import base64
from collections.abc import Iterator
from typing import Final

from lxml import etree

from maritime.sharing.canonical import in_text
from maritime.sharing.envelope import Assessment, Envelope, Place, Vessel
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
from maritime.sharing.formats.summary import because, told_at
from maritime.sharing.formats.xml_tree import add, add_known
from maritime.sharing.release import Release
from maritime.sharing.shapes import Part
from maritime.sharing.wording import headline, is_distress

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
    """The event, with its vessels and places, and the envelope and signature as attached documents."""
    envelope = release.envelope
    is_incident = is_distress(envelope)
    event = etree.Element("MaritimeSafetyIncident" if is_incident else "Anomaly", nsmap=NAMESPACES)
    _add_identifier(event, envelope)
    _add_metadata(event, envelope)
    _add_nature(event, envelope)
    if envelope.observed:
        _add_period(event, "OccurrencePeriod", envelope.observed.start, envelope.observed.end)
    if envelope.assessment and not is_incident:
        _add_risk(event, envelope.assessment)
    _add_area(event, envelope)
    for place in envelope.places:
        _add_place(event, place, simulated=_is_simulated(envelope))
    is_alone = sum(vessel.role == "subject" for vessel in envelope.vessels) == 1
    for vessel in envelope.vessels:  # places are the subject's; with several subjects it is not said whose
        places = envelope.places if is_alone and vessel.role == "subject" else []
        _add_vessel(event, vessel, places, simulated=_is_simulated(envelope))
    for document in _documents(release):
        add(event, "DocumentRel").append(document)
    if is_incident:
        _add_incident(event, envelope.assessment)
    else:
        add(event, "AnomalyType", ANOMALY_TYPES.get(envelope.event.type, "Other"))
    return event


def comments(envelope: Envelope) -> list[str]:
    """A line for each field that the standard has no place for, as `assessment.confidence: 0.95`."""
    record = envelope.to_dict()
    told = ((path, told_at(record, path)) for path in _COMMENTED)
    return [f"{path}: {in_text(value)}" for path, value in told if value is not None]


def _add_period(parent: etree._Element, tag: str, start: str | None, end: str | None) -> None:
    """From start to end, in UTC; what is not known is left out."""
    period = add(parent, tag)
    for name, time in (("End", end), ("Start", start)):
        if time is not None:
            date, _, of_day = time.partition("T")
            add(period, f"{name}Date", date)
            add(period, f"{name}Time", of_day)


def _is_simulated(envelope: Envelope) -> bool:
    """Whether it is an exercise or a test."""
    return NATURES_OF_STATUS.get(envelope.status) == "Simulated"


def _add_identifier(event: etree._Element, envelope: Envelope) -> None:
    identifier = add(event, "Identifier")
    organisation = add(identifier, "GeneratedBy")
    add_known(organisation, "ContactInformation", envelope.originator.contact)
    add_known(organisation, "Nationality", envelope.originator.country)
    add(organisation, "IdentificationNumber", envelope.originator.org_id)
    add_known(organisation, "LegalName", envelope.originator.name)
    add(identifier, "GeneratedIn", envelope.sent)
    add(identifier, "UUID", envelope.alert_id)


def _add_metadata(event: etree._Element, envelope: Envelope) -> None:
    metadata = add(event, "Metadata")
    add(metadata, "Abstract", headline(envelope))
    add(metadata, "Comments", *comments(envelope))
    add(metadata, "CreationDate", envelope.sent)
    if envelope.assessment and envelope.assessment.explanation:
        add(metadata, "Description", *map(because, envelope.assessment.explanation))
    add(metadata, "Designation", envelope.event.type)
    if envelope.assessment and envelope.assessment.information_credibility:
        level = RELIABILITIES[envelope.assessment.information_credibility]
        add(metadata, "InformationReliabilityLevel", level)
    add(metadata, "InformationSensitivityDegree", SENSITIVITIES[envelope.handling.tlp])
    if envelope.expires:
        _add_period(metadata, "ValidityPeriod", envelope.sent, envelope.expires)


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
    if envelope.geometry is None and envelope.area_desc is None:
        return
    relation = add(event, "LocationRel")
    location = add(relation, "Location")
    for part in envelope.parts():
        _add_geometry(location, part)
    if envelope.geometry and envelope.position_uncertainty_m is not None:
        note = f"position_uncertainty_m: {in_text(envelope.position_uncertainty_m)}"
        add(add(location, "Metadata"), "Comments", note)
    if envelope.area_desc is not None:
        location.set(XSI_TYPE, "location:NamedLocation")
        add(location, "GeographicName", envelope.area_desc)
    if _is_simulated(envelope):
        add(relation, "SourceType", "Simulation")


def _add_geometry(location: etree._Element, part: Part) -> None:
    if not part.coordinates:
        return
    geometry = add(location, "Geometry")
    if part.kind == "Point":
        lon, lat = part.coordinates
        add(geometry, "Latitude", lat)
        add(geometry, "Longitude", lon)
    else:
        add(geometry, "WKT", part.wkt())


def _add_place(event: etree._Element, place: Place, *, simulated: bool) -> None:
    relation = add(event, "LocationRel")
    _add_geometry(add(relation, "Location"), Part("Point", (place.lon, place.lat)))
    if place.at:
        _add_period(relation, "DateTime", place.at, None)
    add(relation, "LocationRole", LOCATION_ROLES.get(place.role, "Other"))
    if simulated:
        add(relation, "SourceType", "Simulation")


def _add_vessel(event: etree._Element, vessel: Vessel, places: list[Place], *, simulated: bool) -> None:
    """A pseudonym is told in Comments, never in a field for an identity."""
    relation = add(event, "InvolvedObjectRel")
    ship = add(relation, "Object")
    ship.set(XSI_TYPE, "vessel:Vessel")
    if vessel.pseudonym is not None:
        add(add(ship, "Metadata"), "Comments", f"pseudonym: {vessel.pseudonym}")
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
    _add_geometry(add(relation, "Location"), Part("Point", (place.lon, place.lat)))
    add_known(relation, "COG", place.cog_deg)
    if place.at:
        _add_period(relation, "PeriodOfTime", place.at, None)
    if simulated:
        add(relation, "SourceType", "Simulation")
    add_known(relation, "SOG", place.sog_kn)


def _add_incident(event: etree._Element, assessment: Assessment | None) -> None:
    if assessment:
        add(event, "Certainty", assessment.certainty)
        add(event, "ResponseUrgency", assessment.urgency)
        add(event, "Severity", assessment.severity)
    add(event, "MaritimeSafetyIncidentType", "Other")


def _documents(release: Release) -> Iterator[etree._Element]:
    sensitivity = SENSITIVITIES[release.envelope.handling.tlp]
    yield _document(ENVELOPE_TITLE, "application/json", release.envelope.canonical(), sensitivity)
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
