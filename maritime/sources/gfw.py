"""Global Fishing Watch's pipeline messages, JSON lines: `{"type":"1","ssvid":"477301500","timestamp":…}`.

Static messages stand between the positions, and every number is a text. Source: GlobalFishingWatch/pipe-segment.
"""

from typing import Final

from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns

LAYOUT: Final = Layout(
    name="gfw",
    title="Global Fishing Watch messages",
    known_by=(frozenset({"ssvid", "timestamp", "type"}),),
    mapping=ColumnMapping(name="gfw", columns=Columns(mmsi=("ssvid",), msg_type=("type",), ship_type=("shiptype",))),
)
