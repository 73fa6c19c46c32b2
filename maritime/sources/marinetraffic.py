"""MarineTraffic's CSV and JSON exports: `MMSI,IMO,SHIP_ID,LAT,LON,SPEED,…,DSRC`, with the speed in tenths of knots.

Source: https://servicedocs.marinetraffic.com (vessel positions); DSRC is TER or SAT.
"""

from typing import Final

from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns, Units

LAYOUT: Final = Layout(
    name="marinetraffic",
    title="MarineTraffic CSV or JSON",
    known_by=(frozenset({"mmsi", "shipid", "speed", "dsrc"}),),
    mapping=ColumnMapping(name="marinetraffic", columns=Columns(receiver=("DSRC",)), units=Units(sog="tenths_kn")),
)
