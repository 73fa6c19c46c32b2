"""Merge: reports of one event from several originators, side by side. It never hides who said what.

Reports with one `context_id` are of one event; so are those of contexts that a person has joined. Values that agree
stand once with all who gave them, those that do not stand beside each other. Confidences are not made into one: whether
their sources are independent is not known. The handling is the strictest of all parts.

A merged event is made from a set of reports, the newest revision of each: the order in which they came, and that one
came twice, cannot matter. A cancel takes its part out.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from maritime.alerts.schema import Share
from maritime.sharing.envelope import CapSeverity, Envelope, Handling, Observed, Status, Time
from maritime.sharing.intake import Standing
from maritime.sharing.policy import GROUP, SEVERITIES
from maritime.sharing.strictest import JointHandling, strictest
from maritime.times import from_rfc3339


class Source(NamedTuple):
    """By whom and under which id a report was made."""

    originator: str
    alert_id: str
    standing: Standing

    @property
    def said(self) -> str:
        """The originator, marked where nobody vouches that it is the one."""
        return f"{self.originator} (unverified)" if self.standing == "unverified" else self.originator


class Report(NamedTuple):
    """A revision of somebody's report of an event; `context_id` is that of the store where the revision has none."""

    source: Source
    context_id: str
    envelope: Envelope

    @property
    def rank(self) -> tuple[int, bytes]:
        """Of two of one source the higher counts; the bytes decide where one revision came in two forms."""
        return self.envelope.revision, self.envelope.canonical()


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(_Part):
    """One report in the event."""

    originator: str
    alert_id: str
    standing: Standing
    context_id: str
    revision: int
    sent: Time
    withdrawn: bool = Field(description="whether its originator has cancelled it; then nothing of it is told below")


class Said(_Part):
    """A value, and the originators that gave it."""

    value: Any
    by: list[str]


class FieldSaid(_Part):
    """A field of the envelope with all that is said of it."""

    name: str
    agreed: bool = Field(description="whether all that say anything of it say the same")
    values: list[Said]


class Where(_Part):
    """Where one originator has it."""

    originator: str
    alert_id: str
    geometry: dict[str, Any]
    position_uncertainty_m: float | None


class Confidence(_Part):
    """How sure one originator is."""

    originator: str
    alert_id: str
    confidence: Share


class Severity(_Part):
    """The highest severity that anyone gives, and who does."""

    value: CapSeverity
    by: list[str]


class MergedEvent(_Part):
    """Reports of one event. Nothing in it is anybody's alone that does not say whose it is."""

    contexts: list[str] = Field(description="several where a person has joined them")
    status: Status
    originators: list[str]
    reports: list[Part]
    observed: Observed | None = Field(description="from the earliest start to the latest end; null: no part says")
    severity: Severity | None
    fields: list[FieldSaid]
    whereabouts: list[Where]
    confidences: list[Confidence] = Field(description="of each part; they are not made into one")
    handling: JointHandling | None = Field(description="null: every part was withdrawn")
    may_be_shared: bool = Field(description="whether all parts leave anyone who may have it")


def newest(reports: Iterable[Report]) -> dict[tuple[Source, Status], Report]:
    """Of each report the newest revision; one in earnest and one of an exercise are two."""
    found: dict[tuple[Source, Status], Report] = {}
    for report in reports:
        key = report.source, report.envelope.status
        if key not in found or found[key].rank < report.rank:
            found[key] = report
    return found


def merge(reports: Iterable[Report]) -> MergedEvent:
    """The reports of one event and status as one view. Raises ValueError for none, and for several statuses."""
    parts = sorted(newest(reports).values(), key=lambda report: report.source)
    statuses = {report.envelope.status for report in parts}
    if len(statuses) != 1:
        raise ValueError(f"reports of one event and one status are merged, not of {sorted(statuses)}")
    (status,) = statuses
    standing = [report for report in parts if report.envelope.kind != "cancel"]
    handling = strictest([_handling(report) for report in standing]) if standing else None
    return MergedEvent(
        contexts=sorted({report.context_id for report in parts}),
        status=status,
        originators=sorted({report.source.said for report in parts}),
        reports=[_part(report) for report in parts],
        observed=_span(standing),
        severity=_severity(standing),
        fields=_fields(standing),
        whereabouts=[where for report in standing if (where := _where(report)) is not None],
        confidences=[each for report in standing if (each := _confidence(report)) is not None],
        handling=handling,
        may_be_shared=handling is not None and handling.may_be_shared and all(map(_may_go_on, standing)),
    )


