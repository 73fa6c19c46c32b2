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
from maritime.sharing.envelope import TLP_ORDER, WATCH_REQUEST, Envelope, Kind, Purpose, bare, known
from maritime.sharing.evidence_kinds import EVIDENCE
from maritime.sharing.policy import GROUP, PROTECTORS, SEVERITIES, Candidate, Group, Partner, ReleasePolicy, Rule, Terms
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


class _Party(NamedTuple):
    """A partner before a policy, with what guards look at."""

    name: str
    partner: Partner
    mandate: frozenset[Purpose]
    ceiling: int  # its place in TLP_ORDER
    groups: tuple[tuple[str, Group], ...]  # of which it is a member, by their names in `rel_to`


class Rulebook:
    """A policy by partner, with the rules of each and what they say of the copy: worked out once for many envelopes."""

    def __init__(self, policy: ReleasePolicy) -> None:
        self.policy = policy
        self._parties: dict[str, _Party] = {}
        self._rules: dict[str, list[tuple[Candidate, Terms]]] = {}  # by partner

    def party(self, name: str) -> _Party | None:
        """The partner of that name; None where the policy has none."""
        if name not in self._parties:
            partner = self.policy.partners.get(name)
            if partner is None:
                return None
            groups = tuple((f"{GROUP}{each}", group) for each, group in self.policy.groups.items())
            self._parties[name] = _Party(
                name,
                partner,
                frozenset(partner.mandate),
                TLP_ORDER.index(partner.tlp_ceiling),
                tuple((target, group) for target, group in groups if name in group.members),
            )
        return self._parties[name]

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
        self.tlp = TLP_ORDER.index(envelope.handling.tlp)
        self.severity = SEVERITIES.index(envelope.assessment.severity if envelope.assessment else "Unknown")
        self.purposes, self.rel_to = frozenset(envelope.handling.purpose), frozenset(envelope.handling.rel_to)
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
        party = self._rulebook.party(recipient)
        if party is None:
            said = f"'{recipient}' is no partner of {self.policy.policy} {self.policy.version}"
            return Decision("denied", "not_a_partner", steps=(Step("partner", False, said),))
        if self.is_urgent and party.partner.rescue and _protected(self, party) is None:
            said = "distress or uncertainty: a rescue partner gets all of it, at once"
            copy = urgent_copy(_with_words(self.envelope), recipient, address)
            return Decision("released", "safety", None, self.now_ms, copy, (_yes("safety", said),))
        for i, (name, guard) in enumerate(GUARDS):
            refusal = None if is_kept and guard is _expired else guard(self, party)
            if refusal is not None:
                return Decision("denied", refusal.code, steps=(*PASSED[: i + 1], Step(name, False, refusal.said)))
        steps = PASSED
        for candidate, terms in self._rulebook.rules(recipient):
            misfit = _misfit(candidate, self, party)
            if misfit is None:
                return self._by_rule(candidate.rule, terms, party, address, pseudonym_key, steps)
            steps = (*steps, Step(f"rule {candidate.rule.name}", False, misfit))
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
        party: _Party,
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
        copy = cut.addressed(party.name, party.partner, address)
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


def _misfit(candidate: Candidate, case: Case, party: _Party) -> str | None:
    """Why a rule does not fit; None when it does."""
    rule, envelope = candidate.rule, case.envelope
    if candidate.group is None:
        if party.name not in case.rel_to:
            return "it is shared with groups, not with the partner itself"
    elif f"{GROUP}{candidate.group}" not in list(_groups(case, party)):
        return f"it is not shared with the group {candidate.group} now"
    if rule.types is None and envelope.event.type == WATCH_REQUEST:
        return f"it does not name {WATCH_REQUEST} in its types, as a rule must that gives one"
    if rule.types is not None and envelope.event.type not in rule.types:
        return f"{envelope.event.type} is none of its types"
    if case.severity < SEVERITIES.index(rule.min_severity):
        return f"severity {SEVERITIES[case.severity]} is below {rule.min_severity}"
    confidence = envelope.assessment.confidence if envelope.assessment else None
    if (confidence or 0.0) < rule.min_confidence:
        return f"confidence {confidence} is below {rule.min_confidence:g}"
    if rule.area is not None and not case.is_inside(rule.area, rule.grid_deg):
        if rule.grid_deg is None:
            return f"its first position is not in the area {rule.area}"
        return f"the cell of {rule.grid_deg:g}° that its first position lies in is not wholly in the area {rule.area}"
    return None


