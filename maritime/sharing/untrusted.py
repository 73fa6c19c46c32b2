"""Untrusted JSON: what others sent, read within bounds, and the envelope in it. Everything wrong is an InputError."""

import json
import math
import re
from typing import Any, Final

import rfc8785
from pydantic import ValidationError

from maritime.errors import InputError
from maritime.sharing.envelope import Envelope

MOST_BYTES: Final = 4 * 1024 * 1024  # chosen: an envelope has some kB, with natives and base64 some tens
MOST_NESTED: Final = 32  # chosen: the deepest of the formats, a MultiPolygon in a feature's properties, has 12
LONGEST_SHOWN: Final = 60  # characters of a wrong value that an error repeats
_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+")  # RFC 7515 appendix F: the payload is left out
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def read_json(document: bytes) -> Any:
    """A JSON text (RFC 8259) as Python objects.

    Raises InputError for what is too large or too deep, no UTF-8 or no JSON, and for what readers take differently:
    a name twice in one object, NaN, infinities and numbers beyond a double.
    """
    if len(document) > MOST_BYTES:
        raise InputError(f"the document has {len(document)} bytes; at most {MOST_BYTES} are read")
    try:
        value = json.loads(document.decode(), object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise InputError(f"the JSON is nested too deeply; at most {MOST_NESTED} levels are read") from None
    except ValueError as error:
        raise InputError(f"the document is not JSON that can be read: {_short(error)}") from None
    _check_inside(value)
    return value


def read_envelope(canonical: bytes) -> Envelope:
    """The envelope of canonical JSON (RFC 8785) that a document carries; raises InputError where it is not that."""
    envelope = envelope_of(read_json(canonical))
    if envelope.canonical() != canonical:
        raise InputError("the embedded envelope is not canonical JSON (RFC 8785); ask the sender for the original")
    return envelope


def envelope_of(record: Any) -> Envelope:
    """The envelope that parsed JSON is; raises InputError, also where its canonical bytes would not be the record's."""
    try:
        envelope = Envelope.model_validate(record)
        same = envelope.canonical() == rfc8785.dumps(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise InputError(f"the envelope is not valid: {where} is {_short(first['input'])}: {first['msg']}") from None
    except ValueError as error:  # an integer that a double cannot hold exactly
        raise InputError(f"the envelope cannot be made canonical (RFC 8785): {_short(error)}") from None
    if not same:
        raise InputError("the envelope has null or empty fields, or numbers as text; ask the sender to leave these out")
    return envelope


def read_signature(value: Any) -> str | None:
    """A detached JWS, or None where there is none; raises InputError for what is neither. It is not verified here."""
    if value is not None and not (isinstance(value, str) and _JWS.fullmatch(value)):
        raise InputError(f"the signature is {_short(value)}, not a detached JWS (header..signature)")
    return value


def only(found: list[Any], what: str) -> Any:
    """The one thing that a document must have of a kind; raises InputError where it has none or several."""
    if len(found) != 1:
        raise InputError(f"the document has {len(found)} {what} where 1 is needed; it may not be from maritime-watch")
    return found[0]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return made


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text} is too large")
    return number


def _check_inside(value: Any) -> None:
    """Level by level, not by recursion: how deep it is, and that all text is Unicode (half a surrogate pair is not)."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MOST_NESTED:
            raise InputError(f"the JSON is nested too deeply; at most {MOST_NESTED} levels are read")
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner += [*each, *each.values()]
            elif isinstance(each, list):
                inner += each
            elif isinstance(each, str) and _SURROGATE.search(each):
                raise InputError(f"the text {_short(each)} is not Unicode; ask the sender for the original")
        level = inner


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
