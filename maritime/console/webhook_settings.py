"""Webhook settings: which partners want to be told, where, and with which secret."""

import base64
import binascii
import os
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretBytes, field_validator, model_validator

from maritime.config import load_settings
from maritime.errors import ConfigurationError
from maritime.sharing.desk import Channel

SECRET: Final = "whsec_"  # Standard Webhooks: before the base64 of a symmetric secret
LEAST_SECRET_BYTES: Final = 24  # Standard Webhooks: 24 to 64
MOST_SECRET_BYTES: Final = 64
OTHERS_MAY: Final = 0o077


class Hook(BaseModel):
    """A partner's receiver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="https; http only to this machine itself")
    secret_file: Path = Field(description="file that only its owner may read, with whsec_ and base64 of 24 to 64 bytes")
    channel: Channel = "actual"
    allow_private: bool = Field(False, description="its address may be one of a private network")

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.username or parts.password or parts.fragment:
            raise ValueError("a URL is https://HOST/PATH, without a password and without #")
        if is_numeric(parts.hostname):
            ip_address(parts.hostname)  # no other way to write one: some connect to 2130706433
        if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname)):
            return url
        raise ValueError("a webhook goes to https; http is for this machine itself alone")

    @model_validator(mode="after")
    def _leads_nowhere_private(self) -> Self:
        if is_numeric(self.host) and not (self.allow_private or is_loopback(self.host) or is_public(self.host)):
            raise ValueError("the URL leads to a private address; allow_private: true if that is meant")
        return self

    @property
    def host(self) -> str:
        """Of the receiver; all of the URL that is ever logged."""
        return urlsplit(self.url).hostname or ""


class WebhookSettings(BaseModel):
    """All receivers, by partner, and how long each is tried."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Path = Field(description="file in which is kept how far each partner has been told")
    give_up_after_days: float = Field(3.0, gt=0, le=30)
    hooks: dict[str, Hook] = {}

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.hooks:
            raise ValueError("name at least one partner under hooks")
        return self


def load_webhooks(path: Path) -> tuple[WebhookSettings, dict[str, SecretBytes]]:
    """Settings and secrets; files are looked for beside the settings. Raises ConfigurationError."""
    settings = webhook_settings(path)
    secrets = {partner: _secret(path.parent / hook.secret_file) for partner, hook in settings.hooks.items()}
    return settings, secrets


def webhook_settings(path: Path) -> WebhookSettings:
    """Settings alone; the state is looked for beside them. Raises ConfigurationError."""
    settings = load_settings(WebhookSettings, path)
    return settings.model_copy(update={"state": path.parent / settings.state})


def is_numeric(host: str) -> bool:
    """Whether a host is an address, which is not looked up, or is taken for one."""
    return ":" in host or host.replace(".", "").isdigit()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_public(address: str) -> bool:
    """Whether an address is one of the Internet, and hides none that is not."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is not None:
            found = inner
        elif found.packed[:12] == bytes.fromhex("0064ff9b") + bytes(8):  # RFC 6052: an IPv4 address behind NAT64
            found = ip_address(found.packed[12:])
    return found.is_global and not found.is_multicast


def _secret(path: Path) -> SecretBytes:
    try:
        with path.open("rb") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & OTHERS_MAY:
                raise ConfigurationError(f"secret {path} is open to others than its owner; chmod 600 closes it")
            text = file.read(1024).decode("ascii").strip()
        secret = base64.b64decode(text.removeprefix(SECRET), validate=True) if text.startswith(SECRET) else b""
    except OSError as error:
        raise ConfigurationError(f"secret {path} cannot be read ({error.strerror}); check the path") from None
    except (binascii.Error, ValueError):
        secret = b""
    if not LEAST_SECRET_BYTES <= len(secret) <= MOST_SECRET_BYTES:
        raise ConfigurationError(
            f"{path} holds no secret; write {SECRET} and base64 of {LEAST_SECRET_BYTES} to {MOST_SECRET_BYTES} bytes"
        )
    return SecretBytes(secret)
