"""Spool: every revision of every alert on disk, the newest of each found again without holding them in memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from maritime.alerts.alert import Alert


class AlertSpool:
    """Writes each revision as a JSON line; remembers some 200 bytes per alert: where its newest revision lies.

    `file` is opened for writing and reading; whoever opened it closes it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._newest: dict[str, tuple[int, int]] = {}  # alert_id → raised_ms, offset in the file

    def __len__(self) -> int:
        return len(self._newest)

    def __contains__(self, alert_id: str) -> bool:
        return alert_id in self._newest

    def add(self, alert: Alert) -> None:
        """Append one revision; it becomes the newest of its alert."""
        self._file.seek(0, 2)
        self._newest[alert.alert_id] = (alert.raised_ms, self._file.tell())
        self._file.write(json_line(alert))

    def newest(self) -> Iterator[Alert]:
        """The newest revision of each alert, by the time it was raised, then by id."""
        for alert_id in sorted(self._newest, key=lambda alert_id: (self._newest[alert_id][0], alert_id)):
            self._file.seek(self._newest[alert_id][1])
            yield Alert.from_dict(json.loads(self._file.readline()))


def json_line(alert: Alert) -> bytes:
    """One alert as a line of UTF-8 JSON, the same bytes for equal alerts."""
    return json.dumps(alert.to_dict(), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def read_alerts(path: Path) -> Iterator[Alert]:
    """The alerts of a JSON lines file, in its order; blank lines are passed over.

    Raises OSError when the file cannot be read, ValueError or KeyError when a line is no alert.
    """
    with path.open("rb") as lines:
        for line in lines:
            if line.strip():
                yield Alert.from_dict(json.loads(line))
