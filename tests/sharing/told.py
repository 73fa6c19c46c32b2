"""What a rule lets a copy tell, said a second time and without the code that makes copies: leaf by leaf.

`complete` has every field that the model has, and fields that it does not have; `may_tell` says which of them a copy
may depend on. What is not known here may never be told, so that a field added later is hidden until it is named.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from pydantic import ValidationError

from maritime.sharing.envelope import Envelope
from maritime.sharing.evidence_kinds import EVIDENCE, EXPLANATION
from maritime.sharing.policy import TIMES, Rule
from tests.sharing.samples import full

Path = tuple[str | int, ...]

ALWAYS: Final = frozenset(
    {
        "status",
        "originator.org_id",
        "event.type",
        "event.nature",
        "expires",
        "handling.tlp",
        "handling.purpose",
        "handling.onward",
        "handling.retain_until",
    }
)
"""What every recipient is told: that there is an alert of a type, by whom, and how it may be used."""
HERE: Final = {"lat": 6.71, "lon": 98.23}  # in the areas of the example policy, and near no line of its grids
UNKNOWN: Final = "hull"
"""A field that no envelope has, put into every part of it."""
MOST_OTHERS: Final = 2
OTHERS: Final[list[Any]] = [
    "Zzqx",
    "2026-03-14T19:37:13.337+00:00",
    "2027-01-01T00:00:00+00:00",
    "11111111-2222-4333-8444-666666666666",
    "MY",
    "Minor",
    "Past",
    "Unlikely",
    "F",
    "resolved",
    "other",
    "stop",
    "sensor",
    "uncertainty",
    "TLP:CLEAR",
    "customs",
    "permitted",
    "cd" * 32,
    2,
    7,
    41,
    77.25,
    0.97,
    9_074_730,
    567_801_003,
    False,
    True,
    {"later": "x"},
]
"""Values that a leaf is changed to: of each, those that the model takes."""


FEW_EVIDENCE: Final = ("hours", "modes", "port", "last_report", "other_hull")  # of every kind one
FEW_EXPLANATION: Final = ("silence", "place", "at_rest")


def complete(
    alert_type: str,
    rel_to: list[str] | None = None,
    evidence: Iterable[str] = EVIDENCE,
    explanation: Iterable[str] = EXPLANATION,
) -> dict[str, Any]:
    """An envelope as JSON in which every field has a value; also some that nobody knows."""
    whole: dict[str, Any] = full(alert_type).model_dump(mode="json")
    here = {"type": "LineString", "coordinates": [[HERE["lon"], HERE["lat"]], [98.37, 6.87]]}
    whole |= {
        "sent": "2026-03-14T21:00:00.123+00:00",
        "expires": "2026-03-29T21:00:00+00:00",
        "geometry": {"type": "GeometryCollection", "geometries": [here]},
        "places": [
            {"role": "last_report", "at": "2026-03-14T20:23:14.772+00:00", "sog_kn": 25.9, "cog_deg": 70.1, **HERE},
            {"role": "stop", "at": "2026-03-14T20:42:59.561+00:00", "lat": 6.87, "lon": 98.37, "sog_kn": 1.5},
        ],
        "position_uncertainty_m": 31.7,
        "area_desc": "around 6.71° N",
        "safety": {"distress": alert_type == "distress_beacon", "beacon": "EPIRB-AIS", "sar_phase": None},
    }
    whole["places"][1]["cog_deg"] = 71.3
    whole["event"]["subtype"] = "inferred"
    whole["assessment"]["explanation"] = [
        {"feature": name, "value": _of(kind.clue), "threshold": _of(kind.clue), "unit": kind.unit or "1"}
        for name, kind in EXPLANATION.items()
        if name in explanation
    ] + [{"feature": "zz_new", "value": "unheard", "threshold": 5.5, "unit": "h"}]
    whole["vessels"] = [
        {
            "mmsi": mmsi,
            "imo": imo,
            "name": "CHAO LE 2",
            "call_sign": "HSB1234",
            "flag": "TH",
            "ship_type": 37,
            "length_m": 12.3,
            "role": role,
            "pseudonym": "ours",
        }
        for mmsi, imo, role in ((567801002, 9074729, "subject"), (567000999, 9074731, "other"))
    ]
    whole["handling"] |= {
        "purpose": ["maritime_safety", "border_surveillance", "fisheries_control", "search_and_rescue"],
        "rel_to": rel_to or ["p", "q"],
        "tlp": "TLP:GREEN",
        "protected_persons": None,
        "retain_until": "2026-09-10T21:00:00+00:00",
        "withheld": ["of our own"],
        "generalised": {"grid_deg": 0.25, "time_step_min": 17.0, "significant_digits": 4},
    }
    whole["evidence"] = [
        {"name": name, "value": _of(kind.clue), "unit": kind.unit or "1"}
        for name, kind in EVIDENCE.items()
        if name in evidence
    ] + [{"name": "zz_new", "value": "unheard", "unit": "h"}]
    for part in list(_parts(whole)):
        part[UNKNOWN] = "567801002-1"
    return whole


def _of(clue: str) -> Any:
    return {"time": "2026-03-14T20:11:12.347+00:00", "measure": 3.75, "word": "adrift"}.get(clue, "Ban Thung Dap")


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it, but for geometries, which the model bars against other fields."""
    if isinstance(value, dict) and "coordinates" not in value and "geometries" not in value:
        yield value
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar in a JSON value, with the keys and numbers that lead to it."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def changed(value: Any, path: Path, new: Any) -> Any:
    """The value with another one at a path; `...` takes away what stands there."""
    key, rest = path[0], path[1:]
    made = value.copy()
    if rest:
        made[key] = changed(value[key], rest, new)
    elif new is ...:
        del made[key]
    else:
        made[key] = new
    return made


