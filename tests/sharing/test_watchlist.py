"""Watchlists: a vessel, until a day, under policy; placeholders and what is over never match."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from maritime.errors import UsageError
from maritime.sharing.decide import decide
from maritime.sharing.envelope import WATCH_REQUEST, Envelope, Vessel
from maritime.sharing.formats import FORMATS, read
from maritime.sharing.identities import NO_MMSI, bare, identities_of, is_imo, is_mmsi
from maritime.sharing.intake import Accepted
from maritime.sharing.own_view import OWN_VIEW
from maritime.sharing.received import ReceivedStore
from maritime.sharing.release import Release
from maritime.sharing.watch_match import Sighting, Watchlist, WatchMatch
from maritime.sharing.watchlist import MOST_DAYS, Entry, Term, entries, entry_of, new_entry, withdrawn
from maritime.times import from_rfc3339
from maritime.units import DAY_MS, HOUR_MS
from tests.sharing.policies import ADDRESS, MARK, coarse_rule, partner, policy, rule
from tests.sharing.samples import changed, full
from tests.sharing.test_publisher import ALERT

NOW_MS = from_rfc3339("2026-03-14T12:00:00Z")
TERM = Term(NOW_MS, NOW_MS + 30 * DAY_MS)
VESSEL = Vessel(mmsi=567801002, name="Chao Le 2")
ID = "4e423363-002e-410f-8563-edd7cb220a22"
BY = policy({"p": partner(rule(types=[WATCH_REQUEST]))}, marks=[MARK | {"types": [WATCH_REQUEST]}])


def entry(vessel: Vessel = VESSEL, term: Term = TERM, **changes: Any) -> Envelope:
    how = {"policy": OWN_VIEW, "purposes": ["maritime_safety"], "role": "duty officer", "reason": "overdue"} | changes
    reason, purposes, role, by = (how.pop(name) for name in ("reason", "purposes", "role", "policy"))
    return new_entry(vessel, reason, purposes, role, term, by, alert_id=ID, now_ms=NOW_MS, **how)


def theirs(record: Envelope, **changes: Any) -> Entry:
    return entry_of(changed(record, originator={"org_id": "other.example"}, **changes), "verified")


def matched(asked: Entry, seen: Sighting) -> list[WatchMatch]:
    return list(Watchlist([asked]).matches(seen))


def seen(vessel: Vessel, **changes: Any) -> Sighting:
    return Sighting.of_alert(ALERT)._replace(vessels=(vessel,), **changes)


def test_an_alert_matches_while_the_entry_is_in_force():
    (found,) = matched(entry_of(entry(), "own"), Sighting.of_alert(ALERT))
    assert (found.alert_id, found.by, found.differs, found.entry.originator) == (ALERT.alert_id, ["mmsi"], [], "own")


@pytest.mark.parametrize(
    ("starts_h", "ends_h", "is_in_force"),
    [(-2, -1, False), (-2, 0, True), (-2, 999, True), (1, 2, True), (719, 800, True), (720, 721, False)],
)
def test_the_time_of_the_event_decides(starts_h, ends_h, is_in_force):
    sighting = seen(VESSEL, starts_ms=NOW_MS + starts_h * HOUR_MS, ends_ms=NOW_MS + ends_h * HOUR_MS)
    assert bool(matched(entry_of(entry(), "own"), sighting)) is is_in_force


def test_what_was_withdrawn_is_unverified_endless_or_too_long_never_matches():
    alert = Sighting.of_alert(ALERT)
    assert not matched(entry_of(withdrawn(entry(), NOW_MS + 1), "own"), alert)
    assert not matched(entry_of(entry(), "unverified"), alert)
    endless = Envelope.model_validate({**entry().to_dict(), "expires": None})
    assert not matched(theirs(endless), alert)
    assert not matched(theirs(entry(), expires="2026-12-31T00:00:00+00:00"), alert)
    assert matched(theirs(entry()), alert)
    assert not matched(theirs(entry(), vessels=[{"pseudonym": "k3v9qzt2mw7xr4ah"}]), alert)


@pytest.mark.parametrize(
    ("asked", "was_seen", "by", "differs"),
    [
        ({"imo": 9074729}, {"imo": 9074729, "mmsi": 567801003}, ["imo"], []),
        ({"call_sign": "hs-b 1234"}, {"call_sign": "HSB1234"}, ["call_sign"], []),
        ({"name": "Châo  Lé-2"}, {"name": "CHAO LE 2"}, ["name"], []),
        ({"name": "CHAO LE 2", "mmsi": 567801002}, {"name": "CHAO LE 2"}, ["name"], []),
        ({"mmsi": 567801002, "imo": 9074729}, {"mmsi": 567801002, "imo": 9176187}, ["mmsi"], ["imo"]),
        ({"name": "CHAO LE 2", "mmsi": 567801002}, {"name": "CHAO LE 2", "mmsi": 567801003}, None, None),
        ({"name": "UNKNOWN"}, {"name": "unknown"}, None, None),
        ({"name": ""}, {"name": ""}, None, None),
        ({"name": "@@@@"}, {"name": "@@@@"}, None, None),
        ({"call_sign": "0000"}, {"call_sign": "0000"}, None, None),
        ({"mmsi": 123456789}, {"mmsi": 123456789}, None, None),
        ({"mmsi": 1193046}, {"mmsi": 1193046}, None, None),
        ({"mmsi": 412000000}, {"mmsi": 412000000}, None, None),
        ({"mmsi": 970123456}, {"mmsi": 970123456}, None, None),
        ({"imo": 1234568}, {"imo": 1234568}, None, None),
    ],
)
def test_identities_are_compared_as_they_are_meant(asked, was_seen, by, differs):
    found = matched(theirs(changed(entry(), vessels=[asked])), seen(Vessel(**was_seen)))
    assert [(each.by, each.differs) for each in found] == ([] if by is None else [(by, differs)])


def test_notices_without_a_vessel_match_nothing():
    notice = Sighting.of_alert(replace(ALERT, mmsi=0))
    assert notice.vessels == ()
    assert not matched(entry_of(entry(), "own"), notice)


@given(st.integers(0, (1 << 30) - 1) | st.sampled_from(sorted(NO_MMSI)))
def test_no_placeholder_is_an_mmsi(mmsi):
    if is_mmsi(mmsi):
        assert mmsi not in NO_MMSI
        assert mmsi % 1_000_000
        assert str(mmsi)[0] in "2345678" or str(mmsi)[:2] == "98"


@given(st.text(max_size=12))
def test_a_name_is_written_one_way(text):
    assert bare(bare(text)) == bare(text)
    assert bare(f"  {text.lower()} ") == bare(text.lower())
    vessel = Vessel(name=text, call_sign=text)
    assert all(len(each.value) >= 3 and len(set(each.value)) > 1 for each in identities_of(vessel))


def test_check_digits():
    assert [number for number in range(9074720, 9074730) if is_imo(number)] == [9074729]


def test_an_area_of_interest_holds_for_the_position():
    around, elsewhere = ((97.0, 8.0, 99.0, 9.0), (0.0, 0.0, 1.0, 1.0))
    over_the_line = entry(box=(170.0, -10.0, -170.0, 10.0))
    assert matched(entry_of(entry(box=around), "own"), Sighting.of_alert(ALERT))
    assert not matched(entry_of(entry(box=elsewhere), "own"), Sighting.of_alert(ALERT))
    assert not matched(entry_of(entry(box=around), "own"), seen(VESSEL, position=None))
    assert matched(entry_of(over_the_line, "own"), seen(VESSEL, position=(-175.0, 0.0)))
    assert matched(entry_of(entry(box=around), "own"), Sighting.of_envelope(full()))
    assert not matched(entry_of(entry(box=elsewhere), "own"), Sighting.of_envelope(full()))


def test_a_match_is_for_this_house_alone_and_bound_by_both():
    asked = theirs(entry(policy=BY), handling={"tlp": "TLP:GREEN", "onward": "permitted"})
    (found,) = matched(asked, Sighting.of_alert(ALERT))
    assert (found.handling.tlp, found.handling.rel_to, found.handling.onward) == (
        "TLP:AMBER+STRICT",
        [],
        "originator_only",
    )
    received = changed(full(), handling={"tlp": "TLP:RED", "retain_until": "2026-03-16T00:00:00+00:00"})
    (found,) = matched(asked, Sighting.of_envelope(received))
    assert (found.handling.tlp, found.handling.retain_until) == ("TLP:RED", "2026-03-16T00:00:00+00:00")
    other = changed(full(), handling={"purpose": ["defence"]})
    assert not matched(asked, Sighting.of_envelope(other))


def test_requests_are_not_matched_with_requests():
    assert not matched(entry_of(entry(), "own"), Sighting.of_envelope(entry()))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"vessel": Vessel()}, "which vessel"),
        ({"vessel": Vessel(mmsi=123456789)}, "mmsi 123456789 is that of no vessel"),
        ({"vessel": Vessel(mmsi=567801002, imo=1234568)}, "imo 1234568"),
        ({"vessel": Vessel(name="UNKNOWN")}, "name UNKNOWN"),
        ({"term": Term(NOW_MS, NOW_MS + MOST_DAYS * DAY_MS + 1)}, "within 90 days"),
        ({"term": Term(NOW_MS, NOW_MS)}, "end after it begins"),
        ({"role": " "}, "role"),
        ({"role": "a\nb"}, "role"),
        ({"policy": BY, "purposes": ["defence"]}, "defence is no purpose"),
    ],
)
def test_an_entry_must_be_findable_bounded_and_for_a_purpose(how, said):
    with pytest.raises(UsageError, match=said):
        entry(**how)


def test_an_entry_is_shared_by_a_rule_that_names_the_type_and_by_no_other():
    request = entry(policy=BY)
    answer = decide(request, "p", BY, address=ADDRESS, now_ms=NOW_MS)
    assert (answer.code, answer.envelope.event.subtype) == ("rule", "overdue")
    assert answer.envelope.event.headline == (
        "Watch request: vessel Chao Le 2, from 2026-03-14 12:00 to 2026-04-13 12:00 UTC"
    )
    silent = policy({"p": partner(rule())}, marks=[MARK | {"types": [WATCH_REQUEST]}])
    assert decide(request, "p", silent, address=ADDRESS, now_ms=NOW_MS).code == "no_rule"
    unmarked = policy({"p": partner(rule(types=[WATCH_REQUEST]))})
    assert decide(entry(policy=unmarked), "p", unmarked, address=ADDRESS, now_ms=NOW_MS).code == "not_in_rel_to"
    assert decide(request, "p", BY, address=ADDRESS, now_ms=TERM.ends_ms).code == "expired"


def test_a_rule_for_requests_may_tell_more_or_less_than_one_for_every_alert():
    """Neither is tried in the other's place, so that taking one away releases no more."""
    named, every = rule("named", types=[WATCH_REQUEST], release=["event.subtype"]), rule("every", release=["geometry"])
    for rules in ((named, every), (every, named)):
        policy({"p": partner(*rules)})
    both = named | {"types": [WATCH_REQUEST, "loitering"]}
    for rules in ((both, every), (every, both)):
        with pytest.raises(ValidationError):
            policy({"p": partner(*rules)})


