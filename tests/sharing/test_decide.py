"""Who may have what: every guard, the rules, and the copies that they make."""

from typing import Any

import pytest

from maritime.sharing.decide import Decision, decide
from maritime.sharing.envelope import Envelope
from maritime.sharing.policy import ReleasePolicy
from maritime.times import from_rfc3339
from tests.sharing.policies import ADDRESS, KEY, NOW, coarse_rule, one, partner, policy, rule
from tests.sharing.samples import TYPES, full


def for_p(alert_type: str = "loitering", **changes: Any) -> Envelope:
    """A full view that is meant for `p`."""
    whole = full(alert_type)
    return full(
        alert_type, handling=whole.handling.model_dump() | {"rel_to": ["p"]} | changes.pop("handling", {}), **changes
    )


def ask(envelope: Envelope, by: ReleasePolicy, who: str = "p", at: str = NOW, key: bytes | None = KEY) -> Decision:
    return decide(envelope, who, by, address=ADDRESS, now_ms=from_rfc3339(at), pseudonym_key=key)


def review(state: str | None) -> dict[str, Any]:
    return {
        "severity": "Severe",
        "urgency": "Past",
        "certainty": "Likely",
        "review": None if state is None else {"state": state, "role": "duty officer"},
    }


def protected(*countries: str) -> dict[str, Any]:
    return {"handling": {"protected_persons": {"countries_of_origin": list(countries)}}}


@pytest.mark.parametrize("alert_type", TYPES)
def test_who_passes_every_guard_gets_the_first_rule_that_fits(alert_type: str) -> None:
    answer = ask(for_p(alert_type), one(rule()))
    assert (answer.outcome, answer.code, answer.rule) == ("released", "rule", "all")
    assert answer.envelope is not None
    assert answer.envelope.alert_id == ADDRESS.alert_id
    assert answer.envelope.sent == NOW
    assert answer.envelope.handling.rel_to == ["p"]


@pytest.mark.parametrize(
    ("code", "envelope", "partner_changes"),
    [
        ("not_actual", {"status": "exercise"}, {}),
        ("not_actual", {"status": "test"}, {"exercises": True}),
        ("not_actual", {"status": "system"}, {"exercises": True}),
        ("dismissed", {"assessment": review("dismissed")}, {}),
        ("unreviewed", {"assessment": review("unreviewed")}, {"machine_alerts": False}),
        ("unreviewed", {"assessment": review(None)}, {"machine_alerts": False}),
        ("unreviewed", {"assessment": None}, {"machine_alerts": False}),
        ("expired", {"expires": NOW}, {}),
        ("expired", {"expires": None}, {}),
        ("no_consent", {"originator": {"org_id": "other.example"}}, {}),
        ("agreement_not_in_force", {}, {"agreement": {"reference": "A", "since": "2026-03-15", "until": "2026-12-31"}}),
        ("agreement_not_in_force", {}, {"agreement": {"reference": "A", "since": "2020-01-01", "until": "2026-03-13"}}),
        ("not_in_rel_to", {"handling": {"rel_to": ["somebody-else"]}}, {}),
        ("not_in_rel_to", {"handling": {"rel_to": []}}, {}),
        ("tlp_above_ceiling", {"handling": {"tlp": "TLP:AMBER+STRICT"}}, {"tlp_ceiling": "TLP:AMBER"}),
        ("purpose_mismatch", {"handling": {"purpose": ["customs"]}}, {}),
        ("no_retention", {"handling": {"retain_until": None}}, {}),
        ("no_retention", {"handling": {"retain_until": NOW}}, {}),
        ("protected_persons", protected("MM"), {"mandate": ["maritime_safety"]}),
        ("protected_persons", protected("SG", "MM"), {}),
        ("protected_persons", protected(), {}),
    ],
)
def test_each_guard_denies(code: str, envelope: dict[str, Any], partner_changes: dict[str, Any]) -> None:
    answer = ask(for_p(**envelope), one(rule(), **partner_changes))
    assert (answer.outcome, answer.code, answer.envelope) == ("denied", code, None)
    assert not answer.steps[-1].passed


