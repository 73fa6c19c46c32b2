"""All benchmarks, one after the other, each in a process of its own: `python -m benchmarks [--only NAME]`."""

import argparse
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

NAMES: Final = (
    "decode",
    "engine",
    "day",
    "deletion",
    "other_seas",
    "scenarios",
    "reidentification",
    "neptune_peer",
    "live",
    "sharing",
    "sharing_live",
    "taxii",
)
LIBRARIES: Final = ("numba", "numpy", "pyarrow", "pyais")


def main() -> None:
    """Run them, all or one; exit code 1 where one missed its target or failed."""
    present = [name for name in NAMES if Path(__file__).with_name(f"{name}.py").exists()]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=present, help="run this one alone")
    only = parser.parse_args().only
    print(machine(), flush=True)
    failed = []
    for name in [only] if only else present:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"\nmissed a target or failed: {', '.join(failed)}")


def machine() -> str:
    """One line: processors, their model, versions."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{os.cpu_count()} × {processor()}, Python {platform.python_version()}, {libraries}"


def processor() -> str:
    """The model of the processor, as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
