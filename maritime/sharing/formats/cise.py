"""EU CISE: a release as a message of the service model that carries an event of the data model 1.5.3, and back.

An alert and its updates are each a Push of the same event (Identifier/UUID is the alert's id) under a MessageID of
its own. A cancel is a Feedback of type `delete` that refers to the message it takes back. Sender and Recipient are
left out: they are services registered with a CISE node, which its adaptor knows and the envelope does not.
"""

import base64
import binascii
import re
from typing import Final
from uuid import UUID, uuid5

from lxml import etree

from maritime.errors import InputError
from maritime.sharing.envelope import Envelope
from maritime.sharing.formats import Format
from maritime.sharing.formats.carried import envelope_of
from maritime.sharing.formats.cise_event import (
    ENVELOPE_TITLE,
    SIGNATURE_TITLE,
    XSI_TYPE,
    comments,
    event_entity,
    instant,
)
from maritime.sharing.formats.cise_words import PRIORITIES, PURPOSES, SENSITIVITIES
from maritime.sharing.formats.xml_tree import MAX_DOCUMENT_BYTES, add, add_known, read_tree
from maritime.sharing.release import Release

MESSAGE: Final = "http://www.cise.eu/servicemodel/v1/message/"
_NAMESPACES: Final = {"message": MESSAGE, "xsi": "http://www.w3.org/2001/XMLSchema-instance"}


def message_id(alert_id: str, revision: int) -> str:
    """The MessageID of one revision, from which acknowledgements and feedback are matched: always the same."""
    return str(uuid5(UUID(alert_id), str(revision)))


def render(release: Release) -> bytes:
    """The release as CISE XML: a Push, or for a cancel a Feedback.

    Raises InputError for a time that does not exist, a number that JSON cannot say, or an envelope that is too large.
    """
    envelope = release.envelope
    is_cancel = envelope.kind == "cancel"
    message = etree.Element(f"{{{MESSAGE}}}{'Feedback' if is_cancel else 'Push'}", nsmap=_NAMESPACES)
    add_known(message, "ContextID", envelope.context_id)
    add(message, "CorrelationID", envelope.alert_id)
    add(message, "CreationDateTime", instant(envelope.sent))
    add(message, "MessageID", message_id(envelope.alert_id, envelope.revision))
    add(message, "Priority", PRIORITIES[envelope.assessment.severity if envelope.assessment else "Unknown"])
    if envelope.feedback:
        add(message, "RequiresAck", envelope.feedback.ack_required)
    _add_payload(message, release)
    if is_cancel:
        add(message, "FeedbackType", "delete")
        add(message, "Reason", comments(envelope))
        add(message, "RefMessageID", _replaced_message_id(envelope))
    document = etree.tostring(message, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    if len(document) > MAX_DOCUMENT_BYTES:
        raise InputError(f"alert '{envelope.alert_id}' makes {len(document)} bytes of XML; shorten it to be read")
    return document


def parse(document: bytes) -> Release:
    """The release that a Push or Feedback carries; its native fields are not looked at.

    Raises InputError when it is no such message, or carries no envelope or several.
    """
    root = read_tree(document)
    if root.tag not in (f"{{{MESSAGE}}}Push", f"{{{MESSAGE}}}Feedback"):
        raise InputError(f"'{root.tag[:100]}' is no CISE Push or Feedback message; send one of these")
    carried = _content(root, ENVELOPE_TITLE)
    if carried is None:
        raise InputError(f"the CISE message carries no document titled '{ENVELOPE_TITLE}'; it cannot be read back")
    jws = _content(root, SIGNATURE_TITLE)
    try:
        signature = None if jws is None else jws.decode()
    except UnicodeDecodeError:
        raise InputError(f"the document '{SIGNATURE_TITLE}' is no text; ask the sender") from None
    return Release(envelope_of(carried), signature)


FORMAT: Final = Format(render, parse, "application/xml", ".cise.xml")


def _add_payload(message: etree._Element, release: Release) -> None:
    """One purpose only: the standard has room for the first; the others stand in the event's Metadata."""
    handling = release.envelope.handling
    payload = add(message, "Payload")
    payload.set(XSI_TYPE, "message:XmlEntityPayload")
    add(payload, "InformationSecurityLevel", "NonSpecified")  # EU classification, which an envelope does not have
    add(payload, "InformationSensitivity", SENSITIVITIES[handling.tlp])
    add(payload, "IsPersonalData", handling.personal_data)
    add(payload, "Purpose", PURPOSES[handling.purpose[0]])
    if handling.retain_until:
        add(payload, "RetentionPeriod", instant(handling.retain_until))
    payload.append(event_entity(release))


def _replaced_message_id(envelope: Envelope) -> str:
    """Of the latest revision that it names; when it names none, the CorrelationID that all its messages share."""
    named = (re.fullmatch(re.escape(envelope.alert_id) + "@([0-9]{1,9})", each) for each in envelope.references)
    revisions = [int(match[1]) for match in named if match]
    return message_id(envelope.alert_id, max(revisions)) if revisions else envelope.alert_id


def _content(root: etree._Element, title: str) -> bytes | None:
    """The content of the attached document of this title; None when there is none."""
    documents = [each for each in root.iterfind("Payload/*/DocumentRel/Document") if each.findtext("Title") == title]
    if not documents:
        return None
    if len(documents) > 1:
        raise InputError(f"the CISE message carries {len(documents)} documents titled '{title}'; send one")
    try:
        return base64.b64decode("".join(documents[0].findtext("Content", "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"the document '{title}' is not base64; ask the sender") from None
