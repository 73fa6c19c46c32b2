"""CISE data model 1.5.3: its words for ours. Spelling is the standard's, mistakes included.

Where the standard has no word there is `Other` or `NonSpecified`; our own words travel in Metadata and in the
attached envelope.
"""

from typing import Final

from maritime.sharing.envelope import CapCertainty, CapSeverity, Purpose, Status, Tlp

ANOMALY_TYPES: Final = {
    "dark_period": "WithoutAISTransmission",
    "identity_clash": "DetecionOfChangesInAISParameters",  # so spelt in the standard
    "loitering": "UnexpectedMovement",
    "position_withheld": "DetecionOfChangesInAISParameters",  # it transmits; the position is set to "not available"
    "unusual_landing": "UnexpectedMovement",
}
"""AnomalyType by type of alert; every other type is `Other`."""

PURPOSES: Final[dict[Purpose, str]] = {
    "border_surveillance": "BorderMonitoring",
    "customs": "CustomsMonitoring",
    "defence": "DefenceMonitoring",
    "environment": "EnvironmentMonitoring",
    "fisheries_control": "FisheriesMonitoring",
    "humanitarian_protection": "NonSpecified",
    "law_enforcement": "LawEnforcementMonitoring",
    "maritime_safety": "Safety",
    "search_and_rescue": "SAR",
}
SENSITIVITIES: Final[dict[Tlp, str]] = {
    "TLP:CLEAR": "White",
    "TLP:GREEN": "Green",
    "TLP:AMBER": "Amber",
    "TLP:AMBER+STRICT": "Amber",
    "TLP:RED": "Red",
}
"""The standard has TLP 1.0, which calls CLEAR white and has no STRICT."""

PRIORITIES: Final[dict[CapSeverity, str]] = {
    "Extreme": "High",
    "Severe": "High",
    "Moderate": "Medium",
    "Minor": "Low",
    "Unknown": "Medium",
}
RISK_SEVERITIES: Final[dict[CapSeverity, str]] = {
    "Extreme": "Catastrophic",
    "Severe": "Critical",
    "Moderate": "Marginal",
    "Minor": "Negligible",
    "Unknown": "NonSpecified",
}
RISK_PROBABILITIES: Final[dict[CapCertainty, str]] = {
    "Observed": "Probable",
    "Likely": "Probable",
    "Possible": "Occasional",
    "Unlikely": "Improbable",
    "Unknown": "NonSpecified",
}
NATURES: Final[dict[CapCertainty, str]] = {
    "Observed": "Observed",
    "Likely": "Estimated",
    "Possible": "Estimated",
    "Unlikely": "Estimated",
    "Unknown": "NonSpecified",
}
NATURES_OF_STATUS: Final[dict[Status, str]] = {"exercise": "Simulated", "test": "Simulated", "system": "Other"}
"""NatureType of what did not happen; it goes before certainty."""

RELIABILITIES: Final = {
    1: "VeryHighConfidence",  # "verified data"
    2: "HighConfidence",
    3: "Confident",
    4: "LowConfidence",
    5: "VeryLowConfidence",
    6: "NonSpecified",
}
"""InformationReliabilityLevel, the owner's confidence in the information, by information credibility 1–6."""

LOCATION_ROLES: Final = {"last_report": "LastPlace", "next_report": "NextPlace"}
OBJECT_ROLES: Final = {"subject": "Participant", "other": "Other"}


def vessel_type(ship_type: int) -> str:
    """VesselType by ITU-R M.1371-5 table 53, as the European Commission's own CISE AIS adaptor translates it."""
    if ship_type == 0:
        return "NonSpecified"
    if ship_type == 30:
        return "FishingVessel"
    if 31 <= ship_type <= 35 or 50 <= ship_type <= 55 or ship_type == 58:
        return "SpecialPurposeShip"
    by_tens = {4: "HighSpeedCraft", 6: "PassengerShip", 7: "GeneralCargoShip", 8: "OilTanker"}
    return by_tens.get(ship_type // 10, "Other")
