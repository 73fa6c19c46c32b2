"""Layout: a known table format, whatever carries it (CSV, Parquet or JSON records)."""

from collections.abc import Sequence
from dataclasses import dataclass

from maritime.sources.aliases import plain
from maritime.sources.mapping import ColumnMapping


@dataclass(frozen=True, slots=True)
class Layout:
    """A name that people type, what it is, by which columns it is known, and what they mean."""

    name: str
    title: str
    known_by: tuple[frozenset[str], ...]  # plain column names; all of one set present = recognised
    mapping: ColumnMapping

    def fits(self, header: Sequence[str]) -> bool:
        """Whether a header has every column of one of the sets."""
        present = {plain(name) for name in header}
        return any(names <= present for names in self.known_by)
