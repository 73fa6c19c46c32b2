"""What must hold for any content: blocks do not change the rows, the two ways through a CSV agree, kernels equal their
slow twins.
"""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.sources.csv_table import CsvReader
from maritime.sources.kernels import rows as row_kernel
from maritime.sources.kernels.survey import count_intervals, count_repeats
from maritime.sources.mapping import ColumnMapping, TimeFormat
from maritime.sources.statics import StaticChanges
from maritime.sources.table import OLDEST_MS, REASONS
from maritime.sources.values import INVALID_MS, number, times
from tests import naive_sources as naive
from tests.sources.gather import Gathered, gather, shared

FIELDS = st.one_of(
    st.sampled_from(
        ["", "60", " 5.25 ", "+7", ".5", "5.", "1e1", "1e999", "inf", "nan", "Unknown", "0x10", "-0", '"5"', 'a"b', '"']
    ),
    st.floats(-200, 200).map(repr),
    st.text('0123456789.,-"\0\r xé', max_size=6),
)
ROWS = st.lists(
    st.tuples(
        st.one_of(st.integers(1, 10**9).map(str), FIELDS),
        st.one_of(st.just("2020-01-01T00:00:00Z"), FIELDS),
        *[FIELDS] * 5,
    ).map(",".join),
    max_size=12,
)


def same(one: Gathered, other: Gathered) -> None:
    assert one.rows == other.rows
    assert one.statics == other.statics
    assert one.rejects == other.rejects
    assert one.counts == other.counts
    assert one.sources == other.sources


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


@given(rows=ROWS, block_bytes=st.integers(1, 200))
def test_blocks_do_not_change_what_is_read(folder: Path, rows: list[str], block_bytes: int) -> None:
    path = folder / "any.csv"
    path.write_text("\n".join(["mmsi,time,lat,lon,sog,name,draught", *rows]), newline="")
    same(gather(path), gather(path, block_bytes=block_bytes))


@given(rows=ROWS)
def test_the_fast_way_through_a_csv_equals_the_one_line_by_line(folder: Path, rows: list[str]) -> None:
    path = folder / "any.csv"
    path.write_text("\n".join(["mmsi,time,lat,lon,sog,name,draught", *rows]), newline="")
    fast = gather(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CsvReader, "_fast", lambda self, text: ({}, -1))
        same(fast, gather(path))


@pytest.mark.parametrize(
    "name",
    [
        "tracks/danish_aisdk_2026-04-26_97s.csv",
        "tracks/german_bight_2022-11-01_1h.csv.gz",
        "tracks/messages_20170922.json",
        "tracks/marinecadastre_hawaii_2020-01-01.zip",
    ],
)
def test_blocks_do_not_change_real_files(name: str) -> None:
    same(gather(shared(name)), gather(shared(name), block_bytes=50_001))


def test_the_fast_way_is_taken_for_real_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CsvReader, "_chunk_by_line", lambda self, block: pytest.fail("line by line"))
    for name in ("danish_aisdk_2026-04-26_97s.csv", "marinecadastre_sf_bay_2020-01-01.zip", "solent_2016-01-12.csv"):
        assert gather(shared(f"tracks/{name}")).rows


MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31))
ZONES = st.sampled_from(["", "Z", " UTC", " GMT", "+02:00", "-0530", " +0000 UTC", "+14"])


def parsed(text: str, order: str) -> int | None:
    (t_ms,) = times(pa.array([text.encode()], pa.binary()), TimeFormat(format=order)).tolist()
    return None if t_ms == INVALID_MS else t_ms


@given(moment=MOMENTS, separator=st.sampled_from("T _"), digits=st.integers(0, 9), zone=ZONES)
def test_iso_times_equal_datetimes(moment: datetime, separator: str, digits: int, zone: str) -> None:
    fraction = f".{moment.microsecond:06d}000"[: digits + 1] if digits else ""
    text = moment.strftime(f"%Y-%m-%d{separator}%H:%M:%S").rjust(19, "0") + fraction + zone
    assert parsed(text, "auto") == naive.time_ms(text, "auto") is not None


@given(moment=MOMENTS, order=st.sampled_from(["day_first", "month_first"]))
def test_european_and_american_dates_equal_datetimes(moment: datetime, order: str) -> None:
    date = f"{moment.day:02d}/{moment.month:02d}" if order == "day_first" else f"{moment.month:02d}/{moment.day:02d}"
    text = f"{date}/{moment.year:04d} {moment:%H:%M:%S}"
    assert parsed(text, order) == naive.time_ms(text, order) is not None


@given(st.one_of(st.integers(0, 10**19 - 1).map(str), st.floats(0, 10**10).map(lambda x: f"{x:.5f}")))
def test_numbers_are_times_since_1970(text: str) -> None:
    assert parsed(text, "auto") == naive.time_ms(text, "auto")


