"""Decide: whether a partner may have an envelope, and in what copy. The order is fixed; all else is denied.

Safety, then the guards, then the partner's rules: the first that fits says how the copy is made. Every answer has a
code, which the ledger keeps.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal, NamedTuple

from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from maritime.sharing.cells import cell_of
from maritime.sharing.envelope import TLP_ORDER, Envelope, known
from maritime.sharing.evidence_kinds import EVIDENCE
from maritime.sharing.policy import GROUP, PROTECTORS, SEVERITIES, Candidate, Partner, ReleasePolicy, Rule
from maritime.sharing.prepare import Address
from maritime.sharing.redact import LEAST_KEY_BYTES, bare_geometry, feedback_topic, plain_value, redact
from maritime.times import from_rfc3339
from maritime.units import MINUTE_MS

Outcome = Literal["released", "held", "denied"]
Code = Literal[
    "safety",
    "rule",
    "delayed",
    "not_a_partner",
    "not_actual",
    "dismissed",
    "unreviewed",
    "expired",
    "no_consent",
    "agreement_not_in_force",
    "not_in_rel_to",
    "tlp_above_ceiling",
    "purpose_mismatch",
    "no_retention",
    "protected_persons",
    "no_rule",
    "no_pseudonym_key",
]
"""Why: the first three release or hold, all others deny."""
PERSON_REVIEWED: Final = ("confirmed", "resolved")


class Step(NamedTuple):
    """One look on the way to an answer, in words."""

    what: str
    passed: bool
    said: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `envelope` is the released copy; None where it is held or denied."""

    outcome: Outcome
    code: Code
    rule: str | None = None
    release_at_ms: int | None = None
    envelope: Envelope | None = None
    steps: tuple[Step, ...] = ()


class _Refusal(NamedTuple):
    code: Code
    said: str


@dataclass(frozen=True, slots=True)
class _Case:
    """What the guards look at."""

    envelope: Envelope
    partner: Partner
    recipient: str
    policy: ReleasePolicy
    now_ms: int

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self.now_ms / 1000, UTC).date()

    def targets(self) -> Iterator[str]:
        """By which entries of `rel_to` this recipient is meant: itself, or groups in force that it is a member of."""
        for target in self.envelope.handling.rel_to:
            if target == self.recipient or (target.startswith(GROUP) and self.is_member(target.removeprefix(GROUP))):
                yield target

    def is_member(self, name: str) -> bool:
        """Whether the recipient is in a group that is in force and shares for a purpose of this envelope."""
        group = self.policy.groups.get(name)
        return (
            group is not None
            and self.recipient in group.members
            and self.today <= group.until
            and bool(set(group.purpose) & set(self.envelope.handling.purpose))
        )


def decide(
    envelope: Envelope,
    recipient: str,
    policy: ReleasePolicy,
    *,
    address: Address,
    now_ms: int,
    pseudonym_key: bytes | None = None,
) -> Decision:
    """Whether `recipient` may have `envelope` (the full view) at a time, ms UTC, and the copy it gets."""
    partner = policy.partners.get(recipient)
    if partner is None:
        said = f"'{recipient}' is no partner of {policy.policy} {policy.version}"
        return Decision("denied", "not_a_partner", steps=(Step("partner", False, said),))
    case = _Case(envelope, partner, recipient, policy, now_ms)
    if is_urgent(envelope) and partner.rescue and _protected(case) is None:
        said = "distress or uncertainty: a rescue partner gets all of it, at once"
        return Decision(
            "released", "safety", None, now_ms, urgent_copy(envelope, recipient, address), (_yes("safety", said),)
        )
    steps = [_yes("safety", "no case of it, or no rescue partner")]
    for name, guard in GUARDS:
        refusal = guard(case)
        if refusal is not None:
            return Decision("denied", refusal.code, steps=(*steps, Step(name, False, refusal.said)))
        steps.append(_yes(name, "passed"))
    for candidate in policy.candidates(recipient):
        misfit = _misfit(candidate, case)
        if misfit is None:
            return _by_rule(candidate.rule, case, address, pseudonym_key, tuple(steps))
        steps.append(Step(f"rule {candidate.rule.name}", False, misfit))
    return Decision("denied", "no_rule", steps=(*steps, Step("rules", False, "no rule fits")))


