"""Dark periods on real data: `python -m benchmarks.deletion [--seed N] [--repeats R]`.

Plants silences in the shared US tracks, runs the whole product over them, and prints how many were found, how exactly,
and what else was raised, beside two baselines: every silence of two hours, and every such silence that began under
way. The untouched files give the alert rates per type.
"""

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.deletion_score import LONG_MS, DarkAlert, Found, Score, read_dark_alerts, read_held_back, score
from benchmarks.planted_silences import UNDER_WAY_KN, Silence, Stretch, plant, stretches, vessel_days
from maritime.evaluate.intervals import poisson_interval, wilson_interval
from maritime.replay import replay

FILES: Final = {
    "San Francisco Bay": "marinecadastre_sf_bay_2020-01-01.zip",
    "Hawaii": "marinecadastre_hawaii_2020-01-01.zip",
}
SOG_UNKNOWN_KN: Final = 102.3  # ITU-R M.1371-5 table 45: 1023 tenths of a knot = not available
OURS, BARE, UNDER_WAY = METHODS = ("this project", "any silence ≥ 2 h", "… begun under way")
CONFIDENCES: Final = tuple(step / 10 for step in range(9, 0, -1))
WIDTH: Final = 110  # columns that the widest table needs; output to a file would be cut to 80
REPEATS: Final = 5  # chosen: some 60 long silences, in about a minute


@dataclass(frozen=True, slots=True)
class Run:
    """One replay of one area with silences planted."""

    area: str
    planted: list[Silence]
    heard: list[Stretch]  # of the reports that were left
    vessel_days: float
    alerts: dict[str, list[DarkAlert]]  # by method
    held_back: dict[str, list[DarkAlert]]  # silences that were no alerts, by the rule that held them back

    def score(self, alerts: Sequence[DarkAlert]) -> Score:
        """Score these alerts against what was planted."""
        return score(alerts, self.planted, self.heard, self.vessel_days)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All runs; and alerts by (area, type) with vessel-days by area on the untouched files."""

    runs: list[Run]
    untouched: dict[tuple[str, str], int]
    untouched_days: dict[str, float]

    def score(self, method: str, area: str | None = None, without: str | None = None) -> Score:
        """The score of a method, over one area or all; with a rule of ours switched off, if one is named."""
        total = Score()
        for run in self.runs:
            if area in (None, run.area):
                total.add(run.score(run.alerts[method] + run.held_back.get(without or "", [])))
        return total

    def rules(self) -> list[str]:
        """The rules that held silences back, in alphabetical order."""
        return sorted({rule for run in self.runs for rule in run.held_back})


def tracks_folder() -> Path:
    """Return the folder of the shared track files; FileNotFoundError says how to name it where it is absent."""
    shared = Path(os.environ.get("MARITIME_SHARED_DIR", Path(__file__).resolve().parents[1] / ".." / "shared"))
    folder = shared / "data" / "tracks"
    if not folder.is_dir():
        raise FileNotFoundError(f"no track files in '{folder}'; set MARITIME_SHARED_DIR to the folder that holds data/")
    return folder


def read_reports(path: Path) -> pd.DataFrame:
    """Return a MarineCadastre file as text columns, with mmsi, t_ms and sog_kn beside, sorted by vessel and time."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    times = pd.to_datetime(rows["BaseDateTime"], utc=True)
    sog_kn = pd.to_numeric(rows["SOG"], errors="coerce")
    return rows.assign(
        mmsi=rows["MMSI"].astype(np.int64),
        t_ms=times.dt.as_unit("ms").astype(np.int64),
        sog_kn=sog_kn.where(sog_kn < SOG_UNKNOWN_KN),
    ).sort_values(["mmsi", "t_ms"], kind="stable", ignore_index=True)


def write_reports(reports: pd.DataFrame, path: Path) -> None:
    """Write the reports as the file they came from: its columns, in time order."""
    reports.sort_values("t_ms", kind="stable").drop(columns=["mmsi", "t_ms", "sog_kn"]).to_csv(path, index=False)


def silences_of_two_hours(reports: pd.DataFrame, under_way: bool) -> list[DarkAlert]:
    """The baselines: every silence of two hours is an alert, or those alone whose last report was under way."""
    track = reports.groupby("mmsi")
    back = track["t_ms"].shift(-1)
    silent = back - reports["t_ms"] >= LONG_MS
    if under_way:
        silent &= reports["sog_kn"] > UNDER_WAY_KN
    ends = zip(reports["mmsi"][silent].tolist(), reports["t_ms"][silent].tolist(), back[silent].tolist(), strict=True)
    return [DarkAlert(mmsi, last_ms, int(back_ms), last_ms + LONG_MS, 1.0) for mmsi, last_ms, back_ms in ends]


