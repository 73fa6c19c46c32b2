"""`maritime doctor`: is the installation whole?"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from maritime.cli.screen import Json, console, print_json

OLDEST_PYTHON: Final = (3, 11)
FREE_WANTED_BYTES: Final = 1 << 30  # chosen: a day's results and the spill of an unsorted one


def doctor(
    out: Annotated[Path, typer.Option(help="Folder in which results are to be written.")] = Path(),
    as_json: Json = False,
) -> int:
    """Check the installation: Python, packages, kernel cache, coastline, ports, decoder, a place to write."""
    checks: dict[str, Callable[[], str]] = {
        "python": _python,
        "packages": _packages,
        "kernel cache": _kernel_cache,
        "coastline": _coastline,
        "ports": _ports,
        "decoder": _decoder,
        "writing": lambda: _writing(out),
    }
    results = {name: _outcome(check) for name, check in checks.items()}
    whole = all(ok for ok, _ in results.values())
    if as_json:
        print_json({"ok": whole, "checks": {name: {"ok": ok, "detail": told} for name, (ok, told) in results.items()}})
    else:
        for name, (ok, told) in results.items():
            console().print(f"{'ok  ' if ok else 'BAD '} {name}: {told}")
    return 0 if whole else 1


def _outcome(check: Callable[[], str]) -> tuple[bool, str]:
    """Whether a check passed, and what it says; a check may fail in any way."""
    try:
        return True, check()
    except Exception as error:
        return False, str(error) or type(error).__name__


def _python() -> str:
    import platform
    import sys

    if sys.version_info < OLDEST_PYTHON:
        raise RuntimeError(f"{platform.python_version()} is too old; install 3.11 or newer")
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages() -> str:
    """Every requirement of the installed distribution, with its version."""
    import re
    from importlib.metadata import requires, version

    needed = [line for line in requires("maritime-watch") or () if "extra ==" not in line]
    names = [found.group() for line in needed if (found := re.match(r"[\w.-]+", line))]
    return ", ".join(f"{name} {version(name)}" for name in names)


def _kernel_cache() -> str:
    import os

    from maritime.geo.geodesy import distance_m

    folder = Path(distance_m.stats.cache_path or "")
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} is not writable, so kernels compile at every start; set NUMBA_CACHE_DIR")
    return f"compiled kernels are kept in {folder}"


def _coastline() -> str:
    from maritime.geo.coastline import load_coastline

    return f"{load_coastline().id}"


def _ports() -> str:
    from maritime.geo.ports import load_ports

    return f"{len(load_ports().names):,} places"


def _decoder() -> str:
    """A type 1 message with a known position, from bytes to columns."""
    from maritime.ais.decoder import Decoder
    from maritime.columns import SourceTable

    decoder = Decoder(SourceTable(), start_ms=1_577_836_800_000)
    chunks = [decoder.feed(b"!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C\n"), decoder.finish()]
    rows = [row for chunk in chunks for row in chunk.positions.to_pylist()]
    if len(rows) != 1 or rows[0]["mmsi"] != 477_553_000 or abs(rows[0]["lat"] - 47.582833) > 1e-6:
        raise RuntimeError(f"a known sentence decodes to {rows}; install the package again")
    return "a known sentence decodes to its position"


def _writing(out: Path) -> str:
    import shutil
    import tempfile

    existing = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing} is a file; name a folder")
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(b"maritime")
    except OSError as error:
        raise OSError(f"{existing} is not writable ({error.strerror}); choose another folder") from error
    free = shutil.disk_usage(existing).free
    if free < FREE_WANTED_BYTES:
        raise OSError(f"{existing} has {free / 2**30:.2f} GiB free; make room for at least 1 GiB")
    return f"{existing} is writable, {free / 2**30:.0f} GiB free"
