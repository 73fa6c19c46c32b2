"""Access: who asks, proved by token or client certificate, and whether it may have anything now."""

import base64
import binascii
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from maritime.console.answers import HttpError
from maritime.console.caller import Caller
from maritime.console.tokens import Tokens
from maritime.console.watched import Watched
from maritime.errors import ConfigurationError
from maritime.sharing.policy import ReleasePolicy

CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="partners", Basic realm="partners"'}
UNKNOWN: Final = "say who you are: your token as Bearer or as the password of Basic, or a client certificate"


class Access:
    """Decides anew at each request: what was revoked or has ended counts at once."""

    def __init__(self, policy: Watched[ReleasePolicy], tokens: Watched[Tokens] | None) -> None:
        """Without tokens only client certificates count."""
        self._policy, self._tokens = policy, tokens

    def partner(self, authorization: str | None, certificate: Mapping[str, Any] | None) -> str:
        """Who asks. Raises HttpError (401), and ConfigurationError when the tokens cannot be read.

        A certificate is one that the TLS layer has verified; its common name is the partner's. Who shows both must be
        the same by both.
        """
        told = {_common_name(certificate)} if certificate else set()
        if authorization is not None:
            told.add(self._by_token(authorization))
        if len(told) != 1 or None in told:
            raise HttpError(401, UNKNOWN, CHALLENGE)
        return str(told.pop())

    def caller(self, partner: str, now_ms: int) -> Caller:
        """The partner under the policy of now. Raises HttpError (403), and ConfigurationError for a bad policy."""
        policy = self._policy.current()
        found = policy.partners.get(partner)
        if found is None or not is_in_force(policy, partner, now_ms):
            raise HttpError(403, "there is no agreement in force with you; ask the originator")
        return Caller(partner, found, policy.originator.org_id)

    def _by_token(self, authorization: str) -> str | None:
        if self._tokens is None:
            return None
        scheme, _, told = authorization.partition(" ")
        tokens = self._tokens.current()
        if scheme.lower() == "bearer":
            return tokens.partner_of(told.strip())
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(told.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        partner = tokens.partner_of(password)
        return partner if partner == name else None


def is_in_force(policy: ReleasePolicy, partner: str, now_ms: int) -> bool:
    """Whether there is an agreement with a partner on that day (UTC)."""
    found = policy.partners.get(partner)
    return found is not None and found.agreement.is_in_force(now_ms)


def tls_context(certificate: Path, key: Path, client_ca: Path | None, *, client_must: bool) -> ssl.SSLContext:
    """TLS 1.2 or newer; with `client_ca`, clients may show a certificate of it, or must.

    Raises ConfigurationError when a file is none.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"TLS cannot be set up with {certificate} and {key} ({error}); check them") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED if client_must else ssl.CERT_OPTIONAL
    return context


def _common_name(certificate: Mapping[str, Any]) -> str | None:
    """The one common name of a certificate's subject."""
    names = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    return names[0] if len(names) == 1 else None
