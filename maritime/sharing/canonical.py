"""Canonical JSON (RFC 8785): the one way to write a value, so that a signature over it holds wherever it is read."""

from typing import Any

import rfc8785

from maritime.errors import InputError


def canonical(value: Any) -> bytes:
    """The canonical bytes of a JSON value. Raises InputError for numbers and text that JSON cannot say exactly."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        raise InputError(
            "a number beyond 2^53 or half a character has no canonical form (RFC 8785); leave it out"
        ) from None


def in_text(value: str | float | bool | None) -> str:
    """Text as it is, and all else as canonical JSON has it, so that 50 and 50.0 are the same."""
    return value if isinstance(value, str) else canonical(value).decode()
