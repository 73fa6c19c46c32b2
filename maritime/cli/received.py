"""`maritime received`: look at what partners sent, and purge what is to be purged."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maritime.cli.screen import Json, answer, console, print_json, time_of
from maritime.cli.share import need_share
from maritime.errors import UsageError

if TYPE_CHECKING:
    from maritime.sharing.received import Kept

app = typer.Typer(no_args_is_help=True, help="What partners sent.")
Store = Annotated[Path, typer.Option(help="File of the store of received alerts; import and watchlist add make it.")]
At = Annotated[str | None, typer.Option(help="As at this time; now if left out.")]


def list_(
    store: Store,
    originator: Annotated[str | None, typer.Option(help="Only those of this originator.")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Only those of this type.")] = None,
    at: At = None,
    as_json: Json = False,
) -> int:
    """List the newest revision of each alert; names no vessel."""
    need_share()
    from maritime.sharing.received import ReceivedStore

    at_ms = now_or(at)
    with ReceivedStore(existing(store), read_only=True) as kept:
        rows = [told(each, at_ms) for each in kept.alerts(at_ms, event_type=event_type, originator=originator)]
    if as_json:
        print_json({"alerts": rows})
    else:
        print_table(
            f"received alerts: {len(rows):,}",
            rows,
            leave_out=("context_id", "kid", "format", "retain_until", "sent", "expired"),
        )
    return 0


def show(
    alert_id: Annotated[str, typer.Argument(help="The alert's id or its beginning, or ORG/ID.")],
    store: Store,
    at: At = None,
    as_json: Json = False,
) -> int:
    """Show one received alert whole, with its originator's handling. It is for this house alone."""
    need_share()
    from maritime.sharing.received import ReceivedStore

    at_ms = now_or(at)
    with ReceivedStore(existing(store), read_only=True) as kept:
        found = kept.find(alert_id, at_ms)
    if as_json:
        print_json(told(found, at_ms) | {"envelope": found.envelope().to_dict(), "jws": found.jws})
        return 0
    print_record(told(found, at_ms) | {"envelope": found.envelope().to_dict()})
    return 0


def rejects(store: Store, as_json: Json = False) -> int:
    """List the documents that were not kept, and why; their content is not kept either, only its hash."""
    need_share()
    from maritime.sharing.envelope import offset_time
    from maritime.sharing.received import ReceivedStore

    with ReceivedStore(existing(store), read_only=True) as kept:
        rows = [{"at": offset_time(each.at_ms), **each._asdict()} for each in kept.rejects()]
    for row in rows:
        del row["at_ms"]
    if as_json:
        print_json({"rejects": rows})
    else:
        print_table(f"documents that were not kept: {len(rows):,}", rows, leave_out=("number",))
    return 0


def purge(store: Store, at: At = None, as_json: Json = False) -> int:
    """Delete the content of what its originator wants purged by now; a hash, an id and when remain for a year."""
    need_share()
    from maritime.sharing.received import ReceivedStore

    with ReceivedStore(existing(store)) as kept:
        purged = kept.purge(now_or(at))
    if as_json:
        print_json({"purged": [each._asdict() for each in purged]})
    else:
        print(f"purged: {len(purged):,}")
    return 0


def now_or(at: str | None) -> int:
    """The time of `--at`, or now, ms UTC."""
    at_ms = time_of(at, "--at")
    return round(time.time() * 1000) if at_ms is None else at_ms


def existing(store: Path) -> Path:
    """The file, if it is there. Raises UsageError."""
    if not store.is_file():
        raise UsageError(f"there is no store {store}; 'maritime import' and 'maritime watchlist add' make one")
    return store


def told(kept: "Kept", at_ms: int) -> dict[str, Any]:
    """What is said of an alert in a list: nothing personal."""
    from maritime.sharing.envelope import offset_time
    from maritime.times import from_rfc3339

    envelope = kept.envelope()
    names = ("originator", "alert_id", "revision", "kind", "status", "standing", "event_type", "context_id", "sent")
    return {
        **{name: getattr(kept, name) for name in names},
        "expires": kept.expires,
        "expired": kept.expires is not None and from_rfc3339(kept.expires) <= at_ms,
        "tlp": envelope.handling.tlp,
        "onward": envelope.handling.onward,
        "retain_until": offset_time(kept.retain_until_ms),
        "format": kept.format,
        "kid": kept.kid,
    }


def print_record(record: dict[str, Any]) -> None:
    """A record with what others wrote in it, in lines that a terminal only shows."""
    from maritime.cli.tables import record_lines
    from maritime.sharing.wording import one_line

    for line in record_lines(record):
        console().print(" " * (len(line) - len(line.lstrip())) + one_line(line))


def print_table(title: str, rows: Sequence[dict[str, Any]], leave_out: Sequence[str] = ()) -> None:
    """Some records of the same fields as a table."""
    from rich.table import Table
    from rich.text import Text

    from maritime.sharing.wording import one_line

    if not rows:
        print(title)
        return
    table = Table(title=title)
    names = [name for name in rows[0] if name not in leave_out]
    for name in names:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if row[name] is None else one_line(str(row[name]))) for name in names))
    console().print(table)


@app.callback()
def received() -> None:
    """What partners sent."""


for name, command in (("list", list_), ("show", show), ("rejects", rejects), ("purge", purge)):
    app.command(name)(answer(command))