@given(st.text("0123456789-/:. TZ+", max_size=24), st.sampled_from(["auto", "day_first", "month_first"]))
def test_any_text_is_a_time_or_none_and_never_a_crash(text: str, order: str) -> None:
    found, expected = parsed(text, order), naive.time_ms(text, order)
    assert found == expected or None in (found, expected)  # strptime takes other spellings than the kernel does


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("2020-02-30T00:00:00", "auto"),
        ("2021-02-29 00:00", "auto"),
        ("2020-13-01 00:00", "auto"),
        ("2020-01-01", "auto"),
        ("2020-01-01T24:00:00", "auto"),
        ("2020-01-01T00:60", "auto"),
        ("2020-01-01T00:00:00 CET", "auto"),
        ("2020-01-01T00:00:00+2", "auto"),
        ("01/02/2020 10:00", "auto"),
        ("2020/01/02 10:00", "day_first"),
        ("13/13/2020 10:00", "day_first"),
        ("12/31/2020 10:00", "day_first"),
        ("1.2.3", "auto"),
        ("-5", "auto"),
        ("", "auto"),
    ],
)
def test_what_is_no_time(text: str, order: str) -> None:
    assert parsed(text, order) is None


def test_compact_times_and_leap_seconds() -> None:
    moment = datetime(2021, 7, 1, 18, 51, 51, tzinfo=UTC).timestamp() * 1000
    for text in ("20210701_185151", "20210701T185151Z", "20210701185151", "2021-07-01 18:51:51", "2021/7/1 18:51:51"):
        assert parsed(text, "auto") == moment
    assert parsed("2016-12-31T23:59:60Z", "auto") == datetime(2017, 1, 1, tzinfo=UTC).timestamp() * 1000


@given(st.text("0123456789.+-e xinf", max_size=8))
def test_numbers_equal_pythons(text: str) -> None:
    value = number(text.encode())
    if math.isfinite(value):
        assert value == float(text)
    else:
        assert math.isnan(value) == (not text.strip())


COORDINATES = st.one_of(
    st.sampled_from([0.0, -0.0, 90.0, 91.0, 180.0, 181.0, -180.0, math.nan, math.inf]), st.floats(-400, 400)
)
MMSIS = st.one_of(
    st.sampled_from([math.nan, math.inf, 0.0, 1.0, 1.5, 999_999_999.0, 1e9]), st.integers(1, 10**9).map(float)
)


@given(
    st.lists(st.tuples(MMSIS, st.sampled_from([INVALID_MS, 0, OLDEST_MS, 10**12, 10**13]), COORDINATES, COORDINATES))
)
def test_verdicts_equal_their_slow_twin(rows: list[tuple[float, int, float, float]]) -> None:
    mmsi, t_ms, lat, lon = (np.array([row[i] for row in rows], np.int64 if i == 1 else np.float64) for i in range(4))
    verdicts = row_kernel.judge(mmsi, t_ms, INVALID_MS, OLDEST_MS, 10**12, lat, lon)
    for i, (m, t, y, x) in enumerate(rows):
        expected = naive.verdict(m, None if t == INVALID_MS else t, y, x, OLDEST_MS, 10**12)
        assert REASONS.get(int(verdicts[i])) == expected
        if expected is None:
            shown = tuple(None if math.isnan(v) else v for v in (lat[i], lon[i]))
            assert shown == naive.known_position(y, x)


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["", "A", "AB", "B"]), st.sampled_from(["", "A", "B"]))))
def test_changes_of_static_words_equal_their_slow_twin(rows: list[tuple[int, str, str]]) -> None:
    changes = StaticChanges(ColumnMapping())
    texts = {
        f: pa.array([row[i].encode() or None for row in rows], pa.binary()) for i, f in ((1, "name"), (2, "call_sign"))
    }
    mmsi, t_ms = np.array([row[0] for row in rows], np.uint32), np.arange(len(rows), dtype=np.int64)
    marks = naive.changes([(m, words) for m, *words in [(row[0], row[1], row[2]) for row in rows]])
    assert changes.of(mmsi, t_ms, texts)["t"].to_pylist() == np.flatnonzero(marks).tolist()


def test_static_changes_are_remembered_for_any_number_of_vessels() -> None:
    changes = StaticChanges(ColumnMapping())
    mmsi = np.arange(1, 50_001, dtype=np.uint32)
    for expected in (50_000, 0):
        found = sum(
            changes.of(part, part.astype(np.int64), {"name": pa.array([b"X"] * len(part), pa.binary())}).num_rows
            for part in np.array_split(mmsi, 13)
        )
        assert found == expected


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 20_000)), max_size=50))
def test_intervals_equal_their_slow_twin(rows: list[tuple[int, int]]) -> None:
    histogram = np.zeros(8, np.int64)
    mmsi, t_ms = np.array([m for m, _ in rows], np.uint32), np.array([t for _, t in rows], np.int64)
    taken = count_intervals(mmsi, t_ms, np.zeros(64, np.uint32), np.zeros(64, np.int64), histogram)
    expected = np.bincount([min(s, 8) for s in naive.intervals_s(rows)], minlength=9)[1:]
    assert histogram.tolist() == expected.tolist()
    assert taken == len({m for m, _ in rows})


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), max_size=60))
def test_repeats_are_counted(rows: list[tuple[int, int, int, int]]) -> None:
    mmsi, t_ms, lat, lon = (
        np.array([row[i] for row in rows], dtype)
        for i, dtype in enumerate((np.uint32, np.int64, np.float64, np.float64))
    )
    assert count_repeats(mmsi, t_ms, lat, lon, np.zeros(1 << 20, np.uint64)) == len(rows) - len(set(rows))
