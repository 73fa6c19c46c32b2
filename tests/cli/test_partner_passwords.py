"""What becomes of a new password when the log does not take it."""

import stat

import pytest

from maritime.cli.partners import _folder, _give_password
from maritime.errors import OutputError, RefusedError, TransportError, UsageError
from streams.topics import Credential

CREDENTIAL = Credential("partner.north", "SCRAM-SHA-512")


class Log:
    def __init__(self, error=None):
        self.error, self.took = error, []

    def set_password(self, credential, password):
        self.took.append(password.get_secret_value())
        if self.error is not None:
            raise self.error


@pytest.fixture
def before(tmp_path):
    file = tmp_path / "partner.north.password"
    file.write_text("before\n")
    return file


def test_the_file_holds_what_the_log_took(tmp_path, before):
    log = Log()
    assert _give_password(log, CREDENTIAL, tmp_path) == before
    assert before.read_text() == f"{log.took[0]}\n"
    assert stat.S_IMODE(before.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [before]


def test_refused_the_old_one_stays(tmp_path, before):
    with pytest.raises(RefusedError):
        _give_password(Log(RefusedError("no")), CREDENTIAL, tmp_path)
    assert before.read_text() == "before\n"
    assert list(tmp_path.iterdir()) == [before]


def test_where_nobody_knows_both_are_kept_and_the_file_is_named_but_not_what_is_in_it(tmp_path, before):
    log = Log(TransportError("no answer; is the log up?"))
    with pytest.raises(TransportError, match=r"it is the one in .*partner\.north\.password\.new") as raised:
        _give_password(log, CREDENTIAL, tmp_path)
    new = tmp_path / "partner.north.password.new"
    assert (before.read_text(), new.read_text()) == ("before\n", f"{log.took[0]}\n")
    assert log.took[0] not in str(raised.value)
    again = Log()
    _give_password(again, CREDENTIAL, tmp_path)  # what was left does not stand in the way
    assert before.read_text() == f"{again.took[0]}\n"
    assert again.took != log.took


def test_a_link_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    for name in ("partner.north.password", "partner.north.password.new"):
        (tmp_path / name).symlink_to(elsewhere)
    _give_password(Log(), CREDENTIAL, tmp_path)
    assert elsewhere.read_text() == "untouched"
    assert not (tmp_path / "partner.north.password").is_symlink()


def test_the_folder_is_looked_at_before_anything_is_done(tmp_path):
    made = _folder(tmp_path / "deep" / "secrets", ["partner.north"])
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        _folder(tmp_path / "file", ["partner.north"])
    with pytest.raises(UsageError, match=r"--secrets is missing: partner\.north"):
        _folder(None, ["partner.north"])
    assert _folder(None, []) is None
