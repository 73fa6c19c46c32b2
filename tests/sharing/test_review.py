"""What people say of alerts decides who is told, whenever it is said, and never widens what a policy lets out."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from maritime.alerts.alert import Alert
from maritime.errors import UsageError
from maritime.sharing.desk import REMEMBERED_MS, Parcel
from maritime.sharing.envelope import Envelope, ProtectedPersons, offset_time
from maritime.sharing.human_review import MOST_CAVEATS, HumanReview
from maritime.sharing.ledger_check import check
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.publisher import Publisher, Secrets
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.sharing.policies import KEY, MARK, coarse_rule, partner, policy, rule
from tests.sharing.test_publisher import ALERT, LONGER, NONE_AFTER_ALL, NOW_MS, SIGNING, Office, read

TERMS: dict[str, dict[str, Any]] = {
    "machine": partner(rule()),
    "human": partner(rule(), machine_alerts=False),
    "police": partner(rule(), machine_alerts=False, mandate=["maritime_safety"]),
    "shelter": partner(rule(), mandate=["humanitarian_protection", "maritime_safety"], country="MY"),
    "rescue": partner(rule(), rescue=True, mandate=["search_and_rescue", "maritime_safety"], country="TH"),
    "late": partner(coarse_rule(), machine_alerts=False),
    "coarse": partner(coarse_rule()),
}
DISTRESS = replace(
    ALERT,
    type="distress_beacon",
    evidence={"safety": {"distress": True, "beacon": "EPIRB-AIS", "sar_phase": "distress"}},
)


def several(*names: str, **mark: Any) -> ReleasePolicy:
    partners = {name: TERMS[name] for name in names or TERMS}
    return policy(partners, marks=[MARK | {"rel_to": list(partners)} | mark])


def review(state: str = "confirmed", at_ms: int = NOW_MS, **said: Any) -> HumanReview:
    return HumanReview.model_validate({"state": state, "role": "duty officer", "at": offset_time(at_ms)} | said)


class Desk(Office):
    """An office with people in it."""

    def under(self, by: ReleasePolicy) -> Publisher:
        keys = dict.fromkeys(("coarse", "late"), KEY)
        return Publisher(by, "cd" * 32, self.ledger, Secrets(SIGNING, keys), self.random.randbytes)

    def say(self, said: HumanReview, at_ms: int = NOW_MS + MINUTE_MS, alert_id: str = ALERT.alert_id) -> list[Parcel]:
        book = self.publisher.reviews
        book.say(book.reading.whole(alert_id), said)
        return self.act(at_ms)

    def act(self, at_ms: int) -> list[Parcel]:
        waiting = self.publisher.reviews.reading.waiting(99)
        return [parcel for filed in waiting for parcel in self.publisher.take_review(filed, at_ms)]

    def holds(self, name: str, alert_id: str = ALERT.alert_id) -> dict[str, Any] | None:
        """What a partner has in the end, without what tells of the message alone."""
        copy = self.publisher.desk.copy(alert_id, name)
        if copy is None or copy.kind == "cancel":
            return None
        told: dict[str, Any] = json.loads(copy.envelope)
        told["handling"].pop("retain_until")
        return {key: value for key, value in told.items() if key not in OF_THE_MESSAGE}


OF_THE_MESSAGE = ("alert_id", "revision", "kind", "references", "sent", "context_id")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, several())
    yield made
    assert check(made.ledger, []) is None
    made.ledger.close()


def told(parcels: list[Parcel]) -> dict[str, str]:
    return {parcel.partner: read(parcel).kind for parcel in parcels}


def test_a_confirmed_alert_reaches_those_who_want_reviewed_ones(desk: Desk) -> None:
    assert set(told(desk.take(ALERT))) == {"machine", "shelter", "rescue"}
    parcels = desk.say(review())
    assert told(parcels) == {
        "machine": "update",
        "human": "alert",
        "police": "alert",
        "shelter": "update",
        "rescue": "update",
    }
    for parcel in parcels:
        assessment = read(parcel).assessment
        assert assessment is not None
        assert assessment.review is not None
        assert (assessment.review.state, assessment.review.role) == ("confirmed", "duty officer")
    entry = next(e for e in entries(desk) if e.decision == "reviewed")
    assert (entry.partner, entry.reason, entry.role) == ("nobody", "confirmed", "duty officer")
    assert entry.internal_id == ALERT.alert_id
    assert desk.act(NOW_MS + HOUR_MS) == []  # once


def entries(desk: Desk) -> list[Any]:
    return [desk.ledger.entry(seq) for seq in range(len(desk.ledger))]


def test_a_dismissed_alert_is_cancelled_with_those_who_have_it(desk: Desk) -> None:
    desk.take(ALERT)
    assert told(desk.say(review("dismissed"))) == {"machine": "cancel", "shelter": "cancel", "rescue": "cancel"}
    assert ("human", "denied", "dismissed") in desk.decisions()
    assert desk.publisher.release_due(NOW_MS + 24 * HOUR_MS) == []  # nor does what waited leave
    assert desk.take(LONGER, NOW_MS + 25 * HOUR_MS) == []  # nor a later revision
    assert told(desk.say(review("resolved"), NOW_MS + 26 * HOUR_MS))["human"] == "alert"


def test_a_later_revision_keeps_the_review(desk: Desk) -> None:
    desk.take(ALERT)
    desk.say(review(caveats=("seen from the air",), protected=True, countries_of_origin=("MM",)))
    parcels = desk.take(LONGER, NOW_MS + HOUR_MS)
    assert set(told(parcels)) == {"machine", "human", "shelter", "rescue"}
    for parcel in parcels:
        assessment = read(parcel).assessment
        assert assessment is not None
        assert assessment.review is not None
        assert (assessment.review.state, assessment.caveats) == ("confirmed", ["seen from the air"])


def test_protected_people_are_taken_back_from_all_who_do_not_protect(desk: Desk) -> None:
    desk.take(ALERT)
    desk.say(review())
    parcels = desk.say(review(protected=True, countries_of_origin=("MY",)), NOW_MS + HOUR_MS)
    protectors = {"machine": "update", "human": "update", "rescue": "update"}
    assert told(parcels) == protectors | {"police": "cancel", "shelter": "cancel"}  # MY is where they fled from
    for parcel in parcels:
        if parcel.partner in protectors:  # they learn of it, and that nobody after them may, but not where from
            assert read(parcel).handling.protected_persons == ProtectedPersons()
    assert ("police", "cancelled", "protected_persons") in desk.decisions()
    again = desk.say(review(protected=False), NOW_MS + 2 * HOUR_MS)
    assert told(again)["police"] == told(again)["shelter"] == "alert"


def test_of_protected_people_from_an_unknown_country_nobody_is_told(desk: Desk) -> None:
    desk.take(ALERT)
    assert set(told(desk.say(review(protected=True))).values()) == {"cancel"}


def test_an_offence_is_named_by_a_role_that_confirms(desk: Desk) -> None:
    desk.take(ALERT)
    named = {parcel.partner: read(parcel) for parcel in desk.say(review(offence="illegal_fishing"))}
    assert {(each.event.nature, each.event.subtype) for each in named.values()} == {("offence", "illegal_fishing")}
    assert "reported by duty officer" in str(named["machine"].event.headline)
    later = {parcel.partner: read(parcel) for parcel in desk.say(review("resolved"), NOW_MS + HOUR_MS)}
    assert {each.event.nature for each in later.values()} == {"behaviour"}
    with pytest.raises(ValidationError, match="confirms"):
        review("resolved", offence="illegal_fishing")


def test_an_offence_is_no_distress_and_no_fault_of_reception(desk: Desk) -> None:
    desk.take(DISTRESS)
    with pytest.raises(UsageError, match="distress_beacon"):
        desk.say(review(offence="illegal_fishing"))


def test_an_analyst_says_whether_it_is_personal(desk: Desk) -> None:
    (first, *_) = desk.take(ALERT)
    assert read(first).handling.personal_data
    assert not any(read(parcel).handling.personal_data for parcel in desk.say(review(personal_data=False)))


def test_what_is_left_open_stays_as_it_was_said() -> None:
    first = review(protected=True, countries_of_origin=("SY",), personal_data=True, offence="x", caveats=("a", "b"))
    second = review("confirmed", caveats=("b", "c")).after(first)
    assert (second.protected, second.countries_of_origin, second.personal_data) == (True, ("SY",), True)
    assert (second.offence, second.caveats) == ("x", ("a", "b", "c"))
    assert review("resolved").after(second).offence is None
    assert review(offence="none").after(second).named_offence is None
    assert review(protected=True).after(first).countries_of_origin == ()  # where from is not known after all
    many = review(caveats=tuple(map(str, range(MOST_CAVEATS)))).after(first).caveats
    assert len(many) == MOST_CAVEATS
    with pytest.raises(ValidationError, match="countries of origin"):
        review(countries_of_origin=("SY",))


def test_a_review_makes_no_alert_younger(tmp_path: Path) -> None:
    """After its expiry nobody is sent it anew; who may not have it any more is asked to let go."""
    desk = Desk(tmp_path, several("machine", "human", "police", expires_h=72))
    desk.take(ALERT)
    late_ms = NOW_MS + 4 * DAY_MS
    assert desk.say(review(), late_ms) == []
    assert desk.decisions()[-3:] == [(name, "denied", "expired") for name in ("machine", "human", "police")]
    desk.publisher.purge(late_ms + HOUR_MS)  # the alert is kept, as somebody has a copy
    assert told(desk.say(review("dismissed"), late_ms + DAY_MS)) == {"machine": "cancel"}


def test_retention_does_not_begin_anew(desk: Desk) -> None:
    (first, *_) = (read(parcel) for parcel in desk.take(ALERT))
    (second, *_) = (read(parcel) for parcel in desk.say(review(), NOW_MS + 30 * HOUR_MS))
    assert (second.handling.retain_until, second.expires) == (first.handling.retain_until, first.expires)


def test_what_waits_keeps_its_hour_and_is_decided_with_the_review(tmp_path: Path) -> None:
    desk = Desk(tmp_path, several("coarse", "late"))
    desk.take(ALERT)  # at 21:00, for `coarse` it waits for six hours, and a step at 06:00
    assert desk.say(review(), NOW_MS + HOUR_MS) == []
    assert told(desk.publisher.release_due(NOW_MS + 9 * HOUR_MS)) == {"coarse": "alert", "late": "alert"}
    desk.say(review("dismissed"), NOW_MS + 10 * HOUR_MS)
    assert told(desk.publisher.release_due(NOW_MS + 15 * HOUR_MS)) == {"coarse": "cancel", "late": "cancel"}


def test_a_review_of_a_coarse_copy_is_told_at_a_step(tmp_path: Path) -> None:
    desk = Desk(tmp_path, several("late"))
    desk.take(ALERT)
    assert desk.say(review(), NOW_MS + 10 * HOUR_MS) == []  # at 07:00; it tells no more than its clock
    assert desk.decisions()[-1] == ("late", "held", "delayed")
    assert told(desk.publisher.release_due(NOW_MS + 15 * HOUR_MS)) == {"late": "alert"}


def test_distress_is_not_held_up(desk: Desk) -> None:
    """Neither by a dismissal nor by an expiry; of protected people, not those they fled from."""
    desk.take(DISTRESS)
    assert told(desk.say(review("dismissed"))) == {"rescue": "update", "machine": "cancel", "shelter": "cancel"}
    longer = replace(DISTRESS, revision=1, lat=9.0)
    assert told(desk.take(longer, NOW_MS + HOUR_MS)) == {"rescue": "update"}
    longer = replace(DISTRESS, revision=2, lat=9.1)
    assert told(desk.publisher.take_urgent(longer, NOW_MS + 2 * HOUR_MS)) == {"rescue": "update"}
    assert desk.say(review("dismissed", caveats=("a",)), NOW_MS + 3 * HOUR_MS) == []  # it knows a newer one
    parcels = desk.say(review(protected=True, countries_of_origin=("TH",)), NOW_MS + 4 * HOUR_MS)
    assert told(parcels) == dict.fromkeys(("machine", "human", "shelter"), "alert")


def test_an_exercise_is_reviewed_apart(tmp_path: Path) -> None:
    desk = Desk(tmp_path, policy({"p": partner(rule(), exercises=True, machine_alerts=False)}))
    desk.take(ALERT)
    desk.take(ALERT, status="exercise")
    (parcel,) = desk.say(review(), alert_id=f"exercise:{ALERT.alert_id}")
    assert (parcel.channel, read(parcel).status) == ("exercise", "exercise")
    assert desk.holds("p") is None


def test_what_is_none_after_all_cannot_be_reviewed(desk: Desk) -> None:
    desk.take(ALERT)
    desk.take(NONE_AFTER_ALL, NOW_MS + HOUR_MS)
    with pytest.raises(UsageError, match="no alert 4e42"):
        desk.say(review())


def test_what_was_said_leaves_with_the_alert(desk: Desk) -> None:
    desk.take(ALERT)
    desk.say(review(personal_data=False))
    desk.publisher.release_due(NOW_MS + DAY_MS)
    desk.publisher.purge(NOW_MS + 80 * DAY_MS)
    assert desk.publisher.desk.whole(ALERT.alert_id) is not None  # somebody has a copy
    desk.publisher.purge(NOW_MS + 91 * DAY_MS)
    assert desk.publisher.desk.whole(ALERT.alert_id) is None
    desk.publisher.purge(NOW_MS + 2 * REMEMBERED_MS)
    desk.publisher.purge(NOW_MS + 4 * REMEMBERED_MS)
    assert desk.publisher.reviews.reading.newest(9) == []


def test_what_nobody_has_is_not_kept_beyond_its_expiry(tmp_path: Path) -> None:
    desk = Desk(tmp_path, several("human", expires_h=72))
    desk.take(ALERT)
    desk.publisher.purge(NOW_MS + 3 * DAY_MS)
    assert desk.publisher.desk.whole(ALERT.alert_id) is None


SAID = st.builds(
    lambda state, **said: review(state, **{k: v for k, v in said.items() if k != "offence" or state == "confirmed"}),
    st.sampled_from(("confirmed", "dismissed", "resolved")),
    personal_data=st.sampled_from((None, True, False)),
    offence=st.sampled_from((None, "illegal_fishing", "none")),
    caveats=st.sampled_from(((), ("a",))),
) | st.builds(
    lambda state, countries: review(state, protected=True, countries_of_origin=countries),
    st.sampled_from(("confirmed", "dismissed", "resolved")),
    st.sampled_from(((), ("MY",), ("SG", "TH"))),
)
ALERTS = st.sampled_from((ALERT, replace(ALERT, severity="minor"), DISTRESS))


@settings(max_examples=60)
@given(ALERTS, st.lists(SAID, min_size=1, max_size=3), st.integers(0, 39 * 60), st.booleans())
def test_to_review_what_was_published_is_to_publish_what_was_reviewed(
    alert: Alert, said: list[HumanReview], after_min: int, is_revised: bool
) -> None:
    """In the end each partner has the same, or nothing, whichever came first."""
    assume(alert.type == "loitering" or not any(each.named_offence for each in said))
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        first, second = Desk(Path(one), several()), Desk(Path(other), several())
        first.take(alert)
        at_ms = NOW_MS + after_min * MINUTE_MS
        first.publisher.release_due(at_ms)
        for each in said:
            first.say(each, at_ms)
        second.take(alert, status="test")  # so that it is known; nobody takes tests
        test = second.publisher.reviews.reading.whole(f"test:{alert.alert_id}")
        for each in said:
            second.publisher.reviews.say(test._replace(internal_id=alert.alert_id), each)
        second.act(NOW_MS)
        second.take(alert)
        for desk in (first, second):
            desk.publisher.release_due(NOW_MS + 40 * HOUR_MS)
        for desk in (first, second):
            if is_revised:
                desk.take(replace(alert, revision=1, confidence=0.8), NOW_MS + 41 * HOUR_MS)
            desk.publisher.release_due(NOW_MS + 70 * HOUR_MS)
        for name in TERMS:
            assert first.holds(name) == second.holds(name), name
        first.ledger.close()
        second.ledger.close()


def test_copies_are_those_of_envelopes(desk: Desk) -> None:
    """A copy after a review is valid as any other."""
    desk.take(ALERT)
    for parcel in desk.say(review(offence="illegal_fishing", caveats=("a",), personal_data=True)):
        Envelope.model_validate_json(parcel.envelope)
