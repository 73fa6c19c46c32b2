"""CloudEvents 1.0, structured JSON: the envelope in the log, with what a consumer sorts by before it looks inside.

`data` is the envelope itself, in its canonical bytes (RFC 8785); `jws` is the signature over them. Extension attributes
with a registered meaning (github.com/cloudevents/spec, cloudevents/extensions) keep it: `partitionkey` keeps the
revisions of an alert in order, `correlationid` is the context, `sequence` counts the events of one partner's feed,
`expirytime` ends the event, `dataclassification` is its TLP. Ours are `alertkind` and `alertstatus`, by which a
consumer knows a cancel and an exercise.
"""

from typing import Any, Final

import rfc8785

from maritime.errors import InputError
from maritime.sharing.envelope import SCHEMA_VERSION
from maritime.sharing.formats import Format
from maritime.sharing.release import Release
from maritime.sharing.untrusted import envelope_of, read_json, read_signature

EVENT_TYPE: Final = "org.maritime-watch.envelope.v1"
DATA_SCHEMA: Final = f"urn:maritime-watch:envelope:{SCHEMA_VERSION.partition('.')[0]}"
SEQUENCE_DIGITS: Final = 20  # as many as an unsigned 64-bit number has: they order as text, as the extension asks


def render(release: Release, sequence: int | None = None) -> bytes:
    """A release as a CloudEvent; `sequence` is its number in the recipient's feed, where it has one."""
    envelope = release.envelope
    event: dict[str, Any] = {
        "specversion": "1.0",
        "type": EVENT_TYPE,
        "source": f"/org/{envelope.originator.org_id}",
        "id": f"{envelope.alert_id}/{envelope.revision}",
        "time": envelope.sent,
        "subject": envelope.alert_id,
        "datacontenttype": "application/json",
        "dataschema": DATA_SCHEMA,
        "partitionkey": envelope.alert_id,
        "correlationid": envelope.context_id,
        "sequence": None if sequence is None else f"{sequence:0{SEQUENCE_DIGITS}d}",
        "expirytime": envelope.expires,
        "dataclassification": envelope.handling.tlp,
        "alertkind": envelope.kind,
        "alertstatus": envelope.status,
        "jws": release.jws,
        "data": envelope.to_dict(),
    }
    return rfc8785.dumps({name: value for name, value in event.items() if value is not None})


def parse(document: bytes) -> Release:
    """The release in a CloudEvent. Only `data` and `jws` count; raises InputError for what is no envelope's event."""
    event = read_json(document)
    if not isinstance(event, dict) or event.get("specversion") != "1.0" or event.get("type") != EVENT_TYPE:
        raise InputError(f"the document is not a CloudEvent 1.0 of type {EVENT_TYPE}")
    if "data" not in event:
        raise InputError("the CloudEvent carries no envelope; it must be in data, as JSON")
    return Release(envelope_of(event["data"]), read_signature(event.get("jws")))


FORMAT: Final = Format(render, parse, "application/cloudevents+json", ".cloudevent.json")
