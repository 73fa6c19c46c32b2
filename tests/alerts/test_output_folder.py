import errno
import os

import pytest

from maritime.alerts.output import OutputFolder, whole_files
from maritime.errors import OutputError

OWNED = ("alerts.jsonl", "map.png", "summary.json")


def write_run(folder, text="new"):
    with OutputFolder(folder, owned=OWNED) as output:
        output.partial("summary.json").write_text(text)
        output.partial("alerts.jsonl").write_text(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_appear_under_their_names_when_all_are_complete(tmp_path):
    out = tmp_path / "deep" / "out"
    write_run(out)
    assert names(out) == ["alerts.jsonl", "summary.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), ValueError("a bug")])
def test_nothing_is_left_of_an_interrupted_run(tmp_path, error):
    def fail(output):
        output.partial("alerts.jsonl").write_text("half")
        raise error

    with pytest.raises(type(error)), OutputFolder(tmp_path, owned=OWNED) as output:
        fail(output)
    assert names(tmp_path) == []


def test_an_earlier_run_stays_whole_when_a_later_one_fails(tmp_path):
    write_run(tmp_path, "old")

    def fail(output):
        output.partial("alerts.jsonl").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), OutputFolder(tmp_path, owned=OWNED) as output:
        fail(output)
    assert (tmp_path / "alerts.jsonl").read_text() == "old"
    assert names(tmp_path) == ["alerts.jsonl", "summary.json"]


def test_a_failure_between_the_renames_leaves_no_summary(tmp_path, monkeypatch):
    write_run(tmp_path, "old")
    real = os.rename
    replaced = []

    def replace(self, target):
        if replaced:
            raise OSError(errno.EIO, "Input/output error", str(target))
        replaced.append(target)
        real(self, target)

    monkeypatch.setattr("pathlib.Path.replace", replace)
    with pytest.raises(OutputError, match="Input/output error"):
        write_run(tmp_path, "new")
    assert replaced
    assert "summary.json" not in names(tmp_path)
    assert not [name for name in names(tmp_path) if name.endswith(".partial")]


def test_files_of_an_earlier_run_that_this_one_does_not_write_are_removed(tmp_path):
    (tmp_path / "map.png").write_text("of the run before")
    (tmp_path / "notes.txt").write_text("not ours")
    (tmp_path / "alerts.jsonl.partial").write_text("of a run that was killed")
    write_run(tmp_path)
    assert names(tmp_path) == ["alerts.jsonl", "notes.txt", "summary.json"]


def test_a_full_disk_is_one_sentence_with_the_path(tmp_path):
    def fill(output):
        output.partial("alerts.jsonl").write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match=r"No space left on device; make room"), OutputFolder(tmp_path) as output:
        fill(output)
    assert names(tmp_path) == []


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match=r"cannot write to .*out"), OutputFolder(tmp_path / "out"):
        pytest.fail("entered")


def test_a_device_or_folder_in_the_place_of_a_file_is_an_error_and_stays(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for place in ("folder", "link"):
        with pytest.raises(OutputError, match=f"{place}: it is not a file"), whole_files(tmp_path / place):
            pytest.fail("entered")
    assert (tmp_path / "link").is_symlink()


def test_some_files_appear_together_or_not_at_all(tmp_path):
    with whole_files(tmp_path / "a.parquet", tmp_path / "b.jsonl") as partials:
        for partial in partials:
            partial.write_text("whole")
        assert names(tmp_path) == ["a.parquet.partial", "b.jsonl.partial"]
    assert names(tmp_path) == ["a.parquet", "b.jsonl"]

    def fail(partials):
        partials[0].write_text("whole")
        partials[1].write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), whole_files(tmp_path / "c.parquet", tmp_path / "d.jsonl") as partials:
        fail(partials)
    assert names(tmp_path) == ["a.parquet", "b.jsonl"]
