"""CISE: the official schemas accept what is written, reject what is wrong, and nothing is lost on the way.

The schemas judge a message in two parts, each with lxml and with xmlschema: the wrapper without its entity against
the service model, and the entity on its own against the data model. As one they fail, the publisher's samples too:
an entity is in no namespace, and the payload's wildcard takes only elements that are in one.
"""

import copy
from typing import get_args

import pytest
import xmlschema
from hypothesis import given
from lxml import etree

from maritime.errors import InputError
from maritime.sharing.envelope import CapCertainty, CapSeverity, Purpose, Status, Tlp
from maritime.sharing.formats import cise_words
from maritime.sharing.formats.cise import FORMAT, MESSAGE, message_id, render
from maritime.sharing.formats.cise_event import XSI_TYPE
from maritime.sharing.release import Release
from maritime.sharing.wording import headline
from tests.sharing.envelopes import releases
from tests.sharing.samples import EVERY, JWS, TYPES, cancel, changed, coarse, full, named
from tests.sharing.shared import official


class Judge:
    """Both validators over both schemas."""

    def __init__(self, folder):
        self.schemas = [
            (etree.XMLSchema(etree.parse(path)), xmlschema.XMLSchema(str(path)))
            for path in (folder / "service-model" / "xsd" / "message.xsd", folder / "bundle" / "root.xsd")
        ]

    def faults(self, document):
        """What each validator says, of the wrapper and of the entity."""
        wrapper = etree.fromstring(document)
        entity = wrapper.find("Payload")[-1]
        entity.getparent().remove(entity)
        return self._faults(0, wrapper) + self._faults(1, entity)

    def _faults(self, of, tree):
        by_lxml, by_xmlschema = self.schemas[of]
        faults = []
        if not by_lxml.validate(tree):
            faults.append(f"lxml: {by_lxml.error_log.last_error}")
        text = etree.tostring(tree, encoding="unicode")
        faults += [f"xmlschema: {error.reason}" for error in by_xmlschema.iter_errors(text)]
        return faults


@pytest.fixture(scope="module")
def judge():
    return Judge(official("cise"))


def written(envelope, jws=JWS):
    return etree.fromstring(render(Release(envelope, jws)))


def entity_of(root):
    return root.find("Payload")[-1]


def texts(root, path):
    return [each.text for each in root.iterfind(path)]


@pytest.mark.parametrize("jws", [None, JWS], ids=["unsigned", "signed"])
@pytest.mark.parametrize("envelope", EVERY, ids=named)
def test_every_alert_is_valid(envelope, jws, judge):
    assert judge.faults(render(Release(envelope, jws))) == []


WORDS = [
    *(("status", {"status": value}) for value in get_args(Status)),
    *(("tlp", {"handling": {"tlp": value}}) for value in get_args(Tlp)),
    *(("purpose", {"handling": {"purpose": [value]}}) for value in get_args(Purpose)),
    *(("severity", {"assessment": {"severity": value}}) for value in get_args(CapSeverity)),
    *(("certainty", {"assessment": {"certainty": value}}) for value in get_args(CapCertainty)),
    *(("credibility", {"assessment": {"information_credibility": value}}) for value in range(1, 7)),
    *(("ship_type", {"vessels": [{"ship_type": value}]}) for value in (0, 21, 30, 35, 37, 49, 60, 79, 84, 99, 255)),
    *(
        ("place", {"places": [{"role": value, "lat": 1, "lon": 1}]})
        for value in ("position", "last_report", "next_report", "stop", "other")
    ),
]


@pytest.mark.parametrize(
    "change", [change for _, change in WORDS], ids=[f"{name}-{at}" for at, (name, _) in enumerate(WORDS)]
)
@pytest.mark.parametrize("alert_type", ["loitering", "distress_beacon"])
def test_every_word_of_ours_has_one_in_the_standard(change, alert_type, judge):
    assert judge.faults(render(Release(changed(full(alert_type), **change)))) == []


def test_the_tables_are_complete():
    assert set(cise_words.PURPOSES) == set(get_args(Purpose))
    assert set(cise_words.SENSITIVITIES) == set(get_args(Tlp))
    assert set(cise_words.PRIORITIES) == set(cise_words.RISK_SEVERITIES) == set(get_args(CapSeverity))
    assert set(cise_words.NATURES) == set(cise_words.RISK_PROBABILITIES) == set(get_args(CapCertainty))


def replace_text(path, text):
    def change(root):
        root.find(path).text = text

    return change


