"""The publisher: what alerts lead to, over revisions, delays, retractions and days."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from maritime.alerts.alert import Alert, Detector
from maritime.detect.episode import Reason
from maritime.sharing.desk import Parcel
from maritime.sharing.envelope import Envelope
from maritime.sharing.keys import KeySet, SigningKey
from maritime.sharing.ledger import Ledger
from maritime.sharing.ledger_check import check
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.publisher import Publisher, Secrets
from maritime.sharing.signatures import verify
from maritime.times import from_rfc3339
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.sharing.policies import KEY, MARK, coarse_rule, partner, policy, rule

NOW_MS = from_rfc3339("2026-03-14T21:00:00Z")
SIGNING = SigningKey.from_seed(bytes(32))
ALERT = Alert(
    alert_id="4e423363002e310fc563edd7cb220a22",
    revision=0,
    type="loitering",
    state="open",
    mmsi=567801002,
    hull="567801002-1",
    started_ms=NOW_MS - 3 * HOUR_MS,
    ended_ms=None,
    raised_ms=NOW_MS - MINUTE_MS,
    lat=8.79967,
    lon=98.254947,
    severity="severe",
    confidence=0.9,
    score=0.8,
    reasons=(Reason("duration", 2.9, 2.0, "h"),),
    evidence={"hours": 2.9, "source": "coast-7"},
    detector=Detector("maritime-watch", "0.1.0", "ab" * 32),
    geometry={"type": "Point", "coordinates": [98.254947, 8.79967]},
)
LONGER = replace(ALERT, revision=3, evidence={"hours": 3.9}, ended_ms=NOW_MS, state="closed")
NONE_AFTER_ALL = replace(ALERT, revision=4, state="retracted")


class Office:
    """A publisher on a ledger in a folder."""

    def __init__(self, folder: Path, by: ReleasePolicy) -> None:
        self.ledger = Ledger(folder / "ledger.db")
        self.random = Random(1)
        self.publisher = self.under(by)

    def under(self, by: ReleasePolicy) -> Publisher:
        return Publisher(by, "cd" * 32, self.ledger, Secrets(SIGNING, {"late": KEY}), self.random.randbytes)

    def take(self, alert: Alert, at_ms: int = NOW_MS, status: Any = "actual") -> list[Parcel]:
        return self.publisher.take([alert], status, at_ms)

    def decisions(self) -> list[tuple[str, str, str]]:
        entries = [self.ledger.entry(seq) for seq in range(len(self.ledger))]
        return [(each.partner, each.decision, each.reason) for each in entries]


def two() -> ReleasePolicy:
    """`now` gets everything, `late` a coarse copy after six hours."""
    mark = MARK | {"rel_to": ["now", "late"]}
    return policy({"now": partner(rule(), exercises=True), "late": partner(coarse_rule())}, marks=[mark])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path, two())
    yield made
    assert check(made.ledger, []) is None
    made.ledger.close()


def read(parcel: Parcel) -> Envelope:
    """The envelope in a parcel, its signature checked over the bytes."""
    public = SIGNING.public(org_id="nmc.example")
    verify(json.loads(parcel.envelope), parcel.jws, KeySet((public,)), from_rfc3339("2027-01-01T00:00:00Z"))
    return Envelope.model_validate_json(parcel.envelope)


def test_each_partner_gets_its_copy_under_numbers_of_its_own(office: Office) -> None:
    (parcel,) = office.take(ALERT)
    (late,) = office.publisher.release_due(NOW_MS + 9 * HOUR_MS)
    now, then = read(parcel), read(late)
    assert (parcel.partner, parcel.channel, parcel.sequence) == ("now", "actual", 1)
    assert (now.kind, now.revision, now.references) == ("alert", 0, [])
    assert now.alert_id != then.alert_id
    assert ALERT.alert_id not in parcel.envelope.decode() + late.envelope.decode()
    assert office.decisions() == [
        ("now", "released", "rule"),
        ("late", "held", "delayed"),
        ("late", "released", "rule"),
    ]


def test_what_waits_is_decided_anew_when_its_hour_comes(office: Office) -> None:
    office.take(ALERT)
    assert office.publisher.release_due(NOW_MS + 5 * HOUR_MS) == []
    ended = two().model_dump(mode="json")
    ended["partners"]["late"]["agreement"]["until"] = "2026-03-14"
    office.publisher = office.under(ReleasePolicy.model_validate(ended))
    assert office.publisher.release_due(NOW_MS + 9 * HOUR_MS) == []
    assert office.decisions()[-1] == ("late", "denied", "agreement_not_in_force")
    assert office.publisher.release_due(NOW_MS + 99 * HOUR_MS) == []


def test_an_update_refers_to_the_copy_before_and_counts_the_recipients_own(office: Office) -> None:
    first = read(office.take(ALERT)[0])
    second = read(office.take(LONGER, NOW_MS + HOUR_MS)[0])
    assert (second.kind, second.revision, second.alert_id) == ("update", 1, first.alert_id)
    assert second.references == [f"{first.alert_id}@0@{first.sent}"]


def test_no_news_is_not_sent(office: Office) -> None:
    office.take(ALERT)
    assert office.take(replace(ALERT, revision=1), NOW_MS + MINUTE_MS) == []
    assert office.decisions()[-2:] == [("now", "unchanged", "rule"), ("late", "held", "delayed")]


def test_a_retraction_cancels_with_all_who_have_a_copy_and_drops_what_waits(office: Office) -> None:
    office.take(ALERT)
    (parcel,) = office.take(NONE_AFTER_ALL, NOW_MS + HOUR_MS)
    told = read(parcel)
    assert (parcel.partner, told.kind, told.vessels, told.geometry) == ("now", "cancel", [], None)
    assert office.publisher.release_due(NOW_MS + 99 * HOUR_MS) == []
    assert office.decisions()[-2:] == [("late", "denied", "retracted"), ("now", "cancelled", "retracted")]
    assert office.take(NONE_AFTER_ALL, NOW_MS + 2 * HOUR_MS) == []  # asked once


def test_a_retraction_reaches_who_has_a_copy_even_after_its_agreement(office: Office) -> None:
    office.take(ALERT)
    gone = two().model_dump(mode="json")
    del gone["partners"]["now"], gone["marks"][0]["rel_to"][0]
    office.publisher = office.under(ReleasePolicy.model_validate(gone))
    assert [parcel.partner for parcel in office.take(NONE_AFTER_ALL)] == ["now"]


def test_who_may_not_have_the_update_is_asked_to_let_go_and_may_have_it_again(office: Office) -> None:
    office.take(ALERT)
    strict = two().model_dump(mode="json")
    strict["partners"]["now"]["rules"][0]["min_severity"] = "Extreme"
    office.publisher = office.under(ReleasePolicy.model_validate(strict))
    (parcel,) = office.take(LONGER, NOW_MS + HOUR_MS)
    assert read(parcel).kind == "cancel"
    assert ("now", "cancelled", "no_rule") in office.decisions()
    office.publisher = office.under(two())
    again = read(office.take(replace(LONGER, revision=5), NOW_MS + 2 * HOUR_MS)[0])
    assert (again.kind, again.revision) == ("alert", 2)


def test_old_news_never_comes_after_new_ones(office: Office) -> None:
    office.take(ALERT)  # waits for `late`
    open_now = two().model_dump(mode="json")
    open_now["partners"]["late"]["rules"] = [rule()]
    office.publisher = office.under(ReleasePolicy.model_validate(open_now))
    assert {parcel.partner for parcel in office.take(LONGER, NOW_MS + HOUR_MS)} == {"now", "late"}
    assert office.publisher.release_due(NOW_MS + 99 * HOUR_MS) == []


def test_of_several_revisions_due_at_one_step_only_the_newest_is_told(office: Office) -> None:
    office.take(ALERT)
    office.take(LONGER, NOW_MS + MINUTE_MS)
    (late,) = office.publisher.release_due(NOW_MS + 9 * HOUR_MS)
    assert (read(late).kind, read(late).revision) == ("alert", 0)
    assert [item.value for item in read(late).evidence] == [4.0]  # 3.9 h, of the second
    assert office.publisher.release_due(NOW_MS + 99 * HOUR_MS) == []


def test_a_coarse_copy_is_cancelled_at_a_step_too(office: Office) -> None:
    """The minute of the cancel would tell when the vessel left."""
    office.take(ALERT)
    office.publisher.release_due(NOW_MS + 9 * HOUR_MS)
    at_ms = NOW_MS + 9 * HOUR_MS + 17 * MINUTE_MS
    assert [parcel.partner for parcel in office.take(NONE_AFTER_ALL, at_ms)] == ["now"]
    assert office.publisher.release_due(at_ms + HOUR_MS) == []
    (late,) = office.publisher.release_due(NOW_MS + 15 * HOUR_MS)  # 12:00, the next step of six hours
    assert (late.partner, read(late).kind) == ("late", "cancel")
    assert office.publisher.release_due(NOW_MS + 99 * HOUR_MS) == []
    assert office.decisions()[-1] == ("late", "cancelled", "retracted")


def test_an_exercise_goes_on_a_channel_of_its_own_to_those_who_take_them(office: Office) -> None:
    (parcel,) = office.take(ALERT, status="exercise")
    assert (parcel.partner, parcel.channel) == ("now", "exercise")
    assert read(parcel).status == "exercise"
    assert office.decisions()[-1] == ("late", "denied", "not_actual")


def test_sequences_have_no_gap_whatever_was_denied_between(office: Office) -> None:
    numbers = []
    for i in range(5):
        told = office.take(replace(ALERT, alert_id=f"{i:032x}"), status="actual")
        assert office.take(replace(ALERT, alert_id=f"{i:032x}", revision=1), status="test") == []
        numbers += [parcel.sequence for parcel in told]
    assert numbers == [1, 2, 3, 4, 5]


def test_an_exercise_never_touches_what_was_told_of_the_real_one(office: Office) -> None:
    (real,) = office.take(ALERT)
    for alert in (LONGER, NONE_AFTER_ALL):
        assert all(parcel.channel == "exercise" for parcel in office.take(alert, status="exercise"))
    assert office.take(replace(NONE_AFTER_ALL, revision=9), status="test") == []
    copy = office.publisher.desk.copy(ALERT.alert_id, "now")
    assert copy is not None
    assert copy.envelope == real.envelope
    exercised = [read(p) for p in office.publisher.desk.outbox() if p.channel == "exercise"]
    assert {each.status for each in exercised} == {"exercise"}
    assert read(real).alert_id not in {each.alert_id for each in exercised}


def test_what_is_not_delivered_stays_in_the_outbox(tmp_path: Path) -> None:
    office = Office(tmp_path, two())
    (parcel,) = office.take(ALERT)
    office.ledger.close()
    again = Office(tmp_path, two())
    assert again.publisher.desk.outbox() == [parcel]
    again.publisher.desk.delivered(parcel.number)
    assert again.publisher.desk.outbox() == []


def test_what_fails_half_way_is_not_written_at_all(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(office.ledger, "append", fail)
    with pytest.raises(OSError, match="full"):
        office.take(ALERT)
    monkeypatch.undo()
    assert office.publisher.desk.outbox() == []
    assert office.publisher.desk.recipients(ALERT.alert_id) == []
    assert len(office.ledger) == 0


def test_copies_are_purged_when_due_and_it_is_written_down(office: Office) -> None:
    office.take(ALERT)
    assert office.publisher.purge(NOW_MS + 89 * DAY_MS) == 0
    assert office.publisher.purge(NOW_MS + 90 * DAY_MS) == 1
    assert office.publisher.desk.copy(ALERT.alert_id, "now") is None
    assert office.decisions()[-1] == ("now", "purged", "retention_over")


def test_distress_comes_first_and_whole_to_who_rescues(tmp_path: Path) -> None:
    mark = MARK | {"rel_to": ["a", "z"]}
    office = Office(tmp_path, policy({"a": partner(rule()), "z": partner(rescue=True)}, marks=[mark]))
    safety = {"distress": True, "beacon": "EPIRB-AIS", "sar_phase": "distress"}
    told = office.take(replace(ALERT, type="distress_beacon", evidence={"safety": safety}))
    assert [parcel.partner for parcel in told] == ["z", "a"]
    assert read(told[0]).vessels[0].mmsi == ALERT.mmsi
    assert office.decisions() == [("z", "released", "safety"), ("a", "released", "rule")]


def test_a_type_without_a_mark_is_written_down_as_denied(tmp_path: Path) -> None:
    office = Office(tmp_path, policy({"p": partner(rule())}, marks=[MARK | {"types": ["dark_period"]}]))
    assert office.take(ALERT) == []
    assert office.decisions() == [("nobody", "denied", "no_mark")]


def test_every_copy_can_be_proved(office: Office) -> None:
    from maritime.sharing.receipts import check_receipt

    parcels = office.take(ALERT) + office.take(LONGER, NOW_MS + HOUR_MS)
    head = office.ledger.head("2026-03-15T00:00:00+00:00")
    for parcel in parcels:
        copy = read(parcel)
        seq = office.ledger.find(copy.alert_id, copy.revision, parcel.partner)
        check_receipt(office.ledger.prove(seq, head.size), head, parcel.envelope)


def test_secrets_are_not_shown() -> None:
    assert KEY.hex() not in repr(Secrets(SIGNING, {"late": KEY}))
    assert str(KEY) not in repr(Secrets(SIGNING, {"late": KEY}))
