"""What a file is, before anything is done with it: one pass, in memory that grows with vessels and not with rows."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maritime.columns import Chunk, Reject, SourceTable
from maritime.errors import InputError
from maritime.sources.inputs import InputRead, Inputs
from maritime.sources.kernels.survey import count_intervals, count_repeats
from maritime.sources.mapping import ColumnMapping
from maritime.times import to_rfc3339

LONGEST_INTERVAL_S: Final = 6 * 3600  # longer ones count as this long
REPEAT_SLOTS: Final = 1 << 20  # 8 MB; a repeat is found when it comes within about a million reports
FIRST_SLOTS: Final = 1 << 12
CLASS_A: Final = (1, 2, 3, 5, 27)  # ITU-R M.1371-5 table 46; type 27 also comes from class B "SO", rarely
CLASS_B: Final = (18, 19, 24)


@dataclass(frozen=True, slots=True)
class Defect:
    """One reason why rows were refused: how many, and the first of them."""

    rows: int
    file: str
    line: int  # 0 where the format has no lines
    content: str


@dataclass(frozen=True, slots=True)
class Area:
    """The smallest box of degrees around the known positions. It does not know about the antimeridian."""

    south: float
    west: float
    north: float
    east: float


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found. None where there is nothing to tell of."""

    formats: dict[str, int]  # format → files and archive members of it
    containers: dict[str, int]  # "plain", "gz", "zip", … → files and archive members
    bytes_on_disk: int
    rows: int  # position reports
    static_rows: int  # reports of who a vessel is; of formats that repeat it in each row, the changes
    withheld_rows: int  # position reports that give no position
    vessels: int  # distinct MMSI
    receivers: tuple[str, ...]  # the first of the names in the column `source`
    begins_at: str | None  # RFC 3339
    ends_at: str | None
    area: Area | None
    message_types: dict[int, int]  # type → messages; 0 = the format does not tell it
    transceivers: dict[str, int]  # "A", "B", "other", "unknown" → position reports
    median_interval_s: int | None  # between a vessel's reports; 21,600 stands for that and longer
    in_time_order: bool
    furthest_back_s: float  # how far behind the newest the latest report was
    repeated_share: float  # reports that say the same vessel, time and place again, 0–1
    defects: dict[str, Defect]  # by reason
    failures: dict[str, str]  # file or member → why it could not be read to its end

    def to_dict(self) -> dict[str, Any]:
        """As plain dictionaries and numbers, for JSON."""
        return asdict(self)


def inspect(
    path: Path | str,
    *,
    format: str | None = None,
    mapping: ColumnMapping | None = None,
    start_ms: int | None = None,
    newest_ms: int | None = None,
) -> Inspection:
    """Read a file or directory once and say what it is; the arguments are those of `Inputs`.

    What could not be read to its end is listed in `failures`. Raises InputError when nothing could be read at all.
    """
    sources = SourceTable()
    inputs = Inputs([path], sources, format=format, mapping=mapping, start_ms=start_ms, newest_ms=newest_ms)
    survey = _Survey()
    for chunk in inputs:
        survey.add(chunk)
    if inputs.failures and not survey.rows and not survey.static_rows and not any(_messages(inputs.reads).values()):
        first = f"{inputs.failures[0].file} {inputs.failures[0].reason}"
        many = len(inputs.failures)
        raise InputError(first if many == 1 else f"{path} holds {many} files and none can be used; the first: {first}")
    return survey.inspection(inputs, sources)


