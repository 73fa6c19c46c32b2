"""Intake: a document that a partner sent, examined before anything is kept of it: who made it, and is it as signed.

A key counts for the one originator that it is bound to (`org_id`), and for no other: a partner that publishes a key
under another's name gains nothing where its key set is held to its own name (`held_to`).
"""

from dataclasses import replace
from typing import Literal, NamedTuple

from maritime.errors import InputError, SignatureError
from maritime.sharing.canonical import canonical
from maritime.sharing.envelope import Envelope
from maritime.sharing.formats import identified
from maritime.sharing.keys import KeySet
from maritime.sharing.signatures import verify

Standing = Literal["verified", "unverified", "own"]
"""Whether its originator's signature holds, nobody vouches for it, or it was made in this house."""


class Accepted(NamedTuple):
    """An envelope that may be kept; its bytes and signature are those that were received."""

    envelope: Envelope
    canonical: bytes
    standing: Standing
    format: str
    jws: str | None = None
    kid: str | None = None


class Rejected(NamedTuple):
    """Why a document is not kept: a word for programs and a sentence for people."""

    reason: str
    said: str


def held_to(keys: KeySet, org_id: str) -> KeySet:
    """The keys that are this originator's: those that say so, and those that do not say whose they are."""
    return KeySet(tuple(replace(key, org_id=org_id) for key in keys.keys if key.org_id in (org_id, None)))


def examine(
    document: bytes, keys: KeySet, now_ms: int, *, take_unsigned: bool = False, only: str | None = None
) -> Accepted | Rejected:
    """What a document of any format carries, if it holds; `only` names the one format that is expected.

    Unsigned ones are taken only where that is said, and are then unverified. A signature that does not hold never is.
    """
    try:
        name, carried = identified(document)
        if only is not None and name != only:
            return Rejected("other_format", f"the document is {name}, not {only}")
        kid = None
        if carried.jws is not None and (keys.keys or not take_unsigned):
            key = verify(carried.envelope, carried.jws, keys, now_ms)
            if key.org_id is None:
                return Rejected("unbound_key", "the key set does not say whose the key is; name the organisation")
            kid = key.kid
        elif not take_unsigned:
            return Rejected("unsigned", "the envelope is not signed")
        release = carried.release()
    except SignatureError as error:
        return Rejected(error.reason, str(error))
    except InputError as error:
        return Rejected("unreadable", str(error))
    standing: Standing = "unverified" if kid is None else "verified"
    return Accepted(release.envelope, canonical(carried.envelope), standing, name, carried.jws, kid)
