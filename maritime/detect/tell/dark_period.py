"""Tell a silence: what was expected, who else was heard, where the vessel can have gone. Alert type `dark_period`."""

import math
from typing import Any, Final

import numpy as np

from maritime.detect.dark_period import HELD, DarkPeriodSettings
from maritime.detect.episode import Episode, Reason
from maritime.detect.tell.context import TellContext, build, known
from maritime.geo.geodesy import destination
from maritime.times import FAR, to_rfc3339
from maritime.units import HOUR_MS, KN_MS, NM_M

CLASS_NAMES: Final = ("A", "B", None)
RING_WIDTHS_DEG: Final = {1: 0.3, 2: 0.5, 4: 0.9, 10: 2.1}  # see kernels.reception.RINGS
SMALL_CRAFT_TYPES: Final = (30, 36, 37)  # fishing, sailing, pleasure craft (ITU-R M.1371-5 table 53)
GFW_HOURS: Final = 12.0
GFW_REPORTS: Final = 14
CIRCLE_POINTS: Final = 36
LEAST_PROBABILITY: Final = 1e-6  # as told: one that small or smaller


def episode(event: np.void, context: TellContext) -> Episode:
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
    if v[17]:
        evidence["outage_meanwhile"] = True
    small = v[16] in SMALL_CRAFT_TYPES or v[19] == 1
    if alerted and held == "" and ((small and far_from_shore) or (v[6] >= 60 and speed_kn >= 5.0 and far_from_shore)):
        evidence["safety"] = {"sar_phase": "uncertainty"}
    if ended and not math.isnan(moved_m):
        evidence |= {
            "moved_nm": known(moved_m / NM_M, 2),
            "implied_kn": known(implied_kn, 2),
            "reappeared_lat": known(v[12], 6),
            "reappeared_lon": known(v[13], 6),
            "reappeared_sog_kn": known(v[14]),
            "unexplained_hours": _unexplained_hours(silent_h, moved_m, speed_kn),
        }
        if (alerted and event["what"] != 3 and "leaving" in held) or held in ("at_rest", "fading_reception"):
            evidence["raised_at_reappearance"] = alerted
    reasons = [
        Reason("silence", round(silent_h, 3), round(float(v[21]) / 60.0, 3), "h"),
        Reason("probability_of_hearing_nothing", probability, settings.probability, "1"),
        Reason("reports_before", int(v[6]), settings.reports_before, "reports"),
        Reason("witnesses", witnesses, settings.witnesses, "vessels"),
    ]
    if not math.isnan(speed_kn):
        reasons.append(Reason("under_way", round(speed_kn, 1), settings.under_way_kn, "kn"))
    if alerted and ended and not math.isnan(moved_m) and moved_m >= settings.moved_nm * NM_M:
        reasons.append(Reason("moved_while_silent", round(moved_m / NM_M, 2), settings.moved_nm, "nm"))
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
        geometry=_geometry(event, v, silent_h, ended, context) if alerted else None,
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


def _geometry(event: np.void, v: np.ndarray, silent_h: float, ended: bool, context: TellContext) -> dict[str, Any]:
    """While silent: the last position and the area it can have reached; at reappearance: the straight line between."""
    lat, lon = float(event["lat"]), float(event["lon"])
    here = [round(lon, 6), round(lat, 6)]
    if ended and not math.isnan(v[12]):
        there_lon = float(v[13])
        if there_lon - lon > 180.0:
            there_lon -= 360.0
        elif lon - there_lon > 180.0:
            there_lon += 360.0
        return {"type": "LineString", "coordinates": [here, [round(there_lon, 6), round(float(v[12]), 6)]]}
    speed_kn = max(0.0 if math.isnan(v[7]) else float(v[7]), 1.0) * 1.3
    radius_m = min(speed_kn * NM_M * silent_h, 500.0 * NM_M)
    ring = []
    for k in range(CIRCLE_POINTS):
        to_lat, to_lon = destination(lat, lon, 360.0 - 360.0 * k / CIRCLE_POINTS, radius_m)
        ring.append([round(lon + (to_lon - lon + 540.0) % 360.0 - 180.0, 6), round(to_lat, 6)])
    ring.append(ring[0])
    return {
        "type": "GeometryCollection",
        "geometries": [{"type": "Point", "coordinates": here}, {"type": "Polygon", "coordinates": [ring]}],
    }
