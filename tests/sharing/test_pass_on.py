"""What another originator sent us is passed on no wider than it came, whatever our own policy says."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.sharing.envelope import TLP_ORDER, WATCH_REQUEST, Envelope
from maritime.sharing.pass_on import pass_on
from maritime.sharing.policy import ReleasePolicy
from maritime.times import from_rfc3339
from maritime.units import DAY_MS, HOUR_MS
from tests.sharing.policies import ADDRESS, KEY, NOW, coarse_rule, one, partner, policy, rule
from tests.sharing.samples import cancel, changed, full
from tests.sharing.test_policy_properties import LEAK, envelopes, mostly, policies

NOW_MS = from_rfc3339(NOW)
THEIRS = {"org_id": "other.example"}
CONSENT = {"originator": "other.example", "partners": ["p"], "until": "2026-03-14"}
STRICTER = ("permitted", "with_consent", "originator_only")


def theirs(alert_type: str = "unusual_landing", **changes: Any) -> Envelope:
    handling = {"rel_to": ["p"], "onward": "permitted"} | changes.pop("handling", {})
    return changed(full(alert_type, **changes), originator=THEIRS, handling=handling)


def ask(envelope, by, standing="verified", now_ms=NOW_MS):
    return pass_on(envelope, standing, "p", by, address=ADDRESS, now_ms=now_ms, pseudonym_key=KEY)


ALL = one(rule())
CONSENTED = policy({"p": partner(rule())}, consents=[CONSENT])


@pytest.mark.parametrize(
    ("handling", "by", "code"),
    [
        ({}, ALL, "rule"),
        ({"rel_to": []}, ALL, "not_in_rel_to"),
        ({"rel_to": ["us"]}, CONSENTED, "rule"),
        ({"onward": "with_consent"}, ALL, "no_consent"),
        ({"onward": "with_consent"}, CONSENTED, "rule"),
        ({"onward": "originator_only"}, CONSENTED, "no_consent"),
        ({"tlp": "TLP:RED"}, one(rule(), tlp_ceiling="TLP:AMBER"), "tlp_above_ceiling"),
        ({"purpose": ["customs"]}, ALL, "purpose_mismatch"),
        ({"retain_until": None}, ALL, "no_retention"),
    ],
)
def test_only_where_its_originator_and_our_policy_agree(handling, by, code):
    assert ask(theirs(handling=handling), by).code == code


def test_a_consent_ends_after_its_day():
    envelope = theirs(handling={"rel_to": ["us"]})
    assert ask(envelope, CONSENTED, now_ms=from_rfc3339("2026-03-14T23:59:59Z")).code == "rule"
    assert ask(envelope, CONSENTED, now_ms=from_rfc3339("2026-03-15T00:00:00Z")).code == "not_in_rel_to"


def test_the_groups_of_an_originator_are_not_ours_of_that_name():
    group = {"members": ["p"], "chair": "p", "purpose": ["maritime_safety"], "until": "2026-12-31", "rules": [rule()]}
    by = policy({"p": partner()}, groups={"patrol": group})
    assert ask(theirs(handling={"rel_to": ["group:patrol"]}), by).code == "not_in_rel_to"


def test_what_nobody_vouches_for_was_withdrawn_or_is_our_own_echo_goes_to_nobody():
    rescue = one(rule(), rescue=True)
    assert ask(theirs("distress_beacon"), rescue, "unverified").code == "unverified"
    assert ask(changed(cancel(), originator=THEIRS), rescue).code == "withdrawn"
    assert ask(full("distress_beacon"), rescue).code == "no_consent"


def test_distress_goes_to_rescue_whatever_its_originator_says_and_to_nobody_else():
    envelope = theirs("distress_beacon", handling={"onward": "originator_only", "rel_to": ["us"]})
    decision = ask(envelope, one(rescue=True))
    assert (decision.code, decision.envelope.handling.onward) == ("safety", "originator_only")
    assert decision.envelope.originator.org_id == "other.example"
    assert ask(envelope, ALL).code == "no_consent"


def test_the_copy_says_what_the_original_said_of_its_limits():
    envelope = theirs(
        position_uncertainty_m=40_000.0,
        handling={
            "generalised": {"grid_deg": 0.5, "significant_digits": 2},
            "withheld": ["vessels.name", "CHAO LE 2"],
            "protected_persons": {"countries_of_origin": ["MM"]},
        },
    )
    copy = ask(envelope, ALL).envelope
    assert copy.handling.withheld == ["vessels.name"]
    assert (copy.handling.generalised.grid_deg, copy.handling.generalised.significant_digits) == (0.5, 2)
    assert copy.handling.protected_persons.countries_of_origin == ["MM"]
    assert copy.position_uncertainty_m == 40_000.0
    coarser = ask(envelope, one(coarse_rule(grid_deg=1)), now_ms=NOW_MS + 8 * HOUR_MS).envelope
    assert (coarser.handling.generalised.grid_deg, coarser.handling.generalised.significant_digits) == (1, 1)
    assert coarser.position_uncertainty_m >= 40_000.0
    assert from_rfc3339(coarser.expires) <= from_rfc3339(envelope.expires)


def test_a_watch_request_goes_by_a_rule_that_names_it_and_by_no_other():
    request = theirs(event={"type": WATCH_REQUEST})
    assert ask(request, ALL).code == "no_rule"
    assert ask(request, one(rule(types=["loitering", WATCH_REQUEST]))).code == "rule"


@st.composite
def received(draw: st.DrawFn) -> Envelope:
    """Any envelope of another originator, mostly one that may be passed on."""
    envelope = draw(envelopes())
    handling = {
        "onward": draw(mostly("permitted", "with_consent", "originator_only")),
        "rel_to": draw(mostly(["p"], ["p", "q"], ["us"], ["group:g"])),
        "withheld": draw(st.lists(st.sampled_from(["vessels.name", "evidence", LEAK]), max_size=2)),
        "generalised": draw(
            st.sampled_from([None, {"grid_deg": 2.0}, {"time_step_min": 60.0, "significant_digits": 2}])
        ),
        "personal_data": draw(st.booleans()),
    }
    return changed(envelope, originator={"org_id": draw(mostly("other.example", "third.example"))}, handling=handling)


@st.composite
def with_consents(draw: st.DrawFn) -> ReleasePolicy:
    by = draw(policies())
    if draw(st.booleans()):
        return by
    return ReleasePolicy.model_validate(by.model_dump() | {"consents": [CONSENT | {"until": draw(DAYS)}]})


DAYS = st.sampled_from(["2026-03-13", "2026-03-14", "2026-12-31"])
SEEN: Counter[str] = Counter()


@settings(max_examples=120, deadline=None)
@given(received(), with_consents(), st.sampled_from((0, 25)))
def test_no_field_of_handling_is_ever_wider(envelope, by, hours):
    now_ms = NOW_MS + hours * HOUR_MS
    decision = ask(envelope, by, now_ms=now_ms)
    SEEN[decision.code] += 1
    was, copy = envelope.handling, decision.envelope
    if copy is None:
        return
    now = copy.handling
    assert copy.originator.org_id == envelope.originator.org_id
    assert LEAK not in copy.canonical().decode()
    assert TLP_ORDER.index(now.tlp) >= TLP_ORDER.index(was.tlp)
    assert set(now.purpose) <= set(was.purpose)
    assert STRICTER.index(now.onward) >= STRICTER.index(was.onward)
    assert now.personal_data or not was.personal_data
    for until, until_now in ((was.retain_until, now.retain_until), (envelope.expires, copy.expires)):
        assert until is None or from_rfc3339(until_now) <= from_rfc3339(until)
    assert {name for name in was.withheld if name != LEAK} <= set(now.withheld)
    if was.protected_persons is not None:
        assert now.protected_persons == was.protected_persons
    if was.generalised is not None:
        assert (now.generalised.grid_deg or 0) >= (was.generalised.grid_deg or 0)
        assert (now.generalised.time_step_min or 0) >= (was.generalised.time_step_min or 0)
        assert (now.generalised.significant_digits or 9) <= (was.generalised.significant_digits or 9)
    assert now.rel_to == ["p"]
    if decision.code == "safety":
        return
    assert was.onward != "originator_only"
    consented = [each for each in by.consents if each.originator == envelope.originator.org_id]
    consented = [each for each in consented if datetime.fromtimestamp(now_ms / 1000, UTC).date() <= each.until]
    assert "p" in was.rel_to or consented
    assert was.onward == "permitted" or consented


def test_the_property_has_seen_copies_and_denials():
    if SEEN:
        assert SEEN["rule"] >= 5
        assert SEEN["no_consent"] >= 1


def test_it_is_kept_no_longer_by_a_rule_that_would(tmp_path):
    envelope = theirs(handling={"retain_until": "2026-03-16T00:00:00+00:00"})
    copy = ask(envelope, one(rule(retain_days=30))).envelope
    assert from_rfc3339(copy.handling.retain_until) <= NOW_MS + 2 * DAY_MS
