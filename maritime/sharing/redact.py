"""Redact: the released copy of an envelope, built from what a rule names and from nothing else.

The copy begins empty. What is not named never gets in, whatever a later version of the envelope or another originator
may have added. Positions become cells of a fixed grid and times steps of a fixed clock: noise would average away.
"""

import base64
import hashlib
import hmac
import math
import re
from dataclasses import dataclass
from typing import Any, Final, Self

from pydantic import BaseModel

from maritime.errors import UsageError
from maritime.sharing.cells import Cell, cell_of
from maritime.sharing.envelope import Envelope, Place, bare, offset_time
from maritime.sharing.envelope import Kind as MessageKind
from maritime.sharing.evidence_kinds import EVIDENCE, EXPLANATION, Kind
from maritime.sharing.policy import TIMES, Partner, ReleasePolicy, Rule, Terms
from maritime.sharing.prepare import Address, worded
from maritime.sharing.scribe import said
from maritime.times import LAST_MS, from_rfc3339
from maritime.units import DAY_MS, EARTH_RADIUS_M, MINUTE_MS

PSEUDONYM_BYTES: Final = 10  # 80 bits: no two vessels of the world share one by chance
LEAST_KEY_BYTES: Final = 32  # of HMAC-SHA-256 (RFC 2104 §3: not shorter than the hash)
DEGREE_M: Final = math.radians(1.0) * EARTH_RADIUS_M
LARGEST_CODE: Final = 255  # of a word that is a number: types of ships, navigational status (ITU-R M.1371-5)
FIRST_MS: Final = from_rfc3339("0001-01-01T00:00:00Z")
"""The first time that RFC 3339 can write, in ms."""
NOBODYS: Final = "00000000-0000-4000-8000-000000000000"
"""In place of a recipient's id, until the copy is addressed."""
_WORD: Final = re.compile(r"[A-Za-z]?[a-z_ -]{0,39}")  # no digits and no names in capitals


def redact(
    envelope: Envelope,
    rule: Rule,
    policy: ReleasePolicy,
    recipient: str,
    *,
    address: Address,
    now_ms: int,
    pseudonym_key: bytes | None,
) -> Envelope:
    """The copy that a rule releases to a recipient.

    Raises ValueError when the rule wants pseudonyms and there is no key of 32 bytes or more.
    """
    cut = Cut.of(envelope, policy.terms(rule), policy, address.kind, now_ms, pseudonym_key)
    return cut.addressed(recipient, policy.partners[recipient], address)


@dataclass(frozen=True, slots=True)
class Cut:
    """What some terms release of an envelope, before it is anyone's: it is made without knowing who will have it.

    What recipients of equal terms are told in the same words is made, worded and validated once.
    """

    _copy: Envelope
    _terms: Terms

    @classmethod
    def of(
        cls,
        envelope: Envelope,
        terms: Terms,
        policy: ReleasePolicy,
        kind: MessageKind,
        now_ms: int,
        pseudonym_key: bytes | None,
    ) -> Self:
        """What the terms release; `policy` gives its name alone, and the key is not looked at without pseudonyms.

        Raises ValueError when the terms want pseudonyms and there is no key of 32 bytes or more.
        """
        if terms.pseudonyms and (pseudonym_key is None or len(pseudonym_key) < LEAST_KEY_BYTES):
            raise ValueError(f"pseudonyms need a key of {LEAST_KEY_BYTES} bytes")
        named = terms.released
        copy = _skeleton(envelope, Address(NOBODYS, 0, kind), _at_step(now_ms, terms.time_step_min))
        if envelope.expires is not None:
            copy["expires"] = _stepped(envelope.expires, terms.time_step_min, up=True)
        copy["handling"] = _handling(envelope, terms, policy, now_ms)
        copy["originator"] |= _chosen(envelope.originator, "originator", named)
        copy["event"] |= _event(envelope, named)
        copy["assessment"] = _assessment(envelope, terms)
        copy["vessels"] = _vessels(envelope, terms, pseudonym_key)
        if envelope.observed is not None:
            observed = _chosen(envelope.observed, "observed", named)
            copy["observed"] = _span(observed, terms.time_step_min) if "start" in observed else None
        if "safety" in named and envelope.safety is not None:
            copy["safety"] = {name: getattr(envelope.safety, name) for name in ("distress", "beacon", "sar_phase")}
        if "feedback" in named and envelope.feedback is not None:
            copy["feedback"] = {"ack_required": envelope.feedback.ack_required}
        copy["evidence"] = [
            {"name": item.name, "value": value, "unit": EVIDENCE[item.name].unit}
            for item in envelope.evidence
            if f"evidence.{item.name}" in named
            and (value := _coarse(plain_value(item.value), EVIDENCE[item.name], terms)) is not None
        ]
        copy |= _whereabouts(envelope, terms)
        return cls(worded(Envelope.model_validate(copy)), terms)

    def addressed(self, recipient: str, partner: Partner, address: Address) -> Envelope:
        """The copy of a recipient: under its own numbers, for its own purposes, without a word of any other.

        Raises ValueError when nothing that it is for is in the partner's mandate.
        """
        purposes = [purpose for purpose in self._copy.handling.purpose if purpose in partner.mandate]
        if not purposes:
            raise ValueError(f"the mandate of '{recipient}' has no purpose of the envelope")
        own: dict[str, Any] = address.as_fields()
        if "context_id" not in self._terms.released:
            own["context_id"] = None
        own["handling"] = self._copy.handling.model_copy(update={"purpose": purposes, "rel_to": [recipient]})
        if self._copy.feedback is not None:
            own["feedback"] = self._copy.feedback.model_copy(update={"topic": feedback_topic(recipient)})
        return self._copy.model_copy(update=own)


