"""Summary: what an envelope says, in plain English lines, for formats whose readers are shown text."""

from maritime.detect.episode import Scalar
from maritime.sharing.envelope import Envelope, Explanation, Handling


def heading(envelope: Envelope) -> str:
    """One line: the headline, or the type where it has none; what is cancelled or not actual says so first."""
    text = envelope.event.headline or envelope.event.type.replace("_", " ").capitalize()
    if envelope.kind == "cancel":
        text = f"Cancelled: {text}"
    return text if envelope.status == "actual" else f"{envelope.status.upper()}: {text}"


def summary(envelope: Envelope) -> str:
    """What is known, a line each; the type alone where nothing is."""
    event, assessment, observed = envelope.event, envelope.assessment, envelope.observed
    lines = [f"Type: {event.type}" + (f" ({event.subtype})" if event.subtype else "")]
    if envelope.status != "actual":
        lines.append(f"Status: {envelope.status}, not an actual event")
    if envelope.kind == "cancel":
        lines.append("This alert is cancelled: what was sent before no longer counts")
    if envelope.area_desc:
        lines.append(f"Where: {envelope.area_desc}")
    if observed:
        lines.append(f"When: {observed.start} to {observed.end}" if observed.end else f"When: since {observed.start}")
    if envelope.safety and envelope.safety.distress:
        lines.append("Distress: " + ", ".join(filter(None, [envelope.safety.beacon, envelope.safety.sar_phase])))
    if assessment:
        scale = f"severity {assessment.severity}, urgency {assessment.urgency}, certainty {assessment.certainty}"
        lines.append(f"Assessed as: {scale}")
        lines.extend(f"Because: {_because(each)}" for each in assessment.explanation)
        lines.extend(f"Caveat: {each}" for each in assessment.caveats)
        if assessment.review:
            by = f" by {assessment.review.role}" if assessment.review.role else ""
            lines.append(f"Review: {assessment.review.state}{by}")
    return "\n".join(lines)


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


def _because(term: Explanation) -> str:
    threshold = "" if term.threshold is None else f" (threshold {_said(term.threshold, term.unit)})"
    return f"{term.feature} {_said(term.value, term.unit)}{threshold}"


def _said(value: Scalar, unit: str | None) -> str:
    """A value with its unit; `1` and `name` are the alert's words for having none."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if unit in (None, "1", "name") else f"{text} {unit}"
