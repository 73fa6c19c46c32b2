"""Rejects as JSON lines: what was refused, where, why, and its bytes. All are counted, the first of each kept."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from maritime.columns import Reject

KEPT_PER_REASON: Final = 10_000  # chosen: enough to study a fault, at most some 10 MB for each of the few reasons


class RejectFile:
    """Takes rejects as they come. `by_reason` counts all of them; the file holds the first 10,000 of each reason."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="ascii")
        self._kept: Counter[str] = Counter()
        self.by_reason: Counter[str] = Counter()

    @property
    def kept(self) -> int:
        """How many are in the file."""
        return self._kept.total()

    def add(self, rejects: Iterable[Reject], counts: Mapping[str, int] | None = None) -> None:
        """Keep some rejects; `counts` by reason where more were refused than are handed over."""
        told: Counter[str] = Counter()
        for reject in rejects:
            told[reject.reason] += 1
            if self._kept[reject.reason] < KEPT_PER_REASON:
                self._kept[reject.reason] += 1
                self._file.write(reject_line(reject))
        self.by_reason.update({reason: max(n, (counts or {}).get(reason, 0)) for reason, n in told.items()})
        self.by_reason.update({reason: n for reason, n in (counts or {}).items() if reason not in told})

    def close(self) -> None:
        """Flush and close the file."""
        self._file.close()


def reject_line(reject: Reject) -> str:
    r"""One reject as a line of JSON. Each byte is the character of its number: `0xE9` is written `\u00e9`."""
    record = {
        "file": reject.file,
        "line": reject.line,
        "reason": reject.reason,
        "bytes": reject.content.decode("latin-1"),
    }
    return json.dumps(record, ensure_ascii=True) + "\n"
