"""Keys: Ed25519 (RFC 8032) as JSON Web Keys (RFC 7517, RFC 8037), named by their thumbprint, replaced with overlap.

A key set holds one key or more. Each says from when (`nbf`) and until when (`exp`) it signs, in seconds since 1970 as
the JWT claims of these names, and may say for which originator (`org_id`). Readers pass over members they do not know.

A key is replaced so: the new one is published with an `nbf` ahead; partners fetch it; from `nbf` on it signs; the old
one ends a day later. It stays published, and so verifies what was sent while it was valid, until it is dropped. A key
that others may have got hold of is dropped at once: they could write any time of sending.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import rfc8785
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from nacl.signing import SigningKey as Signer

from maritime.errors import ConfigurationError, InputError, UsageError
from maritime.sharing.untrusted import read_object
from maritime.times import LAST_MS

SEED_BYTES: Final = 32
"""Of an Ed25519 private key (RFC 8032 section 5.1.5)."""

ALGORITHM: Final = "EdDSA"
"""The `alg` of RFC 8037. RFC 9864 would have it called Ed25519, which PyJWT 2.15 does not know yet."""

OVERLAP_MS: Final = 86_400_000
"""How long the key before still signs after its successor has begun. Chosen: a day, more than clocks differ."""

OTHERS_MAY: Final = 0o077
"""Permission bits of a file for anyone but its owner; ssh refuses private keys by the same."""

LONGEST_NAME: Final = 128  # chosen: a SHA-512 in hexadecimal digits

LARGEST_PEM_BYTES: Final = 16_384  # chosen: an Ed25519 key in PEM has 119


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key to verify with. It signs from `begins_ms` to before `ends_ms`; None: without bound."""

    kid: str
    key: Ed25519PublicKey
    begins_ms: int | None = None
    ends_ms: int | None = None
    org_id: str | None = None

    def signs_at(self, at_ms: int) -> bool:
        """Whether it is valid at that time."""
        return (self.begins_ms is None or self.begins_ms <= at_ms) and (self.ends_ms is None or at_ms < self.ends_ms)

    def to_jwk(self) -> dict[str, Any]:
        """The key as JSON; there is nothing private in it."""
        marks = {"nbf": _seconds(self.begins_ms), "exp": _seconds(self.ends_ms), "org_id": self.org_id}
        known = {name: mark for name, mark in marks.items() if mark is not None}
        return {**_members(self.key), "kid": self.kid, "alg": ALGORITHM, "use": "sig", **known}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. It is never shown: neither in repr nor in an error."""

    kid: str
    private: Ed25519PrivateKey = field(repr=False)
    _signer: Signer = field(repr=False, compare=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key that 32 random bytes make."""
        return cls._of(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def read(cls, path: Path) -> Self:
        """The key in a PEM file (PKCS #8, RFC 5958, not encrypted).

        Raises ConfigurationError when the file cannot be read, when others than its owner may read it, or when it
        holds anything else.
        """
        try:
            with path.open("rb") as file:
                open_to_others = os.name == "posix" and os.fstat(file.fileno()).st_mode & OTHERS_MAY
                pem = b"" if open_to_others else file.read(LARGEST_PEM_BYTES)
        except OSError as error:
            raise ConfigurationError(f"private key {path} cannot be read ({error.strerror})") from None
        if open_to_others:
            raise ConfigurationError(f"private key {path} is open to others than its owner; chmod 600 closes it")
        try:
            private = load_pem_private_key(pem, password=None) if b"BEGIN PRIVATE KEY" in pem else None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigurationError(
                f"{path} is no Ed25519 private key in PEM (PKCS #8); `maritime keys new` makes one"
            )
        return cls._of(private)

    @classmethod
    def _of(cls, private: Ed25519PrivateKey) -> Self:
        return cls(thumbprint(private.public_key()), private, Signer(private.private_bytes_raw()))

    def sign(self, octets: bytes) -> bytes:
        """The signature over some bytes: there is but one (RFC 8032 section 5.1.6), and libsodium makes it soonest."""
        return self._signer.sign(octets).signature

    def to_pem(self) -> bytes:
        """The key as `read` reads it, for a file that only its owner may read."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def public(self, begins_ms: int | None = None, ends_ms: int | None = None, org_id: str | None = None) -> PublicKey:
        """Its public part, as it is published."""
        return PublicKey(self.kid, self.private.public_key(), begins_ms, ends_ms, org_id)


@dataclass(frozen=True, slots=True)
class KeySet:
    """Published keys. `passed_over` counts those of other kinds, which are not used."""

    keys: tuple[PublicKey, ...] = ()
    passed_over: int = 0

    @classmethod
    def from_jwks(cls, document: bytes) -> Self:
        """The keys of a JWK Set (RFC 7517 section 5).

        Raises InputError when it is none, when a private key is in it, or when two keys have one name.
        """
        jwks = read_object(document).get("keys")
        if not isinstance(jwks, list) or not all(isinstance(jwk, dict) for jwk in jwks):
            raise InputError("the document is no JWK Set: it has no list of keys under 'keys' (RFC 7517)")
        if any(jwk.keys() & {"d", "k"} for jwk in jwks):  # RFC 8037 section 2, RFC 7518 section 6.4
            raise InputError("the JWK Set holds a private key; take it out, and use that key no more")
        keys = tuple(_public_key(jwk) for jwk in jwks if _is_ours(jwk))
        kids = [key.kid for key in keys]
        for kid in kids:
            if kids.count(kid) > 1:
                raise InputError(f"the JWK Set names two keys {kid[:64]!r}; each needs its own 'kid'")
        return cls(keys, len(jwks) - len(keys))

    @classmethod
    def read(cls, path: Path) -> Self:
        """The keys of a JWKS file. Raises InputError, as `from_jwks`, with the file's name."""
        try:
            return cls.from_jwks(path.read_bytes())
        except OSError as error:
            raise InputError(f"key set {path} cannot be read ({error.strerror})") from None
        except InputError as error:
            raise InputError(f"key set {path}: {error}") from None

    def to_jwks(self) -> bytes:
        """The set as it is published: canonical JSON, public parts only."""
        return rfc8785.dumps({"keys": [key.to_jwk() for key in self.keys]}) + b"\n"

    def find(self, kid: str) -> PublicKey | None:
        """The key of that name."""
        return next((key for key in self.keys if key.kid == kid), None)

    def rotated(self, new: PublicKey, begins_ms: int) -> Self:
        """The set with one key more, which begins then; keys without an end get one, a day after.

        Only keys of the same originator are ended. Raises UsageError when the key is in the set.
        """
        if self.find(new.kid):
            raise UsageError(f"key {new.kid} is in the set already; make a new one")
        ended = tuple(
            replace(key, ends_ms=begins_ms + OVERLAP_MS) if key.ends_ms is None and key.org_id == new.org_id else key
            for key in self.keys
        )
        return replace(self, keys=(*ended, replace(new, begins_ms=begins_ms)))

    def without(self, kid: str) -> Self:
        """The set without a key: what it signed is no longer believed."""
        return replace(self, keys=tuple(key for key in self.keys if key.kid != kid))


def current_key(own: Iterable[SigningKey], published: KeySet, at_ms: int) -> SigningKey:
    """Of the own keys that are published and valid at that time, the one that began last.

    Raises ConfigurationError when there is none: nothing is signed with a key that partners do not have.
    """
    begins_ms = {key.kid: key.begins_ms or 0 for key in published.keys if key.signs_at(at_ms)}
    valid = [key for key in own if key.kid in begins_ms]
    if not valid:
        raise ConfigurationError("no own key is published and valid now; `maritime keys new` makes one")
    return max(valid, key=lambda key: (begins_ms[key.kid], key.kid))


def thumbprint(key: Ed25519PublicKey) -> str:
    """The key's name: the hash of its public part (RFC 7638)."""
    return _base64url(sha256(rfc8785.dumps(_members(key))).digest())


def _members(key: Ed25519PublicKey) -> dict[str, str]:
    """The members that a thumbprint covers (RFC 8037 section 2)."""
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(key.public_bytes_raw())}


