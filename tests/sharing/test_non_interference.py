"""Non-interference: what a rule does not name can be anything, and the bytes that leave stay the same.

For every rule of the example policies and for generated ones: each field of an envelope is changed, one at a time; a
field that the rule does not name never changes the copy. This is stronger than looking for what leaked: there is no
way of writing a secret that a change of it would not show.
"""

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from maritime.errors import InputError
from maritime.sharing.decide import Decision, decide
from maritime.sharing.envelope import Envelope
from maritime.sharing.policy import ReleasePolicy, Rule
from maritime.sharing.policy_file import load_policy
from maritime.times import from_rfc3339, to_rfc3339
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.sharing.policies import ADDRESS, EVERYTHING, KEY, coarse_rule, one, partner, policy, rule
from tests.sharing.samples import TYPES
from tests.sharing.test_policy_properties import AREAS, PURPOSES, mended, rules
from tests.sharing.told import FEW_EVIDENCE, FEW_EXPLANATION, HERE, all_changed, changes, complete, leaves, may_tell

EXAMPLES: Final = sorted((Path(__file__).resolve().parents[2] / "configs" / "sharing").glob("*.yaml"))
LATER_MS: Final = from_rfc3339("2026-03-19T21:07:11.250Z")  # past every delay, on no step
COARSENESS: Final[dict[str, dict[str, Any]]] = {
    "all of it": rule(),
    "nothing": rule(release=[]),
    "all but who": rule(
        release=[name for name in EVERYTHING if not name.startswith("vessels.") and name != "evidence.other_hull"]
    ),
    "who alone": rule(release=["vessels.mmsi", "vessels.name"]),
    "pseudonyms": rule(release=["vessels.flag", "evidence.modes"], pseudonyms=True),
    "grid": rule(release=["geometry", "places", "vessels.mmsi"], grid_deg=0.5),
    "time step": rule(release=["observed.start", "observed.end", "vessels.mmsi"], time_step_min=60, delay_min=60),
    "digits": rule(release=["evidence.hours", "explanation.silence", "vessels.length_m"], significant_digits=2),
    "coarse": coarse_rule(),
    "a reason that it lacks": rule(release=["explanation.positions_before"]),
    "offence": rule(release=["event.subtype"]),
}


def ask(envelope: Envelope, by: ReleasePolicy, who: str) -> Decision:
    return decide(envelope, who, by, address=ADDRESS, now_ms=LATER_MS, pseudonym_key=KEY)


@cache
def changed(alert_type: str, rel_to: tuple[str, ...]) -> tuple[dict[str, Any], list[tuple[Any, Envelope]]]:
    record = complete(alert_type, list(rel_to), FEW_EVIDENCE, FEW_EXPLANATION)
    return record, list(changes(record))


def told(decision: Decision, *, with_pseudonyms: bool) -> bytes:
    assert decision.envelope is not None
    record = decision.envelope.to_dict()
    for vessel in record.get("vessels", []) if not with_pseudonyms else []:
        vessel.pop("pseudonym", None)
    return Envelope.model_validate(record).canonical()


def interferes(by: ReleasePolicy, who: str, alert_type: str, rel_to: tuple[str, ...]) -> Counter[str]:
    """Counts what was compared; fails on the first field that is not named and changes the copy."""
    record, all_changes = changed(alert_type, rel_to)
    before = ask(Envelope.model_validate(record), by, who)
    compared: Counter[str] = Counter()
    if before.code != "rule":
        return compared
    (used,) = {each.rule.name: each.rule for each in by.candidates(who) if each.rule.name == before.rule}.values()
    named = by.released_by(used)
    for path, envelope in all_changes:
        try:
            after = ask(envelope, by, who)
        except InputError:  # a line of one position cannot be put into words
            continue
        if (after.code, after.rule) != (before.code, before.rule):
            continue
        is_named = may_tell(path, record, used, named)
        hides_vessel = used.pseudonyms and path[0] == "vessels"
        same = told(before, with_pseudonyms=not hides_vessel) == told(after, with_pseudonyms=not hides_vessel)
        compared["named" if is_named else "withheld"] += 1
        compared["changed"] += not same
        if hides_vessel and path[-1] == "mmsi" and "vessels.mmsi" not in named:
            assert same or not after.envelope or len(after.envelope.vessels) != 2, f"{before.rule}: {path}"
        assert same or is_named, f"rule {before.rule} does not name {path}, which changed the copy"
    return compared


