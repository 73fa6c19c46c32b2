"""Summary: what an envelope says, in plain English lines, for formats whose readers are shown text."""

from typing import Any

from maritime.detect.episode import Scalar
from maritime.sharing.canonical import in_text
from maritime.sharing.envelope import Envelope, Explanation, Handling
from maritime.sharing.wording import is_distress, one_line


def summary(envelope: Envelope) -> str:
    """What is known, a line each, so that no text can pretend to be another line; the type alone where nothing is."""
    event, assessment, observed, safety = envelope.event, envelope.assessment, envelope.observed, envelope.safety
    lines = [f"Type: {event.type}" + (f" ({event.subtype})" if event.subtype else "")]
    if envelope.status != "actual":
        lines.append(f"Status: {envelope.status}, not an actual event")
    if envelope.kind == "cancel":
        lines.append("This alert is cancelled: what was sent before no longer counts")
    if envelope.area_desc:
        lines.append(f"Where: {envelope.area_desc}")
    if observed:
        lines.append(f"When: {observed.start} to {observed.end}" if observed.end else f"When: since {observed.start}")
    if is_distress(envelope):
        lines.append(", ".join(["Distress", *filter(None, [safety.beacon, safety.sar_phase] if safety else [])]))
    if assessment:
        scale = f"severity {assessment.severity}, urgency {assessment.urgency}, certainty {assessment.certainty}"
        lines.append(f"Assessed as: {scale}")
        lines.extend(f"Because: {because(each)}" for each in assessment.explanation)
        lines.extend(f"Caveat: {each}" for each in assessment.caveats)
        if assessment.review:
            by = f" by {assessment.review.role}" if assessment.review.role else ""
            lines.append(f"Review: {assessment.review.state}{by}")
    return "\n".join(map(one_line, lines))


def because(term: Explanation) -> str:
    """A term of the explanation, as `place 50 km (threshold 3 km)`."""
    threshold = "" if term.threshold is None else f" (threshold {_measured(term.threshold, term.unit)})"
    return f"{term.feature} {_measured(term.value, term.unit)}{threshold}"


def terms(handling: Handling) -> str:
    """How it may be used, in one line."""
    parts = [
        f"for {', '.join(handling.purpose)}",
        f"onward sharing: {handling.onward.replace('_', ' ')}",
        f"personal data: {'yes' if handling.personal_data else 'no'}",
    ]
    if handling.rel_to:
        parts.insert(0, f"released to {', '.join(handling.rel_to)}")
    if handling.retain_until:
        parts.append(f"delete by {handling.retain_until}")
    text = "; ".join(parts)
    return text[0].upper() + text[1:]


def told_at(record: Any, path: str) -> str | float | bool | None:
    """A field of an envelope's JSON by path, as `assessment.caveats`: lists as one text, None where it is absent."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return "; ".join(record) if isinstance(record, list) else record


def _measured(value: Scalar, unit: str | None) -> str:
    """A value with its unit; `1` and `name` are the alert's words for having none."""
    text = "unknown" if value is None else in_text(value)
    return text if unit in (None, "1", "name") else f"{text} {unit}"
