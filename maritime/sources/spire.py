"""Spire's standard CSV: `created_at,timestamp,msg_type,mmsi,latitude,…,collection_type`.

`timestamp` is the time of the message, `created_at` that of its arrival; `collection_type` (terrestrial, satellite,
dynamic) is the row's source. Column order differs between deliveries. Source: Spire Maritime's public documentation.
"""

from typing import Final

from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns

LAYOUT: Final = Layout(
    name="spire",
    title="Spire CSV",
    known_by=(
        frozenset({"mmsi", "msgtype", "timestamp", "createdat"}),
        frozenset({"mmsi", "msgtype", "timestamp", "collectiontype"}),
    ),
    mapping=ColumnMapping(
        name="spire", columns=Columns(t=("timestamp",), msg_type=("msg_type",), sog=("speed", "sog"))
    ),
)
