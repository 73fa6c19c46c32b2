"""Feedback spool: the folder in which the server for partners lays what came over HTTP, for who shares to take.

The server decides nothing and does not write into the ledger; all that it may write is this folder. A file is one
message, and its name says whose it is and under which id, so that the same message lies there once.
"""

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

from maritime.errors import OutputError
from maritime.sharing.envelope import UUID4
from maritime.sharing.feedback import MOST_BYTES

MOST_WAITING: Final = 200  # chosen: of one partner; more than a minute's requests, taken within seconds
_NAME: Final = re.compile(rf"([a-z0-9][a-z0-9-]{{0,62}})~({UUID4})\.json")


class Spooled(NamedTuple):
    """A message that waits."""

    partner: str
    feedback_id: str
    path: Path


class FeedbackSpool:
    """One folder; two processes use it, one that adds and one that takes."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder if need be, for its owner alone. Raises OutputError when it cannot."""
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be made ({error.strerror}); choose another place") from None

    def find(self, partner: str, feedback_id: str) -> bytes | None:
        """A message that waits; None when there is none of that id."""
        return _read(self._path(partner, feedback_id))

    def add(self, partner: str, feedback_id: str, document: bytes) -> bool:
        """Lay a message down, on the disk when this returns; False when too many of the partner wait.

        One that lies there already stays as it is. Raises OutputError when it cannot be written.
        """
        try:
            if sum(each.partner == partner for each in self.waiting()) >= MOST_WAITING:
                return False
            path = self._path(partner, feedback_id)
            partial = path.with_name(f".{path.name}")
            with partial.open("wb") as file:
                file.write(document)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                partial.unlink()
            else:
                partial.rename(path)
                self._to_disk()
        except OSError as error:
            raise OutputError(f"{self._folder} cannot be written ({error.strerror})") from None
        return True

    def waiting(self) -> list[Spooled]:
        """What waits, oldest first. Raises OutputError when the folder cannot be read."""
        found = []
        try:
            for entry in os.scandir(self._folder):
                match = _NAME.fullmatch(entry.name)
                if match is not None and entry.is_file(follow_symlinks=False):
                    found.append((entry.stat(follow_symlinks=False).st_mtime_ns, match, Path(entry.path)))
        except OSError as error:
            raise OutputError(f"{self._folder} cannot be read ({error.strerror}); mend it") from None
        found.sort(key=lambda each: (each[0], each[2]))
        return [Spooled(match[1], match[2], path) for _, match, path in found]

    def read(self, spooled: Spooled) -> bytes:
        """A message, or the beginning of what is too large to be one; empty when it is gone."""
        return _read(spooled.path) or b""

    def remove(self, spooled: Spooled) -> None:
        """It was taken, and is on the disk elsewhere. Raises OutputError when it cannot be removed."""
        try:
            spooled.path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{spooled.path} cannot be removed ({error.strerror}); mend the folder") from None

    def _path(self, partner: str, feedback_id: str) -> Path:
        name = f"{partner}~{feedback_id}.json"
        assert _NAME.fullmatch(name)
        return self._folder / name

    def _to_disk(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError:
        return None
