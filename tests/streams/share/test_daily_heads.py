"""Each day's head of the ledger is signed by who shares, and finds what was done to the ledger since."""

import sqlite3
from pathlib import Path

from maritime.errors import OutputError
from maritime.sharing.heads import DailyHeads, heads_beside
from maritime.sharing.keys import KeySet, SigningKey
from maritime.sharing.ledger_check import check
from maritime.sharing.receipts import Head, read_head, read_heads
from maritime.times import LAST_MS
from maritime.units import DAY_MS, HOUR_MS
from tests.streams.share.office import NOW_MS, SIGNING, Office, alert, records_of

KEYS = KeySet((SIGNING.public(),))


class SigningOffice(Office):
    def made(self, fault=None):
        worker = super().made(fault)
        assert self.ledger is not None
        worker._heads = DailyHeads(heads_beside(self.ledger.path), self.ledger, SIGNING)
        return worker


def heads(office: Office) -> list[Head]:
    assert office.ledger is not None
    path = heads_beside(office.ledger.path)
    return [read_head(jws, KEYS, LAST_MS) for jws in read_heads(path)] if path.exists() else []


def pass_hours(office: Office, hours: int) -> None:
    for _ in range(hours):
        office.now_ms += HOUR_MS
        office.seconds += 3_600.0
        office.work()


def test_each_day_has_one_head_however_often_it_is_started(tmp_path: Path) -> None:
    office = SigningOffice(tmp_path)  # three hours before midnight
    office.write(records_of([alert(0)]))
    office.work()
    assert [head.size for head in heads(office)] == [3]
    office.restart()
    pass_hours(office, 2)
    assert len(heads(office)) == 1
    pass_hours(office, 30)
    office.restart()
    office.work()
    assert [head.at[:10] for head in heads(office)] == ["2026-03-14", "2026-03-15", "2026-03-16"]
    assert heads(office)[-1].size == 3
    office.now_ms += 5 * DAY_MS  # it stood still for days
    pass_hours(office, 1)
    assert [head.at[:10] for head in heads(office)][3:] == ["2026-03-21"]
    assert office.ledger is not None
    assert check(office.ledger, heads(office)) is None


def test_a_head_of_the_day_shows_what_was_taken_from_the_end(tmp_path: Path) -> None:
    office = SigningOffice(tmp_path)
    office.write(records_of([alert(0)]))
    office.work()
    pass_hours(office, 4)
    assert office.ledger is not None
    with sqlite3.connect(office.ledger.path) as database:
        database.execute("DROP TRIGGER never_removed")
        database.execute("DELETE FROM entries WHERE seq = 2")
    assert check(office.ledger, []) is None
    fault = check(office.ledger, heads(office))
    assert fault is not None
    assert fault.seq == 2


def test_with_another_key_the_day_has_another_head(tmp_path: Path) -> None:
    office = SigningOffice(tmp_path)
    office.work()
    assert office.ledger is not None
    other = DailyHeads(heads_beside(office.ledger.path), office.ledger, SigningKey.from_seed(bytes([7] * 32)))
    assert other.sign_due(NOW_MS) is not None
    assert other.sign_due(NOW_MS + HOUR_MS) is None


def test_a_head_that_cannot_be_written_is_told_and_stops_nothing(tmp_path: Path) -> None:
    office = SigningOffice(tmp_path)
    office.work()

    class Full:
        def sign_due(self, now_ms: int) -> None:
            raise OutputError("heads cannot be written (No space left on device)")

    office.worker._heads = Full()  # type: ignore[assignment]
    office.write(records_of([alert(0)]))
    pass_hours(office, 1)
    assert office.worker.counters()["heads_failed"] >= 1
    assert len(office.got("fleet")) == 1
