"""What every document carries beside its native fields: the canonical envelope, from which alone it is read back."""

import rfc8785
from pydantic import ValidationError

from maritime.errors import InputError
from maritime.sharing.envelope import Envelope


def canonical_of(envelope: Envelope) -> bytes:
    """The envelope's canonical bytes. Raises InputError for numbers that JSON cannot say exactly."""
    try:
        return envelope.canonical()
    except rfc8785.CanonicalizationError as error:
        raise InputError(
            f"alert '{envelope.alert_id}' holds a number that JSON cannot say exactly ({error}); leave it out"
        ) from None


def envelope_of(carried: bytes) -> Envelope:
    """The envelope in these bytes. Raises InputError when they are none, nested too deep, or not canonical."""
    try:
        envelope = Envelope.model_validate_json(carried)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "its JSON"
        raise InputError(f"the carried envelope is wrong at {field}: {first['msg']}; ask the sender") from None
    if canonical_of(envelope) != carried:
        raise InputError("the carried envelope is not canonical JSON (RFC 8785); ask the sender for what was signed")
    return envelope
