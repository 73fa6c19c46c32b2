"""Events: reports by their contexts, and contexts that a person says are one event. The machine only suggests.

A link between two contexts is made by a person in a role and can be taken back; it stays in the store with who took it
back and when. Suggestions are pairs of reports of different originators that are near in time and place and may be of
one thing; nothing is done with them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from maritime.errors import UsageError
from maritime.sharing.envelope import UUID4, WATCH_REQUEST, Envelope
from maritime.sharing.identities import Identity, identities_of
from maritime.sharing.merge import MergedEvent, Report, Source, merge, newest
from maritime.sharing.received import ReceivedStore
from maritime.sharing.shapes import Circle, circle_around
from maritime.times import from_rfc3339
from maritime.units import HOUR_MS

MOST_LINKS: Final = 10_000  # in force; chosen: a person makes them one by one
MOST_SUGGESTIONS: Final = 500  # chosen: nobody looks at more
NEAR_H: Final = 6.0  # chosen: reports of one event are hours apart where one of them waited or was rounded
NEAR_KM: Final = 25.0  # chosen: half of what a vessel does in an hour at 27 kn, and a cell of a quarter degree

CONTEXT: Final = re.compile(rf"{UUID4}|[0-9a-f]{{32}}")  # of the ledger or a partner; or an own alert's id

ALIKE: Final = (
    frozenset({"dark_period", "position_withheld", "identity_clash"}),  # it is not seen where it is
    frozenset({"loitering", "unusual_landing", "dark_period"}),  # it stayed, or came ashore, perhaps unseen
    frozenset({"distress_beacon", "dark_period"}),  # it called for help and fell silent
)
"""Types that may be told of one event, beside equal ones."""


class Link(NamedTuple):
    """Two contexts that are one event, as a person in a role said; `left_by` says who took it back."""

    number: int
    a: str
    b: str
    role: str
    joined_ms: int
    left_by: str | None
    left_ms: int | None


class Suggestion(BaseModel):
    """Two contexts that may be one event, and why. A person decides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contexts: tuple[str, str]
    originators: tuple[str, str]
    types: tuple[str, str]
    hours_apart: float = Field(description="between the times of the two; 0: they overlap")
    km_apart: float = Field(description="between the two areas in which they lie; 0: these overlap")
    same_vessel: bool | None = Field(description="whether an identity is the same; null: not both say which it is")


class Links:
    """The links of a store, those that were taken back too."""

    def __init__(self, store: ReceivedStore) -> None:
        self._store, self._database = store, store.database

    def join(self, a: str, b: str, role: str, now_ms: int) -> bool:
        """Say that two contexts are one event; False where that is said already. Raises UsageError for one context."""
        a, b = sorted((a, b))
        if a == b:
            raise UsageError(f"{a} is one context; two are joined")
        for context in (a, b):
            if not CONTEXT.fullmatch(context):
                raise UsageError(f"'{context[:40]}' is no context; 'maritime events list' shows them whole")
        with self._store.transaction():
            if self._in_force(a, b) is not None:
                return False
            if len(self.in_force()) >= MOST_LINKS:
                raise UsageError(f"{MOST_LINKS:,} links are in force already; leave some with 'maritime events leave'")
            self._database.execute("INSERT INTO links VALUES (NULL, ?, ?, ?, ?, NULL, NULL)", (a, b, role, now_ms))
        return True

    def leave(self, a: str, b: str, role: str, now_ms: int) -> None:
        """Take a link back. Raises UsageError where there is none."""
        a, b = sorted((a, b))
        with self._store.transaction():
            number = self._in_force(a, b)
            if number is None:
                raise UsageError(f"{a} and {b} were not joined; 'maritime events list' shows what is")
            self._database.execute("UPDATE links SET left_by = ?, left_ms = ? WHERE number = ?", (role, now_ms, number))

    def in_force(self) -> list[Link]:
        """The links that nobody has taken back."""
        return [link for link in self.all() if link.left_ms is None]

    def all(self) -> list[Link]:
        """Every link, in the order in which they were made."""
        return [Link(*row) for row in self._database.execute("SELECT * FROM links ORDER BY number")]

    def _in_force(self, a: str, b: str) -> int | None:
        row = self._database.execute(
            "SELECT number FROM links WHERE a = ? AND b = ? AND left_ms IS NULL", (a, b)
        ).fetchone()
        return None if row is None else int(row[0])


def received_reports(store: ReceivedStore, now_ms: int) -> Iterator[Report]:
    """What is kept in a store as reports, watch requests left out; what has no context is one by itself."""
    for kept in store.alerts(now_ms):
        if kept.event_type != WATCH_REQUEST:
            source = Source(kept.originator, kept.alert_id, kept.standing)
            yield Report(source, kept.context_id or kept.alert_id, kept.envelope())


