"""Episodes as Parquet: every behaviour found, alerted or not, in bounded memory.

An episode is held while it is open and written when it closes. Where the engine corrects an episode that was already
written, the earlier row is dropped when the file is finished.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from maritime.alerts.alert import EPISODE_TYPE
from maritime.alerts.writers.parquet_table import UTC_MS
from maritime.detect.episode import Episode

ROWS_PER_GROUP: Final = 20_000

EPISODE_SCHEMA: Final = pa.schema(
    [
        ("type", pa.string()),
        ("mmsi", pa.uint32()),
        ("hull", pa.string()),
        ("started_at", UTC_MS),
        ("ended_at", UTC_MS),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("alerted", pa.bool_()),
        ("held_back_by", pa.string()),
        ("episode_id", pa.string()),
        ("revision", pa.int32()),
        ("state", pa.string()),
        ("severity", pa.string()),
        ("score", pa.float64()),
        ("confidence", pa.float64()),
    ]
)


class EpisodeFile:
    """Takes episode revisions in any order of ids, leaves one row per episode: its last revision."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = pq.ParquetWriter(path, EPISODE_SCHEMA, compression="zstd")
        self._open: dict[str, dict[str, Any]] = {}
        self._rows: list[dict[str, Any]] = []
        self._corrected: dict[str, int] = {}  # episode_id → its last revision, where an earlier row may be written

    def __contains__(self, episode_id: str) -> bool:
        """Whether an episode is held here as open."""
        return episode_id in self._open

    def add(self, episode: Episode) -> None:
        """Take one revision of an episode."""
        known_open = self._open.pop(episode.episode_id, None) is not None
        if episode.revision > 0 and not known_open:
            self._corrected[episode.episode_id] = episode.revision
        if episode.state == "open":
            self._open[episode.episode_id] = _row(episode)
            return
        self._rows.append(_row(episode))
        if len(self._rows) >= ROWS_PER_GROUP:
            self._write()

    def finish(self) -> dict[str, dict[str, Any]]:
        """Write what is left, close the file, and return the counts by type.

        Returns `{type: {"episodes": n, "alerted": n, "held_back_by": {rule: n}}}`.
        """
        self._rows.extend(sorted(self._open.values(), key=lambda row: (row["started_at"], row["episode_id"])))
        self._write()
        self._writer.close()
        if self._corrected:
            self._drop_corrected()
        return count_by_type(self._path)

    def close(self) -> None:
        """Close the file without finishing it."""
        self._writer.close()

    def _write(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=EPISODE_SCHEMA))
            self._rows = []

    def _drop_corrected(self) -> None:
        corrected = pa.array(self._corrected, pa.string())
        last = pa.array(self._corrected.values(), pa.int32())
        whole = self._path.with_name(f"{self._path.name}.corrected")
        try:
            with pq.ParquetFile(self._path) as rows, pq.ParquetWriter(whole, EPISODE_SCHEMA, compression="zstd") as out:
                for batch in rows.iter_batches(ROWS_PER_GROUP):
                    newest = pc.take(last, pc.index_in(batch["episode_id"], corrected))
                    out.write_batch(batch.filter(pc.fill_null(pc.greater_equal(batch["revision"], newest), True)))
            whole.replace(self._path)
        finally:
            whole.unlink(missing_ok=True)


def count_by_type(path: Path) -> dict[str, dict[str, Any]]:
    """Episodes of a file by type: how many, how many alerted, how many held back by which rule."""
    counts: Counter[tuple[str, bool, str | None]] = Counter()
    with pq.ParquetFile(path) as rows:
        for batch in rows.iter_batches(columns=["type", "alerted", "held_back_by"]):
            counts.update(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    by_type: dict[str, dict[str, Any]] = {}
    for (kind, alerted, rule), n in sorted(counts.items(), key=lambda item: (item[0][0], str(item[0][2]))):
        entry = by_type.setdefault(kind, {"episodes": 0, "alerted": 0, "held_back_by": {}})
        entry["episodes"] += n
        entry["alerted"] += n * alerted
        if rule is not None:
            entry["held_back_by"][rule] = entry["held_back_by"].get(rule, 0) + n
    return by_type


def _row(episode: Episode) -> dict[str, Any]:
    return {
        "type": EPISODE_TYPE.get(episode.type, episode.type),
        "mmsi": episode.mmsi,
        "hull": episode.hull,
        "started_at": episode.started_ms,
        "ended_at": episode.ended_ms,
        "lat": episode.lat,
        "lon": episode.lon,
        "alerted": episode.alerted,
        "held_back_by": episode.held_back_by,
        "episode_id": episode.episode_id,
        "revision": episode.revision,
        "state": episode.state,
        "severity": episode.severity,
        "score": episode.score,
        "confidence": episode.confidence,
    }
