"""Numbers and times out of bytes. A half-open range `block[start:stop]` in, NO_TIME or -1 where it holds none."""

import numpy as np

from maritime.ais.layout import LATEST_MS, NO_TIME
from maritime.jit import inlined, kernel
from maritime.units import DAY_MS, MINUTE_MS, SECOND_MS


@inlined
def is_digit(byte):
    """Whether a byte is one of 0–9."""
    return 48 <= byte <= 57


@kernel
def integer(block, start, stop):
    """The non-negative integer that fills the range, at most 18 digits; -1 where anything else stands in it."""
    if stop <= start or stop - start > 18:
        return np.int64(-1)
    value = np.int64(0)
    for i in range(start, stop):
        if not is_digit(block[i]):
            return np.int64(-1)
        value = value * 10 + block[i] - 48
    return value


@kernel
def end_of_digits(block, start, stop):
    """Where the run of digits that begins at `start` ends."""
    while start < stop and is_digit(block[start]):
        start += 1
    return start


@inlined
def hexadecimal(byte):
    """The value of a hexadecimal digit, either case; -1 for another byte."""
    if 48 <= byte <= 57:
        return byte - 48
    if 65 <= byte <= 70:
        return byte - 55
    if 97 <= byte <= 102:
        return byte - 87
    return -1


@kernel
def millis(block, start, stop):
    """Milliseconds of the decimal fraction whose digits fill the range; later digits are cut off."""
    value = 0
    for k in range(3):
        value = value * 10
        if start + k < stop:
            value += block[start + k] - 48
    return value


@inlined
def within_era(t_ms):
    """The time itself, or NO_TIME outside 1970–2099."""
    return t_ms if 0 < t_ms < LATEST_MS else NO_TIME


@kernel
def leap_days(year):
    """Leap days of the Gregorian calendar up to the end of a year."""
    return year // 4 - year // 100 + year // 400


LEAP_DAYS_BEFORE_1970 = 477
UTC_MS = np.int64(0)  # the offset of UTC from itself


@kernel
def days_before(year, month):
    """Days from 1970-01-01 to the first of a month (1–13) of a year."""
    days = 365 * (year - 1970) + leap_days(year - 1) - LEAP_DAYS_BEFORE_1970
    for m in range(1, month):
        if m == 2:
            days += 28 + leap_days(year) - leap_days(year - 1)
        else:
            days += 30 + (m + m // 8) % 2
    return days


@kernel
def dated(year, month, day, day_ms, offset_ms):
    """A date and the milliseconds of its day (-1: none), `offset_ms` ahead of UTC, as a time; NO_TIME where none."""
    if not (day_ms >= 0 and 1969 <= year <= 2100 and 1 <= month <= 12 and day >= 1):
        return NO_TIME
    first = days_before(year, month)
    if first + day > days_before(year, month + 1):
        return NO_TIME
    return within_era((first + day - 1) * DAY_MS + day_ms - offset_ms)


@kernel
def clock_ms(hour, minute, second):
    """Milliseconds of the day, a leap second included; -1 where the three are no time of day."""
    if not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 60):
        return np.int64(-1)
    return ((hour * 60 + minute) * 60 + second) * SECOND_MS


