"""LineCutter: bytes of a connection into whole lines of bounded length."""

from typing import Final

LONGEST_LINE: Final = 4 * 1024  # a sentence has 82 characters (IEC 61162-1), a tag block as many again


class LineCutter:
    """Where the bytes are split does not matter. A line that is too long is given up while it comes in."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._rest = b""
        self._skipping = False

    def cut(self, piece: bytes) -> tuple[bytes, list[bytes]]:
        """The lines that a piece completes, each with its newline, and the beginnings of those that are too long."""
        begin = 0
        too_long: list[bytes] = []
        if self._skipping:
            begin = piece.find(b"\n") + 1
            if not begin:
                return b"", too_long
            self._skipping = False
        text = self._rest + piece[begin:]
        end = text.rfind(b"\n") + 1
        whole, self._rest = text[:end], text[end:]
        if len(self._rest) > self._longest:
            too_long.append(self._rest[: self._longest])
            self._rest, self._skipping = b"", True
        if any(len(line) > self._longest for line in whole.split(b"\n")):
            lines = whole.split(b"\n")
            too_long = [line[: self._longest] for line in lines if len(line) > self._longest] + too_long
            whole = b"\n".join(line for line in lines if len(line) <= self._longest)
        return whole, too_long

    def end(self) -> bytes:
        """The line that was cut off with the connection."""
        rest, self._rest, self._skipping = self._rest, b"", False
        return rest
