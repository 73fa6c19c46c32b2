"""Check of a ledger: whether its entries are those that were written, by their hashes and by signed heads."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import rfc8785

from maritime.errors import InputError
from maritime.sharing.ledger import BEGINNING, Ledger, entry_hash, leaf_of
from maritime.sharing.merkle import Frontier, leaf_hash
from maritime.sharing.receipts import Head
from maritime.sharing.untrusted import read_object


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a ledger is not what it was. `seq` is the first entry that is wrong, or that is not there.

    `until` is not `seq + 1` where only a signed head shows it: then one of the entries from `seq` to before `until`.
    """

    seq: int
    until: int
    sentence: str


def check(ledger: Ledger, heads: Iterable[Head] = ()) -> Fault | None:
    """The first entry that was changed, removed, moved or put in since it was written; None when there is none.

    Without heads, entries removed from the end do not show, nor does a ledger whose hashes were all made anew.

    Raises InputError when the file cannot be read to its end.
    """
    awaited = sorted(heads, key=lambda head: head.size)
    tree, previous, sound = Frontier(), BEGINNING, 0
    fault = _against(awaited, tree, previous, sound)
    for row in ledger.stored():
        if fault is not None:
            return fault
        seq = tree.size
        wrong = _wrong(row, tree, previous)
        if wrong is not None:
            return Fault(seq, seq + 1, f"entry {seq} {wrong}")
        previous = row[3]
        fault = _against(awaited, tree, previous, sound)
        if any(head.size == tree.size for head in awaited):
            sound = tree.size
    if fault is None and awaited and awaited[-1].size > tree.size:
        seq, size = tree.size, awaited[-1].size
        fault = Fault(seq, size, f"entry {seq} is missing, and all after it up to the signed head of size {size}")
    return fault


def _against(heads: list[Head], tree: Frontier, last_hash: bytes, sound: int) -> Fault | None:
    """Whether the heads of the size reached are those of the entries so far."""
    for head in heads:
        if head.size == tree.size and (head.root, head.last_hash) != (tree.root(), last_hash):
            sentence = (
                f"an entry from {sound} to {head.size - 1} is not what the signed head of size {head.size} covers"
            )
            return Fault(sound, head.size, sentence)
    return None


def _wrong(row: tuple[Any, ...], tree: Frontier, previous: bytes) -> str | None:
    """What is wrong with the row that should be next; adds it to the tree when nothing is."""
    seq, text, salt, stored_hash, nodes = row
    if not isinstance(seq, int):
        return "has no number for its place"
    if seq != tree.size:
        return "is missing" if seq > tree.size else "has another before it"
    if not all(isinstance(each, bytes) for each in (text, salt, stored_hash, nodes)):
        return "lacks a part"
    if entry_hash(text, previous, salt) != stored_hash:
        return "was changed, or does not follow the entry before it"
    try:
        leaf = leaf_of(read_object(text), stored_hash)
    except (InputError, KeyError):
        return "is no entry"
    if b"".join(tree.add(leaf_hash(rfc8785.dumps(leaf)))) != nodes:
        return "has another place in the tree"
    return None
