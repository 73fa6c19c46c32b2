"""MMSI → class code (ITU-R M.585-9, annexes 1 and 2)."""

import numpy as np

from maritime.jit import allocating_kernel, kernel

INVALID = 0
SHIP = 1
COAST_STATION = 2
GROUP = 3
SAR_AIRCRAFT = 4
HANDHELD = 5
CRAFT = 6
ATON = 7
SART = 8
MOB = 9
EPIRB = 10


@kernel
def is_mid(digits):
    """Whether three digits can be a maritime identification digits code: the first is 2 to 7 (M.585-9, annex 1)."""
    return 200 <= digits <= 799


@kernel
def class_of_mmsi(mmsi):
    """Class code of one MMSI by its digits alone."""
    if is_mid(mmsi // 1_000_000):
        return SHIP
    if mmsi < 10_000_000:  # 00MIDxxxx
        return COAST_STATION if is_mid(mmsi // 10_000) else INVALID
    if mmsi < 100_000_000:  # 0MIDxxxxx
        return GROUP if is_mid(mmsi // 100_000) else INVALID
    if mmsi // 1_000_000 == 111:  # 111MIDxxx
        return SAR_AIRCRAFT if is_mid(mmsi // 1_000 % 1_000) else INVALID
    if mmsi // 100_000_000 == 8 and is_mid(mmsi // 100_000 % 1_000):  # 8MIDxxxxx
        return HANDHELD
    if mmsi // 10_000_000 == 98 and is_mid(mmsi // 10_000 % 1_000):  # 98MIDxxxx
        return CRAFT
    if mmsi // 10_000_000 == 99 and is_mid(mmsi // 10_000 % 1_000):  # 99MIDxxxx
        return ATON
    if mmsi // 1_000_000 == 970:
        return SART
    if mmsi // 1_000_000 == 972:
        return MOB
    if mmsi // 1_000_000 == 974:
        return EPIRB
    return INVALID


@kernel
def class_of_report(mmsi, msg_type):
    """Class code of one report: message types 4, 9 and 21 tell the station where the digits say ship or nothing."""
    code = class_of_mmsi(mmsi)
    if code > SHIP:
        return code
    if msg_type == 4:
        return COAST_STATION
    if msg_type == 9:
        return SAR_AIRCRAFT
    if msg_type == 21:
        return ATON
    return code


@allocating_kernel
def classify(mmsi, msg_type):
    """Class codes uint8[n] of the reports with MMSI uint32[n] and message type uint8[n] (0 = unknown)."""
    codes = np.empty(mmsi.shape[0], dtype=np.uint8)
    for i in range(mmsi.shape[0]):
        codes[i] = class_of_report(np.int64(mmsi[i]), msg_type[i])
    return codes
