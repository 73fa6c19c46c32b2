"""The folder between the server and who shares: each message once, bounded, and no way out of it."""

import os
from pathlib import Path

import pytest

from maritime.errors import OutputError
from maritime.sharing.feedback import MOST_BYTES
from maritime.sharing.feedback_spool import MOST_WAITING, FeedbackSpool
from tests.sharing.speaking import feedback_id


def test_what_is_laid_down_is_found_taken_and_gone(tmp_path: Path) -> None:
    spool = FeedbackSpool(tmp_path / "spool")
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert spool.add("a", feedback_id(1), b"first")
    assert spool.add("b", feedback_id(1), b"other")
    assert spool.add("a", feedback_id(1), b"second")  # what lies there stays
    assert spool.find("a", feedback_id(1)) == b"first"
    assert [(each.partner, each.feedback_id) for each in spool.waiting()] == [
        ("a", feedback_id(1)),
        ("b", feedback_id(1)),
    ]
    for each in spool.waiting():
        spool.remove(each)
        spool.remove(each)
        assert spool.read(each) == b""
    assert list((tmp_path / "spool").iterdir()) == []


def test_one_partner_fills_its_own_share_and_no_more(tmp_path: Path) -> None:
    spool = FeedbackSpool(tmp_path)
    assert all(spool.add("a", feedback_id(number), b"x") for number in range(MOST_WAITING))
    assert not spool.add("a", feedback_id(MOST_WAITING), b"x")
    assert spool.add("b", feedback_id(0), b"x")


def test_other_files_are_passed_over_and_large_ones_cut(tmp_path: Path) -> None:
    spool = FeedbackSpool(tmp_path)
    (tmp_path / f".a~{feedback_id(1)}.json").write_bytes(b"half")
    (tmp_path / "..~x.json").write_bytes(b"")
    (tmp_path / f"A~{feedback_id(1)}.json").write_bytes(b"")
    os.symlink("/etc/passwd", tmp_path / f"a~{feedback_id(2)}.json")
    (tmp_path / f"a~{feedback_id(3)}.json").mkdir()
    assert spool.waiting() == []
    (tmp_path / f"a~{feedback_id(4)}.json").write_bytes(b"x" * 3 * MOST_BYTES)
    (large,) = spool.waiting()
    assert len(spool.read(large)) == MOST_BYTES + 1


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose another place"):
        FeedbackSpool(tmp_path / "file" / "spool")
