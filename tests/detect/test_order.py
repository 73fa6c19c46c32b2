"""The one total order against Python's sorted."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.detect.engine import Rows, _in_order
from maritime.detect.kernels.order import is_ordered

DTYPES = ("u4", "i8", "f8", "f8", "f4", "f4", "f4", "u1", "u1", "u2")
Report = tuple[float, ...]


def odd(bits: int) -> float:
    """A NaN of other bits than the usual ones."""
    return struct.unpack("<d", struct.pack("<q", bits))[0]


floats = st.sampled_from([0.0, -0.0, 1.5, -1.5, math.nan, -math.nan, math.inf, odd(0x7FF8000000000001), 1e-300])
few = st.sampled_from([0, 1, 2, 255])
reports = st.tuples(
    st.sampled_from([211_000_000, 211_000_001, 999_999_999]), st.sampled_from([0, 1, 1000, 1 << 32]),
    floats, floats, floats, floats, floats, few, few, few,
)  # fmt: skip


def rows_of(listed: list[Report], t0: int = 1_600_000_000_000) -> Rows:
    columns = list(zip(*listed, strict=True)) or [()] * 10
    with np.errstate(over="ignore"):
        rows = Rows(*(np.array(column, dtype) for column, dtype in zip(columns, DTYPES, strict=True)))
    return rows._replace(t=rows.t + t0)


def listed(rows: Rows) -> list[tuple[int, ...]]:
    """Rows as time, MMSI, then the content's bits."""
    whole = [
        column.view(f"i{column.dtype.itemsize}") if column.dtype.kind == "f" else column
        for column in (rows.t, rows.mmsi, *rows[2:])
    ]
    return [tuple(int(x) for x in row) for row in zip(*whole, strict=True)]


@settings(max_examples=300, deadline=None)
@given(st.lists(reports, max_size=40))
def test_time_then_mmsi_then_content(told):
    rows = rows_of(told)
    assert listed(_in_order(rows)) == sorted(listed(rows))


@settings(deadline=None)
@given(st.lists(reports, min_size=2, max_size=20), st.sampled_from([1 << 33, 50 * 365 * 86_400_000]))
def test_over_any_span_of_time(told, span_ms):
    rows = rows_of(told)
    rows.t[-1] += span_ms
    assert listed(_in_order(rows)) == sorted(listed(rows))


@settings(deadline=None)
@given(st.lists(reports, min_size=2, max_size=20), st.sampled_from([(1 << 30) - 1, 1 << 30, (1 << 32) - 1]))
def test_of_any_number_that_may_stand_for_an_mmsi(told, mmsi):
    rows = rows_of(told)
    rows.mmsi[0] = mmsi
    assert listed(_in_order(rows)) == sorted(listed(rows))


@settings(deadline=None)
@given(st.lists(reports, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_however_they_arrive(told, random):
    shuffled = random.sample(told, len(told))
    assert listed(_in_order(rows_of(told))) == listed(_in_order(rows_of(shuffled)))


@settings(deadline=None)
@given(st.lists(reports, min_size=1, max_size=20))
def test_ordered_rows_are_seen_to_be(told):
    rows = rows_of(told)
    columns = (rows.t, rows.mmsi, *(c.view(f"i{c.dtype.itemsize}") if c.dtype.kind == "f" else c for c in rows[2:]))
    assert is_ordered(*columns) == (listed(rows) == sorted(listed(rows)))


@pytest.mark.parametrize("n", [2, 3, 1000, 20_000])
def test_a_long_run_of_one_vessel_at_one_time(n):
    rng = np.random.default_rng(n)
    told = [(211_000_000, 0, *rng.integers(0, 9, 8).astype(float)) for _ in range(n)]
    rows = rows_of(told)
    assert listed(_in_order(rows)) == sorted(listed(rows))


def test_nothing_and_one():
    assert listed(_in_order(rows_of([]))) == []
    one = [(211_000_000, 5, *[1.0] * 8)]
    assert listed(_in_order(rows_of(one))) == listed(rows_of(one))