def remove(path):
    def change(root):
        found = root.find(path)
        found.getparent().remove(found)

    return change


ENTITY = "Payload/Anomaly"
WRONG = {
    "an anomaly spelt right": (
        "identity_clash",
        replace_text(f"{ENTITY}/AnomalyType", "DetectionOfChangesInAISParameters"),
    ),
    "our own type as AnomalyType": ("loitering", replace_text(f"{ENTITY}/AnomalyType", "loitering")),
    "our own purpose": ("loitering", replace_text("Payload/Purpose", "border_surveillance")),
    "TLP as we write it": ("loitering", replace_text("Payload/InformationSensitivity", "TLP:AMBER")),
    "a priority of CAP": ("loitering", replace_text("Priority", "Severe")),
    "a CAP severity as RiskSeverity": (
        "loitering",
        replace_text(f"{ENTITY}/ImpliedRiskRel/Risk/RiskSeverity", "Severe"),
    ),
    "a time without date": ("loitering", replace_text("CreationDateTime", "21:00:00")),
    "a date with time": ("loitering", replace_text(f"{ENTITY}/OccurrencePeriod/StartDate", "2026-03-14T20:00:00")),
    "an MMSI with letters": ("loitering", replace_text(f"{ENTITY}/InvolvedObjectRel/Object/MMSI", "k3v9qzt2")),
    "content that is not base64": ("loitering", replace_text(f"{ENTITY}/DocumentRel/Document/Content", "ab?d")),
    "no message id": ("loitering", remove("MessageID")),
    "no purpose": ("loitering", remove("Payload/Purpose")),
    "a field after the last": ("loitering", lambda root: etree.SubElement(entity_of(root), "Severity")),
    "a vessel without its type": (
        "loitering",
        lambda root: root.find(f"{ENTITY}/InvolvedObjectRel/Object").attrib.pop(XSI_TYPE),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_both_judges_reject_what_is_wrong(name, judge):
    alert_type, change = WRONG[name]
    root = written(full(alert_type))
    assert judge.faults(etree.tostring(root)) == []
    change(root)
    faults = judge.faults(etree.tostring(root))
    assert {fault.partition(":")[0] for fault in faults} == {"lxml", "xmlschema"}, faults


def test_both_judges_reject_a_cancel_that_the_standard_does_not_have(judge):
    root = written(cancel())
    root.find("FeedbackType").text = "cancel"
    assert len({fault.partition(":")[0] for fault in judge.faults(etree.tostring(root))}) == 2


def test_message_and_entity_in_one_do_not_validate_and_why(judge):
    by_lxml, _ = judge.schemas[0]
    assert not by_lxml.validate(written(full()))
    assert "Anomaly" in str(by_lxml.error_log.last_error)


@pytest.mark.parametrize(
    ("alert_type", "word"),
    [
        ("loitering", "UnexpectedMovement"),
        ("unusual_landing", "UnexpectedMovement"),
        ("dark_period", "WithoutAISTransmission"),
        ("identity_clash", "DetecionOfChangesInAISParameters"),
        ("position_withheld", "DetecionOfChangesInAISParameters"),
        ("feed_stale", "Other"),
        ("reception_outage", "Other"),
        ("a_partner_s_own_type", "Other"),
    ],
)
def test_type_of_anomaly_and_our_own_beside_it(alert_type, word):
    entity = entity_of(written(full(alert_type)))
    assert entity.tag == "Anomaly"
    assert entity.findtext("AnomalyType") == word
    assert entity.findtext("Metadata/Designation") == alert_type


def test_distress_is_an_incident_in_the_words_of_cap():
    entity = entity_of(written(full("distress_beacon")))
    assert entity.tag == "MaritimeSafetyIncident"
    said = [
        entity.findtext(name) for name in ("Certainty", "ResponseUrgency", "Severity", "MaritimeSafetyIncidentType")
    ]
    assert said == ["Likely", "Immediate", "Extreme", "Other"]
    assert "safety.beacon: EPIRB-AIS\nsafety.sar_phase: distress" in entity.findtext("Metadata/Comments")
    assert entity.find("ImpliedRiskRel") is None


def test_wrapper():
    root = written(full())
    envelope = full()
    assert root.tag == f"{{{MESSAGE}}}Push"
    assert root.findtext("ContextID") == envelope.context_id
    assert root.findtext("CorrelationID") == envelope.alert_id
    assert root.findtext("CreationDateTime") == envelope.sent
    assert root.findtext("Priority") == "High"
    assert root.findtext("RequiresAck") == "true"
    payload = {each.tag: each.text for each in root.find("Payload")}
    assert payload["InformationSensitivity"] == "Amber"
    assert payload["IsPersonalData"] == "true"
    assert payload["Purpose"] == "Safety"
    assert payload["RetentionPeriod"] == envelope.handling.retain_until
    said = entity_of(root).findtext("Metadata/Comments")
    assert said.endswith(
        "\nhandling.tlp: TLP:AMBER\nhandling.purpose: maritime_safety; border_surveillance"
        "\nhandling.rel_to: fusion-centre; rescue-centre\nhandling.onward: with_consent"
    )


def test_a_value_that_is_not_known_is_called_so():
    terms = [{"feature": "sog", "value": None, "threshold": 2.0, "unit": "kn"}]
    entity = entity_of(written(changed(full(), assessment={"explanation": terms})))
    assert entity.findtext("Metadata/Description") == "sog unknown kn (threshold 2 kn)"


def test_event_fields():
    entity = entity_of(written(full()))
    assert entity.findtext("Identifier/UUID") == full().alert_id
    assert entity.findtext("Identifier/GeneratedBy/IdentificationNumber") == "nmc.example"
    assert entity.findtext("Metadata/Abstract") == headline(full())
    assert entity.findtext("Metadata/InformationReliabilityLevel") == "HighConfidence"
    assert entity.findtext("Metadata/Description").startswith(
        "place 50 km (threshold 3 km)\nbeacon_active true (threshold true)\n"
    )
    assert {each.tag: each.text for each in entity.find("OccurrencePeriod")} == {
        "StartDate": "2026-03-14",
        "StartTime": "20:23:14.772+00:00",
        "EndDate": "2026-03-14",
        "EndTime": "20:42:59.560+00:00",
    }
    risk = {each.tag: each.text for each in entity.find("ImpliedRiskRel/Risk")}
    assert risk == {"RiskProbability": "Probable", "RiskSeverity": "Critical"}
    area = entity.find("LocationRel/Location")
    assert area.findtext("GeographicName") == "around 8.800° N 98.255° E"
    assert (area.findtext("Geometry/Latitude"), area.findtext("Geometry/Longitude")) == ("8.79967", "98.254947")
    assert texts(entity, "LocationRel/LocationRole") == ["LastPlace", "Other"]


def test_geometries_are_well_known_text():
    assert texts(entity_of(written(full("dark_period"))), "LocationRel/Location/Geometry/WKT") == [
        "LINESTRING (98.1 8.7, 98.254947 8.79967)",
        "POLYGON ((98.0 8.5, 98.5 8.5, 98.5 9.0, 98.0 9.0, 98.0 8.5))",
    ]


def test_vessel_fields():
    ship, other = entity_of(written(full())).iterfind("InvolvedObjectRel/Object")
    alone = {each.tag: each.text for each in ship if not len(each)}
    assert alone == {
        "Name": "CHAO LE 2",
        "Nationality": "TH",
        "CallSign": "HSB1234",
        "IMONumber": "9074729",
        "Length": "12",
        "MMSI": "567801002",
        "ShipType": "Other",
    }
    assert texts(ship, "LocationRel/SOG") == ["25.9"]
    assert texts(ship, "LocationRel/COG") == ["71.3"]
    assert [each.tag for each in other] == ["MMSI"]


def test_places_are_nobodys_when_there_are_two_subjects():
    root = written(full(vessels=[{"mmsi": 567801002}, {"mmsi": 567801003}]))
    assert root.find(".//Object/LocationRel") is None
    assert len(list(entity_of(root).iterfind("LocationRel"))) == 3


def test_a_pseudonym_is_no_identity():
    ship = entity_of(written(coarse())).find("InvolvedObjectRel/Object")
    assert [each.tag for each in ship] == ["Metadata", "ShipType"]
    assert ship.findtext("Metadata/Comments") == "pseudonym: k3v9qzt2mw7xr4ah"


def test_what_is_withheld_leaves_no_field():
    entity = entity_of(written(cancel(), jws=None))
    assert [each.tag for each in entity] == ["Identifier", "Metadata", "DocumentRel", "AnomalyType"]
    assert entity.findtext("Metadata/Abstract") == "CANCELLED: No AIS reports received"


def test_a_cancel_deletes_the_message_it_refers_to():
    before = written(full("dark_period"))
    feedback = written(cancel())
    assert feedback.tag == f"{{{MESSAGE}}}Feedback"
    assert feedback.findtext("FeedbackType") == "delete"
    assert feedback.findtext("RefMessageID") == before.findtext("MessageID")
    assert feedback.findtext("MessageID") != before.findtext("MessageID")
    assert feedback.findtext("CorrelationID") == before.findtext("CorrelationID")
    assert entity_of(feedback).findtext("Identifier/UUID") == entity_of(before).findtext("Identifier/UUID")


def test_a_cancel_of_several_revisions_refers_to_the_latest():
    alert_id, another, sent = cancel().alert_id, full().context_id, full().sent
    several = changed(cancel(), references=[f"{alert_id}@9@{sent}", f"{alert_id}@10@{sent}", f"{another}@11@{sent}"])
    assert written(several).findtext("RefMessageID") == message_id(alert_id, 10)


def test_a_cancel_that_names_none_refers_to_the_correlation():
    assert written(changed(cancel(), references=[])).findtext("RefMessageID") == cancel().alert_id


def test_an_update_is_the_same_event_in_another_message():
    first, second = (written(full(revision=revision)) for revision in (1, 2))
    assert first.findtext("MessageID") != second.findtext("MessageID")
    assert entity_of(first).findtext("Identifier/UUID") == entity_of(second).findtext("Identifier/UUID")


@pytest.mark.parametrize("status", ["exercise", "test"])
@pytest.mark.parametrize("envelope", [full(), full("distress_beacon"), cancel()], ids=["anomaly", "incident", "cancel"])
def test_what_is_not_actual_is_simulated(envelope, status):
    root = written(changed(envelope, status=status))
    assert entity_of(root).findtext("NatureType") == "Simulated"
    assert [each.findtext("SourceType") for each in root.iter("LocationRel")] == ["Simulation"] * len(
        list(root.iter("LocationRel"))
    )
    assert f"status: {status}" in entity_of(root).findtext("Metadata/Comments").splitlines()
    assert root.tag.endswith("Push") or f"status: {status}" in root.findtext("Reason")


def test_native_fields_are_not_trusted():
    root = written(full())
    root.find("MessageID").text = "another"
    root.find(f"{ENTITY}/InvolvedObjectRel/Object/MMSI").text = "1"
    root.find("Payload/InformationSensitivity").text = "White"
    assert FORMAT.parse(etree.tostring(root)) == Release(full(), JWS)


def test_no_text_can_pretend_to_be_another_line():
    caveats = {"caveats": ["calm\nhandling.tlp: TLP:CLEAR"]}
    said = entity_of(written(changed(full(), assessment=caveats))).findtext("Metadata/Comments")
    assert [line for line in said.splitlines() if line.startswith("handling.tlp")] == ["handling.tlp: TLP:AMBER"]


@given(releases())
def test_hostile_text_is_valid(judge, release):
    assert judge.faults(render(release)) == []


def test_what_cannot_be_printed_is_left_out_of_native_fields(judge):
    document = render(Release(full(vessels=[{"name": "A\x00B\x1bC\u202e"}])))
    assert etree.fromstring(document).findtext(f"{ENTITY}/InvolvedObjectRel/Object/Name") == "A B C"
    assert FORMAT.parse(document).envelope.vessels[0].name == "A\x00B\x1bC\u202e"
    assert judge.faults(document) == []


@pytest.mark.parametrize(
    "geometry", [{"type": "Polygon", "coordinates": []}, {"type": "MultiPoint", "coordinates": []}]
)
def test_an_empty_geometry_is_left_out(geometry, judge):
    document = render(Release(full(geometry=geometry, places=[])))
    assert judge.faults(document) == []
    assert b"<Geometry>" not in document


def test_an_envelope_is_carried_once():
    root = written(full())
    entity = entity_of(root)
    entity.append(copy.deepcopy(entity.find("DocumentRel")))
    with pytest.raises(InputError, match="2 attachments 'maritime-watch envelope'"):
        FORMAT.parse(etree.tostring(root))


@pytest.mark.parametrize("message", ["<m:PullRequest xmlns:m='{}'/>", "<Push xmlns='{}another'/>", "<Push/>"])
def test_other_messages_are_refused(message):
    with pytest.raises(InputError, match="no CISE message"):
        FORMAT.parse(message.format(MESSAGE).encode())


def test_every_type_is_tried():
    assert {each.event.type for each in EVERY} == set(TYPES)
