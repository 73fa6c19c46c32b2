"""Tell a silence: what was expected, who else was heard, where the vessel can have gone. Alert type `dark_period`."""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from maritime.detect.dark_period import HELD, DarkPeriodSettings
from maritime.detect.episode import Episode, Reason
from maritime.detect.tell.context import Event, TellContext, build, known
from maritime.geo.geodesy import bearing_deg, destination, distance_m
from maritime.times import FAR, NEVER, to_rfc3339
from maritime.units import EARTH_RADIUS_M, HOUR_MS, KN_MS, NM_M

CLASS_NAMES: Final = ("A", "B", None)
RING_WIDTHS_DEG: Final = {1: 0.3, 2: 0.5, 4: 0.9, 10: 2.1}  # see kernels.reception.RINGS
SMALL_CRAFT_TYPES: Final = (30, 36, 37)  # fishing, sailing, pleasure craft (ITU-R M.1371-5 table 53)
RAISED_AT_REAPPEARANCE: Final = ("at_rest", "leaving_area_heard", "slowing_into_mooring")
FAST_KN: Final = 5.0  # chosen: who vanishes at such speed, far from shore and after many reports, may have foundered
GFW_HOURS: Final = 12.0
GFW_REPORTS: Final = 14
CIRCLE_POINTS: Final = 36
LEAST_PROBABILITY: Final = 1e-6  # as told: one that small or smaller
REACH_FACTOR: Final = 1.3  # chosen: as for hulls, a vessel may go faster than it last said
LEAST_REACH_KN: Final = 1.0
LONGEST_WAY_M: Final = 1000.0 * NM_M  # chosen: after more, the area says nothing
LEAST_ACROSS_M: Final = 100.0  # chosen: even the straight way is an area, not a line
MOST_PORTS: Final = 5


class Reach(NamedTuple):
    """Where a silent vessel can have gone: any place from which the way there and on is no longer than `way_m`."""

    lat: float  # last position before the silence, degrees
    lon: float
    there_lat: float  # where it reappeared; the last position while it has not
    there_lon: float
    ended: bool
    speed_kn: float
    way_m: float


