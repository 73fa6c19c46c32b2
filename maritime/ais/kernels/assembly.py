"""Messages in several sentences: parts wait in slots until the last one comes (IEC 61162-1, VDM)."""

import numpy as np

from maritime.ais.layout import (
    BUCKETS,
    INCOMPLETE_MULTIPART,
    MESSAGE_LIMIT_CHARS,
    NO_TIME,
    PART_LIMIT_MS,
    PART_LIMIT_SENTENCES,
    PAYLOAD_TOO_LONG,
    RAW_LIMIT_BYTES,
    WAYS,
)
from maritime.jit import inlined, kernel


@inlined
def copy(target, target_start, source, source_start, n):
    """Copy n bytes; over views, whose indices the compiler knows to be in order, so that it copies many at once."""
    into = target[target_start : target_start + n]
    out_of = source[source_start : source_start + n]
    for k in range(n):
        into[k] = out_of[k]


@kernel
def reject(memory, framed, reason, line, raw_start, raw_stop):
    """Note a refused sentence."""
    state = memory.state[0]
    entry = framed.rejects[state.n_rejects]
    entry.line = line
    entry.raw_start = raw_start
    entry.raw_stop = min(raw_stop, raw_start + RAW_LIMIT_BYTES)
    entry.at = state.n_messages
    entry.reason = reason
    state.n_rejects += 1


@kernel
def keep_raw(memory, framed, slot_number, beyond):
    """Copy a slot's bytes to the raw pool, addressed from `beyond`, the end of the block; returns their range."""
    state = memory.state[0]
    start = state.n_raw
    n_bytes = memory.slots[slot_number].n_raw - 1  # without the last line end
    copy(framed.raw, start, memory.slot_raw[slot_number], 0, n_bytes)
    state.n_raw = start + n_bytes
    return beyond + start, beyond + state.n_raw


@kernel
def give_up(memory, framed, slot_number, reason, beyond):
    """Empty a slot and refuse what it held."""
    raw_start, raw_stop = keep_raw(memory, framed, slot_number, beyond)
    reject(memory, framed, reason, memory.slots[slot_number].line, raw_start, raw_stop)
    memory.slots[slot_number].used = 0


@kernel
def expired(slot, t, ordinal):
    """Whether a slot has waited longer than a part may take."""
    if t != NO_TIME and slot.t != NO_TIME:
        return abs(t - slot.t) > PART_LIMIT_MS
    return ordinal - slot.ordinal > PART_LIMIT_SENTENCES


@kernel
def slot_for_first(memory, framed, key, source, beyond):
    """A free slot for a first part; an unfinished message of the same key and source, or the oldest one, gives way."""
    first = (key ^ (key >> 16)) % BUCKETS * WAYS
    free = np.int64(-1)
    oldest = first
    for number in range(first, first + WAYS):
        slot = memory.slots[number]
        if slot.used == 0:
            free = number
        elif slot.key == key and slot.source == source:
            give_up(memory, framed, number, INCOMPLETE_MULTIPART, beyond)
            return number
        elif slot.ordinal < memory.slots[oldest].ordinal:
            oldest = number
    if free >= 0:
        return free
    give_up(memory, framed, oldest, INCOMPLETE_MULTIPART, beyond)
    return oldest


@kernel
def slot_for_next(memory, key, part, source, t):
    """The slot that waits for this part, or -1: of the same source, else the newest where one of the two is unnamed."""
    first = (key ^ (key >> 16)) % BUCKETS * WAYS
    best = np.int64(-1)
    for number in range(first, first + WAYS):
        slot = memory.slots[number]
        if slot.used == 0 or slot.key != key or slot.next_part != part or expired(slot, t, memory.state[0].ordinal):
            continue
        if slot.source == source:
            return number
        if (slot.source == 0 or source == 0) and (best < 0 or slot.ordinal > memory.slots[best].ordinal):
            best = number
    return best


@kernel
def add_part(memory, framed, block, key, part, total, source, t, chars_start, raw_start, raw_stop):
    """Put a part, whose six-bit characters are the last of the pool from `chars_start`, where it belongs.

    Returns the number of the slot that is complete with it, or -1.
    """
    state = memory.state[0]
    beyond = block.shape[0]
    if part == 1:
        number = slot_for_first(memory, framed, key, source, beyond)
        slot = memory.slots[number]
        slot.used = 1
        slot.key = key
        slot.source = source
        slot.t = t
        slot.line = state.line
        slot.ordinal = state.ordinal
        slot.total = total
        slot.next_part = 1
        slot.n_chars = 0
        slot.n_raw = 0
    else:
        number = slot_for_next(memory, key, part, source, t)
        if number < 0:
            reject(memory, framed, INCOMPLETE_MULTIPART, state.line, raw_start, raw_stop)
            return -1
        slot = memory.slots[number]
    n_raw = slot.n_raw
    n_kept = min(raw_stop - raw_start, RAW_LIMIT_BYTES - 1 - n_raw)
    copy(memory.slot_raw[number], n_raw, block, raw_start, n_kept)
    memory.slot_raw[number, n_raw + n_kept] = 10
    slot.n_raw = min(n_raw + n_kept + 1, RAW_LIMIT_BYTES - 1)
    n_chars = state.n_sixbit - chars_start
    if slot.n_chars + n_chars > MESSAGE_LIMIT_CHARS:
        give_up(memory, framed, number, PAYLOAD_TOO_LONG, beyond)
        return -1
    before = slot.n_chars
    copy(memory.slot_chars[number], before, framed.sixbit, chars_start, n_chars)
    slot.n_chars = before + n_chars
    slot.next_part += 1
    if slot.t == NO_TIME:
        slot.t = t
    if slot.source == 0:
        slot.source = source
    return number if slot.next_part > total else -1


@kernel
def give_up_all(memory, framed, beyond):
    """At the end of the input: refuse every message that is still incomplete, in the order of their first parts."""
    while True:
        oldest = np.int64(-1)
        for number in range(BUCKETS * WAYS):
            if memory.slots[number].used and (
                oldest < 0 or memory.slots[number].ordinal < memory.slots[oldest].ordinal
            ):
                oldest = number
        if oldest < 0:
            return
        give_up(memory, framed, oldest, INCOMPLETE_MULTIPART, beyond)
