"""Texts of times to milliseconds, over the buffers of an Arrow binary array."""

import numpy as np

from maritime.jit import allocating_kernel, kernel

INVALID_MS = np.int64(-(2**63))  # no real time: 292 million years before 1970
YEAR_FIRST, DAY_FIRST, MONTH_FIRST = 0, 1, 2  # order of the parts of a date


@kernel
def days_since_1970(year, month, day):
    """Days from 1970-01-01 to a date of the proleptic Gregorian calendar, whole arithmetic over 400-year eras."""
    year -= month <= 2
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1  # the year begins on 1 March
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


@kernel
def is_date(year, month, day):
    """Whether the Gregorian calendar has this date, from 1 January of year 1."""
    if year < 1 or month < 1 or month > 12 or day < 1:
        return False
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return day <= 28 + leap
    return day <= 30 + (month + month // 8) % 2


@kernel
def digits(text, begin, end, limit):
    """Read at most `limit` decimal digits from `begin`; returns (value, position behind them)."""
    value = np.int64(0)
    at = begin
    while at < end and at - begin < limit and 48 <= text[at] <= 57:
        value = value * 10 + (text[at] - 48)
        at += 1
    return value, at


@kernel
def fraction_ms(text, begin, end):
    """Milliseconds of the digits behind a decimal point, cut (not rounded); returns (ms, position behind them)."""
    ms = np.int64(0)
    scale = 100
    at = begin
    while at < end and 48 <= text[at] <= 57:
        ms += (text[at] - 48) * scale
        scale //= 10
        at += 1
    return ms, at


@kernel
def epoch_ms(text, begin, end):
    """A decimal number since 1970 as ms; s, ms, µs or ns by its size, each unambiguous from 1974 to 5138."""
    value, at = digits(text, begin, end, 19)
    if at == begin or value < 0:  # nothing, or more than 64 bits hold
        return INVALID_MS
    ms = np.int64(0)
    if at < end and text[at] == 46:
        ms, at = fraction_ms(text, at + 1, end)
    if at != end:
        return INVALID_MS
    if value < 100_000_000_000:
        return value * 1000 + ms
    if value < 100_000_000_000_000:
        return value
    if value < 100_000_000_000_000_000:
        return value // 1000
    return value // 1_000_000


@kernel
def zone_offset_ms(text, begin, end):
    """What follows the time of day: nothing, Z, UTC, GMT, +hh, +hh:mm, +hhmm, and UTC after these.

    Returns (valid, whether a zone is named, offset in ms to subtract).
    """
    at = begin
    while at < end and text[at] == 32:
        at += 1
    if at == end:
        return True, False, np.int64(0)
    offset_ms = np.int64(0)
    if text[at] == 43 or text[at] == 45:
        sign = 1 if text[at] == 43 else -1
        hours, behind = digits(text, at + 1, end, 2)
        if behind != at + 3:
            return False, False, np.int64(0)
        at = behind
        if at < end and text[at] == 58:
            at += 1
        minutes, at = digits(text, at, end, 2)
        if hours > 14 or minutes > 59:
            return False, False, np.int64(0)
        offset_ms = sign * (hours * 60 + minutes) * 60_000
        while at < end and text[at] == 32:
            at += 1
    left = end - at
    if left == 1 and (text[at] | 32) == 122:  # z
        left = 0
    if left == 3:
        a, b, c = text[at] | 32, text[at + 1] | 32, text[at + 2] | 32
        if (a == 117 and b == 116 and c == 99) or (a == 103 and b == 109 and c == 116):  # utc, gmt
            left = 0
    return left == 0, True, offset_ms


@kernel
def calendar_ms(text, begin, end, order):
    """A date and a time of day as ms; returns (ms or INVALID_MS, whether the text names its zone)."""
    first, at = digits(text, begin, end, 4)
    compact = at - begin == 4 and at < end and 48 <= text[at] <= 57  # 20210701…
    if (order == YEAR_FIRST) != (at - begin == 4):
        return INVALID_MS, False
    if not compact:
        at += 1
    second, at = digits(text, at, end, 2)
    if not compact:
        at += 1
    third, at = digits(text, at, end, 2 if order == YEAR_FIRST else 4)
    if order == YEAR_FIRST:
        year, month, day = first, second, third
    elif order == DAY_FIRST:
        year, month, day = third, second, first
    else:
        year, month, day = third, first, second
    if not is_date(year, month, day):
        return INVALID_MS, False
    if at < end and not 48 <= text[at] <= 57:  # T, space, underscore, comma
        at += 1
        while at < end and text[at] == 32:
            at += 1
    hour, behind = digits(text, at, end, 2)
    if behind == at:
        return INVALID_MS, False  # a date alone is no time
    at = behind
    if at < end and text[at] == 58:
        at += 1
    minute, behind = digits(text, at, end, 2)
    if behind == at:
        return INVALID_MS, False
    at = behind
    if at < end and text[at] == 58:
        at += 1
    sec, at = digits(text, at, end, 2)
    ms = np.int64(0)
    if at < end and (text[at] == 46 or text[at] == 44 or text[at] == 58):
        ms, at = fraction_ms(text, at + 1, end)
    if hour > 23 or minute > 59 or sec > 60:  # 60 is a leap second
        return INVALID_MS, False
    valid, zoned, offset_ms = zone_offset_ms(text, at, end)
    if not valid:
        return INVALID_MS, False
    day_ms = days_since_1970(year, month, day) * 86_400_000
    return day_ms + ((hour * 60 + minute) * 60 + sec) * 1000 + ms - offset_ms, zoned


@kernel
def is_epoch(text, begin, end):
    """Whether a text is a bare number that is no compact date (8 or 14 digits that begin with 19 or 20)."""
    whole = 0
    dots = 0
    for at in range(begin, end):
        if text[at] == 46:
            dots += 1
        elif not 48 <= text[at] <= 57:
            return False
        elif dots == 0:
            whole += 1
    if dots > 1:
        return False
    century = (text[begin] - 48) * 10 + (text[begin + 1] - 48) if whole > 1 else 0
    return not ((whole == 8 or whole == 14) and (century == 19 or century == 20))


@allocating_kernel
def parse_times(offsets, text, order):
    """Texts of times to ms UTC: calendar times in the given order of date parts, or bare numbers since 1970.

    offsets int32[n+1] and text uint8[m] are the buffers of an Arrow binary array. Returns (int64[n] ms with
    INVALID_MS where a text is no time, bool[n] whether the text itself names its zone; an epoch does).
    """
    n = offsets.shape[0] - 1
    t_ms = np.empty(n, np.int64)
    zoned = np.zeros(n, np.bool_)
    for i in range(n):
        begin, end = offsets[i], offsets[i + 1]
        while begin < end and text[begin] == 32:
            begin += 1
        while end > begin and text[end - 1] == 32:
            end -= 1
        if begin == end:
            t_ms[i] = INVALID_MS
        elif is_epoch(text, begin, end):
            t_ms[i] = epoch_ms(text, begin, end)
            zoned[i] = True
        else:
            t_ms[i], zoned[i] = calendar_ms(text, begin, end, order)
    return t_ms, zoned
