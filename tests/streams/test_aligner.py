"""The aligner: every report once, in time, within bounds."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.columns import PROVENANCE_SCHEMA, Chunk
from maritime.sources.statics import EMPTY_STATICS
from streams.ingest.aligner import Aligner

NOW_MS = 1_700_000_000_000


def chunk_of(times_ms: list[int], first_line: int = 0) -> Chunk:
    n = len(times_ms)
    columns = {
        "mmsi": np.full(n, 1, np.uint32),
        "t": np.array(times_ms, np.int64),
        "lat": np.zeros(n),
        "lon": np.zeros(n),
        "sog": np.zeros(n, np.float32),
        "cog": np.zeros(n, np.float32),
        "heading": np.zeros(n, np.float32),
        "nav_status": np.zeros(n, np.uint8),
        "msg_type": np.ones(n, np.uint8),
        "source": np.zeros(n, np.uint16),
        "line": np.arange(first_line, first_line + n, dtype=np.int64),
        "utc_s": np.zeros(n, np.uint8),
    }
    batch = pa.record_batch([pa.array(columns[field.name]) for field in PROVENANCE_SCHEMA], schema=PROVENANCE_SCHEMA)
    return Chunk("", batch, EMPTY_STATICS)


def times(aligned) -> list[int]:
    return aligned.positions["t"].to_pylist()


def test_one_source_is_never_held():
    aligner = Aligner()
    aligner.open("a", NOW_MS)
    aligner.take("a", chunk_of([5, 3, 9]), NOW_MS)
    assert times(aligner.release(NOW_MS)) == [5, 3, 9]


def test_reports_wait_until_the_other_source_has_reached_their_time():
    aligner = Aligner()
    for name in "ab":
        aligner.open(name, NOW_MS)
    aligner.take("a", chunk_of([NOW_MS + 1, NOW_MS + 2, NOW_MS + 4]), NOW_MS)
    assert not aligner.release(NOW_MS).rows
    aligner.take("b", chunk_of([NOW_MS, NOW_MS + 2]), NOW_MS)
    assert times(aligner.release(NOW_MS)) == [NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS + 2]
    aligner.take("b", chunk_of([NOW_MS + 9]), NOW_MS)
    assert times(aligner.release(NOW_MS)) == [NOW_MS + 4]


def test_nobody_is_waited_for_longer_than_the_hold():
    aligner = Aligner(hold_s=5.0)
    for name in "ab":
        aligner.open(name, NOW_MS)
    aligner.take("a", chunk_of([NOW_MS]), NOW_MS)
    assert not aligner.release(NOW_MS + 4_999).rows
    assert aligner.release(NOW_MS + 5_000).rows == 1


def test_idle_and_ended_sources_are_not_waited_for():
    aligner = Aligner(hold_s=1e9, idle_s=60.0)
    for name in "abc":
        aligner.open(name, NOW_MS)
    aligner.end("c")
    aligner.take("a", chunk_of([NOW_MS + 59_000]), NOW_MS + 59_000)
    assert not aligner.release(NOW_MS + 60_000).rows
    assert aligner.release(NOW_MS + 60_001).rows == 1
    assert aligner.is_idle("b", NOW_MS + 60_001)
    assert not aligner.is_idle("a", NOW_MS + 60_001)


def test_a_stray_stamp_says_nothing_of_how_far_its_source_is():
    aligner = Aligner()
    for name in "ab":
        aligner.open(name, NOW_MS)
    aligner.take("a", chunk_of([NOW_MS + 10**12]), NOW_MS)
    aligner.take("b", chunk_of([NOW_MS]), NOW_MS)
    assert not aligner.release(NOW_MS).rows
    assert aligner.release(NOW_MS + 5_000).rows == 2, "the stray waits no longer than others"


def test_a_full_source_is_to_be_left_unread():
    aligner = Aligner(hold_s=1e9, most_rows=3)
    for name in "ab":
        aligner.open(name, NOW_MS)
    aligner.take("a", chunk_of([1, 2]), NOW_MS)
    assert aligner.has_room("a")
    aligner.take("a", chunk_of([3, 4]), NOW_MS)
    assert not aligner.has_room("a")
    assert aligner.has_room("b")


steps = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.lists(st.integers(-20_000, 20_000), max_size=6),  # event times beside the wall clock
        st.integers(0, 30_000),  # wall time that passes
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(steps=steps, hold_s=st.sampled_from([0.0, 2.0, 5.0, 1e6]), idle_s=st.sampled_from([1.0, 10.0, 60.0]))
def test_nothing_lost_nothing_twice_in_order_within_the_hold(steps, hold_s, idle_s):
    aligner = Aligner(hold_s=hold_s, idle_s=idle_s)
    for name in "abc":
        aligner.open(name, NOW_MS)
    now_ms, number = NOW_MS, 0
    came: dict[int, int] = {}
    left: list[int] = []
    reached_ms = 0
    for name, offsets, pause_ms in steps:
        chunk = chunk_of([now_ms + offset for offset in offsets], number)
        came |= dict.fromkeys(range(number, number + len(offsets)), now_ms)
        number += len(offsets)
        aligner.take(name, chunk, now_ms)
        for at_ms in (now_ms, now_ms + pause_ms):
            released = aligner.release(at_ms)
            lines = released.positions["line"].to_pylist()
            left += lines
            t_ms = times(released)
            held = came.keys() - set(left)
            assert all(at_ms - came[line] < hold_s * 1000 for line in held), "held too long"
            assert aligner.held_rows == len(held)
            if t_ms:
                several = len({came_from(line, steps) for line in lines}) > 1
                assert not several or t_ms == sorted(t_ms)
                reached_ms = max(reached_ms, max(t_ms))
        now_ms += pause_ms
    left += aligner.drain().positions["line"].to_pylist()
    assert sorted(left) == list(range(number))


def came_from(line: int, steps) -> str:
    for name, offsets, _ in steps:
        if line < len(offsets):
            return name
        line -= len(offsets)
    raise AssertionError


@settings(max_examples=100, deadline=None)
@given(
    a=st.lists(st.integers(0, 50), min_size=1, max_size=40),
    b=st.lists(st.integers(0, 50), min_size=1, max_size=40),
    cuts=st.lists(st.integers(1, 5), min_size=80, max_size=80),
)
def test_two_sources_in_order_become_one_in_order(a, b, cuts):
    """However they run ahead of each other, as long as both are live and in order themselves."""
    aligner = Aligner(hold_s=1e6)
    streams = {name: np.cumsum(steps) + NOW_MS for name, steps in (("a", a), ("b", b))}
    for name in streams:
        aligner.open(name, NOW_MS)
    out: list[int] = []
    at = dict.fromkeys(streams, 0)
    turn = iter(cuts)
    while any(at[name] < len(streams[name]) for name in streams):
        for name, times_ms in streams.items():
            step = next(turn, 5)
            part = times_ms[at[name] : at[name] + step].tolist()
            at[name] += len(part)
            if part:
                aligner.take(name, chunk_of(part), NOW_MS)
            out += times(aligner.release(NOW_MS))
    out += times(aligner.drain())
    assert out == sorted([*streams["a"].tolist(), *streams["b"].tolist()])
