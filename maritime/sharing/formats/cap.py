"""CAP: a release as a message of the Common Alerting Protocol 1.2 (OASIS), with one `info` for each language.

`<resource>` carries the envelope and its signature (`<derefUri>`). The standard allows that where every direct client
can read it, and asks who passes a message on over the Internet to take it out: what is left is a plain CAP message.
The schema does not say which elements need one another; this file does. Times lose their milliseconds, which CAP
does not know, and positions keep six decimals (0.1 m).
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

from lxml import etree

from maritime.errors import InputError, UsageError
from maritime.sharing.canonical import in_text
from maritime.sharing.envelope import Envelope, Handling, Reference
from maritime.sharing.formats.format import Format
from maritime.sharing.formats.ids import revision_name
from maritime.sharing.formats.xml_tree import add, add_known, read_xml, to_xml
from maritime.sharing.release import Release
from maritime.sharing.shapes import Position, Ring
from maritime.sharing.untrusted import Carried, attached
from maritime.sharing.wording import LANGUAGES, area_desc, event_name, headline, is_distress, one_line

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
EVENT_CODES: Final = "MARITIME-WATCH"
"""Domain of the event code: the envelope's own type of event."""
ENVELOPE_URI: Final = "envelope.json"
SIGNATURE_URI: Final = "envelope.json.jws"

CAP_WORDS: Final = ("urgency", "severity", "certainty")
MESSAGE_TYPE: Final = {"alert": "Alert", "update": "Update", "cancel": "Cancel"}
CATEGORY: Final = {"behaviour": "Transport", "distress": "Rescue", "sensor": "Infra", "offence": "Security"}


def render(release: Release, languages: Sequence[str] = LANGUAGES) -> bytes:
    """The message in some languages, the first of which carries the envelope.

    An update that names no earlier message (`references`) is an `Alert`, because CAP has none without. Raises
    InputError for a cancel that names none, UsageError for no language or one without texts.
    """
    if not languages:
        raise UsageError(f"a CAP message needs a language; name one of {', '.join(LANGUAGES)}")
    envelope = release.envelope
    alert = etree.XML(f'<alert xmlns="{NAMESPACE}"/>')
    _address(alert, envelope)
    parameters, polygons, circles = list(_parameters(envelope)), *_areas(envelope)
    for number, language in enumerate(languages):
        info = add(alert, _tag("info"))
        _describe(info, envelope, language)
        for name, value in parameters:
            _pair(info, "parameter", name, value)
        if number == 0:
            _attach(info, ENVELOPE_URI, "application/json", "envelope", envelope.canonical())
            if release.jws is not None:
                _attach(info, SIGNATURE_URI, "application/jose", "signature of the envelope", release.jws.encode())
        if polygons or circles:
            area = add(info, _tag("area"))
            _add(area, "areaDesc", area_desc(envelope, language))
            for polygon in polygons:
                _add(area, "polygon", polygon)
            for circle in circles:
                _add(area, "circle", circle)
    return to_xml(alert)


def references(envelope: Envelope) -> list[str]:
    """The earlier messages, as CAP names them: `sender,identifier,sent`."""
    earlier = map(Reference.parse, envelope.references)
    return [
        f"{envelope.originator.org_id},{revision_name(each.alert_id, each.revision)},{_seconds(each.sent)}"
        for each in earlier
    ]


def scope(handling: Handling) -> str:
    """Private to its recipients where only the originator may pass it on, else restricted; never for everyone."""
    private = handling.onward == "originator_only" and any(map(one_line, handling.rel_to))
    return "Private" if private else "Restricted"


def carried(alert: etree._Element) -> Carried | None:
    """What a message carries in its resources; None when it is none."""
    if alert.tag != _tag("alert"):
        return None
    return Carried.embedded(_attached(alert, ENVELOPE_URI), _attached(alert, SIGNATURE_URI))


FORMAT: Final = Format("CAP 1.2 message", render, read_xml, carried, "application/cap+xml", ".cap.xml")


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: etree._Element, name: str, text: str | None) -> None:
    add_known(parent, _tag(name), text)


def _pair(parent: etree._Element, name: str, value_name: str, value: str) -> None:
    if one_line(value):
        pair = add(parent, _tag(name))
        _add(pair, "valueName", value_name)
        _add(pair, "value", value)


def _address(alert: etree._Element, envelope: Envelope) -> None:
    """The elements before the first info, in the order of the schema."""
    earlier, handling = references(envelope), envelope.handling
    detector = envelope.assessment.detector if envelope.assessment else None
    if envelope.kind == "cancel" and not earlier:
        raise InputError(f"cancel {envelope.alert_id} names no earlier message in references, so CAP cannot say it")
    recipients = [_quoted(each) for each in handling.rel_to if one_line(each)]
    _add(alert, "identifier", revision_name(envelope.alert_id, envelope.revision))
    _add(alert, "sender", envelope.originator.org_id)
    _add(alert, "sent", _seconds(envelope.sent))
    _add(alert, "status", envelope.status.capitalize())
    _add(alert, "msgType", MESSAGE_TYPE[envelope.kind] if earlier else "Alert")
    _add(alert, "source", f"{detector.name} {detector.version}" if detector else None)
    _add(alert, "scope", scope(handling))
    _add(alert, "restriction", "; ".join(_rules(handling)) if scope(handling) == "Restricted" else None)
    _add(alert, "addresses", " ".join(recipients))
    for code in _rules(handling):
        _add(alert, "code", code)
    _add(alert, "references", " ".join(earlier))
    _add(alert, "incidents", envelope.context_id)


