"""Small policies for tests: one partner that may have everything, and changes to it."""

from typing import Any

from maritime.sharing.evidence_kinds import EVIDENCE, EXPLANATION
from maritime.sharing.policy import FIELDS, ReleasePolicy
from maritime.sharing.prepare import Address
from tests.sharing.samples import TYPES

NOW: str = "2026-03-14T22:00:00+00:00"  # an hour after the samples were sent
KEY: bytes = bytes(range(32))
ADDRESS = Address("11111111-2222-4333-8444-555555555555", 0, "alert", (), "66666666-7777-4888-9999-aaaaaaaaaaaa")
EVERYTHING = (*FIELDS, *(f"evidence.{name}" for name in EVIDENCE), *(f"explanation.{name}" for name in EXPLANATION))

WHERE_AND_WHEN = ("geometry", "places", "places.at", "observed.start", "observed.end")


def rule(name: str = "all", **changes: Any) -> dict[str, Any]:
    """A rule that releases everything."""
    return {"name": name, "release": list(EVERYTHING)} | changes


def coarse_rule(name: str = "coarse", **changes: Any) -> dict[str, Any]:
    """A rule that hides who, where and when."""
    release = [
        "geometry",
        "places",
        "places.at",
        "observed.start",
        "observed.end",
        "vessels.length_m",
        "evidence.hours",
    ]
    return {
        "name": name,
        "release": release,
        "pseudonyms": True,
        "grid_deg": 0.5,
        "time_step_min": 360,
        "delay_min": 360,
        "significant_digits": 1,
        "retain_days": 30,
    } | changes


def partner(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A partner that passes every guard."""
    return {
        "name": "Partner",
        "country": "SG",
        "mandate": ["maritime_safety", "border_surveillance", "search_and_rescue"],
        "tlp_ceiling": "TLP:RED",
        "agreement": {"reference": "A", "since": "2020-01-01", "until": "2030-12-31"},
        "machine_alerts": True,
        "rules": list(rules),
    } | changes


MARK = {
    "types": list(TYPES),
    "tlp": "TLP:GREEN",
    "purpose": ["maritime_safety"],
    "rel_to": ["p"],
    "retain_days": 90,
}


def policy(partners: dict[str, Any], **changes: Any) -> ReleasePolicy:
    """A policy of these partners; raises pydantic's ValidationError."""
    return ReleasePolicy.model_validate(
        {
            "policy": "test",
            "version": "1",
            "originator": {"org_id": "nmc.example", "name": "Centre", "country": "TH"},
            "marks": [
                {
                    "types": list(TYPES),
                    "tlp": "TLP:GREEN",
                    "purpose": ["maritime_safety"],
                    "rel_to": ["p"],
                    "retain_days": 9,
                }
            ],
            "partners": partners,
        }
        | changes
    )


def one(*rules: dict[str, Any], **changes: Any) -> ReleasePolicy:
    """A policy of one partner, `p`."""
    return policy({"p": partner(*rules, **changes)})
