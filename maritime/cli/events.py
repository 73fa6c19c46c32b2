"""`maritime events`: reports of one event from several originators side by side, and who says that they are one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maritime.cli.export import the_policy
from maritime.cli.received import At, Store, existing, now_or, print_record, print_table
from maritime.cli.screen import Json, answer, print_json
from maritime.cli.share import need_share
from maritime.errors import UsageError

if TYPE_CHECKING:
    from maritime.sharing.events import Link, Links
    from maritime.sharing.merge import MergedEvent, Report

app = typer.Typer(no_args_is_help=True, help="Reports of one event from several originators.")
From = Annotated[
    Path | None, typer.Option("--from", help="Own alerts too: a replay's folder, or JSON lines of alerts.")
]
LedgerFile = Annotated[
    Path | None, typer.Option("--ledger", help="Ledger that knows the contexts of own alerts; it is only read.")
]
Policy = Annotated[
    Path | None, typer.Option(help="Release policy that marks own alerts; without it they are ours alone.")
]
Status = Annotated[str, typer.Option(help="What to take own alerts for: actual, exercise, test, system.")]
Role = Annotated[str, typer.Option(help="The role, not the name, of the person who says so.")]


def list_(
    store: Store,
    from_: From = None,
    ledger: LedgerFile = None,
    policy: Policy = None,
    status: Status = "actual",
    at: At = None,
    as_json: Json = False,
) -> int:
    """List the events, the latest first, with who reported them. It is for this house alone."""
    found, _, _ = _looked_at(store, from_, ledger, policy, status, at)
    if as_json:
        print_json({"events": [each.model_dump(mode="json") for each in found]})
        return 0
    rows = [
        {
            "contexts": " ".join(each.contexts),
            "status": each.status,
            "originators": ", ".join(each.originators),
            "reports": len(each.reports),
            "types": _types(each),
            "severity": each.severity.value if each.severity else None,
            "conflicts": sum(not field.agreed for field in each.fields),
            "TLP": each.handling.tlp if each.handling else None,
            "may be shared": "yes" if each.may_be_shared else "no",
        }
        for each in found
    ]
    print_table(f"events: {len(rows):,}", rows)
    return 0


def show(
    context_id: Annotated[str, typer.Argument(help="One of the event's contexts, or its beginning.")],
    store: Store,
    from_: From = None,
    ledger: LedgerFile = None,
    policy: Policy = None,
    status: Status = "actual",
    at: At = None,
    as_json: Json = False,
) -> int:
    """Show one event: who said what, where they agree, and under which handling. It is for this house alone."""
    found, _, _ = _looked_at(store, from_, ledger, policy, status, at)
    events = [each for each in found if any(context.startswith(context_id) for context in each.contexts)]
    if not events or not context_id:
        raise UsageError(f"no event's context begins with '{context_id}'; 'maritime events list' lists them")
    if as_json:
        print_json({"events": [each.model_dump(mode="json") for each in events]})
        return 0
    if len(events) > 1:
        told = ", ".join(f"{each.contexts[0]} ({each.status})" for each in events[:5])
        raise UsageError(f"{len(events)} events have such a context ({told}); give more of it, or --json for all")
    _print(events[0])
    return 0


def suggest(
    store: Store,
    from_: From = None,
    ledger: LedgerFile = None,
    policy: Policy = None,
    status: Status = "actual",
    hours: Annotated[float, typer.Option(min=0, help="At most so far apart in time.")] = 6.0,
    km: Annotated[float, typer.Option(min=0, help="At most so far apart.")] = 25.0,
    at: At = None,
    as_json: Json = False,
) -> int:
    """List reports of different originators that may be of one event. A person decides, with `events join`."""
    from maritime.sharing.events import suggestions

    _, reports, links = _looked_at(store, from_, ledger, policy, status, at)
    found = suggestions(reports, links, hours, km)
    if as_json:
        print_json({"suggestions": [each.model_dump(mode="json") for each in found]})
        return 0
    rows = [
        {
            "contexts": " ".join(each.contexts),
            "originators": ", ".join(each.originators),
            "types": ", ".join(each.types),
            "hours apart": each.hours_apart,
            "km apart": each.km_apart,
            "same vessel": "not said" if each.same_vessel is None else "yes",
        }
        for each in found
    ]
    print_table(f"pairs that may be one event: {len(rows):,}", rows)
    return 0


def join(
    a: Annotated[str, typer.Argument(help="A context.")],
    b: Annotated[str, typer.Argument(help="Another context.")],
    store: Store,
    role: Role,
    at: At = None,
    as_json: Json = False,
) -> int:
    """Say that the reports of two contexts are of one event. It can be taken back; role and time stay noted."""
    with _links(store, role) as links:
        is_new = links.join(a, b, role, now_or(at))
    if as_json:
        print_json({"joined": [a, b], "new": is_new})
    else:
        print(f"{a} and {b} are one event" + ("" if is_new else ", as was said before"))
    return 0


def leave(
    a: Annotated[str, typer.Argument(help="A context.")],
    b: Annotated[str, typer.Argument(help="The context that it was joined with.")],
    store: Store,
    role: Role,
    at: At = None,
    as_json: Json = False,
) -> int:
    """Take back that two contexts are one event."""
    with _links(store, role) as links:
        links.leave(a, b, role, now_or(at))
    if as_json:
        print_json({"left": [a, b]})
    else:
        print(f"{a} and {b} are not joined any more")
    return 0


def _looked_at(
    store: Path, from_: Path | None, ledger: Path | None, policy: Path | None, status: str, at: str | None
) -> "tuple[list[MergedEvent], list[Report], list[Link]]":
    """The events, the reports that they are made of, and the links in force."""
    need_share()
    from maritime.sharing.events import Links, events, received_reports
    from maritime.sharing.received import ReceivedStore

    with ReceivedStore(existing(store), read_only=True) as kept:
        reports = [*received_reports(kept, now_or(at)), *_own(from_, ledger, policy, status)]
        links = Links(kept).in_force()
    return events(reports, links), reports, links


def _own(from_: Path | None, ledger: Path | None, policy: Path | None, status: str) -> "Iterator[Report]":
    from maritime.alerts.alert import Alert
    from maritime.cli.given_alerts import given_alerts
    from maritime.cli.ledger import existing as existing_ledger
    from maritime.cli.policy import status_of
    from maritime.sharing.ledger import Ledger
    from maritime.sharing.own_reports import contexts_in, own_reports

    if from_ is None:
        return
    contexts: dict[str, str] = {}
    if ledger is not None:
        with Ledger(existing_ledger(ledger), read_only=True) as written:
            contexts = contexts_in(written)
    alerts = (alert for alert in given_alerts(from_) if isinstance(alert, Alert))
    yield from own_reports(alerts, the_policy(policy), contexts, status_of(status))


@contextmanager
def _links(store: Path, role: str) -> "Iterator[Links]":
    need_share()
    from maritime.sharing.events import Links
    from maritime.sharing.received import ReceivedStore
    from maritime.sharing.wording import LONGEST_FREE_TEXT, one_line

    if not role.strip() or one_line(role, LONGEST_FREE_TEXT) != role:
        raise UsageError(f"--role must be 1 to {LONGEST_FREE_TEXT} letters on one line, as 'duty officer'")
    with ReceivedStore(existing(store)) as kept:
        yield Links(kept)


def _types(event: "MergedEvent") -> str:
    return ", ".join(str(said.value) for field in event.fields if field.name == "event.type" for said in field.values)


def _print(event: "MergedEvent") -> None:
    fields = {
        field.name: "; ".join(f"{said.value} ({', '.join(said.by)})" for said in field.values) for field in event.fields
    }
    record = event.model_dump(mode="json")
    conflicts = [field.name for field in event.fields if not field.agreed]
    print_record(record | {"fields": fields, "not_agreed": conflicts})


@app.callback()
def events() -> None:
    """Reports of one event from several originators."""


for name, command in (("list", list_), ("show", show), ("suggest", suggest), ("join", join), ("leave", leave)):
    app.command(name)(answer(command))
