"""Framing as an object: blocks of bytes in, framed messages and rejects out."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from maritime.ais import layout
from maritime.ais.kernels.framing import frame

_SHORTEST_SENTENCE_BYTES = 16  # `!AIVDM,1,1,,,0,0*hh` has 19
_SHORTEST_REJECT_BYTES = 4  # a line `VDM,` has 5


class Framer:
    """Finds the AIS messages in the blocks of one file or stream; where the blocks are split does not matter.

    After `feed`, `messages` (layout.MESSAGE records), `sixbit` (their six-bit characters) and `rejects` (layout.REJECT
    records) describe that block; they are overwritten by the next call.
    """

    def __init__(self) -> None:
        slots = layout.BUCKETS * layout.WAYS
        state = np.zeros(1, dtype=layout.STATE)
        for name in ("own_ship_t", "wrapper_t", "prefix_t", "tag_t"):
            state[name] = layout.NO_TIME
        state["n_names"] = 1
        groups = np.zeros(layout.GROUPS, dtype=layout.GROUP)
        groups["id"] = -1
        self._memory = layout.Memory(
            state=state,
            name_bytes=np.zeros((layout.NAMES_LIMIT, layout.NAME_LIMIT_BYTES), dtype=np.uint8),
            name_lengths=np.zeros(layout.NAMES_LIMIT, dtype=np.int64),
            name_table=np.zeros(layout.NAME_TABLE_SIZE, dtype=np.int32),
            slots=np.zeros(slots, dtype=layout.SLOT),
            slot_chars=np.zeros((slots, layout.MESSAGE_LIMIT_CHARS), dtype=np.uint8),
            slot_raw=np.zeros((slots, layout.RAW_LIMIT_BYTES), dtype=np.uint8),
            groups=groups,
        )
        self._framed = _framed(0)
        self._block: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        self._rest: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        self._n_names_told = 1  # number 0 is the unnamed source

    def feed(self, block: bytes | memoryview, *, final: bool = False) -> None:
        """Frame a block; with `final`, also its unterminated last line, and refuse what is still incomplete."""
        self._block = np.concatenate((self._rest, np.frombuffer(block, dtype=np.uint8)))
        if self._block.size > self._framed.raw.size - layout.BUCKETS * layout.WAYS * layout.RAW_LIMIT_BYTES:
            self._framed = _framed(self._block.size)
        used = frame(self._block, final, self._memory, self._framed)
        self._rest = self._block[used:].copy()

    def go_to_line(self, line: int) -> None:
        """Count the next line fed as this one; the bytes fed so far must end a line."""
        self._memory.state["line"] = line - 1

    @property
    def messages(self) -> NDArray[np.void]:
        """The messages of the block at hand, layout.MESSAGE records in order of completion."""
        return self._framed.messages[: self._memory.state["n_messages"][0]]

    @property
    def rejects(self) -> NDArray[np.void]:
        """The refused sentences of the block at hand, layout.REJECT records in order."""
        return self._framed.rejects[: self._memory.state["n_rejects"][0]]

    @property
    def sixbit(self) -> NDArray[np.uint8]:
        """The pool of six-bit characters that the messages point into."""
        return self._framed.sixbit

    @property
    def sentences(self) -> int:
        """AIS sentences seen so far, sound or not."""
        return int(self._memory.state["ordinal"][0])

    def raw(self, start: int, stop: int) -> bytes:
        """The bytes that a message or reject was read from, at most layout.RAW_LIMIT_BYTES."""
        stop = min(stop, start + layout.RAW_LIMIT_BYTES)
        beyond = self._block.size
        if start >= beyond:
            return self._framed.raw[start - beyond : stop - beyond].tobytes()
        return self._block[start:stop].tobytes()

    def new_names(self) -> Iterator[tuple[int, str]]:
        """Number and name of the sources seen for the first time since the last call."""
        lengths = self._memory.name_lengths
        while self._n_names_told < int(self._memory.state["n_names"][0]):
            number = self._n_names_told
            self._n_names_told += 1
            yield (
                number,
                self._memory.name_bytes[number, : lengths[number]].tobytes().decode("utf-8", "backslashreplace"),
            )


def _framed(n_bytes: int) -> layout.Framed:
    pending = layout.BUCKETS * layout.WAYS
    return layout.Framed(
        messages=np.empty(n_bytes // _SHORTEST_SENTENCE_BYTES + 1, dtype=layout.MESSAGE),
        rejects=np.empty(n_bytes // _SHORTEST_REJECT_BYTES + 1 + pending, dtype=layout.REJECT),
        sixbit=np.empty(n_bytes + pending * layout.MESSAGE_LIMIT_CHARS, dtype=np.uint8),
        raw=np.empty(n_bytes + pending * layout.RAW_LIMIT_BYTES, dtype=np.uint8),
    )
