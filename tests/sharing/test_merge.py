"""Reports of one event side by side: never hiding who said what, in any order, under the strictest handling."""

import json
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.errors import UsageError
from maritime.sharing.envelope import TLP_ORDER, WATCH_REQUEST, Envelope
from maritime.sharing.events import Links, events, received_reports, suggestions
from maritime.sharing.intake import Accepted
from maritime.sharing.merge import MergedEvent, Report, Source, merge, newest
from maritime.sharing.own_reports import contexts_in, own_reports
from maritime.sharing.own_view import OWN_VIEW
from maritime.sharing.received import ReceivedStore
from maritime.sharing.strictest import ONWARD_ORDER, strictest
from maritime.times import from_rfc3339, to_rfc3339
from maritime.units import HOUR_MS
from tests.sharing.envelopes import envelopes
from tests.sharing.samples import cancel, changed, full
from tests.sharing.test_publisher import ALERT, Office, two

CONTEXT, OTHER = "0b7a9f4e-51a3-4d0e-9d57-6f1b4fd3a111", "1b7a9f4e-51a3-4d0e-9d57-6f1b4fd3a112"
THIRD = "2b7a9f4e-51a3-4d0e-9d57-6f1b4fd3a113"
NOW_MS = from_rfc3339("2026-03-15T22:00:00Z")
SPAN = {"start": "2026-03-14T20:00:00+00:00", "end": "2026-03-14T21:00:00+00:00"}


def by(org: str, envelope: Envelope, standing: str = "verified", context: str = CONTEXT) -> Report:
    envelope = changed(envelope, originator={"org_id": org})
    return Report(Source(org, envelope.alert_id, standing), context, envelope)


def field(event: MergedEvent, name: str) -> Any:
    (found,) = (each for each in event.fields if each.name == name)
    return found.agreed, {json.dumps(said.value): said.by for said in found.values}


A = by("a.example", full("loitering", observed=SPAN))
B = by(
    "b.example",
    changed(
        full("loitering", observed=SPAN | {"start": "2026-03-14T19:00:00+00:00", "end": "2026-03-14T20:30:00+00:00"}),
        assessment={"severity": "Extreme", "confidence": 0.4},
        vessels=[{"mmsi": 567801002, "name": "CHAO LE"}],
    ),
)


def test_each_value_stands_with_who_gave_it():
    event = merge([A, B])
    assert field(event, "vessels.subject.mmsi") == (True, {"567801002": ["a.example", "b.example"]})
    assert field(event, "vessels.subject.name") == (False, {'"CHAO LE"': ["b.example"], '"CHAO LE 2"': ["a.example"]})
    assert field(event, "vessels.subject.imo") == (True, {"9074729": ["a.example"]})
    assert (event.severity.value, event.severity.by) == ("Extreme", ["b.example"])
    assert [(each.originator, each.confidence) for each in event.confidences] == [
        ("a.example", 0.95),
        ("b.example", 0.4),
    ]
    assert (event.observed.start[:16], event.observed.end[:16]) == ("2026-03-14T19:00", "2026-03-14T21:00")
    assert [each.originator for each in event.whereabouts] == ["a.example", "b.example"]


def test_what_lasts_for_one_lasts():
    lasting = by("c.example", full("loitering", observed={"start": SPAN["start"]}))
    assert merge([A, lasting]).observed.end is None


def test_a_cancel_takes_its_part_out_and_nothing_else():
    gone = by("b.example", changed(cancel(), revision=9))
    event = merge([A, B, gone])
    assert [(each.originator, each.withdrawn) for each in event.reports] == [("a.example", False), ("b.example", True)]
    assert event.fields == merge([A]).fields
    assert event.handling == merge([A]).handling
    nothing = merge([gone])
    assert (nothing.handling, nothing.may_be_shared, nothing.fields) == (None, False, [])


def test_what_nobody_vouches_for_does_not_speak_for_its_originator():
    event = merge([A, by("b.example", B.envelope, "unverified")])
    assert event.originators == ["a.example", "b.example (unverified)"]
    assert not event.may_be_shared


def test_an_exercise_is_no_part_of_what_is_actual():
    with pytest.raises(ValueError, match="one status"):
        merge([A, by("b.example", full(status="exercise"))])
    with pytest.raises(ValueError, match="one status"):
        merge([])
    assert len(events([A, by("b.example", full(status="exercise"))], [])) == 2


