"""What is an exercise stays one while it waits for its hour: over a restart, another policy, and its cancel."""

from pathlib import Path

from maritime.sharing.policy import ReleasePolicy
from maritime.units import HOUR_MS
from tests.sharing.policies import MARK, coarse_rule, partner, policy
from tests.sharing.test_publisher import ALERT, LONGER, NONE_AFTER_ALL, NOW_MS, Office, read


def late(version: str, **changes: bool) -> ReleasePolicy:
    """A partner whose copies wait six hours."""
    terms = partner(coarse_rule(), exercises=True) | changes
    return policy({"late": terms}, version=version, marks=[MARK | {"rel_to": ["late"]}])


def test_what_waited_as_an_exercise_leaves_as_one(tmp_path: Path) -> None:
    office = Office(tmp_path, late("1"))
    assert office.take(ALERT, status="exercise") == office.take(ALERT) == []
    office.ledger.close()
    office = Office(tmp_path, late("2"))
    released = {each.channel: read(each) for each in office.publisher.release_due(NOW_MS + 9 * HOUR_MS)}
    assert {channel: each.status for channel, each in released.items()} == {"actual": "actual", "exercise": "exercise"}
    assert released["actual"].alert_id != released["exercise"].alert_id
    office.take(LONGER, NOW_MS + 10 * HOUR_MS, "exercise")
    office.take(NONE_AFTER_ALL, NOW_MS + 11 * HOUR_MS, "exercise")
    told = office.publisher.release_due(NOW_MS + 99 * HOUR_MS)
    assert [(each.channel, read(each).kind, read(each).status) for each in told] == [("exercise", "cancel", "exercise")]


def test_what_waited_does_not_leave_to_who_takes_no_exercises_by_then(tmp_path: Path) -> None:
    office = Office(tmp_path, late("1"))
    office.take(ALERT, status="exercise")
    office.publisher = office.under(late("2", exercises=False))
    assert office.publisher.release_due(NOW_MS + 9 * HOUR_MS) == []
    assert office.decisions()[-1] == ("late", "denied", "not_actual")