def episode(event: Event, context: TellContext) -> Episode:
    """The episode of a SILENCE event; the order of `v` is that of kernels.dark_period._tell."""
    settings = context.settings.dark_period
    v = event["v"]
    ended = event["end_t"] < FAR
    end_ms = int(event["end_t"]) if ended else int(event["told_t"])
    silent_h = (end_ms - int(event["start_t"])) / HOUR_MS
    alerted = bool(event["alerted"])
    held = HELD[int(event["held"])]
    moved_m = float(v[15])
    implied_kn = moved_m / max(silent_h * 3600.0, 1.0) / KN_MS
    speed_kn = float(v[7])
    far_from_shore = v[9] >= settings.far_nm * NM_M
    strict_gfw = bool(silent_h >= GFW_HOURS and far_from_shore and v[6] >= GFW_REPORTS and v[1] >= 10.0 / 144.0)
    witnesses = int(v[4])
    probability = max(round(float(v[0]), 6), LEAST_PROBABILITY) if not math.isnan(v[0]) else None
    score = _score(settings, v, silent_h)
    evidence: dict[str, Any] = {
        "hours": round(silent_h, 3),
        "last_report": to_rfc3339(int(event["start_t"])),
        "last_sog_kn": known(speed_kn),
        "last_cog_deg": known(v[8]),
        "transceiver": CLASS_NAMES[int(v[19])],
        "reports_12h_before": int(v[6]),
        "interval_p95_s": known(v[5]),
        "longest_hole_before_min": known(v[18]),
        "heard_share": known(v[1], 3),
        "probability": probability,
        "reception": known(v[2], 3),
        "windows_judged": int(v[23]),
        "witnesses": witnesses,
        "witness_area_deg": RING_WIDTHS_DEG.get(int(v[3])),
        "source": context.source_name(int(event["source"])),
        "coast_nm": known(v[9] / NM_M) if not far_from_shore else None,
        "beyond_coast_nm": settings.far_nm if far_from_shore else None,
        "coastline": context.coastline_id,
        "port_km": known(v[10] / 1000.0),
        "port": context.place_name(int(v[11])) if v[11] >= 0 else None,
        "strict_gfw": strict_gfw,
    }
    if event["identity_t"] != NEVER:
        evidence["identity_changed_at"] = to_rfc3339(int(event["identity_t"]))
    evidence["identity_change_seen"] = bool(event["identity_t"] >= event["start_t"])
    if v[17]:
        evidence["outage_meanwhile"] = True
    small = v[16] in SMALL_CRAFT_TYPES or v[19] == 1
    reported_often = v[6] >= settings.abrupt_reports
    stopped_abruptly = reported_often and speed_kn < settings.under_way_kn and v[22] >= settings.abrupt_kn
    if stopped_abruptly:
        evidence["abrupt_stop_from_kn"] = round(float(v[22]), 1)
    if alerted and held == "":
        fell_silent_at_speed = reported_often and speed_kn >= FAST_KN
        if stopped_abruptly or (far_from_shore and (small or fell_silent_at_speed)):
            evidence["safety"] = {"sar_phase": "uncertainty"}
    if ended and not math.isnan(moved_m):
        evidence |= {
            "moved_nm": known(moved_m / NM_M, 2),
            "implied_kn": known(implied_kn, 2),
            "reappeared_lat": known(v[12], 6),
            "reappeared_lon": known(v[13], 6),
            "reappeared_sog_kn": known(v[14]),
            "reappeared_at": to_rfc3339(int(event["end_t"])),
            "unexplained_hours": _unexplained_hours(silent_h, moved_m, speed_kn),
        }
        first_told = int(event["revision"]) == 0
        if held in RAISED_AT_REAPPEARANCE or (alerted and first_told):
            evidence["raised_at_reappearance"] = alerted
    reach = _reach(event, v, silent_h, ended)
    if alerted:
        evidence |= {
            "reach_kn": round(reach.speed_kn, 1),
            "reach_nm": round(reach.way_m / NM_M, 1),
            "reachable_ports": _reachable_ports(reach, context),
        }
    reasons = [
        Reason("silence", round(silent_h, 3), round(float(v[21]) / 60.0, 3), "h"),
        Reason("probability_of_hearing_nothing", probability, settings.probability, "1"),
        Reason("reports_before", int(v[6]), settings.reports_before, "reports"),
        Reason("witnesses", witnesses, settings.witnesses, "vessels"),
    ]
    if not math.isnan(speed_kn):
        reasons.append(Reason("under_way", round(speed_kn, 1), settings.under_way_kn, "kn"))
    least_nm = max(settings.moved_nm, settings.moved_kn * silent_h)
    if alerted and ended and moved_m >= least_nm * NM_M:
        reasons.append(Reason("moved_while_silent", round(moved_m / NM_M, 2), round(least_nm, 2), "nm"))
    if held and alerted:
        reasons.append(Reason(held, True, None, "1"))
    return build(
        event,
        "silence",
        score=score,
        confidence=_confidence(settings, v, witnesses),
        reasons=reasons,
        evidence=evidence,
        held_back_by=held or None,
        geometry=_geometry(reach) if alerted else None,
    )


def _score(settings: DarkPeriodSettings, v: np.ndarray, silent_h: float) -> float:
    """0.5 at the rule, more with hours of silence, open sea and the less it is chance."""
    unlikely = min(-math.log10(max(float(v[0]), 1e-9)) / 9.0, 1.0)
    offshore = min(float(v[9]) / (settings.far_nm * NM_M), 1.0)
    return 0.35 + 0.25 * unlikely + 0.2 * min(silent_h / 12.0, 1.0) + 0.2 * offshore


def _confidence(settings: DarkPeriodSettings, v: np.ndarray, witnesses: int) -> float:
    """How sure it is that the transmitter, not the reception, fell silent: witnesses, their distance, regularity."""
    near = {1: 1.0, 2: 0.9, 4: 0.75}.get(int(v[3]), 0.6)
    heard = min(witnesses / settings.witnesses, 1.0) if settings.witnesses else 1.0
    reception = 0.0 if math.isnan(v[2]) else float(v[2])
    return (0.4 + 0.3 * heard + 0.3 * reception) * near * min(0.5 + float(v[1]) / 2.0, 1.0)


def _unexplained_hours(silent_h: float, moved_m: float, speed_kn: float) -> float | None:
    """Silent hours beyond what the way to the reappearance takes at the last speed."""
    if math.isnan(speed_kn) or speed_kn < 0.5:
        return None
    return round(max(silent_h - moved_m / NM_M / speed_kn, 0.0), 3)


