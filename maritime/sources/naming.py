"""File names as text that can be written anywhere: a Unix name is bytes, and not all bytes are UTF-8."""

import os
from pathlib import Path


def shown(path: Path | str) -> str:
    r"""A path as it is; bytes that are no UTF-8 become `\xff` and the like.

    >>> shown("day.csv")
    'day.csv'
    """
    return os.fspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
