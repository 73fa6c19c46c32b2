"""Names of sources as the log tells them: by code, in any order, maybe again and maybe anew."""

from collections.abc import Mapping

from maritime.columns import SourceTable


class SourceNames(SourceTable):
    """A SourceTable whose codes are given and not found: the ingester's. An unknown code is nameless."""

    def learn(self, names: Mapping[int, str]) -> None:
        """Take names by code; the newest name of a code counts."""
        for code, name in names.items():
            if code < self.LIMIT:
                self._names += [""] * (code + 1 - len(self._names))
                self._names[code] = name
                self._codes[name] = code

    def by_code(self) -> dict[int, str]:
        """All that is known."""
        return {code: name for code, name in enumerate(self._names) if name}
