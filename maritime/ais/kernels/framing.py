"""Bytes → messages: lines, tag blocks, wrappers, prefixes, suffixes, checksums, armour, parts.

Sources: IEC 61162-1 (sentences, checksum, six-bit armour), IEC 61162-450 (tag blocks), NMEA 0183 RMC and ZDA, and the
logs of the US Coast Guard (suffix) and of Gatehouse receivers ($PGHP).
"""

import numpy as np

from maritime.ais.kernels.assembly import add_part, copy, give_up_all, keep_raw, reject
from maritime.ais.kernels.names import name_number
from maritime.ais.kernels.text import (
    UTC_MS,
    clock_ms,
    dated,
    end_of_digits,
    epoch_ms,
    hexadecimal,
    integer,
    is_digit,
    prefix_ms,
    time_of_day,
)
from maritime.ais.layout import (
    ACCEPTED,
    BAD_ARMOR,
    BAD_CHECKSUM,
    BAD_FILL_BITS,
    BAD_PART_NUMBER,
    BAD_TAG_BLOCK,
    EMPTY_PAYLOAD,
    GROUP_LIMIT_SENTENCES,
    GROUPS,
    LINE_LIMIT_BYTES,
    LINE_TOO_LONG,
    MALFORMED_SENTENCE,
    MISSING_CHECKSUM,
    NO_TIME,
    PAYLOAD_LIMIT_CHARS,
    PAYLOAD_TOO_LONG,
    TIME_NONE,
    TIME_OF_LINE,
    TIME_OF_OWN_SHIP,
    UNKNOWN_SENTENCE,
)
from maritime.jit import inlined, kernel

LF = 10
CR = 13
SPACE = 32
BANG = 33
HASH = 35
DOLLAR = 36
STAR = 42
COMMA = 44
DASH = 45
COLON = 58
BACKSLASH = 92

FOURTEENS = np.uint64(0x0E0E0E0E0E0E0E0E)
HIGH_BITS = np.uint64(0x8080808080808080)
ZERO = np.uint64(0)

MARKER = 1
END_OF_CHECKED = 2
KIND_OF = np.zeros(256, dtype=np.uint8)  # one look-up instead of several comparisons for every byte
KIND_OF[[BANG, DOLLAR, BACKSLASH]] = MARKER | END_OF_CHECKED
KIND_OF[STAR] = END_OF_CHECKED

NO_ARMOR = 255
SIXBIT_OF = np.full(256, NO_ARMOR, dtype=np.uint8)  # IEC 61162-1: '0'–'W' are 0–39, '`'–'w' are 40–63
SIXBIT_OF[48:88] = np.arange(40)
SIXBIT_OF[96:120] = np.arange(40, 64)


