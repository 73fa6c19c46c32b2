"""Scribe: the canonical bytes of envelopes that have parts in common, of which each is written once.

The copies of an alert differ by little: mostly in numbers, and in the name of who gets them. What they have in common
is the same object in memory, which is how it is known here; nothing is looked up by what it looks like.
"""

from typing import Any

from pydantic import BaseModel

from maritime.sharing.canonical import in_bytes, written, written_object
from maritime.sharing.envelope import Envelope, Handling, is_part, said, written_part


class Scribe:
    """For the copies of one alert. What it has written must not change, as parts of envelopes never do."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[Any, str]] = {}  # by identity; the part is kept, so that no other gets its number

    def canonical(self, envelope: Envelope) -> bytes:
        """What `Envelope.canonical` gives. Raises InputError as it does."""
        return in_bytes(self._members(envelope))

    def _members(self, part: BaseModel) -> str:
        return written_object((name, self._written(value)) for name, value in said(part).items())

    def _written(self, value: Any) -> str:
        if type(value) is Handling:  # each recipient has its own, of which most is what the others have
            return self._members(value)
        if not (isinstance(value, list) or is_part(type(value))):
            return written(value)
        if id(value) not in self._parts:
            self._parts[id(value)] = (value, written_part(value))
        return self._parts[id(value)][1]
