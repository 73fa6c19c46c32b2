"""Whoever had an alert, and may have it no more, is asked to let go: whatever was taken out of the policy meanwhile."""

from pathlib import Path
from typing import Any

import pytest

from maritime.sharing.desk import Parcel
from maritime.sharing.policy import ReleasePolicy
from maritime.units import HOUR_MS
from tests.sharing.policies import MARK, partner, policy, rule
from tests.sharing.test_publisher import ALERT, LONGER, NONE_AFTER_ALL, NOW_MS, Office, read


def ours(*names: str, types: tuple[str, ...] = ("loitering",), **changes: Any) -> ReleasePolicy:
    mark = MARK | {"rel_to": list(names), "types": list(types)}
    return policy({name: partner(rule(**changes)) for name in names}, marks=[mark])


def kinds(parcels: list[Parcel]) -> dict[str, str]:
    return {each.partner: read(each).kind for each in parcels}


@pytest.mark.parametrize("news", [LONGER, NONE_AFTER_ALL], ids=["update", "retraction"])
@pytest.mark.parametrize(
    ("after", "reason"), [(ours("b"), "not_a_partner"), (ours("a", "b", types=("dark_period",)), "no_mark")]
)
def test_what_the_policy_no_longer_knows_is_taken_back(tmp_path: Path, news: Any, after: Any, reason: str) -> None:
    office = Office(tmp_path, ours("a"))
    assert kinds(office.take(ALERT)) == {"a": "alert"}
    office.publisher = office.under(after)
    told = office.take(news, NOW_MS + HOUR_MS)
    assert kinds(told)["a"] == "cancel"
    assert ("a", "cancelled", "retracted" if news is NONE_AFTER_ALL else reason) in office.decisions()
    assert kinds(office.take(news, NOW_MS + 2 * HOUR_MS)).get("a") is None  # once


@pytest.mark.parametrize(
    ("after", "reason"), [(ours("b"), "not_a_partner"), (ours("a", types=("dark_period",)), "no_mark")]
)
def test_an_update_that_waited_in_vain_is_a_cancel(tmp_path: Path, after: Any, reason: str) -> None:
    office = Office(tmp_path, ours("a"))
    office.take(ALERT)
    office.publisher = office.under(ours("a", delay_min=60))
    assert office.take(LONGER, NOW_MS + HOUR_MS) == []
    office.publisher = office.under(after)
    assert kinds(office.publisher.release_due(NOW_MS + 3 * HOUR_MS)) == {"a": "cancel"}
    assert office.decisions()[-1] == ("a", "cancelled", reason)
