"""Tables of the command line: alerts by rank, counts, failures, evaluation."""

import heapq
import sys
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from maritime.alerts.alert import Alert, rank, rounded
from maritime.alerts.writers.csv_table import reason_text
from maritime.cli.screen import console
from maritime.times import from_rfc3339

if TYPE_CHECKING:
    from maritime.replay import ReplayResult

SEVERITY_STYLE: Final = {"minor": "", "moderate": "yellow", "severe": "red", "extreme": "bold red"}
REASONS_SHOWN: Final = 3
TABLE_WIDTH: Final = 120  # columns; on a narrower screen the cells of a table would be cut, so it is told in lines


def print_ranked(result: "ReplayResult", top: int) -> None:
    """The first alerts by severity × confidence × age, then what there was in all."""
    summary, screen = result.summary, console()
    newest_ms = from_rfc3339(summary["span"]["to"]) if summary["span"]["to"] else 0
    standing = (alert for alert in result.alerts() if alert.state != "retracted")
    ranked = heapq.nlargest(top, standing, key=lambda alert: (rank(alert, newest_ms), alert.alert_id))
    if ranked and screen.width < TABLE_WIDTH:
        print_stacked(ranked)
    elif ranked:
        screen.print(ranked_table(ranked))
    for kind, counts in summary["alerts_by_type"].items():
        rate = counts["per_100_vessel_days"]
        told = "" if rate is None else f", {rate:g} per 100 vessel-days"
        retracted = f", {counts['retracted']} retracted" if counts["retracted"] else ""
        screen.print(f"{kind}: {counts['open'] + counts['closed']}{told}{retracted}")
    rejects, set_aside = summary["rejects"]["total"], summary["engine"]["set_aside"]
    standing_n = sum(counts["open"] + counts["closed"] for counts in summary["alerts_by_type"].values())
    screen.print(
        f"{standing_n:,} alert{'' if standing_n == 1 else 's'} from {summary['reports']:,} reports of "
        f"{summary['vessels']:,} vessels ({summary['vessel_days']:,.1f} vessel-days)"
        + (f", {set_aside:,} reports of other stations" if set_aside else "")
        + (f", {rejects:,} rows refused" if rejects else "")
        + (f", in {summary['seconds']:.1f} s" if "seconds" in summary else "")
    )
    screen.print(f"written to {result.out}" + (f", map {result.out / 'map.png'}" if has_map(result) else ""))


def has_map(result: "ReplayResult") -> bool:
    """Whether the replay drew a map."""
    return (result.out / "map.png").exists()


def ranked_table(alerts: list[Alert]) -> Table:
    """A numbered row per alert, in the order given; the numbers are those on the map."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right")
    for heading in ("id", "type", "hull", "started (UTC)", "ended", "position", "severity"):
        table.add_column(heading, no_wrap=True)
    table.add_column("conf.", justify="right")
    table.add_column("why", ratio=1)
    for number, alert in enumerate(alerts, 1):
        record = alert.to_dict()
        ended = clock(record["ended_at"]) if record["ended_at"] else "open"
        if ended[:10] == record["started_at"][:10]:
            ended = ended[11:]
        table.add_row(
            str(number),
            alert.alert_id[:8],
            alert.type.replace("_", " "),
            alert.hull,
            clock(record["started_at"]),
            ended,
            position(alert.lat, alert.lon),
            Text(alert.severity, SEVERITY_STYLE[alert.severity]),
            f"{alert.confidence:.2f}",
            "; ".join(reason_text(brief(reason)) for reason in record["reasons"][:REASONS_SHOWN]),
        )
    return table


def print_stacked(alerts: list[Alert]) -> None:
    """Three lines per alert for a narrow screen, in the order given."""
    screen = console()
    for number, alert in enumerate(alerts, 1):
        record = alert.to_dict()
        ended = clock(record["ended_at"]) if record["ended_at"] else "open"
        screen.print(Text(f"{number}  {alert.alert_id[:8]}  {alert.type.replace('_', ' ')} · {alert.hull}", "bold"))
        screen.print(f"   {clock(record['started_at'])} – {ended}, {position(alert.lat, alert.lon)}")
        why = "; ".join(reason_text(brief(reason)) for reason in record["reasons"][:REASONS_SHOWN])
        screen.print(Text(f"   {alert.severity} {alert.confidence:.2f}: ", SEVERITY_STYLE[alert.severity]) + Text(why))


def brief(reason: dict[str, Any]) -> dict[str, Any]:
    """A reason with its numbers to three digits."""
    return {**reason, "value": short(reason["value"]), "threshold": short(reason["threshold"])}


def short(value: Any) -> Any:
    """A float to three significant digits, anything else as it is."""
    if not isinstance(value, float):
        return value
    return f"{value:.0f}" if abs(value) >= 100 else f"{rounded(value):.3g}"


def clock(text: str) -> str:
    """`2020-01-01T03:04:05Z` → `2020-01-01 03:04`."""
    return text[:16].replace("T", " ")


def position(lat: float | None, lon: float | None) -> str:
    """`37.8123 N 122.5012 W`; `unknown` without one."""
    if lat is None or lon is None:
        return "unknown"
    return f"{abs(lat):.4f} {'NS'[lat < 0]} {abs(lon):.4f} {'EW'[lon < 0]}"


def print_failures(failures: list[dict[str, Any]]) -> None:
    """Inputs that could not be read to their end, on standard error."""
    for failure in failures:
        print(f"maritime: {failure['file']} {failure['reason']}", file=sys.stderr)


def print_record(record: dict[str, Any], title: str) -> None:
    """A nested record as an indented list of its keys and values."""
    screen = console()
    screen.print(Text(title, "bold"))
    for line in record_lines(record):
        screen.print(line)


def record_lines(record: dict[str, Any], indent: str = "  ") -> list[str]:
    """One line per key; a list of records one line per record; unknown is said so."""
    lines = []
    for key, value in record.items():
        name = str(key).replace("_", " ")
        if isinstance(value, dict) and value:
            lines += [f"{indent}{name}", *record_lines(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            rows = [", ".join(f"{k.replace('_', ' ')} {short(v)}" for k, v in row.items()) for row in value]
            lines += [f"{indent}{name}", *(f"{indent}  {row}" for row in rows)]
        else:
            lines.append(f"{indent}{name}: {said(value)}")
    return lines


def said(value: Any) -> str:
    """A value in words: `unknown`, `yes`, `12,345`, the items of a list with commas between."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(said(item) for item in value) or "none"
    if isinstance(value, dict):
        return "none"
    return f"{value:,}" if isinstance(value, int) and abs(value) < 100_000_000 else str(value)
