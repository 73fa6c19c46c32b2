"""Ids that a format needs, derived from what the envelope has: the same in every run, and over an alert's revisions."""

from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("48ed55ae-5c87-4dcb-95c9-27419f208b4e")  # drawn once at random, for this project's formats


def derived(*parts: str | int) -> str:
    """The UUID (RFC 9562 version 5) of some words in their order."""
    return str(uuid5(NAMESPACE, "/".join(map(str, parts))))


def revision_name(alert_id: str, revision: int) -> str:
    """One revision of an alert, where a format names it by any word."""
    return f"{alert_id}@{revision}"
