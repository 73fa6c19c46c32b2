"""What kind of station an MMSI belongs to (ITU-R M.585-9)."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from maritime.ais.kernels import mmsi as kernel
from maritime.columns import MSG_TYPE_UNKNOWN


class MmsiClass(IntEnum):
    """The station behind an MMSI; only `SHIP` takes part in the behaviours of ships."""

    INVALID = kernel.INVALID  # none of the shapes below
    SHIP = kernel.SHIP  # MIDxxxxxx
    COAST_STATION = kernel.COAST_STATION  # 00MIDxxxx
    GROUP = kernel.GROUP  # 0MIDxxxxx, a call to several ships
    SAR_AIRCRAFT = kernel.SAR_AIRCRAFT  # 111MIDxxx
    HANDHELD = kernel.HANDHELD  # 8MIDxxxxx, VHF set with a position
    CRAFT = kernel.CRAFT  # 98MIDxxxx, a boat of a mother ship
    ATON = kernel.ATON  # 99MIDxxxx, aid to navigation
    SART = kernel.SART  # 970xxyyyy, search and rescue transmitter
    MOB = kernel.MOB  # 972xxyyyy, man overboard
    EPIRB = kernel.EPIRB  # 974xxyyyy


def classify(mmsi: NDArray[np.uint32], msg_type: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Return the `MmsiClass` code uint8[n] of each MMSI uint32[n].

    With the message types uint8[n] (0 = unknown), reports of types 4, 9 and 21 whose MMSI looks like a ship's or is
    invalid are classed by their type: a coast station, a SAR aircraft, an aid to navigation.
    """
    mmsi = np.ascontiguousarray(mmsi, dtype=np.uint32)
    if msg_type is None:
        msg_type = np.full(mmsi.shape, MSG_TYPE_UNKNOWN, dtype=np.uint8)
    codes: NDArray[np.uint8] = kernel.classify(mmsi, np.ascontiguousarray(msg_type, dtype=np.uint8))
    return codes


def class_of(mmsi: int) -> MmsiClass:
    """Return the class of one MMSI; `class_of(2_573_555)` is `MmsiClass.COAST_STATION`."""
    return MmsiClass(kernel.class_of_mmsi.py_func(mmsi))
