"""What a copy could tell in passing: each of these was found by an attack on the policy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from maritime.sharing.envelope import Envelope
from maritime.times import from_rfc3339
from maritime.units import HOUR_MS
from tests.sharing.policies import KEY, coarse_rule, one, rule
from tests.sharing.test_decide import ask, for_p

LATE = "2026-03-15T06:17:23.456+00:00"  # some minutes after a step of six hours
OFFENCE = {"type": "unusual_landing", "nature": "offence", "subtype": "named_by_a_court"}


def copy_of(envelope: Envelope, by: dict[str, Any], **changes: Any) -> Envelope:
    answer = ask(envelope, one(by, **changes), at=LATE, key=KEY)
    assert answer.envelope is not None, answer
    return answer.envelope


def test_who_may_have_the_offence_is_not_told_when_it_was_reviewed() -> None:
    told = copy_of(for_p(event=OFFENCE), rule(release=["event.subtype"]))
    assert told.event.nature == "offence"
    assert told.assessment is not None
    assert told.assessment.review is not None
    assert told.assessment.review.role == "duty officer"
    assert told.assessment.review.at is None


def test_a_review_is_dated_for_those_who_may_have_times_only() -> None:
    for released, at in ((["assessment.review"], None), (["assessment.review", "observed.start"], "2026-03-14T20:58")):
        told = copy_of(for_p(), rule(release=released)).assessment
        assert told is not None
        assert told.review is not None
        assert (told.review.at or "")[:16] == (at or "")


@pytest.mark.parametrize(("lat", "lon"), [(90.0, 0.0), (-90.0, 0.0), (0.0, 180.0), (0.0, -180.0), (90.0, 180.0)])
@pytest.mark.parametrize("grid_deg", [0.5, 0.7, 7.0, 10.0])
def test_no_cell_is_narrower_than_the_grid_at_its_ends(lat: float, lon: float, grid_deg: float) -> None:
    told = copy_of(for_p(places=[{"role": "stop", "lat": lat, "lon": lon}]), coarse_rule(grid_deg=grid_deg))
    assert told.geometry is not None
    (ring,) = told.geometry.model_dump()["coordinates"]
    lons, lats = zip(*ring, strict=True)
    assert max(lons) - min(lons) >= grid_deg - 1e-9
    assert max(lats) - min(lats) >= grid_deg - 1e-9


@given(st.floats(-90, 90), st.floats(-180, 180), st.sampled_from((0.01, 0.1, 0.3, 0.5, 0.7, 1.0, 7.0)))
def test_a_position_lies_in_its_cell_and_the_cell_in_the_world(lat: float, lon: float, grid_deg: float) -> None:
    told = copy_of(for_p(places=[{"role": "stop", "lat": lat, "lon": lon}]), coarse_rule(grid_deg=grid_deg))
    assert told.geometry is not None
    (ring,) = told.geometry.model_dump()["coordinates"]
    lons, lats = zip(*ring, strict=True)
    assert -180 <= min(lons) <= lon + 1e-9 <= max(lons) + 2e-9 <= 180 + 2e-9
    assert -90 <= min(lats) <= lat + 1e-9 <= max(lats) + 2e-9 <= 90 + 2e-9


def test_every_time_of_a_coarse_copy_is_on_the_step() -> None:
    told = copy_of(for_p(), coarse_rule())
    times = [told.sent, told.expires, told.handling.retain_until, *(place.at for place in told.places)]
    for time in times:
        assert time is not None
        assert from_rfc3339(time) % (6 * HOUR_MS) == 0, time


def test_that_a_vessel_is_small_is_not_told_by_the_mark_on_personal_data() -> None:
    for is_personal in (True, False):
        handling = {"handling": {"personal_data": is_personal}}
        assert copy_of(for_p(**handling), coarse_rule()).handling.personal_data
        assert copy_of(for_p(**handling), rule()).handling.personal_data is is_personal


def test_a_copy_without_assessment_does_not_tell_whether_there_is_one() -> None:
    for assessment in (for_p().assessment, None):
        told = for_p(assessment=None if assessment is None else assessment.model_dump())
        assert copy_of(told, rule(release=["geometry"])).assessment is None


def test_a_call_of_distress_does_not_name_another_partner() -> None:
    call = for_p("distress_beacon", feedback={"ack_required": True, "topic": "feedback.fusion-centre"})
    told = copy_of(call, rule(), rescue=True)
    assert told.feedback is not None
    assert told.feedback.topic == "feedback.p"
    assert "fusion-centre" not in told.canonical().decode()


def test_a_call_of_distress_carries_positions_and_nothing_between_them() -> None:
    hidden: Any = {"type": "LineString", "coordinates": [[98.0, 8.0, 5], [98.1, 8.1]]}
    told = copy_of(for_p("distress_beacon", geometry=hidden), rule(), rescue=True)
    assert told.geometry is not None
    assert told.geometry.model_dump()["coordinates"] == [[98.0, 8.0], [98.1, 8.1]]


def test_a_word_in_a_coarse_copy_is_a_word() -> None:
    values: list[Any] = ["9.1234 N 98.2345 E", "CHAO LE 2", 567801002, ["slow", "567801002"], 8.79967, "slow", True, 5]
    evidence = [{"name": "modes", "value": value} for value in values]
    told = copy_of(for_p(evidence=evidence), coarse_rule(release=["evidence.modes"]))
    assert [item.value for item in told.evidence] == ["slow", True, 5]
    told = copy_of(for_p(evidence=evidence), rule())
    assert [item.value for item in told.evidence] == values


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("free text", {"release": ["assessment.caveats"]}),
        ("free text", {"release": ["event.subtype"]}),
        ("free text", {"release": ["event.subtype"], "pseudonyms": False, "grid_deg": None}),
        ("joins", {"release": ["context_id"]}),
        ("more closely than time_step_min", {"release": ["places", "evidence.night"], "grid_deg": None}),
        ("more closely than time_step_min", {"release": ["places", "evidence.sun_altitude_deg"], "grid_deg": None}),
        ("more closely than time_step_min", {"release": ["places", "explanation.hour"], "grid_deg": None}),
        ("time_step_min", {"time_step_min": 0.000_001}),
        ("grid_deg", {"grid_deg": 1e-12}),
    ],
)
def test_a_rule_that_hides_nothing_is_refused(said: str, changes: dict[str, Any]) -> None:
    one(coarse_rule())
    with pytest.raises(ValidationError, match=said):
        one(coarse_rule(**({"pseudonyms": changes.get("grid_deg", 1) is not None} | changes)))
