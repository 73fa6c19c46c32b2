"""Merkle tree of RFC 9162 section 2.1: a root over all entries; short proofs that one is in, or that none went.

A node at (level, index) is the root of the 2^level leaves from index * 2^level on. Complete ones never change, so that
they can be stored as leaves are added; the others are made from them when asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Final

Node = Callable[[int, int], bytes]
"""Looks up a complete node by level and index."""

EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a leaf."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node by its two children."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the largest complete subtrees, left to right: all that is needed to add leaves."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)

    def add(self, leaf: bytes) -> list[bytes]:
        """Add the hash of a leaf; gives the nodes that it completes, from its own level up."""
        completed, size = [leaf], self.size
        while size & 1:
            completed.append(node_hash(self._peaks.pop(), completed[-1]))
            size >>= 1
        self._peaks.append(completed[-1])
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        *lefts, right = self._peaks
        for left in reversed(lefts):
            right = node_hash(left, right)
        return right


def frontier(size: int, node: Node) -> Frontier:
    """The frontier of the first `size` leaves."""
    return Frontier(size, list(_peaks(0, size, node)))


def inclusion_path(index: int, size: int, node: Node) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1: what is hashed with leaf `index`, from below, to give the root of `size`."""
    path, last, level = [], size - 1, 0
    while last:
        sibling = index ^ 1
        if sibling < last:
            path.append(node(level, sibling))
        elif sibling == last:
            path.append(_range_root(sibling << level, size, node))
        index, last, level = index >> 1, last >> 1, level + 1
    return path


def consistency_path(first: int, second: int, node: Node) -> list[bytes]:
    """PROOF of RFC 9162 section 2.1.4.1: that the first `first` of `second` leaves are those of the older tree."""
    return _subproof(first, 0, second, node, whole=True) if first else []


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the hash of a leaf to the root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, reached = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            reached = node_hash(step, reached)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            reached = node_hash(reached, step)
        place, last = place >> 1, last >> 1
    return last == 0 and reached == root


def extends(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the newer tree begins with all leaves of the older (RFC 9162 section 2.1.4.2)."""
    if first == second:
        return not path and first_root == second_root
    if first == 0:
        return not path and first_root == EMPTY_ROOT and second > 0
    if not 0 < first < second:
        return False
    steps = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not steps:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, step)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _peaks(start: int, end: int, node: Node) -> Iterator[bytes]:
    """Roots of the complete subtrees of leaves `start` to before `end`, which begin at a multiple of their size."""
    for level in reversed(range((end - start).bit_length())):
        if (end - start) >> level & 1:
            yield node(level, start >> level)
            start += 1 << level


def _range_root(start: int, end: int, node: Node) -> bytes:
    return Frontier(end - start, list(_peaks(start, end, node))).root()


def _subproof(first: int, start: int, end: int, node: Node, *, whole: bool) -> list[bytes]:
    """SUBPROOF; `first` counts from the beginning of the tree. `whole`: the reader has this subtree's root."""
    if first == end:
        return [] if whole else [_range_root(start, end, node)]
    middle = start + (1 << (end - start - 1).bit_length() - 1)
    if first <= middle:
        return [*_subproof(first, start, middle, node, whole=whole), _range_root(middle, end, node)]
    return [*_subproof(first, middle, end, node, whole=False), _range_root(start, middle, node)]
