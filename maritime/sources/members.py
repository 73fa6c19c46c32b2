"""What stands in a file on disk: itself, or the members of an archive, as streams of plain bytes. Nothing is ever
extracted to disk.
"""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from maritime.errors import InputError
from maritime.sources.expansion import BROKEN, PIECE, Allowance, container_of, expand, inflate_raw
from maritime.sources.naming import shown

DEEPEST: Final = 3  # chosen: a gz inside a zip is seen in the wild; deeper nesting is a trick
LOCAL_HEADER: Final = struct.Struct("<4sHHHHHIIIHH")  # APPNOTE.TXT 4.3.7
DIRECTORY_END: Final = struct.Struct("<4sHHHHIIH")  # APPNOTE.TXT 4.3.16
MANY_MEMBERS: Final = 0xFFFF  # APPNOTE.TXT 4.4.22: so many, or more than the field holds
STORED, DEFLATED = 0, 8  # APPNOTE.TXT 4.4.5
ENCRYPTED: Final = 1  # APPNOTE.TXT 4.4.4, bit 0
SIZE_FOLLOWS: Final = 8  # APPNOTE.TXT 4.4.4, bit 3: sizes stand behind the bytes
NOT_CONTENT: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db")  # what desktops add to archives


@dataclass(slots=True)
class Member:
    """One stream of rows: a plain or compressed file, or a member of an archive."""

    file: str  # "day.csv.gz" or "day.zip!AIS.csv"
    container: str  # "plain", "gz", "zip", "zip/gz", "parquet", …
    pieces: Iterator[bytes]  # plain bytes; raises one of BROKEN
    consumed: Callable[[], int]  # bytes of the file on disk read so far


class CountedFile:
    """A file that counts what is read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.bytes_read = 0
        self._size = os.fstat(file.fileno()).st_size
        self.allowance = Allowance(self.consumed)

    def consumed(self) -> int:
        """How many bytes of the file were read; members that overlap are read again and count once."""
        return min(self.bytes_read, self._size)

    def pieces(self, size: int | None = None) -> Iterator[bytes]:
        """The bytes from here on, at most `size`."""
        left = size
        while piece := self.file.read(PIECE if left is None else min(PIECE, left)):
            self.bytes_read += len(piece)
            if left is not None:
                left -= len(piece)
            yield piece


def members(path: Path) -> Iterator[Member]:
    """The members of a file, in order of their names. Each is to be read before the next is asked for.

    Raises OSError, or InputError when the file is empty or is an archive that cannot be opened.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever, and cannot be read twice
        raise InputError("is a pipe, socket or device; write what it gives to a file first")
    with path.open("rb") as file:
        head = file.read(8)
        file.seek(0)
        if not head:
            raise InputError("is empty")
        container = container_of(head)
        counted = CountedFile(file)
        if container == "zip":
            yield from _zip_members(path, counted)
        else:
            yield _member(shown(path), container, counted.pieces(), counted)


def _member(name: str, container: str, pieces: Iterator[bytes], counted: CountedFile) -> Member:
    """Peel compression off, again while there is more of it. A break at once is left for whoever reads the pieces."""
    try:
        return _peeled(name, container, pieces, counted)
    except BROKEN as error:
        return Member(name, container, _Broken(error), counted.consumed)


class _Broken:
    """A stream that is broken from its first byte."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        raise self._error


def _peeled(name: str, container: str, pieces: Iterator[bytes], counted: CountedFile) -> Member:
    shells = [container]
    pieces = expand(pieces, container)
    while shells[-1] not in ("plain", "parquet"):
        head = _joined(pieces, 8)
        inner = container_of(head)
        pieces = _chained(head, pieces)
        if inner == "plain":
            break
        if inner in ("zip", "parquet"):
            raise InputError(f"holds a {inner} file inside {shells[-1]}, which cannot be streamed; expand it first")
        if len(shells) == DEEPEST:
            raise InputError(f"is compressed more than {DEEPEST} times over; expand it first")
        shells.append(inner)
        pieces = expand(pieces, inner)
    plain = pieces if shells == ["plain"] else counted.allowance.limited(pieces)
    return Member(name, "/".join(shells), plain, counted.consumed)


def _joined(pieces: Iterator[bytes], size: int) -> bytes:
    """At least `size` bytes from the front, or all there are before the end or a break."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= size:
            break
    return head


