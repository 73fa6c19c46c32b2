"""What a transmitter sends and when: the reporting intervals of ITU-R M.1371-5 and the content of each message."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maritime.simulate import messages
from maritime.simulate.armour import Payload
from maritime.simulate.geometry import offset_deg, wrapped_lon_deg
from maritime.simulate.messages import Identity, Report
from maritime.simulate.noise import wander
from maritime.simulate.scenario import NAV_STATUS_CODES, Aid, Beacon, Noise, Receiver, Span, Vessel
from maritime.simulate.track import GRID_S, Track
from maritime.units import KN_MS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rng = np.random.Generator

STATIC_S: Final = 360.0  # M.1371-5 annex 1 § 4.2.1: static data every 6 min
LONG_RANGE_S: Final = 180.0  # M.1371-5 annex 4: type 27 every 3 min
BASE_STATION_S: Final = 10.0  # M.1371-5 annex 1 table 2
AID_S: Final = 180.0  # M.1371-5 annex 1 table 2
BURST_S: Final = 60.0  # M.1371-5 annex 9: one burst of eight messages a minute,
BURST_GAP_S: Final = 2.0  # 75 slots apart
BURST_MESSAGES: Final = 8
BEACON_TEXT_S: Final = 240.0  # M.1371-5 annex 9: the text in one burst of four
INTERVAL_JITTER: Final = 0.1  # M.1371-5 annex 2 § 3.3.4: slots are chosen within ± 10 % of the interval
TURNING_DEG: Final = 5.0  # M.1371-5 annex 2: off the mean heading of the last 30 s by more than this
TURNING_WINDOW_S: Final = 30.0
NOISE_MEMORY_S: Final = 120.0  # chosen: position errors change over minutes, with satellites and their reflections
BEACON_NAMES: Final = {970: "SART", 972: "MOB", 974: "EPIRB"}  # M.1371-5 annex 9


@dataclass(frozen=True, slots=True)
class Broadcast:
    """n messages of one kind from one transmitter, in order of time, and where its antenna truly was."""

    t_ms: Ints
    lat_deg: Floats
    lon_deg: Floats
    payload: Payload
    long_range: bool = False  # type 27, made for satellites
    is_report: bool = False  # a position report, not static data


def vessel_broadcasts(track: Track, start_ms: int, noise: Noise, rng: Rng) -> Iterator[Broadcast]:
    """Yield the position reports and static data of a vessel, its silences left out."""
    vessel = track.vessel
    class_a = vessel.transceiver == "A"
    interval_s = class_a_interval_s(track) if class_a else class_b_interval_s(track)
    sent_s = _audible(report_times_s(track.t_s, interval_s, rng), vessel.silences)
    report = _report(track, sent_s, start_ms, noise, rng)
    payload = (
        messages.class_a_positions(vessel.mmsi, report) if class_a else messages.class_b_positions(vessel.mmsi, report)
    )
    yield _broadcast(track, sent_s, start_ms, payload, is_report=True)

    static_s = _audible(report_times_s(track.t_s, np.full(track.t_s.size, STATIC_S), rng), vessel.silences)
    if class_a:
        yield _broadcast(track, static_s, start_ms, messages.class_a_statics(identity(vessel), static_s.size))
        far_s = _audible(report_times_s(track.t_s, np.full(track.t_s.size, LONG_RANGE_S), rng), vessel.silences)
        payload = messages.long_range_positions(vessel.mmsi, _report(track, far_s, start_ms, noise, rng))
        yield _broadcast(track, far_s, start_ms, payload, long_range=True, is_report=True)
    else:
        part_a, part_b = messages.class_b_statics(identity(vessel), static_s.size)
        yield _broadcast(track, static_s, start_ms, part_a)
        yield _broadcast(track, static_s + 1.0, start_ms, part_b)


def base_station_broadcast(receiver: Receiver, start_ms: int, duration_s: float) -> Broadcast | None:
    """Type 4 from the mast of a coast station that is a base station too, else None."""
    if receiver.base_station is None or receiver.at is None:
        return None
    t_ms = start_ms + (np.arange(3.0, duration_s, BASE_STATION_S) * 1000).astype(np.int64)
    payload = messages.base_stations(receiver.base_station, t_ms, *receiver.at)
    return _fixed(t_ms, receiver.at, payload)


def aid_broadcast(aid: Aid, start_ms: int, duration_s: float, rng: Rng) -> Broadcast:
    """Type 21 of a buoy or light."""
    t_ms = start_ms + (np.arange(rng.uniform(0, AID_S), duration_s, AID_S) * 1000).astype(np.int64)
    return _fixed(t_ms, aid.at, messages.aids_to_navigation(aid.mmsi, aid.name, aid.aid_type, t_ms, *aid.at))


def beacon_broadcasts(beacon: Beacon, start_ms: int, noise: Noise, rng: Rng) -> Iterator[Broadcast]:
    """Bursts of type 1 and, every fourth minute, the text: ACTIVE with status 14, TEST with status 15, once.

    In a test the beacon sends a single burst (M.1371-5 annex 9).
    """
    active = beacon.state == "active"
    first_s, last_s = beacon.from_h * 3600, beacon.to_h * 3600
    bursts_s = np.arange(first_s, last_s if active else first_s + 1, BURST_S)
    sent_s = (bursts_s[:, None] + BURST_GAP_S * np.arange(BURST_MESSAGES)).ravel()
    t_ms = start_ms + (sent_s * 1000).astype(np.int64)
    lat, lon = _scattered(sent_s, np.full(sent_s.size, beacon.at[0]), np.full(sent_s.size, beacon.at[1]), noise, rng)
    unknown = np.full(sent_s.size, np.nan)
    drift_kn = np.abs(0.5 + 0.1 * wander(sent_s, NOISE_MEMORY_S, rng))
    status = np.full(sent_s.size, 14 if active else NAV_STATUS_CODES["undefined"])
    report = Report(t_ms, lat, lon, drift_kn, unknown, unknown, unknown, status)
    yield replace(_fixed(t_ms, beacon.at, messages.class_a_positions(beacon.mmsi, report)), is_report=True)

    text_ms = start_ms + ((bursts_s[:: round(BEACON_TEXT_S / BURST_S)] + 9.0) * 1000).astype(np.int64)
    text = f"{BEACON_NAMES.get(beacon.mmsi // 1_000_000, 'SART')} {beacon.state.upper()}"
    yield _fixed(text_ms, beacon.at, messages.safety_texts(beacon.mmsi, text, text_ms.size))


def class_a_interval_s(track: Track) -> Floats:
    """Nominal reporting interval along a track (ITU-R M.1371-5 annex 1 table 1)."""
    speed_kn = track.speed_kn
    steady = np.select([speed_kn <= 14, speed_kn <= 23], [10.0, 6.0], 2.0)
    turning = np.select([speed_kn <= 14], [10.0 / 3], 2.0)
    held = np.isin(track.nav_status, (NAV_STATUS_CODES["at_anchor"], NAV_STATUS_CODES["moored"])) & (speed_kn <= 3)
    return np.where(held, 180.0, np.where(changes_course(track), turning, steady))


def class_b_interval_s(track: Track) -> Floats:
    """Nominal reporting interval of a class B carrier-sense unit (ITU-R M.1371-5 annex 1 table 2)."""
    return np.where(track.speed_kn <= 2, 180.0, 30.0)


def changes_course(track: Track) -> NDArray[np.bool_]:
    """Where the heading is off its mean over the last 30 s by more than 5°, or was so 20 s ago or less."""
    window = round(TURNING_WINDOW_S / GRID_S)
    heading = np.unwrap(np.radians(track.heading_deg))
    total = np.concatenate([np.full(window, heading[0]), heading]).cumsum()
    mean = (total[window:] - total[:-window]) / window
    turning: NDArray[np.bool_] = np.degrees(np.abs(heading - mean)) > TURNING_DEG
    for _ in range(round(20.0 / GRID_S)):
        turning[1:] |= turning[:-1]
    return turning


def report_times_s(grid_s: Floats, interval_s: Floats, rng: Rng) -> Floats:
    """Times at which a transmitter reports whose interval changes along the grid; in order, with slot jitter."""
    phase = np.concatenate([[0.0], np.cumsum(GRID_S / interval_s[:-1])])
    due = np.arange(rng.uniform(), phase[-1])
    jitter = INTERVAL_JITTER * rng.uniform(-1, 1, due.size)
    return np.interp(np.clip(due + jitter, 0, phase[-1]), phase, grid_s)


def identity(vessel: Vessel) -> Identity:
    """Who a vessel says it is."""
    return Identity(
        mmsi=vessel.mmsi,
        name=vessel.name,
        call_sign=vessel.call_sign,
        imo=vessel.imo,
        ship_type=vessel.ship_type,
        length_m=vessel.length_m,
        beam_m=vessel.beam_m,
        draught_m=vessel.draught_m,
        destination=vessel.destination,
    )


def _report(track: Track, sent_s: Floats, start_ms: int, noise: Noise, rng: Rng) -> Report:
    """What the vessel's own instruments say at some times: the truth, with their errors."""
    lat, lon = _scattered(sent_s, _at(track, sent_s, track.lat_deg), _at(track, sent_s, track.lon_deg), noise, rng)
    north_ms, east_ms = (
        _at(track, sent_s, true_ms) + noise.speed_kn * KN_MS * rng.normal(size=sent_s.size)
        for true_ms in (track.north_ms, track.east_ms)
    )
    nearest = np.clip(np.rint((sent_s - track.t_s[0]) / GRID_S).astype(int), 0, track.t_s.size - 1)
    turn_deg_min = np.degrees(np.gradient(np.unwrap(np.radians(track.heading_deg)), GRID_S)) * 60
    withheld = _inside(sent_s, track.vessel.withheld)
    has_compass = track.vessel.transceiver == "A"
    return Report(
        t_ms=_stamps(sent_s, start_ms),
        lat_deg=np.where(withheld, np.nan, lat),
        lon_deg=np.where(withheld, np.nan, wrapped_lon_deg(lon)),
        speed_kn=np.hypot(north_ms, east_ms) / KN_MS,
        course_deg=np.degrees(np.arctan2(east_ms, north_ms)) % 360,
        heading_deg=track.heading_deg[nearest] if has_compass else np.full(sent_s.size, np.nan),
        turn_deg_min=turn_deg_min[nearest],
        nav_status=track.nav_status[nearest],
        msg_type=np.where(changes_course(track)[nearest], 3, 1),  # the faster rate is kept by slots of type 3
    )


