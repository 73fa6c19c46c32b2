"""Names of the topics of the log."""

from typing import Final

POSITIONS: Final = "ais.positions"
VESSELS: Final = "ais.vessels"
REJECTS: Final = "ais.rejects"
STATE: Final = "ais.detector.state"
ALERTS: Final = "alerts"
RESCUE: Final = "alerts.rcc"


def feedback_of(partner: str) -> str:
    """The topic into which a partner writes what it says of its alerts."""
    return f"feedback.{partner}"


def answers_of(partner: str) -> str:
    """The topic in which a partner's requests for information are answered."""
    return f"answers.{partner}"