def _chained(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from pieces


@dataclass(slots=True)
class _Entry:
    """Where a member of a zip begins, by the directory at its end or, without one, by the header before it."""

    name: str
    offset: int
    method: int
    flags: int
    size: int | None  # compressed; None = not told
    crc: int | None


def _zip_members(path: Path, counted: CountedFile) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(counted.file) as archive:
            listed = [
                _Entry(i.filename, i.header_offset, i.compress_type, i.flag_bits, i.compress_size, i.CRC)
                for i in archive.infolist()
            ]
            comment_size = len(archive.comment)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):
        yield from _members_without_directory(path, counted)
        return
    entries = [e for e in listed if not e.name.endswith("/") and not any(skip in e.name for skip in NOT_CONTENT)]
    if not entries:
        raise InputError("is an archive without members")
    for entry in sorted(entries, key=lambda e: e.name):
        start = _start_of(entry.offset, counted)
        if start is None:
            raise InputError(f"is a damaged zip: its directory points to no member at byte {entry.offset}")
        if counted.allowance.is_spent:
            raise InputError("is taken for an archive bomb; its other members are not read")
        counted.file.seek(start[1])
        yield _zip_member(path, entry, counted, [])
    counted.file.seek(-DIRECTORY_END.size - comment_size, os.SEEK_END)
    *_, promised, _, _, _ = DIRECTORY_END.unpack(counted.file.read(DIRECTORY_END.size))
    if promised not in (len(listed) & MANY_MEMBERS, MANY_MEMBERS):
        raise InputError(
            f"is a damaged zip: its directory lists {len(listed)} of {promised} members; get the file again"
        )


def _members_without_directory(path: Path, counted: CountedFile) -> Iterator[Member]:
    """The members of a zip that was cut off, as far as they go. Raises InputError behind the last."""
    offset: int | None = 0
    while offset is not None and (start := _start_of(offset, counted)) is not None:
        entry, begin = start
        if counted.allowance.is_spent:
            raise InputError("is taken for an archive bomb; its other members are not read")
        counted.file.seek(begin)
        surplus: list[bytes] = []
        yield _zip_member(path, entry, counted, surplus)
        if entry.size is not None:
            offset = begin + entry.size
        else:
            offset = _next_header(counted, surplus)
    raise InputError("is a zip without its directory; the file is cut off")


def _start_of(offset: int, counted: CountedFile) -> tuple[_Entry, int] | None:
    """The local header at an offset, and where its member's bytes begin."""
    counted.file.seek(offset)
    header = counted.file.read(LOCAL_HEADER.size)
    if len(header) < LOCAL_HEADER.size:
        return None
    magic, _, flags, method, _, _, crc, size, _, name_size, extra_size = LOCAL_HEADER.unpack(header)
    if magic != b"PK\x03\x04":
        return None
    name = counted.file.read(name_size).decode("utf-8" if flags & 0x800 else "cp437", errors="replace")
    told = not flags & SIZE_FOLLOWS and size != 0xFFFFFFFF
    entry = _Entry(name, offset, method, flags, size if told else None, crc if told else None)
    return entry, offset + LOCAL_HEADER.size + name_size + extra_size


def _next_header(counted: CountedFile, surplus: list[bytes]) -> int | None:
    """Where the next local header stands, behind a member that was read to its end; None when it was not."""
    if not surplus:
        return None
    behind = counted.file.tell() - len(surplus[0])
    counted.file.seek(behind)
    at = counted.file.read(64).find(b"PK\x03\x04")  # behind a data descriptor of 12 to 24 bytes
    return behind + at if at >= 0 else None


def _zip_member(path: Path, entry: _Entry, counted: CountedFile, surplus: list[bytes]) -> Member:
    name = f"{shown(path)}!{shown(entry.name)}"
    pieces = _checked(_zip_pieces(entry, counted, surplus), entry.crc)
    return _member(name, "zip", pieces, counted)


def _zip_pieces(entry: _Entry, counted: CountedFile, surplus: list[bytes]) -> Iterator[bytes]:
    if entry.flags & ENCRYPTED:
        raise InputError("is encrypted; decrypt it first")
    raw = counted.pieces(entry.size)
    if entry.method == DEFLATED:
        yield from inflate_raw(raw, surplus)
    elif entry.method == STORED and entry.size is not None:
        left = entry.size
        for piece in raw:
            left -= len(piece)
            yield piece
        if left:
            raise EOFError("the stored bytes end too early; the file is cut off")
    else:
        raise InputError(f"uses zip method {entry.method}; only deflate and stored members are read")


def _checked(pieces: Iterator[bytes], crc: int | None) -> Iterator[bytes]:
    """Pass bytes and compare their CRC-32 at the end; raises InputError where it differs."""
    seen = 0
    for piece in pieces:
        seen = zlib.crc32(piece, seen)
        yield piece
    if crc is not None and seen != crc:
        raise InputError("does not match its checksum; the archive is damaged")
