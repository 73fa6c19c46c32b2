"""Units and physical constants, each with its source."""

from typing import Final

NM_M: Final = 1852.0  # international nautical mile, exact (First Extraordinary Hydrographic Conference, Monaco 1929)
KN_MS: Final = NM_M / 3600.0  # one knot in metres per second
EARTH_RADIUS_M: Final = 6_371_008.8  # mean radius R1 of the WGS 84 ellipsoid (Moritz 2000, Geodetic Reference System)

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