@pytest.mark.parametrize(
    ("envelope", "partner_changes"),
    [
        ({"status": "exercise"}, {"exercises": True}),
        ({"assessment": review("unreviewed")}, {"machine_alerts": True}),
        ({"assessment": review("confirmed")}, {"machine_alerts": False}),
        ({"assessment": review("resolved")}, {"machine_alerts": False}),
        ({"originator": {"org_id": "other.example"}, "handling": {"onward": "permitted"}}, {}),
        ({}, {"agreement": {"reference": "A", "since": "2026-03-14", "until": "2026-03-14"}}),
        ({"handling": {"tlp": "TLP:AMBER"}}, {"tlp_ceiling": "TLP:AMBER"}),
        (protected("MM"), {}),
    ],
)
def test_each_guard_lets_pass_what_it_may(envelope: dict[str, Any], partner_changes: dict[str, Any]) -> None:
    assert ask(for_p(**envelope), one(rule(), **partner_changes)).outcome == "released"


def test_an_originator_that_agreed_is_heard_until_the_day() -> None:
    consent = {"originator": "other.example", "partners": ["p"], "until": "2026-03-14"}
    theirs = for_p(originator={"org_id": "other.example"}, handling={"onward": "with_consent"})
    by = policy({"p": partner(rule())}, consents=[consent])
    assert ask(theirs, by).outcome == "released"
    assert ask(theirs, by, at="2026-03-15T00:00:00+00:00").code == "no_consent"
    kept = for_p(originator={"org_id": "other.example"}, handling={"onward": "originator_only"})
    assert ask(kept, by).code == "no_consent"


def test_unknown_recipients_and_partners_without_rules_get_nothing() -> None:
    assert ask(for_p(), one(rule()), "q").code == "not_a_partner"
    assert ask(for_p(), one()).code == "no_rule"


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("is none of its types", {"types": ["dark_period"]}),
        ("is below Extreme", {"min_severity": "Extreme"}),
        ("is below 0.96", {"min_confidence": 0.96}),
        ("is not in the area north", {"area": "north"}),
    ],
)
def test_a_rule_that_does_not_fit_says_why(said: str, changes: dict[str, Any]) -> None:
    areas = {"north": {"box": [-180, 60, 180, 90]}, "here": {"box": [98, 8, 99, 9]}}
    answer = ask(for_p(), policy({"p": partner(rule(**changes))}, areas=areas))
    assert answer.code == "no_rule"
    assert any(said in step.said for step in answer.steps)
    assert ask(for_p(), policy({"p": partner(rule(area="here"))}, areas=areas)).outcome == "released"


def test_areas_are_judged_by_the_first_place_even_where_places_are_withheld() -> None:
    areas = {"here": {"box": [98.05, 8.6, 98.15, 8.75]}}  # holds the first place only
    by = policy({"p": partner(rule(area="here", release=["observed.start"]))}, areas=areas)
    answer = ask(for_p(), by)
    assert answer.envelope is not None
    assert answer.envelope.places == []
    assert answer.envelope.geometry is None


def test_a_box_may_cross_the_antimeridian() -> None:
    areas = {"fiji": {"box": [176, -20, -178, -15]}}
    by = policy({"p": partner(rule(area="fiji"))}, areas=areas)
    for lon, outcome in ((179.0, "released"), (-179.0, "released"), (0.0, "denied")):
        assert ask(for_p(places=[{"role": "stop", "lat": -17.0, "lon": lon}]), by).outcome == outcome


