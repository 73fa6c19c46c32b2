"""SQLite files of this house's own: readable by nobody else, opened with a bound to waiting."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from maritime.errors import InputError, OutputError

WAIT_S: Final = 10.0  # chosen: for another process's change, which takes milliseconds


def opened(path: Path, what: str, *, read_only: bool) -> sqlite3.Connection:
    """A file, made if need be unless it is only read. Statements are committed one by one until a transaction begins.

    `what` names it to people. Raises InputError when it cannot be opened, OutputError when it cannot be made.
    """
    try:
        if not read_only:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}"
        return sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None)
    except OSError as error:
        raise OutputError(f"{what} {path} cannot be opened ({error.strerror})") from None
    except sqlite3.Error as error:
        raise InputError(f"{what} {path} cannot be opened ({error})") from None


@contextmanager
def closed_if_other(database: sqlite3.Connection, is_none: str) -> Iterator[None]:
    """Close a file that proves inside to be another than was meant; `is_none` says so. Raises InputError."""
    try:
        yield
    except sqlite3.Error as error:
        database.close()
        raise InputError(f"{is_none} ({error})") from None
    except InputError:
        database.close()
        raise
