"""Who vessels say they are, out of tables that repeat it in every row: one static row at each change."""

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from maritime.columns import STATIC_SCHEMA
from maritime.sources.aliases import SHIP_TYPE_WORDS, STATIC_FIELDS
from maritime.sources.kernels import rows as kernel
from maritime.sources.mapping import ColumnMapping
from maritime.sources.values import Millis, buffers, codes, is_null, number_or_none, readable, times
from maritime.times import LAST_MS, to_rfc3339

_YEARLESS: Final = re.compile(r"^(\d\d-\d\d)[T ](\d\d:\d\d)Z?$")
FIRST_SLOTS: Final = 1 << 12
FNV_OFFSET: Final = np.uint64(0xCBF29CE484222325)  # FNV-1a, 64 bits: the offset basis of the algorithm's authors
LARGEST_IMO: Final = 9_999_999  # an IMO number has seven digits (IMO Resolution A.1117(30))
LARGEST_SHIP_TYPE: Final = 99  # ITU-R M.1371-5 table 53: 100–199 regional, 200–255 reserved


class StaticChanges:
    """Remembers a digest of each vessel's last words: 12 bytes a slot, at most half of the slots taken."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self._mapping = mapping
        self._mmsi = np.zeros(FIRST_SLOTS, np.uint32)
        self._digest = np.zeros(FIRST_SLOTS, np.uint64)
        self._taken = 0

    def of(self, mmsi: NDArray[np.uint32], t_ms: Millis, texts: Mapping[str, pa.Array]) -> pa.RecordBatch:
        """The static rows (STATIC_SCHEMA) of those reports whose vessel says something new about itself."""
        digest = np.full(len(mmsi), FNV_OFFSET)
        says = np.zeros(len(mmsi), np.bool_)
        for field in STATIC_FIELDS:
            if field in texts and texts[field].null_count < len(mmsi):
                says |= kernel.fold_hash(digest, *buffers(texts[field]))
        if not says.any():
            return EMPTY_STATICS
        self._make_room(len(mmsi))
        changed, taken = kernel.mark_changes(mmsi, digest, says, self._mmsi, self._digest)
        self._taken += taken
        rows = np.flatnonzero(changed)
        if not len(rows):
            return EMPTY_STATICS
        batch = _batch(mmsi[rows], t_ms[rows], {f: texts[f].take(pa.array(rows)) for f in texts}, self._mapping)
        return batch.filter(_says_something(batch))

    def _make_room(self, rows: int) -> None:
        size = len(self._mmsi)
        while size < 2 * (self._taken + rows):
            size *= 2
        if size == len(self._mmsi):
            return
        known = np.flatnonzero(self._mmsi)
        mmsi, digest = self._mmsi[known], self._digest[known]
        self._mmsi, self._digest = np.zeros(size, np.uint32), np.zeros(size, np.uint64)
        kernel.mark_changes(mmsi, digest, np.ones(len(known), np.bool_), self._mmsi, self._digest)


EMPTY_STATICS: Final = pa.RecordBatch.from_pylist([], STATIC_SCHEMA)


def _batch(
    mmsi: NDArray[np.uint32], t_ms: Millis, texts: Mapping[str, pa.Array], mapping: ColumnMapping
) -> pa.RecordBatch:
    rows = len(mmsi)
    words = {field: _words(texts.get(field), rows) for field in STATIC_FIELDS}
    metres = {f: _metres(words[f], mapping.units.factor(f)) for f in STATIC_FIELDS if f.endswith("_m")}
    columns = {
        "mmsi": mmsi,
        "t": t_ms,
        "imo": [_imo(word) for word in words["imo"]],
        "call_sign": words["call_sign"],
        "name": words["name"],
        "ship_type": _ship_types(texts.get("ship_type"), rows),
        "length_m": _length(metres["length_m"], metres["to_bow_m"], metres["to_stern_m"]),
        "beam_m": _length(metres["beam_m"], metres["to_port_m"], metres["to_starboard_m"]),
        "draught_m": metres["draught_m"],
        "destination": words["destination"],
        "eta": _etas(words["eta"], mapping),
    }
    return pa.record_batch([pa.array(columns[f.name], f.type) for f in STATIC_SCHEMA], schema=STATIC_SCHEMA)


def _says_something(batch: pa.RecordBatch) -> pa.Array:
    """Whether any field is left in a row: `IMO0000000` alone is none."""
    return reduce(pc.or_, [batch[name].is_valid() for name in STATIC_SCHEMA.names[2:]])


def _words(texts: pa.Array | None, rows: int) -> list[str | None]:
    if texts is None:
        return [None] * rows
    return [None if is_null(text) else readable(text) for text in texts.to_pylist()]


def _metres(words: Sequence[str | None], factor: float) -> list[float | None]:
    values = [number_or_none(word) if word is not None else None for word in words]
    return [value * factor if value is not None and value > 0 else None for value in values]  # AIS: 0 = not available


def _length(whole: list[float | None], one: list[float | None], other: list[float | None]) -> list[float | None]:
    """A dimension as told, or else the sum of the two distances from the antenna (ITU-R M.1371-5 figure 41)."""
    sums = [(a or 0.0) + (b or 0.0) or None for a, b in zip(one, other, strict=True)]
    return [w if w is not None else s for w, s in zip(whole, sums, strict=True)]


def _imo(word: str | None) -> int | None:
    digits = word.upper().removeprefix("IMO").strip().removesuffix(".0") if word is not None else ""
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(LARGEST_IMO)) else 0
    return number if 0 < number <= LARGEST_IMO else None


def _ship_types(texts: pa.Array | None, rows: int) -> list[int | None]:
    if texts is None:
        return [None] * rows
    return [int(code) or None for code in codes(texts, SHIP_TYPE_WORDS, 0, LARGEST_SHIP_TYPE)]


def _etas(words: list[str | None], mapping: ColumnMapping) -> list[str | None]:
    """Full dates in the file's own time format as RFC 3339, those without a year as `MM-DD HH:MM`, others as told."""
    full = times(pa.array([w.encode() if w is not None else None for w in words], pa.binary()), mapping.time).tolist()
    return [
        to_rfc3339(ms) if 0 <= ms <= LAST_MS else _YEARLESS.sub(r"\1 \2", word) if word is not None else None
        for ms, word in zip(full, words, strict=True)
    ]
