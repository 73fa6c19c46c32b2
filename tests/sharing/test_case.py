"""A case asked for many recipients: each gets what it would get alone, whoever asked before, to the byte."""

from typing import Any

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.sharing.decide import Case, Rulebook, decide
from maritime.sharing.envelope import Envelope, offset_time
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.prepare import Address
from maritime.sharing.scribe import Scribe, in_json
from maritime.times import LAST_MS, from_rfc3339, to_rfc3339
from maritime.units import HOUR_MS
from tests.sharing.envelopes import releases
from tests.sharing.policies import NOW, coarse_rule, partner, policy, rule
from tests.sharing.samples import EVERY, full
from tests.sharing.test_policy_properties import AREAS, PURPOSES, envelopes, mended, policies, rules, waits

WHO = ("p", "like-p", "other", "nobody")
KEYS = {name: bytes([i]) * 32 for i, name in enumerate(WHO)}


def address(name: str, kind: str = "alert") -> Address:
    """Numbers that only this recipient has; those of the context are everyone's."""
    alert_id = f"{WHO.index(name):08x}-2222-4333-8444-555555555555"
    references = () if kind == "alert" else (f"{alert_id}@1@{NOW}",)
    return Address(alert_id, WHO.index(name), kind, references, "66666666-7777-4888-9999-aaaaaaaaaaaa")  # type: ignore[arg-type]


@st.composite
def several(draw: st.DrawFn) -> ReleasePolicy:
    """A policy in which one partner has the rules of another, under other names and for other purposes."""
    by = draw(policies())
    p = by.partners["p"].model_dump(mode="json")
    alike = p | {"mandate": list(PURPOSES[1:]), "rules": [r | {"name": f"{r['name']}-too"} for r in p["rules"]]}
    other = partner(mended(draw(rules("a")), []), mandate=list(PURPOSES))
    return policy({"p": p, "like-p": alike, "other": other}, areas=AREAS)


@given(envelopes(), several(), waits, st.lists(st.tuples(st.sampled_from(WHO), st.sampled_from(("alert", "update")))))
@settings(max_examples=60)
def test_everyone_gets_what_it_would_get_alone(
    envelope: Envelope, by: ReleasePolicy, later_ms: int, asking: list[tuple[str, str]]
) -> None:
    meant = envelope.handling.model_copy(update={"rel_to": ["p", "like-p", "other"]})
    envelope, now_ms = envelope.model_copy(update={"handling": meant}), from_rfc3339(NOW) + later_ms
    case = Case(envelope, Rulebook(by), now_ms)
    for who, kind in asking:
        told: dict[str, Any] = {"address": address(who, kind), "pseudonym_key": KEYS[who]}
        answer = case.decide(who, **told)
        assert answer == decide(envelope, who, by, now_ms=now_ms, **told)
        if answer.envelope is not None:
            assert case.canonical(answer.envelope) == rfc8785.dumps(answer.envelope.to_dict())
            assert Envelope.model_validate(answer.envelope.model_dump(mode="json")) == answer.envelope


def test_what_is_a_recipients_own_is_in_no_other_copy() -> None:
    """With equal rules, coarse and not, and with feedback and context, which have the recipient in them."""
    handling = full().handling.model_dump() | {"rel_to": ["p", "like-p"], "purpose": list(PURPOSES)}
    envelope = full(handling=handling)
    for made in (rule(), coarse_rule(delay_min=360)):
        mandates = {"p": ["maritime_safety"], "like-p": ["customs", "border_surveillance"]}
        by = policy({name: partner(made, mandate=mandate) for name, mandate in mandates.items()})
        case = Case(envelope, Rulebook(by), from_rfc3339(NOW) + 12 * HOUR_MS)
        copies: dict[str, Envelope] = {}
        for name in by.partners:
            copy = case.decide(name, address=address(name), pseudonym_key=KEYS[name]).envelope
            assert copy is not None
            copies[name] = copy
        for name, other in (("p", "like-p"), ("like-p", "p")):
            copy = copies[name]
            assert copy.handling.rel_to == [name]
            assert sorted(copy.handling.purpose) == sorted(mandates[name])
            assert address(other).alert_id.encode() not in case.canonical(copy)
            assert copy.feedback is None or copy.feedback.topic == f"feedback.{name}"
        own, another = ({each.pseudonym for each in copy.vessels if each.pseudonym} for copy in copies.values())
        assert own.isdisjoint(another)
        assert bool(own) == bool(made.get("pseudonyms"))


@given(st.lists(releases(), max_size=3))
def test_a_scribe_writes_what_the_library_says(given_: list[Any]) -> None:
    """Also of hostile text, of fields that nobody knows, and of copies that share parts with each other."""
    scribe, all_of_them = Scribe(), [*EVERY, *(release.envelope for release in given_)]
    changed = [each.model_copy(update={"revision": 7, "vessels": []}) for each in all_of_them]
    for envelope in (*all_of_them, *changed, *all_of_them):
        assert scribe.canonical(envelope) == envelope.canonical() == rfc8785.dumps(in_json(envelope))


def test_a_scribe_keeps_apart_what_only_looks_alike() -> None:
    scribe = Scribe()
    for value in (1, True, 1.5, "1", None, [], [1], [True], ["1"]):
        item = {"name": "hours", "value": value, "unit": None}
        envelope = full(evidence=[item])
        assert scribe.canonical(envelope) == rfc8785.dumps(envelope.to_dict())


@given(st.integers(0, LAST_MS))
def test_times_are_written_with_an_offset(t_ms: int) -> None:
    assert offset_time(t_ms) == str(to_rfc3339(t_ms)).replace("Z", "+00:00")
