"""Names of receivers ↔ small numbers, in a hash table of fixed size."""

import numpy as np

from maritime.ais.layout import NAME_LIMIT_BYTES, NAME_TABLE_SIZE, NAMES_LIMIT
from maritime.jit import inlined


@inlined
def same_bytes(row, length, block, start):
    """Whether `row[:length]` equals the bytes of the block from `start`."""
    for k in range(length):  # noqa: SIM110, numba has no generators for all()
        if row[k] != block[start + k]:
            return False
    return True


@inlined
def name_number(memory, block, start, stop):
    """The number of the name in the range, a new one at first sight; 0 for an empty one.

    Names are cut at NAME_LIMIT_BYTES. When the table is full every new name gets the last number, NAMES_LIMIT.
    """
    length = min(stop - start, NAME_LIMIT_BYTES)
    if length <= 0:
        return 0
    state = memory.state[0]
    number = state.last_name  # most lines name the source of the line before
    if memory.name_lengths[number] == length and same_bytes(memory.name_bytes[number], length, block, start):
        return number
    mixed = 2166136261  # FNV-1a, 32 bits (Fowler, Noll, Vo)
    for i in range(start, start + length):
        mixed = ((mixed ^ block[i]) * 16777619) & 0xFFFFFFFF
    place = (mixed ^ (mixed >> 15)) % NAME_TABLE_SIZE
    while memory.name_table[place] != 0:
        number = np.int64(memory.name_table[place])
        if memory.name_lengths[number] == length and same_bytes(memory.name_bytes[number], length, block, start):
            state.last_name = number
            return number
        place = (place + 1) % NAME_TABLE_SIZE
    number = state.n_names
    if number >= NAMES_LIMIT:
        return NAMES_LIMIT
    memory.name_table[place] = number
    memory.name_lengths[number] = length
    for k in range(length):
        memory.name_bytes[number, k] = block[start + k]
    state.n_names = number + 1
    state.last_name = number
    return number