@pytest.mark.parametrize("alert_type", TYPES)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_no_withheld_field_changes_a_copy_by_an_example_policy(example: Path, alert_type: str) -> None:
    by = load_policy(example)
    mark = by.mark_of(alert_type)
    if mark is None:
        pytest.skip("not shared by this policy")
    total = sum((interferes(by, who, alert_type, mark.rel_to) for who in by.partners), Counter())
    assert total["withheld"] > 200
    assert total["changed"] > 30  # the test sees what is told


@pytest.mark.parametrize("each", COARSENESS)
def test_no_withheld_field_changes_a_copy_by_a_rule_of_each_kind(each: str) -> None:
    for alert_type in ("dark_period", "distress_beacon"):
        assert interferes(one(COARSENESS[each]), "p", alert_type, ("p", "q"))["withheld"] > 50


@pytest.mark.parametrize("each", COARSENESS)
def test_all_withheld_fields_together_change_nothing(each: str) -> None:
    """Also evidence of every name there is."""
    by, record = one(COARSENESS[each]), complete("loitering", ["p", "q"])
    (used,) = by.partners["p"].rules
    before = ask(Envelope.model_validate(record), by, "p")
    named = by.released_by(used)
    decides = {"assessment.confidence", "assessment.review", "handling"}
    hidden = [
        path
        for path, _ in leaves(record)
        if not may_tell(path, record, used, named) and not decides & {".".join(map(str, path[:n])) for n in (1, 2)}
    ]
    after = ask(all_changed(record, hidden), by, "p")
    assert len(hidden) > 50
    assert told(before, with_pseudonyms=True) == told(after, with_pseudonyms=True)


@given(rules("a"), rules("b"), st.sampled_from(TYPES))
@settings(max_examples=12, phases=[Phase.generate])  # to shrink takes minutes
def test_no_withheld_field_changes_a_copy_by_any_rule(first: dict[str, Any], second: dict[str, Any], kind: str) -> None:
    first = mended(first, [])
    by = policy({"p": partner(first, mended(second, [first]), mandate=list(PURPOSES))}, areas=AREAS)
    interferes(by, "p", kind, ("p", "q"))


