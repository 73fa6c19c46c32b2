"""Scribe: the canonical bytes of copies that have parts in common, of which each is written once.

The copies of an alert differ by little: by the recipient's numbers and name. What they have in common is the very same
object in memory, which is how it is known here: two values that only look alike are both written.
"""

from typing import Any

from maritime.sharing.canonical import in_bytes, written_object
from maritime.sharing.envelope import Envelope, Handling, sorted_fields, written_part


class Scribe:
    """For the copies of one alert. They must not change while it is used, as envelopes never do."""

    def __init__(self) -> None:
        self._texts: dict[int, tuple[Any, str]] = {}  # by identity; the value is kept, so that no other gets its number

    def canonical(self, envelope: Envelope) -> bytes:
        """What `Envelope.canonical` gives. Raises InputError as it does."""
        return in_bytes(self._written(envelope))

    def _written(self, part: Envelope | Handling) -> str:
        if part.model_extra:
            return written_part(part)
        members = []
        for name, empty_is_nothing in sorted_fields(type(part)):
            value = getattr(part, name)
            if value is None or (empty_is_nothing and value == []):
                continue
            seen = self._texts.get(id(value))
            members.append((name, seen[1] if seen else self._first(value)))
        return written_object(members)

    def _first(self, value: Any) -> str:
        # each recipient has a handling of its own, of which most is what the others have
        text = self._written(value) if type(value) is Handling else written_part(value)
        self._texts[id(value)] = (value, text)
        return text
