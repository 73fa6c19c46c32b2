"""The engine's whole memory: one row per hull, one per vessel, tables of cells and sources. Nothing else is kept.

Every table has a stated row size and a rule by which rows leave: hulls and vessels after 30 days of silence, cells
when no vessel has been heard there, or lain still there, for 30 days. Sources are as many as there are inputs, and
regions of one degree at most as many as cover the Earth (41,000, under 4 MB). A row that has left is used again.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from maritime.detect.beacon import BEACON_BLANK, BEACON_FIELDS
from maritime.detect.dark_period import SILENCE_BLANK, SILENCE_FIELDS
from maritime.detect.kernels.identity import FREE_HULL, FREE_VESSEL, N_HULLS, N_VESSELS
from maritime.detect.kernels.tables import chain_vessels, slots_for
from maritime.detect.landing import LANDFALL_BLANK, LANDFALL_FIELDS
from maritime.detect.loitering import LOITER_BLANK, LOITER_FIELDS
from maritime.detect.outage import SOURCE_DTYPE
from maritime.detect.prior import PRIOR_FIELDS
from maritime.times import FAR, NEVER
from maritime.tracks.hulls import TRACK_BLANK, TRACK_FIELDS, VESSEL_DTYPE, packed

HULL_DTYPE: Final = packed(
    TRACK_FIELDS + LOITER_FIELDS + SILENCE_FIELDS + LANDFALL_FIELDS + BEACON_FIELDS + PRIOR_FIELDS
)
"""State of one hull; a test holds it, with its vessel row and its places in the tables, under 1 KiB."""

CELL_DTYPE: Final = np.dtype(
    [
        ("window", "i4"),  # reception window that the counts below are of
        ("last_heard", "i4"),
        ("windows_heard", "u4"),
        ("vessels", "u2", (3,)),  # distinct vessels in that window: class A, B, unknown
        ("slow", "u2"),
        ("vessels_sum", "f4"),  # of earlier windows, forgetting
        ("slow_sum", "f4"),
        ("who", "u8"),
    ],
    align=True,
)
"""State of one reception cell."""

VALUES: Final = 32
EVENT_DTYPE: Final = np.dtype(
    [
        ("kind", "u1"),
        ("what", "u1"),
        ("number", "u1"),
        ("alerted", "u1"),
        ("held", "u1"),
        ("revision", "u2"),
        ("source", "u2"),
        ("mmsi", "u4"),
        ("told_t", "i8"),  # watermark at which it was told, ms UTC
        ("start_t", "i8"),
        ("end_t", "i8"),  # FAR = not ended
        ("lat", "f8"),
        ("lon", "f8"),
        ("first_t", "i8"),  # first report of the hull; NEVER = about no hull
        ("identity_t", "i8"),  # when the vessel last said something else of itself; NEVER = not seen to
        ("clock_off_s", "f4"),  # of the source of the last report; NaN = not flagged
        ("prior_30d", "u1"),  # earlier alerts of the kind, as far as the hull remembers; see prior.py
        ("prior_365d", "u1"),
        ("windows_heard", "u1"),  # of the last windows_known reception windows, those in which the hull was heard
        ("windows_known", "u1"),
        ("v", "f8", (VALUES,)),  # what they mean is said beside each behaviour's teller
    ],
    align=True,
)
"""One revision of an episode as the kernels tell it."""


class Reception(NamedTuple):
    """What was heard of all vessels, as heartbeats told it."""

    keys: NDArray[np.int64]  # reception cells, open addressing, -1 = free
    cells: NDArray[np.void]  # CELL_DTYPE, beside keys
    mooring_keys: NDArray[np.int64]
    mooring_who: NDArray[np.uint64]
    mooring_window: NDArray[np.int32]  # last window in which a vessel lay still there
    sources: NDArray[np.void]  # SOURCE_DTYPE by source code
    region_keys: NDArray[np.int64]  # regions of one degree, open addressing
    regions: NDArray[np.void]  # SOURCE_DTYPE beside region_keys
    extent: NDArray[np.float64]  # least and greatest latitude, least and greatest longitude heard
    meta: NDArray[np.int64]  # [cells, moorings, last closed window, first window, regions, sources out]
    scratch: NDArray[np.int64]


class State(NamedTuple):
    """The engine's memory."""

    hulls: NDArray[np.void]  # HULL_DTYPE; the last row is blank, a new hull is a copy of it
    due_t: NDArray[np.int64]  # per hull: when the passing of time next matters
    vessels: NDArray[np.void]  # VESSEL_DTYPE
    table: NDArray[np.int32]  # open addressing from MMSI to vessel row
    n: NDArray[np.int64]  # see kernels.identity: rows used and free, watermark ms, day of the last sweep
    counts: NDArray[np.int64]  # see engine.COUNTERS
    reception: Reception


class Events(NamedTuple):
    """Where kernels tell episodes."""

    rows: NDArray[np.void]  # EVENT_DTYPE
    n: NDArray[np.int64]  # [rows told]