def _is_ours(jwk: dict[str, Any]) -> bool:
    """Keys of other kinds, or for encryption, are passed over (RFC 7517 section 5)."""
    return jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519" and jwk.get("use", "sig") == "sig"


def _public_key(jwk: dict[str, Any]) -> PublicKey:
    try:
        key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(str(jwk["x"]) + "="))
    except (KeyError, ValueError):
        raise InputError("an Ed25519 key of the JWK Set has no 'x' of 32 bytes in base64url (RFC 8037)") from None
    kid, org_id = jwk.get("kid", thumbprint(key)), jwk.get("org_id")
    for name in (kid, org_id or ""):
        if not isinstance(name, str) or not name.isprintable() or len(name) > LONGEST_NAME:
            raise InputError(f"'kid' and 'org_id' of a key must be text of at most {LONGEST_NAME} letters that show")
    return PublicKey(kid, key, _milliseconds(jwk, "nbf"), _milliseconds(jwk, "exp"), org_id)


def _milliseconds(jwk: dict[str, Any], name: str) -> int | None:
    seconds = jwk.get(name)
    if seconds is None:
        return None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds * 1000 <= LAST_MS:
        raise InputError(f"'{name}' of a key of the JWK Set must be seconds since 1970")
    return round(seconds * 1000)


def _seconds(at_ms: int | None) -> float | int | None:
    return None if at_ms is None else at_ms // 1000 if at_ms % 1000 == 0 else at_ms / 1000


def _base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
