"""Kernel cache: where numba keeps compiled kernels, so that a changed file never runs with stale ones.

numba compiles a kernel again when the file that holds it changes, but not when the file of a kernel that it *calls*
does. So every state of the package has a cache folder of its own, named by a digest over the path, size and time of
change of its files and of numba and numpy. The folders lie in `$XDG_CACHE_HOME/maritime-watch/kernels`, else in
`~/.cache/…`, else, where neither can be written, in the folder for temporary files; the last few are kept.

Whoever sets NUMBA_CACHE_DIR keeps it, and with it the duty to empty it after changes.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

VARIABLE: Final = "NUMBA_CACHE_DIR"
PROJECT: Final = "maritime-watch"
ABOVE_KERNELS: Final = frozenset(
    {"__pycache__", "alerts", "cli", "console", "evaluate", "reports", "sharing", "simulate"}
)
"""Folders that no kernel may import from (the layers in pyproject.toml), so that they can change without compiling."""

KEPT: Final = 4  # chosen: a few branches or versions side by side; one takes some 20 MB
IN_USE_S: Final = 3600.0  # chosen: a process compiles soon after it starts; a younger folder may be in use


def use_kernel_cache() -> None:
    """Point numba at the cache folder of this state of the package; does nothing when the user has chosen a folder.

    Costs a few milliseconds; safe in many processes at once. Where no folder can be written, numba decides.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen and not _is_ours(Path(chosen)):
        return
    name = digest(Path(__file__).parent)
    for base in bases():
        folder = base / "kernels" / name
        if _ready(base, folder):
            os.environ[VARIABLE] = str(folder)
            if "numba" in sys.modules:  # which read the variable when it was imported
                sys.modules["numba"].config.CACHE_DIR = str(folder)
            return


def bases() -> Iterator[Path]:
    """The folders that may hold the cache, best first."""
    with suppress(RuntimeError):  # no home
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / PROJECT
    import tempfile  # rarely needed, slow to import

    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    yield Path(tempfile.gettempdir()).absolute() / f"{PROJECT}-{user}"


def _is_ours(folder: Path) -> bool:
    """Whether a cache folder was chosen by this file, in a process that this one inherits the variable from."""
    return folder.parent.name == "kernels" and folder.parent.parent.name.startswith(PROJECT)


def digest(package: Path) -> str:
    """Name of the state of a package folder, 16 hex digits: its files and the versions of numba and numpy."""
    state = hashlib.sha256(sys.version.encode())
    libraries = (find_spec("numba"), find_spec("numpy"))
    for origin in [str(library.origin) for library in libraries if library] + sorted(_sources(str(package))):
        status = os.stat(origin)
        state.update(f"{origin}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return state.hexdigest()[:16]


def _sources(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.path
            elif entry.name not in ABOVE_KERNELS and entry.is_dir():
                yield from _sources(entry.path)


def _ready(base: Path, folder: Path) -> bool:
    """Whether the folder is there and is ours to write; marks it as used, and clears away old ones beside a new one."""
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _only_ours_to_write(base):
            return False
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:
        return False
    if is_new:
        _clear_old(folder.parent)
    return os.access(folder, os.W_OK)


def _only_ours_to_write(folder: Path) -> bool:
    """Whether nobody else can have put anything into a folder: what numba loads from there is run."""
    status = folder.stat()
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


def _clear_old(folder: Path) -> None:
    """Remove all but the last few folders in here, except such as may be in use."""
    used_s = {}
    for cache in folder.iterdir():
        with suppress(OSError):  # another process was faster
            used_s[cache] = cache.stat().st_mtime
    oldest_in_use_s = time.time() - IN_USE_S
    for cache in sorted(used_s, key=used_s.__getitem__, reverse=True)[KEPT:]:
        if used_s[cache] < oldest_in_use_s:
            shutil.rmtree(cache, ignore_errors=True)