class TestGroups:
    def by(self, **changes: Any) -> ReleasePolicy:
        group = {
            "members": ["p"],
            "chair": "nmc.example",
            "purpose": ["maritime_safety"],
            "until": "2026-03-14",
            "rules": [rule("of-the-group")],
        }
        return policy({"p": partner(), "q": partner()}, groups={"task": group | changes})

    def test_members_get_what_the_group_may_have_until_its_end(self) -> None:
        shared = for_p(handling={"rel_to": ["group:task"]})
        assert ask(shared, self.by()).rule == "of-the-group"
        assert ask(shared, self.by(), at="2026-03-15T00:00:00+00:00").code == "not_in_rel_to"

    def test_others_and_other_purposes_get_nothing(self) -> None:
        shared = for_p(handling={"rel_to": ["group:task"]})
        assert ask(shared, self.by(), "q").code == "not_in_rel_to"
        assert ask(shared, self.by(purpose=["customs"])).code == "not_in_rel_to"

    def test_rules_of_a_group_do_not_serve_what_was_not_shared_with_it(self) -> None:
        assert ask(for_p(handling={"rel_to": ["p"]}), self.by()).code == "no_rule"

    def test_a_partners_own_rules_do_not_serve_what_was_shared_with_a_group(self) -> None:
        by = self.by(rules=[])
        own = policy({"p": partner(rule())}, groups={"task": by.groups["task"].model_dump(mode="json")})
        assert ask(for_p(handling={"rel_to": ["group:task"]}), own).code == "no_rule"


class TestDelay:
    def test_it_is_held_until_it_is_due(self) -> None:
        by = one(rule(delay_min=90))
        held = ask(for_p(), by)
        assert (held.outcome, held.code, held.envelope) == ("held", "delayed", None)
        assert held.release_at_ms == from_rfc3339("2026-03-14T22:30:00+00:00")
        assert ask(for_p(), by, at="2026-03-14T22:30:00+00:00").outcome == "released"

    def test_with_rounded_times_the_release_itself_keeps_to_the_steps(self) -> None:
        held = ask(for_p(), one(coarse_rule()))
        assert held.release_at_ms == from_rfc3339("2026-03-15T06:00:00+00:00")  # 03:00 is due, told at the next step


class TestSafety:
    def test_a_rescue_partner_gets_distress_whole_and_at_once_past_every_guard_and_delay(self) -> None:
        by = one(
            coarse_rule(),
            rescue=True,
            machine_alerts=False,
            tlp_ceiling="TLP:CLEAR",
            agreement={"reference": "A", "since": "2020-01-01", "until": "2021-01-01"},
        )
        call = for_p(
            "distress_beacon", expires="2026-03-14T21:30:00+00:00", handling={"retain_until": None, "rel_to": []}
        )
        answer = ask(call, by)
        assert (answer.outcome, answer.code) == ("released", "safety")
        assert answer.envelope is not None
        assert answer.envelope.vessels == call.vessels
        assert answer.envelope.places == call.places
        assert answer.envelope.handling.rel_to == ["p"]

    def test_uncertainty_counts_too(self) -> None:
        safety = {"distress": False, "beacon": None, "sar_phase": "uncertainty"}
        assert ask(for_p("dark_period", safety=safety), one(rescue=True)).code == "safety"

    def test_others_and_exercises_do_not_pass_by_it(self) -> None:
        assert ask(for_p("distress_beacon"), one()).code == "no_rule"
        assert ask(for_p("distress_beacon", status="exercise"), one(rescue=True)).code == "not_actual"

    def test_protected_people_are_not_told_of_where_they_fled_from_even_then(self) -> None:
        assert ask(for_p("distress_beacon", **protected("SG")), one(rescue=True)).code == "protected_persons"


