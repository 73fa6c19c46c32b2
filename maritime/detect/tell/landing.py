"""Tell a landfall: where, how much of it was seen, and what about it is unusual. Alert type `unusual_landing`."""

import math
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np

from maritime.detect.episode import Episode, Reason
from maritime.detect.landing import HELD, SEEN, TERMS, LandingSettings
from maritime.detect.tell.context import Event, TellContext, build, known
from maritime.times import FAR, to_rfc3339
from maritime.units import MINUTE_MS

PLACE_LOOKED_KM: Final = 50.0  # kernels.landing.PLACE_LOOKED_M: no place is known nearer than this where none is named
SUNSET_DEG: Final = -0.833  # altitude at which the sun's upper limb sets, with refraction (NOAA)
RETRACTED: Final = 3  # kernels.events


def episode(event: Event, context: TellContext) -> Episode:
    """The episode of a LANDFALL event; the order of `v` is that of kernels.landing._tell."""
    settings = context.settings.landing
    v = event["v"]
    terms = _named(int(v[2]), TERMS)
    seen = _named(int(v[1]), SEEN)
    held = HELD[int(event["held"])]
    ended = event["end_t"] < FAR
    stay_min = (int(event["end_t"]) - int(event["start_t"])) / MINUTE_MS if ended else None
    return build(
        event,
        "landfall",
        score=_score(settings, terms),
        confidence=float(v[0]) / len(SEEN),
        reasons=_reasons(settings, terms, v, stay_min),
        evidence=_evidence(event, v, seen, held, stay_min, context) if event["alerted"] else {},
        held_back_by=held or None,
    )


def _evidence(
    event: Event, v: Sequence[float], seen: Collection[str], held: str, stay_min: float | None, context: TellContext
) -> dict[str, Any]:
    """What people are told with an alert; who reads of an ordinary landfall reads its row."""
    evidence: dict[str, Any] = {
        "confidence_level": int(v[0]),
        **{f"{part}_seen": part in seen for part in SEEN},
        "inferred_from_silence": bool(v[20]),
        "stay_min": None if stay_min is None else round(stay_min, 1),
        "unknown_terms": _named(int(v[3]), TERMS),
        "coast_m": known(v[4], 0),
        "shore_limit_m": known(v[5], 0),
        "coastline": context.coastline_id,
        "coastline_error_m": context.coastline_error_m,
        "place": context.place_name(int(v[7])) if v[7] >= 0 else None,
        "place_km": known(v[6] / 1000.0, 2),
        "others_at_rest_here": int(v[8]),
        "slow_vessels_around": int(v[9]),
        "sun_altitude_deg": known(v[10]),
        "night": bool(v[10] < SUNSET_DEG),
        "declared_destination": context.place_name(int(v[11])) if v[11] >= 0 else None,
        "destination_km": known(v[12] / 1000.0),
        "dark_period_min_before": known(v[13]),
        "loitering_min_before": known(v[14]),
        "fast_run_kn": known(v[15]),
        "dormant_days": known(v[16]),
        "visits_before": int(v[17]),
        "ship_type": int(v[18]),
        "length_m": known(v[19]),
        "nav_status": int(v[25]),
        "reports_at_rest": int(v[21]),
        "longest_hole_min": known(v[22] / 60.0),
        "last_sog_before_silence_kn": known(v[23]),
        "last_report": to_rfc3339(int(v[24])),
        "source": context.source_name(int(event["source"])),
    }
    if event["what"] == RETRACTED:
        evidence["retracted_because"] = held
    return evidence


def _named(bits: int, names: tuple[str, ...]) -> list[str]:
    return [name for k, name in enumerate(names) if bits >> k & 1]


def _score(settings: LandingSettings, terms: list[str]) -> float:
    weights = settings.weights.model_dump()
    return float(sum(weights[term] for term in terms))


def _reasons(settings: LandingSettings, terms: list[str], v: np.ndarray, stay_min: float | None) -> list[Reason]:
    """One reason for each term that counts; ANTECEDENT names each thing that came before."""
    reasons: list[Reason] = []
    if "place" in terms:
        place_km = PLACE_LOOKED_KM if math.isnan(v[6]) else round(float(v[6]) / 1000.0, 2)
        reasons.append(Reason("place", place_km, settings.place_km, "km"))
    if "destination" in terms:
        reasons.append(Reason("destination", known(v[12] / 1000.0), settings.destination_km, "km"))
    if "antecedent" in terms:
        if not math.isnan(v[13]):
            reasons.append(Reason("antecedent_dark_period", known(v[13] / 60.0, 2), settings.antecedent_h, "h"))
        if not math.isnan(v[14]):
            reasons.append(Reason("antecedent_loitering", known(v[14] / 60.0, 2), settings.antecedent_h, "h"))
        if not math.isnan(v[15]):
            reasons.append(Reason("antecedent_fast_run", known(v[15]), settings.sprint_kn, "kn"))
    if "short_stay" in terms and stay_min is not None:
        reasons.append(Reason("short_stay", round(stay_min, 1), settings.short_stay_min, "min"))
    if "dormancy" in terms:
        reasons.append(Reason("dormancy", known(v[16]), settings.dormant_days, "d"))
    return reasons
