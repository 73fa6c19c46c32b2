"""A small fleet that shows every behaviour, made of plain arithmetic: the food of the engine's tests."""

import json
from dataclasses import asdict
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa

from maritime.columns import POSITION_SCHEMA, STATIC_SCHEMA, SourceTable
from maritime.detect.engine import Engine
from maritime.detect.episode import Episode
from maritime.detect.heartbeat import HeartbeatMaker, Heartbeats
from maritime.detect.places import EnginePlaces
from maritime.detect.settings import DetectSettings
from maritime.units import HOUR_MS, MINUTE_MS

START_MS = 1_577_872_800_000  # 2020-01-01T10:00:00Z: a day of data runs over midnight
BEACH = (7.897, 98.279)  # the west coast of Phuket as Natural Earth draws it
NM_DEG = 1.0 / 60.0


@cache
def places() -> EnginePlaces:
    return EnginePlaces.load()


def sources() -> SourceTable:
    table = SourceTable()
    table.code("north")
    table.code("south")
    return table


def _track(
    rng, mmsi, hours, lat, lon, course_deg, speed_kn, interval_s=120, msg_type=1, source=1, status=0, turns_h=None
):
    """A straight track of reports, or one to and fro that turns every `turns_h`: a dict of columns."""
    n = int(hours * 3600 / interval_s)
    t_s = np.arange(n) * interval_s + rng.integers(0, 60, n)
    step_nm = speed_kn * t_s / 3600.0
    back = np.zeros(n)
    if turns_h:
        leg_nm = speed_kn * turns_h
        back = (step_nm // leg_nm) % 2
        step_nm = np.where(back > 0, leg_nm - step_nm % leg_nm, step_nm % leg_nm)
    course = np.radians(course_deg)
    course_deg = course_deg + 180.0 * back
    return {
        "mmsi": np.full(n, mmsi),
        "t": START_MS + t_s * 1000,
        "lat": lat + step_nm * np.cos(course) * NM_DEG + rng.normal(0, 2e-5, n),
        "lon": lon + step_nm * np.sin(course) * NM_DEG / np.cos(np.radians(lat)) + rng.normal(0, 2e-5, n),
        "sog": np.round(np.abs(speed_kn + rng.normal(0, 0.1, n)), 1),
        "cog": np.round((course_deg + rng.normal(0, 2, n)) % 360, 1),
        "heading": np.round((course_deg + rng.normal(0, 2, n)) % 360),
        "nav_status": np.full(n, status),
        "msg_type": np.full(n, msg_type),
        "source": np.full(n, source),
    }


def _cut(track, from_h, to_h):
    keep = (track["t"] < START_MS + from_h * HOUR_MS) | (track["t"] >= START_MS + to_h * HOUR_MS)
    return {name: column[keep] for name, column in track.items()}


def _joined(*tracks):
    return {name: np.concatenate([t[name] for t in tracks]) for name in tracks[0]}


def _later(track, hours):
    return track | {"t": track["t"] + int(hours * HOUR_MS)}


def fleet(seed: int = 1, lat: float = 6.5, lon: float = 95.0, hours: float = 18.0) -> pa.RecordBatch:
    """Reports in time order: transits, a silence, a loiterer, a landing, two ships on one MMSI, a beacon, an outage."""
    rng = np.random.default_rng(seed)
    tracks = [
        _track(rng, 211_000_001 + k, hours, lat - 0.8 + 0.12 * k, lon - 0.5, 90, 9 + k % 5, turns_h=4 + k % 3)
        for k in range(16)
    ]
    tracks.append(_cut(_track(rng, 311_000_001, hours, lat + 0.2, lon - 0.5, 90, 8), 7, 11))  # goes dark
    tracks.append(_track(rng, 311_000_002, hours, lat + 0.4, lon, 45, 0.6))  # loiters far out
    twins = _joined(
        _track(rng, 311_000_003, hours, lat + 0.3, lon - 0.3, 90, 7),
        _cut(_track(rng, 311_000_003, hours, lat - 0.65, lon - 0.4, 90, 8), 8, 12),  # the other ship of this MMSI
    )
    tracks.append(twins)
    withheld = _track(rng, 311_000_004, hours, lat + 0.1, lon - 0.2, 60, 5)
    silent = (withheld["t"] >= START_MS + 9 * HOUR_MS) & (withheld["t"] < START_MS + 11 * HOUR_MS)
    tracks.append(
        withheld | {"lat": np.where(silent, np.nan, withheld["lat"]), "lon": np.where(silent, np.nan, withheld["lon"])}
    )
    beacon = _track(rng, 970_000_001, 2, lat + 0.2, lon + 0.1, 0, 0.5, interval_s=60, status=14)
    tracks.append(_later(beacon, 6))
    run_in = _track(rng, 311_000_005, 1.0, BEACH[0], BEACH[1] - 0.4, 90, 24, interval_s=60, msg_type=18)
    stay = _track(rng, 311_000_005, 0.7, BEACH[0], BEACH[1], 0, 0.0, interval_s=60, msg_type=18)
    run_out = _track(rng, 311_000_005, 1.0, BEACH[0], BEACH[1], 270, 22, interval_s=60, msg_type=18)
    tracks.append(_joined(_later(run_in, 8), _later(stay, 9.02), _later(run_out, 9.75)))
    south = [_track(rng, 411_000_001 + k, hours, lat - 0.6 - 0.02 * k, lon - 0.5, 90, 9, source=2) for k in range(8)]
    tracks += [_cut(track, 13, 15) for track in south]  # their receiver is out
    return batch(_joined(*tracks))


def batch(columns) -> pa.RecordBatch:
    """A PositionBatch of a dict of columns, in time order."""
    order = np.argsort(columns["t"], kind="stable")
    arrays = [
        pa.array(np.asarray(columns[field.name])[order].astype(field.type.to_pandas_dtype()), field.type)
        for field in POSITION_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=POSITION_SCHEMA)


def statics() -> pa.RecordBatch:
    rows = [
        {"mmsi": 311_000_001, "t": START_MS, "name": "DARK ONE", "ship_type": 70, "destination": "LKCMB"},
        {"mmsi": 311_000_002, "t": START_MS + 30 * MINUTE_MS, "ship_type": 70, "length_m": 90.0},
        {"mmsi": 311_000_005, "t": START_MS + 8 * HOUR_MS, "ship_type": 37, "length_m": 9.0},
    ]
    return pa.RecordBatch.from_pylist(rows, schema=STATIC_SCHEMA)


def new_engine(settings: DetectSettings | None = None, **options) -> Engine:
    return Engine(settings or DetectSettings(), places(), sources(), **options)


def heartbeats_of(positions: pa.RecordBatch, settings: DetectSettings | None = None) -> Heartbeats:
    """All heartbeats of a batch in one."""
    maker = HeartbeatMaker((settings or DetectSettings()).time)
    parts = [maker.feed(positions), maker.finish()]
    return joined(parts)


def joined(parts: list[Heartbeats]) -> Heartbeats:
    """Heartbeats one after the other as one batch of them."""
    return Heartbeats.joined(parts)


def run(positions: pa.RecordBatch, cuts=(), settings: DetectSettings | None = None) -> list[Episode]:
    """Episodes of a batch fed in slices that end at `cuts` within it, with those still open at the end."""
    settings = settings or DetectSettings()
    engine, maker = new_engine(settings), HeartbeatMaker(settings.time)
    engine.feed(positions.slice(0, 0), statics())
    told: list[Episode] = []
    edges = [0, *sorted({cut for cut in cuts if cut < positions.num_rows}), positions.num_rows]
    for start, end in pairwise(edges):
        part = positions.slice(start, end - start)
        engine.feed(part)
        told += engine.advance(maker.feed(part))
    told += engine.advance(maker.finish())
    return told + engine.open_episodes()


def as_bytes(episodes: list[Episode]) -> str:
    """Episodes as canonical text, in one order: to compare runs to the byte."""
    return "\n".join(sorted(json.dumps(asdict(e), sort_keys=True) for e in episodes))


def final(episodes: list[Episode]) -> list[Episode]:
    """The last revision of each episode."""
    return list({e.episode_id: e for e in episodes}.values())
