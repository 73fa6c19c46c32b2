"""Dark periods on seas made of the shared tracks: `python -m benchmarks.other_seas [--seed N]`.

Two quiet files cannot show all that goes wrong, so other feeds are made of them in which no vessel is to blame for
what is not heard. Silences are planted in each as in `benchmarks.deletion`; every other closed alert is false.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.deletion import FILES, read_reports, tracks_folder, write_reports
from benchmarks.deletion_score import LONG_MS, Score, read_dark_alerts, score
from benchmarks.planted_silences import plant, stretches, vessel_days
from maritime.replay import replay
from maritime.units import MINUTE_MS

Sea = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
NM_PER_DEG: Final = 60.0
WIDTH: Final = 110


def as_heard(reports: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The file as it is."""
    return reports


def without_speed(reports: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """No speed, course or heading in any report."""
    return reports.assign(SOG="", COG="", Heading="")


def every_five_minutes(reports: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The first report of each vessel in every five minutes."""
    return reports[~reports.assign(step=reports["t_ms"] // (5 * MINUTE_MS)).duplicated(["mmsi", "step"])]


def half_the_vessels(reports: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Half of the vessels, drawn at random: witnesses and moorings are fewer."""
    vessels = reports["mmsi"].unique()
    return reports[reports["mmsi"].isin(rng.permutation(vessels)[: len(vessels) // 2])]


def disc(reports: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Nothing from farther than 10–30 nm off the middle: a feed cut to a circle."""
    return reports[_distance_nm(reports, _middle(reports)) < rng.uniform(10.0, 30.0)]


def fading(reports: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One receiver with a reach of 10–40 nm: the farther off, the more reports are lost."""
    off_nm, reach_nm = _distance_nm(reports, _middle(reports)), rng.uniform(10.0, 40.0)
    return reports[rng.random(len(reports)) < 1.0 / (1.0 + (off_nm / reach_nm) ** 4)]


def lossy(reports: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Nine of ten reports lost at random."""
    return reports[rng.random(len(reports)) < 0.1]


def far_south(reports: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same tracks across the antimeridian in southern waters without coast or ports."""
    lat, lon = _position(reports)
    east = (lon - lon.median() + 360.0) % 360.0 - 180.0
    return reports.assign(LAT=(-lat).round(5).astype(str), LON=east.round(5).astype(str))


SEAS: Final[dict[str, Sea]] = {
    "as heard": as_heard,
    "no speed or course": without_speed,
    "every 5 minutes": every_five_minutes,
    "half the vessels": half_the_vessels,
    "cut to a disc": disc,
    "fading with distance": fading,
    "90 % loss": lossy,
    "antimeridian, southern": far_south,
}


def _position(reports: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return reports["LAT"].astype(float), reports["LON"].astype(float)


def _middle(reports: pd.DataFrame) -> tuple[float, float]:
    lat, lon = _position(reports)
    return float(lat.median()), float(lon.median())


def _distance_nm(reports: pd.DataFrame, middle: tuple[float, float]) -> np.ndarray:
    lat, lon = _position(reports)
    east = (lon - middle[1]) * np.cos(np.radians(middle[0]))
    return NM_PER_DEG * np.hypot(lat - middle[0], east).to_numpy()


def measure(folder: Path, seed: int, seas: Sequence[str]) -> dict[tuple[str, str], tuple[Score, int]]:
    """Score and number of other alerts than dark periods, by sea and area."""
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number, (area, name) in enumerate(FILES.items()):
            reports = read_reports(folder / name)
            for sea in seas:
                made = SEAS[sea](reports, np.random.default_rng([seed, number, 1]))
                judged = made.assign(sog_kn=reports["sog_kn"].reindex(made.index))
                kept, planted = plant(judged, stretches(judged), np.random.default_rng([seed, 0, number]))
                file, out = Path(scratch) / "reports.csv", Path(scratch) / "out"
                write_reports(kept, file)
                told = Counter(a.type for a in replay([file], out, draw_map=False).alerts() if a.state != "retracted")
                alerts = read_dark_alerts(out / "alerts.jsonl")
                results[sea, area] = (
                    score(alerts, planted, stretches(kept), vessel_days(kept)),
                    told.total() - told["dark_period"],
                )
    return results


def show(results: dict[tuple[str, str], tuple[Score, int]], console: Console) -> None:
    """Print one line per sea and area."""
    table = Table(title="Dark periods on seas made of the shared tracks")
    for heading in ("sea", "area", "recall ≥ 2 h", "false", "never closed", "inside", "other alerts"):
        table.add_column(heading)
    for (sea, area), (result, others) in results.items():
        long = result.planted(LONG_MS)
        rates = [100 * n / result.vessel_days for n in (len(result.others), result.still_silent, others)]
        table.add_row(
            sea,
            area,
            f"{sum(found.alert is not None for found in long)}/{len(long)}",
            f"{rates[0]:.2f}",
            f"{rates[1]:.2f}",
            str(result.inside_stretches),
            f"{rates[2]:.1f}",
        )
    table.caption = (
        "false: other closed dark alerts ≥ 2 h; never closed: dark alerts open at the end; both, and the other types,\n"
        "per 100 vessel-days. inside: dark alerts over a time when the vessel was heard"
    )
    console.print(table)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.other_seas", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same seas and silences")
    parser.add_argument("--sea", choices=list(SEAS), action="append", help="only this one; may be given again")
    options = parser.parse_args(argv)
    show(measure(tracks_folder(), options.seed, options.sea or list(SEAS)), Console(width=WIDTH))


if __name__ == "__main__":
    main()
