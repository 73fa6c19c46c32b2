"""The Danish Maritime Authority's archive: `# Timestamp,Type of mobile,MMSI,Latitude,…`, 22 or 26 columns.

Times are day first and UTC; codes are words; base stations, aids to navigation and aircraft stand between the vessels.
Source: https://www.dma.dk/safety-at-sea/navigational-information/ais-data
"""

from typing import Final

from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns, TimeFormat

LAYOUT: Final = Layout(
    name="danish",
    title="Danish CSV (DMA, aisdk)",
    known_by=(frozenset({"timestamp", "typeofmobile", "mmsi", "latitude", "longitude"}),),
    mapping=ColumnMapping(
        name="danish",
        columns=Columns(t=("# Timestamp",), transceiver=("Type of mobile",)),
        time=TimeFormat(format="day_first"),
    ),
)
