"""Wording: one sentence that says what an envelope says, in several languages, from its released fields alone.

Words are neutral: they say what was seen, not what it may mean. An offence is told only as the person in a role who
reviewed it reported it. Positions keep N, S, E, W and the decimal point, and times are UTC, in every language: what
a rescue centre reads out over the radio must not depend on the language of the form.
"""

import math
import re
from functools import lru_cache
from typing import Final, NamedTuple

from maritime.errors import UsageError
from maritime.sharing.envelope import Envelope, Vessel
from maritime.sharing.shapes import Circle, Position, circle_around
from maritime.units import EARTH_RADIUS_M

LONGEST_HEADLINE: Final = 160  # characters (CAP 1.2 §3.2.2 headline: what displays may show)
LONGEST_NAME: Final = 40  # characters; AIS names have at most 20 (ITU-R M.1371-5 table 52), other registers more
LONGEST_FREE_TEXT: Final = 60  # characters of a subtype or role; chosen: leaves room for the position
MOST_DECIMALS: Final = 4  # 11 m, as good as the high accuracy flag of AIS promises: 10 m (ITU-R M.1371-5)
DECIMALS_UNKNOWN: Final = 3  # 111 m; chosen: as the alerts themselves are told
METRES_PER_DEGREE: Final = EARTH_RADIUS_M * math.pi / 180


class Language(NamedTuple):
    """The texts of one language."""

    events: dict[str, str]
    other_event: str
    vessels: dict[str, str]
    vessel: str
    a_vessel: str
    flag: str
    near: str
    around: str
    since: str
    at: str
    between: str
    reported: str
    distress: str
    uncertainty: str
    cancelled: str
    statuses: dict[str, str]


