"""Format: how a release is written for a recipient's own system, and found again in what was written."""

from collections.abc import Callable
from typing import Any, NamedTuple

from maritime.errors import InputError
from maritime.sharing.canonical import canonical
from maritime.sharing.release import Release
from maritime.sharing.untrusted import Carried, bounded


class Format(NamedTuple):
    """`tree_of` reads its syntax; `carried` finds the envelope in what was read, None where that is another format."""

    name: str
    render: Callable[[Release], bytes]
    tree_of: Callable[[bytes], Any]
    carried: Callable[[Any], Carried | None]
    media_type: str
    suffix: str

    def parse(self, document: bytes) -> Release:
        """The release in a document, by the envelope that it carries; native fields do not count.

        The signature is not verified. Raises InputError for a document of another format or without an envelope.
        """
        carried = self.carried(self.tree_of(document))
        if carried is None:
            raise InputError(f"the document is no {self.name}; ask the sender for the format, or let it be found out")
        return carried.release()


def to_json(value: dict[str, Any]) -> bytes:
    """A document of canonical JSON. Raises InputError for what JSON cannot say, and for more than is read."""
    return bounded(canonical(value))
