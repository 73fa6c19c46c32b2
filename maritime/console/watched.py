"""Watched files: read again when they have changed, so that a revoked token or a new policy counts at once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from maritime.errors import ConfigurationError

Content = TypeVar("Content")


class Watched(Generic[Content]):
    """A file and what it says. What can no longer be read counts no more: the error comes back at every look."""

    def __init__(self, path: Path, read: Callable[[Path], Content]) -> None:
        """Reads at once. Raises what `read` raises, and ConfigurationError when the file is not there."""
        self._path, self._read = path, read
        self._seen: tuple[int, ...] = ()
        self._content: Content
        self.current()

    def current(self) -> Content:
        """What the file says now."""
        try:
            status = os.stat(self._path)
        except OSError as error:
            self._seen = ()
            raise ConfigurationError(f"{self._path} cannot be read ({error.strerror}); check the path") from None
        state = (status.st_mtime_ns, status.st_size, status.st_ino)
        if state != self._seen:
            self._seen = ()
            self._content = self._read(self._path)
            self._seen = state
        return self._content