_TEXTS: Final[dict[str, Language]] = {
    "en": Language(
        events={
            "dark_period": "No AIS reports received",
            "distress_beacon": "Emergency beacon",
            "feed_stale": "AIS feed without new reports",
            "identity_clash": "One AIS identity in two places",
            "loitering": "Slow or adrift in one area",
            "position_withheld": "AIS reports without a position",
            "reception_outage": "AIS reception outage",
            "unusual_landing": "Landing at an unusual place",
            "watch_request": "Watch request",
        },
        other_event="Event at sea",
        vessels={
            "fishing": "fishing vessel",
            "tug": "tug",
            "service": "service vessel",
            "state": "government vessel",
            "sailing": "sailing vessel",
            "pleasure": "pleasure craft",
            "fast": "high-speed craft",
            "pilot": "pilot vessel",
            "rescue": "rescue vessel",
            "passenger": "passenger ship",
            "cargo": "cargo ship",
            "tanker": "tanker",
        },
        vessel="vessel",
        a_vessel="a vessel",
        flag="flag {flag}",
        near="near {position}",
        around="around {position}",
        since="since {start} UTC",
        at="at {start} UTC",
        between="from {start} to {end} UTC",
        reported="reported by {role}: {subtype}",
        distress="DISTRESS",
        uncertainty="UNCERTAINTY PHASE",
        cancelled="CANCELLED",
        statuses={"exercise": "EXERCISE", "test": "TEST", "system": "SYSTEM MESSAGE"},
    ),
    "fr": Language(
        events={
            "dark_period": "Aucun message AIS reçu",
            "distress_beacon": "Radiobalise de secours",
            "feed_stale": "Flux AIS sans nouveaux messages",
            "identity_clash": "Une identité AIS en deux lieux",
            "loitering": "Lent ou à la dérive dans une zone",
            "position_withheld": "Messages AIS sans position",
            "reception_outage": "Panne de réception AIS",
            "unusual_landing": "Arrivée à terre en un lieu inhabituel",
            "watch_request": "Demande de veille",
        },
        other_event="Événement en mer",
        vessels={
            "fishing": "navire de pêche",
            "tug": "remorqueur",
            "service": "navire de service",
            "state": "navire d'État",
            "sailing": "voilier",
            "pleasure": "bateau de plaisance",
            "fast": "engin à grande vitesse",
            "pilot": "bateau-pilote",
            "rescue": "bateau de sauvetage",
            "passenger": "navire à passagers",
            "cargo": "cargo",
            "tanker": "navire-citerne",
        },
        vessel="navire",
        a_vessel="un navire",
        flag="pavillon {flag}",
        near="près de {position}",
        around="autour de {position}",
        since="depuis {start} UTC",
        at="à {start} UTC",
        between="de {start} à {end} UTC",
        reported="rapporté par {role} : {subtype}",
        distress="DÉTRESSE",
        uncertainty="PHASE D'INCERTITUDE",
        cancelled="ANNULÉ",
        statuses={"exercise": "EXERCICE", "test": "ESSAI", "system": "MESSAGE SYSTÈME"},
    ),
    "es": Language(
        events={
            "dark_period": "Sin mensajes AIS recibidos",
            "distress_beacon": "Radiobaliza de emergencia",
            "feed_stale": "Fuente AIS sin mensajes nuevos",
            "identity_clash": "Una identidad AIS en dos lugares",
            "loitering": "Lento o a la deriva en una zona",
            "position_withheld": "Mensajes AIS sin posición",
            "reception_outage": "Interrupción de la recepción AIS",
            "unusual_landing": "Llegada a tierra en un lugar inusual",
            "watch_request": "Solicitud de vigilancia",
        },
        other_event="Suceso en el mar",
        vessels={
            "fishing": "buque pesquero",
            "tug": "remolcador",
            "service": "buque de servicio",
            "state": "buque de Estado",
            "sailing": "velero",
            "pleasure": "embarcación de recreo",
            "fast": "nave de gran velocidad",
            "pilot": "embarcación de práctico",
            "rescue": "embarcación de salvamento",
            "passenger": "buque de pasaje",
            "cargo": "buque de carga",
            "tanker": "buque tanque",
        },
        vessel="buque",
        a_vessel="un buque",
        flag="bandera {flag}",
        near="cerca de {position}",
        around="alrededor de {position}",
        since="desde {start} UTC",
        at="a las {start} UTC",
        between="de {start} a {end} UTC",
        reported="comunicado por {role}: {subtype}",
        distress="SOCORRO",
        uncertainty="FASE DE INCERTIDUMBRE",
        cancelled="CANCELADO",
        statuses={"exercise": "EJERCICIO", "test": "PRUEBA", "system": "MENSAJE DE SISTEMA"},
    ),
    "id": Language(
        events={
            "dark_period": "Tidak ada laporan AIS diterima",
            "distress_beacon": "Radio suar darurat",
            "feed_stale": "Sumber AIS tanpa laporan baru",
            "identity_clash": "Satu identitas AIS di dua tempat",
            "loitering": "Lambat atau hanyut di satu area",
            "position_withheld": "Laporan AIS tanpa posisi",
            "reception_outage": "Gangguan penerimaan AIS",
            "unusual_landing": "Pendaratan di tempat tidak biasa",
            "watch_request": "Permintaan pemantauan",
        },
        other_event="Kejadian di laut",
        vessels={
            "fishing": "kapal ikan",
            "tug": "kapal tunda",
            "service": "kapal kerja",
            "state": "kapal negara",
            "sailing": "kapal layar",
            "pleasure": "kapal pesiar pribadi",
            "fast": "kapal cepat",
            "pilot": "kapal pandu",
            "rescue": "kapal penyelamat",
            "passenger": "kapal penumpang",
            "cargo": "kapal barang",
            "tanker": "kapal tangki",
        },
        vessel="kapal",
        a_vessel="sebuah kapal",
        flag="bendera {flag}",
        near="dekat {position}",
        around="sekitar {position}",
        since="sejak {start} UTC",
        at="pada {start} UTC",
        between="dari {start} sampai {end} UTC",
        reported="dilaporkan oleh {role}: {subtype}",
        distress="MARABAHAYA",
        uncertainty="FASE MERAGUKAN",
        cancelled="DIBATALKAN",
        statuses={"exercise": "LATIHAN", "test": "UJI COBA", "system": "PESAN SISTEM"},
    ),
}
"""The languages of CAP messages: English, French, Spanish and Indonesian (Bali Process, Malacca Strait)."""

