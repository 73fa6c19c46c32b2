"""Where a vessel truly is: its plan on a fine grid of time, with smooth turns and changes of speed."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maritime.simulate.geometry import offset_deg
from maritime.simulate.noise import wander
from maritime.simulate.scenario import NAV_STATUS_CODES, Step, Vessel
from maritime.simulate.steps import Knots, knots_of
from maritime.units import EARTH_RADIUS_M, KN_MS

Floats = NDArray[np.float64]

GRID_S: Final = 5.0  # chosen: finer than every turn simulated here
SHIP_TURN_S: Final = 150.0  # chosen: a large ship takes some minutes to turn and to stop
BOAT_TURN_S: Final = 25.0
BOAT_LENGTH_M: Final = 30.0
STEERING_M: Final = 12.0  # chosen: how far a helmsman or autopilot leaves the line
SURGE_S: Final = 6.0  # chosen: how far waves and the hand on the throttle put it before or behind its time,
SURGE_MEMORY_S: Final = 240.0  # which makes its speed vary by some 3 %


@dataclass(frozen=True, slots=True)
class Performed:
    """A step of a plan and when it was carried out, in seconds since the start of the scenario."""

    step: Step
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Track:
    """The true motion of one vessel on a grid of GRID_S seconds: arrays of n, none of them unknown."""

    vessel: Vessel
    t_s: Floats  # since the start of the scenario
    lat_deg: Floats
    lon_deg: Floats  # runs on over the antimeridian
    north_ms: Floats
    east_ms: Floats
    heading_deg: Floats
    nav_status: NDArray[np.int64]
    performed: tuple[Performed, ...]

    @property
    def speed_kn(self) -> Floats:
        """Speed over ground."""
        return np.asarray(np.hypot(self.north_ms, self.east_ms) / KN_MS)


def sail(vessel: Vessel, duration_s: float, rng: np.random.Generator) -> Track | None:
    """Carry out a vessel's plan and return its track inside the scenario; None when it is never inside."""
    performed, knots = _perform(vessel, duration_s, rng)
    t_s = np.concatenate([k.t_s for k in knots])
    grid_s = np.arange(np.ceil(max(t_s[0], 0.0) / GRID_S) * GRID_S, min(t_s[-1], duration_s), GRID_S)
    if grid_s.size < 2:
        return None
    turn_s = SHIP_TURN_S if vessel.length_m > BOAT_LENGTH_M else BOAT_TURN_S
    reached_s = _surged(grid_s, rng)
    lat = _smoothed(np.interp(reached_s, t_s, np.concatenate([k.lat_deg for k in knots])), turn_s)
    lon = _smoothed(np.interp(reached_s, t_s, np.concatenate([k.lon_deg for k in knots])), turn_s)
    lat, lon = _steered(grid_s, lat, lon, rng)
    north_ms = np.radians(np.gradient(lat, GRID_S)) * EARTH_RADIUS_M
    east_ms = np.radians(np.gradient(lon, GRID_S)) * EARTH_RADIUS_M * np.cos(np.radians(lat))
    doing = np.searchsorted([p.begin_s for p in performed], grid_s, side="right") - 1
    statuses = np.array([NAV_STATUS_CODES[p.step.status] for p in performed], np.int64)
    heading = _heading(grid_s, knots, doing, north_ms, east_ms, turn_s, rng)
    return Track(vessel, grid_s, lat, lon, north_ms, east_ms, heading, statuses[doing], tuple(performed))


def _perform(vessel: Vessel, duration_s: float, rng: np.random.Generator) -> tuple[list[Performed], list[Knots]]:
    t_s, (lat, lon) = vessel.begin_h * 3600, vessel.starts_at
    performed: list[Performed] = []
    knots: list[Knots] = []
    while True:
        round_began_s = t_s
        for step in vessel.plan:
            knots.append(knots_of(step, t_s, lat, lon, rng))
            end_s = float(knots[-1].t_s[-1])
            performed.append(Performed(step, t_s, end_s))
            t_s, lat, lon = end_s, float(knots[-1].lat_deg[-1]), float(knots[-1].lon_deg[-1])
        if not vessel.repeat or t_s >= duration_s or t_s <= round_began_s:
            return performed, knots


def _surged(t_s: Floats, rng: np.random.Generator) -> Floats:
    """The time of the plan that is reached at each true time; the two agree at the ends."""
    near_end = np.minimum(t_s - t_s[0], t_s[-1] - t_s) / (2 * SURGE_MEMORY_S)
    return np.asarray(t_s + SURGE_S * np.minimum(near_end, 1) * wander(t_s, SURGE_MEMORY_S, rng))


def _smoothed(values: Floats, turn_s: float) -> Floats:
    """Mean over a window of time, twice: corners become arcs, and jumps of speed become ramps.

    Beyond its ends the motion goes on as it was: who is under way when the scenario begins does not start from rest.
    """
    half = max(1, round(turn_s / GRID_S / 2))
    for _ in range(2):
        padded = np.pad(values, half, mode="reflect", reflect_type="odd")
        total = np.concatenate([[0.0], np.cumsum(padded - values[0])])
        values = values[0] + (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)
    return values


def _steered(t_s: Floats, lat: Floats, lon: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Add the wandering of a hand at the wheel, which ceases with the speed."""
    gone_m = np.hypot(np.gradient(lat), np.gradient(lon) * np.cos(np.radians(lat))) * np.radians(1) * EARTH_RADIUS_M
    share = _smoothed(np.clip(gone_m / GRID_S / (4 * KN_MS) - 0.5, 0, 1), 300.0)
    north_m, east_m = (STEERING_M * share * _smoothed(wander(t_s, 240, rng), 240.0) for _ in range(2))
    return offset_deg(lat, lon, north_m, east_m)


def _heading(
    t_s: Floats,
    knots: list[Knots],
    doing: NDArray[np.int64],
    north_ms: Floats,
    east_ms: Floats,
    turn_s: float,
    rng: np.random.Generator,
) -> Floats:
    """Where the bow looks: the step says it or the course does; a hull takes its time to turn."""
    heading = np.degrees(np.arctan2(east_ms, north_ms))
    for index in np.unique(doing):
        given = knots[index]
        if not np.isnan(given.heading_deg[0]):
            here = doing == index
            heading[here] = np.interp(t_s[here], given.t_s, given.heading_deg)
    turned = np.arctan2(_smoothed(np.sin(np.radians(heading)), turn_s), _smoothed(np.cos(np.radians(heading)), turn_s))
    return np.asarray((np.degrees(turned) + 1.2 * _smoothed(wander(t_s, 90, rng), 60.0)) % 360)
