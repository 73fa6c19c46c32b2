"""Poison: a record that no reader can use. It goes to the dead letters with its reason, and the reader goes on."""

from maritime.errors import MaritimeError


class PoisonError(MaritimeError):
    """A record is not what its topic holds. `reason` is a short fixed code, the message says more."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(f"{reason}: {sentence}")
        self.reason = reason