HANDLING = {
    "tlp": "TLP:GREEN",
    "purpose": ["maritime_safety", "customs"],
    "rel_to": ["p", "q"],
    "onward": "permitted",
    "personal_data": False,
    "retain_until": "2026-09-10T21:00:00+00:00",
}


def handled(org: str, standing: str = "verified", **handling: Any) -> Report:
    record = full().to_dict() | {"handling": HANDLING | handling}
    return by(org, Envelope.model_validate({k: v for k, v in record.items() if v is not None}), standing)


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({}, True),
        ({"rel_to": ["r"]}, False),
        ({"purpose": ["defence"]}, False),
        ({"retain_until": None}, False),
        ({"onward": "originator_only"}, False),
        ({"onward": "with_consent", "rel_to": ["q"]}, True),
    ],
)
def test_who_may_have_it_is_whom_all_leave(other, shared):
    assert merge([handled("a.example"), handled("b.example", **other)]).may_be_shared is shared


def test_groups_of_others_are_nobody_and_our_own_may_be_ours_alone():
    assert not merge([handled("a.example", rel_to=["group:g"])]).may_be_shared
    assert merge([handled("a.example", "own", rel_to=["group:g"], onward="originator_only")]).may_be_shared


def test_protected_people_are_those_of_all():
    one = full(handling=HANDLING | {"protected_persons": {"countries_of_origin": ["MM"]}}).handling
    two = full(handling=HANDLING | {"protected_persons": {"countries_of_origin": ["LK", "MM"]}}).handling
    unsaid = full(handling=HANDLING | {"protected_persons": {}}).handling
    told = strictest([full(handling=HANDLING).handling, two, one]).protected_persons
    assert (told.countries_of_origin, told.origin_not_known) == (["LK", "MM"], False)
    assert strictest([one, unsaid]).protected_persons.origin_not_known
    assert strictest([full(handling=HANDLING).handling]).protected_persons is None


@st.composite
def reports(draw: st.DrawFn) -> Report:
    envelope = changed(draw(envelopes()), status="actual", revision=draw(st.integers(0, 3)))
    org = draw(st.sampled_from(["a.example", "b.example", "c.example"]))
    return by(org, envelope, draw(st.sampled_from(["verified", "verified", "unverified", "own"])))


@settings(max_examples=60, deadline=None)
@given(st.lists(reports(), min_size=1, max_size=5), st.data())
def test_order_and_repetition_do_not_matter_and_nothing_gets_wider(parts, data):
    event = merge(parts)
    assert merge(data.draw(st.permutations([*parts, *parts[:2]]))) == event
    cut = data.draw(st.integers(0, len(parts)))
    sides = [list(newest(side).values()) for side in (parts[cut:], parts[:cut])]
    assert merge(reduce(lambda a, b: [*a, *b], sides)) == event
    kept = [each for each in newest(parts).values() if each.envelope.kind != "cancel"]
    assert (event.handling is None) == (not kept)
    for report in kept:
        was = report.envelope.handling
        assert TLP_ORDER.index(event.handling.tlp) >= TLP_ORDER.index(was.tlp)
        assert set(event.handling.purpose) <= set(was.purpose)
        assert set(event.handling.rel_to) <= set(was.rel_to)
        assert ONWARD_ORDER.index(event.handling.onward) >= ONWARD_ORDER.index(was.onward)
        assert event.handling.personal_data or not was.personal_data
        until = was.retain_until
        assert until is None or from_rfc3339(event.handling.retain_until) <= from_rfc3339(until)
        assert not (event.may_be_shared and until is None)
    said = {who for each in event.fields for value in each.values for who in value.by}
    assert said == {report.source.said for report in kept}


# events, links, suggestions


@pytest.fixture
def store(tmp_path):
    with ReceivedStore(tmp_path / "received.db") as opened:
        yield opened


def near(org: str, alert_type: str, context: str, hours: float = 0.0, km: float = 0.0, **changes: Any) -> Report:
    start, end = (str(to_rfc3339(from_rfc3339(SPAN[name]) + round(hours * HOUR_MS))) for name in ("start", "end"))
    point = {"type": "Point", "coordinates": [98.0, 8.0 + km / 111.2]}
    span = {"start": start.replace("Z", "+00:00"), "end": end.replace("Z", "+00:00")}
    changes = {"vessels": [], "places": [], "position_uncertainty_m": None} | changes
    return by(org, full(alert_type, observed=span, geometry=point, **changes), context=context)


