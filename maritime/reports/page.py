"""Page: a report as one HTML file that asks nothing of anybody: no script, no font, no picture from elsewhere."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt

from maritime.reports.chart import chart
from maritime.reports.grid import Cell, Grid
from maritime.reports.report import Change, Interval, Rate, Report, Trend, WholeCell
from maritime.reports.sea_map import SHADES, SeaMap, Shaded, Way, shade_steps

STYLE: Final = """\
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;color:#22303c;background:#fff;max-width:1060px;margin:0 auto;padding:24px}
h1{font-size:26px;margin:0}h2{font-size:20px;margin:36px 0 8px;border-bottom:1px solid #d5dce1}
p.mark{background:#fff4d6;border-left:4px solid #e69f00;padding:8px 12px}
.pair{display:flex;flex-wrap:wrap;gap:20px;align-items:flex-start}
p small{white-space:normal}
svg{font:11px system-ui,sans-serif;height:auto}svg text{fill:#5b6770}.map{width:520px;max-width:100%}
.chart{width:460px;max-width:100%}figure{margin:0}figcaption{font-size:13px;color:#5b6770;max-width:460px}
table{border-collapse:collapse;margin:12px 0;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:4px 12px 4px 0;text-align:right;border-bottom:1px solid #e3e8ec}
th:first-child,td:first-child,td.words,th.words{text-align:left}td:first-child,small{white-space:nowrap}th{font-weight:600;vertical-align:bottom}
.shared{position:absolute}.up,.down{font-weight:600}.none{color:#5b6770}.scroll{overflow-x:auto}
.key span{display:inline-block;width:22px;height:12px;vertical-align:-1px}small{color:#5b6770}
"""
SHADE_STYLE: Final = "".join(f".s{number}{{background:{shade}}}" for number, shade in enumerate(SHADES))
HEAD: Final = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" '
    'markerUnits="userSpaceOnUse"><path d="M0 0L8 4L0 8Z" fill="#22303c"/></marker>'
)
MOST_WAYS: Final = 30  # drawn, the busiest; more hide each other
MOST_ROWS: Final = 60  # of a table on the page; the whole is in counts.csv

Rings = Iterable[npt.NDArray[np.float64]]


def as_html(report: Report, rings: Rings) -> str:
    """The page; `rings` are the coast, longitude and latitude in degrees."""
    style = STYLE + SHADE_STYLE
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    cells = [Cell(count.south, count.west) for count in report.whole_cells]
    cells += [Cell(end.south, end.west) for flow in report.flows for end in (flow.origin, flow.destination)]
    sea = SeaMap(cells, Grid(report.cell_deg), rings if cells else ())
    title = f"Trends and routes, {report.start[:10]} to {report.end[:10]}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="mark"><strong>{escape(report.status.upper())}.</strong> {escape(report.handling)}</p>',
        f"<p>{escape(_scope(report))}</p>",
        f'<svg class="shared" width="0" height="0" aria-hidden="true"><defs>{sea.coast}{HEAD}</defs></svg>',
        *(_type(report, kind, sea) for kind in sorted({trend.type for trend in report.trends})),
        "" if report.trends else "<p>There is nothing to show.</p>",
        _chains(report),
        _verdicts(report),
        _quality(report),
        _reading(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{escape(title)}</title>\n<style>{style}</style>\n'
        "</head>\n<body>\n" + "\n".join(part for part in body if part) + "\n</body>\n</html>\n"
    )


def _scope(report: Report) -> str:
    area = f"Area: {report.area}, in whole cells." if report.area else "Area: everywhere that was observed."
    what = f"By {report.period_kind}, in cells of {report.cell_deg:g}°. {area}"
    if report.limits is None:
        return what
    return (
        f"{what} Only groups of at least {report.limits.alerts} alerts of at least {report.limits.vessels} vessels are "
        "counted, each group being one type in one cell and period; all others count as nothing, in sums too."
    )


def _type(report: Report, kind: str, sea: SeaMap) -> str:
    trends = [trend for trend in report.trends if trend.type == kind]
    shaded = _shaded([cell for cell in report.whole_cells if cell.type == kind])
    name = _words(kind)
    return (
        f"<h2>{escape(name.capitalize())}</h2>\n"
        f'<div class="pair"><figure>{sea.svg(shaded, _ways(report, kind), f"Map: {name}")}'
        f"<figcaption>{_key(shaded)}</figcaption></figure>\n"
        f"<figure>{chart(trends, report.periods, f'Rates: {name}')}<figcaption>Alerts per 1,000 vessel-hours observed, "
        "with 95 % intervals; below, the vessel-hours.</figcaption></figure></div>\n" + _table_of(trends)
    )


def _shaded(cells: Sequence[WholeCell]) -> list[Shaded]:
    return [
        Shaded(
            Cell(each.south, each.west),
            each.rate.per_1000_vessel_hours,
            each.hot,
            f"{_corner(Cell(each.south, each.west))}: {each.count} alerts, {each.vessel_hours:,} vessel-hours, "
            f"{_rate(each.rate)} per 1,000{'; hot in a period or more' if each.hot else ''}",
        )
        for each in cells
        if each.rate is not None
    ]


def _ways(report: Report, kind: str) -> list[Way]:
    counts: dict[tuple[Cell, Cell], int] = {}
    for flow in report.flows:
        if flow.type == kind:
            ends = Cell(flow.origin.south, flow.origin.west), Cell(flow.destination.south, flow.destination.west)
            counts[ends] = counts.get(ends, 0) + flow.count
    busiest = sorted(counts.items(), key=lambda way: (-way[1], way[0]))[:MOST_WAYS]
    return [
        Way(start, end, count, f"{_corner(start)} to {_corner(end)}: {count} times")
        for (start, end), count in busiest
        if count > 1
    ]


def _key(shaded: Sequence[Shaded]) -> str:
    if not shaded:
        return "No cell to show."
    rates = [each.per_1000_vessel_hours for each in shaded]
    ends = [*shade_steps(rates), max(rates)]
    steps = "".join(f' <span class="s{number}"></span> ≤ {end:.3g}' for number, end in enumerate(ends))
    return (
        f'<span class="key">Per 1,000 vessel-hours, all periods:{steps}.</span> Outlined in red: hot. '
        "Arrows: from where vessels were last heard to where they were heard again."
    )


def _table_of(trends: Sequence[Trend]) -> str:
    rows = [
        [
            escape(trend.period),
            f"{trend.count:,}",
            f"{trend.vessel_hours:,}",
            _rate(trend.rate),
            _change(trend.changes.previous),
            _change(trend.changes.last_year),
        ]
        for trend in trends
    ]
    head = ("period", "alerts", "vessel-hours", "per 1,000 (95 %)", "against the period before", "against last year")
    return _table(head, rows, words=(0, 4, 5))


def _chains(report: Report) -> str:
    recurring = [chain for chain in report.chains if chain.count > 1]
    if not recurring:
        return ""
    rows = [
        [" → ".join(escape(_words(step)) for step in chain.steps), escape(chain.period), f"{chain.count:,}"]
        for chain in sorted(recurring, key=lambda chain: (-chain.count, chain.steps, chain.period))
    ]
    return "<h2>Recurring sequences</h2>\n" + _table(("one vessel, in this order", "period", "times"), rows, words=(0,))


def _verdicts(report: Report) -> str:
    if not report.verdicts:
        return ""
    rows = [
        [
            escape(_words(each.type)),
            f"{each.confirmed:,}",
            f"{each.dismissed:,}",
            "–" if each.share_confirmed is None else f"{each.share_confirmed:.0%} {_interval(each.interval, '.0%')}",
        ]
        for each in report.verdicts
    ]
    return "<h2>Confirmed and dismissed</h2>\n" + _table(("type", "confirmed", "dismissed", "share (95 %)"), rows)


def _quality(report: Report) -> str:
    quality = report.quality
    heard = [
        [escape(each.period), f"{each.hours_heard:,} of {each.hours:,}", f"{each.vessel_hours:,}"]
        for each in quality.periods
    ]
    late = [[escape(_words(each.type)), str(each.median_min), str(each.p95_min)] for each in report.latency]
    reasons = ", ".join(f"{escape(name)} {count:,}" for name, count in quality.rejects_by_reason.items())
    said = [
        f"{quality.reports:,} reports were read and {quality.rejects:,} refused{f' ({reasons})' if reasons else ''}.",
        "The replays were made with different settings, so their rates are not to be compared."
        if len(quality.settings_sha256) > 1
        else "",
        f"{quality.overlaps:,} hours and cells are in several replays; the largest count was taken."
        if quality.overlaps
        else "",
    ]
    return (
        "<h2>What this rests on</h2>\n<p>"
        + " ".join(part for part in said if part)
        + "</p>\n"
        + _table(("period", "hours in which ships were heard", "vessel-hours, everywhere"), heard)
        + (_table(("type", "minutes to the alert: median", "95 %"), late) if late else "")
    )


def _reading(report: Report) -> str:
    hidden = (
        " What is not shown is fewer than "
        f"{report.limits.alerts} alerts, or of fewer than {report.limits.vessels} vessels; it may be none."
        if report.limits
        else ""
    )
    return (
        "<h2>How to read it</h2>\n<p><small>Alerts are behaviours that were noticed; none says why a vessel did it. "
        "A rate is alerts per 1,000 hours in which a ship was heard, so that hearing more or fewer ships alone changes "
        "no rate. “Up” and “down” stand only where an exact test, adjusted for the number of comparisons, and the "
        "95 % intervals of both rates agree; all else is “no evidence of change”, which is not evidence of no change. "
        f"Each cell is compared with itself. Shares and ratios on fewer than five are left out.{hidden}</small></p>"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = (0,)) -> str:
    """A table; cells are HTML already."""
    mark = [' class="words"' if number in words else "" for number in range(len(head))]
    top = "".join(f"<th{mark[i]}>{escape(text)}</th>" for i, text in enumerate(head))
    body = "".join(
        "<tr>" + "".join(f"<td{mark[i]}>{text}</td>" for i, text in enumerate(row)) + "</tr>\n"
        for row in rows[:MOST_ROWS]
    )
    more = f"<p><small>{len(rows) - MOST_ROWS:,} more are in the tables beside this page.</small></p>"
    return f'<div class="scroll"><table>\n<tr>{top}</tr>\n{body}</table></div>\n' + (
        more if len(rows) > MOST_ROWS else ""
    )


def _rate(rate: Rate | None) -> str:
    return "–" if rate is None else f"{rate.per_1000_vessel_hours:.3g} {_interval(rate.interval, '.3g')}"


def _change(change: Change | None) -> str:
    if change is None:
        return '<span class="none">–</span>'
    kind = change.finding if change.finding in ("up", "down") else "none"
    ratio = f" × {change.ratio:.3g} {_interval(change.interval, '.3g')}" if change.ratio is not None else ""
    return f'<span class="{kind}">{escape(change.finding)}</span>{ratio} <small>({escape(change.against)})</small>'


def _interval(interval: Interval | None, spec: str) -> str:
    if interval is None:
        return ""
    return f"({interval.low:{spec}}–{'∞' if interval.high is None else format(interval.high, spec)})"


def _corner(cell: Cell) -> str:
    return f"{abs(cell.south):g}° {'NS'[int(cell.south < 0)]} {abs(cell.west):g}° {'EW'[int(cell.west < 0)]}"


def _words(kind: str) -> str:
    return kind.replace("_", " ")
