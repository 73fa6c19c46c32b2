"""The refused rows of one file: all counted, the first of them kept."""

from collections import Counter
from typing import Final

from maritime.columns import Reject

MAX_REJECTS_KEPT: Final = 10_000  # chosen: the first ten thousand tell what is wrong; keeps 10 MB at most
CONTENT_LIMIT: Final = 1_024  # as maritime.columns.Reject states


class RejectBook:
    """Collects the rejects of one file; `page` hands out what came since the last page."""

    def __init__(self, file: str, limit: int = MAX_REJECTS_KEPT) -> None:
        self._file = file
        self._left = limit
        self._page: list[Reject] = []
        self._counts: Counter[str] = Counter()

    def add(self, line: int, reason: str, content: bytes) -> None:
        """Count a refused row, and keep it while there is room."""
        self._counts[reason] += 1
        if self._left:
            self._left -= 1
            self._page.append(Reject(self._file, line, reason, content[:CONTENT_LIMIT]))

    @property
    def is_full(self) -> bool:
        """Whether further rejects are only counted, so that their content need not be looked up."""
        return self._left == 0

    def page(self) -> tuple[tuple[Reject, ...], dict[str, int]]:
        """The rejects and the counts by reason since the last page, in order of their lines."""
        page = tuple(sorted(self._page, key=lambda reject: reject.line)), dict(self._counts)
        self._page, self._counts = [], Counter()
        return page