def events(reports: Iterable[Report], links: Iterable[Link]) -> list[MergedEvent]:
    """The reports by event and status, the latest event first."""
    of = _components([(link.a, link.b) for link in links])
    grouped: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in newest(reports).values():
        grouped[of.get(report.context_id, report.context_id), report.envelope.status].append(report)
    made = [merge(group) for group in grouped.values()]
    return sorted(made, key=lambda event: (-max(from_rfc3339(part.sent) for part in event.reports), event.contexts))


def suggestions(
    reports: Iterable[Report], links: Iterable[Link], within_h: float = NEAR_H, within_km: float = NEAR_KM
) -> list[Suggestion]:
    """Pairs of contexts that may be one event, those with the same vessel first, then by how near they are."""
    of = _components([(link.a, link.b) for link in links])
    looks = sorted(
        (look for report in newest(reports).values() if (look := _look(report)) is not None),
        key=lambda look: (look.starts_ms, look.report.source),
    )
    best: dict[tuple[str, str], Suggestion] = {}
    open_: list[_Look] = []
    for look in looks:
        open_ = [each for each in open_ if each.ends_ms + within_h * HOUR_MS >= look.starts_ms]
        for other in open_:
            same_event = of.get(other.report.context_id, other.report.context_id) == of.get(
                look.report.context_id, look.report.context_id
            )
            found = None if same_event else _suggestion(other, look, within_km)
            if found is not None and (found.contexts not in best or _order(found) < _order(best[found.contexts])):
                best[found.contexts] = found
        open_.append(look)
    return sorted(best.values(), key=_order)[:MOST_SUGGESTIONS]


class _Look(NamedTuple):
    """What of a report is compared."""

    report: Report
    starts_ms: int
    ends_ms: int
    circle: Circle
    identities: frozenset[Identity]


def _look(report: Report) -> _Look | None:
    """None for what was withdrawn, or has no place."""
    envelope = report.envelope
    circle = None if envelope.kind == "cancel" else _circle(envelope)
    if circle is None:
        return None
    observed = envelope.observed
    starts_ms = from_rfc3339(observed.start if observed else envelope.sent)
    ends_ms = from_rfc3339(observed.end if observed and observed.end else envelope.sent)
    identities = frozenset(each for vessel in envelope.vessels for each in identities_of(vessel))
    return _Look(report, starts_ms, max(starts_ms, ends_ms), circle, identities)


def _circle(envelope: Envelope) -> Circle | None:
    return circle_around(envelope.shapes().outline(), envelope.position_uncertainty_m)


def _suggestion(a: _Look, b: _Look, within_km: float) -> Suggestion | None:
    """Why two may be one event; None where they are not: one originator's, of other vessels, or too far apart."""
    from maritime.geo.geodesy import distance_m  # compiles, which who only lists need not wait for

    one, other = sorted((a, b), key=lambda look: (look.report.context_id, look.report.source))
    types = (one.report.envelope.event.type, other.report.envelope.event.type)
    originators = (one.report.source.said, other.report.source.said)
    same = _same_vessel(one, other)
    may_be = (
        one.report.source.originator != other.report.source.originator
        and one.report.envelope.status == other.report.envelope.status
    )
    if not may_be or same is False or not (types[0] == types[1] or any(set(types) <= alike for alike in ALIKE)):
        return None
    apart_m = distance_m(one.circle.lat, one.circle.lon, other.circle.lat, other.circle.lon)
    km = max(0.0, apart_m - (one.circle.radius_m or 0.0) - (other.circle.radius_m or 0.0)) / 1000
    if km > within_km:
        return None
    hours = max(0, b.starts_ms - a.ends_ms, a.starts_ms - b.ends_ms) / HOUR_MS
    return Suggestion(
        contexts=(one.report.context_id, other.report.context_id),
        originators=originators,
        types=types,
        hours_apart=round(hours, 2),
        km_apart=round(km, 1),
        same_vessel=same,
    )


def _same_vessel(one: _Look, other: _Look) -> bool | None:
    """None where not both say; False where both say and nothing they say is the same."""
    if one.identities & other.identities:
        return True
    kinds = {each.kind for each in one.identities} & {each.kind for each in other.identities}
    return False if kinds else None


def _order(found: Suggestion) -> tuple[bool, float, float, tuple[str, str]]:
    return not found.same_vessel, found.hours_apart, found.km_apart, found.contexts


def _components(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each context in a link the first of all contexts that it is joined with, over however many links."""
    first: dict[str, str] = {}

    def root(name: str) -> str:
        while first.setdefault(name, name) != name:
            first[name] = first[first[name]]
            name = first[name]
        return name

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        first[high] = low
    return {name: root(name) for name in first}
