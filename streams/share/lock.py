"""Lock: one process works for a ledger at a time; it is free again when the process has ended, in whatever way."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maritime.errors import OutputError, UsageError


@contextmanager
def only_one(ledger: Path) -> Iterator[None]:
    """Hold the lock of a ledger, a file beside it. Raises UsageError while another process does."""
    path = ledger.with_name(f"{ledger.name}.lock")
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another place") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UsageError(f"another process shares by the ledger {ledger}; stop it first") from None
    try:
        yield
    finally:
        os.close(descriptor)
