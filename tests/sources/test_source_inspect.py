"""What inspect says about real and made files."""

import json
from pathlib import Path

import numpy as np
import pytest

from maritime.errors import InputError
from maritime.sources.inspect import inspect
from tests.sources.gather import gather, shared


@pytest.mark.parametrize(
    "name",
    ["tracks/danish_aisdk_2026-04-26_97s.csv", "nmea/dma_aislib_stream_example.txt", "tracks/solent_2016-01-12.csv"],
)
def test_figures_of_real_files_equal_a_naive_count(name: str) -> None:
    found, got = inspect(shared(name)), gather(shared(name))
    known = [(row["lat"], row["lon"]) for row in got.rows if row["lat"] is not None]
    times_ms = np.array([row["t"] for row in got.rows])
    assert found.rows == len(got.rows)
    assert found.withheld_rows == len(got.rows) - len(known)
    assert found.vessels == len({row["mmsi"] for row in got.rows} | {row["mmsi"] for row in got.statics})
    assert found.area is not None
    assert (found.area.south, found.area.north) == pytest.approx((min(known)[0], max(known)[0]), abs=1e-6)
    assert (found.area.west, found.area.east) == pytest.approx(
        (min(lon for _, lon in known), max(lon for _, lon in known)), abs=1e-6
    )
    assert found.furthest_back_s == (np.maximum.accumulate(times_ms) - times_ms).max() / 1000
    assert found.in_time_order == bool((np.diff(times_ms) >= 0).all())
    assert sum(found.transceivers.values()) == found.rows
    keys = [(row["mmsi"], row["t"], row["lat"], row["lon"]) for row in got.rows]
    assert found.repeated_share == pytest.approx(1 - len(set(keys)) / len(keys), abs=1e-4)
    assert json.loads(json.dumps(found.to_dict()))["rows"] == found.rows


def test_defects_have_a_count_and_the_first_example(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "mmsi,time,lat,lon\n1,100000000000,1,2\nx,1600000010,1,2\n1,1600000000,1,2\n1,1600000030,1,2\ny,1,1,2\n"
    )
    found = inspect(path)
    assert {reason: (d.rows, d.line, d.content) for reason, d in found.defects.items()} == {
        "mmsi_invalid": (2, 3, "x,1600000010,1,2"),
        "time_out_of_range": (1, 2, "1,100000000000,1,2"),
    }
    assert (found.median_interval_s, found.begins_at) == (30, "2020-09-13T12:26:40Z")
    assert (found.formats, found.containers, found.message_types) == ({"generic": 1}, {"plain": 1}, {0: 2})


def test_a_file_that_holds_nothing_raises_and_a_cut_one_tells(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputError, match=r"empty\.csv is empty"):
        inspect(tmp_path / "empty.csv")
    path = shared("tracks/marinecadastre_hawaii_2020-01-01.zip")
    (tmp_path / "cut.zip").write_bytes(path.read_bytes()[:300_000])
    found = inspect(tmp_path / "cut.zip")
    assert found.rows > 1000
    assert any("cut off" in reason for reason in found.failures.values())
