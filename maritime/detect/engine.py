"""The engine: positions and heartbeats in, episodes out. The one place positions pass through.

A pure function of its state and its input: no clock, no randomness, no environment, and no dependence on where one
batch ends. Reports wait until a heartbeat's watermark has passed them, then are processed in one total order (time,
MMSI, content), so arrival order within the allowed lateness, and any split of the vessels over several engines, gives
the same episodes.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maritime.columns import POSITION_SCHEMA, STATIC_SCHEMA, SourceTable
from maritime.detect import snapshot
from maritime.detect.episode import Episode
from maritime.detect.heartbeat import Heartbeats
from maritime.detect.kernels import events as event_kernels
from maritime.detect.kernels import identity as identity_kernels
from maritime.detect.kernels import order as order_kernels
from maritime.detect.kernels import run as run_kernels
from maritime.detect.places import EnginePlaces
from maritime.detect.settings import DetectSettings, Parameters
from maritime.detect.state import EVENT_DTYPE, Events, Reception, State, grown, new_state
from maritime.detect.tell import beacon as tell_beacon
from maritime.detect.tell import dark_period as tell_dark_period
from maritime.detect.tell import identity as tell_identity
from maritime.detect.tell import landing as tell_landing
from maritime.detect.tell import loitering as tell_loitering
from maritime.detect.tell import outage as tell_outage
from maritime.detect.tell.context import Event, TellContext
from maritime.times import NEVER

COUNTERS: Final = (
    "reports",
    "duplicates",
    "strays",
    "hull_overflows",
    "set_aside",
    "withheld",
    "identity_clashes",
    "clock_refused",
)
"""Names of state.counts, in order; see kernels.run."""

TOLD_ORDER: Final = ("told_t", "kind", "start_t", "mmsi", "number", "revision", "source", "lat", "lon")
"""Columns by which the episodes told at one time are ordered, so that no place in a table matters."""

SMALLEST_EVENTS: Final = 4096
SMALL_ROWS: Final = 4096  # chosen: some times what a record of the log holds
MOST_SMALL_PIECES: Final = 64
LONGEST_KEY_SPAN_MS: Final = 1 << 33  # (t − t0) and MMSI share an int64
KEY_MMSI: Final = 1 << 30

TELLERS: Final[dict[int, Callable[[Event, TellContext], Episode]]] = {
    event_kernels.LOITERING: tell_loitering.episode,
    event_kernels.SILENCE: tell_dark_period.episode,
    event_kernels.LANDFALL: tell_landing.episode,
    event_kernels.BEACON: tell_beacon.beacon_episode,
    event_kernels.WITHHELD: tell_beacon.withheld_episode,
    event_kernels.OUTAGE: tell_outage.episode,
    event_kernels.CLASH: tell_identity.episode,
}


class Rows(NamedTuple):
    """Columns of positions; see POSITION_SCHEMA."""

    mmsi: NDArray[Any]  # uint32
    t: NDArray[Any]  # int64
    lat: NDArray[Any]  # float64
    lon: NDArray[Any]  # float64
    sog: NDArray[Any]  # float32
    cog: NDArray[Any]  # float32
    heading: NDArray[Any]  # float32
    nav_status: NDArray[Any]  # uint8
    msg_type: NDArray[Any]  # uint8
    source: NDArray[Any]  # uint16


class Statics(NamedTuple):
    """Columns of static reports, texts as hashes; 0, NaN and −2 say nothing."""

    mmsi: NDArray[Any]  # uint32
    t: NDArray[Any]  # int64
    imo: NDArray[Any]  # uint32
    call_sign_hash: NDArray[Any]  # uint64
    name_hash: NDArray[Any]  # uint64
    ship_type: NDArray[Any]  # uint8
    length_m: NDArray[Any]  # float32
    destination_port: NDArray[Any]  # int64


class Beats(NamedTuple):
    """Heartbeats as the kernels take them."""

    watermark_ms: NDArray[np.int64]
    heard_from: NDArray[np.int64]
    heard: Any
    resting_from: NDArray[np.int64]
    resting: Any
    clocks_from: NDArray[np.int64]
    clocks: Any


class World(NamedTuple):
    """All that kernels may look at besides the hull."""

    coast: Any
    places: Any
    zones: Any
    reception: Reception
    scratch: NDArray[np.float64]
    coast_error_m: float


class Engine:
    """Positions and heartbeats in, episodes out.

    `tells_outages` is False in all but one of several engines that share the vessels: notices about sensors follow
    from heartbeats alone, which every engine sees.
    """

    def __init__(
        self,
        settings: DetectSettings,
        places: EnginePlaces,
        sources: SourceTable,
        *,
        tells_outages: bool = True,
    ) -> None:
        self._settings = settings
        self._parameters: Parameters = settings.parameters()
        self._places = places
        self._sources = sources
        self._tells_outages = tells_outages
        self._port_hashes = places.port_hashes()
        self._state: State = new_state()
        self._events = Events(np.zeros(SMALLEST_EVENTS, EVENT_DTYPE), np.zeros(1, np.int64))
        self._scratch = np.zeros(256)
        self._rows: list[Rows] = []
        self._small_pieces = 0  # at the end of them
        self._statics: list[Statics] = []
        self._late: list[pa.RecordBatch] = []
        self._refused: list[pa.RecordBatch] = []
        self.late_reports = 0
        self._context = TellContext(
            settings,
            places.ports.name,
            places.zones.name,
            lambda code: sources.name(code) or None,
            places.coastline.id,
            places.coastline.error_m,
            places.ports.arrays.lat_deg,
            places.ports.arrays.lon_deg,
        )

    @property
    def watermark_ms(self) -> int | None:
        """Event time that the engine has reached; None before the first heartbeat."""
        watermark_ms = int(self._state.n[identity_kernels.WATERMARK])
        return None if watermark_ms == NEVER else watermark_ms

    @property
    def counters(self) -> dict[str, int]:
        """Reports by what became of them, and the size of the tables."""
        counts = dict(zip(COUNTERS, self._state.counts.tolist(), strict=False))
        n = self._state.n
        return counts | {
            "late": self.late_reports,
            "waiting": sum(len(rows.t) for rows in self._rows),
            "hulls": int(n[identity_kernels.N_HULLS] - n[identity_kernels.FREE_HULLS]),
            "vessels": int(n[identity_kernels.N_VESSELS] - n[identity_kernels.FREE_VESSELS]),
        }

    def feed(self, positions: pa.RecordBatch, statics: pa.RecordBatch | None = None) -> None:
        """Take reports, in any order and any split. They wait for a heartbeat; late ones are kept for `take_late`.

        Columns beyond POSITION_SCHEMA and STATIC_SCHEMA are ignored.
        """
        if positions.num_rows:
            rows = Rows(*(positions.column(name).to_numpy(zero_copy_only=False) for name in POSITION_SCHEMA.names))
            late = rows.t < self._state.n[identity_kernels.WATERMARK]
            if late.any():
                self.late_reports += int(late.sum())
                self._late.append(positions.filter(pa.array(late)))
                rows = Rows(*(column[~late] for column in rows))
            self._keep(rows)
        if statics is not None and statics.num_rows:
            self._statics.append(self._static_columns(statics))

    def take_late(self) -> list[pa.RecordBatch]:
        """Late reports since the last call, as they were fed."""
        late, self._late = self._late, []
        return late

    def take_refused(self) -> list[pa.RecordBatch]:
        """Reports since the last call that were refused for the clock of their source: PositionBatches."""
        refused, self._refused = self._refused, []
        return refused

    def take_waiting(self) -> list[pa.RecordBatch]:
        """Reports that no heartbeat reached: at the end of the data, stamps from the future. PositionBatches."""
        self._small_pieces = 0
        waiting, self._rows = _joined(self._rows, Rows), []
        return [_batch(waiting)] if len(waiting.t) else []

    def advance(self, heartbeats: Heartbeats) -> list[Episode]:
        """Let time pass: process what the heartbeats' watermarks allow, and return the episodes told, in order."""
        if not len(heartbeats):
            return []
        until_ms = int(heartbeats.watermark_ms[-1])
        rows = self._ready_rows(until_ms)
        statics = self._ready_statics(until_ms)
        beats = Beats(
            heartbeats.watermark_ms,
            heartbeats.heard_from,
            heartbeats.heard,
            heartbeats.resting_from,
            heartbeats.resting,
            heartbeats.clocks_from,
            heartbeats.clocks,
        )
        self._state = grown(self._state, sources=_sources(rows, heartbeats))
        refused = np.zeros(len(rows.t), bool)
        cursor = np.zeros(5, np.int64)
        episodes: list[Episode] = []
        while True:
            done = run_kernels.run(
                self._state,
                self._parameters,
                self._world(),
                rows,
                refused,
                statics,
                beats,
                np.empty(len(self._state.reception.sources), np.int64),
                np.empty(len(self._state.reception.regions), np.int64),
                self._tells_outages,
                cursor,
                self._events,
            )
            episodes += self._take_events()
            if done == run_kernels.DONE:
                if refused.any():
                    self._refused.append(_batch(Rows(*(column[refused] for column in rows))))
                return episodes
            self._make_room(beats, cursor)

    def open_episodes(self) -> list[Episode]:
        """Episodes under way that nobody was told of: silences, slow periods and landfalls that still last."""
        self._events = Events(
            np.zeros(3 * len(self._state.hulls) + SMALLEST_EVENTS, EVENT_DTYPE), np.zeros(1, np.int64)
        )
        run_kernels.tell_open(self._state, self._parameters, self._world(), self._events)
        episodes = self._take_events()
        self._events = Events(np.zeros(SMALLEST_EVENTS, EVENT_DTYPE), np.zeros(1, np.int64))
        return episodes

    def snapshot(self) -> bytes:
        """The whole engine, with the reports that wait, as versioned bytes; see maritime.detect.snapshot."""
        return snapshot.save(self._state, _joined(self._rows, Rows), _joined(self._statics, Statics), self.late_reports)

    @classmethod
    def restore(
        cls,
        saved: bytes,
        settings: DetectSettings,
        places: EnginePlaces,
        sources: SourceTable,
        *,
        tells_outages: bool = True,
    ) -> Self:
        """The engine as it was at `snapshot`. Raises SnapshotError when the bytes are altered or of another version."""
        engine = cls(settings, places, sources, tells_outages=tells_outages)
        state, rows, statics, engine.late_reports = snapshot.load(saved)
        engine._state = state
        engine._rows = [Rows(*rows)] if len(rows[0]) else []
        engine._statics = [Statics(*statics)] if len(statics[0]) else []
        return engine

    def _world(self) -> World:
        places = self._places
        return World(
            places.coastline.arrays,
            places.ports.arrays,
            places.zones.arrays,
            self._state.reception,
            self._scratch,
            float(places.coastline.error_median_m),
        )

    def _keep(self, rows: Rows) -> None:
        """Let rows wait. Small pieces are joined, for each holds on to the whole record that it came in."""
        self._rows.append(rows)
        self._small_pieces = self._small_pieces + 1 if len(rows.t) < SMALL_ROWS else 0
        if self._small_pieces == MOST_SMALL_PIECES:
            self._rows[-MOST_SMALL_PIECES:] = [_joined(self._rows[-MOST_SMALL_PIECES:], Rows)]
            self._small_pieces = 0

    def _ready_rows(self, until_ms: int) -> Rows:
        self._small_pieces = 0
        rows = _joined(self._rows, Rows)
        ready = rows.t < until_ms
        if ready.all():
            self._rows = []
        else:
            self._rows = [Rows(*(column[~ready] for column in rows))]
            rows = Rows(*(column[ready] for column in rows))
        return _in_order(rows)

    def _ready_statics(self, until_ms: int) -> Statics:
        statics = _joined(self._statics, Statics)
        ready = statics.t < until_ms
        self._statics = [Statics(*(column[~ready] for column in statics))] if not ready.all() else []
        statics = Statics(*(column[ready] for column in statics))
        keys: list[NDArray[Any]] = [statics.t, statics.mmsi, *statics[2:]]
        order = np.lexsort(keys[::-1])
        return Statics(*(column[order] for column in statics))

    def _static_columns(self, statics: pa.RecordBatch) -> Statics:
        columns = {name: statics.column(name) for name in STATIC_SCHEMA.names}
        destinations = _hashes(columns["destination"], after_arrow=True)
        unique, inverse = np.unique(destinations, return_inverse=True)
        ports = np.array([self._port_hashes.get(h, -1) if h else -2 for h in unique.tolist()], np.int64)
        return Statics(
            columns["mmsi"].to_numpy(zero_copy_only=False),
            columns["t"].to_numpy(zero_copy_only=False),
            columns["imo"].fill_null(0).to_numpy(zero_copy_only=False),
            _hashes(columns["call_sign"]),
            _hashes(columns["name"]),
            columns["ship_type"].fill_null(0).to_numpy(zero_copy_only=False),
            columns["length_m"].fill_null(float("nan")).to_numpy(zero_copy_only=False),
            ports[inverse] if len(ports) else np.empty(0, np.int64),
        )

    def _take_events(self) -> list[Episode]:
        n = int(self._events.n[0])
        self._events.n[0] = 0
        told = self._events.rows[:n]
        order = np.lexsort([told[name] for name in TOLD_ORDER[::-1]])
        names = EVENT_DTYPE.names or ()
        events: Iterator[Event] = (dict(zip(names, row, strict=True)) for row in told[order].tolist())
        return [TELLERS[event["kind"]](event, self._context) for event in events]

    def _make_room(self, beats: Beats, cursor: NDArray[np.int64]) -> None:
        beat = int(cursor[run_kernels.BEAT])
        heard = int(beats.heard_from[beat + 1] - beats.heard_from[beat])
        resting = int(beats.resting_from[beat + 1] - beats.resting_from[beat])
        self._state = grown(self._state, heard=heard, resting=resting)
        need = len(self._state.reception.sources) + len(self._state.reception.regions) + SMALLEST_EVENTS
        if len(self._events.rows) < need:
            self._events = Events(np.zeros(need, EVENT_DTYPE), np.zeros(1, np.int64))


