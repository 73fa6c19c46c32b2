"""Prepare: from an alert to its envelope, the originator's own full view, with the marks that the policy sets."""

from dataclasses import dataclass
from typing import Any, Final

from maritime.ais.flags import flag_of
from maritime.alerts.alert import Alert, plain, rounded
from maritime.detect.episode import Severity
from maritime.sharing.envelope import (
    CapSeverity,
    Envelope,
    Kind,
    Status,
    offset_time,
)
from maritime.sharing.evidence_kinds import EVIDENCE
from maritime.sharing.human_review import HumanReview
from maritime.sharing.policy import Mark, ReleasePolicy
from maritime.sharing.wording import headline_and_area
from maritime.times import from_rfc3339
from maritime.units import DAY_MS, HOUR_MS

CAP_SEVERITY: Final[dict[Severity, CapSeverity]] = {
    "minor": "Minor",
    "moderate": "Moderate",
    "severe": "Severe",
    "extreme": "Extreme",
}
NATURE: Final = {"distress_beacon": "distress", "feed_stale": "sensor", "reception_outage": "sensor"}
LIKELY: Final = 0.5  # CAP 1.2 §3.2.2.4: "Likely" is more probable than not
SMALL_CRAFT_M: Final = 24.0  # chosen: below it a craft is mostly one person's or a family's, and its track is theirs
AIS_RELIABILITY: Final = "C"  # AJP-2.1: fairly reliable; transmitters state their own identity and position
POSITION_ERROR_M: Final = 30.0  # chosen: AIS says 10 m at best (ITU-R M.1371-5, position accuracy), antenna aside


@dataclass(frozen=True, slots=True)
class Address:
    """By which numbers a recipient knows one revision of an alert. None of them tells anything about it."""

    alert_id: str  # UUIDv4
    revision: int
    kind: Kind
    references: tuple[str, ...] = ()
    context_id: str | None = None

    def as_fields(self) -> dict[str, Any]:
        """The fields of an envelope that it fills."""
        return {
            "alert_id": self.alert_id,
            "revision": self.revision,
            "kind": self.kind,
            "references": list(self.references),
            "context_id": self.context_id,
        }


@dataclass(frozen=True, slots=True)
class VesselFacts:
    """What static reports say of the vessel; None is unknown."""

    imo: int | None = None
    name: str | None = None
    call_sign: str | None = None
    ship_type: int | None = None
    length_m: float | None = None


def prepare(
    alert: Alert,
    policy: ReleasePolicy,
    *,
    status: Status,
    sent_ms: int,
    address: Address,
    facts: VesselFacts | None = None,
    review: HumanReview | None = None,
    words: bool = True,
) -> Envelope | None:
    """The envelope of an alert; None where the policy has no mark for its type, so that it cannot be shared at all.

    `review` is what stands of what people have said of it. An offence that they named counts for behaviour alone.
    Without `words` it has neither headline nor description of the area: copies get their own.
    """
    mark = policy.mark_of(alert.type)
    if mark is None:
        return None
    facts = facts or VesselFacts()
    record: dict[str, Any] = {
        **address.as_fields(),
        "kind": "cancel" if alert.state == "retracted" else address.kind,
        "status": status,
        "originator": policy.originator,
        "sent": offset_time(sent_ms),
        "expires": offset_time(sent_ms + round(mark.expires_h * HOUR_MS)),
        "observed": {
            "start": offset_time(alert.started_ms),
            "end": None if alert.ended_ms is None else offset_time(alert.ended_ms),
        },
        "event": _event(alert, review),
        "assessment": _assessment(alert, review),
        "vessels": _vessels(alert, facts),
        "geometry": alert.geometry,
        "places": _places(alert),
        "position_uncertainty_m": None if alert.lat is None else POSITION_ERROR_M,
        "safety": _safety(alert),
        "handling": _handling(alert, facts, mark, policy, sent_ms, review),
        "evidence": [
            {"name": name, "value": _flat(value), "unit": EVIDENCE[name].unit if name in EVIDENCE else None}
            for name, value in plain(alert.evidence).items()
            if name != "safety" and value is not None
        ],
    }
    envelope = Envelope.model_validate(record)
    return worded(envelope) if words else envelope


def worded(envelope: Envelope) -> Envelope:
    """The envelope with headline and description of the area written from its other fields, and from nothing else."""
    headline, area_desc = headline_and_area(envelope)
    event = envelope.event.model_copy(update={"headline": headline})
    return envelope.model_copy(update={"event": event, "area_desc": area_desc})