US = near("a.example", "loitering", CONTEXT)


@pytest.mark.parametrize(
    ("other", "suggested"),
    [
        (near("b.example", "loitering", OTHER), True),
        (near("b.example", "unusual_landing", OTHER, hours=6.9, km=24), True),
        (near("b.example", "unusual_landing", OTHER, hours=7.1), False),
        (near("b.example", "loitering", OTHER, hours=-7.1), False),
        (near("b.example", "loitering", OTHER, km=26), False),
        (near("b.example", "loitering", OTHER, km=26, position_uncertainty_m=2000.0), True),
        (near("b.example", "identity_clash", OTHER), False),
        (near("a.example", "loitering", OTHER), False),
        (near("b.example", "loitering", CONTEXT), False),
        (near("b.example", "loitering", OTHER, status="exercise"), False),
        (near("b.example", "loitering", OTHER, kind="cancel"), False),
    ],
)
def test_what_is_near_and_alike_is_suggested(other, suggested):
    assert bool(suggestions([US, other], [])) is suggested
    assert bool(suggestions([other, US], [])) is suggested


def test_other_vessels_are_no_suggestion_and_the_same_come_first():
    named = near("a.example", "loitering", CONTEXT, vessels=[{"mmsi": 567801002}])
    other = near("b.example", "loitering", OTHER, vessels=[{"mmsi": 567801003}])
    same = near("b.example", "loitering", THIRD, hours=3, vessels=[{"mmsi": 567801002}])
    unsaid = near("c.example", "loitering", OTHER)
    assert suggestions([named, other], []) == []
    found = suggestions([named, same, unsaid], [])
    assert (found[0].contexts, found[0].same_vessel) == ((CONTEXT, THIRD), True)


def test_a_person_joins_and_can_take_it_back(store):
    links = Links(store)
    reports = [US, near("b.example", "loitering", OTHER), near("c.example", "loitering", THIRD)]
    assert len(events(reports, links.in_force())) == 3
    assert links.join(OTHER, CONTEXT, "duty officer", NOW_MS)
    assert not links.join(CONTEXT, OTHER, "analyst", NOW_MS)
    links.join(THIRD, OTHER, "analyst", NOW_MS)
    (event,) = events(reports, links.in_force())
    assert event.contexts == [CONTEXT, OTHER, THIRD]
    assert suggestions(reports, links.in_force()) == []
    links.leave(OTHER, CONTEXT, "analyst", NOW_MS + 1)
    assert [each.contexts for each in events(reports, links.in_force())].count([OTHER, THIRD]) == 1
    first = links.all()[0]
    assert (first.role, first.left_by, first.left_ms) == ("duty officer", "analyst", NOW_MS + 1)
    for wrong in ((CONTEXT, CONTEXT), (CONTEXT, "x")):
        with pytest.raises(UsageError):
            links.join(*wrong, "analyst", NOW_MS)
    with pytest.raises(UsageError, match="not joined"):
        links.leave(OTHER, CONTEXT, "analyst", NOW_MS)


def test_received_reports_keep_their_context_and_watch_requests_are_none(store):
    for envelope in (full(), full(event={"type": WATCH_REQUEST}, alert_id=CONTEXT)):
        store.add(Accepted(envelope, envelope.canonical(), "verified", "cap"), NOW_MS)
    (report,) = received_reports(store, NOW_MS)
    assert report.context_id == full().context_id
    gone = changed(cancel(), revision=7)
    store.add(Accepted(gone, gone.canonical(), "verified", "cap"), NOW_MS)
    assert next(received_reports(store, NOW_MS)).context_id == full().context_id


def test_own_alerts_stand_beside_them_under_the_context_of_the_ledger(tmp_path: Path):
    (alone,) = own_reports([ALERT], OWN_VIEW, {}, "actual")
    assert (alone.context_id, alone.source.standing) == (ALERT.alert_id, "own")
    assert not merge([alone]).may_be_shared
    office = Office(tmp_path, two())
    office.take(ALERT)
    contexts = contexts_in(office.ledger)
    office.ledger.close()
    (known,) = own_reports([ALERT], OWN_VIEW, contexts, "actual")
    assert known.context_id == contexts[ALERT.alert_id] != ALERT.alert_id
    (drill,) = own_reports([ALERT], OWN_VIEW, contexts, "exercise")
    assert drill.context_id == ALERT.alert_id
