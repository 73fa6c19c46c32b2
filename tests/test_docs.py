"""What README and docs tell people to type works, and what they point at is there."""

import re
import shlex

import pytest

from tests.cli.running import PROJECT, maritime

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
README = PAGES[0].read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_readme_run(tmp_path):
    (tmp_path / "configs").symlink_to(PROJECT / "configs")
    lines = re.findall(r"^\$ maritime (.+)$", "".join(blocks(PAGES[0], "console")), re.MULTILINE)
    assert lines
    for line in lines:
        ran = maritime(*shlex.split(line), cwd=tmp_path)
        assert ran.code == 0, f"{line}: {ran.err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_and_benchmarks_exist(page):
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= TARGETS
    for module in re.findall(r"python -m (benchmarks\.\w+)", text):
        assert (PROJECT / module.replace(".", "/")).with_suffix(".py").exists(), module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_first_screen_holds_a_command_an_alert_and_a_small_picture():
    first = README.split("\n## ", 1)[0]
    assert "make demo" in first
    assert '"alert_id"' in first
    assert (PROJECT / "docs" / "img" / "demo_map.png").stat().st_size < 300 * 1024
