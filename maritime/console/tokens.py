"""Tokens: by what a partner is known that has no client certificate. The file holds their hashes, never themselves.

A line is a partner and the SHA-256 of its token, in hexadecimal digits; `#` begins a comment. A partner may have
several, so that a token is replaced with overlap; a line that is taken out is a token that is revoked.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final

from maritime.errors import ConfigurationError, UsageError

TOKEN_BYTES: Final = 32  # 256 bits: none is guessed, so a plain hash hides it
_LINE: Final = re.compile(r"([a-z0-9][a-z0-9-]{0,62})\s+([0-9a-f]{64})")
_PARTNER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Tokens:
    """The partners' tokens."""

    def __init__(self, hashes: tuple[tuple[str, bytes], ...]) -> None:
        """Partners, each with the hash of a token."""
        self._hashes = hashes

    @classmethod
    def read(cls, path: Path) -> "Tokens":
        """Read a file of tokens. Raises ConfigurationError that names file and line."""
        try:
            lines = path.read_text("ascii").splitlines()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"tokens {path} cannot be read ({error}); check the file") from None
        hashes = []
        for number, line in enumerate(lines, start=1):
            told = line.partition("#")[0].strip()
            if not told:
                continue
            match = _LINE.fullmatch(told)
            if match is None:
                raise ConfigurationError(f"{path}:{number}: a line is a partner and 64 hexadecimal digits (SHA-256)")
            hashes.append((match[1], bytes.fromhex(match[2])))
        return cls(tuple(hashes))

    def partner_of(self, token: str) -> str | None:
        """Whose token it is; None when it is nobody's. It takes as long whichever it is."""
        told = sha256(token.encode("utf-8", "surrogateescape")).digest()  # headers may hold any octets
        found = None
        for partner, known in self._hashes:
            if hmac.compare_digest(told, known):
                found = partner
        return found


def new_token(partner: str, random_bytes: bytes) -> tuple[str, str]:
    """A token to be given to a partner, and the line for the file. Raises UsageError for what is no partner's name."""
    if not _PARTNER.fullmatch(partner):
        raise UsageError(f"{partner!r} is no partner's name; write it as in the policy")
    token = urlsafe_b64encode(random_bytes).rstrip(b"=").decode()
    return token, f"{partner} {sha256(token.encode()).hexdigest()}\n"
