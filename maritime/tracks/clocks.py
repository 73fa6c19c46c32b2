"""Receivers' clocks: the time a source writes on a report against the time that was transmitted in it.

**Offset.** Base stations (message types 4 and 11) transmit their full UTC time: the offset of a source is the median
of (receive time − transmitted time) over its newest 31 such messages, when there are 5 and the newest is less than an
hour old. Else the UTC second that vessels transmit with their positions is compared with the second of the receive
time, on a dial of 60 seconds: of the reports of late (half a weight every ten minutes), when there are 20, from 3
vessels, and three quarters of them lie within 3 s of one place, that place is the offset. Otherwise nothing is known:
many feeds thin, gather or rewrite times, and their seconds scatter.

**What the dial cannot say.** It shows an offset without whole minutes: 45 s fast and 15 s slow look alike, and an hour
looks right. So its limit is another one: more than 14 s off either way is off, whatever the minutes are. A network's
delay is 0 to 5 s (measured: 0–1 s in a Danish national feed, 7 s in a relayed one).

**Flagged** is a source that is off by more than 30 s by base stations, or by more than 14 s on the dial. While it is
flagged, its reports do not move the watermark as long as a source that is not flagged is heard; a vessel last heard
from it is not judged silent (nor taken ashore by its silence); and an alert that it touches says by how much it is off.
A silence that a report of it ends was no silence any more, so an alert is closed by it, but none is raised.
**Refused** are the reports of a source that is off by more than 120 s by base stations while another one that is not
flagged is heard: their positions belong to another time and would make a second, false track. They are counted and
kept; a vessel that is heard in them is not judged silent either.
**Alone**, a source is believed, for all its times are off alike.

**Future.** In order of arrival, a source whose stamps run more than an hour ahead of the others' moves the watermark
only when another source says the same, or when no other has been heard while it went on for the allowed lateness;
while others contradict it, its reports are refused. So a single source cannot make the reports of all others late.

All this is known from the reports of all vessels, so it is found where heartbeats are made and travels with them, a
minute at a time: every engine sees the same.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from maritime.times import NEVER
from maritime.tracks import clock_kernels as kernel
from maritime.units import DAY_MS

CLOCK_DTYPE: Final = np.dtype(
    [
        ("base_ms", "i8", (kernel.BASE_TIMES,)),  # offsets by the newest base-station times
        ("base_n", "u4"),  # taken so far; the next goes to base_n % BASE_TIMES
        ("base_t", "i8"),  # receive time of the newest
        ("dial", "f8", (60,)),  # weight of reports by (receive time − transmitted second) modulo a minute
        ("dial_t", "i8"),  # up to when the weights are of
        ("who", "u8"),  # sketch of the vessels on the dial in this reception window …
        ("who_before", "u8"),  # … and in the one before
        ("heard_t", "i8"),  # up to when a report of the source was heard
        ("offset_ms", "f8"),  # NaN = not known
        ("samples", "u4"),  # what the offset is known from
        ("by", "u1"),  # NOTHING, BASE_STATIONS or SECONDS
        ("doubt", "u1"),  # RIGHT, OFF or REFUSED
        ("touched", "u1"),
        ("ever_off", "u1"),
        ("worst_ms", "f8"),  # largest offset while flagged
        ("refused", "u8"),  # reports refused
    ]
)
"""What is known of the clock of one source: 1 KiB at most."""

KNOWN_BY: Final = (None, "base_station", "utc_second")
"""Names of the codes of `by`."""

HORIZON_MS: Final = 8 * DAY_MS  # chosen: what is stamped later is a stray and not waited for
MOST_TOLD: Final = 100  # chosen: sources in the summary; those with a wrong clock always


class ClockSettings(BaseModel):
    """When the clock of a source is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    off_s: float = Field(30.0, gt=0, description="offset by base stations above which a source is flagged")
    dial_off_s: float = Field(
        14.0, gt=5, le=30, description="… and by UTC seconds, which show it without whole minutes; 30 switches it off"
    )
    dial_reports: float = Field(20.0, ge=1, description="reports of late that the UTC second is judged by")
    dial_vessels: int = Field(3, ge=1, le=32, description="… and the vessels that they must come from")
    dial_share: float = Field(0.75, gt=0.5, le=1, description="… and the share of them that must agree within 3 s")
    refuse_s: float = Field(120.0, gt=0, description="offset by base stations above which reports are refused")

    def parameters(self) -> tuple[float, float, float, int, float, float]:
        """The settings in the units of the kernels."""
        return (
            self.off_s * 1000.0,
            self.dial_off_s * 1000.0,
            self.dial_reports,
            self.dial_vessels,
            self.dial_share,
            self.refuse_s * 1000.0,
        )


Sample = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


