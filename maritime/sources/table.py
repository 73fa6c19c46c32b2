"""TableDecoder: the columns of any table become positions, static rows and rejects. What `maritime.ais.decoder` is to
sentences.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maritime.columns import MSG_TYPE_UNKNOWN, NAV_STATUS_UNKNOWN, PROVENANCE_SCHEMA, Chunk, SourceTable
from maritime.sources.aliases import MSG_TYPE_WORDS, NAV_STATUS_WORDS, STATIC_FIELDS
from maritime.sources.kernels import rows as kernel
from maritime.sources.mapping import ColumnMapping
from maritime.sources.rejects import RejectBook
from maritime.sources.statics import StaticChanges
from maritime.sources.values import INVALID_MS, Millis, Numbers, codes, times
from maritime.times import LAST_MS

Column: TypeAlias = Any  # Numbers, Millis or pa.Array, which has no types
"""float64[n] for a number (NaN absent, inf no number), int64[n] for a time in ms, else an Arrow binary array."""

OLDEST_MS: Final = 631_152_000_000  # 1990-01-01: no AIS existed before (IMO Resolution MSC.74(69), 1998)
UTC_S_UNKNOWN: Final = 255
MESSAGE_TYPES: Final = 27  # ITU-R M.1371-5 table 46
REASONS: Final = {
    kernel.MMSI_INVALID: "mmsi_invalid",
    kernel.TIME_INVALID: "time_invalid",
    kernel.TIME_OUT_OF_RANGE: "time_out_of_range",
    kernel.POSITION_NOT_A_NUMBER: "position_not_a_number",
    kernel.POSITION_OUT_OF_RANGE: "position_out_of_range",
    kernel.HALF_POSITION: "half_position",
}
SOG_UNKNOWN_KN: Final = np.full(256, 102.25)  # ITU-R M.1371-5 table 45: 102.3 = unknown, in steps of 0.1 kn
SOG_UNKNOWN_KN[9] = 1022.5  # SAR aircraft, table 61: 1023 = unknown, in steps of 1 kn
_TELLS_POSITION: Final = np.isin(np.arange(256), [MSG_TYPE_UNKNOWN, 1, 2, 3, 4, 9, 11, 18, 19, 21, 27])


class TableDecoder:
    """Decodes the rows of one file, in order, block by block; where blocks end does not change what comes out."""

    def __init__(
        self, mapping: ColumnMapping, sources: SourceTable, rejects: RejectBook, *, file: str, newest_ms: int | None
    ) -> None:
        self._mapping = mapping
        self._sources = sources
        self._rejects = rejects
        self._file = file
        self._newest_ms = LAST_MS if newest_ms is None else newest_ms
        self._statics = StaticChanges(mapping)
        self.message_counts: NDArray[np.int64] = np.zeros(MESSAGE_TYPES + 1, np.int64)  # [0] = type not told

    def decode(
        self,
        columns: Mapping[str, Column],
        lines: NDArray[np.int64],
        content: Callable[[int], bytes],
        bytes_read: int = 0,
    ) -> Chunk:
        """Turn n rows into a Chunk.

        `columns` holds the fields that the file has, `lines` int64[n] their lines, and `content(i)` gives the bytes of
        row i, asked for only when the row is refused.
        """
        rows = len(lines)
        mmsi = self._mmsi(columns, rows)
        t_ms = self._times(columns, rows)
        lat_deg, lon_deg = self._positions(columns, rows)
        msg_type = self._msg_types(columns, rows)
        verdict = kernel.judge(mmsi, t_ms, INVALID_MS, OLDEST_MS, self._newest_ms, lat_deg, lon_deg)
        tells_position = _TELLS_POSITION[msg_type]
        verdict[~tells_position & (verdict >= kernel.POSITION_NOT_A_NUMBER)] = kernel.GOOD
        good = verdict == kernel.GOOD
        if not good.all():
            self._refuse(np.flatnonzero(~good), verdict, lines, content)
        self.message_counts += np.bincount(msg_type[good], minlength=MESSAGE_TYPES + 1)

        kept = _selection(good)
        mmsi_kept = mmsi[kept].astype(np.uint32)
        texts = {f: _rows_of(columns[f], good) for f in STATIC_FIELDS if f in columns}
        statics = self._statics.of(mmsi_kept, t_ms[kept], texts)

        chosen = _selection(good & tells_position)
        positions = {
            "mmsi": mmsi[chosen].astype(np.uint32),
            "t": t_ms[chosen],
            "lat": lat_deg[chosen],
            "lon": lon_deg[chosen],
            "sog": _below(self._numbers(columns, "sog", rows)[chosen], SOG_UNKNOWN_KN[msg_type[chosen]]),
            "cog": _below(self._numbers(columns, "cog", rows)[chosen], 360.0),
            "heading": _below(self._numbers(columns, "heading", rows)[chosen], 360.0),
            "nav_status": self._nav_status(columns, rows)[chosen],
            "msg_type": msg_type[chosen],
            "source": self._source(columns, rows)[chosen],
            "line": lines[chosen],
            "utc_s": self._utc_s(columns, rows)[chosen],
        }
        batch = pa.record_batch([pa.array(positions[f.name]) for f in PROVENANCE_SCHEMA], schema=PROVENANCE_SCHEMA)
        kept_rejects, counts = self._rejects.page()
        return Chunk(self._file, batch, statics, None, kept_rejects, bytes_read, counts)

    def _refuse(
        self,
        rows: NDArray[np.int64],
        verdict: NDArray[np.uint8],
        lines: NDArray[np.int64],
        content: Callable[[int], bytes],
    ) -> None:
        for row in rows.tolist():
            text = b"" if self._rejects.is_full else content(row)
            self._rejects.add(int(lines[row]), REASONS[int(verdict[row])], text)

    def _numbers(self, columns: Mapping[str, Column], field: str, rows: int) -> Numbers:
        if field not in columns:
            return np.full(rows, np.nan)
        factor = self._mapping.units.factor(field)
        values: Numbers = np.asarray(columns[field], np.float64)
        return values if factor == 1.0 else values * factor

    def _mmsi(self, columns: Mapping[str, Column], rows: int) -> Numbers:
        if self._mapping.constants.mmsi is not None:
            return np.full(rows, float(self._mapping.constants.mmsi))
        return self._numbers(columns, "mmsi", rows)

    def _positions(self, columns: Mapping[str, Column], rows: int) -> tuple[Numbers, Numbers]:
        if "wkb" in columns and not {"lat", "lon"} <= columns.keys():
            from maritime.sources.points import points  # shapely, only where there is geometry

            return points(columns["wkb"])
        return self._numbers(columns, "lat", rows), self._numbers(columns, "lon", rows)

    def _times(self, columns: Mapping[str, Column], rows: int) -> Millis:
        column = columns["t"]
        t_ms = times(column, self._mapping.time) if isinstance(column, pa.Array) else column.astype(np.int64)
        if "millisecond" in columns:
            ms = np.nan_to_num(self._numbers(columns, "millisecond", rows), nan=0.0, posinf=0.0)
            t_ms += np.where((t_ms != INVALID_MS) & (ms >= 0) & (ms < 1000), ms, 0).astype(np.int64)
        return t_ms

    def _msg_types(self, columns: Mapping[str, Column], rows: int) -> NDArray[np.uint8]:
        constant = self._mapping.constants.msg_type
        if constant is not None:
            return np.full(rows, constant, np.uint8)
        types = np.full(rows, MSG_TYPE_UNKNOWN, np.uint8)
        if "transceiver" in columns:
            types = codes(columns["transceiver"], MSG_TYPE_WORDS, MSG_TYPE_UNKNOWN, 0)
        if "msg_type" in columns:
            told = codes(columns["msg_type"], {}, MSG_TYPE_UNKNOWN, MESSAGE_TYPES)
            types = np.where(told != MSG_TYPE_UNKNOWN, told, types)
        return types

    def _nav_status(self, columns: Mapping[str, Column], rows: int) -> NDArray[np.uint8]:
        constant = self._mapping.constants.nav_status
        if constant is not None or "nav_status" not in columns:
            return np.full(rows, NAV_STATUS_UNKNOWN if constant is None else constant, np.uint8)
        return codes(columns["nav_status"], NAV_STATUS_WORDS, NAV_STATUS_UNKNOWN, NAV_STATUS_UNKNOWN)

    def _utc_s(self, columns: Mapping[str, Column], rows: int) -> NDArray[np.uint8]:
        seconds = self._numbers(columns, "utc_s", rows)
        return np.where((seconds >= 0) & (seconds <= 63), seconds, UTC_S_UNKNOWN).astype(np.uint8)

    def _source(self, columns: Mapping[str, Column], rows: int) -> NDArray[np.uint16]:
        feed = self._sources.code(self._mapping.name)
        if "receiver" not in columns:
            return np.full(rows, feed, np.uint16)
        encoded = columns["receiver"].dictionary_encode()
        names = [name.decode("latin-1").strip() for name in encoded.dictionary.to_pylist()]
        table = [self._sources.code(f"{self._mapping.name}:{name}") if name else feed for name in names]
        indices = encoded.indices.fill_null(len(table)).to_numpy(zero_copy_only=False)
        result: NDArray[np.uint16] = np.array([*table, feed], np.uint16)[indices]
        return result


def _selection(mask: NDArray[np.bool_]) -> slice | NDArray[np.bool_]:
    """The rows of a mask as an index; all of them without a copy."""
    return slice(None) if mask.all() else mask


def _rows_of(texts: Column, good: NDArray[np.bool_]) -> pa.Array:
    return texts if good.all() else texts.filter(pa.array(good))


def _below(values: Numbers, limit: float | Numbers) -> NDArray[np.float32]:
    """Values in [0, limit) as float32; every other one is unknown."""
    narrow: NDArray[np.float32] = values.astype(np.float32)
    narrow[~((values >= 0.0) & (values < limit))] = np.nan
    return narrow
