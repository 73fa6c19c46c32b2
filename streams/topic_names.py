"""Names of the topics of the log."""

from typing import Final

POSITIONS: Final = "ais.positions"
VESSELS: Final = "ais.vessels"
REJECTS: Final = "ais.rejects"
STATE: Final = "ais.detector.state"
ALERTS: Final = "alerts"
RESCUE: Final = "alerts.rcc"
