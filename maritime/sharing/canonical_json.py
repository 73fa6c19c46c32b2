"""Canonical JSON (RFC 8785): one text for one value, so that it can be signed. As the library `rfc8785`, but fast.

Python's own encoder writes the same text for nearly all that envelopes hold. Where it may not (numbers that JavaScript
writes with an exponent, keys outside ASCII, which sort by UTF-16), the library writes it.
"""

import json
from typing import Any, Final

import rfc8785

# Between these Python and JavaScript (ECMA-262 §6.1.6.1.20) write a fraction alike: shortest digits, no exponent.
LEAST_PLAIN: Final = 1e-4
MOST_PLAIN: Final = 1e15
MOST_INTEGER: Final = (1 << 53) - 1  # RFC 8785 §3.2.2.3: what is larger is not exact in JSON

_ENCODER: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class _NotPlainError(Exception):
    """Something that the library must write."""


def canonical_json(value: Any) -> bytes:
    """The canonical bytes of a JSON value. Raises rfc8785.CanonicalizationError for what JSON cannot say exactly."""
    try:
        return _ENCODER.encode(_plain(value)).encode()
    except (_NotPlainError, UnicodeEncodeError, RecursionError):
        return rfc8785.dumps(value)


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
