"""A stream of bytes cut into blocks of whole lines, with the number of their first line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from maritime.sources.expansion import BROKEN
from maritime.sources.rejects import CONTENT_LIMIT, RejectBook

BLOCK: Final = 4 << 20  # bytes; chosen: some 40,000 rows, so that the cost per block vanishes
LONGEST_LINE: Final = 1 << 20  # bytes; chosen: the widest known format has lines of 2 KiB


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each with its newline."""

    first_line: int
    text: bytes
    lines: int


def line_blocks(pieces: Iterator[bytes], rejects: RejectBook, *, size: int = BLOCK) -> Iterator[Block]:
    """Blocks of about `size` bytes.

    A line of more than LONGEST_LINE is refused and skipped without being held. When the stream breaks, the whole lines
    before the break come first, the half one is refused, and then the stream's error is raised.
    """
    held: list[bytes] = []
    held_size = 0
    line = 1
    broken: Exception | None = None
    skipping = False
    stream = iter(pieces)
    while True:
        try:
            piece = next(stream, None)
        except BROKEN as error:
            broken, piece = error, None
        if piece is None:
            break
        if skipping:
            behind = piece.find(b"\n") + 1
            if not behind:
                continue
            skipping = False
            line += 1
            piece = piece[behind:]
        held.append(piece)
        held_size += len(piece)
        if held_size < size:
            continue
        text, rest = _cut(b"".join(held))
        if text:
            block = Block(line, text, text.count(b"\n"))
            line += block.lines
            yield from _without_long_lines(block, rejects)
        if len(rest) > LONGEST_LINE:
            rejects.add(line, "line_too_long", rest[:CONTENT_LIMIT])
            skipping, rest = True, b""
        held, held_size = [rest], len(rest)
    text, rest = _cut(b"".join(held))
    if rest and broken is None:
        text, rest = text + rest + b"\n", b""
    if text:
        block = Block(line, text, text.count(b"\n"))
        line += block.lines
        yield from _without_long_lines(block, rejects)
    if broken is not None:
        if rest:
            rejects.add(line, "line_cut", rest)
        raise broken


def _without_long_lines(block: Block, rejects: RejectBook) -> Iterator[Block]:
    """The block, or its parts around lines that are too long."""
    text = block.text
    windows = range(0, len(text) - LONGEST_LINE // 2, LONGEST_LINE // 2)  # a line too long fills one of these
    if all(text.find(b"\n", at, at + LONGEST_LINE // 2) >= 0 for at in windows):
        yield block
        return
    begin, first_line, line = 0, block.first_line, block.first_line
    at = 0
    while at < len(text):
        behind = text.find(b"\n", at) + 1
        if behind - at > LONGEST_LINE:
            if at > begin:
                yield Block(first_line, text[begin:at], line - first_line)
            rejects.add(line, "line_too_long", text[at : at + CONTENT_LIMIT])
            begin, first_line = behind, line + 1
        at, line = behind, line + 1
    if begin < len(text):
        yield Block(first_line, text[begin:], line - first_line)


def _cut(text: bytes) -> tuple[bytes, bytes]:
    """Whole lines, and what stands behind the last newline."""
    behind = text.rfind(b"\n") + 1
    return text[:behind], text[behind:]
