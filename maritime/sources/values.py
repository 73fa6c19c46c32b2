"""Texts of a table as numbers, codes and times, whole columns at a time. Texts are Arrow binary arrays: no encoding is
assumed before a value is known to be text.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from maritime.sources.aliases import NULL_WORDS
from maritime.sources.kernels import times as kernel
from maritime.sources.mapping import TimeFormat
from maritime.times import LAST_MS

Numbers = NDArray[np.float64]
Millis = NDArray[np.int64]

INVALID_MS: Final = int(kernel.INVALID_MS)
_ORDERS: Final = {"auto": kernel.YEAR_FIRST, "day_first": kernel.DAY_FIRST, "month_first": kernel.MONTH_FIRST}
_TICKS_A_MS: Final = {"ms": 1, "us": 1_000, "ns": 1_000_000}
_NUMBER: Final = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\Z")


def buffers(texts: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The offsets int32[n+1] and bytes uint8[m] of a binary array, without a copy. A null is an empty text."""
    _, offsets, text = texts.buffers()
    begin = texts.offset
    return (
        np.frombuffer(offsets, np.int32)[begin : begin + len(texts) + 1],
        np.frombuffer(text, np.uint8) if text is not None and text.size else np.zeros(1, np.uint8),
    )


def as_texts(column: pa.Array) -> pa.Array:
    """Any Arrow column as a binary array."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_binary(column.type):
        return column
    if pa.types.is_large_binary(column.type) or pa.types.is_binary_view(column.type):
        return column.cast(pa.binary())
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    return column.cast(pa.binary())


def numbers(texts: pa.Array, decimal: str = ".") -> Numbers:
    """Decimal texts as float64: NaN where there is none, infinity where the text is no number."""
    return np.array([number(text, decimal) for text in texts.to_pylist()], np.float64)


def number(text: bytes | None, decimal: str = ".") -> float:
    """One decimal text as a number, correctly rounded; NaN where there is none, infinity where it is no number."""
    if text is None or not text.strip():
        return np.nan
    plain_text = text.strip().replace(b",", b".") if decimal == "," else text.strip()
    return float(plain_text) if _NUMBER.match(plain_text) else np.inf


def codes(texts: pa.Array, words: Mapping[str, int], unknown: int, largest: int) -> NDArray[np.uint8]:
    """Codes written as numbers or as words; `unknown` where there is none, or one above `largest`."""
    encoded = texts.dictionary_encode()
    table = np.array([*(_code(word, words, unknown, largest) for word in encoded.dictionary.to_pylist()), unknown])
    indices = pc.fill_null(encoded.indices, len(table) - 1).to_numpy(zero_copy_only=False)
    result: NDArray[np.uint8] = table.astype(np.uint8)[indices]
    return result


def _code(text: bytes, words: Mapping[str, int], unknown: int, largest: int) -> int:
    word = readable(text).casefold()
    if word in words:
        return words[word]
    number = number_or_none(word)
    return int(number) if number is not None and 0 <= number <= largest and number == int(number) else unknown


def number_or_none(text: str) -> float | None:
    """One decimal text as a number; None where it is none, or not finite."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def readable(text: bytes) -> str:
    """Bytes as text: UTF-8, or Latin-1 where they are not; without padding (spaces, @, NUL: ITU-R M.1371 table 47)."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        decoded = text.decode("latin-1")
    return decoded.replace("\0", "").strip(" \t@")


def is_null(text: bytes | None) -> bool:
    """Whether a text says that there is no value."""
    return text is None or readable(text).casefold() in NULL_WORDS


def times(texts: pa.Array, form: TimeFormat) -> Millis:
    """Texts of times as ms UTC; INVALID_MS where a text is no time."""
    if "%" in form.format:
        parsed = pc.strptime(_strings(texts), format=form.format, unit="ms", error_is_null=True)
        return _localised(pc.fill_null(parsed.cast(pa.int64()), INVALID_MS).to_numpy(zero_copy_only=False), form.zone)
    t_ms, zoned = kernel.parse_times(*buffers(texts), _ORDERS[form.format])
    if form.zone != "UTC":
        local = ~zoned & (t_ms != INVALID_MS)
        t_ms[local] = _localised(t_ms[local], form.zone)
    result: Millis = t_ms
    return result


def _localised(wall_ms: Millis, zone: str) -> Millis:
    """Wall-clock ms of a zone as ms UTC; at the hour that comes twice in autumn, its first."""
    if zone == "UTC":
        return wall_ms
    known = wall_ms != INVALID_MS
    result = wall_ms.copy()
    naive = pa.array(wall_ms[known]).cast(pa.timestamp("ms"))
    placed = pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="earliest")
    result[known] = placed.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return result


def timestamps(column: pa.Array, zone: str) -> Millis:
    """An Arrow timestamp column as ms UTC; INVALID_MS where null."""
    typed: Any = column.type
    ticks: Millis = pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    t_ms = np.clip(ticks, -LAST_MS, LAST_MS) * 1000 if typed.unit == "s" else ticks // _TICKS_A_MS[typed.unit]
    t_ms[column.is_null().to_numpy(zero_copy_only=False) | (np.abs(t_ms) > LAST_MS)] = INVALID_MS
    return t_ms if typed.tz is not None else _localised(t_ms, zone)


def _strings(texts: pa.Array) -> pa.Array:
    return pc.cast(texts, options=pc.CastOptions(pa.string(), allow_invalid_utf8=True))
