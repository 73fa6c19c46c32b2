"""`maritime watchlist`: vessels to look out for, each until a day, and the alerts in which they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from maritime.cli.export import the_policy
from maritime.cli.received import At, Store, existing, now_or, print_table
from maritime.cli.screen import Json, answer, print_json, time_of
from maritime.cli.share import need_share
from maritime.errors import UsageError
from maritime.units import DAY_MS

if TYPE_CHECKING:
    from maritime.sharing.watch_match import Sighting
    from maritime.sharing.watchlist import Entry, Reason

app = typer.Typer(no_args_is_help=True, help="Vessels to look out for, each until a day.")
SOON_DAYS = 7  # chosen: time enough to ask again


def add(
    store: Store,
    reason: Annotated[
        str,
        typer.Option(
            help="contact_requested, environment, identity_check, inspection, overdue or safety_concern; nothing else."
        ),
    ],
    purpose: Annotated[list[str], typer.Option(help="For what it may be used; may be given several times.")],
    role: Annotated[str, typer.Option(help="The role, not the name, of the person who asks for it.")],
    expires: Annotated[str, typer.Option(help="When it ends, within 90 days; then it is purged.")],
    mmsi: Annotated[int | None, typer.Option(help="MMSI of the vessel.")] = None,
    imo: Annotated[int | None, typer.Option(help="IMO number of the vessel.")] = None,
    call_sign: Annotated[str | None, typer.Option(help="Call sign of the vessel.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the vessel; others may have the same.")] = None,
    begins: Annotated[str | None, typer.Option(help="From when on; now if left out.")] = None,
    box: Annotated[str | None, typer.Option(help="Only in this area: west,south,east,north in degrees.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Release policy; without a mark for watch_request it is for this house alone.")
    ] = None,
    at: At = None,
    as_json: Json = False,
) -> int:
    """Add a vessel, until a day, for a purpose, by a person in a role. It says nothing of what the vessel did."""
    need_share()
    from maritime.sharing.envelope import Vessel
    from maritime.sharing.intake import Accepted, Rejected
    from maritime.sharing.received import ReceivedStore
    from maritime.sharing.watchlist import Term, new_entry

    at_ms = now_or(at)
    begins_ms, ends_ms = time_of(begins, "--begins"), time_of(expires, "--expires")
    assert ends_ms is not None
    vessel = _checked(Vessel, {"mmsi": mmsi, "imo": imo, "call_sign": call_sign, "name": name})
    entry = new_entry(
        vessel,
        _reason(reason),
        _purposes(purpose),
        role,
        Term(at_ms if begins_ms is None else begins_ms, ends_ms),
        the_policy(policy),
        alert_id=str(uuid4()),
        now_ms=at_ms,
        box=_box(box),
    )
    with ReceivedStore(store) as kept:
        outcome = kept.add(Accepted(entry, entry.canonical(), "own", "envelope"), at_ms)
    if isinstance(outcome, Rejected):
        raise UsageError(f"it is not kept ({outcome.reason}): {outcome.said}")
    personal, rel_to = entry.handling.personal_data, entry.handling.rel_to
    if as_json:
        print_json({"alert_id": entry.alert_id, "expires": entry.expires, "personal_data": personal, "rel_to": rel_to})
        return 0
    print(f"{entry.alert_id} until {entry.expires}{'; personal data' if personal else ''}")
    print(
        "it may be shared with " + (f"{', '.join(rel_to)}, by a rule that names watch_request" if rel_to else "nobody")
    )
    return 0


def list_(store: Store, at: At = None, as_json: Json = False) -> int:
    """List the entries in force, own and received. It is for this house alone."""
    need_share()
    at_ms = now_or(at)
    rows = [_told(entry) for entry in _entries(store, at_ms) if entry.state(at_ms) == "in_force"]
    if as_json:
        print_json({"entries": rows})
    else:
        print_table(f"entries in force: {len(rows):,}", rows, leave_out=("purpose", "begins", "personal_data"))
    return 0


def remove(
    alert_id: Annotated[str, typer.Argument(help="The entry's id or its beginning.")],
    store: Store,
    at: At = None,
    as_json: Json = False,
) -> int:
    """Withdraw an entry of this house: it matches no more, and its vessel is forgotten at once."""
    need_share()
    from maritime.sharing.envelope import WATCH_REQUEST
    from maritime.sharing.intake import Accepted
    from maritime.sharing.received import ReceivedStore
    from maritime.sharing.watchlist import withdrawn

    at_ms = now_or(at)
    with ReceivedStore(existing(store)) as kept:
        found = kept.find(alert_id, at_ms)
        if found.standing != "own" or found.event_type != WATCH_REQUEST:
            raise UsageError(f"{found.alert_id} is no entry of this house; only its originator can withdraw it")
        if found.kind != "cancel":
            cancel = withdrawn(found.envelope(), at_ms)
            kept.add(Accepted(cancel, cancel.canonical(), "own", "envelope"), at_ms)
    if as_json:
        print_json({"withdrawn": found.alert_id})
    else:
        print(
            f"{found.alert_id} is withdrawn; whoever was given it by hand is not told by this: ask them to let go of it"
        )
    return 0


def check(store: Store, at: At = None, as_json: Json = False) -> int:
    """Say of every entry whether it can match, and which end within a week; 1 when one never can."""
    need_share()
    at_ms = now_or(at)
    rows = [
        {
            "alert_id": entry.envelope.alert_id,
            "originator": entry.envelope.originator.org_id,
            "state": entry.state(at_ms),
            "expires": entry.envelope.expires,
            "ends_soon": entry.state(at_ms) == "in_force" and (entry.ends_ms or 0) < at_ms + SOON_DAYS * DAY_MS,
        }
        for entry in _entries(store, at_ms)
    ]
    if as_json:
        print_json({"entries": rows})
    else:
        print_table(f"entries: {len(rows):,}", rows)
    return 1 if any(row["state"] in ("unverified", "unbounded", "nothing_to_match") for row in rows) else 0


def match(
    alerts: Annotated[
        Path | None,
        typer.Argument(help="Folder of a replay, or JSON lines of alerts or envelopes; none: see --received."),
    ] = None,
    *,
    store: Store,
    received: Annotated[bool, typer.Option("--received", help="Look at the received alerts of the store too.")] = False,
    at: At = None,
    as_json: Json = False,
) -> int:
    """List the alerts of vessels that were on a list when it happened. It is for this house alone."""
    need_share()
    from maritime.sharing.watch_match import Watchlist

    if alerts is None and not received:
        raise UsageError("name a folder or a file of alerts, or say --received")
    at_ms = now_or(at)
    watched = Watchlist(_entries(store, at_ms))
    found = [
        each
        for sighting in _sightings(alerts, store if received else None, at_ms)
        for each in watched.matches(sighting)
    ]
    if as_json:
        print_json({"matches": [each.model_dump(mode="json", exclude_none=True) for each in found]})
        return 0
    rows = [
        {
            "alert": each.alert_id,
            "type": each.event_type,
            "starts": each.starts,
            "MMSI": each.vessel.mmsi,
            "by": ", ".join(each.by),
            "differs": ", ".join(each.differs) or None,
            "asked by": each.entry.originator,
            "reason": each.entry.reason,
            "until": each.entry.expires,
            "TLP": each.handling.tlp,
        }
        for each in found
    ]
    print_table(f"alerts of vessels on a watchlist, for this house alone: {len(rows):,}", rows)
    return 0


def _entries(store: Path, at_ms: int) -> "list[Entry]":
    from maritime.sharing.envelope import WATCH_REQUEST
    from maritime.sharing.received import ReceivedStore
    from maritime.sharing.watchlist import entries

    with ReceivedStore(existing(store), read_only=True) as kept:
        return entries(kept.alerts(at_ms, event_type=WATCH_REQUEST))


def _sightings(alerts: Path | None, store: Path | None, at_ms: int) -> "Iterator[Sighting]":
    from maritime.cli.given_alerts import given_alerts
    from maritime.sharing.envelope import Envelope
    from maritime.sharing.received import ReceivedStore
    from maritime.sharing.watch_match import Sighting

    for alert in given_alerts(alerts) if alerts else ():
        yield Sighting.of_envelope(alert) if isinstance(alert, Envelope) else Sighting.of_alert(alert)
    if store is not None:
        with ReceivedStore(store, read_only=True) as kept:
            for each in kept.alerts(at_ms):
                if each.kind != "cancel" and each.status == "actual":
                    yield Sighting.of_envelope(each.envelope())


def _told(entry: "Entry") -> dict[str, Any]:
    from maritime.sharing.envelope import offset_time

    envelope = entry.envelope
    return {
        "alert_id": envelope.alert_id,
        "originator": envelope.originator.org_id,
        "vessel": ", ".join(f"{each.kind} {each.value}" for each in entry.identities),
        "reason": envelope.event.subtype,
        "purpose": list(envelope.handling.purpose),
        "begins": offset_time(entry.begins_ms),
        "expires": envelope.expires,
        "tlp": envelope.handling.tlp,
        "onward": envelope.handling.onward,
        "personal_data": envelope.handling.personal_data,
    }


def _checked(model: Any, values: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"--{str(first['loc'][0]).replace('_', '-')} {first['input']}: {first['msg']}") from None


def _reason(text: str) -> "Reason":
    from maritime.sharing.watchlist import REASONS

    if text not in REASONS:
        raise UsageError(f"--reason: '{text}' is none of {', '.join(REASONS)}")
    return text


def _purposes(texts: list[str]) -> Any:
    from typing import get_args

    from maritime.sharing.envelope import Purpose

    for text in texts:
        if text not in get_args(Purpose):
            raise UsageError(f"--purpose: '{text}' is none of {', '.join(get_args(Purpose))}")
    return list(dict.fromkeys(texts))


def _box(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--box: '{text}' is not west,south,east,north in degrees") from None
    if not (-90 <= south < north <= 90 and abs(west) <= 180 and abs(east) <= 180):
        raise UsageError(f"--box: '{text}' is no box; its south lies below its north, and all are degrees")
    return west, south, east, north


@app.callback()
def watchlist() -> None:
    """Vessels to look out for, each until a day."""


for name, command in (("add", add), ("list", list_), ("remove", remove), ("check", check), ("match", match)):
    app.command(name)(answer(command))