class TestCopy:
    def copy(self, envelope: Envelope, **changes: Any) -> Envelope:
        answer = ask(envelope, one(coarse_rule(**changes)), at="2026-03-15T06:00:00+00:00")
        assert answer.envelope is not None, answer
        return answer.envelope

    def test_positions_become_cells_of_a_fixed_grid(self) -> None:
        copy = self.copy(for_p())
        assert copy.geometry is not None
        assert copy.geometry.model_dump() == {
            "type": "Polygon",
            "coordinates": [[[98.0, 8.5], [98.5, 8.5], [98.5, 9.0], [98.0, 9.0], [98.0, 8.5]]],
        }
        assert {(place.lat, place.lon) for place in copy.places} == {(8.75, 98.25)}
        assert copy.position_uncertainty_m is not None
        assert 38_000 < copy.position_uncertainty_m < 40_000  # half the diagonal of 55.6 × 55.0 km

    def test_times_become_steps(self) -> None:
        copy = self.copy(for_p())
        assert copy.observed is not None
        assert copy.observed.start == "2026-03-14T18:00:00+00:00"
        assert copy.observed.end == "2026-03-15T00:00:00+00:00"
        assert {place.at for place in copy.places} == {"2026-03-14T18:00:00+00:00"}
        for time in (copy.expires, copy.handling.retain_until):
            assert time is not None
            assert from_rfc3339(time) % (6 * 3_600_000) == 0

    def test_vessels_become_pseudonyms_that_last_and_that_nobody_else_has(self) -> None:
        first, again = self.copy(for_p()), self.copy(for_p("dark_period"))
        assert [vessel.pseudonym for vessel in first.vessels] == [vessel.pseudonym for vessel in again.vessels]
        assert len({vessel.pseudonym for vessel in first.vessels}) == 2
        assert all(vessel.mmsi is None and vessel.name is None for vessel in first.vessels)
        other = ask(for_p(), one(coarse_rule()), at="2026-03-15T06:00:00Z", key=b"o" * 32)
        assert other.envelope is not None
        assert not {v.pseudonym for v in other.envelope.vessels} & {v.pseudonym for v in first.vessels}

    def test_without_a_key_there_is_no_pseudonym_and_no_release(self) -> None:
        for key in (None, b"short"):
            answer = ask(for_p(), one(coarse_rule()), at="2026-03-15T06:00:00Z", key=key)
            assert answer.code == "no_pseudonym_key"

    def test_numbers_are_rounded(self) -> None:
        copy = self.copy(for_p())
        assert [item.value for item in copy.evidence] == [0.3]
        assert [vessel.length_m for vessel in copy.vessels] == [10.0, None]

    def test_it_says_how_it_was_made_and_what_is_withheld(self) -> None:
        handling = self.copy(for_p()).handling
        assert handling.generalised is not None
        assert handling.generalised.grid_deg == 0.5
        assert "vessels.mmsi" in handling.withheld
        assert "geometry" not in handling.withheld
        assert handling.withheld == self.copy(for_p("feed_stale")).handling.withheld

    def test_an_offence_is_told_only_with_its_subtype_and_who_reviewed(self) -> None:
        offence = for_p(event={"type": "unusual_landing", "nature": "offence", "subtype": "named_by_a_court"})
        assert self.copy(offence).event.nature == "behaviour"
        told = ask(offence, one(rule())).envelope
        assert told is not None
        assert told.event.nature == "offence"
        assert told.assessment is not None
        assert told.assessment.review is not None

    def test_the_purposes_are_those_that_the_partner_has(self) -> None:
        told = ask(for_p(), one(rule(), mandate=["maritime_safety"])).envelope
        assert told is not None
        assert told.handling.purpose == ["maritime_safety"]


@pytest.mark.parametrize("step_min", [360, 7 * 24 * 60])
@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+00:00", "0999-12-31T23:59:59+00:00", "9999-12-31T23:59:59.999+00:00"]
)
def test_times_at_the_ends_of_what_can_be_written_are_rounded_too(time: str, step_min: int) -> None:
    """Another originator may write them."""
    place = {"role": "stop", "at": time, "lat": 8.7, "lon": 98.1}
    envelope = for_p(observed={"start": time, "end": time}, places=[place], expires="9999-12-31T23:59:59+00:00")
    by = one(coarse_rule(time_step_min=step_min, delay_min=step_min))
    copy = ask(envelope, by, at="2026-04-15T00:00:00+00:00").envelope
    assert copy is not None
    assert copy.observed is not None
    assert copy.observed.start <= time <= (copy.observed.end or "")
