"""What each name in an alert's evidence and explanation gives away, and its unit. What is not listed here never leaves.

A coarsened copy must not tell in passing what was coarsened: a distance to a port is a position, the sun's altitude is
a longitude, and a receiver's name is both a position and a method.
"""

from typing import Final, Literal, NamedTuple

EvidenceClue = Literal["identity", "place", "time", "measure", "word"]


class Kind(NamedTuple):
    """`clue` is what can be concluded from it; a measure is a number that coarsening rounds."""

    clue: EvidenceClue
    unit: str | None = None


def _table(text: str) -> dict[str, Kind]:
    rows = (line.split() for line in text.strip().splitlines())
    return {name: Kind(clue, unit[0] if unit else None) for name, clue, *unit in rows}  # type: ignore[arg-type]


EVIDENCE: Final = _table("""
abrupt_stop_from_kn measure kn
approach_seen word
around_deg measure deg
at_anchor_share measure 1
beyond_coast_nm place nm
closed_because word
coast_m place m
coast_nm place nm
coastline word
coastline_error_m measure m
confidence_level measure
dark_period_min_before measure min
declared_destination place
departure_seen word
destination_km place km
device word
distance_nm measure nm
dormant_days measure d
fast_run_kn measure kn
first_report time
heard_share measure 1
hours measure h
identity_change_seen word
identity_changed_at time
implied_kn measure kn
inferred_from_silence word
interval_p95_s measure s
last_cog_deg place deg
last_position_at time
last_report time
last_sog_before_silence_kn measure kn
last_sog_kn measure kn
length_m measure m
loitering_min_before measure min
longest_hole_before_min measure min
longest_hole_min measure min
max_speed_kn measure kn
mean_speed_kn measure kn
modes word
moved_nm measure nm
nav_status word
near_deg measure deg
net_nm measure nm
night place
other_hull identity
other_last_report time
other_lat place deg
other_lon place deg
others_at_rest_here place
others_ever_at_rest_here place
others_heard_near place
outage_meanwhile word
own_reception measure 1
own_reception_windows measure
path_net_ratio measure 1
path_nm measure nm
place place
place_km place km
port place
port_km place km
prior_alerts_30d measure
prior_alerts_365d measure
probability measure 1
radius_95_nm measure nm
raised_at_reappearance word
reach_kn measure kn
reach_nm measure nm
reachable_ports place
reappeared_at time
reappeared_lat place deg
reappeared_lon place deg
reappeared_sog_kn measure kn
reception place 1
reports measure
reports_12h_before measure
reports_at_rest measure
reports_without_position measure
retracted_because word
rms_radius_nm measure nm
samples measure
ship_type word
shore_limit_m measure m
silent_s measure s
slow_vessels_around place
source place
source_clock_off_s measure s
stay_min measure min
stay_seen word
stop_seen word
strict_gfw word
sun_altitude_deg place deg
transceiver word
turns_per_hour measure 1/h
unexplained_hours measure h
unknown_terms word
usual_slow_share place 1
usual_vessels_in_ten_minutes place
vessels_fallen_silent place
vessels_heard_around place
vessels_usual_around place
visits_before place
weight measure 1
windows_judged measure
witness_area_deg measure deg
witnesses place
zone place
""")

EXPLANATION: Final = _table("""
adrift word
antecedent_dark_period measure h
antecedent_fast_run measure kn
antecedent_loitering measure h
at_anchor measure nm
at_rest word
beacon_active word
circling measure
destination place km
dormancy measure d
duration measure h
expected_silence word
fading_reception word
few_reports word
hour place
identity_clash word
implied_speed measure kn
in_port place km
ingester_down measure s
leaving_area_heard place
leisure_craft word
mean_speed measure kn
moved_while_silent measure nm
natural_loiterer word
near_shore place nm
not_under_command word
novelty place
place place km
positions_before measure
probability_of_hearing_nothing measure 1
reception_outage word
reports measure
reports_before measure
returned_into_area_heard place
short_stay measure min
silence measure h
silent measure s
slowing_into_mooring place
source_clock_off word
switched_off_at_rest word
too_short word
type place
under_way measure kn
usual_here place
vessels_fallen_silent_together place
watch_zone place
without_position measure min
witnesses place
""")