class _Survey:
    """Running figures over all chunks."""

    def __init__(self) -> None:
        self.rows = 0
        self.static_rows = 0
        self._withheld_rows = 0
        self._types = np.zeros(256, np.int64)
        self._first_ms = self._last_ms = 0
        self._furthest_back_ms = 0
        self._newest_ms = -(2**62)
        self._south = self._west = np.inf
        self._north = self._east = -np.inf
        self._slot_key = np.zeros(FIRST_SLOTS, np.uint32)
        self._slot_t_ms = np.zeros(FIRST_SLOTS, np.int64)
        self._vessels = 0
        self._intervals: NDArray[np.int64] = np.zeros(LONGEST_INTERVAL_S, np.int64)
        self._seen = np.zeros(REPEAT_SLOTS, np.uint64)
        self._repeats = 0
        self._static_only: set[int] = set()
        self._refused: Counter[str] = Counter()
        self._examples: dict[str, Reject] = {}

    def add(self, chunk: Chunk) -> None:
        """Take one chunk into account."""
        self._refused.update(chunk.reject_counts)
        for reject in chunk.rejects:
            self._examples.setdefault(reject.reason, reject)
        self.static_rows += chunk.statics.num_rows
        self._static_only.update(chunk.statics["mmsi"].unique().to_pylist())
        if chunk.positions.num_rows:
            self._add_positions({name: chunk.positions[name].to_numpy() for name in chunk.positions.schema.names})

    def _add_positions(self, columns: dict[str, NDArray[Any]]) -> None:
        mmsi, t_ms, lat_deg, lon_deg = (columns[name] for name in ("mmsi", "t", "lat", "lon"))
        rows = len(mmsi)
        known = ~np.isnan(lat_deg)
        self._first_ms = min(self._first_ms, int(t_ms.min())) if self.rows else int(t_ms.min())
        self._last_ms = max(self._last_ms, int(t_ms.max()))
        self.rows += rows
        self._withheld_rows += rows - int(known.sum())
        self._types += np.bincount(columns["msg_type"], minlength=256)
        newest_ms = np.maximum(np.maximum.accumulate(t_ms), self._newest_ms)
        self._furthest_back_ms = max(self._furthest_back_ms, int((newest_ms - t_ms).max()))
        self._newest_ms = int(newest_ms[-1])
        if known.any():
            self._south, self._north = min(self._south, lat_deg[known].min()), max(self._north, lat_deg[known].max())
            self._west, self._east = min(self._west, lon_deg[known].min()), max(self._east, lon_deg[known].max())
        self._make_room(rows)
        self._vessels += count_intervals(mmsi, t_ms, self._slot_key, self._slot_t_ms, self._intervals)
        self._repeats += count_repeats(mmsi, t_ms, lat_deg, lon_deg, self._seen)

    def _make_room(self, rows: int) -> None:
        size = len(self._slot_key)
        while size < 2 * (self._vessels + rows):
            size *= 2
        if size > len(self._slot_key):
            known = np.flatnonzero(self._slot_key)
            mmsi, t_ms = self._slot_key[known] - np.uint32(1), self._slot_t_ms[known]
            self._slot_key, self._slot_t_ms = np.zeros(size, np.uint32), np.zeros(size, np.int64)
            count_intervals(mmsi, t_ms, self._slot_key, self._slot_t_ms, self._intervals)

    def inspection(self, inputs: Inputs, sources: SourceTable) -> Inspection:
        """The figures as they stand."""
        silent = self._static_only.difference((self._slot_key[self._slot_key > 0] - np.uint32(1)).tolist())
        any_rows, any_place = self.rows > 0, np.isfinite(self._south)
        return Inspection(
            formats=dict(Counter(read.format for read in inputs.reads)),
            containers=dict(Counter(read.container for read in inputs.reads)),
            bytes_on_disk=inputs.total_bytes,
            rows=self.rows,
            static_rows=self.static_rows,
            withheld_rows=self._withheld_rows,
            vessels=self._vessels + len(silent),
            receivers=tuple(sources.name(code) for code in range(1, min(len(sources), 21))),
            begins_at=to_rfc3339(self._first_ms) if any_rows else None,
            ends_at=to_rfc3339(self._last_ms) if any_rows else None,
            area=Area(*(round(float(d), 6) for d in (self._south, self._west, self._north, self._east)))
            if any_place
            else None,
            message_types=_messages(inputs.reads),
            transceivers=self._transceivers(),
            median_interval_s=self._median_interval_s(),
            in_time_order=self._furthest_back_ms == 0,
            furthest_back_s=self._furthest_back_ms / 1000,
            repeated_share=round(self._repeats / self.rows, 4) if any_rows else 0.0,
            defects={reason: self._defect(reason) for reason, _ in self._refused.most_common()},
            failures={failure.file: failure.reason for failure in inputs.failures},
        )

    def _transceivers(self) -> dict[str, int]:
        a, b, unknown = self._types[list(CLASS_A)].sum(), self._types[list(CLASS_B)].sum(), self._types[0]
        counts = {"A": a, "B": b, "other": self._types.sum() - a - b - unknown, "unknown": unknown}
        return {name: int(count) for name, count in counts.items() if count}

    def _median_interval_s(self) -> int | None:
        below = np.cumsum(self._intervals)
        return int(np.searchsorted(below, (below[-1] + 1) // 2)) + 1 if below[-1] else None

    def _defect(self, reason: str) -> Defect:
        example = self._examples.get(reason, Reject("", 0, reason, b""))
        text = example.content[:200].decode("utf-8", errors="replace")
        return Defect(self._refused[reason], example.file, example.line, text)


def _messages(reads: list[InputRead]) -> dict[int, int]:
    """Messages by type over all files."""
    total: Counter[int] = Counter()
    for read in reads:
        total.update({kind: count for kind, count in enumerate(read.message_counts) if count})
    return dict(sorted(total.items()))
