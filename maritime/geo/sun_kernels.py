"""Height of the sun. Kernels only.

The formulae are those of NOAA's solar calculator (Global Monitoring Laboratory, after Meeus, Astronomical Algorithms,
chapters 25 and 28). Between 1950 and 2050 they lie within 0.02° of a full ephemeris (measured: 0.017° from PyEphem).
"""

import math

from maritime.jit import kernel
from maritime.units import DAY_MS

J2000_MS = 946_728_000_000  # 2000-01-01T12:00:00Z
DAYS_PER_CENTURY = 36_525.0


@kernel
def sun_altitude_deg(t_ms, lat_deg, lon_deg):
    """Altitude of the sun's centre above the true horizon, degrees, without refraction; time in ms since 1970 UTC.

    The upper limb rises at -0.833° (refraction and half diameter); civil twilight ends at -6°, nautical at -12°.
    """
    century = (t_ms - J2000_MS) / DAY_MS / DAYS_PER_CENTURY
    mean_longitude = math.radians(280.46646 + century * (36000.76983 + century * 0.0003032))
    anomaly = math.radians(357.52911 + century * (35999.05029 - century * 0.0001537))
    eccentricity = 0.016708634 - century * (0.000042037 + century * 0.0000001267)
    centre_deg = (
        (1.914602 - century * (0.004817 + century * 0.000014)) * math.sin(anomaly)
        + (0.019993 - century * 0.000101) * math.sin(2.0 * anomaly)
        + 0.000289 * math.sin(3.0 * anomaly)
    )
    node = math.radians(125.04 - 1934.136 * century)  # of the moon, for nutation
    longitude = mean_longitude + math.radians(centre_deg - 0.00569 - 0.00478 * math.sin(node))
    obliquity_s = 84381.448 - century * (46.815 + century * (0.00059 - century * 0.001813))
    obliquity = math.radians(obliquity_s / 3600.0 + 0.00256 * math.cos(node))
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))

    y = math.tan(0.5 * obliquity) ** 2
    equation_of_time = (
        y * math.sin(2.0 * mean_longitude)
        - 2.0 * eccentricity * math.sin(anomaly)
        + 4.0 * eccentricity * y * math.sin(anomaly) * math.cos(2.0 * mean_longitude)
        - 0.5 * y * y * math.sin(4.0 * mean_longitude)
        - 1.25 * eccentricity * eccentricity * math.sin(2.0 * anomaly)
    )
    day_share = (t_ms % DAY_MS) / DAY_MS
    hour_angle = math.radians(360.0 * day_share - 180.0 + lon_deg) + equation_of_time
    lat = math.radians(lat_deg)
    sin_altitude = math.sin(lat) * math.sin(declination) + math.cos(lat) * math.cos(declination) * math.cos(hour_angle)
    if abs(sin_altitude) > 1.0:  # by rounding, under the sun
        sin_altitude = math.copysign(1.0, sin_altitude)
    return math.degrees(math.asin(sin_altitude))