def _broadcast(
    track: Track,
    sent_s: Floats,
    start_ms: int,
    payload: Payload,
    long_range: bool = False,
    is_report: bool = False,
) -> Broadcast:
    lat, lon = _at(track, sent_s, track.lat_deg), _at(track, sent_s, track.lon_deg)
    return Broadcast(_stamps(sent_s, start_ms), lat, lon, payload, long_range, is_report)


def _fixed(t_ms: Ints, at: tuple[float, float], payload: Payload) -> Broadcast:
    return Broadcast(t_ms, np.full(t_ms.size, at[0]), np.full(t_ms.size, at[1]), payload)


def _at(track: Track, sent_s: Floats, values: Floats) -> Floats:
    return np.interp(sent_s, track.t_s, values)


def _stamps(sent_s: Floats, start_ms: int) -> Ints:
    return start_ms + np.rint(sent_s * 1000).astype(np.int64)


def _scattered(sent_s: Floats, lat: Floats, lon: Floats, noise: Noise, rng: Rng) -> tuple[Floats, Floats]:
    """Positions as a satellite receiver tells them: most of the error has a memory, a third of it has none."""
    north_m, east_m = (
        noise.position_m * (wander(sent_s, NOISE_MEMORY_S, rng) + 0.3 * rng.normal(size=sent_s.size)) for _ in range(2)
    )
    return offset_deg(lat, lon, north_m, east_m)


def _audible(sent_s: Floats, silences: tuple[Span, ...]) -> Floats:
    return sent_s[~_inside(sent_s, silences)]


def _inside(sent_s: Floats, spans: tuple[Span, ...]) -> NDArray[np.bool_]:
    inside = np.zeros(sent_s.size, bool)
    for span in spans:
        inside |= (sent_s >= span.from_h * 3600) & (sent_s < span.to_h * 3600)
    return inside
