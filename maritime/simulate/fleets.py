"""Groups of vessels, drawn at random: each becomes ordinary vessels with ordinary plans."""

from collections.abc import Iterator
from functools import singledispatch
from itertools import pairwise
from typing import Final

import numpy as np

from maritime.simulate.geometry import bearing_deg, distance_m, near_lon_deg, offset_deg, wrapped_lon_deg
from maritime.simulate.scenario import (
    Anchor,
    Anchorage,
    Drift,
    FishingGround,
    Fleet,
    Lane,
    Patrol,
    Place,
    Quay,
    Sail,
    Step,
    Stop,
    Traffic,
    Vessel,
)
from maritime.units import KN_MS, NM_M

PORTS_OF_CALL: Final = ("SGSIN", "LKCMB", "INMAA", "MYPKG", "MMRGN", "THHKT", "AEJEA", "NLRTM")
HAUL_H: Final = 1.2  # chosen: a haul takes about an hour
LEG_M: Final = 15 * NM_M  # chosen: a navigator alters course a little about every hour
SEA_AND_TIDE: Final = (0.95, 1.05)  # chosen: share of the speed from leg to leg
Rng = np.random.Generator


def muster(traffic: tuple[Traffic, ...], duration_h: float, taken: set[int], rng: Rng) -> Iterator[Vessel]:
    """Yield the vessels of all groups; no two share an MMSI, nor one of those already taken."""
    for group in traffic:
        for number in range(group.vessels):
            mmsi = _free_mmsi(group, taken, rng)
            taken.add(mmsi)
            yield enlist(group, number, mmsi, duration_h, rng)


@singledispatch
def enlist(group: Fleet, number: int, mmsi: int, duration_h: float, rng: Rng) -> Vessel:
    """Return vessel number 0 … n-1 of a group."""
    raise TypeError(f"no such group: {type(group).__name__}")


@enlist.register
def _(group: Lane, number: int, mmsi: int, duration_h: float, rng: Rng) -> Vessel:
    """Ships enter one after the other, so that the lane is as busy at the start as later."""
    speed_kn = rng.uniform(*group.speed_kn)
    axis = group.points[::-1] if group.both_ways and number % 2 else group.points
    line = _to_starboard(_divided(axis), group.width_nm * NM_M, rng)
    passage_h = sum(float(distance_m(*a, *b)) for a, b in pairwise(axis)) / (speed_kn * KN_MS * 3600)
    begin_h = -passage_h + (duration_h + passage_h) * (number + rng.uniform(0, 1)) / group.vessels
    plan = tuple(Sail(do="sail", to=(to,), speed_kn=speed_kn * rng.uniform(*SEA_AND_TIDE)) for to in line[1:])
    return _vessel(group, mmsi, line[0], plan, rng, begin_h=begin_h)


@enlist.register
def _(group: Anchorage, number: int, mmsi: int, duration_h: float, rng: Rng) -> Vessel:
    swing_m = rng.uniform(60, 160)
    plan = (Anchor(do="anchor", until_h=duration_h, swing_m=swing_m, wind_deg=group.wind_deg),)
    return _vessel(group, mmsi, _inside(group.centre, group.radius_nm * NM_M, rng), plan, rng)


@enlist.register
def _(group: Quay, number: int, mmsi: int, duration_h: float, rng: Rng) -> Vessel:
    plan = (Stop(do="stop", until_h=duration_h, heading_deg=float(rng.integers(360))),)
    return _vessel(group, mmsi, _inside(group.at, group.spread_m, rng), plan, rng)


@enlist.register
def _(group: FishingGround, number: int, mmsi: int, duration_h: float, rng: Rng) -> Vessel:
    plan: list[Step] = []
    hours = 0.0
    while hours < duration_h:
        trawl_h = rng.uniform(2.5, 4.0)
        place = _inside(group.centre, group.radius_nm * NM_M, rng)
        plan += [
            Sail(do="sail", to=(place,), speed_kn=rng.uniform(6.0, 8.5)),
            Patrol(
                do="patrol",
                hours=trawl_h,
                speed_kn=rng.uniform(2.8, 4.2),
                leg_nm=rng.uniform(4.0, 7.0),
                toward_deg=rng.uniform(0, 359),
                status="fishing",
            ),
            Drift(
                do="drift",
                hours=HAUL_H * rng.uniform(0.7, 1.3),
                speed_kn=1.2,
                toward_deg=rng.uniform(0, 359),
                status="fishing",
            ),
        ]
        hours += trawl_h + HAUL_H
    return _vessel(group, mmsi, _inside(group.centre, group.radius_nm * NM_M, rng), tuple(plan), rng)


