"""Decide: whether a partner may have an envelope, and in what copy. The order is fixed; all else is denied.

Safety, then the guards, then the partner's rules: the first that fits says how the copy is made. Every answer has a
code, which the ledger keeps.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from shapely import intersects_xy
from shapely.geometry import shape

from maritime.sharing.cells import cell_of
from maritime.sharing.envelope import TLP_ORDER, WATCH_REQUEST, Envelope, Kind, bare, known
from maritime.sharing.evidence_kinds import EVIDENCE
from maritime.sharing.policy import GROUP, PROTECTORS, SEVERITIES, Candidate, Partner, ReleasePolicy, Rule, Terms
from maritime.sharing.prepare import Address, worded
from maritime.sharing.redact import LEAST_KEY_BYTES, Cut, bare_geometry, feedback_topic, plain_value
from maritime.sharing.scribe import Scribe
from maritime.sharing.shapes import Position
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
    "unverified",
    "withdrawn",
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


class Decision(NamedTuple):
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


class _Asked(NamedTuple):
    """What the guards look at: a case, and for whom it is asked."""

    case: "Case"
    envelope: Envelope
    policy: ReleasePolicy
    partner: Partner
    recipient: str
    is_kept: bool

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
            and self.case.today <= group.until
            and bool(set(group.purpose) & set(self.envelope.handling.purpose))
        )


class Rulebook:
    """The rules of a policy by partner, with what each says of the copy: worked out once, for many envelopes."""

    def __init__(self, policy: ReleasePolicy) -> None:
        self.policy = policy
        self._rules: dict[str, list[tuple[Candidate, Terms]]] = {}  # by partner

    def rules(self, partner: str) -> list[tuple[Candidate, Terms]]:
        """The rules that may fit for a partner, in the order in which they are tried."""
        if partner not in self._rules:
            self._rules[partner] = [(each, self.policy.terms(each.rule)) for each in self.policy.candidates(partner)]
        return self._rules[partner]


class Case:
    """An envelope (the full view) before a policy at a time, ms UTC: who may have it, and the copy each gets.

    Whatever does not depend on who asks is worked out once; nothing else is shared between recipients.
    """

    def __init__(self, envelope: Envelope, rulebook: Rulebook, now_ms: int) -> None:
        self.envelope, self.policy, self.now_ms = envelope, rulebook.policy, now_ms
        self.is_urgent = is_urgent(envelope)
        self.today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
        self.sent_ms = from_rfc3339(envelope.sent)
        self.is_over = _has_come(envelope.expires, now_ms)
        self.is_to_be_purged = _has_come(envelope.handling.retain_until, now_ms)
        self._rulebook = rulebook
        self._cuts: dict[tuple[Terms, Kind, bytes | None], Cut] = {}
        self._inside: dict[tuple[str, float | None], bool] = {}  # by area and grid
        self._scribe = Scribe()

    def decide(
        self, recipient: str, *, address: Address, pseudonym_key: bytes | None = None, is_kept: bool = False
    ) -> Decision:
        """Whether `recipient` may have it, and its copy. Of what is kept already it does not count that it is over."""
        partner = self.policy.partners.get(recipient)
        if partner is None:
            said = f"'{recipient}' is no partner of {self.policy.policy} {self.policy.version}"
            return Decision("denied", "not_a_partner", steps=(Step("partner", False, said),))
        asked = _Asked(self, self.envelope, self.policy, partner, recipient, is_kept)
        if partner.rescue and self.is_urgent and _protected(asked) is None:
            said = "distress or uncertainty: a rescue partner gets all of it, at once"
            copy = urgent_copy(_with_words(self.envelope), recipient, address)
            return Decision("released", "safety", None, self.now_ms, copy, (_yes("safety", said),))
        for i, (name, guard) in enumerate(GUARDS):
            refusal = guard(asked)
            if refusal is not None:
                return Decision("denied", refusal.code, steps=(*PASSED[: i + 1], Step(name, False, refusal.said)))
        steps = [*PASSED]
        for candidate, terms in self._rulebook.rules(recipient):
            misfit = _misfit(candidate, asked)
            if misfit is None:
                return self._by_rule(candidate.rule, terms, asked, address, pseudonym_key, tuple(steps))
            steps.append(Step(f"rule {candidate.rule.name}", False, misfit))
        return Decision("denied", "no_rule", steps=(*steps, Step("rules", False, "no rule fits")))

    def canonical(self, copy: Envelope) -> bytes:
        """What `Envelope.canonical` gives of a copy; what it has in common with other copies is written once."""
        return self._scribe.canonical(copy)

    def is_inside(self, area: str, grid_deg: float | None) -> bool:
        """Whether its first position, or all of its cell where no more may be known than that, is in an area."""
        key = area, grid_deg
        if key not in self._inside:
            here, within = first_position(self.envelope), self.policy.shapes[area]  # on the border is inside
            if here is None or grid_deg is None:
                self._inside[key] = here is not None and bool(intersects_xy(within, *here))
            else:
                lon, lat = here
                self._inside[key] = bool(within.covers(cell_of(lat, lon, grid_deg).shape()))
        return self._inside[key]

    def _by_rule(
        self,
        rule: Rule,
        terms: Terms,
        asked: _Asked,
        address: Address,
        pseudonym_key: bytes | None,
        steps: tuple[Step, ...],
    ) -> Decision:
        what = f"rule {rule.name}"
        release_at_ms = self.sent_ms + round(rule.delay_min * MINUTE_MS)
        if rule.time_step_min is not None:  # when it is told must not say more than what is told
            step_ms = round(rule.time_step_min * MINUTE_MS)
            release_at_ms = -(-release_at_ms // step_ms) * step_ms
        if self.now_ms < release_at_ms:
            said = f"fits, and waits {rule.delay_min:g} min from when it was sent"
            return Decision("held", "delayed", rule.name, release_at_ms, steps=(*steps, _yes(what, said)))
        if rule.pseudonyms and (pseudonym_key is None or len(pseudonym_key) < LEAST_KEY_BYTES):
            said = f"fits, but there is no key of {LEAST_KEY_BYTES} bytes for its pseudonyms"
            return Decision("denied", "no_pseudonym_key", rule.name, steps=(*steps, Step(what, False, said)))
        cut = self._cut(terms, address.kind, pseudonym_key if terms.pseudonyms else None)
        copy = cut.addressed(asked.recipient, asked.partner, address)
        return Decision("released", "rule", rule.name, release_at_ms, copy, (*steps, _yes(what, "fits")))

    def _cut(self, terms: Terms, kind: Kind, pseudonym_key: bytes | None) -> Cut:
        """The same for whoever has equal terms and, where there are pseudonyms, the same key: the recipient itself."""
        key = terms, kind, pseudonym_key
        if key not in self._cuts:
            self._cuts[key] = Cut.of(self.envelope, terms, self.policy, kind, self.now_ms, pseudonym_key)
        return self._cuts[key]


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
    case = Case(envelope, Rulebook(policy), now_ms)
    return case.decide(recipient, address=address, pseudonym_key=pseudonym_key)


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


def _misfit(candidate: Candidate, asked: _Asked) -> str | None:
    """Why a rule does not fit; None when it does."""
    rule, envelope = candidate.rule, asked.envelope
    if candidate.group is None:
        if asked.recipient not in envelope.handling.rel_to:
            return "it is shared with groups, not with the partner itself"
    elif f"{GROUP}{candidate.group}" not in list(asked.targets()):
        return f"it is not shared with the group {candidate.group} now"
    if rule.types is None and envelope.event.type == WATCH_REQUEST:
        return f"it does not name {WATCH_REQUEST} in its types, as a rule must that gives one"
    if rule.types is not None and envelope.event.type not in rule.types:
        return f"{envelope.event.type} is none of its types"
    assessment = envelope.assessment
    severity = assessment.severity if assessment else "Unknown"
    if SEVERITIES.index(severity) < SEVERITIES.index(rule.min_severity):
        return f"severity {severity} is below {rule.min_severity}"
    confidence = assessment.confidence if assessment else None
    if (confidence or 0.0) < rule.min_confidence:
        return f"confidence {confidence} is below {rule.min_confidence:g}"
    if rule.area is not None and not asked.case.is_inside(rule.area, rule.grid_deg):
        if rule.grid_deg is None:
            return f"its first position is not in the area {rule.area}"
        return f"the cell of {rule.grid_deg:g}° that its first position lies in is not wholly in the area {rule.area}"
    return None


def first_position(envelope: Envelope) -> Position | None:
    """The position that areas are judged by, on the original: its first place, else a point of its geometry."""
    if envelope.places:
        return envelope.places[0].lon, envelope.places[0].lat
    if envelope.geometry is None:
        return None
    point = shape(bare(envelope.geometry)).representative_point()
    return point.x, point.y


def _with_words(envelope: Envelope) -> Envelope:
    """The envelope, with words where it was prepared without."""
    return worded(envelope) if envelope.event.headline is None else envelope


def _has_come(time: str | None, now_ms: int) -> bool:
    """Whether a time is over; one that is not said is taken to be."""
    return time is None or from_rfc3339(time) <= now_ms


def _not_actual(asked: _Asked) -> _Refusal | None:
    status = asked.envelope.status
    if status == "actual" or (status == "exercise" and asked.partner.exercises):
        return None
    return _Refusal("not_actual", f"its status is {status}")


def _unreviewed(asked: _Asked) -> _Refusal | None:
    review = asked.envelope.assessment.review if asked.envelope.assessment else None
    state = review.state if review else "unreviewed"
    if state == "dismissed":
        return _Refusal("dismissed", "a person has dismissed it")
    if state in PERSON_REVIEWED or asked.partner.machine_alerts:
        return None
    return _Refusal("unreviewed", "no person has reviewed it, and the partner does not take machine alerts")


def _expired(asked: _Asked) -> _Refusal | None:
    if asked.is_kept or not asked.case.is_over:
        return None
    expires = asked.envelope.expires
    return _Refusal("expired", f"it expired at {expires}" if expires else "it does not say when it expires")


def _no_consent(asked: _Asked) -> _Refusal | None:
    """Another originator keeps control of what it sent us."""
    org_id, onward = asked.envelope.originator.org_id, asked.envelope.handling.onward
    if org_id == asked.policy.originator.org_id or onward == "permitted":
        return None
    consents = (
        consent
        for consent in asked.policy.consents
        if consent.originator == org_id and asked.recipient in consent.partners and asked.case.today <= consent.until
    )
    if onward == "with_consent" and any(consents):
        return None
    return _Refusal("no_consent", f"{org_id}, who made it, has not agreed")


def _not_in_force(asked: _Asked) -> _Refusal | None:
    agreement = asked.partner.agreement
    if agreement.since <= asked.case.today <= agreement.until:
        return None
    return _Refusal("agreement_not_in_force", f"{agreement.reference} is from {agreement.since} to {agreement.until}")


def _not_meant(asked: _Asked) -> _Refusal | None:
    if any(asked.targets()):
        return None
    return _Refusal("not_in_rel_to", "neither the partner nor a group of its that is in force is in rel_to")


def _too_confidential(asked: _Asked) -> _Refusal | None:
    tlp, ceiling = asked.envelope.handling.tlp, asked.partner.tlp_ceiling
    if TLP_ORDER.index(tlp) <= TLP_ORDER.index(ceiling):
        return None
    return _Refusal("tlp_above_ceiling", f"{tlp} is above the partner's {ceiling}")


def _other_purpose(asked: _Asked) -> _Refusal | None:
    if not set(asked.envelope.handling.purpose).isdisjoint(asked.partner.mandate):
        return None
    return _Refusal(
        "purpose_mismatch", f"the partner's mandate has none of {', '.join(asked.envelope.handling.purpose)}"
    )


def _unbounded(asked: _Asked) -> _Refusal | None:
    if not asked.case.is_to_be_purged:
        return None
    until = asked.envelope.handling.retain_until
    return _Refusal(
        "no_retention", f"it was to be purged at {until}" if until else "it does not say until when it is kept"
    )


def _protected(asked: _Asked) -> _Refusal | None:
    """Protected people are told of to those who protect, and never where they fled from, or where that is not known."""
    protected = asked.envelope.handling.protected_persons
    if protected is None:
        return None
    if not set(asked.partner.mandate) & PROTECTORS:
        return _Refusal("protected_persons", "protected people are on board, and to protect is not its mandate")
    if asked.partner.country in protected.countries_of_origin:
        return _Refusal("protected_persons", f"protected people on board come from {asked.partner.country}")
    if not protected.countries_of_origin and not asked.case.is_urgent:
        return _Refusal("protected_persons", "protected people are on board, and where they come from is not known")
    return None


def _yes(what: str, said: str) -> Step:
    return Step(what, True, said)


GUARDS: Final[tuple[tuple[str, Callable[[_Asked], _Refusal | None]], ...]] = (
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
PASSED: Final = (_yes("safety", "no case of it, or no rescue partner"), *(_yes(name, "passed") for name, _ in GUARDS))
"""The steps of who has passed them all."""
