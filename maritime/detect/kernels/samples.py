"""Kernels that keep a hull's samples: one a minute for a quarter of an hour, one in ten minutes for two hours.

A sample takes 8 bytes: time and position are 16-bit steps from a base that both rings share, speed is in hundredths
of a knot. The base moves when a sample lies too far from it; what then lies farther than the steps reach counts as at
their end (9 hours, 39 nm: neither slowness nor dead reckoning looks as far).
"""

import math

import numpy as np

from maritime.detect.loitering import LONG_RING, SHORT_RING
from maritime.jit import kernel
from maritime.times import EPOCH_2000_S

STEP_DEG = 2e-5  # chosen: 2.2 m, finer than a receiver's error
STEPS_ROUND = 18_000_000  # steps round the Earth
FARTHEST = 32_767  # 16 bits
SOG_STEP_KN = 0.01
SOG_UNKNOWN = 65_535


@kernel
def seconds_of(t_ms):
    """Whole seconds since 2000-01-01 UTC."""
    return np.int64(t_ms // 1000 - EPOCH_2000_S)


@kernel
def ms_of(s):
    """Time in ms UTC of seconds since 2000-01-01 UTC."""
    return (np.int64(s) + EPOCH_2000_S) * 1000


@kernel
def sog_steps(sog_kn):
    """Speed in hundredths of a knot; SOG_UNKNOWN for NaN."""
    if math.isnan(sog_kn):
        return SOG_UNKNOWN
    return np.int64(min(max(sog_kn / SOG_STEP_KN + 0.5, 0.0), SOG_UNKNOWN - 1.0))


@kernel
def _kn(steps):
    return math.nan if steps == SOG_UNKNOWN else steps / 100.0


@kernel
def _lon_deg(steps):
    return ((steps + STEPS_ROUND // 2) % STEPS_ROUND - STEPS_ROUND // 2) * STEP_DEG


@kernel
def short_s(h, k):
    """Time of row k of the short ring, seconds since 2000-01-01 UTC."""
    return np.int64(h.base_s) + h.short_s[k]


@kernel
def short_lat(h, k):
    """Its latitude, degrees."""
    return (np.int64(h.base_lat) + h.short_lat[k]) * STEP_DEG


@kernel
def short_lon(h, k):
    """Its longitude, degrees."""
    return _lon_deg(np.int64(h.base_lon) + h.short_lon[k])


@kernel
def short_sog(h, k):
    """Its speed, knots; NaN = unknown."""
    return _kn(np.int64(h.short_sog[k]))


@kernel
def long_s(h, k):
    """Time of row k of the long ring, seconds since 2000-01-01 UTC."""
    return np.int64(h.base_s) + h.long_s[k]


@kernel
def long_lat(h, k):
    """Its latitude, degrees."""
    return (np.int64(h.base_lat) + h.long_lat[k]) * STEP_DEG


@kernel
def long_lon(h, k):
    """Its longitude, degrees."""
    return _lon_deg(np.int64(h.base_lon) + h.long_lon[k])


@kernel
def long_sog(h, k):
    """The largest speed since the sample before it, knots."""
    return _kn(np.int64(h.long_sog[k]))


@kernel
def _clip(steps):
    return min(max(steps, -FARTHEST), FARTHEST)


@kernel
def _lon_from_base(h, lon_steps):
    return (lon_steps - h.base_lon + STEPS_ROUND // 2) % STEPS_ROUND - STEPS_ROUND // 2


@kernel
def _move_base(h, s, lat_steps, lon_steps):
    later = s - h.base_s
    north = lat_steps - h.base_lat
    east = _lon_from_base(h, lon_steps)
    for k in range(SHORT_RING):
        h.short_s[k] = _clip(h.short_s[k] - later)
        h.short_lat[k] = _clip(h.short_lat[k] - north)
        h.short_lon[k] = _clip(h.short_lon[k] - east)
    for k in range(LONG_RING):
        h.long_s[k] = _clip(h.long_s[k] - later)
        h.long_lat[k] = _clip(h.long_lat[k] - north)
        h.long_lon[k] = _clip(h.long_lon[k] - east)
    h.base_s = s
    h.base_lat = lat_steps
    h.base_lon = lon_steps


@kernel
def take_sample(h, s, lat, lon, sog_kn):
    """Put a sample into the short ring, and into the long one if its time has come."""
    lat_steps = np.int64(math.floor(lat / STEP_DEG + 0.5))
    lon_steps = np.int64(math.floor(lon / STEP_DEG + 0.5))
    later = s - h.base_s
    north = lat_steps - h.base_lat
    east = _lon_from_base(h, lon_steps)
    if max(abs(later), abs(north), abs(east)) > FARTHEST:
        _move_base(h, s, lat_steps, lon_steps)
        later = north = east = 0
    k = h.short_n % SHORT_RING
    h.short_s[k] = later
    h.short_lat[k] = north
    h.short_lon[k] = east
    h.short_sog[k] = sog_steps(sog_kn)
    h.short_n += 1
    if h.long_n == 0 or s - long_s(h, (h.long_n - 1) % LONG_RING) >= 590:
        k = h.long_n % LONG_RING
        h.long_s[k] = later
        h.long_lat[k] = north
        h.long_lon[k] = east
        h.long_sog[k] = sog_steps(np.float64(h.long_max_sog))
        h.long_max_sog = 0.0
        h.long_n += 1
