"""Faults on a real broker: `python -m benchmarks.chaos [--kills N] [--only NAME] [--short]`.

Each fault breaks something while detectors work: processes are killed at every step of a transaction or frozen,
brokers die, records are poison. Afterwards a reader of committed records must find every revision of every alert, and
every dead letter, exactly once and byte for byte as a run without faults finds them. Exit code 1 where one does not.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.faults import FAULTS, Scale
from tests.broker.kafka_broker import NoBrokerError

KILLS: Final = 104  # eight at each of the thirteen steps
SHORT: Final = Scale(kills=13, rounds=1)
NOT_SCRIPTED: Final = (
    "not scripted here: a jump of the machine's own clock (the clock handed in jumps; the worker reads a monotonic "
    "one), a network that splits, a disk that is full or lies"
)


def run(names: Sequence[str], scale: Scale, console: Console) -> bool:
    """Break things one after the other, and print what was found; whether all was right."""
    table = Table(title="Faults on Apache Kafka: what a reader of committed records finds")
    for column in ("fault", "repetitions", "lost", "duplicated", "other bytes", "seconds", ""):
        table.add_column(column, justify="left" if column in ("fault", "") else "right")
    all_right = True
    for name in names:
        began_s = time.monotonic()
        console.print(f"{name}: {(FAULTS[name].__doc__ or '').split(chr(10), 1)[0]}", highlight=False)
        try:
            result = FAULTS[name](scale)
        except Exception as error:  # what ever it was, the others are told too
            traceback.print_exc()
            all_right = False
            table.add_row(name, "–", "–", "–", "–", f"{time.monotonic() - began_s:.0f}", f"FAILED: {error}")
            continue
        found = result.verdict
        right = found.is_right or (result.is_told and not found.duplicated)
        all_right &= right
        lost = f"{found.lost} (told)" if result.is_told else str(found.lost)
        seconds = f"{time.monotonic() - began_s:.0f}"
        remark = result.remark if right else f"WRONG: {result.remark}"
        table.add_row(name, str(result.repetitions), lost, str(found.duplicated), str(found.strange), seconds, remark)
        console.print(f"  {seconds} s; lost {lost}, duplicated {found.duplicated}; {remark}", highlight=False)
    console.print(table)
    console.print(NOT_SCRIPTED, highlight=False)
    return all_right


def main(argv: Sequence[str] | None = None) -> None:
    """Run all faults, or one; exit code 1 where something was lost or told twice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, help=f"how often detectors are killed; {KILLS} without it")
    parser.add_argument("--only", choices=list(FAULTS), action="append", help="this fault alone; may be repeated")
    parser.add_argument("--short", action="store_true", help="once each, as in continuous integration")
    given = parser.parse_args(argv)
    scale = SHORT if given.short else Scale(kills=KILLS, rounds=3)
    if given.kills is not None:
        scale = Scale(given.kills, scale.rounds)
    console = Console(width=150)
    try:
        right = run(given.only or list(FAULTS), scale, console)
    except NoBrokerError as error:
        sys.exit(f"no broker: {error}")
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
