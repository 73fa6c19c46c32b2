"""Webhooks that were given up, in a file beside their state: over restarts, until somebody takes them up again."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from maritime.errors import InputError, OutputError


class GivenUp:
    """By feed, why it was given up. Read anew when the file changes, as another process takes feeds up."""

    def __init__(self, state: Path) -> None:
        """`state` is the file that says how far partners have been told. Raises InputError when there is a bad one."""
        self._path = state.with_name(f"{state.name}.given-up")
        self._stamp: tuple[int, int, int] | None = None
        self._known: dict[str, str] = {}
        self.feeds()

    def feeds(self) -> Mapping[str, str]:
        """Those that are given up now. Raises InputError when the file is none of these."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._stamp, self._known = None, {}
            return self._known
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            self._known, self._stamp = _read(self._path), stamp
        return self._known

    def add(self, feed: str, why: str) -> None:
        """Keep that it is told no more."""
        write_whole(self._path, {**self.feeds(), feed: why})

    def take_up(self, partner: str) -> list[str]:
        """Let a partner be told again, from where it was; its feeds that had been given up."""
        known = self.feeds()
        taken = [feed for feed in known if feed.partition("/")[0] == partner]
        if taken:
            write_whole(self._path, {feed: why for feed, why in known.items() if feed not in taken})
        return taken


def write_whole(path: Path, content: Mapping[str, object]) -> None:
    """Write a file that is there whole or as it was. Raises OutputError."""
    new = path.with_name(f"{path.name}.partial")
    try:
        with new.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror})") from None


def _read(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} does not say which webhooks were given up ({error})") from None
    if not isinstance(known, dict) or not all(isinstance(why, str) for why in known.values()):
        raise InputError(f"{path} does not say which webhooks were given up; it is no object of texts")
    return known