class ClockWatch:
    """Reports and base-station times in, wrong clocks out, a minute of event time at a step.

    Nothing is done, and nothing costs, before the first report with a UTC second or the first base-station time.
    """

    def __init__(self, settings: ClockSettings) -> None:
        self._enabled = settings.enabled
        self._parameters = settings.parameters()
        self._clocks = _blank(8)
        self._reports: list[Sample] = []
        self._base: list[tuple[NDArray[Any], ...]] = []
        self._hears = False
        self.active = False
        self.doubted = np.zeros(8, np.uint8)
        """By source code: 0 = its reports move the watermark."""
        self.ahead = np.zeros(8, np.uint8)
        """By source code: 1 = the last step ahead that it alone told was contradicted."""

    def wake(self, source: NDArray[Any], utc_s: NDArray[Any] | None, clock: pa.RecordBatch | None) -> None:
        """Make room for the sources of a batch, take its base-station times (CLOCK_SCHEMA), and see whether it has
        anything to check clocks by.
        """
        self._room(int(source.max(initial=0)) + 1)
        if not self._enabled:
            return
        if utc_s is not None and not self.active:
            self.active = bool((utc_s < 60).any())
        if clock is not None and clock.num_rows:
            station, t_ms, reported_ms = (column.to_numpy(zero_copy_only=False) for column in clock.columns)
            self._room(int(station.max()) + 1)
            self._base.append((station, t_ms, reported_ms))
            self.active = True

    def hear(self, source: NDArray[Any], mmsi: NDArray[Any], t_ms: NDArray[Any], utc_s: NDArray[Any] | None) -> None:
        """Take reports in order of arrival; `utc_s` is None where the format has no UTC second."""
        if not self.active or utc_s is None:
            return
        if not self._hears:
            carries = utc_s < 60
            if not carries.any():
                return
            self._hears = True
            first = int(carries.argmax())
            source, mmsi, t_ms, utc_s = source[first:], mmsi[first:], t_ms[first:], utc_s[first:]
        self._reports.append((source, mmsi, t_ms, utc_s))

    def pass_to(self, now_ms: int) -> None:
        """Judge the clocks by what was received before `now_ms`, a full minute."""
        if not self.active:
            return
        for source, t_ms, reported_ms in self._ready(self._base, 1, now_ms):
            order = np.lexsort((reported_ms, t_ms, source))
            kernel.note_base_times(self._clocks, source[order], t_ms[order], reported_ms[order])
        for source, mmsi, t_ms, utc_s in self._ready(self._reports, 2, now_ms):
            kernel.note_seconds(self._clocks, source, mmsi, t_ms, utc_s, now_ms)
        kernel.judge_clocks(self._clocks, now_ms, *self._parameters, self.doubted)

    def wrong(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """The sources that are flagged now, in order: codes, offsets in seconds, and OFF or REFUSED."""
        source = np.flatnonzero(self._clocks["doubt"])
        rows = self._clocks[source]
        return source, rows["offset_ms"] / 1000.0, rows["doubt"].astype(np.int64)

    def off_but_used(self, source: NDArray[Any]) -> NDArray[np.bool_]:
        """Which reports are of a source that is flagged but not refused."""
        if not self.active:
            return np.zeros(len(source), bool)
        off: NDArray[np.bool_] = self._clocks["doubt"][source] == kernel.OFF
        return off

    def refuse(self, source: NDArray[Any]) -> None:
        """Count refused reports."""
        self._room(int(source.max(initial=0)) + 1)
        np.add.at(self._clocks["refused"], source, 1)

    def told(self, name_of: Callable[[int], str]) -> dict[str, Any]:
        """What is known of the clocks, for the summary: how many sources were checked, and each of them."""
        clocks = self._clocks
        checked = np.flatnonzero((clocks["by"] > 0) | (clocks["ever_off"] > 0) | (clocks["refused"] > 0))
        importance = np.lexsort((checked, -clocks["samples"][checked].astype(np.int64), -clocks["ever_off"][checked]))
        shown = checked[importance][: max(MOST_TOLD, int(clocks["ever_off"].sum()))]
        return {
            "checked": len(checked),
            "flagged": int(clocks["ever_off"].sum()),
            "sources": [_told(clocks[code], name_of(int(code))) for code in sorted(shown.tolist())],
        }

    def _ready(self, parts: list[Any], time_column: int, until_ms: int) -> list[tuple[NDArray[Any], ...]]:
        """What was received before a time, as one part; the rest stays, but for stray stamps."""
        if not parts:
            return []
        rows = tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))
        ready = rows[time_column] < until_ms
        waits = ~ready & (rows[time_column] < until_ms + HORIZON_MS)
        parts[:] = [tuple(column[waits] for column in rows)] if waits.any() else []
        return [tuple(column[ready] for column in rows)] if ready.any() else []

    def _room(self, sources: int) -> None:
        size = len(self._clocks)
        while size < sources:
            size *= 2
        if size > len(self._clocks):
            clocks, old = _blank(size), len(self._clocks)
            clocks[:old] = self._clocks
            self._clocks = clocks
            self.doubted = np.concatenate((self.doubted, np.zeros(size - old, np.uint8)))
            self.ahead = np.concatenate((self.ahead, np.zeros(size - old, np.uint8)))


def _blank(sources: int) -> NDArray[np.void]:
    clocks = np.zeros(sources, CLOCK_DTYPE)
    clocks["offset_ms"] = np.nan
    for name in ("base_t", "dial_t", "heard_t"):
        clocks[name] = NEVER
    return clocks


def _told(clock: np.void, name: str) -> dict[str, Any]:
    offset_ms = float(clock["worst_ms"] if clock["ever_off"] else clock["offset_ms"])
    return {
        "source": name,
        "offset_s": None if np.isnan(offset_ms) else round(offset_ms / 1000.0, 1),
        "by": KNOWN_BY[int(clock["by"])],
        "samples": int(clock["samples"]),
        "flagged": bool(clock["ever_off"]),
        "refused": int(clock["refused"]),
    }
