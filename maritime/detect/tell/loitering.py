"""Tell a loitering: how long, how slow, where, and what weighed against it. Alert type `loitering`."""

import math
from typing import Any, Final

import numpy as np

from maritime.columns import NAV_STATUS_UNKNOWN
from maritime.detect.episode import Episode, Reason
from maritime.detect.loitering import LoiteringSettings
from maritime.detect.tell.context import Event, TellContext, build, known
from maritime.geo.cells import RECEPTION_CELL_DEG
from maritime.times import FAR, to_rfc3339
from maritime.units import HOUR_MS, NM_M

MODES: Final = ("slow", "circling", "adrift", "not_under_command")  # bits of loiter_modes, see kernels.loitering
SAMPLES_PER_HOUR: Final = 12.0  # chosen: one in five minutes shows all there is to a slow vessel
AROUND_DEG: Final = round(3 * RECEPTION_CELL_DEG, 3)  # width of a reception cell and its ring
RETRACTED: Final = 3  # kernels.events
LEAST_WEIGHT: Final = 0.5  # kernels.loitering._judge: below it no length of stay is an alert


def episode(event: Event, context: TellContext) -> Episode:
    """The episode of a LOITERING event; the order of `v` is that of kernels.loitering._tell."""
    settings = context.settings.loitering
    v = event["v"]
    end_ms = int(event["end_t"]) if event["end_t"] < FAR else int(v[20])
    hours = max(end_ms - int(event["start_t"]), 0) / HOUR_MS
    threshold_h = known(v[15] / 60.0, 3)
    modes = [name for k, name in enumerate(MODES) if int(v[11]) >> k & 1]
    zone = context.zone_name(int(v[10])) if v[10] >= 0 else None
    ratio = float(v[5] / v[6]) if v[6] > 0.0 else math.nan
    masks = _masks(settings, v)
    reasons = [Reason("duration", round(hours, 3), threshold_h, "h")]
    if "slow" in modes:
        reasons.append(Reason("mean_speed", known(v[1], 2), settings.enter_kn, "kn"))
    if "circling" in modes:
        reasons.append(Reason("circling", known(ratio), settings.circling_ratio, "path/net"))
    reasons += [Reason(mode, True, True, "1") for mode in modes if mode in ("adrift", "not_under_command")]
    if zone is not None:
        reasons.append(Reason("watch_zone", zone, None, "name"))
    if event["what"] == RETRACTED:
        reasons.append(Reason("near_shore", known(v[8] / NM_M), settings.near_nm, "nm"))
    return build(
        event,
        "loitering",
        score=_score(v, hours),
        confidence=_confidence(settings, v, hours),
        reasons=reasons + masks,
        evidence=_evidence(event, hours, ratio, modes, zone, context) if event["alerted"] else {},
        held_back_by=_held_back_by(masks, v, hours),
    )


def _evidence(
    event: Event, hours: float, ratio: float, modes: list[str], zone: str | None, context: TellContext
) -> dict[str, Any]:
    """What people are told with an alert; who reads of an ordinary slow period reads its row."""
    settings, v = context.settings.loitering, event["v"]
    far = v[8] >= settings.far_nm * NM_M
    return {
        "hours": round(hours, 3),
        "modes": modes,
        "samples": int(v[0]),
        "mean_speed_kn": known(v[1], 2),
        "max_speed_kn": known(v[2]),
        "rms_radius_nm": known(v[3] / NM_M, 3),
        "radius_95_nm": known(v[4] / NM_M, 2),
        "path_nm": known(v[5] / NM_M, 2),
        "net_nm": known(v[6] / NM_M, 2),
        "path_net_ratio": known(ratio),
        "turns_per_hour": known(abs(v[7]) / hours, 2) if hours > 0.0 else None,
        "coast_nm": None if far else known(v[8] / NM_M),
        "beyond_coast_nm": settings.far_nm if far else None,
        "coastline": context.coastline_id,
        "port": context.place_name(int(v[27])) if v[27] >= 0 else None,
        "port_km": known(v[26] / 1000.0) if v[27] >= 0 else None,
        "others_ever_at_rest_here": int(v[25]),
        "zone": zone,
        "nav_status": int(v[19]),
        "at_anchor_share": known(v[12], 2),
        "usual_slow_share": known(v[17], 2),
        "vessels_heard_around": int(v[18]),
        "vessels_usual_around": known(v[23]),
        "around_deg": AROUND_DEG,
        "others_heard_near": int(v[24]),
        "near_deg": RECEPTION_CELL_DEG,
        "ship_type": int(v[16]),
        "longest_hole_min": known(v[13] / 60.0),
        "weight": known(v[14], 3),
        "last_report": to_rfc3339(int(v[20])),
        "source": context.source_name(int(event["source"])),
    }


def _masks(settings: LoiteringSettings, v: np.ndarray) -> list[Reason]:
    """What weighs the score down, the heaviest first; the rules are those of kernels.loitering.weight."""
    masks = []
    if v[21]:
        masks.append(Reason("in_port", known(v[9] / 1000.0), settings.port_in_km, "km"))
    in_zone_without_status = v[10] >= 0 and v[19] == NAV_STATUS_UNKNOWN
    if v[12] > 0.5 and v[3] < settings.anchor_rms_nm * NM_M and not in_zone_without_status:
        masks.append(Reason("at_anchor", known(v[3] / NM_M, 3), settings.anchor_rms_nm, "nm"))
    if v[17] > 0.0:
        masks.append(Reason("usual_here", known(v[17], 2), None, "share slow"))
    if not v[22] and (30 <= v[16] <= 34 or 50 <= v[16] <= 55):
        masks.append(Reason("natural_loiterer", int(v[16]), None, "ship type"))
    if not v[22] and v[16] in (36, 37):
        masks.append(Reason("leisure_craft", int(v[16]), None, "ship type"))
    return masks


def _held_back_by(masks: list[Reason], v: np.ndarray, hours: float) -> str:
    """The one rule that stands between the episode and an alert."""
    heaviest = next((mask.term for mask in masks), None)
    walled = next((mask.term for mask in masks if mask.term in ("in_port", "at_anchor")), None)
    if math.isnan(v[15]):
        return walled or "near_shore"
    if heaviest and (v[14] < LEAST_WEIGHT or hours >= v[15] / 60.0):
        return heaviest
    return "below_threshold"


def _score(v: np.ndarray, hours: float) -> float:
    """0.5 at the threshold, 1 at twice of it, times what the masks leave; 0 where slowness alone is ordinary."""
    return 0.0 if math.isnan(v[15]) else min(0.5 * hours / (float(v[15]) / 60.0), 1.0) * float(v[14])


def _confidence(settings: LoiteringSettings, v: np.ndarray, hours: float) -> float:
    """How well the episode was seen: samples for its length, and its longest hole against the longest bridged."""
    seen = min(float(v[0]) / max(SAMPLES_PER_HOUR * hours, 1.0), 1.0)
    hole = min(float(v[13]) / (settings.bridge_min * 60.0), 1.0)
    return 0.4 + 0.4 * seen + 0.2 * (1.0 - hole)
