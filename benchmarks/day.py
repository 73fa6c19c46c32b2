"""A whole day of US data: `python -m benchmarks.day [--days N]`.

The shared MarineCadastre files, repeated with shifted MMSI to 6.2 million rows a day, go through `maritime replay` in
a process of its own, from file to alerts; told are seconds and peak memory of that process. Of several days every
second one runs backwards, so that no vessel jumps at midnight. Then the whole process of `maritime replay` on the San
Francisco Bay file alone. A first run compiles the kernels and is told apart.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks.deletion import FILES, tracks_folder

ROWS: Final = 6_200_000  # of one day of MarineCadastre
FIRST_DAY: Final = date(2020, 1, 1)
MMSI_STEP: Final = 1009  # chosen: a prime, so that copies of neighbouring numbers rarely meet
DAY_TARGET_S: Final = 25.0
SMALL_TARGET_S: Final = 6.0
MEMORY_TARGET_BYTES: Final = 2 << 30


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished `maritime replay`: the whole process."""

    seconds: float
    peak_bytes: int
    summary: dict[str, Any]


def write_days(folder: Path, days: int) -> int:
    """Write one CSV file a day, each in the order of time; returns the rows of one day."""
    header, rows = b"", []
    for name in FILES.values():
        with zipfile.ZipFile(tracks_folder() / name) as archive:
            header, *lines = archive.read(archive.namelist()[0]).splitlines(keepends=True)
        rows += [line.split(b",", 2) for line in lines]
    rows.sort(key=lambda row: row[1])
    back = [_turned(row) for row in reversed(rows)]
    copies = ceil(ROWS / len(rows))
    for day in range(days):
        today = (FIRST_DAY + timedelta(days=day)).isoformat()
        with (folder / f"AIS_{today.replace('-', '_')}.csv").open("wb") as file:
            file.write(header)
            for mmsi, moment, rest in back if day % 2 else rows:
                tail = b",%s%s,%s" % (today.encode(), moment[10:], rest)
                first = int(mmsi)
                file.write(b"".join(b"%d%s" % (first + copy * MMSI_STEP, tail) for copy in range(copies)))
    return copies * len(rows)


def _turned(row: list[bytes]) -> list[bytes]:
    """A row as it is when the day runs backwards: its time of day mirrored, course and heading turned about."""
    mmsi, moment, rest = row
    hours, minutes, seconds = (int(text) for text in moment[11:].split(b":"))
    left_s = 86_399 - (hours * 3600 + minutes * 60 + seconds)
    lat, lon, sog, cog, heading, more = rest.split(b",", 5)
    time_of_day = b"T%02d:%02d:%02d" % (left_s // 3600, left_s // 60 % 60, left_s % 60)
    return [mmsi, moment[:10] + time_of_day, b",".join((lat, lon, sog, _about(cog), _about(heading), more))]


def _about(direction: bytes) -> bytes:
    """The opposite direction; one that is unknown (empty, 511, 360 and more) stays."""
    if not direction or float(direction) >= 360:
        return direction
    return b"%.1f" % ((float(direction) + 180) % 360)


def replay(source: Path, out: Path) -> Ran:
    """Run `maritime replay` in a process of its own."""
    command = [sys.executable, "-m", "maritime.cli", "replay", str(source), "--out", str(out), "--json"]
    started_s = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    kibibytes = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss / 1024
    return Ran(seconds, int(kibibytes * 1024), json.loads((out / "summary.json").read_bytes()))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print; exit code 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.day", description=__doc__)
    parser.add_argument("--days", type=int, default=1, help="days of 6.2 million rows each")
    days = parser.parse_args(argv).days
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = tracks_folder() / FILES["San Francisco Bay"]
        first, second = replay(small, folder / "first"), replay(small, folder / "second")
        (folder / "days").mkdir()
        rows = write_days(folder / "days", days)
        long = replay(folder / "days", folder / "long")
    console.print(f"San Francisco Bay: first start {first.seconds:.1f} s, second {second.seconds:.1f} s")
    console.print(
        f"{days} × {rows:,} rows: {long.seconds:.1f} s, {days * rows / long.seconds:,.0f} rows/s, "
        f"peak memory {long.peak_bytes / 2**30:.2f} GiB, {long.summary['alerts']:,} alerts"
    )
    met = (
        second.seconds <= SMALL_TARGET_S
        and long.seconds <= days * DAY_TARGET_S
        and long.peak_bytes <= MEMORY_TARGET_BYTES
    )
    console.print(
        f"target of {DAY_TARGET_S:g} s a day, {MEMORY_TARGET_BYTES >> 30} GiB and a second start of "
        f"{SMALL_TARGET_S:g} s: {'met' if met else 'missed'}"
    )
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
