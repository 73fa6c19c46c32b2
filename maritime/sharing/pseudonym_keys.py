"""Pseudonym keys: for each partner with pseudonyms a file `PARTNER.key` of random bytes that no other one shares."""

from pathlib import Path
from typing import Final

from maritime.errors import ConfigurationError
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.redact import LEAST_KEY_BYTES

MOST_KEY_BYTES: Final = 4_096  # chosen: read whole


def read_pseudonym_keys(folder: Path | None, policy: ReleasePolicy) -> dict[str, bytes]:
    """The keys of all partners that a rule gives pseudonyms. Raises ConfigurationError where one is missing."""
    wanted = with_pseudonyms(policy)
    if not wanted:
        return {}
    if folder is None:
        raise ConfigurationError(
            f"{', '.join(wanted)} get pseudonyms; name the folder of the keys that `maritime keys pseudonyms` makes"
        )
    return {name: _read(folder / f"{name}.key") for name in wanted}


def with_pseudonyms(policy: ReleasePolicy) -> list[str]:
    """The partners that a rule gives pseudonyms."""
    return [name for name in policy.partners if any(each.rule.pseudonyms for each in policy.candidates(name))]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            key = file.read(MOST_KEY_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"pseudonym key {path} cannot be read ({error.strerror})") from None
    if not LEAST_KEY_BYTES <= len(key) <= MOST_KEY_BYTES:
        raise ConfigurationError(
            f"pseudonym key {path} has {len(key)} bytes or more; write {LEAST_KEY_BYTES} random ones into it"
        )
    return key
