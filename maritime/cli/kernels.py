"""Kernels ready: compile them once per installation, apart from the work, and say so while it lasts."""

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from maritime.detect.places import EnginePlaces

TYPICAL_COMPILE_S: Final = 100  # measured on two cores of a 2020s server; told so that nobody believes it hangs
POLL_S: Final = 0.2


def ready_kernels(places: "EnginePlaces", *, quiet: bool) -> float:
    """Compile what is not in numba's cache yet, with a progress bar; returns the seconds it took, 0 when all was ready.

    `maritime.kernel_cache` says where compiled kernels are kept.
    """
    from maritime.ais.kernels.messages import decode
    from maritime.detect.kernels.run import run
    from maritime.warmup import warm_up

    with _alone():
        gc.freeze()  # what is loaded by now stays: looking through it for garbage took a tenth of the engine's time
        if _compiled(run) and _compiled(decode):  # the kernels that take nearly all of the time, and call the others
            return 0.0
        if not quiet:
            print(f"compiling kernels, once, about {TYPICAL_COMPILE_S} s …", file=sys.stderr)
        started_s = time.monotonic()
        _with_bar(partial(warm_up, places), quiet=quiet)
    seconds = round(time.monotonic() - started_s, 3)
    if not quiet:
        print(f"compiled in {seconds:.0f} s", file=sys.stderr)
    return seconds


@contextmanager
def _alone() -> Iterator[None]:
    """Hold a lock beside the compiled kernels: of two first starts at once, one compiles and the other waits for it.

    numba fails when two processes fill one cache with kernels that call each other. Where there are no file locks
    (Windows), nothing is held.
    """
    cache = os.environ.get("NUMBA_CACHE_DIR")  # set by maritime.kernel_cache, or by the user
    if fcntl is None or not cache:
        yield
        return
    folder = Path(cache)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "compiling.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _with_bar(work: Callable[[], None], *, quiet: bool) -> None:
    """Do `work` while a bar shows how many of the kernels have appeared in the cache."""
    if quiet or not sys.stderr.isatty():
        work()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    kernels = list(_kernels())
    columns = TextColumn("compiling"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(kernels))
        done = threading.Event()

        def watch() -> None:
            while not done.wait(POLL_S):
                bar.update(task, completed=sum(map(_compiled, kernels)))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            work()
        finally:
            done.set()
            watcher.join()


def _kernels() -> Iterator[Any]:
    """The cached kernels of every module of ours that is loaded."""
    seen: set[int] = set()
    for name, module in sorted(sys.modules.items()):
        if name.startswith("maritime.") and isinstance(module, ModuleType):
            for thing in vars(module).values():
                if hasattr(thing, "py_func") and thing.stats.cache_path and id(thing) not in seen:
                    seen.add(id(thing))
                    yield thing


def _compiled(kernel: Any) -> bool:
    """Whether numba's cache holds an index of this kernel that is as new as its source."""
    code = kernel.py_func.__code__
    source = Path(code.co_filename)
    pattern = f"{source.stem}.{kernel.py_func.__qualname__}-{code.co_firstlineno}.*.nbi"
    written_s = [index.stat().st_mtime for index in Path(kernel.stats.cache_path).glob(pattern)]
    return bool(written_s) and max(written_s) >= source.stat().st_mtime
