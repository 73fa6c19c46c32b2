"""Recorder: takes what a replay produces as it comes and leaves the folder of files that people work with."""

from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from maritime.alerts.alert import Alert, Detector
from maritime.alerts.output import OutputFolder
from maritime.alerts.spool import AlertSpool
from maritime.alerts.tracks import TrackSketch
from maritime.alerts.vessel_days import VesselDays
from maritime.alerts.vessel_hours import VesselHours
from maritime.alerts.writers.csv_table import write_csv
from maritime.alerts.writers.episodes import EpisodeFile
from maritime.alerts.writers.geojson import write_geojson
from maritime.alerts.writers.jsonl import write_jsonl
from maritime.alerts.writers.kml import write_kml
from maritime.alerts.writers.parquet_table import write_parquet
from maritime.alerts.writers.rejects import KEPT_PER_REASON, RejectFile
from maritime.columns import Chunk, Reject
from maritime.detect.episode import Episode
from maritime.times import to_rfc3339

WRITERS: Final[dict[str, Callable[[Iterable[Alert], Path], None]]] = {
    "alerts.jsonl": write_jsonl,
    "alerts.geojson": write_geojson,
    "alerts.csv": write_csv,
    "alerts.parquet": write_parquet,
    "alerts.kml": write_kml,
}
REVISIONS: Final = "alert_revisions.jsonl"
EPISODES: Final = "episodes.parquet"
VESSEL_HOURS: Final = "vessel_hours.parquet"
REJECTS: Final = "rejects.jsonl"
MAP: Final = "map.png"
SUMMARY: Final = "summary.json"
FILES: Final = (*WRITERS, REVISIONS, EPISODES, VESSEL_HOURS, REJECTS, MAP, SUMMARY)
LATE: Final = "late"
FUTURE: Final = "time_in_the_future"  # far ahead of all others at the end of the data
CLOCK_AHEAD: Final = "source_ahead_of_others"  # in order of arrival, its source alone was far ahead
CLOCK_OFF: Final = "source_clock_off"  # the clock of its source is wrong by base stations

Contains = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], npt.NDArray[np.bool_]]


@dataclass(slots=True)
class Tally:
    """What was counted while the reports passed by."""

    reports: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    vessel_days: VesselDays = field(default_factory=VesselDays)