LANGUAGES: Final = tuple(_TEXTS)

# First and last number of a group (ITU-R M.1371-5 table 53); numbers that are in none say nothing of the vessel.
_GROUPS: Final = (
    (30, 30, "fishing"),
    (31, 32, "tug"),
    (33, 34, "service"),  # dredging, diving
    (35, 35, "state"),  # military
    (36, 36, "sailing"),
    (37, 37, "pleasure"),
    (40, 49, "fast"),
    (50, 50, "pilot"),
    (51, 51, "rescue"),
    (52, 52, "tug"),
    (53, 54, "service"),  # port tender, anti-pollution
    (55, 55, "state"),  # law enforcement
    (60, 69, "passenger"),
    (70, 79, "cargo"),
    (80, 89, "tanker"),
)

_GROUP_OF: Final = {number: name for first, last, name in _GROUPS for number in range(first, last + 1)}

# Not characters of XML 1.0 §2.2, controls, and marks that turn the direction of the text around them (UAX #9).
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
# Stems of words that judge, in the four languages: a partner's event type that has one is not said by its name.
_JUDGING: Final = re.compile(
    "suspect|suspic|sospech|curiga|smuggl|contreband|contraband|lundup|illegal|illicit|ilegal|ilicit|traffick"
    "|trafiqu|trafic|crim|kriminal|pirat|bajak|clandestin|terror"
)


def headline(envelope: Envelope, language: str = "en") -> str:
    """What happened, to whom, where and when, in at most 160 characters; distress comes first.

    What does not fit is left out from the end, the time before the name and the name before the position. Raises
    UsageError for a language without texts.
    """
    return _headline(envelope, _near(envelope), _of(language))


def area_desc(envelope: Envelope, language: str = "en") -> str | None:
    """The area that it is about, with its reach; None when the envelope has no position. Raises as `headline` does."""
    return _area_desc(_around(envelope), _of(language))


def headline_and_area(envelope: Envelope, language: str = "en") -> tuple[str, str | None]:
    """What `headline` and `area_desc` say, for both of which its shapes are looked at once. Raises as they do."""
    text, around = _of(language), _around(envelope)
    near = around if _last_place(envelope) is None else _near(envelope)
    return _headline(envelope, near, text), _area_desc(around, text)


def _headline(envelope: Envelope, near: Circle | None, text: Language) -> str:
    marks = [mark for mark in (text.statuses.get(envelope.status), _safety(envelope, text)) if mark]
    if envelope.kind == "cancel":
        marks.append(text.cancelled)
    event = ": ".join([*marks, _event_name(envelope, text)])
    where = text.near.format(position=_position(near)) if near else None
    subject = _subject(envelope)
    for named, when in ((True, _when(envelope, text)), (True, None), (False, None)):
        vessel = _vessel(subject, text, named=named)
        details = ", ".join([each for each in (vessel, where, when) if each])
        said = f"{event}: {details}" if details else event
        if len(said) <= LONGEST_HEADLINE:
            return said
    return one_line(said, LONGEST_HEADLINE)


def _area_desc(circle: Circle | None, text: Language) -> str | None:
    if circle is None:
        return None
    around = text.around.format(position=_position(circle))
    if not circle.radius_m:
        return around
    metres = math.ceil(circle.radius_m)
    return f"{around} (± {metres} m)" if metres < 1000 else f"{around} (± {math.ceil(metres / 1000)} km)"


def event_name(envelope: Envelope, language: str = "en") -> str:
    """What kind of event it is; an offence with what the reviewing role reported. Raises UsageError as `headline`."""
    return _event_name(envelope, _of(language))


def _event_name(envelope: Envelope, text: Language) -> str:
    event = envelope.event
    plain = event.type.replace("_", " ").capitalize()
    name = text.events.get(event.type) or (text.other_event if _JUDGING.search(event.type) else plain)
    review = envelope.assessment.review if envelope.assessment else None
    if event.nature != "offence" or not event.subtype or review is None or review.role is None:
        return name
    role, subtype = (one_line(each.replace("_", " "), LONGEST_FREE_TEXT) for each in (review.role, event.subtype))
    return f"{name}, {text.reported.format(role=role, subtype=subtype)}"


