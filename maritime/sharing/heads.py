"""Heads: the file of a ledger's signed heads, one a line, the newest last; and who adds one on each day (UTC)."""

import os
from pathlib import Path

from maritime.errors import OutputError, SignatureError
from maritime.sharing.envelope import offset_time
from maritime.sharing.keys import KeySet, SigningKey
from maritime.sharing.ledger import Ledger
from maritime.sharing.receipts import Head, read_head, read_heads
from maritime.times import LAST_MS, from_rfc3339
from maritime.units import DAY_MS


def heads_beside(ledger: Path) -> Path:
    """The file of heads that belongs to a ledger if no other is named."""
    return ledger.with_name(f"{ledger.name}.heads")


def add_head(heads: Path, head: Head, key: SigningKey) -> None:
    """Sign a head and add it; it is on the disk when this returns. Raises OutputError."""
    try:
        with heads.open("a", encoding="ascii") as file:
            file.write(head.sign(key) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"{heads} cannot be written ({error.strerror})") from None


class DailyHeads:
    """Signs the first head of each day (UTC) of a ledger, whether anything was added since or not."""

    def __init__(self, path: Path, ledger: Ledger, key: SigningKey) -> None:
        """Raises ConfigurationError when there is a file that cannot be read."""
        self._path, self._ledger, self._key = path, ledger, key
        self._last_ms: int | None = None
        for jws in reversed(read_heads(path) if path.exists() else ()):
            try:
                self._last_ms = from_rfc3339(read_head(jws, KeySet((key.public(),)), LAST_MS).at)
            except SignatureError:  # of another key
                continue
            break

    def sign_due(self, now_ms: int) -> Head | None:
        """The head, if this day had none yet. Raises OutputError."""
        if self._last_ms is not None and now_ms // DAY_MS == self._last_ms // DAY_MS:
            return None
        head = self._ledger.head(offset_time(now_ms // 1000 * 1000))
        add_head(self._path, head, self._key)
        self._last_ms = now_ms
        return head