def _flat(value: Any) -> Any:
    """Evidence as a scalar or a list of them: rows of a table become their cells with spaces between."""
    if isinstance(value, list):
        return [" ".join(map(str, each.values())) if isinstance(each, dict) else each for each in value]
    return value


def _event(alert: Alert, review: HumanReview | None) -> dict[str, Any]:
    offence = review.named_offence if review else None
    if offence is not None and alert.type not in NATURE:
        return {"type": alert.type, "nature": "offence", "subtype": offence}
    return {"type": alert.type, "nature": NATURE.get(alert.type, "behaviour")}


def _assessment(alert: Alert, review: HumanReview | None) -> dict[str, Any]:
    phase = (alert.evidence.get("safety") or {}).get("sar_phase")
    urgency = "Immediate" if phase == "distress" else "Expected" if alert.state == "open" else "Past"
    likely = "Observed" if phase == "distress" else "Likely" if alert.confidence > LIKELY else "Possible"
    return {
        "severity": CAP_SEVERITY[alert.severity],
        "urgency": urgency,
        "certainty": likely,
        "confidence": rounded(alert.confidence),
        "source_reliability": AIS_RELIABILITY,
        "explanation": [
            {"feature": r.term, "value": rounded(r.value), "threshold": rounded(r.threshold), "unit": r.unit}
            for r in alert.reasons
        ],
        "detector": {
            "name": alert.detector.name,
            "version": alert.detector.version,
            "config_sha256": alert.detector.config_sha256,
        },
        "review": {"state": review.state, "role": review.role, "at": review.at} if review else {"state": "unreviewed"},
        "caveats": list(review.caveats) if review else [],
    }


def _vessels(alert: Alert, facts: VesselFacts) -> list[dict[str, Any]]:
    if not alert.mmsi:
        return []
    return [
        {
            "mmsi": alert.mmsi,
            "imo": facts.imo,
            "name": facts.name,
            "call_sign": facts.call_sign,
            "flag": flag_of(alert.mmsi),
            "ship_type": facts.ship_type or alert.evidence.get("ship_type") or None,
            "length_m": facts.length_m or alert.evidence.get("length_m") or None,
            "role": "subject",
        }
    ]


def _places(alert: Alert) -> list[dict[str, Any]]:
    if alert.lat is None or alert.lon is None:
        return []
    evidence = alert.evidence
    role = {"dark_period": "last_report", "unusual_landing": "stop"}.get(alert.type, "position")
    first = {
        "role": role,
        "at": offset_time(alert.started_ms),
        "lat": rounded(alert.lat),
        "lon": rounded(alert.lon),
        "sog_kn": evidence.get("last_sog_kn"),
        "cog_deg": _course(evidence.get("last_cog_deg")),
    }
    if evidence.get("reappeared_lat") is None or evidence.get("reappeared_lon") is None:
        return [first]
    back = {
        "role": "next_report",
        "at": offset_time(from_rfc3339(str(evidence["reappeared_at"]))),
        "lat": evidence["reappeared_lat"],
        "lon": evidence["reappeared_lon"],
        "sog_kn": evidence.get("reappeared_sog_kn"),
    }
    return [first, back]


def _course(cog_deg: float | None) -> float | None:
    return None if cog_deg is None else cog_deg % 360.0


def _safety(alert: Alert) -> dict[str, Any] | None:
    told = alert.evidence.get("safety")
    return {"distress": False, "beacon": None, "sar_phase": None} | told if told else None


def _handling(
    alert: Alert, facts: VesselFacts, mark: Mark, policy: ReleasePolicy, sent_ms: int, review: HumanReview | None
) -> dict[str, Any]:
    length_m = facts.length_m or alert.evidence.get("length_m")
    is_small = length_m is None or length_m < SMALL_CRAFT_M
    is_personal = alert.mmsi != 0 and (alert.evidence.get("transceiver") == "B" or is_small or facts.imo is None)
    if review is not None and review.personal_data is not None:
        is_personal = review.personal_data
    protected = {"countries_of_origin": list(review.countries_of_origin)} if review and review.protected else None
    return {
        "tlp": mark.tlp,
        "purpose": list(mark.purpose),
        "rel_to": list(mark.rel_to),
        "onward": mark.onward,
        "personal_data": is_personal,
        "protected_persons": protected,
        "retain_until": offset_time(sent_ms + round(mark.retain_days * DAY_MS)),
        "policy": {"name": policy.policy, "version": policy.version},
    }
