"""A topic that hangs, which is worse than one that refuses: rescuers never wait for it, and nothing is doubled."""

import time
from pathlib import Path
from threading import Event
from typing import Any

from maritime.errors import TransportError
from streams.distress import DistressCall
from streams.share.courier import PATIENCE_S
from tests.streams.share.office import NOW_MS, Office, alert, call_record, records_of
from tests.streams.share.test_share_worker import everything

CALL = DistressCall(970123456, 1, NOW_MS - 1_000, "AIS-SART", 6.5, 95.0, 0)


class HangingOffice(Office):
    """Whoever sends to `topic` waits until `release` is set, and then fails while `fails` is set."""

    def __init__(self, folder: Path, topic: str, **more: Any) -> None:
        self.topic_that_hangs, self.hangs, self.entered = topic, True, Event()
        self.go_on = Event()
        super().__init__(folder, **more)
        plain = self._connect
        self._connect = lambda name, fault: self._hanging(plain(name, fault))

    def _hanging(self, client: Any) -> Any:
        send = client.send

        def sends(records: Any) -> None:
            if self.hangs and any(record.topic == self.topic_that_hangs for record in records):
                self.entered.set()
                assert self.go_on.wait(30)
                raise TransportError(f"{self.topic_that_hangs}: no answer in 15 s")
            send(records)

        client.send = sends
        return client

    def turn(self, until: Any, within_s: float = 10.0) -> float:
        """Cycle until something is so; the longest cycle, seconds."""
        longest_s, end_s = 0.0, time.monotonic() + within_s
        while not until():
            assert time.monotonic() < end_s, "it did not come about"
            began_s = time.monotonic()
            self.worker.cycle()
            longest_s = max(longest_s, time.monotonic() - began_s)
            self.seconds += 0.01
        return longest_s


def test_rescuers_and_decisions_do_not_wait_for_a_topic_that_hangs(tmp_path: Path) -> None:
    office = HangingOffice(tmp_path, "alerts.guard")
    office.write(records_of([alert(0)]))
    longest_s = office.turn(office.entered.is_set)
    office.write([call_record(CALL)])
    office.write(records_of([alert(n) for n in range(1, 6)]))
    ledger = office.ledger
    assert ledger is not None
    longest_s = max(longest_s, office.turn(lambda: len(office.got("rescue")) == 7 and len(ledger) == 19))
    assert longest_s < PATIENCE_S + 0.5
    assert office.worker.is_delivering
    assert office.got("guard") == []


def test_when_it_has_failed_all_others_are_told_and_later_it_is_too_each_once(tmp_path: Path) -> None:
    office = HangingOffice(tmp_path, "alerts.guard")
    office.write(records_of([alert(0), alert(1)]))
    office.turn(office.entered.is_set)
    office.go_on.set()
    office.turn(lambda: len(office.got("fleet")) == 2)
    office.turn(lambda: ("guard", "actual") in office.worker.failing())
    assert "no answer" in office.worker.failing()["guard", "actual"]
    office.hangs = False
    office.seconds += 100.0
    office.work()
    everything(office)
    assert [len(office.got(name)) for name in ("fleet", "guard", "rescue")] == [2, 2, 2]


def test_killed_while_it_hangs_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    office = HangingOffice(tmp_path, "alerts.guard")
    office.write(records_of([alert(0), alert(1)]))
    office.turn(office.entered.is_set)
    office.hangs = False
    office.restart()  # the client that hangs is fenced by its name
    office.go_on.set()
    office.work()
    everything(office)
    assert [len(office.got(name)) for name in ("fleet", "guard", "rescue")] == [2, 2, 2]


def test_it_is_left_in_order_while_it_hangs(tmp_path: Path) -> None:
    office = HangingOffice(tmp_path, "alerts.guard")
    office.write(records_of([alert(0)]))
    office.turn(office.entered.is_set)
    began_s = time.monotonic()
    office.worker.stop()
    assert time.monotonic() - began_s < 5.0
    assert not office.worker.is_delivering
    office.hangs = False
    office.go_on.set()
    office.work()  # the same worker, with a new client
    everything(office)
