"""Time order: the same rows, sorted, whatever the order of files and rows, in bounded memory."""

import random
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.columns import CLOCK_SCHEMA, PROVENANCE_SCHEMA, STATIC_SCHEMA, Chunk, SourceTable
from maritime.errors import OutputError
from maritime.sources import ordering
from maritime.sources.inputs import Inputs
from maritime.sources.ordering import in_time_order
from maritime.units import DAY_MS, HOUR_MS
from tests.sources.gather import Gathered, gather, shared

LATENESS_MS = 120_000
START_MS = 1_577_836_800_000  # 2020-01-01


def chunk(times_ms: list[int], file: str = "a", first_line: int = 1) -> Chunk:
    n = len(times_ms)
    columns = {
        **{
            "mmsi": np.arange(1, n + 1),
            "t": times_ms,
            "line": np.arange(first_line, first_line + n),
            "source": [1] * n,
        },
        **{name: [0] * n for name in ("lat", "lon", "sog", "cog", "heading", "nav_status", "msg_type", "utc_s")},
    }
    statics = [{"mmsi": i + 1, "t": t, "name": str(t)} for i, t in enumerate(times_ms) if t % 3 == 0]
    clock = [{"source": 1, "t": t, "reported": t} for t in times_ms if t % 5 == 0]
    return Chunk(
        file,
        pa.record_batch([pa.array(columns[f.name], f.type) for f in PROVENANCE_SCHEMA], schema=PROVENANCE_SCHEMA),
        pa.RecordBatch.from_pylist(statics, STATIC_SCHEMA),
        pa.RecordBatch.from_pylist(clock, CLOCK_SCHEMA),
        bytes_read=n,
    )


@given(
    st.lists(st.lists(st.integers(0, 300), max_size=30), max_size=12),
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(2, 5),
)
def test_any_chunks_come_out_by_time(chunks: list[list[int]], run_rows: int, batch_rows: int, most_runs: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "BATCH_ROWS", batch_rows)
        patch.setattr(ordering, "MOST_RUNS", most_runs)
        got = list(in_time_order([chunk(c) for c in chunks], lateness_ms=LATENESS_MS, run_rows=run_rows))
    times_ms = [t for c in got for t in c.positions["t"].to_pylist()]
    assert times_ms == sorted(t for c in chunks for t in c)
    assert [t for c in got for t in c.statics["t"].to_pylist()] == [t for t in times_ms if t % 3 == 0]
    assert [t for c in got if c.clock for t in c.clock["t"].to_pylist()] == [t for t in times_ms if t % 5 == 0]
    assert sum(c.bytes_read for c in got) == sum(len(c) for c in chunks)
    newest = -1
    for c in got:  # who a vessel is comes no later than its report, and not before the reports that are older
        for t in c.statics["t"].to_pylist():
            assert t >= newest
        newest = max([newest, *c.positions["t"].to_pylist()])
        assert all(t <= newest for t in c.statics["t"].to_pylist())


def test_rows_of_one_time_keep_their_order_and_rows_their_values() -> None:
    got = list(in_time_order([chunk([5, 5, 1]), chunk([5, 0], first_line=4)], lateness_ms=LATENESS_MS))
    rows = [row for c in got for row in c.positions.to_pylist()]
    assert [(r["t"], r["line"], r["mmsi"]) for r in rows] == [(0, 5, 2), (1, 3, 3), (5, 1, 1), (5, 2, 2), (5, 4, 1)]


def test_a_chunk_that_mixes_files_says_so() -> None:
    got = [c for c in in_time_order([chunk([1, 3], "a"), chunk([2], "b")], lateness_ms=0) if c.positions.num_rows]
    assert [(c.file, c.positions["line"].to_pylist()) for c in got] == [("", [0, 0, 0])]
    got = [c for c in in_time_order([chunk([1, 3], "a")], lateness_ms=0) if c.positions.num_rows]
    assert [(c.file, c.positions["line"].to_pylist()) for c in got] == [("a", [1, 2])]


def write_day(path: Path, times_ms: list[int]) -> None:
    path.write_text("mmsi,t,lat,lon\n" + "".join(f"{i % 7 + 1},{t / 1000:.3f},1,2\n" for i, t in enumerate(times_ms)))


def test_daily_files_stream_through_and_only_a_few_are_held(tmp_path: Path) -> None:
    for day in range(8):
        write_day(tmp_path / f"{day}.csv", [START_MS + day * DAY_MS + minute * 60_000 for minute in range(1440)])
    inputs = Inputs([tmp_path], SourceTable())
    read = given_out = most_held = 0
    for c in in_time_order(inputs, lateness_ms=LATENESS_MS):
        read = sum(r.positions for r in inputs.reads)
        given_out += c.positions.num_rows
        most_held = max(most_held, read - given_out)
    assert given_out == 8 * 1440
    assert most_held <= 3 * 1440


@pytest.mark.parametrize("seed", range(4))
def test_overlapping_shuffled_and_vessel_sorted_files_come_out_by_time(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    expected = []
    for file in range(5):
        begin = START_MS + chance.randrange(4 * 24) * HOUR_MS
        times_ms = [begin + second * 5000 for second in range(3000)]
        if file % 2:
            times_ms.sort(key=lambda t: t // 5000 % 7)  # by vessel
        elif seed % 2:
            chance.shuffle(times_ms)
        expected += times_ms
        write_day(tmp_path / f"{file}.csv", times_ms)
    inputs = Inputs([tmp_path], SourceTable(), block_bytes=1 << 14)
    got = list(in_time_order(inputs, lateness_ms=LATENESS_MS, run_rows=1000))
    assert [t for c in got for t in c.positions["t"].to_pylist()] == sorted(expected)
    assert not inputs.failures


def test_real_directory_of_mixed_formats_keeps_every_row() -> None:
    folder = shared("tracks")
    ordered = Gathered().add(in_time_order(Inputs([folder], SourceTable()), lateness_ms=LATENESS_MS, run_rows=30_000))
    plain = gather(folder)
    assert [r["t"] for r in ordered.rows] == sorted(r["t"] for r in plain.rows)
    assert len(ordered.statics) == len(plain.statics)
    assert ordered.bytes_read == plain.bytes_read == plain.total_bytes


def test_nothing_stays_on_disk_after_an_error_or_an_interruption(tmp_path: Path) -> None:
    def broken() -> Iterator[Chunk]:
        yield chunk(list(range(100, 0, -1)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(in_time_order(broken(), lateness_ms=0, spill_dir=tmp_path, run_rows=10))
    stopped = in_time_order([chunk(list(range(100, 0, -1)))], lateness_ms=0, spill_dir=tmp_path, run_rows=10)
    assert next(stopped).bytes_read == 100
    next(stopped)
    assert not list(tmp_path.iterdir())  # not even while it runs


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot hold reports to be sorted .*File too large"):
            list(in_time_order([chunk(list(range(5000, 0, -1)))], lateness_ms=0, spill_dir=tmp_path, run_rows=100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(OutputError, match="gone cannot hold"):
        list(in_time_order([chunk([2, 1])], lateness_ms=0, spill_dir=tmp_path / "gone", run_rows=1))
