"""EU CISE: a release as a message of the service model that carries an event of the data model 1.5.3, and back.

An alert and its updates are each a Push of the same event (Identifier/UUID is the alert's id) under a MessageID of
its own. A cancel is a Feedback of type `delete` that refers to the message it takes back. Sender and Recipient are
left out: they are services registered with a CISE node, which its adaptor knows and the envelope does not.
"""

from typing import Final

from lxml import etree

from maritime.sharing.envelope import Envelope, Reference
from maritime.sharing.formats.cise_event import ENVELOPE_TITLE, SIGNATURE_TITLE, XSI_TYPE, comments, event_entity
from maritime.sharing.formats.cise_words import PRIORITIES, PURPOSES, SENSITIVITIES
from maritime.sharing.formats.format import Format
from maritime.sharing.formats.ids import derived
from maritime.sharing.formats.xml_tree import add, add_known, read_xml, to_xml
from maritime.sharing.release import Release
from maritime.sharing.untrusted import Carried, attached

MESSAGE: Final = "http://www.cise.eu/servicemodel/v1/message/"
_NAMESPACES: Final = {"message": MESSAGE, "xsi": "http://www.w3.org/2001/XMLSchema-instance"}


def message_id(alert_id: str, revision: int) -> str:
    """The MessageID of one revision, from which acknowledgements and feedback are matched: always the same."""
    return derived(alert_id, revision)


def render(release: Release) -> bytes:
    """The release as CISE XML: a Push, or for a cancel a Feedback."""
    envelope = release.envelope
    is_cancel = envelope.kind == "cancel"
    message = etree.Element(f"{{{MESSAGE}}}{'Feedback' if is_cancel else 'Push'}", nsmap=_NAMESPACES)
    add_known(message, "ContextID", envelope.context_id)
    add(message, "CorrelationID", envelope.alert_id)
    add(message, "CreationDateTime", envelope.sent)
    add(message, "MessageID", message_id(envelope.alert_id, envelope.revision))
    add(message, "Priority", PRIORITIES[envelope.assessment.severity if envelope.assessment else "Unknown"])
    if envelope.feedback:
        add(message, "RequiresAck", envelope.feedback.ack_required)
    _add_payload(message, release)
    if is_cancel:
        add(message, "FeedbackType", "delete")
        add(message, "Reason", *comments(envelope))
        add(message, "RefMessageID", _replaced_message_id(envelope))
    return to_xml(message)


def carried(message: etree._Element) -> Carried | None:
    """What a Push or Feedback carries in its attached documents; None when it is neither."""
    if message.tag not in (f"{{{MESSAGE}}}Push", f"{{{MESSAGE}}}Feedback"):
        return None
    return Carried.embedded(_attached(message, ENVELOPE_TITLE), _attached(message, SIGNATURE_TITLE))


FORMAT: Final = Format("CISE message", render, read_xml, carried, "application/xml", ".cise.xml")


def _add_payload(message: etree._Element, release: Release) -> None:
    """One purpose only: the standard has room for the first; the others stand in the event's Metadata."""
    handling = release.envelope.handling
    payload = add(message, "Payload")
    payload.set(XSI_TYPE, "message:XmlEntityPayload")
    add(payload, "InformationSecurityLevel", "NonSpecified")  # EU classification, which an envelope does not have
    add(payload, "InformationSensitivity", SENSITIVITIES[handling.tlp])
    add(payload, "IsPersonalData", handling.personal_data)
    add(payload, "Purpose", PURPOSES[handling.purpose[0]])
    add_known(payload, "RetentionPeriod", handling.retain_until)
    payload.append(event_entity(release))


def _replaced_message_id(envelope: Envelope) -> str:
    """Of the latest revision that it names; when it names none, the CorrelationID that all its messages share."""
    named = [each for each in map(Reference.parse, envelope.references) if each.alert_id == envelope.alert_id]
    return message_id(envelope.alert_id, max(each.revision for each in named)) if named else envelope.alert_id


def _attached(message: etree._Element, title: str) -> bytes | None:
    documents = message.iterfind("Payload/*/DocumentRel/Document")
    return attached([each.findtext("Content") for each in documents if each.findtext("Title") == title], title)