def _describe(info: etree._Element, envelope: Envelope, language: str) -> None:
    """The elements of an info before its parameters, in the order of the schema."""
    assessment = envelope.assessment
    _add(info, "language", language)
    _add(info, "category", "Rescue" if is_distress(envelope) else CATEGORY[envelope.event.nature])
    _add(info, "event", event_name(envelope, language))
    _add(info, "urgency", assessment.urgency if assessment else "Unknown")
    _add(info, "severity", assessment.severity if assessment else "Unknown")
    _add(info, "certainty", assessment.certainty if assessment else "Unknown")
    _pair(info, "eventCode", EVENT_CODES, envelope.event.type)
    _add(info, "onset", _seconds(envelope.observed.start) if envelope.observed else None)
    _add(info, "expires", _seconds(envelope.expires) if envelope.expires else None)
    _add(info, "senderName", envelope.originator.name)
    _add(info, "headline", headline(envelope, language))
    _add(info, "contact", envelope.originator.contact)


def _rules(handling: Handling) -> list[str]:
    """How it may be used, as codes: the words are the envelope's."""
    purposes = [f"purpose:{purpose}" for purpose in handling.purpose]
    retention = [f"retain-until:{handling.retain_until}"] if handling.retain_until else []
    personal = ["personal-data"] if handling.personal_data else []
    return [handling.tlp, *purposes, f"onward:{handling.onward}", *personal, *retention]


def _parameters(envelope: Envelope) -> Iterator[tuple[str, str]]:
    """What CAP has no element for, by the names that it has in the envelope; one for each item of a list."""
    record: dict[str, Any] = envelope.to_dict()
    assessed = {name: value for name, value in record.get("assessment", {}).items() if name not in CAP_WORDS}
    rest = {name: record.get(name) for name in ("vessels", "places", "position_uncertainty_m", "safety", "evidence")}
    seen = {"subtype": record["event"].get("subtype"), "observed_end": record.get("observed", {}).get("end")}
    for name, value in {**seen, **rest, **assessed, "feedback": record.get("feedback")}.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                yield name, _said(each)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_said(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    return in_text(value)


def _areas(envelope: Envelope) -> tuple[list[str], list[str]]:
    """Polygons and circles. A point is a circle as wide as it is uncertain, a line the circles of its vertices."""
    shapes = envelope.shapes()
    radius_km = _number((envelope.position_uncertainty_m or 0.0) / 1000)
    rings = chain.from_iterable(_without_holes(polygon) for polygon in shapes.polygons)
    polygons = [" ".join(map(_pair_of, ring)) for ring in rings]
    return polygons, [f"{_pair_of(point)} {radius_km}" for point in shapes.points]


def _without_holes(rings: list[Ring]) -> list[Ring]:
    """Rings that cover the same area; CAP knows no holes, so the area is cut along a meridian through each of them.

    An area whose ring crosses itself keeps its outline: it is told too large rather than not at all.
    """
    if len(rings) == 1:
        return [rings[0]]
    from shapely.geometry import Polygon, box

    whole = Polygon(rings[0], rings[1:])
    if not whole.is_valid:
        return [rings[0]]
    pieces, done = [whole], []
    while pieces:
        piece = pieces.pop()
        if not piece.interiors:
            done.append([(lon, lat) for lon, lat in piece.exterior.coords])
            continue
        west, south, east, north = piece.bounds
        middles = sorted((hole.bounds[0] + hole.bounds[2]) / 2 for hole in piece.interiors)
        middle = middles[len(middles) // 2]
        for side in (box(west, south, middle, north), box(middle, south, east, north)):
            cut = piece.intersection(side)
            pieces += [part for part in getattr(cut, "geoms", [cut]) if part.geom_type == "Polygon"]
    return done


def _attach(info: etree._Element, uri: str, media_type: str, what: str, content: bytes) -> None:
    resource = add(info, _tag("resource"))
    _add(resource, "resourceDesc", what)
    _add(resource, "mimeType", media_type)
    _add(resource, "size", str(len(content)))
    _add(resource, "uri", uri)
    _add(resource, "derefUri", base64.b64encode(content).decode())
    _add(resource, "digest", _digest(content))


def _attached(alert: etree._Element, uri: str) -> bytes | None:
    """The content of the resource of that name; None when there is none."""
    resources = [each for each in alert.iterfind(f"{_tag('info')}/{_tag('resource')}") if _text(each, "uri") == uri]
    content = attached([_text(each, "derefUri") for each in resources], uri)
    digest = _text(resources[0], "digest") if resources else None
    if content is not None and digest and digest.lower() != _digest(content):
        raise InputError(f"the attachment '{uri}' was damaged on its way: it has another digest; ask for it again")
    return content


def _text(parent: etree._Element, name: str) -> str:
    return (parent.findtext(_tag(name)) or "").strip()


def _digest(content: bytes) -> str:
    """SHA-1, as CAP 1.2 §3.2.3 asks: it finds damage; against changes there is the signature."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _quoted(address: str) -> str:
    plain = one_line(address).replace('"', "'")
    return f'"{plain}"' if " " in plain else plain


def _seconds(time: str) -> str:
    """A time as CAP has it: without fractions."""
    return f"{time[:19]}+00:00"


def _pair_of(position: Position) -> str:
    lon, lat = position
    return f"{_number(lat)},{_number(lon)}"


def _number(value: float) -> str:
    """Without exponent, and without zeros that say nothing."""
    return f"{round(value, 6) + 0.0:.6f}".rstrip("0").rstrip(".")
