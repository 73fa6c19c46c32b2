"""Documents in a stream: one of any format, or many as JSON lines, each given as soon as it is read."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from maritime.sharing.untrusted import MOST_BYTES

_CUT: Final = MOST_BYTES + 1  # one more than is read, so that who reads it says that it is too large


def documents(stream: BinaryIO) -> Iterator[tuple[int | None, bytes]]:
    """Each document with its line; None for a document that is the whole stream. Never more than one is in memory.

    A first line that is an object of JSON by itself is the first of many; anything else begins one document.
    """
    line = stream.readline(_CUT)
    if not _is_object(line):
        yield None, line + stream.read(max(0, _CUT - len(line)))
        return
    number = 0
    while line:
        number += 1
        if line.strip():
            yield number, line
        while line and not line.endswith(b"\n"):  # what is too long is passed over to its end
            line = stream.readline(_CUT)
        line = stream.readline(_CUT)


def _is_object(line: bytes) -> bool:
    bare = line.strip()
    return bare.startswith(b"{") and bare.endswith(b"}")