def _handling(report: Report) -> Handling:
    """The handling of a part; groups that another originator names are not ours of the same name."""
    handling = report.envelope.handling
    if report.source.standing == "own":
        return handling
    named = [target for target in handling.rel_to if not target.startswith(GROUP)]
    return handling.model_copy(update={"rel_to": named})


def _may_go_on(report: Report) -> bool:
    """Whether its originator leaves it to us at all; what is our own we may share."""
    if report.source.standing == "own":
        return True
    return report.source.standing == "verified" and report.envelope.handling.onward != "originator_only"


def _part(report: Report) -> Part:
    envelope = report.envelope
    return Part(
        originator=report.source.said,
        alert_id=report.source.alert_id,
        standing=report.source.standing,
        context_id=report.context_id,
        revision=envelope.revision,
        sent=envelope.sent,
        withdrawn=envelope.kind == "cancel",
    )


def _span(reports: list[Report]) -> Observed | None:
    """From the first start to the last end; while it lasts for one, it lasts."""
    told = [report.envelope.observed for report in reports if report.envelope.observed is not None]
    if not told:
        return None
    ends = [each.end for each in told if each.end is not None]
    return Observed(
        start=min((each.start for each in told), key=from_rfc3339),
        end=max(ends, key=from_rfc3339) if len(ends) == len(told) else None,
    )


def _severity(reports: list[Report]) -> Severity | None:
    told = [
        (report.envelope.assessment.severity, report.source.said)
        for report in reports
        if report.envelope.assessment is not None
    ]
    if not told:
        return None
    highest = max((severity for severity, _ in told), key=SEVERITIES.index)
    return Severity(value=highest, by=sorted({who for severity, who in told if severity == highest}))


def _where(report: Report) -> Where | None:
    envelope = report.envelope
    points = [[place.lon, place.lat] for place in envelope.places]
    geometry: dict[str, Any] | None = {"type": "MultiPoint", "coordinates": points} if points else None
    if envelope.geometry is not None:
        geometry = envelope.geometry.model_dump(mode="json")
    if geometry is None:
        return None
    return Where(
        originator=report.source.said,
        alert_id=report.source.alert_id,
        geometry=geometry,
        position_uncertainty_m=envelope.position_uncertainty_m,
    )


def _confidence(report: Report) -> Confidence | None:
    assessment = report.envelope.assessment
    if assessment is None or assessment.confidence is None:
        return None
    source = report.source
    return Confidence(originator=source.said, alert_id=source.alert_id, confidence=assessment.confidence)


def _fields(reports: list[Report]) -> list[FieldSaid]:
    said: dict[str, dict[str, tuple[Any, set[str]]]] = {}
    for report in reports:
        for name, value in _told(report.envelope).items():
            _, by = said.setdefault(name, {}).setdefault(json.dumps(value, sort_keys=True), (value, set()))
            by.add(report.source.said)
    return [
        FieldSaid(
            name=name,
            agreed=len(values) == 1,
            values=[Said(value=value, by=sorted(by)) for _, (value, by) in sorted(values.items())],
        )
        for name, values in sorted(said.items())
    ]


def _told(envelope: Envelope) -> dict[str, Any]:
    """What a report says of the event, by field; vessels by their role and place in the list, evidence by its name."""
    event, assessment = envelope.event, envelope.assessment
    told: dict[str, Any] = {f"event.{name}": getattr(event, name) for name in ("type", "subtype", "nature")}
    if assessment is not None:
        plain = ("urgency", "certainty", "source_reliability", "information_credibility")
        told |= {f"assessment.{name}": getattr(assessment, name) for name in plain}
        told["assessment.review"] = assessment.review.state if assessment.review else None
    if envelope.safety is not None:
        told |= {f"safety.{name}": getattr(envelope.safety, name) for name in ("distress", "beacon", "sar_phase")}
    told |= _vessels(envelope)
    told |= {f"evidence.{item.name}": item.value for item in envelope.evidence}
    return {name: value for name, value in told.items() if value is not None}


def _vessels(envelope: Envelope) -> Mapping[str, Any]:
    """Pseudonyms are left out: they are one originator's, and can neither agree with another's nor not."""
    told = {}
    numbers: dict[str, int] = {}
    for vessel in envelope.vessels:
        number = numbers[vessel.role] = numbers.get(vessel.role, 0) + 1
        place = vessel.role if number == 1 else f"{vessel.role}.{number}"
        for name in ("mmsi", "imo", "name", "call_sign", "flag", "ship_type", "length_m"):
            told[f"vessels.{place}.{name}"] = getattr(vessel, name)
    return told