def test_a_copy_that_tells_too_much_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself can fail: a redaction that lets one more thing pass is caught."""
    from maritime.sharing import redact

    honest = redact._skeleton

    def talkative(envelope: Envelope, *rest: Any) -> dict[str, Any]:
        made = honest(envelope, *rest)
        return made | {"area_desc": "", "position_uncertainty_m": float(len(envelope.vessels[0].name or ""))}

    monkeypatch.setattr(redact, "_skeleton", talkative)
    with pytest.raises(AssertionError, match=r"does not name \('vessels', 0, 'name'\)"):
        interferes(one(COARSENESS["nothing"]), "p", "loitering", ("p", "q"))


def test_every_field_of_the_model_is_changed() -> None:
    """So that a field that is added later is put to the test, too."""
    record, _ = changed("loitering", ("p", "q"))
    assert not list(_unfilled(Envelope, record, ""))


def _unfilled(model: type[BaseModel], record: dict[str, Any], path: str) -> Any:
    for name in model.model_fields:
        value = record.get(name)
        if value in (None, []) and f"{path}{name}" not in ("handling.protected_persons", "safety.sar_phase"):
            yield f"{path}{name}"
        inner = getattr(model.model_validate(record), name) if path == "" else None
        if isinstance(inner, BaseModel) and name != "geometry":
            yield from _unfilled(type(inner), value, f"{path}{name}.")
        elif isinstance(inner, list) and inner and isinstance(inner[0], BaseModel):
            yield from _unfilled(type(inner[0]), value[0], f"{path}{name}.")


@given(
    st.lists(st.tuples(st.floats(0.001, 0.499), st.floats(0.001, 0.499)), min_size=4, max_size=4),
    st.lists(st.integers(1, 6 * HOUR_MS - 1), min_size=8, max_size=8),
    st.tuples(st.floats(2.5001, 3.4999), st.floats(2.5001, 3.4999)),
    st.tuples(st.integers(201000000, 775999999), st.integers(201000000, 775999999)),
    st.lists(st.text(max_size=20), min_size=2, max_size=2),
)
def test_whatever_lies_in_one_cell_and_one_step_makes_one_copy(
    within: list[tuple[float, float]],
    moments: list[int],
    hours: tuple[float, float],
    mmsis: tuple[int, int],
    texts: list[str],
) -> None:
    by = one(coarse_rule(significant_digits=1))
    copies = []
    for i in (0, 1):
        record = complete("loitering")
        step_ms = from_rfc3339("2026-03-14T18:00:00Z")
        at = [str(to_rfc3339(step_ms + moment)).replace("Z", "+00:00") for moment in moments[4 * i : 4 * i + 4]]
        record["observed"] = {"start": at[0], "end": at[1]}
        record["places"] = [
            {"role": "stop", "at": time, "lat": 6.5 + lat, "lon": 98.0 + lon}
            for (lat, lon), time in zip(within[2 * i : 2 * i + 2], at[2:], strict=True)
        ]
        record["geometry"] = {"type": "Point", "coordinates": [98.0 + within[2 * i][1], 6.5]}
        record["position_uncertainty_m"] = hours[i]
        record["sent"] = str(to_rfc3339(step_ms + moments[i])).replace("Z", "+00:00")
        record["expires"] = str(to_rfc3339(step_ms + 9 * DAY_MS + moments[i])).replace("Z", "+00:00")
        record["handling"]["retain_until"] = record["expires"].replace("-03-", "-04-")
        record["vessels"] = [{"mmsi": mmsis[i], "imo": 9074729 + i, "name": texts[i], "length_m": 10 * hours[i]}]
        record["evidence"] = [{"name": "hours", "value": hours[i]}, {"name": "place", "value": texts[i]}]
        record["event"]["headline"] = texts[i]
        copies.append(ask(Envelope.model_validate(record), by, "p"))
    one_copy, other = copies
    assert told(one_copy, with_pseudonyms=False) == told(other, with_pseudonyms=False)
    assert one_copy.envelope is not None
    assert other.envelope is not None
    same_name = one_copy.envelope.vessels[0].pseudonym == other.envelope.vessels[0].pseudonym
    assert same_name == (mmsis[0] == mmsis[1])


@given(st.integers(0, 6 * HOUR_MS), st.integers(0, 3 * DAY_MS))
def test_when_it_is_released_tells_no_more_than_the_step(sent_after_ms: int, looks_after_ms: int) -> None:
    """Whoever made it first known when in a step: it becomes due at the same moment, and says the same."""
    by, record = one(coarse_rule()), complete("loitering")
    step_ms = from_rfc3339("2026-03-14T18:00:00Z")
    due = set()
    for after_ms in (1, max(1, sent_after_ms)):
        record["sent"] = str(to_rfc3339(step_ms + after_ms)).replace("Z", "+00:00")
        held = decide(Envelope.model_validate(record), "p", by, address=ADDRESS, now_ms=step_ms, pseudonym_key=KEY)
        due.add(held.release_at_ms)
    assert len(due) == 1
    assert due.pop() == step_ms + 12 * HOUR_MS
    now_ms = step_ms + 12 * HOUR_MS + looks_after_ms
    released = decide(Envelope.model_validate(record), "p", by, address=ADDRESS, now_ms=now_ms, pseudonym_key=KEY)
    assert released.envelope is not None
    assert from_rfc3339(released.envelope.sent) == now_ms // (6 * HOUR_MS) * 6 * HOUR_MS


@given(st.lists(st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)), min_size=1, max_size=6))
def test_revisions_in_one_cell_are_alike_and_a_border_tells_only_the_cells(steps: list[tuple[float, float]]) -> None:
    """A vessel that wanders: what is told of it over all revisions is the set of cells, in the order of its visits."""
    by, lat, lon = one(coarse_rule()), 6.6, 98.1
    shown, cells = [], []
    for dlat, dlon in steps:
        lat, lon = lat + dlat, lon + dlon
        record = complete("loitering")
        record["places"] = [{"role": "stop", "lat": lat, "lon": lon}]
        envelope = ask(Envelope.model_validate(record), by, "p").envelope
        assert envelope is not None
        assert envelope.geometry is not None
        shown.append((envelope.geometry.model_dump_json(), envelope.position_uncertainty_m, envelope.area_desc))
        cells.append((int((lat + 90) // 0.5), int((lon + 180) // 0.5)))
    assert len(set(zip(cells, shown, strict=True))) == len(set(cells)) == len(set(shown))


def test_a_rounded_number_tells_its_digits_only() -> None:
    by = one(rule(release=["evidence.hours"], significant_digits=1))
    for hours in (2.5001, 2.9, 3.0, 3.4999):
        record = complete("loitering")
        record["evidence"] = [{"name": "hours", "value": hours}]
        copy = ask(Envelope.model_validate(record), by, "p").envelope
        assert copy is not None
        assert [item.value for item in copy.evidence] == [3.0]
        assert str(hours).encode() not in copy.canonical().replace(b"3", b"") or hours == 3.0


def test_the_position_of_the_sample_is_near_no_line_of_a_grid() -> None:
    for deg in HERE.values():
        assert 0.05 < deg % 0.5 < 0.45
    assert LATER_MS % MINUTE_MS
    assert isinstance(Rule(name="a", release=()).is_coarse, bool)
    assert list(leaves({"a": [1]})) == [(("a", 0), 1)]
