"""Terms: what each named reason of an alert means, for people who did not write the rule."""

from typing import Final

TERM_MEANING: Final[dict[str, str]] = {
    # dark period
    "silence": "how long nothing was heard; the threshold is this vessel's own",
    "probability_of_hearing_nothing": "chance of such a silence with the transmitter on, by what is heard of others",
    "reports_before": "reports in the 12 h before; with fewer its habits are not known",
    "witnesses": "other vessels heard around it meanwhile; fewer lower the confidence",
    "under_way": "speed at the last report; a vessel at rest may have moored",
    "moved_while_silent": "distance between the last report and the next one",
    "few_reports": "told at reappearance: too few reports came before to judge it sooner",
    "fading_reception": "told at reappearance: its reports had thinned out before, as at the edge of reception",
    "at_rest": "told at reappearance: it was at rest when last heard",
    "leaving_area_heard": "told at reappearance: its course led out of the area in which vessels are heard",
    "slowing_into_mooring": "told at reappearance: it was slowing down near a mooring place",
    "reception_outage": "its receiver or region was out meanwhile",
    "expected_silence": "nothing could be expected to be heard",
    "source_clock_off": "the clock of the receiver that heard it is wrong, so its silence is not judged",
    "identity_clash": "it came back farther away than a vessel can go",
    "switched_off_at_rest": "it came back at rest where it was last heard",
    "returned_into_area_heard": "it came back from outside the area in which vessels are heard",
    "too_short": "it was over sooner than a dark period is",
    # loitering
    "duration": "how long it stayed; the threshold depends on the distance to the shore",
    "mean_speed": "mean speed over that time",
    "circling": "distance sailed against distance made good",
    "adrift": "pushed sideways: course more than 45° off the heading",
    "not_under_command": "it reported that it cannot manoeuvre",
    "watch_zone": "inside a zone that is watched, where a shorter stay counts",
    "in_port": "distance to the nearest port; weighs against an alert",
    "at_anchor": "moved no more than a ship at anchor; weighs against an alert",
    "near_shore": "distance of the whole episode from shore: slowness is ordinary there, so the alert was retracted",
    "usual_here": "share of vessels that are slow here; weighs against an alert",
    "natural_loiterer": "type of ship whose work is to wait; weighs against an alert",
    "leisure_craft": "pleasure craft wander; weighs against an alert",
    # unusual landing
    "place": "distance to the nearest known port, marina or anchorage",
    "novelty": "how rarely vessels like this come here",
    "type": "whether vessels of its type come here",
    "hour": "whether vessels come here at this hour",
    "destination": "distance from the destination that it declared",
    "antecedent": "what it did in the day before",
    "antecedent_dark_period": "hours in the dark in the day before; the threshold is how far back it counts",
    "antecedent_loitering": "hours of loitering in the day before; the threshold is how far back it counts",
    "antecedent_fast_run": "highest speed on the way in",
    "short_stay": "time ashore; shorter is more unusual",
    "dormancy": "days without movement before",
    # beacons, withheld positions, identity, reception
    "beacon_active": "active, not in test",
    "without_position": "how long it transmitted without a position",
    "reports": "reports without a position",
    "positions_before": "reports with a position before",
    "implied_speed": "speed it would take from the one report to the other",
    "vessels_fallen_silent_together": "vessels heard in the ten minutes before",
}
"""Term → meaning. A term that is missing here is shown by its name alone."""
