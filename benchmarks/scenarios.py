"""The scenario suite: `python -m benchmarks.scenarios [NAME …] [--seed N] [--json]`.

Simulates every scenario, runs the whole product over the log, and scores the alerts against the truth: a row for each
scenario, then a row for each type over the whole suite.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from maritime.evaluate import Evaluation, Matching, Spread, TypeScore, match, read_alerts, read_truth, score
from maritime.evaluate.intervals import Interval
from maritime.replay import replay
from maritime.simulate import simulate

FOLDER: Final = Path(__file__).resolve().parents[1] / "configs" / "scenarios"


@dataclass(frozen=True, slots=True)
class Played:
    """One scenario, simulated, replayed and matched."""

    name: str
    vessel_days: float
    matchings: tuple[Matching, ...]


def scenario_files(names: Sequence[str] = ()) -> list[Path]:
    """Return the shipped scenarios, or those named; FileNotFoundError names the one that there is not."""
    files = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
    for name in names:
        if name not in files:
            raise FileNotFoundError(f"there is no scenario '{name}'; there are {', '.join(files)}")
    return [files[name] for name in names] if names else list(files.values())


def play_out(path: Path, folder: Path, seed: int | None = None) -> Played:
    """Simulate one scenario into a folder, find its alerts, and match them with its truth."""
    log, truth = folder / f"{path.stem}.nmea", folder / f"{path.stem}.csv"
    simulate(path, log, truth, seed)
    result = replay([log], folder / path.stem, draw_map=False)
    matchings = match(read_truth(truth), read_alerts(result.out / "alerts.jsonl"))
    return Played(path.stem, float(result.summary["vessel_days"]), matchings)


def pooled(suite: Iterable[Played]) -> Evaluation:
    """Score the types over all scenarios together."""
    suite = list(suite)
    days = sum(played.vessel_days for played in suite)
    return score((matching for played in suite for matching in played.matchings), days)


def scenario_table(suite: Iterable[Played]) -> Table:
    """One row for each scenario and type."""
    table = Table("scenario", "type", "truths", "found", "false", "again", "start error", title="Scenarios")
    for played in suite:
        scores = score(played.matchings, played.vessel_days).scores
        if not scores:
            table.add_row(played.name, "–", "0", "0", "0", "0", "")
        for one in scores:
            table.add_row(
                played.name,
                one.type,
                *(str(n) for n in (one.truths, one.found, one.false_alarms, one.duplicates)),
                _spread(one.start_error),
            )
    return table


def suite_table(evaluation: Evaluation) -> Table:
    """One row for each type, with 95 % intervals."""
    title = f"The suite: {evaluation.vessel_days:.0f} vessel-days, 95 % intervals"
    columns = (
        "type",
        "truths",
        "alerts",
        "recall",
        "precision",
        "again",
        "start error",
        "end error",
        "delay",
        "/100 days",
    )
    table = Table(*columns, title=title)
    for one in evaluation.scores:
        table.add_row(
            one.type,
            str(one.truths),
            str(one.alerts),
            _share(one.recall, one.recall_interval),
            _share(one.precision, one.precision_interval),
            str(one.duplicates),
            _spread(one.start_error),
            _spread(one.end_error),
            _spread(one.delay),
            _rate(one),
        )
    return table


def _share(share: float | None, interval: Interval | None) -> str:
    return "–" if share is None or interval is None else f"{share:.2f} ({interval[0]:.2f}–{interval[1]:.2f})"


def _spread(spread: Spread | None) -> str:
    return "–" if spread is None else f"{spread.median_s / 60:.1f} / {spread.p95_s / 60:.1f} min"


def _rate(one: TypeScore) -> str:
    interval = one.alerts_per_100_vessel_days_interval
    if one.alerts_per_100_vessel_days is None or interval is None:
        return "–"
    return f"{one.alerts_per_100_vessel_days:.1f} ({interval[0]:.1f}–{interval[1]:.1f})"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Score the product on simulated scenarios.")
    parser.add_argument("names", nargs="*", help="scenarios to play; all when none is named")
    parser.add_argument("--seed", type=int, help="replaces the scenarios' own seeds")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    arguments = parser.parse_args(argv)
    suite = []
    for path in scenario_files(arguments.names):
        with tempfile.TemporaryDirectory() as folder:
            suite.append(play_out(path, Path(folder), arguments.seed))
    evaluation = pooled(suite)
    if arguments.json:
        print(json.dumps(evaluation.to_dict(), indent=2))
        return
    console = Console(width=160)
    console.print(scenario_table(suite))
    console.print(suite_table(evaluation))


if __name__ == "__main__":
    main()