def measure(folder: Path, seed: int, repeats: int) -> Outcome:
    """Plant silences and replay, `repeats` times for every file of the folder of track files."""
    outcome = Outcome([], {}, {})
    with tempfile.TemporaryDirectory() as scratch:
        for number, (area, name) in enumerate(FILES.items()):
            reports = read_reports(folder / name)
            outcome.untouched_days[area] = vessel_days(reports)
            whole = replay([folder / name], Path(scratch) / f"{number}", draw_map=False)
            for kind, count in Counter(a.type for a in whole.alerts() if a.state != "retracted").items():
                outcome.untouched[area, kind] = count
            among = stretches(reports)
            for repeat in range(repeats):
                kept, planted = plant(reports, among, np.random.default_rng([seed, repeat, number]))
                file, out = Path(scratch) / f"{number}-{repeat}.csv", Path(scratch) / f"{number}-{repeat}"
                write_reports(kept, file)
                replay([file], out, draw_map=False)
                alerts = {
                    OURS: read_dark_alerts(out / "alerts.jsonl"),
                    BARE: silences_of_two_hours(kept, under_way=False),
                    UNDER_WAY: silences_of_two_hours(kept, under_way=True),
                }
                held_back = read_held_back(out / "episodes.parquet")
                outcome.runs.append(Run(area, planted, stretches(kept), vessel_days(kept), alerts, held_back))
    return outcome


def show(outcome: Outcome, console: Console) -> None:
    """Print the tables: found and raised, the curve, alert rates per type."""
    console.print(_methods(outcome), _curve(outcome), _rates(outcome), sep="\n\n")


def _methods(outcome: Outcome) -> Table:
    table = Table(title="Planted silences in continuous under-way tracks (95 % intervals)")
    for heading in ("", "recall ≥ 2 h", "recall ≥ 1 h", "false"):
        table.add_column(heading)
    for heading in ("exact", "live", "inside"):
        table.add_column(heading, justify="right")
    for area in FILES:
        table.add_row(f"[bold]{area}")
        for method in METHODS:
            result = outcome.score(method, area)
            told = [found for found in result.found if found.alert]
            table.add_row(
                method,
                _share(result.planted(LONG_MS)),
                _share(result.found),
                f"{100 * len(result.others) / result.vessel_days:.2f}",  # no interval: repeats share these silences
                f"{sum(found.exact for found in told)}/{len(told)}",
                f"{sum(found.while_silent for found in told)}/{len(told)}",
                str(result.inside_stretches),
            )
    table.caption = (
        "false: other closed alerts ≥ 2 h per 100 vessel-days. exact: of those found, start and end within\n"
        "one reporting interval. live: raised while silent. inside: alerts over a time when the vessel was heard"
    )
    return table


def _curve(outcome: Outcome) -> Table:
    table = Table(title="Recall against false alarms, from the strictest reading to the loosest")
    for heading in ("alerts", "recall ≥ 2 h", "false per 100 vessel-days"):
        table.add_column(heading)

    def row(name: str, result: Score, confidence: float = 0.0) -> None:
        recall, others = result.at(confidence)
        table.add_row(name, f"{recall:.1%}", f"{others:.2f}")

    ours = outcome.score(OURS)
    for confidence in CONFIDENCES:
        row(f"of confidence ≥ {confidence:.2f}", ours, confidence)
    row("all", ours)
    table.add_section()
    for rule in outcome.rules():
        row(f"all, and those held back: {rule}", outcome.score(OURS, without=rule))
    table.add_section()
    for method in (UNDER_WAY, BARE):
        row(method, outcome.score(method))
    return table


def _rates(outcome: Outcome) -> Table:
    table = Table(title="Alerts on the untouched files, per 100 vessel-days (95 % intervals)")
    for heading in ("type", *FILES):
        table.add_column(heading)
    for kind in sorted({kind for _, kind in outcome.untouched} | {"loitering", "dark_period"}):
        table.add_row(
            kind, *(_rate(outcome.untouched.get((area, kind), 0), outcome.untouched_days[area]) for area in FILES)
        )
    return table


def _share(found: Sequence[Found]) -> str:
    told = sum(one.alert is not None for one in found)
    interval = wilson_interval(told, len(found))
    return (
        "–"
        if interval is None
        else f"{told}/{len(found)} {told / len(found):.0%} ({interval[0]:.0%}–{interval[1]:.0%})"
    )


def _rate(count: int, days: float) -> str:
    low, high = (100 * end / days for end in poisson_interval(count))
    return f"{100 * count / days:.2f} ({low:.1f}–{high:.1f})"


def as_json(outcome: Outcome) -> str:
    """The same numbers for a machine."""
    methods = []
    for area in FILES:
        for method in METHODS:
            result = outcome.score(method, area)
            methods.append(
                {
                    "area": area,
                    "method": method,
                    "silences_1h": len(result.found),
                    "found_1h": sum(found.alert is not None for found in result.found),
                    "silences_2h": len(result.planted(LONG_MS)),
                    "found_2h": sum(found.alert is not None for found in result.planted(LONG_MS)),
                    "exact": sum(found.exact for found in result.found),
                    "while_silent": sum(found.while_silent for found in result.found),
                    "inside_stretches": result.inside_stretches,
                    "other_closed_2h": len(result.others),
                    "vessel_days": result.vessel_days,
                    "curve": [(confidence, *result.at(confidence)) for confidence in (0.0, *reversed(CONFIDENCES))],
                }
            )
    rates = [
        {"area": area, "type": kind, "alerts": count, "vessel_days": outcome.untouched_days[area]}
        for (area, kind), count in outcome.untouched.items()
    ]
    return json.dumps({"dark_periods": methods, "untouched": rates}, indent=2)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deletion", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed plants the same silences")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="how often every fit track is used")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args(argv)
    outcome = measure(tracks_folder(), options.seed, options.repeats)
    if options.json:
        print(as_json(outcome))
    else:
        show(outcome, Console(width=max(WIDTH, Console().width)))


if __name__ == "__main__":
    main()
