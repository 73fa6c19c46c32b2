"""What a report takes of an alert: the house all of it, a partner what its copy tells."""

import pytest

from maritime.reports.told import Newest, Verdict, own_view, partner_view
from maritime.sharing.policy import ReleasePolicy
from maritime.times import from_rfc3339
from tests.reports.world import alert_at

WHERE_AND_WHEN = ["geometry", "observed.start", "observed.end"]
ALERT = alert_at(1, "2026-04-10T13:37:00Z", (8.61, 97.32))


def policy(rule=None, **partner):
    """A policy with one partner, which takes exercises and machine alerts."""
    rule = {"name": "all", "release": [*WHERE_AND_WHEN, "vessels.mmsi"]} | (rule or {})
    return ReleasePolicy.model_validate(
        {
            "policy": "test",
            "version": "1",
            "originator": {"org_id": "own"},
            "marks": [
                {
                    "types": ["dark_period", "loitering"],
                    "tlp": "TLP:GREEN",
                    "purpose": ["maritime_safety"],
                    "rel_to": ["them"],
                    "retain_days": 30,
                }
            ],
            "partners": {
                "them": {
                    "name": "Them",
                    "country": "SG",
                    "mandate": ["maritime_safety"],
                    "tlp_ceiling": "TLP:AMBER",
                    "agreement": {"reference": "x", "since": "2026-01-01", "until": "2026-12-31"},
                    "machine_alerts": True,
                    "exercises": True,
                    "reports": {},
                    "rules": [rule],
                }
                | partner
            },
        }
    )


COARSE = {
    "release": WHERE_AND_WHEN,
    "grid_deg": 0.5,
    "time_step_min": 1440,
    "delay_min": 1440,
    "pseudonyms": True,
}


def seen(alert=ALERT, verdict=None, at=None, **changes):
    return partner_view(policy(**changes), "them", from_rfc3339(at) if at else None)(alert, verdict)


def test_a_coarse_copy_gives_the_middle_of_its_cell_and_the_step_of_its_clock():
    told = seen(rule=COARSE)
    assert told.place == (8.75, 97.25)
    assert told.start_ms == from_rfc3339("2026-04-10")
    assert told.linked_by != own_view(ALERT, None).linked_by


def test_what_a_copy_hides_changes_nothing_in_a_report():
    elsewhere = alert_at(1, "2026-04-10T02:00:00Z", (8.99, 97.01))
    assert seen(elsewhere, rule=COARSE) == seen(rule=COARSE)


@pytest.mark.parametrize(
    "changes",
    [
        {"rule": {"types": ["loitering"]}},
        {"rule": {"min_severity": "Extreme"}},
        {"rule": {"release": ["geometry"]}},  # when is not told
        {"rule": {"release": ["observed.start"]}},  # where is not told
        {"agreement": {"reference": "x", "since": "2020-01-01", "until": "2020-12-31"}},
        {"mandate": ["fisheries_control"]},
        {"tlp_ceiling": "TLP:CLEAR"},
        {"exercises": False},
        {"machine_alerts": False},
    ],
)
def test_what_is_denied_or_does_not_say_where_and_when_is_not_in_the_report(changes):
    assert seen() is not None
    assert seen(**changes) is None


def test_vessels_that_a_copy_does_not_name_make_no_chains():
    assert seen().linked_by == "563000001"
    assert seen(rule={"release": WHERE_AND_WHEN}).linked_by is None


def test_an_alert_that_waits_for_a_person_is_seen_when_one_has_confirmed_it():
    later = from_rfc3339("2026-04-11")
    assert seen(machine_alerts=False, verdict=Verdict("confirmed", later)).verdict == "confirmed"
    assert seen(machine_alerts=False, verdict=Verdict("dismissed", later)) is None
    assert seen(verdict=Verdict("dismissed", later)).verdict == "dismissed"  # it was sent before


def test_a_time_at_which_all_is_sent_takes_the_place_of_each_one_s_own():
    ended = {"reference": "x", "since": "2030-01-01", "until": "2030-12-31"}
    assert seen(agreement=ended) is None
    assert seen(agreement=ended, at="2030-06-01") is not None


def test_the_house_leaves_out_what_was_retracted_and_what_is_about_receivers():
    assert own_view(ALERT, None).vessel == "563000001"
    assert own_view(alert_at(1, "2026-04-10", (8, 97), state="retracted"), None) is None
    assert own_view(alert_at(1, "2026-04-10", (8, 97), type="reception_outage"), None) is None


def test_the_newest_revision_counts_whatever_comes_first():
    old, new = (
        alert_at(1, "2026-04-10", (8, 97), revision=1),
        alert_at(1, "2026-04-10", (8, 97), state="retracted", revision=2),
    )
    for order in ((old, new), (new, old)):
        newest = Newest(own_view, {}, 10)
        for i, each in enumerate(order):
            newest.add(each, bytes([i]))
        assert newest.told() == []


def test_terms_whose_cells_are_not_made_of_the_rule_s_are_refused():
    for grid_deg in (2, 0.3):
        with pytest.raises(ValueError, match="whole cells"):
            policy(rule=COARSE | {"grid_deg": grid_deg})
