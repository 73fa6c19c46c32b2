"""What holds for the project as a whole: the kernel cache, the settings file, the targets of make."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from maritime import kernel_cache
from maritime.config import LIVE_SECTIONS, load_settings
from maritime.detect.settings import DetectSettings
from streams.settings import LiveSettings

PROJECT = Path(__file__).resolve().parents[1]
CALLED = "from numba import njit\n\n\n@njit(cache=True)\ndef called(x):\n    return x + {}\n"
CALLER = """
from numba import njit
from toy.called import called


@njit(cache=True)
def caller(x):
    return called(x)
"""
CALL = """
from pathlib import Path
import toy
from maritime import kernel_cache
from maritime.config import LIVE_SECTIONS, load_settings
from maritime.detect.settings import DetectSettings
from streams.settings import LiveSettings
kernel_cache.__file__ = toy.__file__
kernel_cache.use_kernel_cache()
from toy.caller import caller
print(caller(1), sum(caller.stats.cache_hits.values()))
"""


@pytest.fixture
def cache_home(tmp_path, monkeypatch):
    """An empty home for caches; afterwards all is as it was."""
    monkeypatch.setenv(kernel_cache.VARIABLE, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    (tmp_path / "temporary").mkdir()
    return tmp_path


@pytest.fixture
def toy(tmp_path):
    """A package of two kernels, and a way to call the outer one in a process of its own."""
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "called.py").write_text(CALLED.format(1))
    (package / "caller.py").write_text(CALLER)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"PYTHONPATH": str(tmp_path)}

    def call(**variables):
        command = [sys.executable, "-c", CALL]
        done = subprocess.run(command, env={**environment, **variables}, capture_output=True, text=True, check=True)
        return tuple(map(int, done.stdout.split()))

    return package, call


def test_a_changed_kernel_that_is_only_called_gives_new_results(toy):
    package, call = toy
    assert call() == (2, 0)
    assert call() == (2, 1), "the second process found the compiled kernel"
    (package / "called.py").write_text(CALLED.format(41))
    assert call() == (42, 0)


def test_the_users_own_cache_folder_stays(toy, tmp_path):
    _, call = toy
    mine = tmp_path / "mine"
    assert call(NUMBA_CACHE_DIR=str(mine)) == (2, 0)
    assert list(mine.rglob("*.nbi"))
    assert not list((tmp_path / "cache").rglob("toy*"))


def test_processes_that_start_together_agree(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment["XDG_CACHE_HOME"] = str(tmp_path)
    command = [sys.executable, "-c", "import maritime, os; print(os.environ['NUMBA_CACHE_DIR'])"]
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    folders = {process.communicate(timeout=60)[0].strip() for process in started}
    assert {process.returncode for process in started} == {0}
    (folder,) = folders
    assert Path(folder).is_relative_to(tmp_path)


def test_a_cache_home_that_cannot_be_used_is_not_used(cache_home, monkeypatch):
    blocked = cache_home / "a file, no folder"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    kernel_cache.use_kernel_cache()
    assert Path(os.environ["NUMBA_CACHE_DIR"]).is_relative_to(cache_home / "temporary")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owner here")
def test_a_cache_that_others_can_write_to_is_not_used(cache_home):
    base = cache_home / kernel_cache.PROJECT
    base.mkdir()
    base.chmod(0o777)
    kernel_cache.use_kernel_cache()
    assert Path(os.environ["NUMBA_CACHE_DIR"]).is_relative_to(cache_home / "temporary")


def test_only_the_last_few_caches_are_kept(cache_home):
    folder = cache_home / kernel_cache.PROJECT / "kernels"
    old_s = time.time() - 2 * kernel_cache.IN_USE_S
    for age in range(7):
        (folder / f"old{age}").mkdir(parents=True)
        os.utime(folder / f"old{age}", (old_s - age, old_s - age))
    (cache_home / kernel_cache.PROJECT).chmod(0o700)
    kernel_cache.use_kernel_cache()
    kept = {cache.name for cache in folder.iterdir()}
    assert kept == {Path(os.environ["NUMBA_CACHE_DIR"]).name, "old0", "old1", "old2"}


def test_choosing_the_folder_costs_few_milliseconds(cache_home):
    seconds = []
    for _ in range(20):
        started_s = time.perf_counter()
        kernel_cache.use_kernel_cache()
        seconds.append(time.perf_counter() - started_s)
    assert min(seconds) < 0.005


@pytest.mark.parametrize(("name", "model"), [("default", DetectSettings), ("live", LiveSettings)])
def test_the_default_settings_files_are_what_the_code_has(name, model):
    path = PROJECT / "configs" / f"{name}.yaml"
    assert load_settings(model, path) == model()
    written = yaml.safe_load(path.read_text())
    assert {name: set(branch) for name, branch in written.items()} == {
        name: set(type(branch).model_fields) for name, branch in model()
    }


def test_live_settings_share_a_file_with_those_of_detection():
    assert set(LIVE_SECTIONS) == set(LiveSettings.model_fields)
    assert not set(LIVE_SECTIONS) & set(DetectSettings.model_fields)
