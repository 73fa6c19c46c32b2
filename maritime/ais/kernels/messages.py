"""Framed messages → columns, by the tables of maritime.ais.tables."""

import numpy as np

from maritime.ais.kernels.text import UTC_MS, clock_ms, dated
from maritime.ais.layout import (
    ACCEPTED,
    CLOCK_STEP_LIMIT_MS,
    HALF_POSITION,
    NO_TIME,
    NO_TIME_KNOWN,
    POSITION_OUT_OF_RANGE,
    TIME_NONE,
    TIME_OUT_OF_RANGE,
    TRUNCATED_PAYLOAD,
    UNKNOWN_MESSAGE_TYPE,
)
from maritime.ais.tables import (
    ACTIVE,
    CALL_SIGN_CHARS,
    CHARACTER_BITS,
    DESTINATION_CHARS,
    DIMENSIONS_BITS,
    DRAUGHT_BITS,
    ETA,
    ETA_BITS,
    ETA_CHARS,
    HEADING_BITS,
    IMO_BITS,
    LEAST_BITS,
    LEAST_BITS_24_A,
    LEAST_BITS_24_B,
    MMSI_BITS,
    MMSI_START,
    NAME_CHARS,
    PART_BITS,
    PART_START,
    POSITION_TABLE,
    SECOND_BITS,
    SHIP_TYPE_BITS,
    STATIC_TABLE,
    STATION_TIME,
    STATUS_BITS,
    TEXT_START,
    TYPE_5,
    TYPE_19,
    TYPE_24_A,
    TYPE_24_B,
    TYPE_24_B_CRAFT,
)
from maritime.jit import inlined, kernel

NAV_STATUS_UNKNOWN = 15
NAV_STATUS_ACTIVE_BEACON = 14
SECOND_UNKNOWN = 255
CRAFT_FIRST = 980_000_000  # 98MIDxxxx: a boat of a mother ship (ITU-R M.585-9)
CRAFT_LAST = 989_999_999


@inlined
def unsigned(sixbit, first_char, start, n_bits):
    """The unsigned integer in the bits [start, start + n_bits) of the message at `first_char`; n_bits <= 57."""
    char = start // 6
    last = (start + n_bits - 1) // 6
    value = np.int64(0)
    for k in range(first_char + char, first_char + last + 1):
        value = (value << 6) | np.int64(sixbit[k])
    return (value >> (6 * last + 6 - start - n_bits)) & ((np.int64(1) << n_bits) - 1)


@inlined
def signed(sixbit, first_char, start, n_bits):
    """The same in two's complement."""
    value = unsigned(sixbit, first_char, start, n_bits)
    return value - (np.int64(1) << n_bits) if value >> (n_bits - 1) else value


@inlined
def has(message, start, n_bits):
    """Whether the message has a field and is long enough to hold all of it."""
    return start >= 0 and start + n_bits <= message.n_bits


