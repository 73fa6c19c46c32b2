"""DistressWatch: an active beacon is called at its first report, before event time has passed it.

An alert waits for the watermark and the end of its minute, so that it is the same in whatever order reports come. Who
is in the water cannot wait for that. So the first active report of a beacon, and the first of them with a position,
are called as soon as they are read; the alert `distress_beacon` follows in its own time. What counts as active is as in
maritime.detect.beacon; after its pause without an active report a beacon is called anew. A function of the records in
their order.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from maritime.alerts.alert import Alert
from maritime.detect.kernels.beacon import SART_ACTIVE
from maritime.detect.settings import DetectSettings
from maritime.detect.tell.beacon import DEVICES

LAST_POSITION_TYPE: Final = 3  # status is told in messages 1 to 3 alone (ITU-R M.1371-5 table 45); 0 is unknown


@dataclass(frozen=True, slots=True)
class DistressCall:
    """One call: somebody's beacon is active. `number` counts the calls of one episode: 2 brings the position."""

    mmsi: int
    number: int  # 1 or 2
    heard_ms: int  # ms UTC, of the report
    device: str | None  # AIS-SART, man overboard or EPIRB-AIS; None: a vessel with navigational status 14
    lat: float | None  # degrees
    lon: float | None
    source_code: int


def concerns_rescue(alert: Alert) -> bool:
    """Whether an alert tells of distress, or of silence that may be."""
    return bool((alert.evidence.get("safety") or {}).get("sar_phase"))


class DistressWatch:
    """Watches the reports of one partition; its memory is a beacon's for as long as the beacon's episode may last."""

    def __init__(self, settings: DetectSettings) -> None:
        self._is_on = settings.distress.enabled
        self._pause_ms = settings.distress.parameters().pause_ms
        self._heard: dict[int, list[int]] = {}  # MMSI → newest report (ms UTC), whether a position was called

    def take(self, positions: pa.RecordBatch) -> list[DistressCall]:
        """The calls that a PositionBatch gives reason for."""
        status = positions["nav_status"].to_numpy()
        if not self._is_on or not (status == SART_ACTIVE).any():
            return []
        calls = (self._judged(row) for row in positions.filter(pa.array(status == SART_ACTIVE)).to_pylist())
        return [call for call in calls if call is not None]

    def forget(self, now_ms: int) -> None:
        """Let go of beacons that were silent for so long that they would be called anew."""
        self._heard = {mmsi: heard for mmsi, heard in self._heard.items() if now_ms - heard[0] <= self._pause_ms}

    def saved(self) -> dict[str, list[int]]:
        """All that is remembered, as JSON can say it."""
        return {str(mmsi): heard for mmsi, heard in self._heard.items()}

    def remember(self, saved: dict[str, list[int]]) -> None:
        """Take back what `saved` gave; raises TypeError or ValueError for anything else."""
        self._heard = {int(mmsi): [int(t_ms), int(is_placed)] for mmsi, (t_ms, is_placed) in saved.items()}

    def _judged(self, row: dict[str, Any]) -> DistressCall | None:
        mmsi, t_ms = row["mmsi"], row["t"]
        device = DEVICES.get(mmsi // 1_000_000)
        if device is None and row["msg_type"] > LAST_POSITION_TYPE:
            return None
        has_position = not math.isnan(row["lat"])
        known = self._heard.get(mmsi)
        if known is None or t_ms - known[0] > self._pause_ms:
            number, self._heard[mmsi] = 1, [t_ms, int(has_position)]
        elif has_position and not known[1]:
            number, self._heard[mmsi] = 2, [max(known[0], t_ms), 1]
        else:
            known[0] = max(known[0], t_ms)
            return None
        lat, lon = (row["lat"], row["lon"]) if has_position else (None, None)
        return DistressCall(mmsi, number, t_ms, device, lat, lon, row["source"])