def changes(record: dict[str, Any]) -> Iterator[tuple[Path, Envelope]]:
    """The envelope without each leaf, item and part, and with other values of each leaf, as the model lets it be."""
    now = dict(leaves(record))
    paths = {path[: i + 1] for path in now for i in range(len(path))}
    for path in sorted(paths, key=str):
        others = [each for each in OTHERS if each != now[path] and type(each) is type(now[path])] if path in now else []
        made = 0
        for value in [*others, *(OTHERS[-1:] if others else []), ...]:
            if made < MOST_OTHERS or value is ...:
                with suppress(ValidationError):
                    yield path, Envelope.model_validate(changed(record, path, value))
                    made += 1


def all_changed(record: dict[str, Any], paths: Iterable[Path]) -> Envelope:
    """The envelope with another value at each of these leaves, as the model lets it be, at once."""
    made, now = record, dict(leaves(record))
    for path in paths:
        for value in OTHERS:
            if value != now[path] and type(value) is type(now[path]):
                one_more = changed(made, path, value)
                with suppress(ValidationError):
                    Envelope.model_validate(one_more)
                    made = one_more
                    break
    return Envelope.model_validate(made)


def may_tell(path: Path, record: dict[str, Any], rule: Rule, named: frozenset[str]) -> bool:
    """Whether a copy by a rule, which names these fields, may depend on what stands at a path; a part: on any of it."""
    beneath = [inner for inner, _ in leaves(record) if inner[: len(path)] == path] or [path]
    return any(_may_tell(inner, record, rule, named) for inner in beneath)


def _may_tell(path: Path, record: dict[str, Any], rule: Rule, named: frozenset[str]) -> bool:
    is_offence = record["event"]["nature"] == "offence" and "event.subtype" in named
    whereabouts = named & {"geometry", "places"}
    match path:
        case ("handling", "purpose", int()):
            return True
        case ("handling", "personal_data"):
            return "vessels.mmsi" in named
        case ("assessment", "explanation", int(i), "feature" | "value" | "threshold"):
            return f"explanation.{record['assessment']['explanation'][i]['feature']}" in named
        case ("evidence", int(i), "name" | "value"):
            return f"evidence.{record['evidence'][i]['name']}" in named
        case ("assessment", "review", "at"):
            return "assessment.review" in named and bool(named & TIMES)
        case ("assessment", "review", "state" | "role"):
            return "assessment.review" in named or is_offence
        case ("assessment", "detector", "name" | "version" | "config_sha256"):
            return "assessment.detector" in named
        case ("assessment", "caveats", int()):
            return "assessment.caveats" in named
        case ("vessels", int(), "role"):
            return rule.pseudonyms or any(name.startswith("vessels.") for name in named)
        case ("vessels", int(), "mmsi"):
            return rule.pseudonyms or "vessels.mmsi" in named
        case ("vessels", int(), "pseudonym"):
            return False
        case ("vessels", int(), str(name)):
            return f"vessels.{name}" in named
        case ("geometry", *_):
            return "geometry" in named and rule.grid_deg is None
        case ("position_uncertainty_m",):
            return bool(whereabouts) and rule.grid_deg is None
        case ("places", int(), "lat" | "lon"):
            return bool(whereabouts) if rule.grid_deg is not None else "places" in named
        case ("places", int(), "role"):
            return "places" in named
        case ("places", int(), "at" | "sog_kn" | "cog_deg" as name):
            return "places" in named and f"places.{name}" in named
        case ("observed", "end"):
            return {"observed.start", "observed.end"} <= named
        case ("safety", "distress" | "beacon" | "sar_phase"):
            return "safety" in named
        case ("feedback", "ack_required"):
            return "feedback" in named
        case ("event" | "originator" | "observed" | "assessment" | "handling", str(name)):
            return f"{path[0]}.{name}" in ALWAYS | named
        case (str(name),):
            return name in ALWAYS
    return False