def _sources(rows: Rows, heartbeats: Heartbeats) -> int:
    """How many source codes there are, as far as these rows and heartbeats tell."""
    codes = (rows.source, heartbeats.heard.group >> 2, heartbeats.clocks.source)
    return 1 + max(int(code.max(initial=0)) for code in codes)


def _batch(rows: Rows) -> pa.RecordBatch:
    """The rows as a PositionBatch."""
    arrays = [pa.array(column, field.type) for column, field in zip(rows, POSITION_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=POSITION_SCHEMA)


def _in_order(rows: Rows) -> Rows:
    """The rows in the one total order: time, MMSI, content."""
    n = len(rows.t)
    if n < 2:
        return rows
    columns = (
        rows.t,
        rows.mmsi,
        rows.lat.view(np.int64),
        rows.lon.view(np.int64),
        rows.sog.view(np.int32),
        rows.cog.view(np.int32),
        rows.heading.view(np.int32),
        rows.nav_status,
        rows.msg_type,
        rows.source,
    )
    if order_kernels.is_ordered(*columns):
        return rows
    t0 = int(rows.t.min())
    if int(rows.t.max()) - t0 < LONGEST_KEY_SPAN_MS and int(rows.mmsi.max()) < KEY_MMSI:
        order = np.argsort(order_kernels.time_mmsi_keys(rows.t, rows.mmsi, t0), kind="stable")
    else:
        order = np.lexsort((rows.mmsi, rows.t))
    order_kernels.order_ties(order, *columns)
    return Rows(*(column[order] for column in rows))


T = TypeVar("T", Rows, Statics)


def _joined(parts: list[T], kind: type[T]) -> T:
    """The parts as one; writable, as kernels are compiled for writable arrays, which Arrow's are not."""
    if len(parts) == 1:
        return kind(*(np.require(column, requirements="W") for column in parts[0]))
    if not parts:
        return kind(*(np.empty(0, dtype) for dtype in _DTYPES[kind]))
    return kind(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


_DTYPES: Final[dict[type, tuple[str, ...]]] = {
    Rows: ("u4", "i8", "f8", "f8", "f4", "f4", "f4", "u1", "u1", "u2"),
    Statics: ("u4", "i8", "u4", "u8", "u8", "u1", "f4", "i8"),
}


def _hashes(column: pa.Array, *, after_arrow: bool = False) -> NDArray[np.uint64]:
    """text_hash of every string of a column; 0 for null."""
    column = column.cast(pa.large_string())
    if column.offset or column.null_count == len(column):
        column = pa.concat_arrays([column])
    _, offsets, text = column.buffers()
    n = len(column)
    if n == 0:
        return np.empty(0, np.uint64)
    offsets = np.frombuffer(offsets, np.int64)[column.offset : column.offset + n + 1]
    characters = np.frombuffer(text, np.uint8) if text is not None and text.size else np.zeros(1, np.uint8)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    hashes: NDArray[np.uint64] = identity_kernels.text_hashes(characters, offsets, valid, after_arrow)
    return hashes
