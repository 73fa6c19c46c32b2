"""Receipts: how a partner sees that its copy stands in the originator's ledger, and that nothing was taken out since.

It needs the signed heads, its copy and the receipt; nothing of what others got, or of why, is in them. The size of the
ledger is: how many decisions there were in all.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import rfc8785

from maritime.errors import ConfigurationError, InputError, SignatureError
from maritime.sharing.keys import KeySet, SigningKey
from maritime.sharing.merkle import extends, includes, leaf_hash
from maritime.sharing.signatures import check_time, sign_bytes, verify_bytes
from maritime.sharing.untrusted import read_object

HEAD: Final = "maritime-ledger-head+jws"
"""The `typ` of a signed head."""

LONGEST_PATH: Final = 128
"""Hashes in a proof: two for each level of a tree with 2^63 leaves (RFC 9162 section 2.1.4.1)."""


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a ledger: its size, the root over its entries, and the hash of the last."""

    size: int
    root: bytes
    last_hash: bytes
    at: str

    def sign(self, key: SigningKey) -> str:
        """The head as a compact JWS, to be given to partners and kept where the ledger's host cannot write."""
        head: dict[str, int | str] = {
            "size": self.size,
            "root": self.root.hex(),
            "last_hash": self.last_hash.hex(),
            "at": self.at,
        }
        return sign_bytes(rfc8785.dumps(head), key, HEAD, detached=False)


def read_head(jws: str, keys: KeySet, at_ms: int) -> Head:
    """The head that an originator signed. Raises SignatureError, with the reasons of `signatures.verify`."""
    key, payload = verify_bytes(jws, keys, HEAD)
    try:
        head = read_object(payload)
        read = Head(_count(head["size"]), _hash(head["root"]), _hash(head["last_hash"]), str(head["at"]))
    except (InputError, KeyError):
        raise SignatureError("malformed", "what was signed is no head of a ledger") from None
    check_time(key, read.at, at_ms)
    return read


def read_heads(path: Path) -> tuple[str, ...]:
    """Signed heads, one a line, the newest last. Raises ConfigurationError when the file cannot be read."""
    try:
        return tuple(path.read_text("ascii").split())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"heads {path} cannot be read ({error}); check the file") from None


def check_receipt(receipt: dict[str, Any], head: Head, copy: bytes) -> None:
    """See that a copy, by its canonical bytes, stands in the ledger that the head sums up.

    Raises InputError when the receipt is for another copy, or does not lead to the head's root.
    """
    try:
        leaf, index, size = receipt["leaf"], _count(receipt["index"]), _count(receipt["size"])
        path = _path(receipt["path"])
        entry = leaf_hash(rfc8785.dumps(leaf))
        of = leaf["sha256"]
    except (KeyError, TypeError, rfc8785.CanonicalizationError, RecursionError):
        raise InputError("the receipt lacks leaf, index, size or path; ask the originator for it again") from None
    if of != sha256(copy).hexdigest():
        raise InputError("the receipt is for another copy: its sha256 differs")
    if size != head.size:
        raise InputError(f"the receipt leads to a head of size {size}, not {head.size}; ask for one to this head")
    if not includes(entry, index, size, path, head.root):
        raise InputError(f"the receipt does not lead to the head of size {size}: the entry is not in that ledger")


def check_consistency(proof: dict[str, Any], older: Head, newer: Head) -> None:
    """See that the ledger of the newer head begins with all that the older had.

    Raises InputError when the proof does not show that.
    """
    try:
        path = _path(proof["path"])
    except (KeyError, TypeError):
        raise InputError("the proof lacks its path; ask the originator for it again") from None
    if not extends(older.size, newer.size, older.root, newer.root, path):
        raise InputError(
            f"the head of size {newer.size} does not continue that of size {older.size}: entries changed or went"
        )


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InputError("a size or place in a ledger must be a count")
    return value


def _hash(value: object) -> bytes:
    try:
        octets = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        octets = b""
    if len(octets) != sha256().digest_size:
        raise InputError("a hash must be 64 hexadecimal digits (SHA-256)")
    return octets


def _path(value: object) -> list[bytes]:
    if not isinstance(value, list) or len(value) > LONGEST_PATH:
        raise InputError(f"the path of a proof must be a list of at most {LONGEST_PATH} hashes")
    return [_hash(each) for each in value]
