"""Who shares takes up what people say of alerts: each review once, whatever breaks, and beside everything else."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from maritime.sharing.envelope import offset_time
from maritime.sharing.human_review import HumanReview
from maritime.sharing.ledger import Ledger
from maritime.sharing.ledger_check import check
from maritime.sharing.publisher import Publisher
from maritime.sharing.review_book import ReviewBook
from maritime.units import MINUTE_MS
from tests.sharing.policies import partner, rule
from tests.streams.share.office import NOW_MS, Office, alert, policy_text, records_of
from tests.streams.share.test_share_worker import BEACON, Crash, call_record


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """`fleet` wants reviewed alerts only."""
    made = office_in(tmp_path)
    yield made
    assert made.ledger is not None
    assert check(made.ledger, []) is None


def office_in(folder: Path) -> Office:
    folder.mkdir(exist_ok=True)
    (folder / "policy.yaml").write_bytes(policy_text(fleet=partner(rule(), machine_alerts=False)))
    office = Office(folder)
    office.write(records_of([alert(0), alert(1)]))
    office.work()
    return office


def say(office: Office, number: int = 0, state: str = "confirmed", **said: Any) -> None:
    """As another process does, while the worker has the ledger open."""
    review = HumanReview.model_validate({"state": state, "role": "analyst", "at": offset_time(NOW_MS)} | said)
    with Ledger(office.folder / "ledger.db") as ledger:
        book = ReviewBook(ledger)
        book.say(book.reading.whole(alert(number).alert_id), review)


def kinds(office: Office, name: str) -> list[str]:
    return [event["alertkind"] for event in office.got(name)]


def test_a_review_is_acted_on_while_it_runs(office: Office) -> None:
    assert (kinds(office, "fleet"), kinds(office, "guard")) == ([], ["alert", "alert"])
    say(office)
    office.work()
    assert (kinds(office, "fleet"), kinds(office, "guard")) == (["alert"], ["alert", "alert", "update"])
    say(office, 1, "dismissed")
    office.work()
    assert (kinds(office, "fleet"), kinds(office, "guard")) == (["alert"], ["alert", "alert", "update", "cancel"])
    assert office.worker.counters()["reviews"] == 2


def test_what_was_said_while_nobody_shared_is_acted_on_later(office: Office) -> None:
    office.worker.stop()
    say(office)
    office.now_ms += MINUTE_MS
    office.restart()
    office.write(records_of([alert(0, 1)]))
    office.work()
    assert kinds(office, "fleet")[0] == "alert"
    review = office.got("fleet")[-1]["data"]["assessment"]["review"]
    assert (review["state"], review["role"]) == ("confirmed", "analyst")


@pytest.mark.parametrize("owner", ["take_review", "append", "delivered", "send", "take"])
def test_a_crash_at_any_step_acts_on_it_once(tmp_path: Path, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def reviewed(folder: Path, nth: int | None) -> tuple[Any, ...]:
        office = office_in(folder)
        say(office)
        say(office, 1, "dismissed")
        holder = {"take_review": Publisher, "append": Ledger, "take": ReviewBook}.get(owner, type(office.desk))
        real, passes = getattr(holder, owner), count(1)

        def broken(*args: Any, **kwargs: Any) -> Any:
            if next(passes) == nth:
                raise Crash
            return real(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(holder, owner, broken)
            try:
                office.work()
            except Crash:
                office.restart()
        office.work()
        assert office.ledger is not None
        assert check(office.ledger, []) is None
        told = kinds(office, "fleet"), kinds(office, "guard"), office.decisions()
        office.ledger.close()
        return told

    expected = reviewed(tmp_path / "quiet", None)
    assert [reviewed(tmp_path / f"{nth}", nth) for nth in (1, 2)] == [expected, expected]


def test_one_that_cannot_be_acted_on_stands_for_nothing_and_holds_up_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Publisher._reviewed

    def broken(self: Publisher, internal_id: str, now_ms: int) -> Any:
        if internal_id == alert(0).alert_id:
            raise ValueError("it says something else than it may")
        return real(self, internal_id, now_ms)

    monkeypatch.setattr(Publisher, "_reviewed", broken)
    say(office)
    say(office, 1)
    office.work()
    assert kinds(office, "fleet") == ["alert"]
    assert [office.worker.counters()[name] for name in ("reviews", "reviews_failed")] == [1, 1]
    office.write(records_of([alert(0, 1)]))
    office.work()
    assert kinds(office, "fleet") == ["alert"]  # it is as if nothing had been said of it


def test_a_call_goes_out_beside_many_reviews(office: Office) -> None:
    for _ in range(40):
        say(office)
    office.write([call_record(BEACON)])
    office.worker.cycle()
    assert [event["data"]["event"]["type"] for event in office.got("rescue")].count("distress_beacon") == 1
    office.work()
    assert office.worker.counters()["reviews"] == 40
