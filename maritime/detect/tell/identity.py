"""Tell an identity clash: two transmitters on one MMSI."""

from maritime.detect.episode import Episode, Reason
from maritime.detect.tell.context import Event, TellContext, build, known
from maritime.times import to_rfc3339
from maritime.units import NM_M


def episode(event: Event, context: TellContext) -> Episode:
    """The episode of a CLASH event, told once, when the further hull is found."""
    v = event["v"]
    speed_kn = float(v[5])
    return build(
        event,
        "identity_clash",
        score=0.5,
        confidence=0.7,
        reasons=[Reason("implied_speed", round(speed_kn, 1), context.settings.hulls.reachable_kn, "kn")],
        evidence={
            "other_hull": f"{int(event['mmsi']):09d}-{int(v[0])}",
            "last_report": to_rfc3339(int(event["start_t"])),
            "other_lat": known(v[1], 6),
            "other_lon": known(v[2], 6),
            "other_last_report": to_rfc3339(int(v[3])),
            "distance_nm": known(v[4] / NM_M, 2),
            "source": context.source_name(int(event["source"])),
        },
        held_back_by=None,
    )
