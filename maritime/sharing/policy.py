"""Release policy: who may have what. Default deny: what no partner, mark or rule names stays in the house.

The policy is data; `maritime.sharing.decide` acts on it. Reading it proves that it holds together: every name is known,
no coarsened copy tells in passing what it hides, and later rules release no more than earlier ones, so that taking any
rule away can only release less.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from maritime.geo.geojson import read_features
from maritime.sharing.cells import is_made_of, is_of_whole_cells, is_too_small
from maritime.sharing.envelope import WATCH_REQUEST, CapSeverity, Country, Onward, OrgId, Originator, Purpose, Tlp
from maritime.sharing.evidence_kinds import EVIDENCE, EXPLANATION, EvidenceClue

FIELDS: Final = (
    "originator.name",
    "originator.country",
    "originator.contact",
    "context_id",
    "observed.start",
    "observed.end",
    "event.subtype",
    "assessment.severity",
    "assessment.urgency",
    "assessment.certainty",
    "assessment.confidence",
    "assessment.source_reliability",
    "assessment.information_credibility",
    "assessment.detector",
    "assessment.review",
    "assessment.caveats",
    "vessels.mmsi",
    "vessels.imo",
    "vessels.name",
    "vessels.call_sign",
    "vessels.flag",
    "vessels.ship_type",
    "vessels.length_m",
    "geometry",
    "places",
    "places.at",
    "places.sog_kn",
    "places.cog_deg",
    "safety",
    "feedback",
)
"""What a rule can release besides `evidence.<name>` and `explanation.<feature>`; a new field is in no rule at first."""
IDENTITIES: Final = frozenset({"vessels.mmsi", "vessels.imo", "vessels.name", "vessels.call_sign"})
TIMES: Final = frozenset({"observed.start", "observed.end", "places.at"})
HIDDEN_BY_GRID: Final = frozenset({"places.sog_kn", "places.cog_deg"})
HIDDEN_BY_TIME_STEP: Final = frozenset(
    {"assessment.review", "evidence.night", "evidence.sun_altitude_deg", "explanation.hour"}
)
FREE_TEXT: Final = frozenset({"assessment.caveats", "event.subtype"})
"""What people write as they like: who, where and when may be in it."""
JOINING: Final = frozenset({"context_id"})
"""Numbers that several recipients have: two of them who compare their copies know whom a pseudonym stands for."""
SEVERITIES: Final[tuple[CapSeverity, ...]] = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")
PROTECTORS: Final[frozenset[Purpose]] = frozenset({"search_and_rescue", "humanitarian_protection"})
RESERVED: Final = frozenset({"detect", "exercise", "ingest", "nobody", "rcc", "share", "tail"})
"""Names that stand in topics, groups and the ledger for the house itself."""
GROUP: Final = "group:"  # before a group's name in rel_to


class PolicyFaultError(ValueError):
    """What does not hold together in a policy, and where: a path of keys with dots between."""

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(f"{place}: {sentence}")
        self.place, self.sentence = place, sentence


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AreaSpec(_Part):
    """A named area: a box, a ring of positions, or the polygons of a GeoJSON file. One of the three."""

    box: tuple[float, float, float, float] | None = Field(None, description="west, south, east, north; degrees")
    ring: tuple[tuple[float, float], ...] | None = Field(None, min_length=3, description="longitude, latitude; degrees")
    file: Path | None = Field(None, description="GeoJSON, beside the policy")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(part is not None for part in (self.box, self.ring, self.file)) != 1:
            raise ValueError("give one of box, ring and file")
        if self.box is not None and not (-90 <= self.box[1] < self.box[3] <= 90):
            raise ValueError("a box is west, south, east, north, and its south lies below its north")
        return self

    def shape(self, folder: Path) -> BaseGeometry:
        """The area in degrees; a box whose west lies east of its east crosses the antimeridian."""
        if self.box is not None:
            west, south, east, north = self.box
            if west <= east:
                return box(west, south, east, north)
            return unary_union([box(west, south, 180, north), box(-180, south, east, north)])
        if self.ring is not None:
            return Polygon(self.ring)
        assert self.file is not None
        polygons = [polygon for feature in read_features(folder / self.file)[1] for polygon in feature.polygons]
        return unary_union([Polygon(polygon[0], polygon[1:]) for polygon in polygons])


class Mark(_Part):
    """How alerts of some types are marked when they are prepared. The first mark that names a type counts."""

    types: tuple[str, ...] = Field(min_length=1)
    tlp: Tlp
    purpose: tuple[Purpose, ...] = Field(min_length=1)
    rel_to: tuple[str, ...] = Field(description="partners, and groups as group:name")
    onward: Onward = "originator_only"
    retain_days: float = Field(gt=0, description="recipients purge it after so long")
    expires_h: float = Field(72.0, gt=0, description="it is not released any more after so long")


class Rule(_Part):
    """What a recipient gets of the alerts that fit. The first rule that fits counts."""

    name: Name
    types: tuple[str, ...] | None = Field(
        None, min_length=1, description="types of alert; left out: every type but watch_request"
    )
    area: str | None = Field(
        None, description="named area in which the alert's first position lies; with a grid, the whole of its cell"
    )
    min_severity: CapSeverity = "Unknown"
    min_confidence: float = Field(0.0, ge=0, le=1)
    delay_min: float = Field(0.0, ge=0, description="so long after it was sent")
    release: tuple[str, ...] = Field(description="fields, and @sets of them; all others are withheld")
    pseudonyms: bool = Field(False, description="vessels bear a name that only this recipient has for them")
    grid_deg: float | None = Field(None, ge=0.01, le=10, description="positions become cells of a fixed grid")
    time_step_min: float | None = Field(None, ge=1, le=7 * 24 * 60, description="times are rounded to it")
    significant_digits: int | None = Field(None, ge=1, le=6, description="other numbers are rounded to so many")
    retain_days: float | None = Field(None, gt=0, description="shorter than the mark's, if at all")
    reidentification_bound: float | None = Field(
        None,
        gt=0,
        le=1,
        description="chance, on average, with which who has all AIS reports names the vessel of a copy; "
        "stated here, measured by benchmarks.reidentification, and not looked at when a copy is released",
    )

    @property
    def is_coarse(self) -> bool:
        """Whether it hides who, where or when behind something less exact."""
        return self.pseudonyms or self.grid_deg is not None or self.time_step_min is not None


class Agreement(_Part):
    """On what grounds a partner gets anything, and from when until when; both days included, UTC."""

    reference: str = Field(min_length=1)
    since: date
    until: date

    def is_in_force(self, at_ms: int) -> bool:
        """Whether it is in force on the day (UTC) of a time."""
        return self.since <= datetime.fromtimestamp(at_ms / 1000, UTC).date() <= self.until


class ReportTerms(_Part):
    """Trend reports that a partner may have. Cells and periods are fixed here: no two reports cut them otherwise."""

    period: Literal["week", "month"] = "month"
    cell_deg: Literal[1, 2, 5, 10] = 1


class Partner(_Part):
    """An organisation that may have some of it."""

    name: str
    country: Country
    mandate: tuple[Purpose, ...] = Field(min_length=1)
    tlp_ceiling: Tlp
    agreement: Agreement
    machine_alerts: bool = Field(False, description="takes alerts that no person has reviewed")
    exercises: bool = Field(False, description="takes exercises, on a channel of their own")
    rescue: bool = Field(False, description="reads the rescue topic")
    languages: tuple[str, ...] = ("en",)
    reports: ReportTerms | None = Field(None, description="trend reports; left out: it may have none")
    rules: tuple[Rule, ...] = ()


class Group(_Part):
    """Partners that share for one purpose until a day, under a chair. Its rules come after the partner's own."""

    members: tuple[str, ...] = Field(min_length=1)
    chair: str
    purpose: tuple[Purpose, ...] = Field(min_length=1)
    until: date
    rules: tuple[Rule, ...] = ()


