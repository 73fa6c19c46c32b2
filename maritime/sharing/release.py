"""Release: what a recipient gets: an envelope that the policy has cut to it, and the originator's signature over it."""

from dataclasses import dataclass, field

from maritime.sharing.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Release:
    """`jws` is a detached JWS (RFC 7515, RFC 7797) over the envelope's canonical bytes; None when it is not signed.

    `content` is these bytes, from who has them already.
    """

    envelope: Envelope
    jws: str | None = None
    content: bytes | None = field(default=None, compare=False, repr=False)

    def canonical(self) -> bytes:
        """The envelope's canonical bytes. Raises InputError as the envelope does."""
        return self.envelope.canonical() if self.content is None else self.content
