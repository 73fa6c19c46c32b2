"""The log and any number of detectors find what `maritime replay` finds, to the byte."""

from functools import cache
from pathlib import Path

import pytest

from maritime.replay import replay
from maritime.simulate import load_scenario, play
from streams.memory import MemoryLog
from streams.replay_feed import feed, feeding
from streams.worker import Pace
from tests.detect.fleet import places
from tests.sources.gather import shared
from tests.streams.live import all_read, drain, final_lines, setup_of, topics, worker_of

SCENARIOS = Path(__file__).parents[2] / "configs" / "scenarios"
GRID = [(1, 1, 1), (1, 2, 7), (1, 3, 500), (3, 1, 7), (3, 2, 500), (3, 3, 1), (12, 1, 500), (12, 2, 1), (12, 3, 7)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("live")


@cache
def log_file(folder: Path, name: str) -> Path:
    path = folder / f"{name}.nmea"
    path.write_bytes(play(load_scenario(SCENARIOS / f"{name}.yaml"), name).log)
    return path


@cache
def replayed(path: Path, folder: Path) -> tuple[bytes, int]:
    out = folder / f"out-{path.name}"
    result = replay([path], out, places=places(), draw_map=False)
    return (out / "alerts.jsonl").read_bytes(), result.summary["alerts"]


def live(path: Path, partitions: int, workers: int, most_records: int, **options) -> bytes:
    log = MemoryLog(topics(partitions), markers=workers > 1)
    feed([path], log.client(group="ingest"), **options)
    setup = setup_of(partitions)
    pace = Pace(cycle_s=0, snapshot_every_s=5.0, most_records=most_records)
    drain([worker_of(log, setup, f"w{i}", pace) for i in range(workers)])
    assert all_read(log)
    return final_lines(log)


@pytest.mark.parametrize(("partitions", "workers", "most_records"), GRID)
def test_any_partitions_workers_and_polls(folder, partitions, workers, most_records):
    path = log_file(folder, "demo_andaman")
    expected, count = replayed(path, folder)
    assert count == 3
    assert live(path, partitions, workers, most_records) == expected


@pytest.mark.parametrize(
    "name", ["shared_mmsi", "outage_receiver", "distress_beacons", "position_withheld", "midnight"]
)
def test_every_kind_of_alert(folder, name):
    path = log_file(folder, name)
    expected, count = replayed(path, folder)
    assert count
    assert live(path, 12, 2, 20) == expected


@pytest.mark.parametrize(("most_rows", "chunk_rows"), [(100, 2_000), (2_000, 700), (5_000, 65_536)])
def test_any_size_of_batches_and_transactions(folder, most_rows, chunk_rows):
    path = log_file(folder, "outage_receiver")
    expected, _ = replayed(path, folder)
    assert live(path, 3, 2, 50, most_rows=most_rows, chunk_rows=chunk_rows) == expected


@pytest.mark.parametrize("name", ["marinecadastre_hawaii_2020-01-01.zip", "marinecadastre_sf_bay_2020-01-01.zip"])
def test_a_real_day(folder, name):
    path = shared(f"tracks/{name}")
    expected, count = replayed(path, folder)
    assert count
    assert live(path, 12, 3, 30) == expected


def test_detectors_that_work_while_the_log_is_written(folder):
    """Members come and go between transactions; what is in the log decides, not when it is read."""
    path = log_file(folder, "demo_andaman")
    expected, _ = replayed(path, folder)
    log = MemoryLog(topics(5))
    setup = setup_of(5)
    workers = [worker_of(log, setup, "w0")]
    for step, _ in enumerate(feeding([path], log.client(group="ingest"), chunk_rows=15_000)):
        if step in (3, 7):
            workers.append(worker_of(log, setup, f"w{step}"))
        if step == 12:
            workers.pop(0).stop()
        for worker in workers:
            worker.cycle()
    drain(workers)
    assert all_read(log)
    assert final_lines(log) == expected


def test_the_feed_counts_what_it_writes(folder):
    path = log_file(folder, "outage_receiver")
    log = MemoryLog(topics(3))
    fed = feed([path], log.client(group="ingest"))
    result = replay([path], folder / "counted", places=places(), draw_map=False)
    assert fed.reports == result.summary["reports"]
    assert fed.bytes_read == path.stat().st_size
    assert fed.heartbeats > 0
    assert not fed.failures
    missing = feed([folder / "none.csv"], log.client(group="ingest"))
    assert [failure.file for failure in missing.failures] == [str(folder / "none.csv")]
