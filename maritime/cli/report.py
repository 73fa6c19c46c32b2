"""`maritime report`: trends and routes of replays, as JSON, tables, GeoJSON and a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maritime.cli.screen import Json, console, print_json, time_of
from maritime.cli.share import need_share
from maritime.errors import UsageError

if TYPE_CHECKING:
    from maritime.reports.make import Ordered, Recipient
    from maritime.reports.report import Report


def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER…", help="Folders that `maritime replay` has written.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the report; made if need be.")],
    from_: Annotated[str, typer.Option("--from", help="Count whole periods from this time on.")],
    to: Annotated[str, typer.Option(help="Count whole periods up to this time.")],
    area: Annotated[
        str | None, typer.Option(help="GeoJSON polygons, or S,W,N,E in degrees; whole cells count.")
    ] = None,
    partner: Annotated[str | None, typer.Option(help="For whom; the originator's own full view if left out.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Release policy, which a partner's report needs.")] = None,
    period: Annotated[
        str | None, typer.Option(help="day, week or month (the default); a partner's is that of the policy.")
    ] = None,
    cell: Annotated[
        float | None, typer.Option(help="Side of the cells, degrees (1 by default); a partner's is that of the policy.")
    ] = None,
    verdicts: Annotated[Path | None, typer.Option(help="JSON lines: alert_id, verdict, at.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Decide as if all was sent then; each when it was raised if left out.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Count alerts by type, cell and period against the vessel-hours observed, and say what has changed.

    Writes report.json, counts.csv, cells.geojson and report.html. What comes from a replay is an exercise.
    """
    need_share()
    from maritime.reports.make import report_of
    from maritime.reports.writers import write_report

    recipient = _recipient(partner, policy, at, fixed={"--period": period, "--cell": cell})
    made = report_of(folders, _ordered(from_, to, area, period, cell), recipient, verdicts)
    names = write_report(made, out, inputs=folders)
    if as_json:
        print_json(
            {"out": str(out), "files": names, **made.model_dump(include={"view", "status", "periods", "trends"})}
        )
    else:
        _print(made, out)
    return 0


def _ordered(from_: str, to: str, area: str | None, period: str | None, cell: float | None) -> "Ordered":
    from typing import get_args

    from maritime.geo.zones import load_area
    from maritime.reports.grid import Box
    from maritime.reports.make import Ordered
    from maritime.reports.periods import PeriodKind

    kind = next((known for known in get_args(PeriodKind) if known == (period or "month")), None)
    if kind is None:
        raise UsageError(f"--period: '{period}' is none of {', '.join(get_args(PeriodKind))}")
    from_ms, to_ms = time_of(from_, "--from"), time_of(to, "--to")
    assert from_ms is not None
    assert to_ms is not None
    if area is None:
        return Ordered(from_ms, to_ms, kind, 1.0 if cell is None else cell)
    is_file = Path(area).is_file()
    contains = load_area(Path(area)).contains if is_file else Box.parse(area).contains
    return Ordered(from_ms, to_ms, kind, 1.0 if cell is None else cell, contains, Path(area).name if is_file else area)


def _recipient(
    partner: str | None, policy: Path | None, at: str | None, *, fixed: dict[str, object]
) -> "Recipient | None":
    if partner is None:
        for name in (name for name, given in {"--policy": policy, "--at": at}.items() if given is not None):
            raise UsageError(f"{name} is for a partner's report; name the partner with --partner")
        return None
    if policy is None:
        raise UsageError("--policy is missing: without one there are no partners")
    for name, value in fixed.items():
        if value is not None:
            raise UsageError(
                f"{name} is for the own view; a partner's is fixed in the policy (`reports:`), so that no two of its "
                "reports can be subtracted from each other"
            )
    from maritime.reports.make import Recipient
    from maritime.sharing.policy_file import load_policy

    return Recipient(partner, load_policy(policy), time_of(at, "--at"))


def _print(made: "Report", out: Path) -> None:
    """The trends as a table."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("type", "period"):
        table.add_column(heading, no_wrap=True)
    for heading in ("alerts", "vessel-hours", "per 1,000 (95 %)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("period before", "last year"):
        table.add_column(heading)
    for trend in made.trends:
        rate = trend.rate
        changes = (trend.changes.previous, trend.changes.last_year)
        table.add_row(
            trend.type.replace("_", " "),
            trend.period,
            f"{trend.count:,}",
            f"{trend.vessel_hours:,}",
            f"{rate.per_1000_vessel_hours:.3g} ({rate.interval.low:.3g}–{rate.interval.high:.3g})" if rate else "–",
            *(change.finding if change else "–" for change in changes),
        )
    screen = console()
    screen.print(f"{made.status}: {made.handling}")
    screen.print(table if made.trends else "there is nothing to show in that time and area")
    screen.print(f"wrote {out / 'report.html'} and the tables beside it")
