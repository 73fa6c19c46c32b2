"""`maritime group status`: how far the detectors are behind, in rows and in event time."""

from typing import Annotated

import typer

from maritime.cli.log import Config, client_of, settings_of
from maritime.cli.screen import Json, answer, console, print_json

app = typer.Typer(no_args_is_help=True, help="The group of detectors.")


def status(
    config: Config = None,
    most_records: Annotated[
        int, typer.Option(min=1, help="Unread records of a partition to look into for rows and times.")
    ] = 10_000,
    as_json: Json = False,
) -> int:
    """Say for every partition how many records and reports are not processed yet, and what event time they span."""
    from streams.exercise import named
    from streams.lag import lags

    _, live = settings_of(config)
    transport = client_of(live, live.log.group, "status")
    try:
        found = lags(transport, most_records)
    finally:
        transport.close()
    if as_json:
        print_json({"group": named(live.log.group, live.log.status), "partitions": [lag._asdict() for lag in found]})
        return 0
    from rich.table import Table

    table = Table(title=f"group {named(live.log.group, live.log.status)}")
    for heading in ("partition", "records behind", "reports behind", "event time behind, s"):
        table.add_column(heading, justify="right")
    for lag in found:
        more = "" if lag.is_whole else " or more"
        behind_s = "" if lag.event_time_s is None else f"{lag.event_time_s:,.0f}{more}"
        table.add_row(str(lag.partition), f"{lag.records:,}", f"{lag.rows:,}{more}", behind_s)
    console().print(table)
    return 0


@app.callback()
def group() -> None:
    """The group of detectors."""


app.command()(answer(status))
