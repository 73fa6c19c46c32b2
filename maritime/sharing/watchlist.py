"""Watchlist: vessels that an originator asks to be told of, until a day, for a reason from a short list.

An entry is an envelope of the type `watch_request`. So the release policy, formats, signatures, ledger and cancel treat
it as they treat an alert, and a partner gets one only by a rule that names the type. A person in a role adds it, with a
purpose; it says nothing of what a vessel did. It ends, and is purged when it does.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple, get_args

from shapely import to_geojson

from maritime.errors import UsageError
from maritime.sharing.envelope import WATCH_REQUEST, Envelope, Purpose, Vessel, offset_time
from maritime.sharing.identities import Identity, identities_of
from maritime.sharing.intake import Standing
from maritime.sharing.own_view import OWN_VIEW
from maritime.sharing.policy import AreaSpec, Mark, ReleasePolicy
from maritime.sharing.prepare import Address, worded
from maritime.sharing.received import Kept
from maritime.sharing.redact import cancel
from maritime.sharing.wording import LONGEST_FREE_TEXT, one_line
from maritime.times import from_rfc3339
from maritime.units import DAY_MS

Reason = Literal["contact_requested", "environment", "identity_check", "inspection", "overdue", "safety_concern"]
"""Why to look out for a vessel, in neutral words; there is no free text."""
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
MOST_DAYS: Final = 90  # chosen: a quarter; who still needs it then says so again, in a role
MOST_ENTRIES: Final = 100_000  # in force at once; chosen: some hundred times a long list
State = Literal["in_force", "not_yet", "expired", "withdrawn", "unverified", "unbounded", "nothing_to_match"]
"""What an entry is at a time. Only the first matches anything."""


class Entry(NamedTuple):
    """An entry as it is matched: in force from `begins_ms` to before `ends_ms`."""

    envelope: Envelope
    standing: Standing
    identities: tuple[Identity, ...]
    begins_ms: int
    ends_ms: int | None

    @property
    def is_bounded(self) -> bool:
        """Whether it ends, and within the longest time that an entry may last."""
        return self.ends_ms is not None and self.ends_ms - self.begins_ms <= MOST_DAYS * DAY_MS

    @property
    def can_match(self) -> bool:
        """Whether it matches at all while it is in force."""
        return self.state(self.begins_ms) == "in_force"

    def state(self, at_ms: int) -> State:
        """What it is at a time."""
        if self.envelope.kind == "cancel":
            return "withdrawn"
        if self.standing == "unverified":
            return "unverified"
        if self.ends_ms is None or not self.is_bounded:
            return "unbounded"
        if at_ms >= self.ends_ms:
            return "expired"
        if not self.identities:
            return "nothing_to_match"
        return "in_force" if at_ms >= self.begins_ms else "not_yet"


class Term(NamedTuple):
    """From when until when an entry is in force, ms UTC."""

    begins_ms: int
    ends_ms: int


def new_entry(
    vessel: Vessel,
    reason: Reason,
    purposes: Sequence[Purpose],
    role: str,
    term: Term,
    policy: ReleasePolicy,
    *,
    alert_id: str,
    now_ms: int,
    box: tuple[float, float, float, float] | None = None,
) -> Envelope:
    """An entry, marked as the policy marks its type; without such a mark it is for this house alone.

    `alert_id` is a new UUIDv4, `box` an area of interest: west, south, east, north. Raises UsageError for a vessel that
    cannot be found by what is said of it, a term that is none or too long, and purposes that the policy does not allow.
    """
    _check(vessel, role, term)
    mark = _mark(policy, purposes)
    end = offset_time(term.ends_ms)
    record: dict[str, Any] = {
        **Address(alert_id, 0, "alert").as_fields(),
        "status": "actual",
        "originator": policy.originator.model_dump(),
        "sent": offset_time(now_ms),
        "expires": end,
        "observed": {"start": offset_time(term.begins_ms), "end": end},
        "event": {"type": WATCH_REQUEST, "subtype": reason},
        "assessment": {
            "severity": "Unknown",
            "urgency": "Unknown",
            "certainty": "Unknown",
            "review": {"state": "confirmed", "role": role, "at": offset_time(now_ms)},
        },
        "vessels": [vessel.model_dump()],
        "geometry": json.loads(to_geojson(AreaSpec(box=box).shape(policy.folder))) if box else None,
        "handling": {
            "tlp": mark.tlp,
            "purpose": list(purposes),
            "rel_to": list(mark.rel_to),
            "onward": mark.onward,
            "personal_data": vessel.imo is None,  # as of an alert: a craft without one is mostly a person's
            "retain_until": end,
            "policy": {"name": policy.policy, "version": policy.version},
        },
    }
    return worded(Envelope.model_validate(record))


def withdrawn(entry: Envelope, now_ms: int) -> Envelope:
    """The cancel of an entry of our own, which says little of it again."""
    address = Address(
        entry.alert_id, entry.revision + 1, "cancel", (f"{entry.alert_id}@{entry.revision}@{entry.sent}",)
    )
    copy = cancel(entry, "", address=address, now_ms=now_ms)
    handling = copy.handling.model_copy(update={"rel_to": entry.handling.rel_to})
    return copy.model_copy(update={"handling": handling})


def entries(alerts: Iterator[Kept]) -> list[Entry]:
    """The entries among what is kept, exercises left out. Raises UsageError when there are too many to match."""
    found = [entry_of(kept.envelope(), kept.standing) for kept in alerts if kept.status == "actual"]
    if len(found) > MOST_ENTRIES:
        raise UsageError(f"there are {len(found):,} entries; at most {MOST_ENTRIES:,} are matched; purge the store")
    return found


def entry_of(envelope: Envelope, standing: Standing) -> Entry:
    """An envelope of the type as an entry. Where it does not say when it begins, it begins when it was sent."""
    observed = envelope.observed
    found = dict.fromkeys(each for vessel in envelope.vessels for each in identities_of(vessel))
    return Entry(
        envelope,
        standing,
        tuple(found),
        from_rfc3339(observed.start if observed else envelope.sent),
        None if envelope.expires is None else from_rfc3339(envelope.expires),
    )


def _check(vessel: Vessel, role: str, term: Term) -> None:
    found = {identity.kind for identity in identities_of(vessel)}
    for kind in get_args(Identity.__annotations__["kind"]):
        if getattr(vessel, kind) is not None and kind not in found:
            raise UsageError(f"{kind} {getattr(vessel, kind)} is that of no vessel: a placeholder, or a wrong digit")
    if not found:
        raise UsageError("nothing says which vessel it is; give an MMSI, an IMO number, a call sign or a name")
    if not role.strip() or one_line(role, LONGEST_FREE_TEXT) != role:
        raise UsageError(f"the role '{one_line(role, LONGEST_FREE_TEXT)}' must be 1 to {LONGEST_FREE_TEXT} letters")
    if not 0 < term.ends_ms - term.begins_ms <= MOST_DAYS * DAY_MS:
        raise UsageError(
            f"an entry from {offset_time(term.begins_ms)} to {offset_time(term.ends_ms)} is none; "
            f"it must end after it begins, and within {MOST_DAYS} days"
        )


def _mark(policy: ReleasePolicy, purposes: Sequence[Purpose]) -> Mark:
    mark = policy.mark_of(WATCH_REQUEST)
    if mark is None:
        return OWN_VIEW.marks[0]
    if wrong := [purpose for purpose in purposes if purpose not in mark.purpose]:
        raise UsageError(f"{wrong[0]} is no purpose of {WATCH_REQUEST} in {policy.policy}: {', '.join(mark.purpose)}")
    return mark