def blank_hull() -> NDArray[np.void]:
    """One HULL_DTYPE row of a hull that has not reported yet."""
    row = np.zeros(1, HULL_DTYPE)
    for blank in (TRACK_BLANK, LOITER_BLANK, SILENCE_BLANK, LANDFALL_BLANK, BEACON_BLANK):
        for name, value in blank.items():
            row[name] = value
    return row


def new_reception(cells: int = 1024, moorings: int = 1024, sources: int = 64, regions: int = 256) -> Reception:
    """Empty tables with room for that many rows (powers of two)."""
    return Reception(
        np.full(cells, -1, np.int64),
        np.zeros(cells, CELL_DTYPE),
        np.full(moorings, -1, np.int64),
        np.zeros(moorings, np.uint64),
        np.zeros(moorings, np.int32),
        np.zeros(sources, SOURCE_DTYPE),
        np.full(regions, -1, np.int64),
        np.zeros(regions, SOURCE_DTYPE),
        np.array([90.0, -90.0, 180.0, -180.0]),
        np.array([0, 0, NEVER, NEVER, 0, 0], np.int64),
        np.zeros(512, np.int64),  # a ring of 10 has 441 cells
    )


def new_state(hulls: int = 1024) -> State:
    """An engine's memory before the first report, with room for that many hulls (a power of two)."""
    table = np.zeros(hulls, HULL_DTYPE)
    table[-1] = blank_hull()[0]
    return State(
        table,
        np.full(hulls, FAR, np.int64),
        np.zeros(hulls, VESSEL_DTYPE),
        np.full(2 * hulls, -1, np.int32),
        np.array([0, 0, NEVER, -1, 0, -1, 0, 0], np.int64),
        np.zeros(16, np.int64),
        new_reception(),
    )


def grown(state: State, *, heard: int = 0, resting: int = 0, sources: int = 0) -> State:
    """The same memory with room for more: tables that are near full are doubled, others are kept as they are.

    `heard` and `resting` are rows about to come; `sources` the number of source codes that must have a row.
    """
    n_hulls, n_vessels = int(state.n[N_HULLS]), int(state.n[N_VESSELS])
    hulls, due_t, vessels, table = state.hulls, state.due_t, state.vessels, state.table
    if n_hulls + 3 >= len(hulls) and state.n[FREE_HULL] < 0:
        blank = hulls[-1].copy()
        hulls = _longer(hulls, 2 * len(hulls))
        hulls[len(state.hulls) - 1] = 0
        hulls[-1] = blank
        due_t = _longer(due_t, 2 * len(due_t), FAR)
    if (n_vessels + 1 >= len(vessels) or 2 * n_vessels + 2 >= len(table)) and state.n[FREE_VESSEL] < 0:
        vessels = _longer(vessels, 2 * len(vessels))
        table = _rehashed_vessels(vessels, n_vessels, 2 * len(table))
    return State(
        hulls, due_t, vessels, table, state.n, state.counts, _grown_reception(state.reception, heard, resting, sources)
    )


def _grown_reception(r: Reception, heard: int, resting: int, sources: int) -> Reception:
    keys, cells = _rehashed(r.keys, int(r.meta[0]) + heard, r.cells)
    mooring_keys, mooring_who, mooring_window = _rehashed(
        r.mooring_keys, int(r.meta[1]) + resting, r.mooring_who, r.mooring_window
    )
    region_keys, regions = _rehashed(r.region_keys, int(r.meta[4]) + heard, r.regions)
    by_source = r.sources
    while len(by_source) < sources:
        by_source = _longer(by_source, 2 * len(by_source))
    return Reception(
        keys,
        cells,
        mooring_keys,
        mooring_who,
        mooring_window,
        by_source,
        region_keys,
        regions,
        r.extent,
        r.meta,
        r.scratch,
    )


def _longer(rows: NDArray, length: int, fill: int = 0) -> NDArray:
    out = np.full(length, fill, rows.dtype) if fill else np.zeros(length, rows.dtype)
    out[: len(rows)] = rows
    return out


def _rehashed(keys: NDArray[np.int64], needed: int, *columns: NDArray) -> tuple[NDArray, ...]:
    size = len(keys)
    while 2 * needed + 2 >= size:
        size *= 2
    if size == len(keys):
        return keys, *columns
    new_keys = np.full(size, -1, np.int64)
    used = np.flatnonzero(keys != -1)
    slots = slots_for(new_keys, keys[used])
    longer = [np.zeros(size, rows.dtype) for rows in columns]
    for new_rows, rows in zip(longer, columns, strict=True):
        new_rows[slots] = rows[used]
    return new_keys, *longer


def _rehashed_vessels(vessels: NDArray[np.void], n: int, size: int) -> NDArray[np.int32]:
    table = np.full(size, -1, np.int32)
    chain_vessels(table, vessels, n)
    return table