class Consent(_Part):
    """An originator's word that what it sent us may go on."""

    originator: OrgId
    partners: tuple[str, ...] = Field(min_length=1)
    until: date


class Candidate(NamedTuple):
    """A rule that may fit for a partner, and the group it is of."""

    rule: Rule
    group: str | None
    place: str  # where it stands in the file, as a path of keys


class Terms(NamedTuple):
    """All that a rule says of the copy it makes. Rules of equal terms make equal copies, whatever they are called."""

    released: frozenset[str]
    withheld: tuple[str, ...]
    pseudonyms: bool
    grid_deg: float | None
    time_step_min: float | None
    significant_digits: int | None
    retain_days: float | None

    @property
    def is_coarse(self) -> bool:
        """As that of the rule."""
        return self.pseudonyms or self.grid_deg is not None or self.time_step_min is not None


class ReleasePolicy(_Part):
    """The whole policy of one originator."""

    policy: Name
    version: str = Field(pattern=r"^[A-Za-z0-9.-]{1,32}$")
    originator: Originator
    areas: dict[Name, AreaSpec] = {}
    field_sets: dict[Name, tuple[str, ...]] = {}
    marks: tuple[Mark, ...] = Field(min_length=1)
    partners: dict[Name, Partner]
    groups: dict[Name, Group] = {}
    consents: tuple[Consent, ...] = ()
    folder: Path = Field(Path(), exclude=True, description="where files of areas are looked for; not written in it")

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for place, sentence in self._faults():
            raise PolicyFaultError(place, sentence)
        return self

    @cached_property
    def shapes(self) -> Mapping[str, BaseGeometry]:
        """The named areas."""
        return {name: spec.shape(self.folder) for name, spec in self.areas.items()}

    def mark_of(self, alert_type: str) -> Mark | None:
        """The mark for a type of alert."""
        return next((mark for mark in self.marks if alert_type in mark.types), None)

    def candidates(self, partner: str) -> list[Candidate]:
        """The rules that may fit for a partner, its own first, in the order in which they are tried."""
        own = [Candidate(r, None, f"partners.{partner}.rules.{i}") for i, r in enumerate(self.partners[partner].rules)]
        of_groups = [
            Candidate(rule, name, f"groups.{name}.rules.{i}")
            for name, group in self.groups.items()
            if partner in group.members
            for i, rule in enumerate(group.rules)
        ]
        return own + of_groups

    def released_by(self, rule: Rule) -> frozenset[str]:
        """The names of all fields that a rule releases, sets resolved."""
        names: set[str] = set()
        for entry in rule.release:
            names.update(self.field_sets.get(entry[1:], ()) if entry.startswith("@") else (entry,))
        return frozenset(names)

    def withheld_by(self, rule: Rule) -> list[str]:
        """What a recipient is told that it does not get: the same list for every alert, so that it tells nothing."""
        released = self.released_by(rule)
        withheld = [name for name in FIELDS if name not in released]
        for whole in ("evidence", "explanation"):
            if not any(name.startswith(f"{whole}.") for name in released):
                withheld.append(whole)
        return withheld

    def terms(self, rule: Rule) -> Terms:
        """What a rule says of the copy it makes, sets of fields resolved."""
        return Terms(
            released=self.released_by(rule),
            withheld=tuple(self.withheld_by(rule)),
            pseudonyms=rule.pseudonyms,
            grid_deg=rule.grid_deg,
            time_step_min=rule.time_step_min,
            significant_digits=rule.significant_digits,
            retain_days=rule.retain_days,
        )

    def _faults(self) -> Iterator[tuple[str, str]]:
        """What does not hold together, and where."""
        for partner in self.partners.keys() & RESERVED:
            yield f"partners.{partner}", f"'{partner}' is a name of the house's own; give the partner another one"
        for name, names in self.field_sets.items():
            yield from ((f"field_sets.{name}.{i}", said) for i, n in enumerate(names) if (said := _unknown(n)))
        for i, mark in enumerate(self.marks):
            for j, target in enumerate(mark.rel_to):
                known = self.groups if target.startswith(GROUP) else self.partners
                if target.removeprefix(GROUP) not in known:
                    yield f"marks.{i}.rel_to.{j}", f"'{target}' is no partner or group of this policy"
        for name, group in self.groups.items():
            for j, member in enumerate((*group.members, group.chair)):
                if member not in self.partners and member != self.originator.org_id:
                    where = f"members.{j}" if j < len(group.members) else "chair"
                    yield f"groups.{name}.{where}", f"'{member}' is no partner of this policy"
        for i, consent in enumerate(self.consents):
            for j, partner in enumerate(consent.partners):
                if partner not in self.partners:
                    yield f"consents.{i}.partners.{j}", f"'{partner}' is no partner of this policy"
        for partner in self.partners:
            candidates = self.candidates(partner)
            for candidate in candidates:
                yield from self._rule_faults(candidate)
                yield from self._terms_faults(partner, candidate.rule)
            for later in range(len(candidates)):
                for earlier in range(later):
                    yield from self._order_faults(candidates[earlier], candidates[later])

    def _rule_faults(self, candidate: Candidate) -> Iterator[tuple[str, str]]:
        rule, place = candidate.rule, candidate.place
        for j, entry in enumerate(rule.release):
            if entry.startswith("@"):
                if entry[1:] not in self.field_sets:
                    yield f"{place}.release.{j}", f"there is no field set '{entry[1:]}'"
            elif said := _unknown(entry):
                yield f"{place}.release.{j}", f"{said}"
        if rule.area is not None and rule.area not in self.areas:
            yield f"{place}.area", f"'{rule.area}' is no area of this policy"
        if (
            rule.area in self.areas
            and rule.grid_deg is not None
            and is_too_small(self.shapes[rule.area], rule.grid_deg)
        ):
            yield f"{place}.area", f"no cell of {rule.grid_deg:g}° fits into '{rule.area}', so that nothing is released"
        released = self.released_by(rule)
        if rule.pseudonyms and (told := sorted(released & IDENTITIES)):
            yield f"{place}.pseudonyms", f"a pseudonym hides nothing beside {', '.join(told)}; do not release them"
        hides_identity = not released & IDENTITIES
        if rule.reidentification_bound is not None and not hides_identity:
            named = ", ".join(sorted(released & IDENTITIES))
            yield f"{place}.reidentification_bound", f"the vessel is named by {named}; state no bound for it"
        for name in sorted(released):
            clue = _clue(name)
            if clue == "identity" and hides_identity:
                yield f"{place}.release", f"{name} tells which vessel it is, which this rule withholds"
            if rule.grid_deg is not None and (clue == "place" or name in HIDDEN_BY_GRID):
                yield (
                    f"{place}.release",
                    f"{name} tells where it was more closely than grid_deg",
                )
            if clue == "place" and not released & {"geometry", "places"}:
                yield f"{place}.release", f"{name} tells where it was, which this rule withholds"
            if clue == "time" and not released & TIMES:
                yield f"{place}.release", f"{name} tells when it was, which this rule withholds"
            if rule.time_step_min is not None and name in HIDDEN_BY_TIME_STEP:
                yield f"{place}.release", f"{name} tells when it was more closely than time_step_min does"
            measures = clue == "measure" or name in ("vessels.length_m", "assessment.confidence")
            if measures and rule.is_coarse and rule.significant_digits is None:
                yield f"{place}.release", f"{name} to the last digit identifies a vessel; set significant_digits"
            if name in FREE_TEXT and rule.is_coarse:
                yield f"{place}.release", f"{name} is free text, which may tell what this rule makes coarse"
            if name in JOINING and rule.pseudonyms:
                yield f"{place}.release", f"{name} joins the copy with those of others, who may know the vessel"
        if "places.at" in released and "places" not in released:
            yield f"{place}.release", "places.at is of no use without places"
        if rule.pseudonyms and released & {"geometry", "places"} and rule.grid_deg is None:
            yield f"{place}.pseudonyms", "who knows the exact position knows the vessel; set grid_deg"
        if rule.pseudonyms and released & TIMES and rule.time_step_min is None:
            yield f"{place}.pseudonyms", "who knows the exact time finds the vessel; set time_step_min"
        if rule.time_step_min is not None and rule.delay_min < rule.time_step_min:
            yield (
                f"{place}.time_step_min",
                f"who is told within {rule.delay_min:g} min knows the time better than to "
                f"{rule.time_step_min:g} min; set delay_min to as much at least",
            )

    def _terms_faults(self, partner: str, rule: Rule) -> Iterator[tuple[str, str]]:
        terms = self.partners[partner].reports
        if terms is None or rule.grid_deg is None:
            return
        fitting = terms.cell_deg / rule.grid_deg
        if fitting < 1 or abs(fitting - round(fitting)) > 1e-9:
            yield (
                f"partners.{partner}.reports.cell_deg",
                f"cells of {terms.cell_deg}° are not made of whole cells of rule '{rule.name}' (grid_deg "
                f"{rule.grid_deg:g}), which would be counted beside where they are; give a multiple",
            )

    def _are_apart(self, a: str | None, b: str | None) -> bool:
        """Whether no position lies in both areas; None is everywhere."""
        if a is None or b is None or not {a, b} <= set(self.areas):
            return False
        return not self.shapes[a].intersects(self.shapes[b])

    def _is_cut(self, rule: Rule, grid_deg: float) -> bool:
        """Whether in one cell of a grid a rule's area may hold one position and not another."""
        if rule.area not in self.areas or rule.grid_deg == grid_deg:
            return False
        is_nested = rule.grid_deg is None or is_made_of(grid_deg, rule.grid_deg)
        return not is_nested or not is_of_whole_cells(self.shapes[rule.area], grid_deg)

    def _order_faults(self, earlier: Candidate, later: Candidate) -> Iterator[tuple[str, str]]:
        a, b = earlier.rule, later.rule
        if not _have_a_type_in_common(a, b):
            return
        if self._are_apart(a.area, b.area):
            return
        if b.grid_deg is not None and self._is_cut(a, b.grid_deg):
            yield (
                later.place,
                f"whoever gets a cell by rule '{b.name}' knows that it lies not in the area '{a.area}' of rule "
                f"'{a.name}' ({earlier.place}), which is tried before it, and that area cuts cells; let its borders "
                f"run along the lines of a grid of {b.grid_deg:g}°",
            )
        told_a, told_b = self.released_by(a), self.released_by(b)
        if further := sorted(told_b - told_a):
            more = f"releases {', '.join(further)}"
        elif b.delay_min < a.delay_min:
            more = "waits less"
        elif a.grid_deg is not None and (b.grid_deg is None or b.grid_deg < a.grid_deg):
            more = "has no such coarse grid_deg"
        elif a.time_step_min is not None and (b.time_step_min is None or b.time_step_min < a.time_step_min):
            more = "has no such coarse time_step_min"
        elif a.significant_digits is not None and (b.significant_digits or 99) > a.significant_digits:
            more = "gives more significant_digits"
        elif b.pseudonyms and not a.pseudonyms and "vessels.mmsi" not in told_a:
            more = "gives pseudonyms"
        elif a.is_coarse and not b.is_coarse:
            more = "makes nothing coarse"
        elif a.retain_days is not None and (b.retain_days is None or b.retain_days > a.retain_days):
            more = "is kept longer"
        else:
            return
        yield (
            later.place,
            f"rule '{b.name}' {more} where rule '{a.name}' ({earlier.place}), which is tried before it, "
            "does not; without that one, alerts would fall to this one and tell more. Put the one that tells most "
            "first, or give them types or areas that have nothing in common",
        )


def _have_a_type_in_common(a: Rule, b: Rule) -> bool:
    """Whether some alert may fit both; a rule without types fits every type but watch requests, which must be named."""
    if a.types is not None and b.types is not None:
        return bool(set(a.types) & set(b.types))
    named = a.types or b.types
    return named is None or bool(set(named) - {WATCH_REQUEST})


def _unknown(name: str) -> str | None:
    """What is wrong with the name of a field."""
    if name in FIELDS:
        return None
    whole, _, part = name.partition(".")
    table = {"evidence": EVIDENCE, "explanation": EXPLANATION}.get(whole)
    if table is None:
        return f"'{name}' is no field that can be released; there are {', '.join(FIELDS)}, evidence.…, explanation.…"
    return None if part in table else f"'{name}' is not known; in {whole} there are {', '.join(table)}"


def _clue(name: str) -> EvidenceClue | None:
    whole, _, part = name.partition(".")
    kind = {"evidence": EVIDENCE, "explanation": EXPLANATION}.get(whole, {}).get(part)
    return kind.clue if kind else None
