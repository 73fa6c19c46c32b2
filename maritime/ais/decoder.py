"""The bulk decoder: bytes of one file or stream in, Arrow columns out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maritime.ais import layout, tables
from maritime.ais.framing import Framer
from maritime.ais.kernels.messages import decode
from maritime.columns import CLOCK_SCHEMA, PROVENANCE_SCHEMA, STATIC_SCHEMA, Chunk, Reject, SourceTable
from maritime.errors import UsageError

_STATIC_TYPES: Final = (5, 19, 24)
TYPES_WITH_ROWS: Final = frozenset({*np.flatnonzero(tables.POSITION_TABLE[:, 4]).tolist(), *_STATIC_TYPES, 14})
"""Message types that become position or static rows."""
_ARMOR: Final = np.frombuffer(bytes(range(48, 88)) + bytes(range(96, 120)), dtype=np.uint8)  # IEC 61162-1


@dataclass(frozen=True, slots=True)
class Message:
    """One whole AIS message as it was received, its parts joined."""

    line: int  # of its first sentence
    t_ms: int | None  # None where no time is known
    source: str
    payload: str  # armoured
    fill_bits: int


class Decoder:
    """Bytes of one file or stream in, in any split into blocks; chunks of decoded reports out.

    Reads the AIS sentences (VDM and VDO of any talker) in a log or stream, with tag blocks, `$PGHP` lines, US Coast
    Guard suffixes and timestamp prefixes; see docs of `maritime.ais.kernels.framing`. Message types 1–5, 9, 11, 14, 18,
    19, 21, 24 and 27 become rows; the others are counted only.

    A message has the time of its line; else the newest RMC or ZDA of the own ship before it; else the newest time
    of a base station (types 4 and 11); else `start_ms`. With none of these it is refused as `no_time`. A time before
    `oldest_ms` or after `newest_ms` is refused, and that of a base station not believed.
    Its source is the station that its line names, else `feed`.

    The rows, rejects and counts do not depend on where the blocks are split.
    """

    def __init__(
        self,
        sources: SourceTable,
        *,
        file: str = "-",
        start_ms: int | None = None,
        oldest_ms: int = 0,
        newest_ms: int = layout.LATEST_MS,
        feed: str = "",
        max_rejects_kept: int = 10_000,
    ) -> None:
        if start_ms is not None and not 0 < start_ms < layout.LATEST_MS:
            raise UsageError(f"start time {start_ms} ms is not between 1970 and 2100; give milliseconds since 1970 UTC")
        if max_rejects_kept < 0:
            raise UsageError(f"max_rejects_kept is {max_rejects_kept}; give 0 or more")
        self.message_counts: NDArray[np.int64] = np.zeros(28, dtype=np.int64)
        """Messages by type, all of them, whether they gave rows or not."""
        self._sources = sources
        self._file = file
        self._rejects_left = max_rejects_kept
        self._framer = Framer()
        self._codes: NDArray[np.uint16] = np.full(layout.NAMES_LIMIT + 1, SourceTable.LIMIT, dtype=np.uint16)
        self._codes[0] = sources.code(feed)
        self._clock = np.zeros(1, dtype=layout.CLOCK)
        self._clock["base_t"] = layout.NO_TIME
        self._clock["doubted_t"] = layout.NO_TIME
        self._clock["start_t"] = layout.NO_TIME if start_ms is None else start_ms
        self._clock["oldest_t"] = oldest_ms
        self._clock["newest_t"] = newest_ms

    @property
    def sentences(self) -> int:
        """AIS sentences seen so far, sound or not."""
        return self._framer.sentences

    def go_to_line(self, line: int) -> None:
        """Count the next line fed as this one; the bytes fed so far must end a line."""
        self._framer.go_to_line(line)

    def feed(self, block: bytes | memoryview) -> Chunk:
        """Decode the messages that this block completes."""
        return self._decode(block, final=False)

    def finish(self) -> Chunk:
        """Decode an unterminated last line and refuse the messages that stay incomplete."""
        return self._decode(b"", final=True)

    def messages(self) -> Iterator[Message]:
        """Every message of the block fed last, of any type, rows or not."""
        framer = self._framer
        for message in framer.messages:
            n_bits = int(message["n_bits"])
            n_chars = -(-n_bits // 6)
            start = int(message["start"])
            t_ms = int(message["t"])
            yield Message(
                line=int(message["line"]),
                t_ms=None if t_ms == layout.NO_TIME else t_ms,
                source=self._sources.name(int(self._codes[message["source"]])),
                payload=_ARMOR[framer.sixbit[start : start + n_chars]].tobytes().decode("ascii"),
                fill_bits=n_chars * 6 - n_bits,
            )

    def _decode(self, block: bytes | memoryview, *, final: bool) -> Chunk:
        framer = self._framer
        framer.feed(block, final=final)
        for number, name in framer.new_names():
            self._codes[number] = self._sources.code(name)
        messages = framer.messages
        kinds = framer.sixbit[messages["start"]]
        positions = _position_columns(messages.size)
        statics = _static_columns(int(np.isin(kinds, _STATIC_TYPES).sum()))
        clocks = _clock_columns(int(((kinds == 4) | (kinds == 11)).sum()))
        decode(messages, framer.sixbit, self._clock, self.message_counts, positions, statics, clocks)
        rejects, reject_counts = self._refused()
        return Chunk(
            file=self._file,
            positions=_position_batch(positions, int(self._clock["n_positions"][0]), self._codes),
            statics=_static_batch(statics, int(self._clock["n_statics"][0])),
            clock=_clock_batch(clocks, int(self._clock["n_clocks"][0]), self._codes),
            rejects=rejects,
            bytes_read=len(block),
            reject_counts=reject_counts,
        )

    def _refused(self) -> tuple[tuple[Reject, ...], dict[str, int]]:
        """The rejects of the block at hand in their order, as many as may still be kept; and the counts of all."""
        framer = self._framer
        sentences = framer.rejects
        refused = np.flatnonzero(framer.messages["reason"] != layout.ACCEPTED)
        messages = framer.messages[refused]
        if not sentences.size and not messages.size:
            return (), {}
        reason = np.concatenate((sentences["reason"], messages["reason"]))
        counts = np.bincount(reason, minlength=len(layout.REASONS))
        # a sentence refused after k whole messages stands before the message number k
        order = np.argsort(np.concatenate((sentences["at"] * 2, refused * 2 + 1)), kind="stable")[: self._rejects_left]
        self._rejects_left -= order.size
        line, start, stop = (
            np.concatenate((sentences[name], messages[name]))[order] for name in ("line", "raw_start", "raw_stop")
        )
        kept = tuple(
            Reject(self._file, int(line[k]), layout.REASONS[reason[order[k]]], framer.raw(int(start[k]), int(stop[k])))
            for k in range(order.size)
        )
        return kept, {layout.REASONS[k]: int(counts[k]) for k in np.flatnonzero(counts)}


def _position_columns(n: int) -> layout.PositionColumns:
    return layout.PositionColumns(
        mmsi=np.empty(n, np.uint32),
        t=np.empty(n, np.int64),
        lat=np.empty(n, np.float64),
        lon=np.empty(n, np.float64),
        sog=np.empty(n, np.float32),
        cog=np.empty(n, np.float32),
        heading=np.empty(n, np.float32),
        nav_status=np.empty(n, np.uint8),
        msg_type=np.empty(n, np.uint8),
        source=np.empty(n, np.uint16),
        line=np.empty(n, np.int64),
        utc_s=np.empty(n, np.uint8),
    )


def _static_columns(n: int) -> layout.StaticColumns:
    return layout.StaticColumns(
        mmsi=np.empty(n, np.uint32),
        t=np.empty(n, np.int64),
        imo=np.empty(n, np.uint32),
        ship_type=np.empty(n, np.uint8),
        length_m=np.empty(n, np.float32),
        beam_m=np.empty(n, np.float32),
        draught_m=np.empty(n, np.float32),
        call_sign=np.empty(n * tables.CALL_SIGN_CHARS, np.uint8),
        call_sign_offsets=np.zeros(n + 1, np.int32),
        name=np.empty(n * tables.NAME_CHARS, np.uint8),
        name_offsets=np.zeros(n + 1, np.int32),
        destination=np.empty(n * tables.DESTINATION_CHARS, np.uint8),
        destination_offsets=np.zeros(n + 1, np.int32),
        eta=np.empty(n * tables.ETA_CHARS, np.uint8),
        eta_offsets=np.zeros(n + 1, np.int32),
    )


def _clock_columns(n: int) -> layout.ClockColumns:
    return layout.ClockColumns(source=np.empty(n, np.uint16), t=np.empty(n, np.int64), reported=np.empty(n, np.int64))


def _position_batch(columns: layout.PositionColumns, n: int, codes: NDArray[np.uint16]) -> pa.RecordBatch:
    arrays = [pa.array(column[:n]) for column in columns._replace(source=codes[columns.source[:n]])]
    return pa.RecordBatch.from_arrays(arrays, schema=PROVENANCE_SCHEMA)


def _clock_batch(columns: layout.ClockColumns, n: int, codes: NDArray[np.uint16]) -> pa.RecordBatch:
    arrays = [pa.array(column[:n]) for column in columns._replace(source=codes[columns.source[:n]])]
    return pa.RecordBatch.from_arrays(arrays, schema=CLOCK_SCHEMA)


def _static_batch(columns: layout.StaticColumns, n: int) -> pa.RecordBatch:
    arrays = {
        "mmsi": pa.array(columns.mmsi[:n]),
        "t": pa.array(columns.t[:n]),
        "imo": _known(columns.imo[:n]),
        "call_sign": _texts(columns.call_sign, columns.call_sign_offsets[: n + 1]),
        "name": _texts(columns.name, columns.name_offsets[: n + 1]),
        "ship_type": _known(columns.ship_type[:n]),
        "length_m": _known(columns.length_m[:n]),
        "beam_m": _known(columns.beam_m[:n]),
        "draught_m": _known(columns.draught_m[:n]),
        "destination": _texts(columns.destination, columns.destination_offsets[: n + 1]),
        "eta": _texts(columns.eta, columns.eta_offsets[: n + 1]),
    }
    return pa.RecordBatch.from_arrays([arrays[name] for name in STATIC_SCHEMA.names], schema=STATIC_SCHEMA)


def _known(values: NDArray[np.generic]) -> pa.Array:
    """An Arrow column with nulls where the array has 0 or NaN."""
    return pa.array(values, mask=~(values > 0))  # type: ignore[operator]


def _texts(pool: NDArray[np.uint8], offsets: NDArray[np.int32]) -> pa.Array:
    """An Arrow string column over a pool of ASCII bytes; an empty text is null."""
    known = np.packbits(offsets[1:] > offsets[:-1], bitorder="little")
    return pa.StringArray.from_buffers(offsets.size - 1, pa.py_buffer(offsets), pa.py_buffer(pool), pa.py_buffer(known))
