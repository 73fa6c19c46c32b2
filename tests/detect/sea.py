"""A small sea in which vessels fall silent among others, and one engine over all that they report."""

import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from maritime.columns import POSITION_SCHEMA
from maritime.detect.engine import Engine
from maritime.detect.episode import Episode
from maritime.detect.heartbeat import Clocks, HeartbeatMaker, Heartbeats
from maritime.detect.kernels.heartbeat import who_bit
from maritime.detect.kernels.samples import STEP_DEG
from maritime.detect.places import EnginePlaces
from maritime.detect.settings import DetectSettings
from maritime.geo.coastline_kernels import coast_distance_m
from maritime.geo.ports_kernels import nearest_place_m
from tests.detect.fleet import sources
from tests.detect.walk import T0_MS, make_world, track
from tests.naive_reception import MINUTE, Report

HERE = (1.5, 8.5)  # 90 nm off the coast of tests/detect/walk.py, far from every port
EAST, WEST = 90.0, 270.0
Leg = tuple[float, float, float, float]


@cache
def places() -> EnginePlaces:
    """The coast and ports of tests/detect/walk.py."""
    with tempfile.TemporaryDirectory() as folder:
        make_world(Path(folder))
        return EnginePlaces.load(Path(folder) / "coast.geojson", [Path(folder) / "ports.csv"])


def port_m(lat: float, lon: float) -> float:
    return float(nearest_place_m(places().ports.arrays, lat, lon, 1e6)[0])


def coast_m(lat: float, lon: float) -> float:
    return float(coast_distance_m(places().coastline.arrays, lat, lon, 1e6))


@cache
def mmsis() -> list[int]:
    """Numbers that a sketch of 64 bits can tell apart."""
    by_bit = {int(who_bit(mmsi)): mmsi for mmsi in range(211_000_000, 211_000_400)}
    return sorted(by_bit.values())


def vessel(
    mmsi: int, *legs: Leg, start: tuple[float, float] = HERE, source: int = 1, msg_type: int = 1, after_min: float = 0
) -> list[Report]:
    """Reports along legs of (minutes, knots, course, seconds between reports or 0 for silence).

    Positions are whole steps of those in which samples are kept.
    """
    one = track(*legs, start=start)
    lat, lon = (np.round(column / STEP_DEG) * STEP_DEG for column in (one.lat, (one.lon + 540) % 360 - 180))
    t = one.t + round(after_min * MINUTE)
    return [
        Report(mmsi, *row, source, msg_type)
        for row in zip(*(c.tolist() for c in (t, lat, lon, one.sog, one.cog)), strict=True)
    ]


def company(
    hours: float, *, n: int = 12, middle: tuple[float, float] = HERE, apart_deg: float = 0.13, source: int = 1
) -> list[Report]:
    """Vessels that go to and fro for ten miles each, in a row from west to east; two of them spread the area heard."""
    reports: list[Report] = []
    for k in range(n):
        north = (0.3, -0.3)[k % 2] if k < 2 else 0.03 * (k % 4)
        start = middle[0] + north, middle[1] + (k - n / 2) * apart_deg
        legs = [(61.0, 10.0 + k % 3, (EAST, WEST)[turn % 2], 120.0) for turn in range(math.ceil(hours))]
        reports += vessel(mmsis()[k], *legs, start=start, source=source, after_min=k * 0.7 / n)
    return [r for r in reports if r.t < T0_MS + hours * 60 * MINUTE]


def unheard(reports: Sequence[Report], when: Callable[[Report], bool]) -> list[Report]:
    """Without the reports that nobody heard."""
    return [r for r in reports if not when(r)]


def minutes(t_ms: float) -> float:
    """Since the first report."""
    return (t_ms - T0_MS) / MINUTE


def batch(reports: Iterable[Report]) -> pa.RecordBatch:
    """A PositionBatch in order of time."""
    rows = sorted(reports, key=lambda r: (r.t, r.mmsi))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    by_name = dict(zip(Report._fields, columns, strict=True))
    by_name |= {"heading": np.full(len(rows), np.nan), "nav_status": np.full(len(rows), 15)}
    arrays = [
        pa.array(by_name[field.name].astype(field.type.to_pandas_dtype()), field.type) for field in POSITION_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=POSITION_SCHEMA)


def told(
    reports: Iterable[Report],
    settings: DetectSettings | None = None,
    *,
    statics: pa.RecordBatch | None = None,
    asked_every: int = 0,
    tells_open: bool = True,
    refused: int | None = None,
) -> list[Episode]:
    """Every revision that an engine tells, with the silences still open at the end.

    `asked_every` so many reports the engine is asked for what is open, which must change nothing. `refused` is a
    source whose clock is so wrong that what it hears is refused.
    """
    settings = settings or DetectSettings()
    engine, maker = Engine(settings, places(), sources()), HeartbeatMaker(settings.time)
    positions = batch(reports)
    engine.feed(positions.slice(0, 0), statics)
    episodes: list[Episode] = []
    edges = [*range(0, positions.num_rows, asked_every or positions.num_rows), positions.num_rows]
    for start, end in pairwise(edges):
        engine.feed(positions.slice(start, end - start))
        episodes += engine.advance(_refusing(refused, maker.feed(positions.slice(start, end - start))))
        if asked_every:
            engine.open_episodes()
    episodes += engine.advance(_refusing(refused, maker.finish()))
    return episodes + (engine.open_episodes() if tells_open else [])


def _refusing(source: int | None, beats: Heartbeats) -> Heartbeats:
    """The heartbeats, with the clock of a source far off in every minute."""
    if source is None:
        return beats
    n = len(beats)
    clocks = Clocks(np.full(n, source), np.full(n, 7200.0), np.full(n, 2))
    return replace(beats, clocks_from=np.arange(n + 1), clocks=clocks)


def of(mmsi: int, episodes: Iterable[Episode], kind: str = "silence") -> list[Episode]:
    return [e for e in episodes if e.type == kind and e.mmsi == mmsi]