def is_urgent(envelope: Envelope) -> bool:
    """Whether somebody may be in distress, in earnest: then nothing may wait, and nothing be left out."""
    safety = envelope.safety
    return envelope.status == "actual" and safety is not None and (safety.distress or safety.sar_phase is not None)


def urgent_copy(envelope: Envelope, recipient: str, address: Address) -> Envelope:
    """The envelope whole, under the recipient's numbers, without who else has it and what no one here knows."""
    record = known(envelope)
    record["handling"]["rel_to"] = [recipient]
    record["geometry"] = bare_geometry(envelope)
    if envelope.feedback is not None:
        record["feedback"]["topic"] = feedback_topic(recipient)
    record["evidence"] = [
        item | {"value": plain_value(item["value"])} for item in record["evidence"] if item["name"] in EVIDENCE
    ]
    return Envelope.model_validate(record | address.as_fields())


def _by_rule(
    rule: Rule, case: _Case, address: Address, pseudonym_key: bytes | None, steps: tuple[Step, ...]
) -> Decision:
    release_at_ms = from_rfc3339(case.envelope.sent) + round(rule.delay_min * MINUTE_MS)
    if rule.time_step_min is not None:  # when it is told must not say more than what is told
        step_ms = round(rule.time_step_min * MINUTE_MS)
        release_at_ms = -(-release_at_ms // step_ms) * step_ms
    if case.now_ms < release_at_ms:
        said = f"fits, and waits {rule.delay_min:g} min from when it was sent"
        return Decision("held", "delayed", rule.name, release_at_ms, steps=(*steps, _yes(f"rule {rule.name}", said)))
    if rule.pseudonyms and (pseudonym_key is None or len(pseudonym_key) < LEAST_KEY_BYTES):
        said = f"fits, but there is no key of {LEAST_KEY_BYTES} bytes for its pseudonyms"
        return Decision("denied", "no_pseudonym_key", rule.name, steps=(*steps, Step(f"rule {rule.name}", False, said)))
    copy = redact(
        case.envelope,
        rule,
        case.policy,
        case.recipient,
        address=address,
        now_ms=case.now_ms,
        pseudonym_key=pseudonym_key,
    )
    return Decision("released", "rule", rule.name, release_at_ms, copy, (*steps, _yes(f"rule {rule.name}", "fits")))


def _misfit(candidate: Candidate, case: _Case) -> str | None:
    """Why a rule does not fit; None when it does."""
    rule, envelope = candidate.rule, case.envelope
    if candidate.group is None:
        if case.recipient not in envelope.handling.rel_to:
            return "it is shared with groups, not with the partner itself"
    elif f"{GROUP}{candidate.group}" not in list(case.targets()):
        return f"it is not shared with the group {candidate.group} now"
    if rule.types is not None and envelope.event.type not in rule.types:
        return f"{envelope.event.type} is none of its types"
    assessment = envelope.assessment
    severity = assessment.severity if assessment else "Unknown"
    if SEVERITIES.index(severity) < SEVERITIES.index(rule.min_severity):
        return f"severity {severity} is below {rule.min_severity}"
    confidence = assessment.confidence if assessment else None
    if (confidence or 0.0) < rule.min_confidence:
        return f"confidence {confidence} is below {rule.min_confidence:g}"
    if rule.area is not None:
        where, said = _told_position(envelope, rule), "its first position is not"
        if rule.grid_deg is not None:
            said = f"the cell of {rule.grid_deg:g}° that its first position lies in is not wholly"
        if where is None or not case.policy.shapes[rule.area].covers(where):
            return f"{said} in the area {rule.area}"
    return None


def _told_position(envelope: Envelope, rule: Rule) -> BaseGeometry | None:
    """What an area is compared with: the position, or all of its cell where no more may be known than that."""
    point = first_position(envelope)
    return point if point is None or rule.grid_deg is None else cell_of(point.y, point.x, rule.grid_deg).shape()


def first_position(envelope: Envelope) -> Point | None:
    """The position that areas are judged by, on the original: its first place, else a point of its geometry."""
    if envelope.places:
        return Point(envelope.places[0].lon, envelope.places[0].lat)
    if envelope.geometry is None:
        return None
    return shape(envelope.geometry.model_dump()).representative_point()


def _not_actual(case: _Case) -> _Refusal | None:
    status = case.envelope.status
    if status == "actual" or (status == "exercise" and case.partner.exercises):
        return None
    return _Refusal("not_actual", f"its status is {status}")


def _unreviewed(case: _Case) -> _Refusal | None:
    review = case.envelope.assessment.review if case.envelope.assessment else None
    state = review.state if review else "unreviewed"
    if state == "dismissed":
        return _Refusal("dismissed", "a person has dismissed it")
    if state in PERSON_REVIEWED or case.partner.machine_alerts:
        return None
    return _Refusal("unreviewed", "no person has reviewed it, and the partner does not take machine alerts")


def _expired(case: _Case) -> _Refusal | None:
    expires = case.envelope.expires
    if expires is not None and from_rfc3339(expires) > case.now_ms:
        return None
    return _Refusal("expired", f"it expired at {expires}" if expires else "it does not say when it expires")


def _no_consent(case: _Case) -> _Refusal | None:
    """Another originator keeps control of what it sent us."""
    org_id, onward = case.envelope.originator.org_id, case.envelope.handling.onward
    if org_id == case.policy.originator.org_id or onward == "permitted":
        return None
    consents = (
        consent
        for consent in case.policy.consents
        if consent.originator == org_id and case.recipient in consent.partners and case.today <= consent.until
    )
    if onward == "with_consent" and any(consents):
        return None
    return _Refusal("no_consent", f"{org_id}, who made it, has not agreed")


def _not_in_force(case: _Case) -> _Refusal | None:
    agreement = case.partner.agreement
    if agreement.since <= case.today <= agreement.until:
        return None
    return _Refusal("agreement_not_in_force", f"{agreement.reference} is from {agreement.since} to {agreement.until}")


def _not_meant(case: _Case) -> _Refusal | None:
    if any(case.targets()):
        return None
    return _Refusal("not_in_rel_to", "neither the partner nor a group of its that is in force is in rel_to")


def _too_confidential(case: _Case) -> _Refusal | None:
    tlp, ceiling = case.envelope.handling.tlp, case.partner.tlp_ceiling
    if TLP_ORDER.index(tlp) <= TLP_ORDER.index(ceiling):
        return None
    return _Refusal("tlp_above_ceiling", f"{tlp} is above the partner's {ceiling}")


def _other_purpose(case: _Case) -> _Refusal | None:
    if set(case.envelope.handling.purpose) & set(case.partner.mandate):
        return None
    return _Refusal(
        "purpose_mismatch", f"the partner's mandate has none of {', '.join(case.envelope.handling.purpose)}"
    )


def _unbounded(case: _Case) -> _Refusal | None:
    until = case.envelope.handling.retain_until
    if until is not None and from_rfc3339(until) > case.now_ms:
        return None
    return _Refusal(
        "no_retention", f"it was to be purged at {until}" if until else "it does not say until when it is kept"
    )


def _protected(case: _Case) -> _Refusal | None:
    """Protected people are told of to those who protect, and never where they fled from, or where that is not known."""
    protected = case.envelope.handling.protected_persons
    if protected is None:
        return None
    if not set(case.partner.mandate) & PROTECTORS:
        return _Refusal("protected_persons", "protected people are on board, and to protect is not its mandate")
    if case.partner.country in protected.countries_of_origin:
        return _Refusal("protected_persons", f"protected people on board come from {case.partner.country}")
    if not protected.countries_of_origin and not is_urgent(case.envelope):
        return _Refusal("protected_persons", "protected people are on board, and where they come from is not known")
    return None


GUARDS: Final[tuple[tuple[str, Callable[[_Case], _Refusal | None]], ...]] = (
    ("status", _not_actual),
    ("review", _unreviewed),
    ("expiry", _expired),
    ("consent", _no_consent),
    ("agreement", _not_in_force),
    ("rel_to", _not_meant),
    ("tlp", _too_confidential),
    ("purpose", _other_purpose),
    ("retention", _unbounded),
    ("protected persons", _protected),
)
"""What every release must pass, in this order."""


def _yes(what: str, said: str) -> Step:
    return Step(what, True, said)
