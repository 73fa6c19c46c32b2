"""Each step of a plan as knots: times, places, where the bow looks. Between its knots a vessel sails straight."""

from dataclasses import dataclass
from functools import singledispatch
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maritime.simulate.geometry import distance_m, near_lon_deg, offset_deg
from maritime.simulate.noise import wander
from maritime.simulate.scenario import Anchor, Circle, Drift, Lasting, Patrol, Sail, Step, Stop
from maritime.units import KN_MS, NM_M

Floats = NDArray[np.float64]

KNOT_S: Final = 60.0  # chosen: finer than any swing or drift simulated here
TIDE_S: Final = 44_714.0  # 12.42 h, the principal lunar semidiurnal tide M2


@dataclass(frozen=True, slots=True)
class Knots:
    """Knots of one step, arrays of n >= 1; the first lies where and when the step before ended."""

    t_s: Floats  # since the start of the scenario
    lat_deg: Floats
    lon_deg: Floats  # runs on over the antimeridian
    heading_deg: Floats  # NaN = the bow looks where the vessel goes


def end_of(step: Lasting, begin_s: float) -> float:
    """When a lasting step ends, in seconds since the start; at once when its `until_h` has passed."""
    return max(begin_s, step.until_h * 3600 if step.until_h is not None else begin_s + (step.hours or 0.0) * 3600)


@singledispatch
def knots_of(step: Step, t_s: float, lat_deg: float, lon_deg: float, rng: np.random.Generator) -> Knots:
    """Return the knots of a step that begins at a time and a place."""
    raise TypeError(f"no such step: {type(step).__name__}")


@knots_of.register
def _(step: Sail, t_s: float, lat_deg: float, lon_deg: float, rng: np.random.Generator) -> Knots:
    lat, lon = [lat_deg], [lon_deg]
    for to_lat, to_lon in step.to:
        lat.append(to_lat)
        lon.append(near_lon_deg(to_lon, lon[-1]))
    legs_m = distance_m(lat[:-1], lon[:-1], lat[1:], lon[1:])
    times_s = t_s + np.concatenate([[0.0], np.cumsum(legs_m) / (step.speed_kn * KN_MS)])
    return Knots(times_s, np.array(lat), np.array(lon), np.full(len(lat), np.nan))


@knots_of.register
def _(step: Stop, t_s: float, lat_deg: float, lon_deg: float, rng: np.random.Generator) -> Knots:
    ends_s = np.array([t_s, end_of(step, t_s)])
    return Knots(ends_s, np.full(2, lat_deg), np.full(2, lon_deg), np.full(2, step.heading_deg))


@knots_of.register
def _(step: Anchor, t_s: float, lat_deg: float, lon_deg: float, rng: np.random.Generator) -> Knots:
    """The bow looks into the wind, turned slowly by the tide and quickly by yaw; the anchor lies ahead of it."""
    times_s = _times(step, t_s)
    tide = 35 * np.sin(2 * np.pi * times_s / TIDE_S + rng.uniform(0, 2 * np.pi))
    heading_deg = step.wind_deg + tide + 8 * wander(times_s, 420, rng)
    heading = np.radians(heading_deg)
    north_m, east_m = -step.swing_m * np.cos(heading), -step.swing_m * np.sin(heading)
    return _displaced(times_s, lat_deg, lon_deg, north_m, east_m, heading_deg)


@knots_of.register
def _(step: Drift, t_s: float, lat_deg: float, lon_deg: float, rng: np.random.Generator) -> Knots:
    times_s = _times(step, t_s)
    speed_ms = step.speed_kn * KN_MS * np.clip(1 + 0.12 * wander(times_s, 1500, rng), 0.7, 1.3)
    toward = np.radians(step.toward_deg + 12 * wander(times_s, 2400, rng))
    steps_s = np.diff(times_s, prepend=times_s[0])
    north_m, east_m = np.cumsum(speed_ms * np.cos(toward) * steps_s), np.cumsum(speed_ms * np.sin(toward) * steps_s)
    bow_deg = np.nan if step.heading_deg is None else step.heading_deg
    return _displaced(times_s, lat_deg, lon_deg, north_m, east_m, bow_deg + 5 * wander(times_s, 600, rng))


@knots_of.register
def _(step: Circle, t_s: float, lat_deg: float, lon_deg: float, rng: np.random.Generator) -> Knots:
    times_s = _times(step, t_s)
    radius_m = step.radius_nm * NM_M
    angle = (times_s - t_s) * step.speed_kn * KN_MS / radius_m
    north_m, east_m = radius_m * np.sin(angle), radius_m * (1 - np.cos(angle))
    return _displaced(times_s, lat_deg, lon_deg, north_m, east_m, np.nan)


@knots_of.register
def _(step: Patrol, t_s: float, lat_deg: float, lon_deg: float, rng: np.random.Generator) -> Knots:
    leg_s = step.leg_nm / step.speed_kn * 3600
    legs = int((end_of(step, t_s) - t_s) / leg_s) + 1
    corner = np.arange(legs + 1)
    along_m = NM_M * step.leg_nm * (corner % 2)
    across_m = NM_M * step.spacing_nm * corner
    toward = np.radians(step.toward_deg)
    north_m = along_m * np.cos(toward) - across_m * np.sin(toward)
    east_m = along_m * np.sin(toward) + across_m * np.cos(toward)
    times_s = t_s + corner * leg_s
    kept_s = np.append(times_s[times_s < end_of(step, t_s)], end_of(step, t_s))
    return _displaced(
        kept_s, lat_deg, lon_deg, np.interp(kept_s, times_s, north_m), np.interp(kept_s, times_s, east_m), np.nan
    )


def _times(step: Lasting, t_s: float) -> Floats:
    end_s = end_of(step, t_s)
    return np.append(np.arange(t_s, end_s, KNOT_S), end_s) if end_s > t_s else np.array([t_s])


def _displaced(
    times_s: Floats, lat_deg: float, lon_deg: float, north_m: Floats, east_m: Floats, heading_deg: Floats | float
) -> Knots:
    """Knots displaced from the place where the step begins, so that no step begins with a jump."""
    lat, lon = offset_deg(lat_deg, lon_deg, north_m - north_m[0], east_m - east_m[0])
    return Knots(times_s, lat, lon, np.broadcast_to(heading_deg, times_s.shape))
