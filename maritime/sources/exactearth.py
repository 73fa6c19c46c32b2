"""exactEarth's CSV of about 140 quoted columns: `MMSI,Message_ID,…,Time,Millisecond,…`, times as 20210701_185151.

Source: the header of aisdb's testdata/test_data_20210701.csv; `None` stands for no value.
"""

from typing import Final

from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns

LAYOUT: Final = Layout(
    name="exactearth",
    title="exactEarth CSV",
    known_by=(frozenset({"mmsi", "messageid", "time", "millisecond"}),),
    mapping=ColumnMapping(
        name="exactearth",
        columns=Columns(t=("Time",), millisecond=("Millisecond",), msg_type=("Message_ID",)),
    ),
)
