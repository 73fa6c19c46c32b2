"""Signal K deltas: what a boat's server knows of the vessels around it.

    {"context":"vessels.urn:mrn:imo:mmsi:230029970","updates":[{"timestamp":"2014-08-15T19:00:22.000Z","values":[
      {"path":"navigation.position","value":{"longitude":24.73,"latitude":59.72}},
      {"path":"navigation.speedOverGround","value":2.1},{"path":"navigation.courseOverGroundTrue","value":0.35}]}]}

Everything is in SI units: m/s and radians. Each update becomes one record; of a vessel whose MMSI neither the context
nor the update tells, none does. Sources: https://signalk.org/specification/1.5.0/doc/data_model.html (delta format),
https://signalk.org/specification/1.5.0/doc/vesselsBranch.html (paths and units)
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from maritime.sources.json_records import Json
from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping, Columns, Units

LAYOUT: Final = Layout(
    name="signalk",
    title="Signal K deltas",
    known_by=(frozenset({"context", "updates"}),),
    mapping=ColumnMapping(
        name="signalk",
        columns=Columns(t=("timestamp",)),
        units=Units(sog="m/s", cog="rad", heading="rad"),
    ),
)

_CONTEXT: Final = re.compile(r"(?:vessels|aircraft|sar)\.urn:mrn:imo:mmsi:([0-9]{1,9})\Z")
_NUMBERS: Final = {
    "navigation.speedOverGround": "sog",
    "navigation.courseOverGroundTrue": "cog",
    "navigation.headingTrue": "heading",
    "sensors.ais.class": "transceiver",
    "design.beam": "beam",
    "navigation.destination.commonName": "destination",
    "communication.callsignVhf": "callsign",
    "registrations.imo": "imo",
    "name": "name",
    "mmsi": "mmsi",
}
"""Path → the name under which a column is known."""

_STATES: Final = {
    "motoring": 0,
    "anchored": 1,
    "not under command": 2,
    "restricted manouverability": 3,
    "constrained by draft": 4,
    "moored": 5,
    "aground": 6,
    "fishing": 7,
    "sailing": 8,
    "hazardous material high speed": 9,
    "hazardous material wing in ground": 10,
    "towing astern": 11,
    "pushing ahead": 12,
    "ais-sart": 14,
}
"""The words of `navigation.state` as codes of ITU-R M.1371-5 table 45."""


def records_of(delta: Json) -> Iterator[Json]:
    """The records of a delta: one for each update that tells a position or who the vessel is."""
    context = _CONTEXT.match(str(delta.get("context")))
    updates = delta.get("updates")
    for update in updates if isinstance(updates, list) else []:
        values = update.get("values") if isinstance(update, dict) else None
        fields: Json = {}
        for told in values if isinstance(values, list) else []:
            if isinstance(told, dict):
                _read(str(told.get("path", "")), told.get("value"), fields)
        if context is not None:
            fields["mmsi"] = int(context[1])
        if "mmsi" in fields and len(fields) > 1:
            static = {} if "lat" in fields or "lon" in fields else {"msgtype": 5}
            yield {**fields, **static, "timestamp": update.get("timestamp")}


def is_report(delta: Json) -> bool:
    """Whether an object is a delta at all: a server's greeting is none."""
    return isinstance(delta.get("updates"), list)


def _read(path: str, value: Any, fields: Json) -> None:
    """Put what a value tells into the fields of its record."""
    if path == "" and isinstance(value, dict):  # of the vessel itself: {"name": …} and the like
        for name, inner in value.items():
            if isinstance(inner, dict):
                _read_parts(str(name), inner, fields)
            else:
                _read(str(name), inner, fields)
    elif path == "navigation.position" and isinstance(value, dict):
        fields |= {"lat": value.get("latitude"), "lon": value.get("longitude")}
    elif path == "navigation.state":
        fields["navstatus"] = _STATES.get(str(value).casefold())
    elif path == "design.length" and isinstance(value, dict):
        fields["length"] = value.get("overall")
    elif path == "design.draft" and isinstance(value, dict):
        fields["draught"] = value.get("current", value.get("maximum"))
    elif path == "design.aisShipType" and isinstance(value, dict):
        fields["shiptype"] = value.get("id")
    elif path in _NUMBERS and not isinstance(value, dict):
        fields[_NUMBERS[path]] = value


def _read_parts(path: str, parts: Json, fields: Json) -> None:
    for name, value in parts.items():
        _read(f"{path}.{name}", value, fields)