def _groups(case: Case, party: _Party) -> Iterator[str]:
    """Groups, as `rel_to` names them, by which a partner is meant: in force, and for a purpose of the envelope."""
    for target, group in party.groups:
        if target in case.rel_to and case.today <= group.until and not case.purposes.isdisjoint(group.purpose):
            yield target


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


def _not_actual(case: Case, party: _Party) -> _Refusal | None:
    status = case.envelope.status
    if status == "actual" or (status == "exercise" and party.partner.exercises):
        return None
    return _Refusal("not_actual", f"its status is {status}")


def _unreviewed(case: Case, party: _Party) -> _Refusal | None:
    review = case.envelope.assessment.review if case.envelope.assessment else None
    state = review.state if review else "unreviewed"
    if state == "dismissed":
        return _Refusal("dismissed", "a person has dismissed it")
    if state in PERSON_REVIEWED or party.partner.machine_alerts:
        return None
    return _Refusal("unreviewed", "no person has reviewed it, and the partner does not take machine alerts")


def _expired(case: Case, party: _Party) -> _Refusal | None:
    if not case.is_over:
        return None
    expires = case.envelope.expires
    return _Refusal("expired", f"it expired at {expires}" if expires else "it does not say when it expires")


def _no_consent(case: Case, party: _Party) -> _Refusal | None:
    """Another originator keeps control of what it sent us."""
    org_id, onward = case.envelope.originator.org_id, case.envelope.handling.onward
    if org_id == case.policy.originator.org_id or onward == "permitted":
        return None
    consents = (
        consent
        for consent in case.policy.consents
        if consent.originator == org_id and party.name in consent.partners and case.today <= consent.until
    )
    if onward == "with_consent" and any(consents):
        return None
    return _Refusal("no_consent", f"{org_id}, who made it, has not agreed")


def _not_in_force(case: Case, party: _Party) -> _Refusal | None:
    agreement = party.partner.agreement
    if agreement.since <= case.today <= agreement.until:
        return None
    return _Refusal("agreement_not_in_force", f"{agreement.reference} is from {agreement.since} to {agreement.until}")


def _not_meant(case: Case, party: _Party) -> _Refusal | None:
    if party.name in case.rel_to or any(_groups(case, party)):
        return None
    return _Refusal("not_in_rel_to", "neither the partner nor a group of its that is in force is in rel_to")


def _too_confidential(case: Case, party: _Party) -> _Refusal | None:
    if case.tlp <= party.ceiling:
        return None
    return _Refusal("tlp_above_ceiling", f"{TLP_ORDER[case.tlp]} is above the partner's {party.partner.tlp_ceiling}")


def _other_purpose(case: Case, party: _Party) -> _Refusal | None:
    if not case.purposes.isdisjoint(party.mandate):
        return None
    return _Refusal(
        "purpose_mismatch", f"the partner's mandate has none of {', '.join(case.envelope.handling.purpose)}"
    )


def _unbounded(case: Case, party: _Party) -> _Refusal | None:
    if not case.is_to_be_purged:
        return None
    until = case.envelope.handling.retain_until
    return _Refusal(
        "no_retention", f"it was to be purged at {until}" if until else "it does not say until when it is kept"
    )


def _protected(case: Case, party: _Party) -> _Refusal | None:
    """Protected people are told of to those who protect, and never where they fled from, or where that is not known."""
    protected = case.envelope.handling.protected_persons
    if protected is None:
        return None
    if party.mandate.isdisjoint(PROTECTORS):
        return _Refusal("protected_persons", "protected people are on board, and to protect is not its mandate")
    if party.partner.country in protected.countries_of_origin:
        return _Refusal("protected_persons", f"protected people on board come from {party.partner.country}")
    if not protected.countries_of_origin and not case.is_urgent:
        return _Refusal("protected_persons", "protected people are on board, and where they come from is not known")
    return None


def _yes(what: str, said: str) -> Step:
    return Step(what, True, said)


GUARDS: Final[tuple[tuple[str, Callable[[Case, _Party], _Refusal | None]], ...]] = (
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
