"""The names under which formats know our fields, and the words that they write for AIS codes.

Column names are compared without case, spaces and punctuation: `# Timestamp`, `base_date_time` and `BaseDateTime` are
`timestamp`, `basedatetime` and `basedatetime`. Of several known names in one header the one named first here counts.
"""

from typing import Final

WELL_KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "mmsi": ("mmsi", "ssvid", "mmsinumber", "sourcemmsi", "userid"),
    "t": (
        *("basedatetime", "rxuxtime", "timestamp", "datetime", "datetimeutc", "timestamputc", "dateandtime"),
        *("msgtime", "timeutc", "time", "rxtime", "receivedat", "ts", "t"),
    ),
    "millisecond": ("millisecond",),
    "lat": ("lat", "latitude", "latitudedegrees", "latdeg"),
    "lon": ("lon", "longitude", "longitudedegrees", "londeg", "long", "lng"),
    "wkb": ("geometry", "geom"),
    "sog": ("sog", "speedoverground", "speed", "sogknots", "sogkn", "speedknots", "speedkn"),
    "cog": ("cog", "courseoverground", "course", "cogdegrees", "cogdeg"),
    "heading": ("heading", "trueheading", "headingdegrees", "headingdeg", "hdg"),
    "nav_status": ("navstatus", "navigationalstatus", "navigationstatus", "navstat", "status"),
    "msg_type": ("msgtype", "messageid", "messagetype", "messagenr"),
    "transceiver": ("transceiverclass", "transcieverclass", "transceiver", "typeofmobile", "aisclass"),
    "utc_s": ("utcsecond",),
    "receiver": ("tagblockstation", "stationid", "receiverid", "collectiontype"),
    "imo": ("imo", "imonumber"),
    "call_sign": ("callsign",),
    "name": ("name", "vesselname", "shipname"),
    "ship_type": ("shiptype", "vesseltype", "shipandcargotype"),
    "length_m": ("length", "shiplength", "lengthm"),
    "beam_m": ("width", "beam", "shipwidth", "beamm"),
    "draught_m": ("draught", "draft", "draughtm"),
    "to_bow_m": ("tobow", "dimensiontobow", "dimensiona", "sizea", "refa", "a"),
    "to_stern_m": ("tostern", "dimensiontostern", "dimensionb", "sizeb", "refb", "b"),
    "to_port_m": ("toport", "dimensiontoport", "dimensionc", "sizec", "refc", "c"),
    "to_starboard_m": ("tostarboard", "dimensiontostarboard", "dimensiond", "sized", "refd", "d"),
    "destination": ("destination", "dest"),
    "eta": ("eta", "etaais"),
}
"""Our field → names of its column, plain. Spelt so by the publishers named in docs/formats.md."""

NUMBER_FIELDS: Final = frozenset({"mmsi", "lat", "lon", "sog", "cog", "heading", "utc_s", "millisecond"})
STATIC_FIELDS: Final = (
    *("imo", "call_sign", "name", "ship_type", "length_m", "beam_m", "draught_m"),
    *("to_bow_m", "to_stern_m", "to_port_m", "to_starboard_m", "destination", "eta"),
)

NULL_WORDS: Final = frozenset({"", "unknown", "none", "null", "nan", "undefined", "unknown value", "n/a", "na", "-"})
"""What publishers write for "no value": nothing (NOAA), Unknown, Undefined (DMA), None (exactEarth), NaN (pandas)."""

NAV_STATUS_WORDS: Final = {
    "under way using engine": 0,
    "at anchor": 1,
    "not under command": 2,
    "restricted maneuverability": 3,
    "restricted manoeuverability": 3,
    "constrained by her draught": 4,
    "moored": 5,
    "aground": 6,
    "engaged in fishing": 7,
    "engaged in fishing activity": 7,
    "under way sailing": 8,
    "reserved for future amendment [hsc]": 9,
    "reserved for future amendment [wig]": 10,
    "power-driven vessel towing astern": 11,
    "power-driven vessel pushing ahead or towing alongside": 12,
    "reserved for future use": 13,
    "ais-sart is active": 14,
    "ais-sart": 14,
}
"""ITU-R M.1371-5 table 45 in the words of the Danish archive, plain."""

MSG_TYPE_WORDS: Final = {
    "a": 1,
    "class a": 1,
    "b": 18,
    "class b": 18,
    "base station": 4,
    "sar airborne": 9,
    "aton": 21,
    "search and rescue transponder": 1,
    "man overboard device": 1,
    "epirb": 1,
}
"""Transceiver words → the message type by which such a transmitter reports where it is (ITU-R M.1371-5 table 46;
an AIS-SART, MOB or EPIRB sends type 1)."""

SHIP_TYPE_WORDS: Final = {
    "wig": 20,
    "fishing": 30,
    "towing": 31,
    "towing long/wide": 32,
    "dredging": 33,
    "diving": 34,
    "military": 35,
    "sailing": 36,
    "pleasure": 37,
    "hsc": 40,
    "pilot": 50,
    "sar": 51,
    "tug": 52,
    "port tender": 53,
    "anti-pollution": 54,
    "law enforcement": 55,
    "spare 1": 56,
    "spare 2": 57,
    "medical": 58,
    "not party to conflict": 59,
    "passenger": 60,
    "cargo": 70,
    "tanker": 80,
    "other": 90,
}
"""ITU-R M.1371-5 table 53 in the words of the Danish archive, plain."""


def plain(name: str) -> str:
    """A column name without case, spaces and punctuation: `"# Timestamp"` → `"timestamp"`."""
    return "".join(c for c in name.casefold() if c.isalnum())