def _vessel(
    group: Fleet, mmsi: int, starts_at: Place, plan: tuple[Step, ...], rng: Rng, begin_h: float = 0.0
) -> Vessel:
    length_m = rng.uniform(*group.length_m)
    letters = "".join(chr(65 + code) for code in rng.integers(26, size=4))
    return Vessel(
        mmsi=mmsi,
        starts_at=starts_at,
        plan=plan,
        begin_h=begin_h,
        transceiver=group.transceiver,
        name=f"{'MV' if group.transceiver == 'A' else 'FV'} {letters} {mmsi % 1000:03d}",
        call_sign=f"{letters[:3]}{mmsi % 10_000:04d}",
        imo=_imo(int(rng.integers(900_000, 999_999))) if group.transceiver == "A" and length_m > 50 else 0,
        ship_type=group.ship_types[int(rng.integers(len(group.ship_types)))],
        length_m=length_m,
        beam_m=max(3.0, length_m / 6.5),
        draught_m=min(20.0, length_m / 20),
        destination=PORTS_OF_CALL[int(rng.integers(len(PORTS_OF_CALL)))] if isinstance(group, Lane) else "",
    )


def _free_mmsi(group: Fleet, taken: set[int], rng: Rng) -> int:
    while True:
        flag = group.flags[int(rng.integers(len(group.flags)))]
        mmsi = flag * 1_000_000 + int(rng.integers(1_000, 999_999))
        if mmsi not in taken:
            return mmsi


def _imo(first_six: int) -> int:
    """Append the check digit: the digits times 7 … 2, summed, modulo 10 (IMO resolution A.1117(30))."""
    digits = [int(digit) for digit in f"{first_six:06d}"]
    return first_six * 10 + sum(d * w for d, w in zip(digits, range(7, 1, -1), strict=True)) % 10


def _inside(centre: Place, radius_m: float, rng: Rng) -> Place:
    """A place drawn evenly from a disc."""
    from_centre_m, bearing = radius_m * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
    return _place(centre, from_centre_m * np.cos(bearing), from_centre_m * np.sin(bearing))


def _divided(axis: tuple[Place, ...]) -> list[Place]:
    """The route with further points, so that no leg is longer than LEG_M."""
    points = [axis[0]]
    for (lat0, lon0), (lat1, lon1) in pairwise(axis):
        parts = int(distance_m(lat0, lon0, lat1, lon1) / LEG_M) + 1
        east = near_lon_deg(lon1, lon0) - lon0
        for part in range(1, parts + 1):
            share = part / parts
            points.append((lat0 + share * (lat1 - lat0), float(wrapped_lon_deg(lon0 + share * east))))
    return points


def _to_starboard(axis: list[Place], width_m: float, rng: Rng) -> list[Place]:
    """One ship's own line: to the right of the axis, square to the mean of the legs at each point."""
    own_m = rng.uniform(0.2, 0.9) * width_m
    bearings = [bearing_deg(*a, *b) for a, b in pairwise(axis)]
    line = []
    for place, before, after in zip(axis, [bearings[0], *bearings], [*bearings, bearings[-1]], strict=True):
        square = np.radians(before + ((after - before + 180) % 360 - 180) / 2 + 90)
        off_m = own_m + rng.uniform(-0.15, 0.15) * width_m
        line.append(_place(place, off_m * np.cos(square), off_m * np.sin(square)))
    return line


def _place(origin: Place, north_m: float, east_m: float) -> Place:
    lat, lon = offset_deg(*origin, north_m, east_m)
    return float(lat), float(wrapped_lon_deg(lon))
