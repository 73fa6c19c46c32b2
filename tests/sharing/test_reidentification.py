"""An attacker who has all AIS reports counts the vessels that a copy may be of, and the example keeps to its bound."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.reidentification import ATTACKERS, PARTNER, POLICY, Tracks, attack, main, means, measure
from maritime.sharing.policy import ReleasePolicy, Rule
from maritime.sharing.policy_file import load_policy
from maritime.times import from_rfc3339
from maritime.units import MINUTE_MS
from tests.sharing.shared import SCHEMAS

START_MS = from_rfc3339("2020-01-01T01:00:00Z")
WHERE, BEHAVIOUR, LINKED = ATTACKERS


def changed(**changes: Any) -> tuple[ReleasePolicy, Rule]:
    """The example policy with changes to the fisheries rule."""
    policy = load_policy(POLICY)
    partner = policy.partners[PARTNER]
    rule = partner.rules[0].model_copy(update=changes)
    rules = {PARTNER: partner.model_copy(update={"rules": (rule,)})}
    return policy.model_copy(update={"partners": policy.partners | rules}), rule


def tracks(*vessels: tuple[int, float, list[tuple[int, float]]]) -> Tracks:
    """Vessels by MMSI and longitude, at 8.2° N, with (minute, speed) of each report."""
    rows = [(mmsi, START_MS + m * MINUTE_MS, 8.2, lon, sog) for mmsi, lon, reports in vessels for m, sog in reports]
    mmsi, t_ms, lat, lon, sog_kn = (np.array(column) for column in zip(*rows, strict=True))
    return Tracks(mmsi, t_ms, lat, lon, sog_kn)


SLOW = [(minute, 1.0) for minute in range(0, 120, 5)]
FAST = [(minute, 9.0) for minute in range(0, 120, 5)]
MOORED = [(minute, 0.0) for minute in range(0, 120, 5)]
SILENT = [(0, 9.0), (90, 9.0)]


def test_slow_stretches_and_silences_of_an_hour_are_episodes() -> None:
    found = tracks((1, 98.1, SLOW), (2, 98.1, FAST), (3, 98.1, MOORED), (4, 98.1, SILENT), (5, 98.1, SLOW[:6]))
    assert [(each.type, each.mmsi) for each in found.episodes()] == [("dark_period", 4), ("loitering", 1)]


@pytest.mark.parametrize(
    ("others", "where", "behaviour"),
    [
        ([], 1.0, 1.0),
        ([(2, 98.1, FAST)], 1 / 2, 1.0),
        ([(2, 98.9, SLOW)], 1 / 2, 1 / 2),  # the same cell
        ([(2, 99.1, SLOW)], 1.0, 1.0),  # the next one
        ([(2, 98.1, SLOW), (3, 98.2, FAST)], 1 / 3, 1 / 2),
    ],
)
def test_as_many_vessels_as_fit_share_the_chance(others: Any, where: float, behaviour: float) -> None:
    policy, rule = changed()
    chances = attack(tracks((1, 98.1, SLOW), *others), policy, PARTNER, rule)
    assert chances["loitering", WHERE][0] == pytest.approx(where)
    assert chances["loitering", BEHAVIOUR][0] == pytest.approx(behaviour)


def test_copies_under_one_pseudonym_tell_more_than_each_alone() -> None:
    policy, rule = changed()
    # vessel 1 is slow and then silent, vessel 2 slow, vessel 3 silent
    both = [*SLOW, (200, 9.0)]
    late = [(minute, 9.0) for minute in range(0, 115, 5)] + [(115, 9.0), (200, 9.0)]
    chances = attack(tracks((1, 98.1, both), (2, 98.1, SLOW), (3, 98.1, late)), policy, PARTNER, rule)
    assert chances["loitering", BEHAVIOUR] == [1 / 2, 1 / 2]
    assert chances["dark_period", BEHAVIOUR] == [1 / 2, 1 / 2]
    assert chances["loitering", LINKED] == [1.0, 1 / 2]
    policy, rule = changed(pseudonyms=False)
    chances = attack(tracks((1, 98.1, both), (2, 98.1, SLOW), (3, 98.1, late)), policy, PARTNER, rule)
    assert chances["loitering", LINKED] == [1 / 2, 1 / 2]


def test_what_is_told_besides_tells_vessels_apart() -> None:
    longer = tracks((1, 98.1, SLOW), (2, 98.1, [(minute, 1.0) for minute in range(0, 300, 5)]))
    for release, chance in ((("geometry",), 1 / 2), (("geometry", "evidence.hours"), 1.0)):
        policy, rule = changed(release=release)
        assert attack(longer, policy, PARTNER, rule)["loitering", BEHAVIOUR] == [chance, chance]
    thai_and_malay = tracks((567_000_001, 98.1, SLOW), (533_000_001, 98.1, SLOW))
    policy, rule = changed(release=("geometry", "vessels.flag"))
    assert attack(thai_and_malay, policy, PARTNER, rule)["loitering", BEHAVIOUR] == [1.0, 1.0]


@pytest.fixture
def folder() -> Path:
    folder = SCHEMAS.parent / "data" / "tracks"
    if not folder.is_dir():
        pytest.skip("the shared AIS data is not beside the project")
    return folder


def test_the_fisheries_rule_keeps_to_its_bound(folder: Path) -> None:
    policy, rule = changed()
    assert rule.reidentification_bound is not None
    found = measure(folder, policy, PARTNER, rule)
    told = means(found)
    assert max(told.values()) <= rule.reidentification_bound
    assert told[WHERE] < told[BEHAVIOUR] < told[LINKED]
    assert max(each.worst for each in found) == 1.0  # as the policy says: where hardly anyone sails


def test_finer_rules_are_above_it(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = POLICY.read_text(encoding="utf-8")
    finer = text.replace("grid_deg: 1\n", "grid_deg: 0.5\n").replace("time_step_min: 1440", "time_step_min: 360")
    assert finer != text
    (tmp_path / "finer.yaml").write_text(finer, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"above the bound: 0\.6"):
        main(["--policy", str(tmp_path / "finer.yaml")])
    assert "over all copies, and the behaviour: 0." in capsys.readouterr().out


def test_a_rule_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--rule", "none"])
    assert "fisheries-agency has no rule 'none'" in capsys.readouterr().err
