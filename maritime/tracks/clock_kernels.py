"""Kernels of receivers' clocks; the rule in words is in maritime/tracks/clocks.py. `clocks` has a row per source."""

import math

import numpy as np

from maritime.jit import allocating_kernel, kernel
from maritime.times import NEVER

BASE_TIMES = 31  # chosen: five minutes of one base station
BASE_LEAST = 5  # … of which this many must have come
BASE_AGE_MS = 3_600_000
WINDOW_MS = 600_000  # a reception window; also how long a source counts as heard, and half a life of the dial
DIAL_KEEP = 0.5 ** (1.0 / 10.0)  # weight of a minute on the dial against the next
DIAL_REACH = 3  # seconds either way that count as one place: jitter and whole seconds

NOTHING, BASE_STATIONS, SECONDS = 0, 1, 2  # by what an offset is known
RIGHT, OFF, REFUSED = 0, 1, 2  # doubt


@kernel
def note_base_times(clocks, source, t_ms, reported_ms):
    """Take base-station times, arrays of n in order of (source, receive time, reported time); one heard twice counts
    once.
    """
    for i in range(source.shape[0]):
        if i > 0 and source[i] == source[i - 1] and t_ms[i] == t_ms[i - 1] and reported_ms[i] == reported_ms[i - 1]:
            continue
        c = clocks[source[i]]
        c.base_ms[c.base_n % BASE_TIMES] = t_ms[i] - reported_ms[i]
        c.base_n += 1
        c.base_t = max(c.base_t, t_ms[i])
        c.touched = 1


@kernel
def _taken(sources, vessels, times, source, mmsi, t_ms):
    """Whether a report is in the open-addressing set (sources int64, -1 = free); it is now."""
    mask = sources.shape[0] - 1
    h = np.uint64(mmsi) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(t_ms) * np.uint64(0xC2B2AE3D27D4EB4F)
    h ^= h >> np.uint64(29)
    i = np.int64((h + np.uint64(source)) & np.uint64(mask))
    while sources[i] != -1:
        if sources[i] == source and vessels[i] == mmsi and times[i] == t_ms:
            return True
        i = (i + 1) & mask
    sources[i] = source
    vessels[i] = mmsi
    times[i] = t_ms
    return False


@allocating_kernel
def note_seconds(clocks, source, mmsi, t_ms, utc_s, now_ms):
    """Take the reports of one minute, that before `now_ms`; arrays of n. A report that comes twice counts once.

    The dial is moved on to `now_ms` for the sources that are heard: older weight counts DIAL_KEEP to the minute.
    """
    n = source.shape[0]
    size = 16
    while size < 2 * n + 2:
        size *= 2
    sources = np.full(size, -1, np.int64)
    vessels = np.empty(size, np.int64)
    times = np.empty(size, np.int64)
    for i in range(n):
        s = np.int64(source[i])
        c = clocks[s]
        c.heard_t = max(c.heard_t, now_ms)
        if utc_s[i] >= 60 or _taken(sources, vessels, times, s, np.int64(mmsi[i]), t_ms[i]):
            continue
        if c.dial_t < now_ms:
            if c.dial_t == NEVER or now_ms - c.dial_t > 24 * WINDOW_MS:
                for k in range(60):
                    c.dial[k] = 0.0
            else:
                kept = DIAL_KEEP ** ((now_ms - c.dial_t) // 60_000)
                for k in range(60):
                    c.dial[k] *= kept
            steps = (now_ms - 1) // WINDOW_MS - (c.dial_t - 1) // WINDOW_MS
            if steps > 0:
                c.who_before = c.who if steps == 1 else np.uint64(0)
                c.who = 0
            c.dial_t = now_ms
        c.dial[(t_ms[i] // 1000 - np.int64(utc_s[i])) % 60] += 1.0
        c.who |= np.uint64(1) << (np.uint64(mmsi[i]) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(58))
        c.touched = 1


@kernel
def _bits(x):
    """Number of bits set in 64."""
    n = 0
    while x != np.uint64(0):
        x &= x - np.uint64(1)
        n += 1
    return n


@kernel
def read_dial(dial):
    """(offset in seconds in [-30, 30), share of the weight within DIAL_REACH of it, weight) of a dial float64[60]."""
    total = 0.0
    for k in range(60):
        total += dial[k]
    best = -1.0
    place = 0
    for k in range(60):
        near = 0.0
        for d in range(-DIAL_REACH, DIAL_REACH + 1):
            near += dial[(k + d) % 60]
        if near > best + 1e-9:
            best = near
            place = k
    if total <= 0.0 or best <= 0.0:
        return math.nan, 0.0, total
    mean = 0.0
    for d in range(-DIAL_REACH, DIAL_REACH + 1):
        mean += d * dial[(place + d) % 60]
    offset_s = place + mean / best
    return (offset_s + 30.0) % 60.0 - 30.0, best / total, total


@allocating_kernel
def _judge(c, now_ms, off_ms, dial_off_ms, dial_reports, dial_vessels, dial_share):
    """Whether the clock of one source is off, and by how much."""
    c.by = NOTHING
    c.offset_ms = math.nan
    c.samples = 0
    n = min(np.int64(c.base_n), BASE_TIMES)
    if n >= BASE_LEAST and now_ms - c.base_t <= BASE_AGE_MS:
        c.by = BASE_STATIONS
        c.samples = n
        c.offset_ms = np.median(c.base_ms[:n])
        return abs(c.offset_ms) > off_ms
    offset_s, share, weight = read_dial(c.dial)
    if weight >= dial_reports and share >= dial_share and _bits(c.who | c.who_before) >= dial_vessels:
        c.by = SECONDS
        c.samples = np.int64(weight)
        c.offset_ms = offset_s * 1000.0
        return abs(c.offset_ms) > dial_off_ms
    return False


@allocating_kernel
def judge_clocks(clocks, now_ms, off_ms, dial_off_ms, dial_reports, dial_vessels, dial_share, refuse_ms, doubted):
    """Judge the sources that had something new, then what their doubt means; `doubted` uint8[sources] out.

    Limits in ms, reports, vessels and shares. A source that is silent keeps the judgement it had.
    """
    others_heard = False
    for s in range(clocks.shape[0]):
        c = clocks[s]
        if c.touched:
            off = _judge(c, now_ms, off_ms, dial_off_ms, dial_reports, dial_vessels, dial_share)
            c.doubt = OFF if off else RIGHT
            c.touched = 0
            if off:
                if not c.ever_off or abs(c.offset_ms) > abs(c.worst_ms):
                    c.worst_ms = c.offset_ms
                c.ever_off = 1
        if c.doubt == RIGHT and now_ms - c.heard_t <= WINDOW_MS:
            others_heard = True
    for s in range(clocks.shape[0]):
        c = clocks[s]
        if c.doubt != RIGHT:
            gross = c.by == BASE_STATIONS and abs(c.offset_ms) > refuse_ms
            c.doubt = REFUSED if gross and others_heard else OFF
        doubted[s] = c.doubt != RIGHT and others_heard
