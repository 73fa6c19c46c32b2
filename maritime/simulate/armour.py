"""Columns into AIS payloads: fields to bits to the 6-bit characters of a VDM sentence.

Source: ITU-R M.1371-5 annex 8 (fields are packed most significant bit first) and IEC 61162-1 (the 6-bit armour).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64] | int | str
Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its name and its width in bits; a text field takes 6 bits for each character."""

    name: str
    bits: int


@dataclass(frozen=True, slots=True)
class Payload:
    """The armoured payloads of n messages of one type: uint8[n, characters] and the fill bits at the end of each."""

    chars: NDArray[np.uint8]
    fill_bits: int

    def rows(self, index: NDArray[np.int64]) -> "Payload":
        """The payloads at some rows."""
        return Payload(self.chars[index], self.fill_bits)

    def split(self, first_chars: int) -> "tuple[Payload, Payload]":
        """Cut each payload in two for a message of two sentences; the fill bits belong to the second."""
        return Payload(self.chars[:, :first_chars], 0), Payload(self.chars[:, first_chars:], self.fill_bits)


def encode(table: Sequence[Field], columns: Mapping[str, Column], n: int) -> Payload:
    """Return the payloads of n messages laid out as `table` says.

    A column is int64[n], or one int or text for all n; a field without a column is 0. Negative numbers become two's
    complement; text is cut at the width of its field and padded with "@".
    """
    bits = np.zeros((n, sum(field.bits for field in table)), np.uint8)
    start = 0
    for field in table:
        column = columns.get(field.name, 0)
        end = start + field.bits
        bits[:, start:end] = _text_bits(column, field.bits) if isinstance(column, str) else _bits(column, field.bits)
        start = end
    return armour(bits)


def armour(bits: Bits) -> Payload:
    """Return the 6-bit characters of uint8[n, bits] zeros and ones, padded to whole characters."""
    n, width = bits.shape
    fill_bits = -width % 6
    sextets = np.pad(bits, ((0, 0), (0, fill_bits))).reshape(n, (width + fill_bits) // 6, 6)
    codes = np.packbits(sextets, axis=2)[:, :, 0] >> 2
    return Payload(np.where(codes < 40, codes + 48, codes + 56).astype(np.uint8), fill_bits)


def sixbit_codes(text: str) -> NDArray[np.uint8]:
    """Return the 6-bit codes of a text (ITU-R M.1371-5 table 47); what it cannot say becomes "?"."""
    ascii_codes = np.frombuffer(text.upper().encode("ascii", "replace"), np.uint8)
    sayable = (ascii_codes >= 32) & (ascii_codes < 96)
    return (np.where(sayable, ascii_codes, ord("?")) & 0x3F).astype(np.uint8)


def _bits(values: NDArray[np.int64] | int, width: int) -> Bits:
    shifts = np.arange(width - 1, -1, -1)
    return ((np.reshape(values, (-1, 1)) >> shifts) & 1).astype(np.uint8)


def _text_bits(text: str, width: int) -> Bits:
    codes = sixbit_codes(text)[: width // 6]
    padded = np.zeros(width // 6, np.uint8)
    padded[: codes.size] = codes
    return np.unpackbits(padded[:, None], axis=1)[:, 2:].reshape(1, width)