def one_line(text: str, longest: int | None = None) -> str:
    """Text from outside that can be printed: on one line, without control characters, cut with … when too long."""
    line = " ".join(_UNPRINTABLE.sub(" ", text).split())
    return line if longest is None or len(line) <= longest else line[: longest - 1] + "…"


def is_distress(envelope: Envelope) -> bool:
    """Whether somebody calls for help."""
    safety = envelope.safety
    said = safety is not None and (safety.distress or safety.sar_phase == "distress")
    return said or envelope.event.nature == "distress"


def _of(language: str) -> Language:
    if language not in _TEXTS:
        raise UsageError(f"there are no texts in {language!r}; there are some in {', '.join(LANGUAGES)}")
    return _TEXTS[language]


def _safety(envelope: Envelope, text: Language) -> str | None:
    if is_distress(envelope):
        beacon = envelope.safety.beacon if envelope.safety else None
        return f"{text.distress} {one_line(beacon, LONGEST_NAME)}" if beacon else text.distress
    return text.uncertainty if envelope.safety and envelope.safety.sar_phase == "uncertainty" else None


def _subject(envelope: Envelope) -> Vessel | None:
    return next((vessel for vessel in envelope.vessels if vessel.role == "subject"), None)


def _vessel(vessel: Vessel | None, text: Language, *, named: bool) -> str | None:
    """Type, name and flag, as far as they are known; None when the event is not of a vessel."""
    if vessel is None:
        return None
    group = None if vessel.ship_type is None else _GROUP_OF.get(vessel.ship_type)
    name = one_line(vessel.name, LONGEST_NAME) if named and vessel.name else ""
    if not (group or name or vessel.flag):
        return text.a_vessel
    flag = text.flag.format(flag=vessel.flag) if vessel.flag else None
    return " ".join(
        [each for each in (text.vessels[group] if group else text.vessel, name, flag and f"({flag})") if each]
    )


def _last_place(envelope: Envelope) -> Position | None:
    """The last of its places, where its geometry is not the very point."""
    if not envelope.places or (envelope.geometry is not None and envelope.geometry.type == "Point"):
        return None
    return envelope.places[-1].lon, envelope.places[-1].lat


def _near(envelope: Envelope) -> Circle | None:
    """Around the point of its geometry, or else the last of its places, or else all of its geometry."""
    place = _last_place(envelope)
    return _around(envelope) if place is None else circle_around([place], envelope.position_uncertainty_m)


def _around(envelope: Envelope) -> Circle | None:
    return circle_around(envelope.shapes().outline(), envelope.position_uncertainty_m)


@lru_cache(maxsize=16)  # headline and area mostly say the same
def _position(circle: Circle) -> str:
    decimals = _decimals(circle.radius_m)
    return f"{_degrees(circle.lat, decimals, 'NS')} {_degrees(circle.lon, decimals, 'EW')}"


def _decimals(uncertainty_m: float | None) -> int:
    """The fewest whose rounding moves the position by no more than it is uncertain anyway."""
    if uncertainty_m is None:
        return DECIMALS_UNKNOWN
    for decimals in range(MOST_DECIMALS):
        if METRES_PER_DEGREE / 10**decimals / 2 <= uncertainty_m:
            return decimals
    return MOST_DECIMALS


def _degrees(value: float, decimals: int, sides: str) -> str:
    rounded = round(value, decimals)
    return f"{abs(rounded):.{decimals}f}° {sides[0] if rounded >= 0 else sides[1]}"


def _when(envelope: Envelope, text: Language) -> str | None:
    """Observed times to the minute; the day is not said twice."""
    if envelope.observed is None:
        return None
    start = envelope.observed.start[:16].replace("T", " ")
    if envelope.observed.end is None:
        return text.since.format(start=start)
    end = envelope.observed.end[:16].replace("T", " ")
    if start == end:
        return text.at.format(start=start)
    return text.between.format(start=start, end=end[11:] if start[:10] == end[:10] else end)
