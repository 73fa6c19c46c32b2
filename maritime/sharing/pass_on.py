"""Pass on: whether a partner may have what another originator sent us, and in what copy. Its control stays with it.

`decide` asks the same as of an alert of our own; before it, what only the originator can say is settled:

- what nobody vouches for and what was withdrawn goes to nobody;
- `originator_only` goes to nobody, consent or not;
- the partner must be named in `rel_to`, or in a dated consent of the originator. Groups in `rel_to` are the
  originator's, not ours of the same name, and count for nothing.

What the copy says of its handling is no wider than what the original says, in any field. The one exception is that of
`decide`: an alert of distress goes whole to rescue partners, whoever made it; who may be saved is told of to those who
save (SAR Convention 1979, annex, chapter 4).
"""

from typing import Any, Final

from maritime.sharing.decide import Code, Decision, Step, decide
from maritime.sharing.envelope import Envelope, Generalised, Handling, known, offset_time
from maritime.sharing.evidence_kinds import EVIDENCE, EXPLANATION
from maritime.sharing.intake import Standing
from maritime.sharing.policy import FIELDS, GROUP, ReleasePolicy
from maritime.sharing.prepare import Address
from maritime.times import from_rfc3339
from maritime.units import MINUTE_MS

KNOWN_FIELDS: Final = {
    *FIELDS,
    "evidence",
    "explanation",
    *(f"evidence.{name}" for name in EVIDENCE),
    *(f"explanation.{name}" for name in EXPLANATION),
}
"""What `withheld` may name: anything else that stands there is text of whoever wrote it."""


def pass_on(
    envelope: Envelope,
    standing: Standing,
    recipient: str,
    policy: ReleasePolicy,
    *,
    address: Address,
    now_ms: int,
    pseudonym_key: bytes | None = None,
) -> Decision:
    """Whether `recipient` may have an envelope that was received, at a time, ms UTC, and the copy it gets."""
    is_own = envelope.originator.org_id == policy.originator.org_id
    if standing == "unverified":
        return _denied("unverified", "its originator's signature was not verified")
    if envelope.kind == "cancel":
        return _denied("withdrawn", "its originator has withdrawn it")
    if is_own and standing != "own":
        return _denied("no_consent", "it is an alert of our own that came back, and goes out only as such")
    if is_own:
        return decide(envelope, recipient, policy, address=address, now_ms=now_ms, pseudonym_key=pseudonym_key)
    narrowed = envelope.model_copy(update={"handling": _narrowed(envelope, recipient, policy, now_ms)})
    decision = decide(narrowed, recipient, policy, address=address, now_ms=now_ms, pseudonym_key=pseudonym_key)
    if decision.code != "rule" or decision.envelope is None:
        return decision
    copy = _as_bound_as(narrowed, decision.envelope)
    return Decision(decision.outcome, decision.code, decision.rule, decision.release_at_ms, copy, decision.steps)


def _narrowed(envelope: Envelope, recipient: str, policy: ReleasePolicy, now_ms: int) -> Handling:
    """Its handling as it is to be seen for this recipient: who is meant, and of what is withheld the known names."""
    return envelope.handling.model_copy(
        update={
            "rel_to": [recipient] if _is_meant(envelope, recipient, policy, now_ms) else [],
            "withheld": [name for name in envelope.handling.withheld if name in KNOWN_FIELDS],
        }
    )


def _is_meant(envelope: Envelope, recipient: str, policy: ReleasePolicy, now_ms: int) -> bool:
    """Whether the originator has named the recipient: on the alert, or by a consent in force."""
    if recipient in envelope.handling.rel_to and not recipient.startswith(GROUP):
        return True
    today = offset_time(now_ms)[:10]
    return envelope.handling.onward != "originator_only" and any(
        consent.originator == envelope.originator.org_id
        and recipient in consent.partners
        and today <= consent.until.isoformat()
        for consent in policy.consents
    )


def _as_bound_as(original: Envelope, copy: Envelope) -> Envelope:
    """The copy with what the original says of its own limits: coarseness, gaps, who is on board, and its end."""
    was, now = original.handling, copy.handling
    handling = now.model_copy(
        update={
            "withheld": list(dict.fromkeys([*now.withheld, *was.withheld])),
            "generalised": _coarsest(was.generalised, now.generalised),
            "protected_persons": was.protected_persons,
        }
    )
    changes: dict[str, Any] = {"handling": handling, "expires": _no_later(original.expires, copy)}
    if copy.position_uncertainty_m is not None and original.position_uncertainty_m is not None:
        changes["position_uncertainty_m"] = max(copy.position_uncertainty_m, original.position_uncertainty_m)
    return Envelope.model_validate(copy.model_copy(update=changes).to_dict())


def _coarsest(was: Generalised | None, now: Generalised | None) -> Generalised | None:
    """Both coarsenings at once: what is exact to us may have been coarse when it came."""
    if was is None or now is None:
        return now if was is None else Generalised.model_validate(known(was))
    digits = [each.significant_digits for each in (was, now) if each.significant_digits is not None]
    return Generalised(
        grid_deg=max(was.grid_deg or 0.0, now.grid_deg or 0.0) or None,
        time_step_min=max(was.time_step_min or 0.0, now.time_step_min or 0.0) or None,
        significant_digits=min(digits, default=None),
    )


def _no_later(expires: str | None, copy: Envelope) -> str | None:
    """The copy's end, on the step of its clock before the original's where it was rounded up past that."""
    if expires is None or copy.expires is None or from_rfc3339(copy.expires) <= from_rfc3339(expires):
        return copy.expires
    generalised = copy.handling.generalised
    assert generalised is not None
    assert generalised.time_step_min is not None
    return offset_time(from_rfc3339(copy.expires) - round(generalised.time_step_min * MINUTE_MS))


def _denied(code: Code, said: str) -> Decision:
    return Decision("denied", code, steps=(Step("received", False, said),))
