"""`maritime simulate`: a scenario into an AIS log and its truth table."""

from pathlib import Path
from typing import Annotated

import typer

from maritime.cli.screen import Json, print_json


def simulate(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO.yaml", help="What sails, who receives, what happens.")],
    out: Annotated[Path, typer.Option(help="NMEA file to write, with tag blocks.")],
    truth: Annotated[Path, typer.Option(help="CSV file to write: what happened, when and where.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the scenario's own.")] = None,
    as_json: Json = False,
) -> None:
    """Simulate AIS traffic with labelled behaviours; the same scenario and seed give the same bytes."""
    from maritime.cli.tables import print_record
    from maritime.simulate import simulate as play

    record = play(scenario, out, truth, seed).to_dict()
    if as_json:
        print_json(record)
    else:
        print_record(record, f"simulated into {out}, truth in {truth}")
