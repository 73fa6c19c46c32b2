"""Heartbeats: time and reception, written into the stream so that every engine sees the same of both.

An engine owns some vessels only, and no clock. It learns the time from heartbeats, and from them alone what was
heard of *all* vessels: so any split of the vessels over engines, at any speed, gives the same alerts. In replay the
heartbeats are made from event time by the `HeartbeatMaker` here; live, the ingester runs the same maker.

Counts are of distinct vessels in windows of ten minutes (counts of single minutes could not be added up to distinct
vessels), with a 64-bit sketch of who they were: the OR of sketches counts distinct vessels over any span.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from maritime.detect.kernels import heartbeat as kernel
from maritime.times import NEVER
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


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """n heartbeats, a minute of event time apart. Rows of the reception window that ends at heartbeat i are
    `[heard_from[i], heard_from[i + 1])` of `heard`, and so for `resting`.
    """

    watermark_ms: NDArray[np.int64]  # [n] no report older than this will be accepted any more
    heard_from: NDArray[np.int64]  # [n + 1]
    heard: Heard
    resting_from: NDArray[np.int64]  # [n + 1]
    resting: Resting

    def __len__(self) -> int:
        return len(self.watermark_ms)

    @classmethod
    def none(cls) -> Self:
        """No heartbeat: time has not moved."""
        return cls.at(np.empty(0, np.int64))

    @classmethod
    def at(cls, watermark_ms: NDArray[np.int64]) -> Self:
        """Heartbeats that only tell the time."""
        i, u = np.empty(0, np.int64), np.empty(0, np.uint64)
        nothing = np.zeros(len(watermark_ms) + 1, np.int64)
        return cls(watermark_ms, nothing, Heard(i, i, i, i, i, i, u, np.empty((0, 4))), nothing, Resting(i, u))


class HeartbeatMaker:
    """Reports in arrival order in, heartbeats out; any split of the reports into batches gives the same heartbeats."""

    def __init__(self, settings: TimeSettings) -> None:
        self._lateness_ms = round(settings.lateness_s * 1000)
        self._jump_ms = round(settings.plausible_jump_s * 1000)
        self._clock = np.array([NEVER, NEVER, NEVER], np.int64)
        self._watermark_ms: int | None = None
        self._pending: list[tuple[NDArray, ...]] = []

    def feed(self, positions: pa.RecordBatch) -> Heartbeats:
        """Take a PositionBatch and return the heartbeats that its times allow, maybe none."""
        columns = tuple(positions.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS)
        n = len(columns[0])
        late = np.zeros(n, np.bool_)
        beats: list[NDArray[np.int64]] = []
        row = 0
        while row < n:
            row = int(
                kernel.move_clock(
                    columns[1], row, self._clock, self._jump_ms, self._lateness_ms, LONGEST_STRIDE_MS, late
                )
            )
            if self._clock[kernel.BEFORE] != NEVER:
                beats.append(self._beats_to(self._target_ms(kernel.BEFORE)))
                beats.append(_strided(self._beats_to(self._target_ms(kernel.NEWEST))))
            elif self._clock[kernel.NEWEST] != NEVER:
                beats.append(self._beats_to(self._target_ms(kernel.NEWEST)))
        self._pending.append(tuple(column[~late] for column in columns) if late.any() else columns)
        return self._with_reception(beats)

    def finish(self) -> Heartbeats:
        """No more reports will come: return the heartbeats that let every plausible one be processed.

        A last report far ahead that no other bore out is believed when it is no more than a week ahead.
        """
        newest_ms, candidate_ms = int(self._clock[kernel.NEWEST]), int(self._clock[kernel.CANDIDATE])
        if newest_ms == NEVER or candidate_ms - newest_ms <= LONGEST_STRIDE_MS:
            newest_ms = max(newest_ms, candidate_ms)
        if newest_ms == NEVER:
            return Heartbeats.none()
        beats = [self._beats_to(kernel.watermark_of(newest_ms, self._lateness_ms))]
        return self._with_reception([*beats, self._beats_to((newest_ms // MINUTE_MS + 1) * MINUTE_MS)])

    def _target_ms(self, place: int) -> int:
        return int(kernel.watermark_of(self._clock[place], self._lateness_ms))

    def _beats_to(self, target_ms: int) -> NDArray[np.int64]:
        """The minutes after the watermark up to a time, which becomes the watermark."""
        if self._watermark_ms is None:
            self._watermark_ms = target_ms // WINDOW_MS * WINDOW_MS
        start_ms = self._watermark_ms
        self._watermark_ms = max(start_ms, target_ms)
        return np.arange(start_ms + MINUTE_MS, target_ms + 1, MINUTE_MS, dtype=np.int64)

    def _with_reception(self, parts: list[NDArray[np.int64]]) -> Heartbeats:
        beats = np.concatenate(parts) if parts else np.empty(0, np.int64)
        ends = [i for i, beat in enumerate(beats.tolist()) if beat % WINDOW_MS == 0]
        told = Heartbeats.at(beats)
        if not ends:
            return told
        rows = tuple(np.concatenate(column) for column in zip(*self._pending, strict=True))
        t_ms = rows[1]
        self._pending = [tuple(c[t_ms >= beats[ends[-1]]] for c in rows)]
        heard, resting = [told.heard], [told.resting]
        heard_n, resting_n = np.zeros((2, len(beats) + 1), np.int64)
        for i in ends:
            inside = (t_ms >= beats[i] - WINDOW_MS) & (t_ms < beats[i])
            if inside.any():
                window = tuple(c[inside] for c in rows)
                heard.append(_heard(*window))
                resting.append(_resting(*window))
                heard_n[i + 1], resting_n[i + 1] = len(heard[-1].cell), len(resting[-1].cell)
        return Heartbeats(
            beats,
            np.cumsum(heard_n),
            Heard(*(np.concatenate(parts) for parts in zip(*heard, strict=True))),
            np.cumsum(resting_n),
            Resting(*(np.concatenate(parts) for parts in zip(*resting, strict=True))),
        )


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
    k = kernel.count_resting(mmsi, lat_deg, lon_deg, sog_kn, REST_KN, cell, who)
    order = np.argsort(cell[:k])
    return Resting(cell[:k][order], who[:k][order])