@kernel
def decode(messages, sixbit, clock, counts, positions, statics, clocks):
    """Decode messages into the columns and set `reason` of those refused.

    messages MESSAGE[n], sixbit uint8 pool, clock CLOCK[1], counts int64[28] by type (added to); every column at least n
    long, texts n times their characters.
    """
    state = clock[0]
    state.n_positions = 0
    state.n_statics = 0
    state.n_clocks = 0
    call_sign_end = name_end = destination_end = eta_end = np.int64(0)
    for m in range(messages.shape[0]):
        message = messages[m]
        first = message.start
        if message.n_bits < 6:
            message.reason = TRUNCATED_PAYLOAD
            continue
        msg_type = np.int64(sixbit[first])
        if not 1 <= msg_type <= 27:
            message.reason = UNKNOWN_MESSAGE_TYPE
            continue
        if message.n_bits < LEAST_BITS[msg_type]:
            message.reason = TRUNCATED_PAYLOAD
            continue
        counts[msg_type] += 1
        mmsi = unsigned(sixbit, first, MMSI_START, MMSI_BITS)

        if msg_type == 4 or msg_type == 11:
            reported_t = station_time(sixbit, first)
            if reported_t != NO_TIME:
                if message.time_kind == TIME_NONE:
                    if state.oldest_t <= reported_t <= state.newest_t:
                        believe(state, reported_t)
                elif state.oldest_t <= message.t <= state.newest_t:
                    row = state.n_clocks
                    clocks.source[row] = message.source
                    clocks.t[row] = message.t
                    clocks.reported[row] = reported_t
                    state.n_clocks += 1
        if message.time_kind == TIME_NONE:
            message.t = state.start_t if state.base_t == NO_TIME else state.base_t

        has_position = POSITION_TABLE[msg_type, 4] != 0
        if not has_position and msg_type != 5 and msg_type != 14 and msg_type != 24:
            continue
        if message.t == NO_TIME:
            message.reason = NO_TIME_KNOWN
            continue
        if not state.oldest_t <= message.t <= state.newest_t:
            message.reason = TIME_OUT_OF_RANGE
            continue

        if has_position:
            reason = decode_position(message, sixbit, msg_type, state.n_positions, positions)
            if reason != ACCEPTED:
                message.reason = reason
                continue
        elif msg_type == 14:
            no_position(state.n_positions, positions)
            if says_active(message, sixbit):
                positions.nav_status[state.n_positions] = NAV_STATUS_ACTIVE_BEACON
        if has_position or msg_type == 14:
            row = state.n_positions
            positions.mmsi[row] = mmsi
            positions.t[row] = message.t
            positions.msg_type[row] = msg_type
            positions.source[row] = message.source
            positions.line[row] = message.line
            state.n_positions += 1

        kind = -1
        if msg_type == 5:
            kind = TYPE_5
        elif msg_type == 19:
            kind = TYPE_19
        elif msg_type == 24:
            part = unsigned(sixbit, first, PART_START, PART_BITS)
            if part == 0 and message.n_bits >= LEAST_BITS_24_A:
                kind = TYPE_24_A
            elif part == 1 and message.n_bits >= LEAST_BITS_24_B:
                kind = TYPE_24_B_CRAFT if CRAFT_FIRST <= mmsi <= CRAFT_LAST else TYPE_24_B
            else:
                message.reason = TRUNCATED_PAYLOAD if part <= 1 else UNKNOWN_MESSAGE_TYPE
        if kind < 0:
            continue
        row = state.n_statics
        statics.mmsi[row] = mmsi
        statics.t[row] = message.t
        decode_numbers(message, sixbit, kind, row, statics)
        call_sign_end = put_text(
            message, sixbit, STATIC_TABLE[kind, 1], CALL_SIGN_CHARS, statics.call_sign, call_sign_end
        )
        name_end = put_text(message, sixbit, STATIC_TABLE[kind, 2], NAME_CHARS, statics.name, name_end)
        destination_end = put_text(
            message, sixbit, STATIC_TABLE[kind, 7], DESTINATION_CHARS, statics.destination, destination_end
        )
        eta_end = put_eta(message, sixbit, STATIC_TABLE[kind, 5], statics.eta, eta_end)
        statics.call_sign_offsets[row + 1] = call_sign_end
        statics.name_offsets[row + 1] = name_end
        statics.destination_offsets[row + 1] = destination_end
        statics.eta_offsets[row + 1] = eta_end
        state.n_statics += 1


@kernel
def station_time(sixbit, first):
    """The full UTC time of a message of type 4 or 11; NO_TIME where it is not available."""
    fields = STATION_TIME
    year = unsigned(sixbit, first, fields[0, 0], fields[0, 1])
    month = unsigned(sixbit, first, fields[1, 0], fields[1, 1])
    day = unsigned(sixbit, first, fields[2, 0], fields[2, 1])
    hour = unsigned(sixbit, first, fields[3, 0], fields[3, 1])
    minute = unsigned(sixbit, first, fields[4, 0], fields[4, 1])
    second = unsigned(sixbit, first, fields[5, 0], fields[5, 1])
    return dated(year, month, day, clock_ms(hour, minute, second) if second < 60 else np.int64(-1), UTC_MS)


@kernel
def believe(state, reported_t):
    """Take a base station's time as the time of the log, unless it is far off and the first to be so."""
    if state.base_t == NO_TIME or abs(reported_t - state.base_t) <= CLOCK_STEP_LIMIT_MS:
        state.base_t = max(state.base_t, reported_t)
        state.doubted_t = NO_TIME
    elif state.doubted_t != NO_TIME and abs(reported_t - state.doubted_t) <= CLOCK_STEP_LIMIT_MS:
        state.base_t = reported_t
        state.doubted_t = NO_TIME
    else:
        state.doubted_t = reported_t


@inlined
def no_position(row, positions):
    """A row of which nothing is known yet."""
    positions.lat[row] = np.nan
    positions.lon[row] = np.nan
    positions.sog[row] = np.nan
    positions.cog[row] = np.nan
    positions.heading[row] = np.nan
    positions.nav_status[row] = NAV_STATUS_UNKNOWN
    positions.utc_s[row] = SECOND_UNKNOWN


