"""Alerts as they are named on the command line: a replay's folder, or JSON lines of alerts or of envelopes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from maritime.errors import InputError, UsageError

if TYPE_CHECKING:
    from maritime.alerts.alert import Alert
    from maritime.sharing.envelope import Envelope


def given_alerts(path: Path) -> "Iterator[Alert | Envelope]":
    """Every alert of a folder or file, one at a time. Raises InputError with file and line for one that is none."""
    from maritime.cli.given_alert import alert_in
    from maritime.sharing.document_lines import documents
    from maritime.sharing.untrusted import read_object

    file = path / "alerts.jsonl" if path.is_dir() else path
    try:
        with file.open("rb") as stream:
            for line, document in documents(stream):
                if not document.strip():
                    continue
                try:
                    yield alert_in(read_object(document), str(file))
                except (InputError, UsageError) as error:
                    where = file if line is None else f"{file}, line {line}"
                    raise InputError(f"{where}: {error}") from None
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}); name a replay's folder or JSON lines") from None
