"""Votes by type: the last word of each partner, what is purged counted on, and no share of a few."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from maritime.sharing.feedback_reading import Verdict
from maritime.sharing.precision import AlertVerdict, agreed, votes_of

VERDICTS: Sequence[Verdict] = (
    Verdict("1", "a", "loitering", "confirmed", 10),
    Verdict("1", "b", "loitering", "dismissed", 20),
    Verdict("2", "a", "loitering", "confirmed", 30),
    Verdict("2", "b", "loitering", "confirmed", 25),
    Verdict("3", "a", "dark_period", "dismissed", 5),
)


def test_each_partner_has_a_vote_and_the_contested_are_named() -> None:
    dark, loitering = votes_of(VERDICTS, {})
    assert (dark.type, dark.confirmed, dark.dismissed, dark.contested) == ("dark_period", 0, 1, [])
    assert (loitering.confirmed, loitering.dismissed, loitering.contested) == (3, 1, ["1"])
    assert loitering.share is None


def test_what_is_purged_counts_on() -> None:
    (loitering,) = votes_of(VERDICTS[:4], {("loitering", "dismissed"): 1})
    assert (loitering.count, loitering.share) == (5, 3 / 5)
    assert votes_of([], {("gone", "confirmed"): 7})[0].share == 1.0


def test_an_alert_has_a_verdict_where_all_agree() -> None:
    assert agreed(VERDICTS) == (
        [AlertVerdict("2", "loitering", "confirmed", 30), AlertVerdict("3", "dark_period", "dismissed", 5)],
        1,
    )


@given(st.permutations(VERDICTS))
def test_the_order_does_not_matter(verdicts: list[Verdict]) -> None:
    assert agreed(verdicts) == agreed(VERDICTS)
    assert votes_of(verdicts, {}) == votes_of(VERDICTS, {})
