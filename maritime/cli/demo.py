"""`maritime demo`: the Andaman Sea from scenario to map, and how well it was understood."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maritime.cli.screen import Json, print_json

if TYPE_CHECKING:
    from rich.table import Table

SCENARIO = "scenarios/demo_andaman.yaml"
LOG, TRUTH = "andaman.nmea", "truth.csv"


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results; made if need be.")] = Path("demo-out"),
    as_json: Json = False,
) -> None:
    """Simulate the Andaman Sea, find the alerts, score them against the truth, draw the map."""
    import os
    import time
    from importlib.resources import as_file, files

    from maritime.alerts.output import make_folder, write_errors
    from maritime.cli.evaluate import print_scores
    from maritime.cli.kernels import ready_kernels
    from maritime.cli.progress import replay_progress
    from maritime.cli.screen import console
    from maritime.cli.tables import print_ranked
    from maritime.config import LIVE_SECTIONS, load_settings
    from maritime.detect.places import EnginePlaces
    from maritime.detect.settings import DetectSettings
    from maritime.evaluate import evaluate
    from maritime.replay import replay
    from maritime.simulate import simulate

    with write_errors(out):
        make_folder(out)
    with as_file(files("configs") / SCENARIO) as scenario:
        simulated = simulate(scenario, out / LOG, out / TRUTH)
    places = EnginePlaces.load()
    compile_s = ready_kernels(places, quiet=as_json)
    settings = load_settings(DetectSettings, environment=os.environ, besides=LIVE_SECTIONS)
    with replay_progress(quiet=as_json) as progress:
        result = replay([out / LOG], out, settings=settings, places=places, progress=progress, stopwatch=time.monotonic)
    evaluation = evaluate(out / "alerts.jsonl", out / TRUTH).to_dict()
    if as_json:
        print_json(
            {
                "out": str(out),
                "compile_s": compile_s,
                "simulation": simulated.to_dict(),
                "summary": result.summary,
                "evaluation": evaluation,
            }
        )
        return
    screen = console()
    print_ranked(result, top=20)
    screen.print("\nwhat truly happened")
    screen.print(truth_table(out / TRUTH))
    screen.print("how well it was found")
    print_scores(evaluation)
    screen.print(f"map: {out / 'map.png'}")


def truth_table(path: Path) -> "Table":
    """The rows of a truth table."""
    import csv

    from rich import box
    from rich.table import Table

    table = Table("type", "MMSI", "started (UTC)", "ended", "note", box=box.SIMPLE_HEAD, pad_edge=False)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            started, ended = (row[name][:16].replace("T", " ") for name in ("started_at", "ended_at"))
            table.add_row(row["type"].replace("_", " "), row["mmsi"], started, ended or "open", row.get("note", ""))
    return table
