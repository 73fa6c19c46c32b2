"""Against published values; none of them comes from the formulae under test."""

from datetime import UTC, datetime

import pytest

from maritime.geo.sun_kernels import sun_altitude_deg

RISING_DEG = -0.833  # upper limb on the horizon with mean refraction, as almanacs define sunrise and sunset


def ms(*date: int) -> int:
    return round(datetime(*date, tzinfo=UTC).timestamp() * 1000)


def test_worked_example_of_the_solar_position_algorithm() -> None:
    # Reda & Andreas, NREL/TP-560-34302 (2008), table A5.1: topocentric elevation without refraction e0 = 39.872046°.
    assert sun_altitude_deg(ms(2003, 10, 17, 19, 30, 30), 39.742476, -105.1786) == pytest.approx(39.872046, abs=0.01)


def test_meeus_declination_and_equation_of_time() -> None:
    # Meeus, Astronomical Algorithms, examples 25.a and 28.b: 1992 October 13, 0h TD (59 s before UT): declination
    # -7.78507°, equation of time +13 m 42.7 s. There it is noon at longitude 180° - 15° · 13.7118 / 60.
    overhead_lon = 180.0 - 15.0 * (13 + 42.7 / 60) / 60
    moment = ms(1992, 10, 12, 23, 59, 1)
    overhead_lon += 15.0 * 59 / 3600
    assert sun_altitude_deg(moment, -7.78507, overhead_lon) == pytest.approx(90.0, abs=0.02)
    assert sun_altitude_deg(moment, 82.21493, overhead_lon) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(
    ("moment", "declination_deg"),
    [  # seasons of 2020 as published by the U.S. Naval Observatory, to the minute
        (ms(2020, 3, 20, 3, 50), 0.0),
        (ms(2020, 6, 20, 21, 44), 23.4366),
        (ms(2020, 9, 22, 13, 31), 0.0),
        (ms(2020, 12, 21, 10, 2), -23.4366),
    ],
)
def test_seasons(moment: int, declination_deg: float) -> None:
    assert sun_altitude_deg(moment, 90.0, 0.0) == pytest.approx(declination_deg, abs=0.01)  # at the pole they are one


def test_sun_does_not_set_in_polar_summer_nor_rise_in_polar_winter() -> None:
    june = [sun_altitude_deg(ms(2020, 6, 21, hour), 69.65, 18.96) for hour in range(24)]
    december = [sun_altitude_deg(ms(2020, 12, 21, hour), 69.65, 18.96) for hour in range(24)]
    assert min(june) > 0
    assert max(december) < RISING_DEG


def test_the_antimeridian_is_no_edge() -> None:
    for hour in range(24):
        east = sun_altitude_deg(ms(2020, 1, 1, hour), -17.0, 180.0)
        assert east == pytest.approx(sun_altitude_deg(ms(2020, 1, 1, hour), -17.0, -180.0), abs=1e-9)


def test_before_1970_is_a_time_as_well() -> None:
    year_ms = round(365.2422 * 86_400_000)
    then, later = sun_altitude_deg(-year_ms, 40.0, 0.0), sun_altitude_deg(0, 40.0, 0.0)
    assert -90 <= then <= 90
    assert sun_altitude_deg(-86_400_000, 40.0, 0.0) == pytest.approx(later, abs=0.15)
