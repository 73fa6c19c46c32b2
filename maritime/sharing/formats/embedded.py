"""Embedded: the canonical envelope and its signature, read back out of a document that comes from outside."""

import json
import re
from typing import Any, Final

import rfc8785
from pydantic import ValidationError
from pydantic_core import from_json

from maritime.errors import InputError
from maritime.sharing.envelope import Envelope
from maritime.sharing.release import Release
from maritime.sharing.wording import one_line

LARGEST_DOCUMENT_BYTES: Final = 4_000_000  # chosen: a thousand times an ordinary alert; read whole into memory
_COMPACT_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+")  # RFC 7515 §7.1, payload detached


def bounded(document: bytes, format_name: str) -> bytes:
    """The document; raises InputError when it is larger than anything that is read."""
    if len(document) > LARGEST_DOCUMENT_BYTES:
        raise InputError(
            f"the {format_name} document has {len(document):,} bytes; at most {LARGEST_DOCUMENT_BYTES:,} are read"
        )
    return document


def json_of(text: bytes, what: str) -> Any:
    """JSON as values. Raises InputError for what is none: also NaN, text that is not UTF-8, and endless nesting."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InputError(f"{what} is not JSON: {error}; send it as it was written") from error


def release_of(record: Any, jws: str | None, format_name: str) -> Release:
    """The release of an embedded envelope (as JSON values) and signature.

    The signature is not verified here. Raises InputError for an envelope that does not fit the schema, or that has
    numbers which canonical JSON cannot say, and for a text that has not the form of a signature.
    """
    try:
        envelope = Envelope.model_validate(record)
        envelope.canonical()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = one_line(".".join(map(str, first["loc"])), 80) or "its root"
        why = one_line(first["msg"], 160)
        raise InputError(f"the envelope in this {format_name} does not fit the schema at {where}: {why}") from error
    except rfc8785.CanonicalizationError as error:
        raise InputError(f"the envelope in this {format_name} has no canonical JSON: {error}") from error
    if jws is not None and not _COMPACT_JWS.fullmatch(jws):
        raise InputError(
            f"the signature in this {format_name} is no compact JWS: {json.dumps(jws)[:60]}; send it as it was"
        )
    return Release(envelope, jws)
