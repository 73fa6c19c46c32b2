"""Untrusted documents: JSON that others sent, read within bounds, and the envelope that a document carries.

Everything wrong is an InputError, which repeats nothing personal before an envelope is read as one.
"""

import base64
import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, Self, TypeVar

from pydantic import ValidationError

from maritime.errors import InputError
from maritime.sharing.canonical import canonical
from maritime.sharing.envelope import Envelope
from maritime.sharing.release import Release

MOST_BYTES: Final = 4 * 1024 * 1024  # chosen: an envelope has some kB; a track of 20,000 positions still fits
MOST_NESTED: Final = 32  # chosen: the deepest of the formats, a MultiPolygon in a feature's properties, has 12
LONGEST_SHOWN: Final = 60  # characters of a wrong value that an error repeats
LONGEST_REASON: Final = 160  # characters of what a parser says
_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+")  # RFC 7515 appendix F: the payload is left out
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_Found = TypeVar("_Found")


class Carried(NamedTuple):
    """An envelope as it was received, not read as this version's model, so that a signature holds over all of it."""

    envelope: dict[str, Any]
    jws: str | None

    @classmethod
    def of(cls, envelope: object, jws: object) -> Self:
        """An envelope and its signature as values of JSON. Raises InputError where there is no envelope."""
        if not isinstance(envelope, dict):
            raise InputError("the document carries no envelope; only what was exported with one can be read back")
        if not isinstance(jws, str | None):
            raise InputError("the signature of the envelope is not text; ask the sender for the original")
        return cls(envelope, jws)

    @classmethod
    def embedded(cls, content: bytes | None, jws: object) -> Self:
        """An envelope in its canonical bytes. Raises InputError where there are none, or they are not canonical."""
        signature = jws.decode("ascii", "replace") if isinstance(jws, bytes) else jws
        carried = cls.of(None if content is None else read_json(content), signature)
        if canonical(carried.envelope) != content:
            raise InputError("the carried envelope is not canonical JSON (RFC 8785); ask the sender for the original")
        return carried

    def release(self) -> Release:
        """The envelope as this version reads it; the signature is not verified.

        Raises InputError for what is no envelope, or would not be written again as it came, and for a signature that
        is no detached JWS.
        """
        if self.jws is not None and not _JWS.fullmatch(self.jws):
            raise InputError(f"the signature is {_short(self.jws)}, not a detached JWS (header..signature)")
        return Release(envelope_of(self.envelope), self.jws)


def bounded(document: bytes) -> bytes:
    """The document. Raises InputError when it is larger than what is read, here and at recipients of our documents."""
    if len(document) > MOST_BYTES:
        raise InputError(f"the document has {len(document):,} bytes; at most {MOST_BYTES:,} are read")
    return document


def read_json(document: bytes) -> Any:
    """A JSON text (RFC 8259) as Python objects.

    Raises InputError for what is too large or too deep, no UTF-8 or no JSON, and for what readers take differently:
    a name twice in one object, NaN, infinities and numbers beyond a double.
    """
    text = bounded(document)
    try:
        value = json.loads(text.decode(), object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise InputError(f"the JSON is nested too deeply; at most {MOST_NESTED} levels are read") from None
    except ValueError as error:
        raise InputError(f"the document is not JSON that can be read: {str(error)[:LONGEST_REASON]}") from None
    _check_inside(value)
    return value


def read_object(document: bytes) -> dict[str, Any]:
    """The object that a JSON text is. Raises InputError as `read_json`, and for any other value."""
    value = read_json(document)
    if not isinstance(value, dict):
        raise InputError(f"the document is a JSON {type(value).__name__}; an object is needed")
    return value


def envelope_of(record: dict[str, Any]) -> Envelope:
    """The envelope that parsed JSON is; raises InputError, also where its canonical bytes would not be the record's."""
    try:
        envelope = Envelope.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where, why = ".".join(map(str, first["loc"])) or "it", first["msg"][:LONGEST_REASON]
        raise InputError(f"the envelope is not valid: {where} is {_short(first['input'])}: {why}") from None
    if envelope.canonical() != canonical(record):
        raise InputError("the envelope has null or empty fields, or numbers as text; ask the sender to leave these out")
    return envelope


def at_most_one(found: Sequence[_Found], what: str) -> _Found | None:
    """What was found of a kind; None where nothing was. Raises InputError where it is there several times."""
    if len(found) > 1:
        raise InputError(f"the document has {len(found)} {what} where 1 is needed; ask the sender for the original")
    return found[0] if found else None


def attached(found: Sequence[object], name: str) -> bytes | None:
    """What is attached under a name, in base64; None where nothing is.

    Raises InputError where it is there several times, or is not base64.
    """
    content = at_most_one(found, f"attachments '{name}'")
    if not found:
        return None
    if isinstance(content, str):
        with suppress(ValueError):
            return base64.b64decode("".join(content.split()), validate=True)
    raise InputError(f"the attachment '{name}' is not base64; ask the sender for the original")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(_short(name) for name in names if names.count(name) > 1)} is there twice")
    return made


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:LONGEST_SHOWN]} is too large")
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
                raise InputError("a text in the document is not Unicode; ask the sender for the original")
        level = inner


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
