"""Loitering beside a public peer: `python -m benchmarks.neptune_peer`.

Runs the loitering detection of `neptune-ais`, with its own defaults and nothing filtered, over the shared US tracks,
in an environment of its own that is made on demand; and the whole product over the same files. Nearly every vessel in
these files is moored, anchored or in port traffic, so nearly every loitering alert is a false one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.deletion import FILES, read_reports, tracks_folder
from benchmarks.planted_silences import vessel_days
from maritime.evaluate.intervals import poisson_interval
from maritime.replay import replay

PEER: Final = "neptune-ais==0.1.0"
ENVIRONMENT: Final = Path("bench-out") / "neptune-ais"
PROGRAM: Final = """
import sys
import polars as pl
from neptune_ais.derive.events import detect_loitering
rows = pl.read_csv(sys.argv[1], infer_schema_length=None).select(
    pl.col("MMSI").cast(pl.Int64).alias("mmsi"),
    pl.col("BaseDateTime").str.to_datetime(time_unit="us", time_zone="UTC").alias("timestamp"),
    pl.col("LAT").alias("lat"),
    pl.col("LON").alias("lon"),
    pl.col("SOG").cast(pl.Float64).alias("sog"),
    pl.lit("noaa").alias("source"),
)
events = detect_loitering(rows, source="noaa")
print(len(events), events["mmsi"].n_unique())
"""


@dataclass(frozen=True, slots=True)
class Loitering:
    """Loitering alerts of one area, and the vessels they name."""

    area: str
    vessel_days: float
    peer_alerts: int
    peer_vessels: int
    our_alerts: int
    our_vessels: int


def environment(folder: Path = ENVIRONMENT) -> Path:
    """Return the Python of the peer's environment, made and filled first where it is absent.

    Raises CalledProcessError when the peer cannot be installed.
    """
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
        (folder / "ready").write_text(PEER + "\n", encoding="utf-8")
    return python


def run(folder: Path, python: Path) -> list[Loitering]:
    """Count the loitering alerts of both in every area."""
    found = []
    for area, name in FILES.items():
        reports = read_reports(folder / name)
        with tempfile.TemporaryDirectory() as scratch:
            plain = Path(scratch) / "positions.csv"
            reports.drop(columns=["mmsi", "t_ms", "sog_kn"]).to_csv(plain, index=False)
            told = subprocess.run([python, "-c", PROGRAM, plain], check=True, capture_output=True, text=True).stdout
            ours = [
                alert.mmsi
                for alert in replay([folder / name], Path(scratch) / "out", draw_map=False).alerts()
                if alert.type == "loitering" and alert.state != "retracted"
            ]
        peer_alerts, peer_vessels = (int(number) for number in told.split())
        found.append(Loitering(area, vessel_days(reports), peer_alerts, peer_vessels, len(ours), len(set(ours))))
    return found


def show(found: Sequence[Loitering], console: Console) -> None:
    """Print alerts per 100 vessel-days of both, with 95 % intervals."""
    table = Table(title="Loitering alerts per 100 vessel-days, US coast, 2020-01-01")
    for heading in ("area", "vessel-days", PEER, "this project"):
        table.add_column(heading)
    for area in found:
        table.add_row(
            area.area,
            f"{area.vessel_days:.1f}",
            _rate(area.peer_alerts, area.peer_vessels, area.vessel_days),
            _rate(area.our_alerts, area.our_vessels, area.vessel_days),
        )
    console.print(table)


def _rate(alerts: int, vessels: int, days: float) -> str:
    low, high = (100 * end / days for end in poisson_interval(alerts))
    return f"{100 * alerts / days:.1f} ({low:.1f}–{high:.1f}); {vessels} vessels"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neptune_peer", description=__doc__)
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT, help="where the peer is installed")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    options = parser.parse_args(argv)
    found = run(tracks_folder(), environment(options.environment))
    if options.json:
        print(json.dumps([asdict(area) for area in found], indent=2))
    else:
        show(found, Console())


if __name__ == "__main__":
    main()
