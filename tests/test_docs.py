"""What README and docs tell people to type works, and what they point at is there."""

import json
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
import typer
from matplotlib.image import imread

from maritime.cli import app
from tests.cli.running import PROJECT, maritime, with_alert_id

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
README = PAGES[0].read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page):
    return re.findall(r"^\$ maritime (.+)$", "".join(blocks(page, "console")), re.MULTILINE)


def test_every_command_shown_is_in_a_console_block():
    """So that it is run: by the next test, or those of commands.md by tests/cli/test_commands_documented.py."""
    names = "|".join(typer.main.get_command(app).commands)
    for page in PAGES:
        shown = re.findall(rf"^(?:\$ )?maritime (?:{names})\b", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(shown) == len(commands(page)), page.name
    assert commands(PAGES[0])


@pytest.mark.parametrize(
    "page", [page for page in PAGES if commands(page) and page.name != "commands.md"], ids=lambda page: page.name
)
def test_the_commands_of_a_page_run(page, tmp_path):
    for folder in ("configs", "docs"):
        (tmp_path / folder).symlink_to(PROJECT / folder)
    for line in commands(page):
        ran = maritime(*shlex.split(with_alert_id(line, tmp_path)), cwd=tmp_path)
        assert ran.code == 0, f"{line}: {ran.err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_and_benchmarks_exist(page):
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= TARGETS
    for module in re.findall(r"python -m (benchmarks\.\w+)", text):
        assert (PROJECT / module.replace(".", "/")).with_suffix(".py").exists(), module


@pytest.mark.parametrize(
    "module", sorted(set(re.findall(r"python -m (benchmarks\.\w+)", "".join(page.read_text() for page in PAGES))))
)
def test_every_benchmark_says_what_it_takes(module):
    ran = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "usage:" in ran.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    ran = maritime("demo", "--out", "out", cwd=folder)
    assert ran.code == 0, ran.err
    return folder / "out"


def test_the_alert_of_the_readme_is_one_of_the_demo(demo):
    """Shortened by whole fields; what is shown is what the file holds, character for character."""
    (shown,) = (json.loads(block) for block in blocks(PAGES[0], "json"))
    lines = (demo / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if shown["alert_id"] in line)
    for key, value in shown.items():
        assert f'"{key}":{json.dumps(value, separators=(",", ":"))}' in line


def test_the_map_of_the_readme_is_that_of_the_demo(demo):
    shown, drawn = (imread(path)[..., :3] for path in (PROJECT / "docs" / "img" / "demo_map.png", demo / "map.png"))
    assert shown.shape == drawn.shape
    assert np.abs(shown - drawn).mean() < 0.002  # another build of the drawing library may place a letter a hair off


def test_the_first_screen_holds_a_command_an_alert_and_a_small_picture():
    first = README.split("\n## ", 1)[0]
    assert "make demo" in first
    assert '"alert_id"' in first
    assert (PROJECT / "docs" / "img" / "demo_map.png").stat().st_size < 300 * 1024
