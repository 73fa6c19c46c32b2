"""Sharing for commands: what it needs beyond the bare installation."""

from importlib.util import find_spec
from typing import Final

from maritime.errors import ConfigurationError

NEEDED: Final = ("cryptography", "jwt", "lxml", "rfc8785")


def need_share() -> None:
    """See that the packages for sharing are there. Raises ConfigurationError that says what to install."""
    for package in NEEDED:
        if find_spec(package) is None:
            raise ConfigurationError(f"{package} is not installed; install maritime-watch[share]")
