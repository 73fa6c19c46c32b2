"""Heartbeats: time and reception, written into the stream so that every engine sees the same of both.

An engine owns some vessels only, and no clock. It learns the time from heartbeats, and from them alone what was
heard of *all* vessels: so any split of the vessels over engines, at any speed, gives the same alerts. In replay the
heartbeats are made from event time by the `HeartbeatMaker` here; live, the ingester runs the same maker.

Counts are of distinct vessels in windows of ten minutes (counts of single minutes could not be added up to distinct
vessels), with a 64-bit sketch of who they were: the OR of sketches counts distinct vessels over any span.

Heartbeats also carry which sources' clocks are wrong (see maritime.tracks.clocks): known of all vessels' reports, told
to every engine minute by minute, before it processes the reports of that minute.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from maritime.detect.kernels import heartbeat as kernel
from maritime.times import FAR, NEVER
from maritime.tracks import clock_kernels
from maritime.tracks.clocks import ClockSettings, ClockWatch
from maritime.units import DAY_MS, MINUTE_MS

WINDOW_MS = 10 * MINUTE_MS
"""Length of a reception window; windows start at whole multiples of it since 1970."""

LONGEST_STRIDE_MS = 7 * DAY_MS  # chosen: after a week without any report nearly every timer has run out
SLOW_KN = 2.0  # Global Fishing Watch: loitering is below 2 kn
REST_KN = 0.5  # chosen: moored and anchored vessels report below half a knot

COLUMNS = ("mmsi", "t", "lat", "lon", "sog", "msg_type", "source")


class TimeSettings(BaseModel):
    """How late a report may come, and which future is believed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lateness_s: float = Field(120.0, ge=0, description="a report this much older than the newest is still in time")
    plausible_jump_s: float = Field(
        3600.0, gt=0, description="a longer step ahead needs a second report to be believed"
    )


class Heard(NamedTuple):
    """Rows of reception windows: what was heard of one source and transceiver class in one cell."""

    cell: NDArray[np.int64]  # reception cell
    group: NDArray[np.int64]  # source code · 4 + class (0 A, 1 B, 2 unknown)
    vessels: NDArray[np.int64]  # distinct vessels
    slow: NDArray[np.int64]  # … of them below SLOW_KN
    first_ms: NDArray[np.int64]  # times of the first and last report
    last_ms: NDArray[np.int64]
    who: NDArray[np.uint64]  # sketch of who
    box: NDArray[np.float64]  # [rows, 4] least and greatest latitude, least and greatest longitude


class Resting(NamedTuple):
    """Rows of reception windows: mooring cells where vessels lay still."""

    cell: NDArray[np.int64]
    who: NDArray[np.uint64]


class Clocks(NamedTuple):
    """Rows of heartbeats: the sources whose clocks are wrong."""

    source: NDArray[np.int64]
    offset_s: NDArray[np.float64]  # receive time − true time
    doubt: NDArray[np.int64]  # 1 off, 2 so far off that the reports are refused


NO_CLOCKS: Final = Clocks(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
Minutes = tuple[NDArray[np.int64], list[Clocks]]
"""Heartbeats in the making: their watermarks, and the wrong clocks of each."""


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """n heartbeats, a minute of event time apart. Rows of the reception window that ends at heartbeat i are
    `[heard_from[i], heard_from[i + 1])` of `heard`, and so for `resting`; those of the wrong clocks of the minute that
    ends at it are `[clocks_from[i], clocks_from[i + 1])` of `clocks`.
    """

    watermark_ms: NDArray[np.int64]  # [n] no report older than this will be accepted any more
    heard_from: NDArray[np.int64]  # [n + 1]
    heard: Heard
    resting_from: NDArray[np.int64]  # [n + 1]
    resting: Resting
    clocks_from: NDArray[np.int64]  # [n + 1]
    clocks: Clocks

    def __len__(self) -> int:
        return len(self.watermark_ms)

    @classmethod
    def none(cls) -> Self:
        """No heartbeat: time has not moved."""
        return cls.at(np.empty(0, np.int64))

    @classmethod
    def at(cls, watermark_ms: NDArray[np.int64]) -> Self:
        """Heartbeats that only tell the time."""
        i, f, u = np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint64)
        nothing = np.zeros(len(watermark_ms) + 1, np.int64)
        heard, resting, clocks = Heard(i, i, i, i, i, i, u, np.empty((0, 4))), Resting(i, u), Clocks(i, f, i)
        return cls(watermark_ms, nothing, heard, nothing, resting, nothing, clocks)

    @classmethod
    def joined(cls, parts: Sequence["Heartbeats"]) -> "Heartbeats":
        """Heartbeats one after the other as one batch of them."""
        if not parts:
            return cls.none()
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.watermark_ms for part in parts]),
            _offsets([part.heard_from for part in parts]),
            Heard(*(np.concatenate(rows) for rows in zip(*(part.heard for part in parts), strict=True))),
            _offsets([part.resting_from for part in parts]),
            Resting(*(np.concatenate(rows) for rows in zip(*(part.resting for part in parts), strict=True))),
            _offsets([part.clocks_from for part in parts]),
            Clocks(*(np.concatenate(rows) for rows in zip(*(part.clocks for part in parts), strict=True))),
        )


