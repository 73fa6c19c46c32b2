"""PolicyWatch: the policy, read again when its file changes. A bad one stops the publisher; nothing is then allowed."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from maritime.errors import ConfigurationError
from maritime.sharing.policy import ReleasePolicy
from maritime.sharing.policy_file import parse_policy
from maritime.sharing.publisher import Publisher

Stamp = tuple[tuple[int, int, int] | None, ...]


class PolicyWatch:
    """Makes a publisher of each policy: `make` is given it and the SHA-256 of its file."""

    def __init__(self, path: Path, make: Callable[[ReleasePolicy, str], Publisher]) -> None:
        self._path, self._make = path, make
        self._files = [path]
        self._stamp: Stamp | None = None
        self._policy: ReleasePolicy | None = None
        self._publisher: Publisher | None = None
        self.reads = 0

    @property
    def policy(self) -> ReleasePolicy:
        """The policy that is in force."""
        self.publisher()
        assert self._policy is not None
        return self._policy

    def again(self) -> None:
        """Read it again at the next look, changed or not."""
        self._stamp = None

    def publisher(self) -> Publisher:
        """The publisher of the policy as its file says now. Raises ConfigurationError that names line and key."""
        stamp = self._stamped()
        if self._publisher is None or stamp != self._stamp:
            self._publisher = None  # whatever fails now, the policy before counts no more
            try:
                text = self._path.read_bytes()
            except OSError as error:
                raise ConfigurationError(f"{self._path} cannot be read ({error.strerror}); check the path") from None
            policy = parse_policy(text, self._path.parent, str(self._path))
            areas = (area.file for area in policy.areas.values() if area.file is not None)
            self._files = [self._path, *(policy.folder / file for file in areas)]
            publisher = self._make(policy, sha256(text).hexdigest())
            self._policy, self._publisher = policy, publisher
            self._stamp = (stamp[0], *map(_stamp_of, self._files[1:]))  # before the reading: a change since is seen
            self.reads += 1
        return self._publisher

    def _stamped(self) -> Stamp:
        return tuple(map(_stamp_of, self._files))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
