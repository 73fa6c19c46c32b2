"""Packages from npm that a test needs, in the cache folder, pinned. In CI a missing one fails; elsewhere it is said."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def npm_package(name: str, version: str, as_name: str) -> Path:
    """The folder with `node_modules` that holds the package; it is fetched once."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maritime-watch"
    folder = home / f"{as_name}-{version}"
    if (folder / "node_modules" / name).is_dir():
        return folder
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        cannot("node and npm are not installed")
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=home) as made:
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", made, f"{name}@{version}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            cannot(f"npm did not fetch {name} {version} in five minutes")
        if done.returncode:
            cannot(f"npm cannot fetch {name} {version}: {done.stderr.strip()[-300:]}")
        try:
            Path(made).rename(folder)
        except OSError:  # another process was faster
            assert (folder / "node_modules" / name).is_dir()
        Path(made).mkdir(exist_ok=True)  # for the context manager to remove
    return folder


def cannot(reason: str) -> None:
    """Fail in CI, skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