class HeartbeatMaker:
    """Reports in arrival order in, heartbeats out; any split of the reports into batches gives the same heartbeats."""

    def __init__(self, settings: TimeSettings, clocks: ClockSettings | None = None) -> None:
        self._lateness_ms = round(settings.lateness_s * 1000)
        self._jump_ms = round(settings.plausible_jump_s * 1000)
        self._clock = np.array([NEVER, NEVER, NEVER, 0, 0], np.int64)
        self._watermark_ms: int | None = None
        self._doubted_ms = NEVER  # newest report of a flagged source
        self._pending: list[tuple[NDArray, ...]] = []
        self._watch = ClockWatch(clocks or ClockSettings())
        self._refused: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def feed(self, positions: pa.RecordBatch, clock: pa.RecordBatch | None = None) -> Heartbeats:
        """Take a PositionBatch and return the heartbeats that its times allow, maybe none.

        Where the batch has a column `utc_s`, and by base-station times (`clock`, CLOCK_SCHEMA), the sources' clocks
        are checked; see `believed`.
        """
        columns = tuple(positions.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS)
        mmsi, t_ms, source = columns[0], columns[1], columns[6]
        has_seconds = positions.schema.get_field_index("utc_s") >= 0
        utc_s = positions.column("utc_s").to_numpy(zero_copy_only=False) if has_seconds else None
        self._watch.wake(source, utc_s, clock)
        late, self._refused = np.zeros((2, len(t_ms)), np.bool_)
        beats: list[Minutes] = []
        row = 0
        while row < len(t_ms):
            begin = row
            row = kernel.move_clock(
                t_ms, source, begin, self._clock, self._watch.doubted, self._watch.ahead, self._jump_ms,
                self._lateness_ms, LONGEST_STRIDE_MS, self._next_stop_ms(), late, self._refused,
            )  # fmt: skip
            part = slice(begin, row)
            self._watch.hear(source[part], mmsi[part], t_ms[part], None if utc_s is None else utc_s[part])
            self._note_doubted(t_ms[part], source[part])
            if self._clock[kernel.BEFORE] != NEVER:
                beats.append(self._checked(self._beats_to(self._target_ms(kernel.BEFORE))))
                beats.append(self._checked(_strided(self._beats_to(self._target_ms(kernel.NEWEST)))))
            elif self._clock[kernel.NEWEST] != NEVER:
                beats.append(self._checked(self._beats_to(self._target_ms(kernel.NEWEST))))
        left_out = late | self._refused
        self._pending.append(tuple(column[~left_out] for column in columns) if left_out.any() else columns)
        return self._with_reception(beats)

    def believed(self, positions: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch | None]:
        """The batch fed last without the reports whose source alone is far ahead of all others; and those, if any."""
        if not self._refused.any():
            return positions, None
        refused = positions.filter(pa.array(self._refused))
        self.refuse(refused)
        return positions.filter(pa.array(~self._refused)), refused

    def finish(self) -> Heartbeats:
        """No more reports will come: return the heartbeats that let every plausible one be processed.

        A last report far ahead that no other bore out is believed when it is no more than a week ahead, and others did
        not contradict its source before.
        """
        newest_ms, candidate_ms = int(self._clock[kernel.NEWEST]), int(self._clock[kernel.CANDIDATE])
        contradicted = self._watch.ahead[self._clock[kernel.CANDIDATE_SOURCE]]
        if newest_ms == NEVER or (candidate_ms - newest_ms <= LONGEST_STRIDE_MS and not contradicted):
            newest_ms = max(newest_ms, candidate_ms)
        newest_ms = max(newest_ms, self._doubted_ms)
        if newest_ms == NEVER:
            return Heartbeats.none()
        beats = [self._checked(self._beats_to(kernel.watermark_of(newest_ms, self._lateness_ms)))]
        return self._with_reception([*beats, self._checked(self._beats_to((newest_ms // MINUTE_MS + 1) * MINUTE_MS))])

    def clocks(self, name_of: Callable[[int], str]) -> dict[str, Any]:
        """What is known of the sources' clocks, for the summary; `name_of` gives the name of a source code."""
        return self._watch.told(name_of)

    def refuse(self, reports: pa.RecordBatch) -> None:
        """Count reports that were refused for the clock of their source."""
        self._watch.refuse(reports.column("source").to_numpy(zero_copy_only=False))

    def _next_stop_ms(self) -> int:
        """The watermark at which clocks are judged again, and with them which reports may move it."""
        if not self._watch.active:
            return FAR
        return NEVER if self._watermark_ms is None else self._watermark_ms + MINUTE_MS

    def _note_doubted(self, t_ms: NDArray[np.int64], source: NDArray[np.uint16]) -> None:
        doubted = self._watch.off_but_used(source)
        if doubted.any():
            near = t_ms[doubted & (t_ms <= self._clock[kernel.NEWEST] + self._jump_ms)]
            self._doubted_ms = max(self._doubted_ms, int(near.max(initial=NEVER)))

    def _target_ms(self, place: int) -> int:
        return int(kernel.watermark_of(self._clock[place], self._lateness_ms))

    def _beats_to(self, target_ms: int) -> NDArray[np.int64]:
        """The minutes after the watermark up to a time, which becomes the watermark."""
        if self._watermark_ms is None:
            self._watermark_ms = target_ms // WINDOW_MS * WINDOW_MS
        start_ms = self._watermark_ms
        self._watermark_ms = max(start_ms, target_ms)
        return np.arange(start_ms + MINUTE_MS, target_ms + 1, MINUTE_MS, dtype=np.int64)

    def _checked(self, beats: NDArray[np.int64]) -> Minutes:
        """Minutes, and the wrong clocks of each."""
        if not self._watch.active:
            return beats, [NO_CLOCKS] * len(beats)
        wrong = []
        for beat in beats.tolist():
            self._watch.pass_to(beat)
            wrong.append(Clocks(*self._watch.wrong()))
        return beats, wrong

    def _with_reception(self, parts: list[Minutes]) -> Heartbeats:
        beats = np.concatenate([part for part, _ in parts]) if parts else np.empty(0, np.int64)
        wrong = [clocks for _, part in parts for clocks in part]
        told = replace(
            Heartbeats.at(beats),
            clocks_from=np.cumsum([0, *(len(clocks.source) for clocks in wrong)]),
            clocks=Clocks(*(np.concatenate(rows) for rows in zip(NO_CLOCKS, *wrong, strict=True))),
        )
        ends = [i for i, beat in enumerate(beats.tolist()) if beat % WINDOW_MS == 0]
        if not ends:
            return told
        rows = tuple(np.concatenate(column) for column in zip(*self._pending, strict=True))
        t_ms = rows[1]
        self._pending = [tuple(c[t_ms >= beats[ends[-1]]] for c in rows)]
        heard, resting = [told.heard], [told.resting]
        heard_n, resting_n = np.zeros((2, len(beats) + 1), np.int64)
        for i in ends:
            inside = (t_ms >= beats[i] - WINDOW_MS) & (t_ms < beats[i])
            if len(wrong[i].source):
                inside &= ~np.isin(rows[6], wrong[i].source[wrong[i].doubt == clock_kernels.REFUSED])
            if inside.any():
                window = tuple(c[inside] for c in rows)
                heard.append(_heard(*window))
                resting.append(_resting(*window))
                heard_n[i + 1], resting_n[i + 1] = len(heard[-1].cell), len(resting[-1].cell)
        return replace(
            told,
            heard_from=np.cumsum(heard_n),
            heard=Heard(*(np.concatenate(columns) for columns in zip(*heard, strict=True))),
            resting_from=np.cumsum(resting_n),
            resting=Resting(*(np.concatenate(columns) for columns in zip(*resting, strict=True))),
        )


def _offsets(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Where the rows of each heartbeat begin, of parts one after the other."""
    return np.cumsum(np.concatenate([np.zeros(1, np.int64), *(np.diff(part) for part in parts)]))


def _strided(beats: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of a long silence the first week and the end."""
    week = LONGEST_STRIDE_MS // MINUTE_MS
    return np.concatenate((beats[:week], beats[week:][-1:]))


def _heard(mmsi, t_ms, lat_deg, lon_deg, sog_kn, msg_type, source) -> Heard:  # type: ignore[no-untyped-def]
    n = len(mmsi)
    cell, group, vessels, slow, first_ms, last_ms = np.empty((6, n), np.int64)
    out = Heard(cell, group, vessels, slow, first_ms, last_ms, np.empty(n, np.uint64), np.empty((n, 4)))
    k = kernel.count_heard(mmsi, t_ms, lat_deg, lon_deg, sog_kn, msg_type, source, SLOW_KN, *out)
    order = np.lexsort((group[:k], cell[:k]))
    columns: list[NDArray[Any]] = list(out)
    return Heard(*(column[order] for column in columns))


def _resting(mmsi, t_ms, lat_deg, lon_deg, sog_kn, msg_type, source) -> Resting:  # type: ignore[no-untyped-def]
    cell, who = np.empty(len(mmsi), np.int64), np.empty(len(mmsi), np.uint64)
    k = kernel.count_resting(mmsi, t_ms, lat_deg, lon_deg, sog_kn, msg_type, REST_KN, cell, who)
    order = np.argsort(cell[:k])
    return Resting(cell[:k][order], who[:k][order])