def _reach(event: Event, v: np.ndarray, silent_h: float, ended: bool) -> Reach:
    """At 1.3 times the last speed, or the speed that the reappearance implies; while silent, out only."""
    lat, lon = float(event["lat"]), float(event["lon"])
    back = ended and not math.isnan(v[12])
    there_lat, there_lon = (float(v[12]), float(v[13])) if back else (lat, lon)
    moved_m = float(distance_m(lat, lon, there_lat, there_lon))
    last_kn = 0.0 if math.isnan(v[7]) else float(v[7])
    implied_kn = moved_m / NM_M / silent_h if silent_h > 0.0 else 0.0
    speed_kn = max(last_kn * REACH_FACTOR, implied_kn, LEAST_REACH_KN * REACH_FACTOR)
    way_m = min(speed_kn * NM_M * silent_h, LONGEST_WAY_M if back else LONGEST_WAY_M / 2.0)
    return Reach(lat, lon, there_lat, there_lon, back, speed_kn, max(way_m, moved_m))


def _reachable_ports(reach: Reach, context: TellContext) -> list[dict[str, Any]]:
    """Known ports that it can have called at, the ones least out of its way first, with the detour's length."""
    lat_deg, lon_deg = context.port_lat_deg, context.port_lon_deg
    way_m = _great_circle_m(reach.lat, reach.lon, lat_deg, lon_deg)
    if reach.ended:
        way_m = way_m + _great_circle_m(reach.there_lat, reach.there_lon, lat_deg, lon_deg)
    within = np.flatnonzero(way_m <= reach.way_m)
    nearest = within[np.argsort(way_m[within], kind="stable")][:MOST_PORTS]
    return [{"port": context.place_name(int(k)), "way_nm": round(float(way_m[k]) / NM_M, 1)} for k in nearest]


def _great_circle_m(
    lat: float, lon: float, lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distances from one position to many, metres, by the haversine on the mean sphere."""
    half_lat, half_lon = np.radians(lat_deg - lat) / 2.0, np.radians(lon_deg - lon) / 2.0
    h = np.sin(half_lat) ** 2 + np.cos(np.radians(lat)) * np.cos(np.radians(lat_deg)) * np.sin(half_lon) ** 2
    arc: NDArray[np.float64] = 2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0)))
    return arc


def _geometry(reach: Reach) -> dict[str, Any]:
    """The last position (at reappearance: the straight line between the two) and the area that it can have reached."""
    here = [round(reach.lon, 6), round(reach.lat, 6)]
    area = {"type": "Polygon", "coordinates": [_outline(reach)]}
    if not reach.ended:
        return {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": here}, area]}
    there = [round(_unwrapped(reach.there_lon, reach.lon), 6), round(reach.there_lat, 6)]
    line = {"type": "LineString", "coordinates": [here, there]}
    return {"type": "GeometryCollection", "geometries": [line, area]}


def _outline(reach: Reach) -> list[list[float]]:
    """The circle, or the ellipse with the two positions as foci, as a closed ring against the clock."""
    direct_m = float(distance_m(reach.lat, reach.lon, reach.there_lat, reach.there_lon))
    axis_deg = float(bearing_deg(reach.lat, reach.lon, reach.there_lat, reach.there_lon)) if direct_m > 0.0 else 0.0
    middle_lat, middle_lon = destination(reach.lat, reach.lon, axis_deg, direct_m / 2.0)
    if direct_m > 0.0:
        axis_deg = float(bearing_deg(middle_lat, middle_lon, reach.there_lat, reach.there_lon))
    along_m = reach.way_m / 2.0 if reach.ended else reach.way_m
    across_m = math.sqrt(max(along_m**2 - (direct_m / 2.0) ** 2, LEAST_ACROSS_M**2))
    ring = []
    for k in range(CIRCLE_POINTS):
        angle = -2.0 * math.pi * k / CIRCLE_POINTS
        x, y = along_m * math.cos(angle), across_m * math.sin(angle)
        course_deg = (axis_deg + math.degrees(math.atan2(y, x))) % 360.0
        lat, lon = destination(middle_lat, middle_lon, course_deg, math.hypot(x, y))
        ring.append([round(_unwrapped(lon, reach.lon), 6), round(lat, 6)])
    return [*ring, ring[0]]


def _unwrapped(lon: float, near_lon: float) -> float:
    """The longitude without a jump at the antimeridian, as seen from another."""
    return near_lon + (lon - near_lon + 540.0) % 360.0 - 180.0
