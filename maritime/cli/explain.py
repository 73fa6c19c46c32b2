"""`maritime explain`: why an alert was raised, in words and numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from maritime.cli.screen import Json, print_json
from maritime.errors import InputError, UsageError

if TYPE_CHECKING:
    from maritime.alerts.alert import Alert

MEANING: Final = {
    "dark_period": "The vessel was not heard where and when it should have been.",
    "distress_beacon": "A distress beacon transmitted.",
    "identity_clash": "Two transmitters used one MMSI, or reports lay farther apart than a vessel can go.",
    "loitering": "The vessel stayed where vessels usually pass.",
    "position_withheld": "The vessel transmitted without giving its position.",
    "reception_outage": "Many vessels of one receiver or area fell silent together: the reception, not the ships.",
    "unusual_landing": "The vessel came to the shore at a place or in a way that is not usual.",
}


def explain(
    alert_id: Annotated[str, typer.Argument(help="The alert's id, or enough of its beginning to be the only one.")],
    from_: Annotated[
        Path | None, typer.Option("--from", help="Folder of a replay; the newest here or one level down if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say why an alert was raised, in words and numbers."""
    alert = find_alert(from_ or newest_folder(Path()), alert_id)
    if as_json:
        print_json({"meaning": MEANING.get(alert.type), **alert.to_dict()})
    else:
        _print(alert)


def newest_folder(around: Path) -> Path:
    """The folder of the newest replay: `around` itself, or the one below it with the newest summary.

    Raises UsageError when there is none.
    """
    if (around / "alerts.jsonl").exists():
        return around
    summaries = [summary for summary in around.glob("*/summary.json") if summary.with_name("alerts.jsonl").exists()]
    if not summaries:
        raise UsageError("no folder of a replay is here or one level down; name one with --from")
    return max(summaries, key=lambda summary: (summary.stat().st_mtime_ns, summary)).parent


def find_alert(folder: Path, alert_id: str) -> "Alert":
    """The only alert whose id begins with `alert_id`.

    Raises InputError when the folder's alerts cannot be read, UsageError when none or several fit.
    """
    from maritime.alerts.spool import read_alerts

    path = folder / "alerts.jsonl"
    try:
        found = [alert for alert in read_alerts(path) if alert.alert_id.startswith(alert_id)]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); name the folder of a replay with --from") from None
    except (ValueError, KeyError, TypeError, UsageError):
        raise InputError(f"{path} holds a line that is no alert; run the replay again") from None
    if not found:
        raise UsageError(f"no alert in {path} begins with '{alert_id}'; its ids are in the first column")
    if len(found) > 1:
        ids = ", ".join(alert.alert_id for alert in found[:5])
        raise UsageError(f"{len(found)} alerts in {path} begin with '{alert_id}' ({ids}); give more of the id")
    return found[0]


def _print(alert: "Alert") -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from maritime.ais.flags import country_of
    from maritime.alerts.terms import TERM_MEANING
    from maritime.cli.screen import console
    from maritime.cli.tables import clock, position, record_lines, said, short

    record, screen = alert.to_dict(), console()
    ended = f"to {clock(record['ended_at'])} UTC" if record["ended_at"] else "and not yet ended"
    hours = "" if alert.ended_ms is None else f" ({(alert.ended_ms - alert.started_ms) / 3_600_000:.1f} h)"
    screen.print(Text(f"{alert.type.replace('_', ' ')} · {alert.hull}", "bold"))
    screen.print(MEANING.get(alert.type, ""))
    screen.print(f"from {clock(record['started_at'])} {ended}{hours}, position {position(alert.lat, alert.lon)}")
    if alert.mmsi:
        screen.print(f"MMSI {alert.mmsi:09d}, flag {country_of(alert.mmsi) or 'unknown'}")
    screen.print(
        f"{alert.state}, revision {alert.revision}, raised {clock(record['raised_at'])} UTC; severity "
        f"{alert.severity}, confidence {alert.confidence:.2f}, score {alert.score:.2f}"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("term", "value", "threshold", "unit", "meaning"):
        table.add_column(heading, overflow="fold")
    for reason in record["reasons"]:
        threshold = "" if reason["threshold"] is None else said(short(reason["threshold"]))
        unit = "" if reason["unit"] == "1" else reason["unit"]
        meaning = TERM_MEANING.get(reason["term"], "")
        table.add_row(reason["term"].replace("_", " "), said(short(reason["value"])), threshold, unit, meaning)
    for term in alert.evidence.get("unknown_terms", ()):  # lacks its model or history, and did not count
        table.add_row(term.replace("_", " "), "unknown", "", "", TERM_MEANING.get(term, ""))
    screen.print(table)
    if record["evidence"]:
        screen.print(Text("evidence", "bold"))
        for line in record_lines(record["evidence"]):
            screen.print(line)
    detector = record["detector"]
    screen.print(
        f"{detector['name']} {detector['version']}, settings {detector['config_sha256'][:12]}, alert {alert.alert_id}"
    )
