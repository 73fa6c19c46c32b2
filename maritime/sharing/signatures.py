"""Signatures: a detached JWS (RFC 7515 appendix F, RFC 7797) with Ed25519 (RFC 8037) over RFC 8785 canonical bytes.

Header: `alg` EdDSA, `kid` the key's thumbprint, `typ` what is signed, so that nothing signed can be taken for another
thing (RFC 8725 section 3.11), and `b64` false with `crit`: the bytes are signed as they are.
"""

import re
from functools import lru_cache
from typing import Any, Final

from jwt.algorithms import OKPAlgorithm
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidSignatureError, PyJWTError
from jwt.utils import base64url_encode

from maritime.errors import InputError, SignatureError, UsageError
from maritime.sharing.canonical import canonical
from maritime.sharing.envelope import Envelope
from maritime.sharing.keys import ALGORITHM, KeySet, PublicKey, SigningKey
from maritime.times import from_rfc3339, to_rfc3339

ENVELOPE: Final = "maritime-envelope+jws"
"""The `typ` of a signature over an envelope."""

ACCEPTED: Final = (ALGORITHM, "Ed25519")
"""RFC 8037 and RFC 9864 name the same signature; which of them is written is up to the signer."""

SKEW_MS: Final = 300_000
"""How far clocks may differ: five minutes, as Kerberos has it (RFC 4120 section 1.6)."""

LARGEST_CHARACTERS: Final = 4096  # chosen: ours have about 300
COMPACT: Final = re.compile(r"[\w-]+\.[\w-]*\.[\w-]{86}", re.ASCII)  # an Ed25519 signature has 64 bytes

JWS: Final = PyJWS([ALGORITHM])  # knows no other algorithm, so none can be talked into
JWS.register_algorithm("Ed25519", OKPAlgorithm())


def sign(envelope: Envelope, key: SigningKey) -> str:
    """The originator's signature over an envelope."""
    return sign_bytes(envelope.canonical(), key, ENVELOPE, detached=True)


def verify(envelope: dict[str, Any], jws: str, keys: KeySet, at_ms: int, typ: str = ENVELOPE) -> PublicKey:
    """The key that signed an envelope as received: what `open_document` opened, so that fields unknown here count too.

    `typ` is that of something else that says `sent` and `originator`, such as an answer.

    The key must be valid at the time of sending that the envelope gives, which is no later than `at_ms`.

    Raises SignatureError. Its reasons: malformed, wrong_type, wrong_algorithm, unknown_key, altered, not_canonical,
    no_time, sent_in_future, key_not_yet_valid, key_expired, other_originator.
    """
    try:
        payload = canonical(envelope)
    except InputError as error:
        raise SignatureError("not_canonical", str(error)) from None
    key, _ = verify_bytes(jws, keys, typ, payload)
    check_time(key, envelope.get("sent"), at_ms)
    originator = envelope.get("originator")
    if key.org_id is not None and (not isinstance(originator, dict) or originator.get("org_id") != key.org_id):
        raise SignatureError(
            "other_originator", f"key {_told(key.kid)} is that of {_told(key.org_id)}, not of this originator"
        )
    return key


def sign_bytes(payload: bytes, key: SigningKey, typ: str, *, detached: bool) -> str:
    """A compact JWS over bytes: what `JWS.encode` gives, sooner. Verifying is left to the library."""
    header = _header_of(key.kid, typ, detached)
    covered = payload if detached else base64url_encode(payload)
    signature = base64url_encode(key.sign(header + b"." + covered))
    return b".".join((header, b"" if detached else covered, signature)).decode()


def verify_bytes(jws: str, keys: KeySet, typ: str, payload: bytes | None = None) -> tuple[PublicKey, bytes]:
    """The key of a compact JWS and what it covers; `payload` is that of a detached one.

    Raises SignatureError: malformed, wrong_type, wrong_algorithm, unknown_key or altered. Time is not looked at.
    """
    header = _header(jws)
    if header.get("alg") not in ACCEPTED:
        raise SignatureError("wrong_algorithm", f"alg is {_told(header.get('alg'))}; only {ALGORITHM} is accepted")
    if header.get("typ") != typ:
        raise SignatureError("wrong_type", f"typ is {_told(header.get('typ'))}; it must be '{typ}'")
    key = keys.find(str(header.get("kid")))
    if key is None:
        raise SignatureError("unknown_key", f"key {_told(header.get('kid'))} is not in the key set; fetch a newer one")
    try:
        signed = JWS.decode(jws, key.key, ACCEPTED, detached_payload=payload)
    except InvalidSignatureError:
        raise SignatureError("altered", f"the content is not what key {_told(key.kid)} signed") from None
    except PyJWTError:
        raise SignatureError("malformed", "the signature is no JWS of the kind expected here (RFC 7797)") from None
    assert isinstance(signed, bytes)
    return key, signed


def check_time(key: PublicKey, signed_at: object, at_ms: int) -> None:
    """Whether a key was valid when it signed. Raises SignatureError: no_time, or the time does not fit."""
    try:
        signed_ms = from_rfc3339(signed_at) if isinstance(signed_at, str) else None
    except (UsageError, OverflowError):
        signed_ms = None
    if signed_ms is None:
        raise SignatureError("no_time", "the content does not say when it was sent, so the key cannot be judged")
    if signed_ms > at_ms + SKEW_MS:
        raise SignatureError("sent_in_future", f"it says it was sent at {_told(signed_at)}, which is yet to come")
    if key.begins_ms is not None and signed_ms < key.begins_ms:
        raise SignatureError("key_not_yet_valid", f"key {_told(key.kid)} begins at {to_rfc3339(key.begins_ms)}")
    if key.ends_ms is not None and signed_ms >= key.ends_ms:
        raise SignatureError("key_expired", f"key {_told(key.kid)} ended at {to_rfc3339(key.ends_ms)}")


@lru_cache(maxsize=64)
def _header_of(kid: str, typ: str, detached: bool) -> bytes:
    """The first part of a JWS, which is the same for all that a key signs of a kind."""
    header = {"alg": ALGORITHM, "kid": kid, "typ": typ} | ({"b64": False, "crit": ["b64"]} if detached else {})
    return base64url_encode(canonical(header))


def _header(jws: str) -> dict[str, Any]:
    if len(jws) > LARGEST_CHARACTERS or not COMPACT.fullmatch(jws):
        raise SignatureError("malformed", "the signature is no compact JWS with Ed25519 (RFC 7515, RFC 8037)")
    try:
        return JWS.get_unverified_header(jws)
    except PyJWTError:
        raise SignatureError("malformed", "the signature's header cannot be read (RFC 7515)") from None


def _told(value: object) -> str:
    """A value from outside, for a message: short, and with nothing that a terminal acts on."""
    return ascii(value)[:80]