def test_a_coarse_copy_of_an_entry_says_neither_vessel_nor_reason():
    by = policy(
        {"p": partner(coarse_rule(types=[WATCH_REQUEST], delay_min=360))},
        marks=[MARK | {"types": [WATCH_REQUEST]}],
    )
    answer = decide(
        entry(policy=by), "p", by, address=ADDRESS, now_ms=NOW_MS + 12 * HOUR_MS, pseudonym_key=bytes(range(32))
    )
    text = answer.envelope.canonical().decode()
    assert not any(secret in text for secret in ("567801002", "Chao", "overdue", "duty officer"))
    assert not entry_of(answer.envelope, "verified").can_match


@pytest.mark.parametrize("name", FORMATS)
def test_an_entry_travels_in_every_format(name):
    request = entry(policy=BY, box=(97.0, 8.0, 99.0, 9.0))
    assert read(FORMATS[name].render(Release(request))).envelope == request


def test_a_withdrawn_entry_says_nothing_of_its_vessel_and_an_exercise_is_none(tmp_path):
    with ReceivedStore(tmp_path / "w.db") as store:
        drill = changed(entry(), status="exercise", alert_id="11111111-2222-4333-8444-555555555555")
        for each in (entry(), withdrawn(entry(), NOW_MS), drill):
            store.add(Accepted(each, each.canonical(), "own", "envelope"), NOW_MS)
        (gone,) = entries(store.alerts(NOW_MS))
        assert gone.state(NOW_MS) == "withdrawn"
        assert not any(secret in gone.envelope.canonical() for secret in (b"567801002", b"Chao", b"overdue"))
        assert gone.envelope.handling.rel_to == entry().handling.rel_to


def test_an_entry_is_purged_when_it_ends(tmp_path):
    with ReceivedStore(tmp_path / "w.db") as store:
        request = entry()
        store.add(Accepted(request, request.canonical(), "own", "envelope"), NOW_MS)
        assert [each.state(NOW_MS) for each in entries(store.alerts(NOW_MS))] == ["in_force"]
        assert not list(store.alerts(TERM.ends_ms))
        assert len(store.purge(TERM.ends_ms)) == 1