@kernel
def frame(block, final, memory, framed):
    """Frame every complete line of a block (of all the rest, when final); returns how many bytes were used up.

    What is left is the beginning of an unterminated line, at most LINE_LIMIT_BYTES, to be handed in again in front of
    the next block. A line ends with LF, CR or CR LF.
    """
    state = memory.state[0]
    state.n_messages = 0
    state.n_rejects = 0
    state.n_sixbit = 0
    state.n_raw = 0
    n_bytes = block.shape[0]
    words = block[: n_bytes // 8 * 8].view(np.uint64)
    start = np.int64(0)
    while start < n_bytes:
        if state.after_cr:
            state.after_cr = 0
            if block[start] == LF:
                start += 1
                continue
        stop = end_of_line(block, words, start)
        if stop == n_bytes and not final:
            if state.skipping:
                start = n_bytes
            elif n_bytes - start > LINE_LIMIT_BYTES:
                state.line += 1
                reject(memory, framed, LINE_TOO_LONG, state.line, start, stop)
                state.skipping = 1
                start = n_bytes
            break
        if state.skipping:
            state.skipping = 0
        else:
            state.line += 1
            if stop - start > LINE_LIMIT_BYTES:
                reject(memory, framed, LINE_TOO_LONG, state.line, start, stop)
            else:
                frame_line(block, start, stop, memory, framed)
        if stop < n_bytes and block[stop] == CR:
            state.after_cr = 1
        start = stop + 1
    if final:
        give_up_all(memory, framed, n_bytes)
    return min(start, n_bytes)


@inlined
def end_of_line(block, words, start):
    """Where the next LF or CR stands, or the end of the block; `words` are its bytes in eights.

    Eight bytes at once hold none below 14 (CR + 1) when subtracting 14 from each borrows from no high bit.
    """
    n_bytes = block.shape[0]
    while start < n_bytes:
        if start % 8 == 0:
            word = start // 8
            while word < words.shape[0] and ((words[word] - FOURTEENS) & ~words[word] & HIGH_BITS) == ZERO:
                word += 1
            start = word * 8
        last = min((start // 8 + 1) * 8, n_bytes)
        while start < last:
            if block[start] == LF or block[start] == CR:
                return start
            start += 1
    return start


@inlined
def next_marker(block, start, stop):
    """Where the next sentence or tag block begins, or `stop`."""
    while start < stop and KIND_OF[block[start]] & MARKER == 0:
        start += 1
    return start


@inlined
def frame_line(block, start, stop, memory, framed):
    """Frame one line: a prefix, then tag blocks and sentences in any number."""
    while start < stop and block[start] == SPACE:
        start += 1
    if start == stop or block[start] == HASH:
        return
    state = memory.state[0]
    state.prefix_t = NO_TIME
    state.tag_t = NO_TIME
    state.tag_source = 0
    state.tag_bad = 0
    state.segment = start
    at = next_marker(block, start, stop)
    if at > start:
        state.prefix_t = prefix_ms(block, start, at)
    n_sentences = 0
    while at < stop:
        byte = block[at]
        if byte == BANG and is_vdm(block, at, stop):
            at = frame_vdm(block, at, stop, memory, framed)
            state.segment = at
            n_sentences += 1
        elif byte == DOLLAR:
            at = frame_dollar(block, at, stop, memory, framed)
            state.segment = at
        elif byte == BACKSLASH:
            at = frame_tag_block(block, at, stop, memory)
        else:
            at += 1
        at = next_marker(block, at, stop)
    if n_sentences == 0 and mentions_vdm(block, start, stop):
        reject(memory, framed, UNKNOWN_SENTENCE, state.line, start, stop)


@inlined
def is_vdm(block, at, stop):
    """Whether `!xxVDM,` or `!xxVDO,` stands here."""
    return (
        at + 7 <= stop
        and block[at + 3] == 86
        and block[at + 4] == 68
        and (block[at + 5] == 77 or block[at + 5] == 79)
        and block[at + 6] == COMMA
    )


@kernel
def mentions_vdm(block, start, stop):
    """Whether `VDM,` or `VDO,` stands anywhere: a line that was meant to be AIS."""
    for at in range(start - 3, stop - 6):  # noqa: SIM110, numba has no generators for any()
        if is_vdm(block, at, stop):
            return True
    return False


@inlined
def end_of_checked(block, start, stop):
    """From the byte after a start delimiter to the checksum: (exclusive or of the bytes, where `*` stands or -1)."""
    check = np.int64(0)
    body = block[start:stop]
    for k in range(body.shape[0]):
        if KIND_OF[body[k]] & END_OF_CHECKED:
            return check, start + k if body[k] == STAR else -1
        check ^= body[k]
    return check, -1


@inlined
def stated_checksum(block, star, stop):
    """The two hexadecimal digits after `*`; -1 where they are not there."""
    if star + 2 >= stop:
        return -1
    high = hexadecimal(block[star + 1])
    low = hexadecimal(block[star + 2])
    return -1 if high < 0 or low < 0 else high * 16 + low


@inlined
def end_of_field(block, start, stop):
    """Where the comma-separated field that begins at `start` ends."""
    while start < stop and block[start] != COMMA:
        start += 1
    return start


# ------------------------------------------------------------------------------------------------ tag blocks


@inlined
def frame_tag_block(block, start, stop, memory):
    """Read the tag block that begins at `start`; returns where it ends. A lone backslash is passed over."""
    state = memory.state[0]
    end = next_marker(block, start + 1, stop)
    if end == stop or block[end] != BACKSLASH or end == start + 1:
        return start + 1
    check, star = end_of_checked(block, start + 1, end)
    if star < 0:
        if end + 1 < stop and block[end + 1] == BANG:  # it stands where a tag block stands
            state.tag_bad = 1
            return end + 1
        return start + 1
    stated = hexadecimal(block[star + 1])
    if end - star == 3 and stated >= 0:
        low = hexadecimal(block[star + 2])
        stated = stated * 16 + low if low >= 0 else -1
    elif end - star != 2:
        stated = -1
    if stated != check:
        state.tag_bad = 1
        return end + 1
    read_tags(block, start + 1, star, memory)
    return end + 1


@inlined
def read_tags(block, start, stop, memory):
    """Read the fields `c` (time), `s` (source) and `g` (group) of a sound tag block into the state of the line."""
    state = memory.state[0]
    part = total = group = -1
    while start < stop:
        end = end_of_field(block, start, stop)
        if start + 1 < end and block[start + 1] == COLON:
            if block[start] == 99:  # c
                state.tag_t = epoch_ms(block, start + 2, end)
            elif block[start] == 115:  # s
                state.tag_source = name_number(memory, block, start + 2, end)
            elif block[start] == 103:  # g:part-total-id
                first = end_of_digits(block, start + 2, end)
                second = end_of_digits(block, first + 1, end)
                if first < end and second < end and block[first] == DASH and block[second] == DASH:
                    part = integer(block, start + 2, first)
                    total = integer(block, first + 1, second)
                    group = integer(block, second + 1, end)
        elif start + 3 < end and block[start + 1] == 71 and block[start + 3] == COLON:  # older form, 1G2:id
            part = integer(block, start, start + 1)
            total = integer(block, start + 2, start + 3)
            group = integer(block, start + 4, end)
        start = end + 1
    if group >= 0 and 1 <= part <= total:
        inherit(memory, part, total, group)


@inlined
def inherit(memory, part, total, group):
    """Lines of a tag-block group have the time and source of its first line, where they state none."""
    state = memory.state[0]
    entry = memory.groups[group % GROUPS]
    if part == 1:
        entry.id = group
        entry.total = total
        entry.t = state.tag_t
        entry.source = state.tag_source
        entry.ordinal = state.ordinal
        return
    if entry.id != group or entry.total != total or state.ordinal - entry.ordinal > GROUP_LIMIT_SENTENCES:
        return
    if state.tag_t == NO_TIME:
        state.tag_t = entry.t
    if state.tag_source == 0:
        state.tag_source = entry.source
    if part == total:
        entry.id = -1


# ------------------------------------------------------------------------------------------------ other sentences


@kernel
def frame_dollar(block, start, stop, memory, framed):
    """Read a `$` sentence: the times of RMC, ZDA and $PGHP; any other is passed over. Returns where it ends."""
    state = memory.state[0]
    check, star = end_of_checked(block, start + 1, stop)
    stated = stated_checksum(block, star, stop) if star >= 0 else -1
    end = star + 3 if stated >= 0 else max(star, start) + 1
    if start + 5 > stop:
        return end
    is_wrapper = block[start + 1] == 80 and block[start + 2] == 71 and block[start + 3] == 72 and block[start + 4] == 80
    is_long = start + 7 <= stop
    is_rmc = is_long and block[start + 3] == 82 and block[start + 4] == 77 and block[start + 5] == 67
    is_zda = is_long and block[start + 3] == 90 and block[start + 4] == 68 and block[start + 5] == 65
    if not (is_wrapper or is_rmc or is_zda):
        return end
    sound = stated == check
    if is_wrapper:
        state.wrapper_t = NO_TIME
        state.wrapper_source = 0
        if not sound:
            reject(memory, framed, BAD_CHECKSUM, state.line, state.segment, stop if star < 0 else end)
        else:
            read_wrapper(block, start, star, memory)
    elif sound and is_rmc:
        read_rmc(block, start, star, memory)
    elif sound:
        read_zda(block, start, star, memory)
    return end


@kernel
def read_wrapper(block, start, star, memory):
    """`$PGHP,type,year,month,day,hour,minute,second,ms,country,region,station,online,checksum`: for the next VDM.

    The source is the station, else the region, else the country.
    """
    state = memory.state[0]
    year = month = day = hour = minute = second = milli = np.int64(-1)
    at = end_of_field(block, start, star) + 1
    for k in range(11):
        end = end_of_field(block, at, star)
        if k == 1:
            year = integer(block, at, end)
        elif k == 2:
            month = integer(block, at, end)
        elif k == 3:
            day = integer(block, at, end)
        elif k == 4:
            hour = integer(block, at, end)
        elif k == 5:
            minute = integer(block, at, end)
        elif k == 6:
            second = integer(block, at, end)
        elif k == 7:
            milli = integer(block, at, end)
        elif k >= 8 and end > at and not (end == at + 1 and block[at] == 48):
            state.wrapper_source = name_number(memory, block, at, end)
        at = min(end + 1, star)
    day_ms = clock_ms(hour, minute, second)
    if day_ms >= 0 and milli >= 0:
        state.wrapper_t = dated(year, month, day, day_ms + milli, UTC_MS)


@kernel
def full_year(year):
    """A year of two digits is 1980–2079, the era of GPS; others as they stand."""
    if year > 99:
        return year
    return year + 2000 if year < 80 else year + 1900


@kernel
def read_rmc(block, start, star, memory):
    """`$xxRMC,hhmmss.ss,A,lat,N,lon,E,sog,cog,ddmmyy,…`: the time of the own ship, while its fix is valid (A)."""
    at = end_of_field(block, start, star) + 1
    day_ms = np.int64(-1)
    for k in range(9):
        end = end_of_field(block, at, star)
        if k == 0:
            day_ms, _ = time_of_day(block, at, end)
        elif k == 1 and not (end == at + 1 and block[at] == 65):
            return
        elif k == 8 and end - at == 6:
            year = full_year(integer(block, at + 4, end))
            t_ms = dated(year, integer(block, at + 2, at + 4), integer(block, at, at + 2), day_ms, UTC_MS)
            if t_ms != NO_TIME:
                memory.state[0].own_ship_t = t_ms
        at = min(end + 1, star)


@kernel
def read_zda(block, start, star, memory):
    """`$xxZDA,hhmmss.ss,dd,mm,yyyy,…`: the time of the own ship."""
    at = end_of_field(block, start, star) + 1
    end = end_of_field(block, at, star)
    day_ms, _ = time_of_day(block, at, end)
    day_end = end_of_field(block, min(end + 1, star), star)
    month_end = end_of_field(block, min(day_end + 1, star), star)
    year_end = end_of_field(block, min(month_end + 1, star), star)
    year = full_year(integer(block, month_end + 1, year_end))
    t_ms = dated(year, integer(block, day_end + 1, month_end), integer(block, end + 1, day_end), day_ms, UTC_MS)
    if t_ms != NO_TIME:
        memory.state[0].own_ship_t = t_ms


# ------------------------------------------------------------------------------------------------ VDM and VDO


@kernel
def read_suffix(block, start, stop, memory):
    """`,field,…` after a checksum, of the US Coast Guard: (the last time in it, the station after `r` or `b`)."""
    t_ms = NO_TIME
    source = 0
    while stop > start and block[stop - 1] == SPACE:
        stop -= 1
    while start < stop:
        start += 1
        end = end_of_field(block, start, stop)
        if end > start:
            if (block[start] == 114 or block[start] == 98) and end > start + 1:
                source = name_number(memory, block, start + 1, end)
            elif end - start >= 9 and is_digit(block[start]):
                time_here = epoch_ms(block, start, end)
                if time_here != NO_TIME:
                    t_ms = time_here
        start = end
    return t_ms, source


@inlined
def frame_vdm(block, start, stop, memory, framed):
    """Check and unarmour the VDM or VDO sentence at `start`; emit its message when complete. Returns where it ends."""
    state = memory.state[0]
    state.ordinal += 1
    t_ms = state.wrapper_t
    source = state.wrapper_source
    state.wrapper_t = NO_TIME
    state.wrapper_source = 0

    check, star = end_of_checked(block, start + 1, stop)
    if star < 0:
        end = next_marker(block, start + 1, stop)
        reject(memory, framed, MISSING_CHECKSUM, state.line, state.segment, end)
        return end
    end = next_marker(block, star + 1, stop)
    if stated_checksum(block, star, stop) != check:
        reject(memory, framed, BAD_CHECKSUM, state.line, state.segment, end)
        return end
    if state.tag_bad:
        reject(memory, framed, BAD_TAG_BLOCK, state.line, state.segment, end)
        return end

    if end > star + 3 and block[star + 3] == COMMA:
        suffix_t, suffix_source = read_suffix(block, star + 3, end, memory)
        if suffix_t != NO_TIME:
            t_ms = suffix_t
        if suffix_source != 0:
            source = suffix_source
    if state.tag_t != NO_TIME:
        t_ms = state.tag_t
    elif t_ms == NO_TIME:
        t_ms = state.prefix_t
    if state.tag_source != 0:
        source = state.tag_source

    chars_start = state.n_sixbit
    reason, total, part, fill_bits, key = read_vdm(block, start, star, memory, framed)
    if reason != ACCEPTED:
        state.n_sixbit = chars_start
        reject(memory, framed, reason, state.line, state.segment, end)
        return end

    line = state.line
    raw_start = state.segment
    raw_stop = end
    if total > 1:
        number = add_part(memory, framed, block, key, part, total, source, t_ms, chars_start, raw_start, raw_stop)
        state.n_sixbit = chars_start
        if number < 0:
            return end
        slot = memory.slots[number]
        n_chars = slot.n_chars
        copy(framed.sixbit, chars_start, memory.slot_chars[number], 0, n_chars)
        state.n_sixbit = chars_start + n_chars
        raw_start, raw_stop = keep_raw(memory, framed, number, block.shape[0])
        line = slot.line
        t_ms = slot.t
        source = slot.source
        slot.used = 0

    message = framed.messages[state.n_messages]
    message.start = chars_start
    message.n_bits = (state.n_sixbit - chars_start) * 6 - fill_bits
    message.line = line
    message.raw_start = raw_start
    message.raw_stop = raw_stop
    message.source = source
    message.reason = ACCEPTED
    message.t = t_ms
    message.time_kind = TIME_OF_LINE
    if t_ms == NO_TIME:
        message.t = state.own_ship_t
        message.time_kind = TIME_NONE if state.own_ship_t == NO_TIME else TIME_OF_OWN_SHIP
    state.n_messages += 1
    return end


@inlined
def read_vdm(block, start, star, memory, framed):
    """`!xxVDM,total,part,id,channel,payload,fill`: (reason, total, part, fill bits, key); pools the payload."""
    state = memory.state[0]
    total = part = fill_bits = 0
    key = np.int64(0)
    at = start + 7
    if at + 4 > star or block[at + 1] != COMMA or block[at + 3] != COMMA:
        return MALFORMED_SENTENCE, total, part, fill_bits, key
    total = np.int64(block[at]) - 48
    part = np.int64(block[at + 2]) - 48
    if not (1 <= total <= 9 and 1 <= part <= total):
        return BAD_PART_NUMBER, total, part, fill_bits, key
    id_end = end_of_field(block, at + 4, star)
    channel_end = end_of_field(block, id_end + 1, star)
    payload = channel_end + 1
    sequence = 0 if id_end == at + 4 else integer(block, at + 4, id_end) + 1
    if payload > star or (sequence == 0 and id_end > at + 4):
        return MALFORMED_SENTENCE, total, part, fill_bits, key
    channel = np.int64(block[id_end + 1]) if channel_end > id_end + 1 else np.int64(0)

    armored = block[payload : star + 1]  # the star at the latest is no armour
    pool = framed.sixbit[state.n_sixbit : state.n_sixbit + armored.shape[0]]
    n_chars = 0
    for k in range(armored.shape[0]):
        value = SIXBIT_OF[armored[k]]
        if value == NO_ARMOR:
            n_chars = k
            break
        pool[k] = value
    payload += n_chars
    if payload == star:
        return MALFORMED_SENTENCE, total, part, fill_bits, key
    if block[payload] != COMMA:
        return BAD_ARMOR, total, part, fill_bits, key
    if n_chars == 0 and total == 1:
        return EMPTY_PAYLOAD, total, part, fill_bits, key
    if n_chars > PAYLOAD_LIMIT_CHARS:
        return PAYLOAD_TOO_LONG, total, part, fill_bits, key
    if payload + 1 < star and block[payload + 1] != COMMA:
        fill_bits = np.int64(block[payload + 1]) - 48
        one_digit = payload + 2 == star or block[payload + 2] == COMMA
        if not (one_digit and 0 <= fill_bits <= 5):
            return BAD_FILL_BITS, total, part, fill_bits, key
    state.n_sixbit += n_chars
    key = total
    key = key * 256 + sequence % 256
    key = key * 256 + channel
    key = key * 256 + np.int64(block[start + 1])
    key = key * 256 + np.int64(block[start + 2])
    key = key * 256 + np.int64(block[start + 5])
    return ACCEPTED, total, part, fill_bits, key
