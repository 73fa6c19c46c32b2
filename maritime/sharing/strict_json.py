"""JSON that others wrote, read so that it can mean one thing only, and its canonical bytes (RFC 8785)."""

import json
from typing import Any, Final

import rfc8785

from maritime.errors import InputError

LARGEST_BYTES: Final = 1 << 20
"""Chosen: what a Kafka broker takes as one record unless told otherwise."""

DEEPEST: Final = 32
"""Levels of nesting. Chosen: an event with a multipolygon in a collection has 9."""


def read_json(document: bytes) -> dict[str, Any]:
    """The object in a document of UTF-8 JSON.

    Raises InputError for what is too large or too deep, is no object, names a member twice (readers differ in which
    one counts) or holds a number that is none.
    """
    if len(document) > LARGEST_BYTES:
        raise InputError(f"the document has {len(document):,} bytes; at most {LARGEST_BYTES:,} are read")
    try:
        read = json.loads(document.decode(), object_pairs_hook=_named_once, parse_constant=_no_constant)
    except RecursionError:
        raise InputError(f"the document is nested deeper than {DEEPEST} levels") from None
    except ValueError as error:
        raise InputError(f"the document is no JSON in UTF-8: {_place(error)}") from None
    if not isinstance(read, dict):
        raise InputError(f"the document is a JSON {type(read).__name__}; an object is needed")
    _check_depth(read)
    return read


def canonical(value: dict[str, Any]) -> bytes:
    """The canonical bytes of what was read. Raises InputError for numbers and text that JSON cannot say exactly."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        raise InputError("a number beyond 2^53 or half a character has no canonical form (RFC 8785)") from None


def _named_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(members)
    if len(named) < len(members):
        raise ValueError("a member is named twice")
    return named


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _place(error: ValueError) -> str:
    """What is wrong, without the document's own content, which may be personal."""
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}"
    return "bytes that are no text" if isinstance(error, UnicodeDecodeError) else str(error)[:80]


def _check_depth(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for each in level:
            inner.extend(each.values() if isinstance(each, dict) else each)
        level = [each for each in inner if isinstance(each, dict | list)]
    if level:
        raise InputError(f"the document is nested deeper than {DEEPEST} levels")
