"""Formats: a release as the recipient's own system reads it, and back. One file per format.

Each carries native fields, so that the recipient's tools work, and the canonical envelope with its signature, so that
nothing is lost: reading back what was written gives the same bytes. A writer sees the released copy only.
"""

from collections.abc import Callable
from typing import NamedTuple

from maritime.sharing.release import Release


class Format(NamedTuple):
    """How a format is written and read. `parse` raises InputError for what is no envelope in it."""

    render: Callable[[Release], bytes]
    parse: Callable[[bytes], Release]
    media_type: str
    suffix: str
