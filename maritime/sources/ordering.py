"""Time order: an external merge sort between the sources and the engine, in bounded memory.

Files are sorted by vessel, overlap each other or come in any order, while the engine wants reports by time. Reports
are held until nothing older can come: up to RUN_ROWS of them in memory, the rest as sorted runs in temporary files that
have no name (they vanish with the process, however it ends). Few reports are never on disk. What can still come is told
by the inputs (`Inputs.floor_ms`), so a year of daily files holds some three days at a time.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Final, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from maritime.columns import CLOCK_SCHEMA, LINE_UNKNOWN, PROVENANCE_SCHEMA, STATIC_SCHEMA, Chunk
from maritime.errors import OutputError
from maritime.sources.statics import EMPTY_STATICS

RUN_ROWS: Final = 2_000_000  # chosen: 130 MB of positions in memory, twice that while they are sorted
BATCH_ROWS: Final = 1 << 16  # chosen: 4 MB of positions; one batch per open run is in memory
MOST_RUNS: Final = 128  # chosen: then they are merged into one, so that batches and open files stay few
NEVER_MS: Final = 2**63 - 1
FILE: Final = "file"  # the place of a report's file in the list of names, beside its columns
HELD_SCHEMA: Final = PROVENANCE_SCHEMA.append(pa.field(FILE, pa.int32(), nullable=False))
NO_ROWS: Final = pa.RecordBatch.from_pylist([], HELD_SCHEMA)
EMPTY_POSITIONS: Final = pa.RecordBatch.from_pylist([], PROVENANCE_SCHEMA)


@runtime_checkable
class Outlook(Protocol):
    """Chunks that know what can still come."""

    def floor_ms(self, lateness_ms: int) -> int | None:
        """No report still to come is expected to be older; None when nothing can be said."""


def in_time_order(
    chunks: Iterable[Chunk],
    *,
    lateness_ms: int,
    spill_dir: Path | str | None = None,
    run_rows: int = RUN_ROWS,
) -> Iterator[Chunk]:
    """The same reports and static rows, by time; rows of one time in the order in which they came.

    Rejects and the bytes read are passed on at once, in chunks without rows. A chunk that mixes files has the file `""`
    and no lines. `lateness_ms` is how far behind the newest a report may be in a file that still counts as in order;
    `spill_dir` is where temporary files go (None = the system's place for them). Raises OutputError when they cannot
    be written.
    """
    files: dict[str, int] = {}
    positions, statics, clock = (
        _Sorter(schema, run_rows, spill_dir) for schema in (HELD_SCHEMA, STATIC_SCHEMA, CLOCK_SCHEMA)
    )
    floor_ms: int | None = None
    for chunk in chunks:
        rising = chunks.floor_ms(lateness_ms) if isinstance(chunks, Outlook) else None
        if rising is not None and (floor_ms is None or rising > floor_ms):
            floor_ms = rising
            yield from _drained(positions, statics, clock, files, floor_ms - 1)
        if chunk.reject_counts or chunk.bytes_read:
            yield replace(chunk, positions=EMPTY_POSITIONS, statics=EMPTY_STATICS, clock=None)
        place = files.setdefault(chunk.file, len(files))
        column = pa.array(np.full(chunk.positions.num_rows, place, np.int32))
        positions.add(pa.RecordBatch.from_arrays([*chunk.positions.columns, column], schema=HELD_SCHEMA))
        statics.add(chunk.statics)
        if chunk.clock is not None:
            clock.add(chunk.clock)
    yield from _drained(positions, statics, clock, files, NEVER_MS)


def _drained(
    positions: "_Sorter", statics: "_Sorter", clock: "_Sorter", files: dict[str, int], until_ms: int
) -> Iterator[Chunk]:
    """Chunks of all rows up to a time; static rows and clocks come with the first report that is not older."""
    names = list(files)
    for sorter in (positions, statics, clock):
        sorter.settle(in_memory=until_ms == NEVER_MS)
    for table in positions.taken(until_ms):
        for batch in table.combine_chunks().to_batches(BATCH_ROWS):
            yield _chunk(batch, statics, clock, names, batch["t"][-1].as_py())
    rest = _chunk(NO_ROWS, statics, clock, names, until_ms)
    if rest.statics.num_rows or (rest.clock is not None and rest.clock.num_rows):
        yield rest


def _chunk(batch: pa.RecordBatch, statics: "_Sorter", clock: "_Sorter", names: list[str], until_ms: int) -> Chunk:
    places = batch[FILE].unique()
    columns = list(batch.columns[:-1])
    if len(places) > 1:
        columns[PROVENANCE_SCHEMA.get_field_index("line")] = pa.array(np.full(batch.num_rows, LINE_UNKNOWN, np.int64))
    return Chunk(
        names[places[0].as_py()] if len(places) == 1 else "",
        pa.RecordBatch.from_arrays(columns, schema=PROVENANCE_SCHEMA),
        _one(statics.taken(until_ms), STATIC_SCHEMA),
        _one(clock.taken(until_ms), CLOCK_SCHEMA),
    )


def _one(tables: Iterable[pa.Table], schema: pa.Schema) -> pa.RecordBatch:
    held = list(tables)
    whole = pa.concat_tables(held) if held else schema.empty_table()
    batches = whole.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema)


class _Sorter:
    """Rows in, rows by time out: a heap of sorted runs, the newest of them still in memory."""

    def __init__(self, schema: pa.Schema, run_rows: int, spill_dir: Path | str | None) -> None:
        self._schema = schema
        self._run_rows = run_rows
        self._spill_dir = spill_dir
        self._held: list[pa.RecordBatch] = []
        self._held_rows = 0
        self._runs: list[_Run] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Hold a batch."""
        if not batch.num_rows:
            return
        self._held.append(batch)
        self._held_rows += batch.num_rows
        if self._held_rows >= self._run_rows:
            self._spill()

    def settle(self, *, in_memory: bool) -> None:
        """Make a run of what is held, so that `taken` sees it."""
        if in_memory or self._held_rows <= BATCH_ROWS:
            if self._held:
                self._runs.append(_Run(iter(_by_time(self._release()).to_batches(BATCH_ROWS))))
        else:
            self._spill()

    def taken(self, until_ms: int) -> Iterator[pa.Table]:
        """Take the settled rows up to a time out, in order."""
        yield from _merged(self._runs, until_ms)
        self._runs = [run for run in self._runs if run.first_ms < NEVER_MS]

    def _release(self) -> pa.Table:
        table = pa.Table.from_batches(self._held, self._schema)
        self._held, self._held_rows = [], 0
        return table

    def _spill(self) -> None:
        if len(self._runs) >= MOST_RUNS:
            self._runs = [self._written(_merged(self._runs, NEVER_MS))]
        self._runs.append(self._written([_by_time(self._release())]))

    def _written(self, tables: Iterable[pa.Table]) -> "_Run":
        try:
            file = tempfile.TemporaryFile(dir=self._spill_dir)  # noqa: SIM115 - lives as long as its run
            with pa.ipc.new_stream(file, self._schema) as writer:
                for table in tables:
                    writer.write_table(table, max_chunksize=BATCH_ROWS)
            file.seek(0)
        except OSError as error:
            place = self._spill_dir or tempfile.gettempdir()
            raise OutputError(f"{place} cannot hold reports to be sorted ({error}); free space there") from error
        return _Run(_read_back(file))


def _read_back(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    with file, pa.ipc.open_stream(file) as reader:
        yield from reader


class _Run:
    """Sorted rows, read batch by batch."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._load()

    def _load(self) -> None:
        self._batch = next(self._batches, None)
        self._t_ms = self._batch["t"].to_numpy() if self._batch is not None else np.zeros(0, np.int64)
        self._at = 0
        self.first_ms = int(self._t_ms[0]) if len(self._t_ms) else NEVER_MS
        self.last_ms = int(self._t_ms[-1]) if len(self._t_ms) else NEVER_MS

    def take(self, until_ms: int) -> pa.RecordBatch | None:
        """The rows of the batch in memory up to a time; None when there are none."""
        end = int(np.searchsorted(self._t_ms, until_ms, side="right"))
        if self._batch is None or end == self._at:
            return None
        taken = self._batch.slice(self._at, end - self._at)
        if end == len(self._t_ms):
            self._load()
        else:
            self._at, self.first_ms = end, int(self._t_ms[end])
        return taken


def _merged(runs: list[_Run], until_ms: int) -> Iterator[pa.Table]:
    """Rows of all runs up to a time, in order; each run's batch in memory bounds how far one step can go."""
    while True:
        bound_ms = until_ms
        for run in runs:
            if run.first_ms <= bound_ms:
                bound_ms = min(bound_ms, run.last_ms)
        taken = [part for run in runs if (part := run.take(bound_ms)) is not None]
        if not taken:
            return
        yield _by_time(pa.Table.from_batches(taken))


def _by_time(table: pa.Table) -> pa.Table:
    """Rows sorted by time, those of one time as they stand; the table itself when it is sorted."""
    t_ms = table["t"].to_numpy()
    if (t_ms[1:] >= t_ms[:-1]).all():
        return table
    return table.take(pa.array(np.argsort(t_ms, kind="stable")))
