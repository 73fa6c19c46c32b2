"""Identities: by which a vessel is found again, each written one way. What stands for no vessel is none at all."""

import unicodedata
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from maritime.ais.mmsi import MmsiClass, class_of
from maritime.sharing.envelope import Vessel

IdentityKind = Literal["mmsi", "imo", "call_sign", "name"]

NO_MMSI: Final = frozenset({1_193_046, 123_456_789, 987_654_321, *(111_111_111 * n for n in range(10))})
"""Numbers that transmitters have before anyone has set them: 1193046 is 0x123456."""
NO_NAME: Final = frozenset(
    {"BOAT", "DEFAULT", "NAME", "NIL", "NONAME", "NONE", "NOTSET", "NULL", "SHIP", "SHIPNAME", "TEST", "UNDEFINED"}
    | {"UNKNOWN", "UNNAMED", "VESSEL", "VESSELNAME", "XXXX"}
)
SHORTEST_NAME: Final = 3  # letters and digits; chosen: shorter ones are shared by too many
SHORTEST_CALL_SIGN: Final = 3  # Radio Regulations article 19 section III: two characters of the country and more
OF_VESSELS: Final = (MmsiClass.SHIP, MmsiClass.CRAFT, MmsiClass.HANDHELD)
IMO_WEIGHTS: Final = (7, 6, 5, 4, 3, 2)  # IMO resolution A.1117(30): the sum's last digit is the number's


class Identity(NamedTuple):
    """One identity as it is compared."""

    kind: IdentityKind
    value: str


def identities_of(vessel: Vessel) -> Iterator[Identity]:
    """What a vessel can be found by; placeholders, numbers of tests and pseudonyms are not among it."""
    if vessel.mmsi is not None and is_mmsi(vessel.mmsi):
        yield Identity("mmsi", f"{vessel.mmsi:09d}")
    if vessel.imo is not None and is_imo(vessel.imo):
        yield Identity("imo", str(vessel.imo))
    call_sign, name = bare(vessel.call_sign or ""), bare(vessel.name or "")
    if len(call_sign) >= SHORTEST_CALL_SIGN and _says_something(call_sign):
        yield Identity("call_sign", call_sign)
    if len(name) >= SHORTEST_NAME and _says_something(name):
        yield Identity("name", name)


def is_mmsi(mmsi: int) -> bool:
    """Whether a number is one that a vessel can have, and no placeholder."""
    return mmsi not in NO_MMSI and mmsi % 1_000_000 != 0 and class_of(mmsi) in OF_VESSELS


def is_imo(imo: int) -> bool:
    """Whether the check digit of an IMO number holds."""
    digits = [int(digit) for digit in f"{imo:07d}"]
    return sum(w * d for w, d in zip(IMO_WEIGHTS, digits, strict=False)) % 10 == digits[-1] and imo // 10 > 0


def bare(text: str) -> str:
    """Letters and digits in capitals, without accents: `"M/V Éole-2 "` → `"MVEOLE2"`."""
    parts = unicodedata.normalize("NFKD", text).upper()
    return "".join(each for each in parts if each.isalnum())


def _says_something(text: str) -> bool:
    return text not in NO_NAME and len(set(text)) > 1
