"""FeedWatch: tells when a source of the ingester fell silent, and when it is back. Known from status records alone.

A source is stale when the wall time of a status is more than `stale_s` after its newest report (or, where there was
none, after the first status that names it), and also when two status records lie further apart than that: then the
ingester itself was down, and with it all of its sources. The alert begins at the newest report and ends at the first
status that tells of a newer one. Sources that came to their end, or that the ingester has no more, are not waited for.
"""

import hashlib
from dataclasses import replace
from typing import Any, Final

from maritime.alerts.alert import Alert, Detector
from maritime.detect.episode import Reason
from maritime.times import to_rfc3339
from streams.status import ENDED, SourceStatus, Status

FEED_STALE: Final = "feed_stale"
STALE_S: Final = 120.0  # chosen: a receiver near any traffic hears a vessel every few seconds
SECOND_MS: Final = 1_000


class FeedWatch:
    """Status records of one log in order in, alerts out. What it remembers is as large as a status."""

    def __init__(self, maker: Detector, stale_s: float = STALE_S) -> None:
        self._maker = maker
        self._stale_s = stale_s
        self._stale_ms = round(stale_s * SECOND_MS)
        self._wall_ms: int | None = None
        self._heard_ms: dict[str, int] = {}  # source → its newest report
        self._open: dict[str, Alert] = {}

    def take(self, status: Status) -> list[Alert]:
        """The alerts that begin or end with a status, in order of the sources."""
        told: list[Alert] = []
        gap_ms = 0 if self._wall_ms is None else status.wall_ms - self._wall_ms
        gone = self._heard_ms.keys() - {source.name for source in status.sources}
        for name in sorted(gone):
            told += self._closed(name, status.wall_ms, "the ingester has it no more")
            del self._heard_ms[name]
        for source in sorted(status.sources, key=lambda source: source.name):
            told += self._judged(source, status.wall_ms, gap_ms)
        self._wall_ms = status.wall_ms
        return told

    def saved(self) -> dict[str, Any]:
        """All that is remembered, as JSON can say it."""
        open_alerts = {name: alert.to_dict() for name, alert in self._open.items()}
        return {"wall_ms": self._wall_ms, "heard_ms": self._heard_ms, "open": open_alerts}

    def remember(self, saved: dict[str, Any]) -> None:
        """Take back what `saved` gave; raises KeyError, TypeError or ValueError for anything else."""
        self._wall_ms = None if saved["wall_ms"] is None else int(saved["wall_ms"])
        self._heard_ms = {name: int(heard_ms) for name, heard_ms in saved["heard_ms"].items()}
        self._open = {name: Alert.from_dict(alert) for name, alert in saved["open"].items()}

    def _judged(self, source: SourceStatus, wall_ms: int, gap_ms: int) -> list[Alert]:
        name, told = source.name, []
        # an earlier word from a clock that was put back since counts as now
        heard_ms = min(self._heard_ms.get(name, wall_ms), wall_ms)
        newest_ms = heard_ms if source.last_ms is None else max(heard_ms, min(source.last_ms, wall_ms))
        silent_ms = wall_ms - newest_ms
        is_new = name not in self._heard_ms
        self._heard_ms[name] = newest_ms
        if source.state == ENDED:
            return self._closed(name, newest_ms, "it came to its end")
        if name not in self._open:
            if gap_ms > self._stale_ms and not is_new:
                told.append(self._opened(name, heard_ms, wall_ms, gap_ms, "ingester_down"))
            elif silent_ms > self._stale_ms:
                told.append(self._opened(name, newest_ms, wall_ms, silent_ms, "silent"))
        if name in self._open and newest_ms > self._open[name].started_ms:
            told += self._closed(name, newest_ms, "it is heard again")
        return told

    def _opened(self, name: str, started_ms: int, wall_ms: int, for_ms: int, term: str) -> Alert:
        hull = f"source-{name}"
        alert = Alert(
            alert_id=hashlib.sha256(f"{FEED_STALE}|{hull}|{started_ms}".encode()).hexdigest()[:32],
            revision=0,
            type=FEED_STALE,
            state="open",
            mmsi=0,
            hull=hull,
            started_ms=started_ms,
            ended_ms=None,
            raised_ms=wall_ms,
            lat=None,
            lon=None,
            severity="moderate",
            confidence=1.0,
            score=0.6,
            reasons=(Reason(term, for_ms / SECOND_MS, self._stale_s, "s"),),
            evidence={"last_report": to_rfc3339(started_ms), "source": name},  # by name, as snapshots have them
            detector=self._maker,
            geometry=None,
        )
        self._open[name] = alert
        return alert

    def _closed(self, name: str, ended_ms: int, because: str) -> list[Alert]:
        alert = self._open.pop(name, None)
        if alert is None:
            return []
        ended_ms = max(ended_ms, alert.started_ms)
        silent_s = (ended_ms - alert.started_ms) / SECOND_MS
        evidence = alert.evidence | {"silent_s": silent_s, "closed_because": because}
        return [replace(alert, revision=alert.revision + 1, state="closed", ended_ms=ended_ms, evidence=evidence)]
