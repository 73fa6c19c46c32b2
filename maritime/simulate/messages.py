"""The AIS messages that a scenario transmits, each as its table of fields (ITU-R M.1371-5 annex 8 § 3)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maritime.simulate.armour import Column, Field, Payload, encode

F = Field
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WITHHELD_LAT_DEG: Final = 91.0  # M.1371-5 table 48: 91 = not available
WITHHELD_LON_DEG: Final = 181.0
SPEED_UNKNOWN: Final = 1023  # 0.1 kn
COURSE_UNKNOWN: Final = 3600  # 0.1°
HEADING_UNKNOWN: Final = 511
GPS: Final = 1  # type of position-fixing device

HEAD: Final = (F("type", 6), F("repeat", 2), F("mmsi", 30))
PLACE: Final = (F("accuracy", 1), F("lon", 28), F("lat", 27))
SIZE: Final = (F("bow", 9), F("stern", 9), F("port", 6), F("starboard", 6))

CLASS_A_POSITION: Final = (  # types 1, 2, 3: table 48
    *HEAD, F("status", 4), F("turn", 8), F("speed", 10), *PLACE, F("course", 12), F("heading", 9), F("second", 6),
    F("manoeuvre", 2), F("spare", 3), F("raim", 1), F("radio", 19),
)  # fmt: skip
CLASS_B_POSITION: Final = (  # type 18: table 67
    *HEAD, F("reserved", 8), F("speed", 10), *PLACE, F("course", 12), F("heading", 9), F("second", 6), F("spare", 2),
    F("carrier_sense", 1), F("display", 1), F("dsc", 1), F("band", 1), F("msg22", 1), F("assigned", 1), F("raim", 1),
    F("radio", 20),
)  # fmt: skip
LONG_RANGE_POSITION: Final = (  # type 27: table 79
    *HEAD, F("accuracy", 1), F("raim", 1), F("status", 4), F("lon", 18), F("lat", 17), F("speed", 6), F("course", 9),
    F("old_fix", 1), F("spare", 1),
)  # fmt: skip
BASE_STATION: Final = (  # type 4: table 51
    *HEAD, F("year", 14), F("month", 4), F("day", 5), F("hour", 5), F("minute", 6), F("second", 6), *PLACE,
    F("fix", 4), F("long_range", 1), F("spare", 9), F("raim", 1), F("radio", 19),
)  # fmt: skip
CLASS_A_STATIC: Final = (  # type 5: table 52
    *HEAD, F("version", 2), F("imo", 30), F("call_sign", 42), F("name", 120), F("ship_type", 8), *SIZE, F("fix", 4),
    F("month", 4), F("day", 5), F("hour", 5), F("minute", 6), F("draught", 8), F("destination", 120), F("dte", 1),
    F("spare", 1),
)  # fmt: skip
SAFETY_TEXT_HEAD: Final = (*HEAD, F("spare", 2))  # type 14: table 62
AID_TO_NAVIGATION: Final = (  # type 21: table 71
    *HEAD, F("aid_type", 5), F("name", 120), *PLACE, *SIZE, F("fix", 4), F("second", 6), F("off_position", 1),
    F("aid_status", 8), F("raim", 1), F("virtual", 1), F("assigned", 1), F("spare", 1),
)  # fmt: skip
CLASS_B_NAME: Final = (*HEAD, F("part", 2), F("name", 120))  # type 24 part A: table 75
CLASS_B_STATIC: Final = (  # type 24 part B: table 75
    *HEAD, F("part", 2), F("ship_type", 8), F("vendor", 42), F("call_sign", 42), *SIZE, F("fix", 4), F("spare", 2),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a transmitter says it is."""

    mmsi: int
    name: str = ""
    call_sign: str = ""
    imo: int = 0
    ship_type: int = 0
    length_m: float = 0.0
    beam_m: float = 0.0
    draught_m: float = 0.0
    destination: str = ""

    def size(self) -> dict[str, Column]:
        """The four distances from the antenna, which stands three quarters aft and amidships."""
        bow, port = round(0.75 * self.length_m), round(self.beam_m / 2)
        return {
            "bow": min(bow, 511),
            "stern": min(round(self.length_m) - bow, 511),
            "port": min(port, 63),
            "starboard": min(round(self.beam_m) - port, 63),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What n position reports of one vessel say; arrays of n. NaN = unknown."""

    t_ms: Ints
    lat_deg: Floats
    lon_deg: Floats
    speed_kn: Floats
    course_deg: Floats
    heading_deg: Floats
    turn_deg_min: Floats
    nav_status: Ints
    msg_type: Ints = field(default_factory=lambda: np.ones(1, np.int64))  # 1 or 3, for class A


def class_a_positions(mmsi: int | Ints, report: Report) -> Payload:
    """Types 1 to 3: one payload for each report, of one vessel or of n."""
    columns: dict[str, Column] = _motion(report) | {
        "type": report.msg_type,
        "mmsi": mmsi,
        "status": report.nav_status,
        "turn": _rate_of_turn(report.turn_deg_min),
    }
    return encode(CLASS_A_POSITION, columns, report.t_ms.size)


def class_b_positions(mmsi: int, report: Report) -> Payload:
    """Type 18, of a carrier-sense unit."""
    columns: dict[str, Column] = _motion(report) | {
        "type": 18,
        "mmsi": mmsi,
        "carrier_sense": 1,
        "dsc": 1,
        "band": 1,
        "msg22": 1,
    }
    return encode(CLASS_B_POSITION, columns, report.t_ms.size)


def long_range_positions(mmsi: int, report: Report) -> Payload:
    """Type 27, whose positions are rounded to a tenth of a minute."""
    columns: dict[str, Column] = {
        "type": 27,
        "repeat": 3,
        "mmsi": mmsi,
        "accuracy": 1,
        "status": report.nav_status,
        "lon": _angle(report.lon_deg, WITHHELD_LON_DEG, 600),
        "lat": _angle(report.lat_deg, WITHHELD_LAT_DEG, 600),
        "speed": _scaled(report.speed_kn, 1, 62, 63),
        "course": _cyclic(report.course_deg, 1, 511),
    }
    return encode(LONG_RANGE_POSITION, columns, report.t_ms.size)


def base_stations(mmsi: int, t_ms: Ints, lat_deg: float, lon_deg: float) -> Payload:
    """Type 4: the UTC time and the place of a base station."""
    moments = [datetime.fromtimestamp(t / 1000, UTC) for t in t_ms.tolist()]
    parts = ("year", "month", "day", "hour", "minute", "second")
    columns: dict[str, Column] = {
        part: np.array([getattr(moment, part) for moment in moments], np.int64) for part in parts
    }
    fixed: dict[str, Column] = {"type": 4, "mmsi": mmsi, "fix": GPS} | _place(lat_deg, lon_deg)
    return encode(BASE_STATION, columns | fixed, t_ms.size)


def aids_to_navigation(mmsi: int, name: str, aid_type: int, t_ms: Ints, lat_deg: float, lon_deg: float) -> Payload:
    """Type 21: the place of a buoy or light."""
    columns: dict[str, Column] = {
        "type": 21,
        "mmsi": mmsi,
        "name": name,
        "aid_type": aid_type,
        "fix": GPS,
        "second": _utc_second(t_ms),
    }
    return encode(AID_TO_NAVIGATION, columns | _place(lat_deg, lon_deg), t_ms.size)


def class_a_statics(identity: Identity, n: int) -> Payload:
    """Type 5, of 424 bits: the only message here that takes two sentences."""
    columns: dict[str, Column] = {
        "type": 5,
        "mmsi": identity.mmsi,
        "version": 2,
        "imo": identity.imo,
        "call_sign": identity.call_sign,
        "name": identity.name,
        "ship_type": identity.ship_type,
        "fix": GPS,
        "hour": 24,  # no estimated time of arrival
        "minute": 60,
        "draught": min(round(10 * identity.draught_m), 255),
        "destination": identity.destination,
    }
    return encode(CLASS_A_STATIC, columns | identity.size(), n)


def class_b_statics(identity: Identity, n: int) -> tuple[Payload, Payload]:
    """Type 24: part A (the name) and part B (type, call sign and size)."""
    head: dict[str, Column] = {"type": 24, "mmsi": identity.mmsi}
    part_a = encode(CLASS_B_NAME, head | {"name": identity.name}, n)
    columns: dict[str, Column] = {
        "part": 1,
        "ship_type": identity.ship_type,
        "vendor": "SIM",
        "call_sign": identity.call_sign,
        "fix": GPS,
    }
    return part_a, encode(CLASS_B_STATIC, head | columns | identity.size(), n)


def safety_texts(mmsi: int, text: str, n: int) -> Payload:
    """Type 14: a safety-related broadcast such as "SART ACTIVE"."""
    table = (*SAFETY_TEXT_HEAD, F("text", 6 * len(text)))
    return encode(table, {"type": 14, "mmsi": mmsi, "text": text}, n)


def _motion(report: Report) -> dict[str, Column]:
    return {
        "speed": _scaled(report.speed_kn, 10, 1022, SPEED_UNKNOWN),
        "accuracy": 1,
        "lon": _angle(report.lon_deg, WITHHELD_LON_DEG, 600_000),
        "lat": _angle(report.lat_deg, WITHHELD_LAT_DEG, 600_000),
        "course": _cyclic(report.course_deg, 10, COURSE_UNKNOWN),
        "heading": _cyclic(report.heading_deg, 1, HEADING_UNKNOWN),
        "second": _utc_second(report.t_ms),
    }


def _place(lat_deg: float, lon_deg: float) -> dict[str, Column]:
    return {"accuracy": 1, "lat": round(600_000 * lat_deg), "lon": round(600_000 * lon_deg)}


def _utc_second(t_ms: Ints) -> Ints:
    return t_ms // 1000 % 60


def _angle(angle_deg: Floats, unknown_deg: float, per_degree: int) -> Ints:
    return np.asarray(np.rint(np.where(np.isnan(angle_deg), unknown_deg, angle_deg) * per_degree), np.int64)


def _scaled(values: Floats, scale: int, largest: int, unknown: int) -> Ints:
    known = np.minimum(np.rint(np.nan_to_num(values) * scale), largest)
    return np.where(np.isnan(values), unknown, known).astype(np.int64)


def _cyclic(angle_deg: Floats, per_degree: int, unknown: int) -> Ints:
    known = np.rint(np.nan_to_num(angle_deg) * per_degree) % (360 * per_degree)
    return np.where(np.isnan(angle_deg), unknown, known).astype(np.int64)


def _rate_of_turn(turn_deg_min: Floats) -> Ints:
    """4.733 √(° per minute), at most 126 (M.1371-5 table 48); -128 = no information."""
    coded = np.sign(turn_deg_min) * np.minimum(np.rint(4.733 * np.sqrt(np.abs(turn_deg_min))), 126)
    return np.where(np.isnan(turn_deg_min), -128, np.nan_to_num(coded)).astype(np.int64)
