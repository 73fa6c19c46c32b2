"""Release: what a recipient gets: an envelope that the policy has cut to it, and the originator's signature over it."""

from dataclasses import dataclass

from maritime.sharing.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Release:
    """`jws` is a detached JWS (RFC 7515, RFC 7797) over the envelope's canonical bytes; None when it is not signed."""

    envelope: Envelope
    jws: str | None = None
