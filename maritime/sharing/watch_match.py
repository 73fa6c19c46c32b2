"""Watch match: alerts of vessels that are on a watchlist at the time of the event. For this house alone.

A match joins what one originator asked with what another, or we, saw, so it is bound by the handling of both, and is
made only where they have a purpose in common. It is for nobody else: `rel_to` is empty, it must not go on, and its TLP
is at least AMBER+STRICT, "for the organisation only" (TLP 2.0).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field
from shapely import intersects_xy
from shapely.geometry import shape

from maritime.alerts.alert import Alert
from maritime.sharing.decide import first_position
from maritime.sharing.envelope import (
    TLP_ORDER,
    WATCH_REQUEST,
    Envelope,
    Handling,
    Time,
    Tlp,
    Uuid4,
    Vessel,
    bare,
    offset_time,
)
from maritime.sharing.identities import Identity, IdentityKind, identities_of
from maritime.sharing.shapes import Position
from maritime.sharing.strictest import JointHandling, strictest
from maritime.sharing.watchlist import Entry
from maritime.times import from_rfc3339

LEAST_TLP: Final[Tlp] = "TLP:AMBER+STRICT"
UNIQUE: Final = frozenset({"mmsi", "imo"})
"""Identities that no two vessels share at a time; of two that have the same name, these tell that they are two."""


class Sighting(NamedTuple):
    """An alert as it is matched: who, when and where; `alert_id` is that of whoever made it."""

    alert_id: str
    originator: str | None  # None: our own
    event_type: str
    vessels: tuple[Vessel, ...]
    starts_ms: int
    ends_ms: int
    position: Position | None
    handling: Handling | None = None  # None: our own, for any purpose of ours

    @classmethod
    def of_alert(cls, alert: Alert) -> Self:
        """An alert of our own, which knows its vessel by MMSI alone; while it lasts, up to when it was raised."""
        vessels = (Vessel(mmsi=alert.mmsi),) if alert.mmsi else ()
        ends_ms = alert.raised_ms if alert.ended_ms is None else alert.ended_ms
        position = None if alert.lat is None or alert.lon is None else (alert.lon, alert.lat)
        return cls(
            alert.alert_id, None, alert.type, vessels, alert.started_ms, max(alert.started_ms, ends_ms), position
        )

    @classmethod
    def of_envelope(cls, envelope: Envelope) -> Self:
        """A received alert; where it does not say when it was, it was when it was sent."""
        observed = envelope.observed
        starts_ms = from_rfc3339(observed.start if observed else envelope.sent)
        ends_ms = from_rfc3339(observed.end if observed and observed.end else envelope.sent)
        return cls(
            envelope.alert_id,
            envelope.originator.org_id,
            envelope.event.type,
            tuple(envelope.vessels),
            starts_ms,
            max(starts_ms, ends_ms),
            first_position(envelope),
            envelope.handling,
        )


class WatchedBy(BaseModel):
    """The entry that asks for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alert_id: Uuid4
    originator: str
    reason: str | None = Field(description="from the fixed list, or as another originator has it")
    expires: Time


class WatchMatch(BaseModel):
    """An alert of a vessel that is on a watchlist. `handling` binds this house; the match is for nobody else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alert_id: str
    alert_originator: str | None = Field(description="null: our own")
    event_type: str
    starts: Time
    ends: Time
    vessel: Vessel
    by: list[IdentityKind] = Field(min_length=1, description="identities that are the same")
    differs: list[IdentityKind] = Field(description="identities that both say and that are not the same: look twice")
    entry: WatchedBy
    handling: JointHandling


class Watchlist:
    """The entries that can match, found by identity."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_identity: dict[Identity, list[Entry]] = defaultdict(list)
        for entry in entries:
            for identity in entry.identities if entry.can_match else ():
                self._by_identity[identity].append(entry)

    def matches(self, sighting: Sighting) -> Iterator[WatchMatch]:
        """The entries in force during an event that ask for one of its vessels, each once for a vessel.

        A request is not matched with requests.
        """
        if sighting.event_type == WATCH_REQUEST:
            return
        for vessel in sighting.vessels:
            seen = tuple(identities_of(vessel))
            entries = {id(each): each for identity in seen for each in self._by_identity.get(identity, ())}
            for entry in sorted(
                entries.values(), key=lambda each: (each.envelope.originator.org_id, each.envelope.alert_id)
            ):
                by, differs = _compared(seen, entry.identities)
                is_namesake = by == ["name"] and UNIQUE & set(differs)
                if is_namesake or not _is_in_force(entry, sighting) or not _is_in_area(entry, sighting):
                    continue
                if (found := _match(sighting, vessel, entry, by, differs)) is not None:
                    yield found


def _compared(seen: tuple[Identity, ...], asked: tuple[Identity, ...]) -> tuple[list[IdentityKind], list[IdentityKind]]:
    """Which kinds of identity are the same, and of which both say others."""
    same = [each.kind for each in seen if each in asked]
    return same, [each.kind for each in seen if each.kind not in same and each.kind in {one.kind for one in asked}]


def _is_in_force(entry: Entry, sighting: Sighting) -> bool:
    return entry.ends_ms is not None and entry.begins_ms <= sighting.ends_ms and sighting.starts_ms < entry.ends_ms


def _is_in_area(entry: Entry, sighting: Sighting) -> bool:
    """Where an entry asks for an area, what has no position is not known to be in it."""
    if entry.envelope.geometry is None:
        return True
    return sighting.position is not None and bool(
        intersects_xy(shape(bare(entry.envelope.geometry)), *sighting.position)
    )


def _match(
    sighting: Sighting, vessel: Vessel, entry: Entry, by: list[IdentityKind], differs: list[IdentityKind]
) -> WatchMatch | None:
    """None where what was asked and what was seen may not be used for one purpose."""
    asked = entry.envelope
    bound = strictest([asked.handling] if sighting.handling is None else [asked.handling, sighting.handling])
    if not bound.purpose:
        return None
    return WatchMatch(
        alert_id=sighting.alert_id,
        alert_originator=sighting.originator,
        event_type=sighting.event_type,
        starts=offset_time(sighting.starts_ms),
        ends=offset_time(sighting.ends_ms),
        vessel=vessel,
        by=by,
        differs=differs,
        entry=WatchedBy(
            alert_id=asked.alert_id,
            originator=asked.originator.org_id,
            reason=asked.event.subtype,
            expires=str(asked.expires),
        ),
        handling=bound.model_copy(
            update={
                "tlp": max(bound.tlp, LEAST_TLP, key=TLP_ORDER.index),
                "rel_to": [],
                "onward": "originator_only",
                "personal_data": True,
            }
        ),
    )