@inlined
def epoch_ms(block, start, stop):
    """Seconds (with or without a fraction), ms, µs or ns since 1970 that fill the range, told apart by their digits."""
    whole = 0
    at = start
    while at < stop and is_digit(block[at]):
        whole = whole * 10 + block[at] - 48
        at += 1
    n_digits = at - start
    if n_digits == 0 or n_digits > 19:
        return NO_TIME
    if n_digits <= 11:
        if at == stop:
            return within_era(whole * 1000)
        if block[at] != 46 or end_of_digits(block, at + 1, stop) != stop:
            return NO_TIME
        return within_era(whole * 1000 + millis(block, at + 1, stop))
    if at != stop:
        return NO_TIME
    return within_era(whole if n_digits <= 13 else whole // 1000 if n_digits <= 16 else whole // 1_000_000)


@kernel
def time_of_day(block, start, stop):
    """`hh:mm:ss` or `hhmmss`, fraction after `.`, `,` or `:`; returns (ms of the day or -1, where it ends)."""
    first = end_of_digits(block, start, stop)
    if first - start == 6:
        hour = integer(block, start, start + 2)
        minute = integer(block, start + 2, start + 4)
        second = integer(block, start + 4, first)
        end = first
    else:
        if first >= stop or block[first] != 58:
            return -1, first
        second_colon = end_of_digits(block, first + 1, stop)
        if second_colon >= stop or block[second_colon] != 58:
            return -1, second_colon
        end = end_of_digits(block, second_colon + 1, stop)
        hour = integer(block, start, first)
        minute = integer(block, first + 1, second_colon)
        second = integer(block, second_colon + 1, end)
    day_ms = clock_ms(hour, minute, second)
    if end < stop and (block[end] == 46 or block[end] == 44 or block[end] == 58):
        fraction = end + 1
        fraction_end = end_of_digits(block, fraction, stop)
        if fraction_end > fraction:
            day_ms += millis(block, fraction, fraction_end) if day_ms >= 0 else 0
            end = fraction_end
    return day_ms, end


@kernel
def zone_ms(block, start, stop):
    """Offset of `+hh:mm`, `-hhmm` or `+hh` at `start`; 0 for `Z` or nothing."""
    if start >= stop or not (block[start] == 43 or block[start] == 45):
        return 0
    end = end_of_digits(block, start + 1, stop)
    hours = integer(block, start + 1, min(start + 3, end))
    minutes = integer(block, start + 3, end) if end - start == 5 else 0
    if end - start == 3 and end < stop and block[end] == 58:
        minutes = integer(block, end + 1, end_of_digits(block, end + 1, stop))
    if not (0 <= hours <= 14 and 0 <= minutes <= 59):
        return 0
    offset = (hours * 60 + minutes) * MINUTE_MS
    return offset if block[start] == 43 else -offset


@kernel
def prefix_ms(block, start, stop):
    """The time at the beginning of what a logger wrote before a sentence; NO_TIME where none stands there.

    `2023-01-01T00:00:00.5Z`, `2023-01-01 00:00:00+01:00`, `20230101T000000`, `20230101000000`, day first as in
    `10/07/19 17:36:42:075`, and the epochs of `epoch_ms`; bare, or after any of `[ ( " '` and spaces.
    """
    while start < stop and block[start] in (32, 9, 34, 39, 40, 91):
        start += 1
    first = end_of_digits(block, start, stop)
    n_digits = first - start
    if n_digits == 14:
        day_ms, _ = time_of_day(block, start + 8, first)
        return dated(
            integer(block, start, start + 4),
            integer(block, start + 4, start + 6),
            integer(block, start + 6, start + 8),
            day_ms,
            UTC_MS,
        )
    if n_digits >= 9:
        if first < stop and block[first] == 46:
            first = end_of_digits(block, first + 1, stop)
        return epoch_ms(block, start, first)
    if n_digits == 8:
        year = integer(block, start, start + 4)
        month = integer(block, start + 4, start + 6)
        day = integer(block, start + 6, first)
        day_end = first
    else:
        if not (n_digits == 4 or n_digits == 1 or n_digits == 2) or first >= stop or block[first] not in (45, 46, 47):
            return NO_TIME
        month_end = end_of_digits(block, first + 1, stop)
        if month_end >= stop or block[month_end] != block[first]:
            return NO_TIME
        day_end = end_of_digits(block, month_end + 1, stop)
        year = integer(block, start, first)
        month = integer(block, first + 1, month_end)
        day = integer(block, month_end + 1, day_end)
        if n_digits != 4:  # day first
            year, day = day, year
            if day_end - month_end == 3:
                year += 2000
    if day_end >= stop or block[day_end] not in (32, 84, 95, 116):  # space, T, _, t
        return NO_TIME
    day_ms, end = time_of_day(block, day_end + 1, stop)
    return dated(year, month, day, day_ms, zone_ms(block, end, stop))