class Recorder:
    """Writes into an entered `OutputFolder`; use it as a context manager inside that of the folder.

    `area` (latitudes, longitudes → inside?) and `types` choose what is told: episodes and alerts elsewhere, or of other
    types, are left out, and only vessels inside the area count for vessel-days. An episode without a position is told.
    """

    def __init__(
        self,
        folder: OutputFolder,
        detector: Detector,
        *,
        area: Contains | None = None,
        types: Collection[str] | None = None,
        revisions: bool = False,
    ) -> None:
        self._folder = folder
        self._detector = detector
        self._area = area
        self._types = types
        self._raised_ms: dict[str, int] = {}  # episode_id → when it was first raised
        self._files = ExitStack()
        try:
            self._spool = AlertSpool(self._files.enter_context(_spool_file(folder, revisions)))
            self._episodes = EpisodeFile(folder.partial(EPISODES))
            self._files.callback(self._episodes.close)
            self._vessel_hours = VesselHours(folder.partial(VESSEL_HOURS))
            self._files.callback(self._vessel_hours.close)
            self._rejects = RejectFile(folder.partial(REJECTS))
            self._files.callback(self._rejects.close)
        except BaseException:
            self._files.close()
            raise
        self.tally = Tally()
        self.sketch = TrackSketch()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def chunk(self, chunk: Chunk) -> None:
        """Count and sketch the reports of a chunk, keep its rejects."""
        self._rejects.add(chunk.rejects, chunk.reject_counts)
        mmsi, t_ms, lat_deg, lon_deg = (
            chunk.positions.column(name).to_numpy(zero_copy_only=False) for name in ("mmsi", "t", "lat", "lon")
        )
        if not t_ms.size:
            return
        tally = self.tally
        tally.reports += t_ms.size
        first_ms, last_ms = int(t_ms.min()), int(t_ms.max())
        tally.first_ms = first_ms if tally.first_ms is None else min(first_ms, tally.first_ms)
        tally.last_ms = last_ms if tally.last_ms is None else max(last_ms, tally.last_ms)
        if self._area is not None:
            inside = self._area(lat_deg, lon_deg)
            mmsi, t_ms, lat_deg, lon_deg = mmsi[inside], t_ms[inside], lat_deg[inside], lon_deg[inside]
        tally.vessel_days.add(mmsi, t_ms)
        self._vessel_hours.add(mmsi, t_ms, lat_deg, lon_deg)
        self.sketch.add(mmsi, t_ms, lat_deg, lon_deg)

    def refused(self, file: str, batches: Iterable[pa.RecordBatch], reason: str) -> None:
        """Keep reports that were refused for their time (too late for their place in it, for one) as rejects."""
        for batch in batches:
            self._rejects.add(
                [_reject(file, row, reason) for row in batch.slice(0, KEPT_PER_REASON).to_pylist()],
                {reason: batch.num_rows},
            )

    def episode(self, episode: Episode) -> None:
        """Take one revision of an episode; if this one or an earlier was raised, it is also one of an alert."""
        if episode.raised_ms is not None:
            self._raised_ms.setdefault(episode.episode_id, episode.raised_ms)
        if not self._told(episode):
            return
        self._episodes.add(episode)
        raised_ms = self._raised_ms.get(episode.episode_id)
        if raised_ms is None:
            return
        alert = Alert.of(episode, self._detector, raised_ms)
        if self._types is None or alert.type in self._types:
            self._spool.add(alert)

    def alerts(self) -> Iterable[Alert]:
        """The newest revision of every alert, by the time it was raised."""
        return self._spool.newest()

    def finish(self) -> dict[str, Any]:
        """Write the alert files, finish the others, and return the counts for the summary."""
        self._vessel_hours.finish()
        for name, write in WRITERS.items():
            write(self._spool.newest(), self._folder.partial(name))
        return {
            "span": {"from": to_rfc3339(self.tally.first_ms), "to": to_rfc3339(self.tally.last_ms)},
            "reports": self.tally.reports,
            "vessels": self.tally.vessel_days.ships,
            "vessel_days": round(self.tally.vessel_days.count, 2),
            "alerts": len(self._spool),
            "alerts_by_type": _by_type(self._spool.newest(), self.tally.vessel_days.count),
            "episodes_by_type": self._episodes.finish(),
            "rejects": {
                "total": self._rejects.by_reason.total(),
                "kept": self._rejects.kept,
                "by_reason": dict(sorted(self._rejects.by_reason.items())),
            },
        }

    def _told(self, episode: Episode) -> bool:
        """Whether it lies in the area; one that was told before is told to its end."""
        if self._area is None or episode.lat is None or episode.lon is None:
            return True
        if episode.episode_id in self._episodes or episode.episode_id in self._spool:
            return True
        return bool(self._area(np.array([episode.lat]), np.array([episode.lon]))[0])


def _spool_file(folder: OutputFolder, revisions: bool) -> BinaryIO:
    """A file of the run where the revisions are wanted, else one without a name, which vanishes with the process."""
    if revisions:
        return folder.partial(REVISIONS).open("w+b")
    return cast(BinaryIO, TemporaryFile(dir=folder.folder))


def _by_type(alerts: Iterable[Alert], vessel_days: float) -> dict[str, dict[str, Any]]:
    """Alerts by type and state; the rate counts those that were not retracted."""
    counts: dict[str, dict[str, Any]] = {}
    for alert in alerts:
        entry = counts.setdefault(alert.type, {"open": 0, "closed": 0, "retracted": 0})
        entry[alert.state] += 1
    for entry in counts.values():
        standing = entry["open"] + entry["closed"]
        entry["per_100_vessel_days"] = round(100 * standing / vessel_days, 2) if vessel_days else None
    return dict(sorted(counts.items()))


def _reject(file: str, row: dict[str, Any], reason: str) -> Reject:
    content = " ".join(f"{name}={value}" for name, value in row.items())
    return Reject(file, int(row.get("line", 0)), reason, content.encode())
