"""CloudEvents 1.0, structured JSON: the envelope in the log, with what a consumer sorts by before it looks inside.

`data` is the envelope itself, in its canonical bytes (RFC 8785); `jws` is the signature over them. Extension attributes
with a registered meaning (github.com/cloudevents/spec, cloudevents/extensions) keep it: `partitionkey` keeps the
revisions of an alert in order, `correlationid` is the context, `sequence` counts the events of one partner's feed,
`expirytime` ends the event, `dataclassification` is its TLP. Ours are `alertkind` and `alertstatus`, by which a
consumer knows a cancel and an exercise.
"""

from json.encoder import encode_basestring
from typing import Any, Final

from maritime.sharing.canonical import in_bytes
from maritime.sharing.envelope import SCHEMA_VERSION
from maritime.sharing.formats.format import Format
from maritime.sharing.formats.ids import revision_name
from maritime.sharing.release import Release
from maritime.sharing.untrusted import Carried, bounded, read_json

EVENT_TYPE: Final = "org.maritime-watch.envelope.v1"
DATA_SCHEMA: Final = f"urn:maritime-watch:envelope:{SCHEMA_VERSION.partition('.')[0]}"
SEQUENCE_DIGITS: Final = 20  # as many as an unsigned 64-bit number has: they order as text, as the extension asks


def render(release: Release, sequence: int | None = None) -> bytes:
    """A release as a CloudEvent; `sequence` is its number in the recipient's feed, where it has one."""
    envelope = release.envelope
    alert_id = envelope.alert_id
    before = _members(
        ("alertkind", envelope.kind), ("alertstatus", envelope.status), ("correlationid", envelope.context_id)
    )
    after = _members(
        ("dataclassification", envelope.handling.tlp),
        ("datacontenttype", "application/json"),
        ("dataschema", DATA_SCHEMA),
        ("expirytime", envelope.expires),
        ("id", revision_name(alert_id, envelope.revision)),
        ("jws", release.jws),
        ("partitionkey", alert_id),
        ("sequence", None if sequence is None else f"{sequence:0{SEQUENCE_DIGITS}d}"),
        ("source", f"/org/{envelope.originator.org_id}"),
        ("specversion", "1.0"),
        ("subject", alert_id),
        ("time", envelope.sent),
        ("type", EVENT_TYPE),
    )
    return bounded(b'{%b,"data":%b,%b}' % (before, release.canonical(), after))


def _members(*attributes: tuple[str, str | None]) -> bytes:
    """Attributes in canonical JSON, in the order given, which must be the canonical one; None is left out."""
    return in_bytes(
        ",".join([f'"{name}":{encode_basestring(value)}' for name, value in attributes if value is not None])
    )


def carried(event: Any) -> Carried | None:
    """What a CloudEvent carries in `data`, of whatever type: an originator may have its own. None: it is none."""
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        return None
    return Carried.of(event.get("data"), event.get("jws"))


FORMAT: Final = Format("CloudEvent", render, read_json, carried, "application/cloudevents+json", ".cloudevent.json")
