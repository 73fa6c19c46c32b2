"""A straight coast, and kernels that lead one hull through its reports and the minutes between them."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from maritime.detect.engine import World
from maritime.detect.kernels.landing import (
    landfall_deadline,
    landfall_open,
    landfall_report,
    landfall_time,
    tell_open_landfall,
)
from maritime.detect.kernels.loitering import (
    loitering_deadline,
    loitering_report,
    loitering_time,
    tell_open_loitering,
)
from maritime.detect.kernels.reception import WINDOW_MS, hear, rest
from maritime.detect.kernels.samples import seconds_of
from maritime.detect.state import EVENT_DTYPE, Events, new_reception, new_state
from maritime.geo.cells import MOORING_CELL_DEG, RECEPTION_CELL_DEG, cell_of
from maritime.geo.coastline import load_coastline
from maritime.geo.ports import load_ports
from maritime.geo.zones import load_zones
from maritime.times import NEVER
from maritime.units import MINUTE_MS

T0_MS = 1_600_000_200_000  # a full ten minutes
COAST_LON_DEG = 10.0
COAST_ERROR_M = 100.0
PORT = (0.0, 10.01)  # 1.1 km inland; the only port near
INLAND_PORT = (0.5, 10.8)

LAND = {
    "type": "FeatureCollection",
    "error_m": 500.0,
    "error_median_m": COAST_ERROR_M,
    "features": [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [[[10, -5], [20, -5], [20, 5], [10, 5], [10, -5]]]},
        }
    ],
}


class Track(NamedTuple):
    """Reports of one hull in order of time, all of n."""

    t: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    sog: np.ndarray
    cog: np.ndarray
    heading: np.ndarray
    status: np.ndarray


class Others(NamedTuple):
    """Vessels heard in every window, and where they lie at rest."""

    cell: np.ndarray
    vessels: np.ndarray
    slow: np.ndarray
    who: np.ndarray
    mooring: np.ndarray


def others(lat: float, lon: float, *, vessels: int = 4, slow: int = 0, at_rest: int = 0) -> Others:
    """So many vessels in the reception cell of a position, some slow, some at rest in its mooring cell."""
    bits = sum(1 << (40 + k) for k in range(at_rest))
    return Others(
        np.array([cell_of(lat, lon, RECEPTION_CELL_DEG)][: vessels and 1], np.int64),
        np.array([vessels][: vessels and 1], np.int64),
        np.array([slow][: vessels and 1], np.int64),
        np.array([bits][: vessels and 1], np.uint64),
        np.array([cell_of(lat, lon, MOORING_CELL_DEG)][: at_rest and 1], np.int64),
    )


def everywhere(one: Track) -> Others:
    """Three vessels in every reception cell that a track leads through."""
    cells = np.unique([others(lat, lon).cell[0] for lat, lon in zip(one.lat, one.lon, strict=True)])
    n = len(cells)
    return Others(cells, np.full(n, 3), np.zeros(n, np.int64), np.zeros(n, np.uint64), cells[:0])


NOBODY = others(0.0, 0.0, vessels=0)


def track(*legs: tuple[float, float, float, float], start: tuple[float, float], every_s: float = 30.0) -> Track:
    """Legs of (minutes, knots, course, seconds between reports or 0 for silence) from a position, as reports."""
    rows: list[tuple[float, ...]] = []
    lat, lon = start
    t_ms = float(T0_MS)
    for minutes, knots, course_deg, step_s in legs:
        step_s = step_s if step_s >= 0 else every_s
        left_s = minutes * 60.0
        while left_s > 1e-6:
            ds = min(step_s or left_s, left_s)
            if step_s:
                rows.append((t_ms, lat, lon, knots, course_deg))
            lat += knots * 1852.0 / 3600.0 * ds * np.cos(np.radians(course_deg)) / 111_195.08
            lon += knots * 1852.0 / 3600.0 * ds * np.sin(np.radians(course_deg)) / 111_195.08 / np.cos(np.radians(lat))
            t_ms += ds * 1000.0
            left_s -= ds
    columns = np.array(rows).T
    n = len(rows)
    return Track(
        columns[0].astype(np.int64),
        columns[1],
        columns[2],
        columns[3],
        columns[4],
        np.full(n, np.nan),
        np.full(n, 15, np.uint8),
    )


def beats_of(one: Track, after_min: int = 240) -> np.ndarray:
    """The minutes from the first report until some time after the last."""
    first = one.t[0] // MINUTE_MS * MINUTE_MS + MINUTE_MS
    return np.arange(first, one.t[-1] + after_min * MINUTE_MS, MINUTE_MS, dtype=np.int64)


def make_world(folder: Path, coast: dict[str, Any] | None = None, zones: dict[str, Any] | None = None) -> World:
    """A coast along 10° E with land to the east, two ports, and an empty memory of reception."""
    coast_file = folder / "coast.geojson"
    coast_file.write_text(json.dumps(coast or LAND))
    port_file = folder / "ports.csv"
    port_file.write_text("name,lat,lon\n" + "".join(f"{name},{lat},{lon}\n" for name, (lat, lon) in PORTS.items()))
    zone_file = None
    if zones:
        zone_file = folder / "zones.geojson"
        zone_file.write_text(json.dumps(zones))
    coastline = load_coastline(coast_file)
    return World(
        coastline.arrays,
        load_ports([port_file]).arrays,
        load_zones(zone_file).arrays,
        new_reception(),
        np.zeros(256),
        coastline.error_median_m,
    )


PORTS = {"Testhaven": PORT, "Upriver": INLAND_PORT}


def new_hull() -> tuple[np.ndarray, np.ndarray]:
    """A hull that has not reported, and its vessel; one row each."""
    state = new_state(2)
    hulls = state.hulls[-1:].copy()
    vessels = state.vessels[:1].copy()
    vessels["destination_port"] = -1
    vessels["length_m"] = np.nan
    vessels["identity_t"] = NEVER
    return hulls, vessels


def new_events() -> Events:
    """Room for what one hull has to tell."""
    return Events(np.zeros(256, EVENT_DTYPE), np.zeros(1, np.int64))


@njit
def _next_window(world, beat_ms, around):
    if beat_ms % WINDOW_MS == 0:
        n = around.cell.shape[0]
        box = np.empty((n, 4))
        box[:, 0] = -10.0
        box[:, 1] = 10.0
        box[:, 2] = -10.0
        box[:, 3] = 20.0
        window = beat_ms // WINDOW_MS - 1
        hear(world.reception, window, around.cell, np.zeros(n, np.int64), around.vessels, around.slow, around.who, box)
        rest(world.reception, window, around.mooring, around.who[: around.mooring.shape[0]])


@njit
def _keep(h, one, i):
    h.last_t = one.t[i]
    h.heard_t = one.t[i]
    h.lat = one.lat[i]
    h.lon = one.lon[i]
    h.sog = one.sog[i]
    h.cog = one.cog[i]
    h.status = one.status[i]


@njit
def walk_landing(p, hulls, vessels, one, beats, around, world, out, tells_open):
    """Lead hull 0 through its reports as the engine does: reports before a beat, then the beat."""
    h = hulls[0]
    vessel = vessels[0]
    if h.last_t == NEVER:
        h.first_s = seconds_of(one.t[0])
    i = 0
    for b in range(beats.shape[0]):
        now_ms = beats[b]
        while i < one.t.shape[0] and one.t[i] < now_ms:
            landfall_report(
                p, h, vessel, one.t[i], one.lat[i], one.lon[i], one.sog[i], one.cog[i], one.status[i], now_ms,
                now_ms // WINDOW_MS - 1, np.uint64(1), world, out,
            )  # fmt: skip
            _keep(h, one, i)
            i += 1
        _next_window(world, now_ms, around)
        if landfall_deadline(p, h) <= now_ms:
            landfall_time(p, h, vessel, now_ms, now_ms // WINDOW_MS - 1, np.uint64(1), world, out)
    if tells_open and landfall_open(h):
        tell_open_landfall(p, h, vessel, beats[-1], beats[-1] // WINDOW_MS - 1, np.uint64(1), world, out)


@njit
def walk_loitering(p, hulls, vessels, one, beats, around, world, out, tells_open):
    """The same for loitering."""
    h = hulls[0]
    ship_type = vessels[0].ship_type
    i = 0
    for b in range(beats.shape[0]):
        now_ms = beats[b]
        while i < one.t.shape[0] and one.t[i] < now_ms:
            loitering_report(
                p, h, ship_type, one.t[i], one.lat[i], one.lon[i], one.sog[i], one.cog[i], one.heading[i],
                one.status[i], now_ms, now_ms // WINDOW_MS - 1, np.uint64(1), world, out,
            )  # fmt: skip
            _keep(h, one, i)
            i += 1
        _next_window(world, now_ms, around)
        if loitering_deadline(p, h) <= now_ms:
            loitering_time(p, h, ship_type, now_ms, now_ms // WINDOW_MS - 1, np.uint64(1), world, out)
    if tells_open and h.loiter_open and not h.loiter_alerted:
        tell_open_loitering(p, h, ship_type, beats[-1], beats[-1] // WINDOW_MS - 1, np.uint64(1), world, out)
