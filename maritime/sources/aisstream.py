"""aisstream.io: messages of its websocket, one object each.

    {"MessageType":"PositionReport","MetaData":{"MMSI":259000420,"time_utc":"2022-12-29 18:22:32.318353 +0000 UTC",…},
     "Message":{"PositionReport":{"MessageID":1,"UserID":259000420,"Latitude":66.02,"Longitude":12.25,"Sog":0.1,…}}}

`time_utc` is when it was received; `Timestamp` is the UTC second that the vessel transmitted. Static data have their
dimensions in {A, B, C, D} and the ETA in {Month, Day, Hour, Minute}. Source: https://aisstream.io/documentation
"""

import re
from typing import Any, Final

from maritime.sources.json_records import Json
from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns

LAYOUT: Final = Layout(
    name="aisstream",
    title="aisstream.io JSON",
    known_by=(frozenset({"messagetype", "metadata", "message"}),),
    mapping=ColumnMapping(
        name="aisstream",
        columns=Columns(
            mmsi=("UserID", "MMSI"),
            t=("time_utc",),
            utc_s=("Timestamp",),
            msg_type=("MessageID",),
            ship_type=("Type", "ShipType"),
            draught_m=("MaximumStaticDraught",),
        ),
    ),
)

MESSAGE_TYPES: Final = (
    "PositionReport",
    "BaseStationReport",
    "ShipStaticData",
    "StandardSearchAndRescueAircraftReport",
    "StandardClassBPositionReport",
    "ExtendedClassBPositionReport",
    "AidsToNavigationReport",
    "StaticDataReport",
    "LongRangeAisBroadcastMessage",
)
"""Those that become rows; the others need not be asked for."""

_GO_TIME: Final = re.compile(r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))? \+0000(?: UTC)?$")


def unpacked(message: Json) -> Json:
    """A message as a flat record; one whose sender calls it invalid, or that is none, has no fields and is refused."""
    inner, metadata = message.get("Message"), message.get("MetaData")
    fields = inner.get(message.get("MessageType")) if isinstance(inner, dict) else None
    if not isinstance(fields, dict) or not isinstance(metadata, dict) or fields.get("Valid") is False:
        return {}
    flat = {name: value for name, value in fields.items() if not isinstance(value, dict)}
    for part in ("ReportA", "ReportB"):
        report = fields.get(part)
        if isinstance(report, dict) and report.get("Valid") is not False:
            flat |= {name: value for name, value in report.items() if not isinstance(value, dict)}
            fields = {**fields, **{name: value for name, value in report.items() if isinstance(value, dict)}}
    dimension = fields.get("Dimension")
    if isinstance(dimension, dict):
        flat |= {side: dimension.get(side) for side in "ABCD"}
    return {**flat, "MMSI": metadata.get("MMSI"), "time_utc": _iso(metadata.get("time_utc")), "eta": _eta(fields)}


def _iso(told: Any) -> str | None:
    """Go's way to write a time as RFC 3339, which every reader here knows."""
    if not isinstance(told, str):
        return None
    match = _GO_TIME.match(told)
    return f"{match[1]}T{match[2]}.{(match[3] or '0')[:3]}Z" if match is not None else told


def _eta(fields: Json) -> str | None:
    """ITU-R M.1371-5 table 52; month or day 0, hour 24 and minute 60 = not available."""
    eta = fields.get("Eta")
    if not isinstance(eta, dict):
        return None
    parts: list[Any] = [eta.get(part) for part in ("Month", "Day", "Hour", "Minute")]
    if not all(isinstance(part, int) for part in parts):
        return None
    month, day, hour, minute = parts
    if not (1 <= month <= 12 and 1 <= day <= 31 and 0 <= hour < 24 and 0 <= minute < 60):
        return None
    return f"{month:02d}-{day:02d} {hour:02d}:{minute:02d}"
