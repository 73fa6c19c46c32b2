"""Tell a reception outage: a notice about a sensor, not about a ship."""

from maritime.detect.episode import Episode, Reason
from maritime.detect.tell.context import Event, TellContext, build, known
from maritime.times import FAR
from maritime.units import HOUR_MS


def episode(event: Event, context: TellContext) -> Episode:
    """The episode of an OUTAGE event; `hull` names the source or the region."""
    v = event["v"]
    regional = bool(v[2])
    place = f"region-{int(v[3])}" if regional else f"source-{context.source_name(int(event['source'])) or 'unnamed'}"
    settings = context.settings.outage
    evidence = {
        "usual_vessels_in_ten_minutes": known(v[0]),
        "vessels_fallen_silent": int(v[1]),
        "source": None if regional else context.source_name(int(event["source"])),
    }
    if event["end_t"] < FAR:
        evidence["hours"] = round((int(event["end_t"]) - int(event["start_t"])) / HOUR_MS, 3)
    return build(
        event,
        "reception_outage",
        score=0.5,
        confidence=min(0.5 + float(v[0]) / 40.0, 0.99),
        reasons=[Reason("vessels_fallen_silent_together", int(v[1]), settings.usual_vessels, "vessels")],
        evidence=evidence,
        held_back_by=None,
        hull=place,
    )
