"""Canonical JSON (RFC 8785): the one way to write a value, so that a signature over it holds wherever it is read.

Python's own encoder writes the same text as the library `rfc8785` for nearly all that envelopes hold, ten times as
fast. Where it may not (numbers that JavaScript writes with an exponent, keys outside ASCII, which sort by UTF-16), the
library writes it.
"""

import json
from typing import Any, Final

import rfc8785

from maritime.errors import InputError

# Between these Python and JavaScript (ECMA-262 §6.1.6.1.20) write a fraction alike: shortest digits, no exponent.
LEAST_PLAIN: Final = 1e-4
MOST_PLAIN: Final = 1e15
MOST_INTEGER: Final = (1 << 53) - 1  # RFC 8785 §3.2.2.3: what is larger is not exact in JSON

_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class _NotPlainError(Exception):
    """Something that the library must write."""


def canonical(value: Any) -> bytes:
    """The canonical bytes of a JSON value. Raises InputError for numbers and text that JSON cannot say exactly."""
    try:
        return _ENCODER.encode(_plain(value)).encode()
    except (_NotPlainError, UnicodeEncodeError, RecursionError):
        return _by_the_library(value)


def in_text(value: str | float | bool | None) -> str:
    """Text as it is, and all else as canonical JSON has it, so that 50 and 50.0 are the same."""
    return value if isinstance(value, str) else canonical(value).decode()


def _by_the_library(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        raise InputError(
            "a number beyond 2^53 or half a character has no canonical form (RFC 8785); leave it out"
        ) from None


def _plain(value: Any) -> Any:
    """The value with whole numbers as integers, which is how JavaScript writes them."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is float:
        if value.is_integer() and -MOST_PLAIN < value < MOST_PLAIN:
            return int(value)
        if LEAST_PLAIN <= abs(value) < MOST_PLAIN:
            return value
        raise _NotPlainError
    if kind is int:
        if -MOST_INTEGER <= value <= MOST_INTEGER:
            return value
        raise _NotPlainError
    if kind is dict:
        for name in value:
            if type(name) is not str or not name.isascii():
                raise _NotPlainError
        return {name: _plain(inner) for name, inner in value.items()}
    if kind is list or kind is tuple:
        return [_plain(inner) for inner in value]
    raise _NotPlainError
