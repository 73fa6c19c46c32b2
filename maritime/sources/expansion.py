"""Compressed bytes to plain ones, piece by piece: everything before a break comes out before the error is raised."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import pyarrow as pa

from maritime.errors import InputError

PIECE: Final = 1 << 18  # bytes read from disk, and about what comes out, at a time

MAGIC: Final = {
    "gz": b"\x1f\x8b",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zst": b"\x28\xb5\x2f\xfd",
    "zip": b"PK\x03\x04",
    "parquet": b"PAR1",
}
"""First bytes: RFC 1952, bzip2's and xz's file formats, RFC 8878, APPNOTE.TXT 4.3.7, Parquet's format page."""

BROKEN: Final = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException, InputError)
"""What reading damaged or vanished bytes raises."""


def container_of(head: bytes) -> str:
    """`"gz"`, `"bz2"`, `"xz"`, `"zst"`, `"zip"`, `"parquet"` or `"plain"`, by the first bytes."""
    if head[:4] == b"PK\x05\x06":  # a zip of no members
        return "zip"
    return next((name for name, magic in MAGIC.items() if head.startswith(magic)), "plain")


def expand(pieces: Iterator[bytes], container: str) -> Iterator[bytes]:
    """Decompress a stream of a known container; `plain` passes. Raises one of BROKEN where the stream is damaged."""
    if container == "gz":
        return _inflate(pieces, lambda: zlib.decompressobj(wbits=31))
    if container == "bz2":
        return _decompress(pieces, bz2.BZ2Decompressor)
    if container == "xz":
        return _decompress(pieces, lzma.LZMADecompressor)
    if container == "zst":
        return _unzstd(pieces)
    return pieces


def inflate_raw(pieces: Iterator[bytes], surplus: list[bytes]) -> Iterator[bytes]:
    """Decompress one bare deflate stream, as zip members are; what follows it goes to `surplus`."""
    engine = zlib.decompressobj(wbits=-15)
    for piece in pieces:
        left = piece
        while left and not engine.eof:
            yield engine.decompress(left, PIECE)
            left = engine.unconsumed_tail
        if engine.eof:
            surplus.append(engine.unused_data)
            return
    raise EOFError("the compressed bytes end too early; the file is cut off")


def _inflate(pieces: Iterator[bytes], new: Callable[[], Any]) -> Iterator[bytes]:
    engine = new()
    begun = False
    for piece in pieces:
        left = piece
        while left:
            begun = True
            yield engine.decompress(left, PIECE)
            if engine.eof:
                left = engine.unused_data.lstrip(b"\0")  # RFC 1952 §2.2: members follow each other; padding may, too
                engine, begun = new(), False
            else:
                left = engine.unconsumed_tail
    if begun:
        raise EOFError("the compressed bytes end too early; the file is cut off")


def _decompress(pieces: Iterator[bytes], new: Callable[[], Any]) -> Iterator[bytes]:
    engine = new()
    begun = False
    for piece in pieces:
        left = piece
        while left or not (engine.needs_input or engine.eof):
            begun = True
            yield engine.decompress(left, PIECE)
            left = b""
            if engine.eof:
                left = engine.unused_data.lstrip(b"\0")
                engine, begun = new(), False
    if begun:
        raise EOFError("the compressed bytes end too early; the file is cut off")


def _unzstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    with pa.CompressedInputStream(pa.PythonFile(PieceFile(pieces), mode="r"), "zstd") as stream:
        while piece := stream.read(PIECE):
            yield piece


class PieceFile(io.RawIOBase):
    """A stream of pieces as a readable file, for libraries that want one."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        """It is, and nothing else."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; empty at the end."""
        while not self._left:
            self._left = next(self._pieces, None) or b""
            if not self._left:
                return b""
        taken, self._left = (self._left, b"") if size < 0 else (self._left[:size], self._left[size:])
        return taken


LARGEST_RATIO: Final = 200  # chosen: AIS logs compress 6 : 1 with gzip and up to 25 : 1 with xz
FREE_BYTES: Final = 64 << 20  # chosen: so much may expand at any ratio, for small files of one repeated line
LARGEST_TOTAL: Final = 1 << 40  # chosen: 1 TiB, some 10 thousand million rows


class Allowance:
    """How much a file on disk may expand to, over all its members; `consumed` gives how much of it was read."""

    def __init__(self, consumed: Callable[[], int]) -> None:
        self._consumed = consumed
        self._total = 0

    @property
    def is_spent(self) -> bool:
        """Whether the file expanded to absurdly more than itself."""
        return self._total > FREE_BYTES and self._total > LARGEST_RATIO * max(1, self._consumed())

    def take(self, size: int) -> None:
        """Count plain bytes. Raises InputError when there is no allowance for them."""
        self._total += size
        if self.is_spent:
            raise InputError(
                f"expands more than {LARGEST_RATIO} : 1 and is taken for an archive bomb; expand it yourself"
            )
        if self._total > LARGEST_TOTAL:
            raise InputError(f"expands to more than {LARGEST_TOTAL >> 30} GiB; split it")

    def limited(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pass plain bytes while there is allowance for them."""
        for piece in pieces:
            self.take(len(piece))
            yield piece