def cancel(envelope: Envelope, recipient: str, *, address: Address, now_ms: int) -> Envelope:
    """Asks a recipient to let go of what it was given: `envelope`, its last copy, of which little is said again."""
    mark = envelope.handling
    copy = _skeleton(envelope, address, now_ms)
    copy["handling"] = {
        "tlp": mark.tlp,
        "purpose": list(mark.purpose),
        "rel_to": [recipient],
        "onward": mark.onward,
        "personal_data": mark.personal_data,
        "retain_until": mark.retain_until,
        "policy": mark.policy.model_dump() if mark.policy else None,
    }
    copy |= {"kind": "cancel", "expires": envelope.expires}
    return worded(Envelope.model_validate(copy))


def pseudonym(key: bytes, mmsi: int) -> str:
    """A name for a vessel that only who has the key can make: a plain hash of nine digits is tried out in minutes."""
    digest = hmac.new(key, f"mmsi:{mmsi:09d}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:PSEUDONYM_BYTES]).decode("ascii").lower()


def _skeleton(envelope: Envelope, address: Address, sent_ms: int) -> dict[str, Any]:
    """What every recipient is told: that there is an alert of a type, by whom, under which number."""
    return address.as_fields() | {
        "context_id": None,
        "status": envelope.status,
        "originator": {"org_id": envelope.originator.org_id},
        "sent": offset_time(sent_ms),
        "event": {"type": envelope.event.type, "nature": "behaviour"},
    }


def _chosen(part: BaseModel, section: str, named: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in said(part).items() if f"{section}.{name}" in named}


def _event(envelope: Envelope, named: frozenset[str]) -> dict[str, Any]:
    """An offence is told by who may have the subtype; for the others it is behaviour."""
    event = envelope.event
    if "event.subtype" in named:
        return {"nature": event.nature, "subtype": event.subtype}
    return {"nature": "behaviour" if event.nature == "offence" else event.nature}


def _assessment(envelope: Envelope, terms: Terms) -> dict[str, Any] | None:
    told, named = envelope.assessment, terms.released
    tells_offence = envelope.event.nature == "offence" and "event.subtype" in named
    if told is None:
        return None
    made: dict[str, Any] = {"severity": "Unknown", "urgency": "Unknown", "certainty": "Unknown"}
    made |= {
        name: getattr(told, name)
        for name in ("severity", "urgency", "certainty", "source_reliability", "information_credibility", "caveats")
        if f"assessment.{name}" in named
    }
    if "assessment.confidence" in named:
        made["confidence"] = _digits(told.confidence, terms.significant_digits)
    if "assessment.detector" in named and told.detector:
        made["detector"] = {name: getattr(told.detector, name) for name in ("name", "version", "config_sha256")}
    if told.review and ("assessment.review" in named or tells_offence):
        made["review"] = {"state": told.review.state, "role": told.review.role}
        if "assessment.review" in named and named & TIMES:
            made["review"]["at"] = told.review.at
    made["explanation"] = [
        {
            "feature": item.feature,
            "value": value,
            "threshold": _coarse(plain_value(item.threshold), EXPLANATION[item.feature], terms),
            "unit": EXPLANATION[item.feature].unit,
        }
        for item in told.explanation
        if f"explanation.{item.feature}" in named
        and (value := _coarse(plain_value(item.value), EXPLANATION[item.feature], terms)) is not None
    ]
    says_something = tells_offence or made["explanation"] or any(name.startswith("assessment.") for name in named)
    return made if says_something else None


def _vessels(envelope: Envelope, terms: Terms, key: bytes | None) -> list[dict[str, Any]]:
    made = []
    for vessel in envelope.vessels:
        copy = _chosen(vessel, "vessels", terms.released)
        if "length_m" in copy:
            copy["length_m"] = _digits(copy["length_m"], terms.significant_digits)
        if terms.pseudonyms and vessel.mmsi is not None and key is not None:
            copy["pseudonym"] = pseudonym(key, vessel.mmsi)
        if copy:
            made.append(copy | {"role": vessel.role})
    return made


def _handling(envelope: Envelope, terms: Terms, policy: ReleasePolicy, now_ms: int) -> dict[str, Any]:
    """How a copy may be used; its recipient, and for which of the purposes, is not known yet."""
    mark = envelope.handling
    retain = [from_rfc3339(mark.retain_until)] if mark.retain_until else []
    if terms.retain_days is not None:
        retain.append(now_ms + round(terms.retain_days * DAY_MS))
    step_ms = round((terms.time_step_min or 0) * MINUTE_MS) or 1
    coarsened = {
        "grid_deg": terms.grid_deg,
        "time_step_min": terms.time_step_min,
        "significant_digits": terms.significant_digits,
    }
    return {
        "tlp": mark.tlp,
        "purpose": list(mark.purpose),
        "rel_to": [],
        "onward": mark.onward,
        # that it is none follows from length and IMO number, and is told to who may look these up
        "personal_data": mark.personal_data or "vessels.mmsi" not in terms.released,
        # only who protects gets this far; without the countries nobody after it may be told, but in distress
        "protected_persons": {} if mark.protected_persons is not None else None,
        "retain_until": offset_time(min(retain) // step_ms * step_ms),
        "withheld": list(terms.withheld),
        "generalised": coarsened if any(each is not None for each in coarsened.values()) else None,
        "policy": {"name": policy.policy, "version": policy.version},
    }


def _whereabouts(envelope: Envelope, terms: Terms) -> dict[str, Any]:
    """Geometry, places and their uncertainty; with a grid the cells alone."""
    made: dict[str, Any] = {}
    named = terms.released
    if terms.grid_deg is None:
        if "geometry" in named:
            made["geometry"] = bare_geometry(envelope)
        if "places" in named:
            made["places"] = [_place(each, terms) for each in envelope.places]
        if named & {"geometry", "places"}:
            made["position_uncertainty_m"] = envelope.position_uncertainty_m
        return made
    cells = [cell_of(each.lat, each.lon, terms.grid_deg) for each in envelope.places]
    if "places" in named:
        made["places"] = [
            _place(each, terms) | _middle(cell) for each, cell in zip(envelope.places, cells, strict=True)
        ]
    if "geometry" in named and cells:
        made["geometry"] = _cells_geometry(cells)
    if cells and named & {"geometry", "places"}:
        made["position_uncertainty_m"] = float(max(_half_diagonal_m(cell) for cell in cells))
    return made


def bare_geometry(envelope: Envelope) -> dict[str, Any] | None:
    """Its geometry with types and coordinates only: there is no room for anything else."""
    if envelope.geometry is None:
        return None
    whole = bare(envelope.geometry)
    for part in whole.get("geometries", [whole]):
        part["coordinates"] = _numbers(part["coordinates"])
    return whole


def feedback_topic(recipient: str) -> str:
    """Where a recipient answers: its own, whatever other recipients have."""
    return f"feedback.{recipient}"


def _numbers(coordinates: Any) -> Any:
    """Longitudes and latitudes; heights, and what is no number, are left out."""
    if isinstance(coordinates, list | tuple) and coordinates and isinstance(coordinates[0], int | float):
        return [float(each) for each in coordinates[:2]]
    if isinstance(coordinates, list | tuple):
        return [_numbers(each) for each in coordinates if isinstance(each, list | tuple)]
    return []


def _place(place: Place, terms: Terms) -> dict[str, Any]:
    made: dict[str, Any] = {"role": place.role, "lat": place.lat, "lon": place.lon}
    made |= {name: getattr(place, name) for name in ("sog_kn", "cog_deg") if f"places.{name}" in terms.released}
    if "places.at" in terms.released and place.at is not None:
        made["at"] = _stepped(place.at, terms.time_step_min)
    return made


def _middle(cell: Cell) -> dict[str, float]:
    south, west, north, east = cell
    return {"lat": round((south + north) / 2, 9), "lon": round((west + east) / 2, 9)}


def _half_diagonal_m(cell: Cell) -> int:
    """From the middle of a cell to its farthest corner, rounded up to 100 m: a function of the cell alone."""
    south, west, north, east = cell
    nearest_lat = 0.0 if south <= 0.0 <= north else min(abs(south), abs(north))
    across_m = (east - west) / 2 * DEGREE_M * math.cos(math.radians(nearest_lat))
    return math.ceil(math.hypot((north - south) / 2 * DEGREE_M, across_m) / 100.0) * 100


def _cells_geometry(cells: list[Cell]) -> dict[str, Any]:
    rings = [
        [[[west, south], [east, south], [east, north], [west, north], [west, south]]]
        for south, west, north, east in dict.fromkeys(cells)
    ]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}


def _span(observed: dict[str, Any], step_min: float | None) -> dict[str, Any]:
    """The start rounded down and the end rounded up, so that the span holds what it held."""
    made = {"start": _stepped(observed["start"], step_min)}
    if observed.get("end") is not None:
        made["end"] = _stepped(observed["end"], step_min, up=True)
    return made


def _stepped(time: str, step_min: float | None, *, up: bool = False) -> str:
    """A time on the clock of the step, in envelope's writing; the same time without a step."""
    return offset_time(_at_step(from_rfc3339(time), step_min, up=up))


def _at_step(t_ms: int, step_min: float | None, *, up: bool = False) -> int:
    if step_min is None:
        return t_ms
    step_ms = round(step_min * MINUTE_MS)
    stepped_ms = -(-t_ms // step_ms) * step_ms if up else t_ms // step_ms * step_ms
    return min(
        max(stepped_ms, FIRST_MS), LAST_MS
    )  # another originator's times may lie at the ends of all that is written


def _coarse(value: Any, kind: Kind, terms: Terms) -> Any:
    """A value of evidence as the terms let it be told; None where it cannot be told."""
    if kind.clue == "time":
        try:
            return _stepped(value, terms.time_step_min) if isinstance(value, str) else None
        except UsageError:  # another originator's text
            return None
    if kind.clue == "measure":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return _digits(value, terms.significant_digits) if is_number else None
    if kind.clue == "word" and terms.is_coarse:
        return value if all(map(_is_word, value if isinstance(value, list) else [value])) else None
    return value


def _is_word(value: Any) -> bool:
    """Whether it is a word or a small code: another originator's text might be a name or a position."""
    return (isinstance(value, int) and 0 <= value <= LARGEST_CODE) or (
        isinstance(value, str) and _WORD.fullmatch(value) is not None
    )


def _digits(value: float | None, digits: int | None) -> float | None:
    if value is None or digits is None or not math.isfinite(value):
        return value
    return float(f"{value:.{digits - 1}e}")


def plain_value(value: Any) -> Any:
    """A scalar, or a list of them; anything deeper is not told, since it may hold fields that no policy has seen."""
    if isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | tuple) and all(isinstance(each, str | int | float | bool) for each in value):
        return list(value)
    return None
