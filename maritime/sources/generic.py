"""Any table whose columns have well-known names, or that a user's mapping describes."""

from collections.abc import Sequence
from typing import Final

from maritime.sources.layout import Layout
from maritime.sources.mapping import ColumnMapping

LAYOUT: Final = Layout(
    name="generic",
    title="any CSV, Parquet or JSON lines with columns for MMSI, time, latitude and longitude",
    known_by=(),
    mapping=ColumnMapping(),
)


def has_the_four(header: Sequence[str]) -> bool:
    """Whether MMSI, time, latitude and longitude are found by their well-known names."""
    found = LAYOUT.mapping.resolve(header)
    return {"mmsi", "t"} <= found.keys() and ({"lat", "lon"} <= found.keys() or "wkb" in found)
