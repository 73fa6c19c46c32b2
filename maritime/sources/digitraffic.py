"""Digitraffic (Fintraffic, Finland): MQTT lines of locations and metadata, and the REST service's GeoJSON and lists.

    vessels-v2/230123000/location {"time":1668075025,"sog":10.7,"navStat":0,…,"lon":20.345818,"lat":60.03802}
    {"mmsi":230123000,"timestamp":1668075026035,"name":"…","draught":68,"eta":733376,"type":70,…}

The MMSI stands in the topic, in front of the object as `mosquitto_sub -v` writes it, in a key `topic` beside `payload`,
or in `mmsi`. Locations have s, metadata ms; draught is in dm; ETA is packed. Source: https://www.digitraffic.fi/en/marine-traffic/
"""

import re
from typing import Any, Final

from maritime.sources.json_records import Json
from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns, Units

LAYOUT: Final = Layout(
    name="digitraffic",
    title="Digitraffic JSON (Finland)",
    known_by=(
        frozenset({"navstat", "posacc", "raim"}),
        frozenset({"postype", "refa", "callsign"}),
        frozenset({"postype", "referencepointa", "callsign"}),
    ),
    mapping=ColumnMapping(
        name="digitraffic",
        columns=Columns(
            t=("timestampExternal", "time", "timestamp"),
            ship_type=("shipType", "type"),
            to_bow_m=("refA", "referencePointA"),
            to_stern_m=("refB", "referencePointB"),
            to_port_m=("refC", "referencePointC"),
            to_starboard_m=("refD", "referencePointD"),
        ),
        units=Units(draught_m="dm"),
    ),
)

_TOPIC: Final = re.compile(rb"^\s*vessels(?:-v2)?/([0-9]{1,9})/[a-z]+\s*")
_STATIC_TYPE: Final = 5  # metadata are message 5's fields, and tell no position


def off_topic(line: bytes) -> tuple[bytes, Json]:
    """A line without the topic in front of it, and the MMSI that the topic names."""
    match = _TOPIC.match(line)
    return (line[match.end() :], {"mmsi": int(match.group(1))}) if match is not None else (line, {})


def unpacked(fields: Json) -> Json:
    """A record with its payload taken out, its ETA as `MM-DD HH:MM`, and the message type where it is static."""
    payload = fields.get("payload")
    if isinstance(payload, dict):
        _, extra = off_topic(str(fields.get("topic", "")).encode())
        fields = {**extra, **payload}
    eta = _eta(fields.get("eta"))
    static = {} if "lat" in fields or "lon" in fields else {"msgtype": _STATIC_TYPE}
    return {**fields, "eta": eta, **static}


def _eta(packed: Any) -> str | None:
    """ITU-R M.1371-5 table 52: month, day, hour and minute in 4, 5, 5 and 6 bits; 0 or 24:60 = not available."""
    if not isinstance(packed, int):
        return None
    month, day, hour, minute = packed >> 16 & 15, packed >> 11 & 31, packed >> 6 & 31, packed & 63
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60):
        return None
    return f"{month:02d}-{day:02d} {hour:02d}:{minute:02d}"
