r"""Payloads into lines of a receiver's log: sentence, checksum, tag block (IEC 61162-1 and IEC 61162-450).

\s:PHUKET,c:1773446400123*5E\!AIVDM,1,1,,A,15M67F...,0*2A
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maritime.simulate.armour import Payload

Rows = NDArray[np.uint8]  # uint8[n, width]: one text of equal width in each row

FIRST_PART_CHARS: Final = 60  # IEC 61162-1: a sentence has at most 82 characters, its CR LF included
_HEX: Final = np.frombuffer(b"0123456789ABCDEF", np.uint8)


def lines(payload: Payload, channel: Rows, station: str, t_ms: NDArray[np.int64], in_ms: bool, serial: Rows) -> Rows:
    """Return uint8[n, width]: for each of n messages its line, or its two lines when it does not fit into one.

    `channel` is uint8[n, 1] of "A" or "B"; `t_ms` int64[n] is the receiver's time, told in milliseconds or in
    seconds; `serial` uint8[n, 4] numbers the groups of sentences that belong together, in digits.
    """
    digits = decimal(t_ms, 13) if in_ms else decimal(t_ms // 1000, 10)
    stamp = _joined(f"s:{station},c:", digits)
    if payload.chars.shape[1] <= FIRST_PART_CHARS:
        return _joined(_tag_block(stamp), _sentence("AIVDM,1,1,,", channel, payload))
    first, second = payload.split(FIRST_PART_CHARS)
    sequence = serial[:, -1:]
    return _joined(
        _tag_block(_joined("g:1-2-", serial, ",", stamp)),
        _sentence(_joined("AIVDM,2,1,", sequence, ","), channel, first),
        _tag_block(_joined("g:2-2-", serial)),
        _sentence(_joined("AIVDM,2,2,", sequence, ","), channel, second),
    )


def decimal(numbers: NDArray[np.int64], width: int) -> Rows:
    """Return the last `width` decimal digits of each number as text: uint8[n, width]."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def merge(blocks: Iterable[Rows], orders: Sequence[NDArray[np.int64]]) -> bytes:
    """Return all rows as one text; the rows of `blocks[i]` stand at the ranks `orders[i]`, each rank once."""
    kept = list(blocks)
    widths = np.zeros(sum(block.shape[0] for block in kept), np.int64)
    for block, order in zip(kept, orders, strict=True):
        widths[order] = block.shape[1]
    starts = np.concatenate([[0], np.cumsum(widths)])
    text = np.empty(int(starts[-1]), np.uint8)
    for block, order in zip(kept, orders, strict=True):
        text[starts[order][:, None] + np.arange(block.shape[1])] = block
    return text.tobytes()


def _sentence(head: str | Rows, channel: Rows, payload: Payload) -> Rows:
    body = _joined(head, channel, ",", payload.chars, f",{payload.fill_bits}")
    return _joined("!", body, "*", _checksum(body), "\r\n")


def _tag_block(body: Rows) -> Rows:
    return _joined("\\", body, "*", _checksum(body), "\\")


def _checksum(body: Rows) -> Rows:
    total = np.bitwise_xor.reduce(body, axis=1)
    return np.stack([_HEX[total >> 4], _HEX[total & 15]], axis=1)


def _joined(*pieces: str | Rows) -> Rows:
    rows = next(piece.shape[0] for piece in pieces if not isinstance(piece, str))
    return np.hstack(
        [
            np.broadcast_to(np.frombuffer(piece.encode("ascii"), np.uint8), (rows, len(piece)))
            if isinstance(piece, str)
            else piece
            for piece in pieces
        ]
    )
