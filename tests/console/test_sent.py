"""What was sent is kept until its recipient must have purged it, for that recipient alone."""

import json
from dataclasses import replace

import pytest

from maritime.errors import InputError
from maritime.sharing.ledger import Ledger
from maritime.sharing.sent import SentParcels
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.console.house import ALERT, LONGER, NONE_AFTER_ALL, NOW_MS, alert


def sent_to(house, partner="now", channel="actual", now_ms=NOW_MS + HOUR_MS, after=0, most=100):
    with SentParcels(house.folder / "ledger.db", now_ms) as sent:
        return sent.parcels(partner, channel, after, most)


def test_a_parcel_stays_after_it_was_delivered(build):
    house = build()
    parcels = [parcel for parcel in house.take(ALERT) if parcel.partner == "now"]
    for parcel in house.publisher.desk.outbox():
        house.publisher.desk.delivered(parcel.number)
    assert house.publisher.desk.outbox() == []
    (kept,) = sent_to(house)
    assert (kept.sequence, kept.envelope, kept.jws) == (1, parcels[0].envelope, parcels[0].jws)
    assert kept.release().envelope.canonical() == kept.envelope
    assert sent_to(house, "nobody") == sent_to(house, "late") == sent_to(house, channel="exercise") == []


def test_it_goes_when_its_time_is_over_purged_or_not(build):
    house = build()
    house.take(ALERT)
    assert len(sent_to(house, now_ms=NOW_MS + 90 * DAY_MS - 1)) == 1
    assert sent_to(house, now_ms=NOW_MS + 90 * DAY_MS) == []
    house.publisher.purge(NOW_MS + 89 * DAY_MS)
    assert len(sent_to(house)) == 1
    house.publisher.purge(NOW_MS + 90 * DAY_MS)
    assert sent_to(house) == []
    house.take(LONGER, at_ms=NOW_MS + 91 * DAY_MS)  # sequences go on, nothing is counted twice
    assert [each.sequence for each in sent_to(house, now_ms=NOW_MS + 91 * DAY_MS)] == [2]


def test_times_in_a_channel_grow_though_the_clock_does_not(build):
    house = build()
    for number in range(4):
        house.take(alert(number), at_ms=NOW_MS - number * MINUTE_MS)
    times = [each.added_ms for each in sent_to(house)]
    assert times == sorted(set(times))
    assert len(times) == 4


def test_revisions_know_when_the_first_was_sent_and_the_newest_counts(build):
    house = build()
    house.take(ALERT, alert(1))
    house.take(LONGER, at_ms=NOW_MS + HOUR_MS)
    house.take(NONE_AFTER_ALL, at_ms=NOW_MS + 2 * HOUR_MS)
    all_of_it = sent_to(house)
    first = json.loads(all_of_it[0].envelope)
    assert {each.first_sent for each in all_of_it} == {first["sent"]}
    with SentParcels(house.folder / "ledger.db", NOW_MS) as sent:
        assert [each.sequence for each in sent.current("now", "actual", 0, 10)] == [2, 4]
        assert [each.sequence for each in sent.newest("now", "actual", 4, 2)] == [3, 2]
        newest = sent.of_alert("now", "actual", first["alert_id"])
        assert newest is not None
        assert newest.release().envelope.kind == "cancel"
        assert sent.of_alert("also", "actual", first["alert_id"]) is None
        assert sent.revision("now", first["alert_id"], 1)[1].sequence == 3
        assert sent.revision("also", first["alert_id"], 1) is None


def test_what_fails_half_way_is_not_kept(build, monkeypatch):
    house = build()

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(house.ledger, "append", fail)
    with pytest.raises(OSError, match="full"):
        house.take(ALERT)
    assert sent_to(house) == []


def test_a_ledger_without_a_publisher_says_so(tmp_path):
    Ledger(tmp_path / "bare.db").close()
    with pytest.raises(InputError, match="holds no parcels"):
        SentParcels(tmp_path / "bare.db", NOW_MS)


def test_nothing_can_be_written_through_it(build):
    house = build()
    house.take(replace(ALERT))
    with (
        SentParcels(house.folder / "ledger.db", NOW_MS) as sent,
        pytest.raises(Exception, match="readonly"),
    ):
        sent.ledger.database.execute("DELETE FROM parcels")
