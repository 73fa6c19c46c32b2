"""What is learned of reception from heartbeats, against sets of vessels in tests/naive_reception.py."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.detect.heartbeat import HeartbeatMaker, TimeSettings
from maritime.detect.kernels.heartbeat import who_bit
from maritime.detect.kernels.reception import (
    _roll,
    cell_slot,
    hear,
    heard_near,
    inside_extent,
    others_rested,
    outside_extent_m,
    popcount,
    rest,
)
from maritime.detect.state import Reception, new_reception
from maritime.geo.cells import RECEPTION_CELL_DEG, cell_of
from tests.detect.sea import batch, mmsis
from tests.detect.walk import T0_MS
from tests.naive_reception import KEEP, WINDOW, Ears, Report, RoundingDecides

FIRST = T0_MS // WINDOW
NOBODY = np.uint64(0)
PLACES = [(1.5, 8.5), (0.02, 179.97), (78.03, 15.0), (-60.0, -179.99)]


def learned(reports: list[Report]) -> tuple[Reception, int]:
    """The memory of all heartbeats, and the last window that they close. A report later on lets time pass."""
    maker = HeartbeatMaker(TimeSettings())
    last_ms = max(r.t for r in reports)
    later = reports[0]._replace(t=last_ms // WINDOW * WINDOW + WINDOW + 60_000 + 200_000)
    beats = [maker.feed(batch([*reports, later]))]
    reception = new_reception(4096, 4096)
    window = FIRST
    for part in beats:
        for i, beat_ms in enumerate(part.watermark_ms.tolist()):
            if beat_ms % WINDOW == 0:
                window = beat_ms // WINDOW - 1
                heard = [column[part.heard_from[i] : part.heard_from[i + 1]] for column in part.heard]
                cell, group, vessels, slow, _, _, who, box = heard
                hear(reception, window, cell, group, vessels, slow, who, box)
                rest(reception, window, *(c[part.resting_from[i] : part.resting_from[i + 1]] for c in part.resting))
    return reception, window


def wrapped(lon: float) -> float:
    return (lon + 540.0) % 360.0 - 180.0


@st.composite
def heard_somewhere(draw: st.DrawFn) -> list[Report]:
    """Some fifty reports of a dozen vessels in a few cells, over some hours."""
    lat, lon = draw(st.sampled_from(PLACES))
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 11),
                st.integers(0, 40 * WINDOW),
                st.floats(-0.35, 0.35),
                st.floats(-0.35, 0.35),
                st.sampled_from([0.0, 0.4, 1.5, 8.0, math.nan]),
                st.sampled_from([1, 2]),
                st.sampled_from([1, 3, 18, 27, 0, 4, 21]),
            ),
            min_size=1,
            max_size=60,
        )
    )
    last = Report(mmsis()[0], T0_MS + 42 * WINDOW, lat, lon, 5.0, 0.0)
    return [
        Report(mmsis()[who], T0_MS + t, lat + north, wrapped(lon + east), sog, 0.0, source, kind)
        for who, t, north, east, sog, source, kind in rows
    ] + [last]


PROBE = st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))


@settings(max_examples=60)
@given(reports=heard_somewhere(), probe=PROBE, ring=st.sampled_from([1, 2, 4, 10]), own=st.integers(0, 11))
def test_heard_near_against_sets(reports, probe, ring, own):
    reception, window = learned(reports)
    ears = Ears(reports)
    lat, lon = reports[-1].lat + probe[0], wrapped(reports[-1].lon + probe[1])
    now, usual, who, slow_share = heard_near(reception, lat, lon, ring, window, who_bit(mmsis()[own]))
    assert now == ears.now(window, lat, lon, ring)
    assert usual == pytest.approx(ears.usual(window, lat, lon, ring), rel=1e-5, nan_ok=True)
    assert slow_share == pytest.approx(ears.usual_slow_share(window, lat, lon, ring), rel=1e-5, nan_ok=True)
    others = ears.who(window, lat, lon, ring, mmsis()[own])
    assert who == sum(int(who_bit(mmsi)) for mmsi in others)
    assert popcount(who) == len(others)


@settings(max_examples=60)
@given(reports=heard_somewhere(), probe=PROBE, own=st.integers(0, 11))
def test_others_rested_against_sets(reports, probe, own):
    reception, window = learned(reports)
    close = [(r.lat, r.lon) for r in reports[:5]] + [(reports[-1].lat + probe[0] / 20, reports[-1].lon)]
    ears = Ears(reports)
    for lat, lon in close:
        others = ears.others_at_rest(window, lat, lon, mmsis()[own])
        assert others_rested(reception, lat, lon, who_bit(mmsis()[own])) == len(others)


@settings(max_examples=60)
@given(reports=heard_somewhere(), probe=PROBE, margin_m=st.sampled_from([0.0, 1852.0, 20_000.0]))
def test_inside_extent_against_all_that_was_heard(reports, probe, margin_m):
    reception, window = learned(reports)
    ears = Ears(reports)
    for lat, lon in [(reports[-1].lat + probe[0], wrapped(reports[-1].lon + probe[1])), reports[0][2:4]]:
        try:
            expected = ears.inside(window, lat, lon, margin_m)
        except RoundingDecides:
            continue
        assert inside_extent(reception, lat, lon, margin_m) == expected
        if ears.extent(window):
            assert outside_extent_m(reception, lat, lon) == pytest.approx(ears.outside_m(window, lat, lon), abs=1e-3)


@given(bits=st.integers(0, 2**64 - 1))
def test_popcount(bits):
    assert popcount(np.uint64(bits)) == bin(bits).count("1")


def test_a_window_that_rolls_on_fades_into_the_past():
    cells = new_reception().cells[:1]
    cells["window"], cells["vessels"], cells["slow"], cells["who"] = 100, [[3, 1, 0]], 2, 7
    cells["vessels_sum"], cells["slow_sum"] = 10.0, 1.0
    untouched = cells.copy()
    _roll(cells[0], 100)
    _roll(cells[0], 99)
    assert cells == untouched
    _roll(cells[0], 105)
    assert cells["vessels_sum"][0] == pytest.approx(14 * KEEP**5)
    assert cells["slow_sum"][0] == pytest.approx(3 * KEEP**5)
    assert (cells["vessels"].sum(), cells["slow"][0], cells["who"][0], cells["window"][0]) == (0, 0, 0, 105)


def here(
    window: int, *vessels: int, source: int = 1, kind: int = 1, lat: float = 1.5, lon: float = 8.5
) -> list[Report]:
    return [Report(mmsis()[k], (FIRST + window) * WINDOW, lat, lon, 5.0, 0.0, source, kind) for k in vessels]


def test_usual_is_the_mean_of_the_windows_before_and_forgets_over_half_a_day():
    often = [r for w in range(100) for r in here(w, 0, 1, 2)]
    reception, window = learned(often + here(100, 0))
    assert heard_near(reception, 1.5, 8.5, 1, window, NOBODY)[:2] == (1.0, pytest.approx(3.0, rel=1e-5))
    reception, window = learned(often + here(200, 0, lat=-30.0))
    now, usual, *_ = heard_near(reception, 1.5, 8.5, 1, window, NOBODY)
    weights = np.exp(-np.arange(1, 201) / 72)  # of the windows before, newest first
    assert (now, usual) == (0.0, pytest.approx(3 * weights[100:].sum() / weights.sum(), rel=1e-5))


def test_where_nobody_was_ever_heard_nothing_is_usual():
    reception, window = learned(here(0, 0) + here(3, 0))
    now, usual, who, slow_share = heard_near(reception, 20.0, 8.5, 10, window, NOBODY)
    assert (now, int(who)) == (0.0, 0)
    assert math.isnan(usual)
    assert math.isnan(slow_share)
    assert heard_near(new_reception(), 1.5, 8.5, 1, window, NOBODY)[0] == 0.0


def test_a_vessel_that_two_sources_hear_counts_once_and_classes_add_up():
    reception, window = learned(
        here(0, 0, 1) + here(0, 0, 1, 2, source=2) + here(0, 3, kind=18) + here(1, 9, lat=-30.0)
    )
    assert heard_near(reception, 1.5, 8.5, 1, window, NOBODY)[1] == pytest.approx(4.0)


def test_one_glitch_does_not_widen_the_area_heard():
    everyday = [r for w in range(5) for r in here(w, 0, lat=1.4, lon=8.4) + here(w, 1, lat=1.6, lon=8.6)]
    glitch = here(2, 0, lat=60.0, lon=-40.0)
    reception, _ = learned(everyday + glitch)
    assert inside_extent(reception, 1.5, 8.5, 0.0)
    assert not inside_extent(reception, 30.0, 0.0, 0.0)
    reception, _ = learned(everyday + glitch + here(4, 0, lat=60.0, lon=-40.0))
    assert inside_extent(reception, 30.0, 0.0, 0.0)


def test_nothing_lies_inside_before_anything_is_heard():
    assert not inside_extent(new_reception(), 1.5, 8.5, 0.0)


def test_a_box_round_the_whole_earth_has_no_edge_in_longitude():
    reports = [r for w in range(3) for r in here(w, 0, lat=1.0, lon=179.5) + here(w, 1, lat=2.0, lon=-179.5)]
    reception, _ = learned(reports)
    assert inside_extent(reception, 1.5, 180.0, 1852.0)
    assert not inside_extent(reception, 2.5, 180.0, 0.0)


def test_every_cell_keeps_its_own_slot():
    keys = np.full(1024, -1, np.int64)
    cells = {int(cell_of(0.1 * k, 0.3 * k, RECEPTION_CELL_DEG)) for k in range(500)}
    for cell in cells:
        slot = cell_slot(keys, cell)
        assert keys[slot] == -1
        keys[slot] = cell
    assert {int(keys[cell_slot(keys, cell)]) for cell in cells} == cells
