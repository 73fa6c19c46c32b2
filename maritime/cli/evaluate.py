"""`maritime evaluate`: alerts against the truth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maritime.cli.screen import Json, print_json

if TYPE_CHECKING:
    from rich.table import Table

WIDE = 1_000  # columns in which every table has room


def evaluate(
    alerts: Annotated[Path, typer.Argument(metavar="ALERTS", help="alerts.jsonl of a replay.")],
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="CSV truth table.")],
    vessel_days: Annotated[
        float | None, typer.Option(help="Vessel-days watched; from summary.json beside the alerts if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score alerts against a truth table: recall, precision, errors in time, rates, with 95 % intervals."""
    from maritime.evaluate import evaluate as score

    record = score(alerts, truth, vessel_days).to_dict()
    if as_json:
        print_json(record)
    else:
        print_scores(record)


def print_scores(record: dict[str, Any]) -> None:
    """An evaluation as a table; as lines where the screen is too narrow for it, or nothing is to be scored."""
    from rich.console import Console

    from maritime.cli.screen import console
    from maritime.cli.tables import print_record

    table, screen = score_table(record), console()
    if not record["scores"]:
        screen.print("neither alerts nor truths: nothing to score")
    elif Console(width=WIDE).measure(table).maximum <= screen.width:
        screen.print(table)
    else:
        cells = [list(column.cells) for column in table.columns]
        headings = [str(column.header).replace("\n", ", ") for column in table.columns]
        for kind, *values in zip(*cells, strict=True):
            print_record(dict(zip(headings[1:], values, strict=True)), str(kind))


def score_table(record: dict[str, Any]) -> "Table":
    """One row per type of an evaluation."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("type", no_wrap=True)
    for heading in (
        "truths",
        "found",
        "recall",
        "alerts",
        "precision",
        "false",
        "double",
        "start error\nmin",
        "end error\nmin",
        "delay\nmin",
        "per 100\nvessel-days",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for score in record["scores"]:
        table.add_row(
            score["type"].replace("_", " "),
            str(score["truths"]),
            str(score["found"]),
            _share(score["recall"], score["recall_interval"]),
            str(score["alerts"]),
            _share(score["precision"], score["precision_interval"]),
            str(score["false_alarms"]),
            str(score["duplicates"]),
            _minutes(score["start_error"]),
            _minutes(score["end_error"]),
            _minutes(score["delay"]),
            _share(score["alerts_per_100_vessel_days"], score["alerts_per_100_vessel_days_interval"], digits=1),
        )
    return table


def _share(value: float | None, interval: Any, digits: int = 2) -> str:
    """`0.95 (0.76–0.99)`; a dash where there is nothing to measure it by."""
    if value is None:
        return "–"
    if interval is None:
        return f"{value:.{digits}f}"
    low, high = interval.values() if isinstance(interval, dict) else interval
    return f"{value:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _minutes(spread: dict[str, float] | None) -> str:
    """Median and 95th percentile, in minutes."""
    return "–" if spread is None else f"{spread['median_s'] / 60:.1f} / {spread['p95_s'] / 60:.1f}"
