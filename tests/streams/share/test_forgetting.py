"""What the desk knows of alerts leaves in time, and nothing that it forgot is told again as actual."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.sharing.desk import REMEMBERED_MS
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from streams.distress import DistressCall
from tests.sharing.policies import partner, rule
from tests.streams.share.office import NOW_MS, Office, alert, call_record, policy_text, records_of

TABLES = ("ids", "copies", "held", "outbox", "parcels", "taken", "calls", "remembered", "wholes")
RETAIN_DAYS = 90  # of the mark of these policies


def sizes(office: Office) -> dict[str, int]:
    assert office.ledger is not None
    return {table: office.ledger.database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


def at(number: int, now_ms: int, revision: int = 0, **changes: Any) -> Any:
    return alert(number, revision, started_ms=now_ms - 3 * HOUR_MS, raised_ms=now_ms - MINUTE_MS, **changes)


def test_after_retention_and_a_season_nothing_is_left_but_the_ledger(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.policy.write_bytes(policy_text(guard=partner(rule(delay_min=60)), fleet=partner()))
    office.write(records_of([alert(n) for n in range(5)]))
    office.write(records_of([alert(5)], "exercise"))
    office.write([call_record(DistressCall(970123456, 1, NOW_MS - 1_000, "AIS-SART", 6.5, 95.0, 0))])
    office.work()
    office.now_ms += 2 * HOUR_MS
    office.work()
    assert office.ledger is not None
    decided = len(office.ledger)
    assert sizes(office)["remembered"] == 7
    office.now_ms = NOW_MS + (RETAIN_DAYS + 1) * DAY_MS
    office.work()
    office.now_ms += 2 * REMEMBERED_MS
    office.work()
    assert sizes(office) == dict.fromkeys(TABLES, 0)
    assert len(office.ledger) > decided


def test_who_is_told_nothing_has_no_id(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.policy.write_bytes(policy_text(fleet=partner(), guard=partner(rule(delay_min=60))))
    office.write(records_of([alert(n) for n in range(5)]))
    office.work()
    assert office.ledger is not None
    rows = office.ledger.database.execute("SELECT partner, count(*) FROM ids GROUP BY partner").fetchall()
    assert dict(rows) == {"": 5, "rescue": 5}


def test_the_tables_grow_to_a_size_and_no_further(tmp_path: Path) -> None:
    """A year and a half of alerts: as large after it as after half of it."""
    office, found = Office(tmp_path), []
    for week in range(78):
        now_ms = office.now_ms = NOW_MS + week * 7 * DAY_MS
        office.write(records_of([at(10 * week + n, now_ms) for n in range(3)]))
        office.write([call_record(DistressCall(970123456, 1, now_ms - 1_000, "AIS-SART", 6.5, 95.0, 0))])
        office.work()
        found.append(sizes(office))
    half = {table: max(size[table] for size in found[:39]) for table in TABLES}
    assert {table: max(size[table] for size in found) for table in TABLES} == half
    assert half["ids"] <= 4 * half["remembered"]
    assert half["remembered"] <= 4 * (2 * 13 + 2)  # of two seasons


def test_a_late_revision_of_what_was_forgotten_is_not_told_as_a_new_alert(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.write(records_of([alert(0)]))
    office.work()
    for days in (RETAIN_DAYS + 1, RETAIN_DAYS + 1 + 2 * REMEMBERED_MS / DAY_MS):
        office.now_ms = NOW_MS + round(days * DAY_MS)
        office.work()
    office.write(records_of([alert(0, 1, state="closed", ended_ms=office.now_ms - MINUTE_MS)]))
    office.write(records_of([alert(0, 2, state="retracted", ended_ms=office.now_ms - MINUTE_MS)]))
    office.work()
    assert [event["alertkind"] for event in office.got("fleet")] == ["alert"]
    assert office.worker.counters()["old"] == 2


def test_what_is_still_known_goes_on_however_long_it_lasts(tmp_path: Path) -> None:
    office = Office(tmp_path)
    for revision in range(8):
        office.now_ms = NOW_MS + revision * 60 * DAY_MS
        office.write(records_of([alert(0, revision)]))
        office.work()
    assert [event["alertkind"] for event in office.got("fleet")] == ["alert"] + 7 * ["update"]


def test_of_an_alert_that_is_new_its_end_makes_it_news(tmp_path: Path) -> None:
    """As by a ledger that is new: a silence of some days that ended now."""
    office = Office(tmp_path)
    ended = replace(alert(0, 3), state="closed", raised_ms=NOW_MS - 6 * DAY_MS, ended_ms=NOW_MS - MINUTE_MS)
    office.write(records_of([ended]))
    office.work()
    assert [event["alertkind"] for event in office.got("fleet")] == ["alert"]


steps = st.lists(
    st.tuples(st.sampled_from(("told", "ended", "replayed", "wait")), st.integers(0, 3), st.integers(0, 200)),
    min_size=3,
    max_size=12,
)


@given(steps)
@settings(max_examples=40, deadline=None)
def test_whenever_it_is_said_again_no_alert_begins_twice(story: list[tuple[str, int, int]]) -> None:
    """Over any time between: of one alert there is one beginning in the actual topic."""
    with TemporaryDirectory() as folder:
        office = Office(Path(folder))
        raised: dict[int, int] = {}
        revisions: dict[int, int] = {}
        for what, number, days in story:
            if what == "wait":
                office.now_ms += days * DAY_MS
            elif what == "told" and number not in raised:
                raised[number] = office.now_ms
                office.write(records_of([at(number, office.now_ms)]))
            elif number in raised:
                revisions[number] = revisions.get(number, 0) + (what == "ended")
                ended_ms = office.now_ms if what == "ended" else None
                office.write(records_of([at(number, raised[number], revisions[number], ended_ms=ended_ms)]))
            office.work()
        beginnings = [
            event["data"]["vessels"][0]["mmsi"] for event in office.got("fleet") if event["alertkind"] == "alert"
        ]
        assert office.ledger is not None
        office.ledger.close()
        purged = any(days > RETAIN_DAYS for what, _, days in story if what == "wait")
        assert purged or len(beginnings) == len(set(beginnings))
        assert len(beginnings) >= len(raised)