@inlined
def decode_position(message, sixbit, msg_type, row, positions):
    """Position, speed, course, heading, status and second into a row; ACCEPTED or the reason to refuse the message."""
    first = message.start
    (
        status,
        sog,
        sog_bits,
        sog_per_kn,
        lon,
        lon_bits,
        lat,
        lat_bits,
        units,
        cog,
        cog_bits,
        cog_per_deg,
        heading,
        second,
    ) = POSITION_TABLE[msg_type]
    lon_units = signed(sixbit, first, lon, lon_bits)
    lat_units = signed(sixbit, first, lat, lat_bits)
    no_position(row, positions)
    lon_unknown = lon_units == 181 * units
    lat_unknown = lat_units == 91 * units
    if lon_unknown != lat_unknown:
        return HALF_POSITION
    if not lon_unknown:
        if abs(lon_units) > 180 * units or abs(lat_units) > 90 * units:
            return POSITION_OUT_OF_RANGE
        positions.lon[row] = lon_units / units
        positions.lat[row] = lat_units / units
    if has(message, sog, sog_bits):
        value = unsigned(sixbit, first, sog, sog_bits)
        if value != (1 << sog_bits) - 1:
            positions.sog[row] = value / sog_per_kn
    if has(message, cog, cog_bits):
        value = unsigned(sixbit, first, cog, cog_bits)
        if value < 360 * cog_per_deg:
            positions.cog[row] = value / cog_per_deg
    if has(message, heading, HEADING_BITS):
        value = unsigned(sixbit, first, heading, HEADING_BITS)
        if value < 360:
            positions.heading[row] = value
    if has(message, status, STATUS_BITS):
        positions.nav_status[row] = unsigned(sixbit, first, status, STATUS_BITS)
    if has(message, second, SECOND_BITS):
        positions.utc_s[row] = unsigned(sixbit, first, second, SECOND_BITS)
    return ACCEPTED


@kernel
def says_active(message, sixbit):
    """Whether the text of a safety broadcast has the word ACTIVE (IEC 61097-14: SART, MOB or EPIRB ACTIVE)."""
    n_chars = (message.n_bits - TEXT_START) // CHARACTER_BITS
    run = 0
    before = np.int64(0)
    for k in range(n_chars):
        char = unsigned(sixbit, message.start, TEXT_START + k * CHARACTER_BITS, CHARACTER_BITS)
        if run > 0 and char == ACTIVE[run]:
            run += 1
        else:
            run = 1 if char == ACTIVE[0] and not 1 <= before <= 26 else 0
        if run == ACTIVE.shape[0]:
            return True
        before = char
    return False


@kernel
def decode_numbers(message, sixbit, kind, row, statics):
    """IMO number, ship type, dimensions and draught into a static row."""
    first = message.start
    imo = STATIC_TABLE[kind, 0]
    ship_type = STATIC_TABLE[kind, 3]
    dimensions = STATIC_TABLE[kind, 4]
    draught = STATIC_TABLE[kind, 6]
    statics.imo[row] = unsigned(sixbit, first, imo, IMO_BITS) if has(message, imo, IMO_BITS) else 0
    statics.ship_type[row] = (
        unsigned(sixbit, first, ship_type, SHIP_TYPE_BITS) if has(message, ship_type, SHIP_TYPE_BITS) else 0
    )
    statics.length_m[row] = np.nan
    statics.beam_m[row] = np.nan
    statics.draught_m[row] = np.nan
    if has(message, dimensions, DIMENSIONS_BITS):
        packed = unsigned(sixbit, first, dimensions, DIMENSIONS_BITS)
        bow_m, stern_m, port_m, starboard_m = packed >> 21, packed >> 12 & 511, packed >> 6 & 63, packed & 63
        if bow_m + stern_m > 0:
            statics.length_m[row] = bow_m + stern_m
        if port_m + starboard_m > 0:
            statics.beam_m[row] = port_m + starboard_m
    if has(message, draught, DRAUGHT_BITS):
        tenths = unsigned(sixbit, first, draught, DRAUGHT_BITS)
        if tenths > 0:
            statics.draught_m[row] = tenths / 10


@kernel
def put_text(message, sixbit, start, n_chars, pool, end):
    """Append a text field to a pool, without the `@` that fill it up and the spaces around it; returns the new end."""
    if start < 0:
        return end
    n_chars = min(n_chars, (message.n_bits - start) // CHARACTER_BITS)
    first = message.start + start // CHARACTER_BITS
    shift = start % CHARACTER_BITS  # each character lies in two of the message's, or in one and then adds nothing
    last = end
    n_padding = 0
    for k in range(n_chars):
        pair = (np.int64(sixbit[first + k]) << 6) | np.int64(sixbit[first + k + 1])
        char = (pair >> (6 - shift)) & 63
        pool[last] = char + 64 if char < 32 else char
        last += 1
        n_padding = n_padding + 1 if char == 0 else 0
    last -= n_padding
    while last > end and pool[last - 1] == 32:
        last -= 1
    n_leading = 0
    while end + n_leading < last and pool[end + n_leading] == 32:
        n_leading += 1
    for k in range(end, last - n_leading):
        pool[k] = pool[k + n_leading]
    return last - n_leading


@kernel
def put_eta(message, sixbit, start, pool, end):
    """Append `MM-DD HH:MM` as transmitted, or nothing where month or day is 0 (not available); returns the new end."""
    if not has(message, start, ETA_BITS):
        return end
    separators = b"- :"
    for k in range(4):
        value = unsigned(sixbit, message.start, start + ETA[k, 0], ETA[k, 1])
        if k < 2 and value == 0:
            return end
        pool[end + 3 * k] = 48 + value // 10
        pool[end + 3 * k + 1] = 48 + value % 10
        if k < 3:
            pool[end + 3 * k + 2] = separators[k]
    return end + ETA_CHARS
