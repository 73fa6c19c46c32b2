"""The policy file: what is wrong is told with line and key, and a policy that does not hold together is none."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from maritime.errors import ConfigurationError
from maritime.sharing.evidence_kinds import EVIDENCE, EXPLANATION
from maritime.sharing.policy import FIELDS
from maritime.sharing.policy_file import load_policy, parse_policy
from maritime.sharing.policy_review import warnings_of
from maritime.times import from_rfc3339
from tests.sharing.policies import EVERYTHING, coarse_rule, one, partner, policy, rule

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "configs" / "sharing").glob("*.yaml"))
GOOD = """\
policy: p
version: "1"
originator: {org_id: nmc.example}
marks:
  - types: [loitering]
    tlp: TLP:GREEN
    purpose: [customs]
    rel_to: [ally]
    retain_days: 9
partners:
  ally:
    name: Ally
    country: SG
    mandate: [customs]
    tlp_ceiling: TLP:GREEN
    agreement: {reference: A, since: 2026-01-01, until: 2026-12-31}
    rules:
      - name: first
        release: [observed.start]
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_hold_together(path: Path) -> None:
    assert len(load_policy(path).partners) >= 4


def test_a_good_policy_is_read() -> None:
    assert parse_policy(GOOD.encode()).partners["ally"].rules[0].name == "first"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("TLP:GREEN\n    purpose", "TLP:PINK\n    purpose", 6, "marks.0.tlp"),
        ("retain_days: 9", "retain_for: 9", 9, "marks.0.retain_for: this key is not known here"),
        ("rel_to: [ally]", "rel_to: [foe]", 8, "'foe' is no partner or group"),
        ("rel_to: [ally]", 'rel_to: ["group:g"]', 8, "'group:g' is no partner or group"),
        ("observed.start", "observed.begin", 19, "'observed.begin' is no field that can be released"),
        ("observed.start", "evidence.secret", 19, "'evidence.secret' is not known"),
        ("observed.start", '"@all"', 19, "there is no field set 'all'"),
        ("[observed.start]", "[]\n        area: north", 20, "'north' is no area"),
        ("[observed.start]", "[places.at]", 19, "places.at is of no use without places"),
        ("[observed.start]", "[observed.start]\n        time_step_min: 60", 20, "set delay_min"),
        ("[observed.start]", "[observed.start]\n        delay_min: ten", 20, "delay_min"),
        ("since: 2026-01-01", "since: soon", 16, "agreement.since"),
        ("country: SG", "country: Singapore", 13, "country"),
        ("    rules:\n      - name: first\n        release: [observed.start]\n", "    rules: 5\n", 17, "rules"),
        ("version: \"1\"", "version: \"1\"\nversion: \"2\"", 3, "'version' stands here twice"),
        ("version: \"1\"", "version: &a \"1\"\nagain: *a", 3, "no aliases"),
        ("version: \"1\"", "version: [1", 3, "expected"),
        ("version: \"1\"", "version: \"1\"\nfolder: /etc", 3, "'folder' is not a key"),
        ("version: \"1\"", "version: !!python/object/apply:os.system [id]", 2, "is nothing for a policy"),
        ("version: \"1\"", "version: !!python/name:os.system x", 2, "could not determine a constructor"),
        ("version: \"1\"", "version: \"1\"\n? [a]\n: b", 3, "a key is a word"),
        ("retain_days: 9", "retain_days: .inf", 9, "marks.0.retain_days: input should be a finite number"),
        ("retain_days: 9", "retain_days: 1.0e+12", 9, "marks.0.retain_days: it is longer than 36,525 days"),
        ("retain_days: 9", "retain_days: 9\n    expires_h: 1.0e+300", 10, "marks.0.expires_h: it is longer"),
        ("[observed.start]", "[observed.start]\n        delay_min: 1.0e+300", 20, "rules.0.delay_min: it is longer"),
        ("[observed.start]", "[observed.start]\n        retain_days: 1.0e+9", 20, "rules.0.retain_days: it is longer"),
        ("until: 2026-12-31", "until: 2025-12-31", 16, "agreement.until: 2025-12-31 is before 2026-01-01"),
        ("    rules:", "    languages: [en, xx]\n    rules:", 17, "languages.1: there are no texts in 'xx'"),
        ("    rules:", "    languages: []\n    rules:", 17, "languages: name one of"),
        ("marks:", "areas: {a: {box: [.nan, 0, 1, 1]}}\nmarks:", 4, "areas.a.box.0: input should be a finite number"),
        ("marks:", "areas: {a: {box: [0, 0, 999, 1]}}\nmarks:", 4, "areas.a: it reaches beyond 180 degrees"),
        ("marks:", "areas: {a: {ring: [[0, 0], [1, 0], [1.0e+300, 1]]}}\nmarks:", 4, "areas.a: it reaches beyond"),
        ("marks:", "areas: {a: {ring: [[0, 0], [1, 1], [1, 0], [0, 1]]}}\nmarks:", 4, "areas.a: its edges cross"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_line_and_key(old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError) as told:
        parse_policy(GOOD.replace(old, new, 1).encode(), origin="policy.yaml")
    assert str(told.value).startswith(f"policy.yaml:{line}"), told.value
    assert said in str(told.value)


@pytest.mark.parametrize("text", [b"", b"5", b"- a", b"\xff\xfe", b"a: " + b"[" * 500, b"x" * 1_000_001, b"policy: p"])
def test_what_is_no_policy_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"policy\.yaml"):
        parse_policy(text, origin="policy.yaml")


