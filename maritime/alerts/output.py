"""Output folder: files appear whole or not at all.

Every file is written beside its place under a name ending in `.partial`, flushed to the disk, and renamed when all of
them are complete, `summary.json` last. A folder with a `summary.json` therefore holds one whole run; an interrupted
or failed run leaves the folder without one, and none of its own files.
"""

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

from maritime.errors import OutputError, UsageError

PARTIAL_SUFFIX: Final = ".partial"
SEAL: Final = "summary.json"


class OutputFolder:
    """A folder that receives one run's files; use it as a context manager.

    Leaving the context normally renames the files into place; leaving it by any exception removes them. An OSError
    from writing (disk full, folder not writable) leaves as OutputError with the path and the cause.
    """

    def __init__(self, folder: Path, *, owned: Collection[str] = ()) -> None:
        """`owned` names what earlier runs may have left here; those that this run does not write are removed."""
        self.folder = folder
        self._owned = owned
        self._names: list[str] = []

    def partial(self, name: str) -> Path:
        """Where to write the file that will be called `name`."""
        if name not in self._names:
            self._names.append(name)
        return self.folder / f"{name}{PARTIAL_SUFFIX}"

    def __enter__(self) -> "OutputFolder":
        with write_errors(self.folder):
            make_folder(self.folder)
            for name in self._owned:  # left by a run that was killed outright
                (self.folder / f"{name}{PARTIAL_SUFFIX}").unlink(missing_ok=True)
            probe = self.folder / f"{SEAL}{PARTIAL_SUFFIX}"
            probe.touch()
            probe.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with write_errors(self.folder):
                    self._commit()
            elif isinstance(error, OSError):
                with write_errors(self.folder):
                    raise error
        finally:
            self._remove_partials()

    def _commit(self) -> None:
        for name in self._names:
            sync(self.partial(name))
        (self.folder / SEAL).unlink(missing_ok=True)  # from here until the last rename the folder holds no whole run
        for name in set(self._owned) - set(self._names):
            (self.folder / name).unlink(missing_ok=True)
        for name in sorted(self._names, key=lambda name: name == SEAL):
            self.partial(name).replace(self.folder / name)
        sync(self.folder)

    def _remove_partials(self) -> None:
        for name in self._names:
            with contextlib.suppress(OSError):
                self.partial(name).unlink(missing_ok=True)


@contextlib.contextmanager
def whole_files(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Where to write some files, which appear at `paths` when all of them are complete, or not at all.

    Their folders are made if need be. Raises OutputError when one cannot be written, UsageError when two are the same.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError(f"two of the outputs are one file ({', '.join(map(str, paths))}); give each its own")
    for path in paths:
        if path.exists() and not path.is_file():  # a rename would replace the link or the device itself
            raise OutputError(f"cannot write to {path}: it is not a file; name a file")
        with write_errors(path):
            make_folder(path.parent)
    partials = tuple(path.with_name(f"{path.name}{PARTIAL_SUFFIX}") for path in paths)
    try:
        with write_errors(paths[0]):
            yield partials
            for partial in partials:
                sync(partial)
            for partial, path in zip(partials, paths, strict=True):
                partial.replace(path)
    finally:
        for partial in partials:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn an OSError from writing into an OutputError that names the path."""
    try:
        yield
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error)
        place = error.filename or path
        raise OutputError(f"cannot write to {place}: {cause}; make room or choose another place") from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises OutputError where a file stands in its place."""
    in_the_way = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if in_the_way.exists() and not in_the_way.is_dir():
        raise OutputError(f"cannot write to {folder}: {in_the_way} is not a folder; choose another place")
    folder.mkdir(parents=True, exist_ok=True)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
