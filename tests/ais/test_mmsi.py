"""MMSI classes and flags."""

import numpy as np
import pytest
from pyais.constants import COUNTRY_MAPPING

from maritime.ais.flags import COUNTRY_NAMES, FLAG_OF_MID, country_of, flag_of, mid_of
from maritime.ais.mmsi import MmsiClass, class_of, classify
from tests import naive_ais


@pytest.mark.parametrize(
    ("mmsi", "expected"),
    [
        (257_000_000, MmsiClass.SHIP),
        (2_573_555, MmsiClass.COAST_STATION),
        (25_735_550, MmsiClass.GROUP),
        (111_219_501, MmsiClass.SAR_AIRCRAFT),
        (825_712_345, MmsiClass.HANDHELD),
        (982_570_123, MmsiClass.CRAFT),
        (992_191_000, MmsiClass.ATON),
        (970_010_119, MmsiClass.SART),
        (972_110_119, MmsiClass.MOB),
        (974_110_119, MmsiClass.EPIRB),
        (0, MmsiClass.INVALID),
        (123_456_789, MmsiClass.INVALID),
        (999_999_999, MmsiClass.INVALID),
        (1_073_741_823, MmsiClass.INVALID),
    ],
)
def test_class_by_digits(mmsi: int, expected: MmsiClass) -> None:
    assert class_of(mmsi) is expected
    assert classify(np.array([mmsi], dtype=np.uint32))[0] == expected


def test_kernel_equals_its_slow_twin() -> None:
    rng = np.random.default_rng(585)
    mmsi = np.concatenate(
        [
            rng.integers(0, 1 << 30, 20_000),
            rng.integers(0, 10_000_000, 5_000),
            rng.integers(960_000_000, 1 << 30, 5_000),
        ]
    ).astype(np.uint32)
    msg_type = rng.integers(0, 28, mmsi.size).astype(np.uint8)
    expected = [naive_ais.mmsi_class(int(m), int(k)) for m, k in zip(mmsi, msg_type, strict=True)]
    assert [MmsiClass(code).name.lower() for code in classify(mmsi, msg_type)] == expected


def test_message_type_tells_the_station_where_digits_do_not() -> None:
    mmsi = np.array([366_000_001, 366_000_002, 1, 366_000_003, 992_191_000], dtype=np.uint32)
    codes = classify(mmsi, np.array([4, 21, 9, 11, 1], dtype=np.uint8))
    assert [MmsiClass(c) for c in codes] == [
        MmsiClass.COAST_STATION,
        MmsiClass.ATON,
        MmsiClass.SAR_AIRCRAFT,
        MmsiClass.SHIP,
        MmsiClass.ATON,
    ]


def test_flags_read_the_mid_where_it_stands() -> None:
    for mmsi in (257_000_000, 2_573_555, 25_735_550, 111_257_501, 825_712_345, 982_570_123, 992_571_000):
        assert mid_of(mmsi) == 257
        assert flag_of(mmsi) == "NO"
        assert country_of(mmsi) == "Norway"


def test_namibia_is_a_flag_and_unknown_is_none() -> None:
    assert flag_of(659_000_001) == "NA"
    for mmsi in (0, 970_010_119, 299_000_000, 123_456_789):
        assert flag_of(mmsi) is None
        assert country_of(mmsi) is None


def test_the_table_agrees_with_pyais_but_for_its_known_errors() -> None:
    territories_and_missing = {501, 608, 618, 635, 740, 550, 638}  # filed under another ISO code, or not in pyais
    ours = {mid: flag for mid, flag in FLAG_OF_MID.items() if mid not in territories_and_missing}
    theirs = {mid: flag for mid, (flag, _) in COUNTRY_MAPPING.items() if mid not in territories_and_missing}
    assert ours == theirs
    assert set(FLAG_OF_MID.values()) == set(COUNTRY_NAMES)