def test_a_missing_file_of_an_area_stops_the_start(tmp_path: Path) -> None:
    text = GOOD.replace("marks:", "areas: {north: {file: north.geojson}}\nmarks:")
    with pytest.raises(ConfigurationError, match=r"north\.geojson"):
        parse_policy(text.encode(), tmp_path)


def test_an_area_may_be_a_geojson_file(tmp_path: Path) -> None:
    ring = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
    (tmp_path / "north.geojson").write_text(str({"type": "Polygon", "coordinates": [ring]}).replace("'", '"'))
    text = GOOD.replace("marks:", "areas: {north: {file: north.geojson}}\nmarks:")
    assert parse_policy(text.encode(), tmp_path).shapes["north"].area == 16


def test_a_policy_that_means_little_is_told_so() -> None:
    at_ms = from_rfc3339("2026-06-01")
    assert warnings_of(parse_policy(GOOD.encode()), at_ms) == []
    second = "partners:"
    more = GOOD.replace("types: [loitering]", "types: [loitering, distres_beacon]").replace(
        second, GOOD[GOOD.index("  - types") : GOOD.index(second)] + second
    )
    said = warnings_of(parse_policy(more.replace("    rules:", "    rescue: true\n    rules:").encode()), at_ms)
    assert said == [
        "'distres_beacon' is no type of alert made here: misspelt, unless a partner's",
        "of several marks for loitering the first counts",
        "no mark is for distress_beacon: those who rescue are not told of it by this policy",
    ]


IDENTITY = ["vessels.mmsi"]


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ("a pseudonym hides nothing beside vessels.mmsi", {"release": [*coarse_rule()["release"], *IDENTITY]}),
        ("state no bound", {"release": IDENTITY, "pseudonyms": False, "reidentification_bound": 0.2}),
        ("reidentification_bound", {"reidentification_bound": 1.01}),
        ("set grid_deg", {"grid_deg": None}),
        ("set time_step_min", {"time_step_min": None}),
        ("set significant_digits", {"significant_digits": None}),
        ("set delay_min", {"delay_min": 359}),
        ("which vessel it is", {"release": ["geometry", "evidence.other_hull"]}),
        ("more closely than grid_deg", {"release": ["geometry", "evidence.port"]}),
        ("more closely than grid_deg", {"release": ["geometry", "explanation.watch_zone"]}),
        ("more closely than grid_deg", {"release": ["places", "places.cog_deg"]}),
        ("more closely than time_step_min", {"release": ["observed.start", "assessment.review"]}),
        ("where it was, which this rule withholds", {"release": ["evidence.sun_altitude_deg"], "grid_deg": None}),
        ("when it was, which this rule withholds", {"release": ["evidence.last_report"]}),
    ],
)
def test_a_rule_that_tells_in_passing_what_it_hides_is_refused(said: str, changes: dict[str, Any]) -> None:
    one(coarse_rule())
    with pytest.raises(ValidationError, match=said):
        one(coarse_rule(**changes))


@pytest.mark.parametrize(
    ("said", "first", "second"),
    [
        ("releases vessels.mmsi", rule(release=["vessels.name"]), rule("b", release=IDENTITY)),
        ("waits less", rule(delay_min=9), rule("b")),
        ("no such coarse grid_deg", coarse_rule(), coarse_rule("b", grid_deg=0.1)),
        ("no such coarse time_step_min", coarse_rule(), coarse_rule("b", time_step_min=60)),
        ("more significant_digits", coarse_rule(), coarse_rule("b", significant_digits=2)),
        ("gives pseudonyms", coarse_rule(pseudonyms=False), coarse_rule("b")),
        ("is kept longer", rule(retain_days=9), rule("b", retain_days=10)),
        ("is kept longer", rule(retain_days=9), rule("b")),
    ],
)
def test_a_later_rule_may_not_tell_more(said: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    one(second, first | {"name": "z"}) if said != "releases vessels.mmsi" else None
    with pytest.raises(ValidationError, match=said):
        one(first, second)
    one(first | {"types": ["loitering"]}, second | {"types": ["dark_period"]})  # nothing in common
    areas = {"west": {"box": [0, 0, 9, 9]}, "east": {"box": [10, 0, 19, 9]}}
    policy({"p": partner(first | {"area": "west"}, second | {"area": "east"})}, areas=areas)


def test_a_rule_that_makes_nothing_coarse_may_not_follow_one_that_does() -> None:
    words = {"release": ["evidence.modes"]}
    with pytest.raises(ValidationError, match="makes nothing coarse"):
        one(rule(pseudonyms=True, **words), rule("b", **words))


def test_the_rules_of_a_group_come_after_the_partners_own() -> None:
    group = {"members": ["p"], "chair": "p", "purpose": ["customs"], "until": "2026-12-31", "rules": [rule("wide")]}
    with pytest.raises(ValidationError, match=r"groups\.g\.rules\.0: rule 'wide' releases"):
        policy({"p": partner(rule(release=[]))}, groups={"g": group})


def test_no_partner_bears_a_name_of_the_houses_own() -> None:
    with pytest.raises(ValidationError, match=r"partners\.rcc: 'rcc' is a name of the house's own"):
        policy({"p": partner(), "rcc": partner()})


def test_everything_that_can_be_released_is_known_once() -> None:
    assert len(set(EVERYTHING)) == len(EVERYTHING) == len(FIELDS) + len(EVIDENCE) + len(EXPLANATION)


def test_examples_are_plain_yaml() -> None:
    for path in EXAMPLES:
        assert yaml.safe_load(path.read_text())["policy"]
