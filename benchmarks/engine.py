"""Speed of the engine: `python -m benchmarks.engine`.

The shared US tracks, repeated with shifted MMSI, go through the engine with all behaviours on, in batches as the
replay hands them over: once as columns sorted by time, once in an order of arrival that is up to a minute and a half
late. Heartbeats are made from the same batches and measured apart. Seconds are processor seconds of one thread, the
best of some rounds; kernels are compiled before.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks.deletion import FILES, tracks_folder
from maritime.cli.kernels import ready_kernels
from maritime.columns import POSITION_SCHEMA, STATIC_SCHEMA, SourceTable
from maritime.detect.engine import Engine
from maritime.detect.heartbeat import HeartbeatMaker
from maritime.detect.places import EnginePlaces
from maritime.detect.settings import DetectSettings
from maritime.sources.inputs import Inputs
from maritime.sources.ordering import BATCH_ROWS

ROWS: Final = 4_000_000
MMSI_STEP: Final = 1009  # as in benchmarks.day
LATEST_S: Final = 90.0  # the default lateness is 120 s
ROUNDS: Final = 3
SORTED_PER_S: Final = 2_000_000
ARRIVAL_PER_S: Final = 500_000


@dataclass(frozen=True, slots=True)
class Ran:
    """Processor seconds of one pass, and what it found."""

    engine_s: float
    heartbeats_s: float
    episodes: int
    hulls: int


def shared_reports() -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Position and static reports of the shared US tracks, by time."""
    chunks = list(Inputs([tracks_folder() / name for name in FILES.values()], SourceTable()))
    positions = pa.Table.from_batches([chunk.positions for chunk in chunks]).select(POSITION_SCHEMA.names)
    statics = pa.Table.from_batches([chunk.statics for chunk in chunks], STATIC_SCHEMA)
    return tuple(table.sort_by("t").combine_chunks().to_batches()[0] for table in (positions, statics))  # type: ignore[return-value]


def repeated(batch: pa.RecordBatch, copies: int) -> pa.RecordBatch:
    """A batch so many times over under other MMSIs, row by row, so that the order of time is kept."""
    taken = batch.take(pa.array(np.repeat(np.arange(batch.num_rows), copies)))
    shift = np.tile(np.arange(copies, dtype=np.uint32) * MMSI_STEP, batch.num_rows)
    columns = {name: taken.column(name) for name in batch.schema.names}
    columns["mmsi"] = pa.array(columns["mmsi"].to_numpy() + shift)
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=batch.schema)


def late(positions: pa.RecordBatch, seed: int = 1) -> pa.RecordBatch:
    """The same reports in an order of arrival: each up to LATEST_S after its time."""
    t_ms = positions.column("t").to_numpy()
    delay_ms = np.random.default_rng(seed).integers(0, round(LATEST_S * 1000), len(t_ms))
    return positions.take(pa.array(np.argsort(t_ms + delay_ms, kind="stable")))


def run(positions: pa.RecordBatch, statics: pa.RecordBatch, places: EnginePlaces) -> Ran:
    """Feed a new engine batch by batch, as the replay does."""
    settings = DetectSettings()
    engine, maker = Engine(settings, places, SourceTable()), HeartbeatMaker(settings.time)
    engine.feed(positions.slice(0, 0), statics)
    heartbeats_s, episodes = 0.0, 0
    started_s = time.process_time()
    for start in range(0, positions.num_rows, BATCH_ROWS):
        batch = positions.slice(start, BATCH_ROWS)
        engine.feed(batch)
        before_s = time.process_time()
        beats = maker.feed(batch)
        heartbeats_s += time.process_time() - before_s
        episodes += len(engine.advance(beats))
    episodes += len(engine.advance(maker.finish()))
    engine_s = time.process_time() - started_s - heartbeats_s
    assert engine.late_reports == 0
    return Ran(engine_s, heartbeats_s, episodes, engine.counters["hulls"])


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print a table; exit code 1 where a target is missed."""
    argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__).parse_args(argv)
    places = EnginePlaces.load()
    compile_s = ready_kernels(places, quiet=True)
    positions, statics = shared_reports()
    copies = ceil(ROWS / positions.num_rows)
    positions, statics = repeated(positions, copies), repeated(statics, copies)
    table = Table(title=f"{positions.num_rows:,} positions of {copies} × the shared US tracks, all behaviours on")
    for column in ("order", "engine, positions/s", "with heartbeats, positions/s", "target", "hulls", "episodes told"):
        table.add_column(column, justify="left" if column == "order" else "right")
    missed = False
    for order, reports, target in (
        ("sorted columns", positions, SORTED_PER_S),
        (f"arrival, up to {LATEST_S:g} s late", late(positions), ARRIVAL_PER_S),
    ):
        best = min((run(reports, statics, places) for _ in range(ROUNDS)), key=lambda ran: ran.engine_s)
        rate = positions.num_rows / best.engine_s
        both = positions.num_rows / (best.engine_s + best.heartbeats_s)
        missed |= rate < target
        table.add_row(order, f"{rate:,.0f}", f"{both:,.0f}", f"{target:,}", f"{best.hulls:,}", f"{best.episodes:,}")
    console = Console()
    console.print(table)
    console.print(f"compiling, once per machine: {compile_s:.1f} s; targets {'missed' if missed else 'met'}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
