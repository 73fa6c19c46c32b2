"""ColumnMapping: which column of a table is which of our fields, in which unit. Ours for the known formats, the
user's own in YAML for every other:

    name: coast_radar
    columns: {mmsi: Vessel ID, t: Logged, lat: Y, lon: X, sog: Speed}
    time: {format: day_first, zone: Europe/Oslo}
    units: {sog: m/s}

Fields that it leaves out are found by their well-known names (`maritime.sources.aliases`).
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from maritime.config import load_settings
from maritime.errors import InputError
from maritime.sources.aliases import WELL_KNOWN, plain
from maritime.units import KN_MS

SPEED_KN: Final = {"kn": 1.0, "m/s": 1.0 / KN_MS, "km/h": 1.0 / (3.6 * KN_MS), "mph": 0.44704 / KN_MS, "tenths_kn": 0.1}
"""Unit → knots. One international mile per hour is 0.44704 m/s, exact (NIST SP 811, appendix B.8)."""
ANGLE_DEG: Final = {"deg": 1.0, "rad": math.degrees(1.0), "tenths_deg": 0.1, "minutes_1e4": 1.0 / 600_000.0}
"""Unit → degrees. `minutes_1e4` is the transmitted 1/10,000 minute of ITU-R M.1371-5 table 45."""
LENGTH_M: Final = {"m": 1.0, "ft": 0.3048, "dm": 0.1}
"""Unit → metres. One international foot is 0.3048 m, exact (NIST SP 811, appendix B.8)."""

SpeedUnit = Literal["kn", "m/s", "km/h", "mph", "tenths_kn"]
AngleUnit = Literal["deg", "rad", "tenths_deg", "minutes_1e4"]
LengthUnit = Literal["m", "ft", "dm"]


def _as_names(names: Any) -> Any:
    return (names,) if isinstance(names, str) else names


ColumnNames = Annotated[tuple[str, ...], BeforeValidator(_as_names), Field(min_length=1)]


class Strict(BaseModel):
    """A frozen model in which a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Columns(Strict):
    """Our field → name of its column, or several names of which the first present counts."""

    mmsi: ColumnNames | None = None
    t: ColumnNames | None = None
    millisecond: ColumnNames | None = None  # added to t
    lat: ColumnNames | None = None
    lon: ColumnNames | None = None
    wkb: ColumnNames | None = None  # a point as well-known binary, instead of lat and lon
    sog: ColumnNames | None = None
    cog: ColumnNames | None = None
    heading: ColumnNames | None = None
    nav_status: ColumnNames | None = None  # code or words
    msg_type: ColumnNames | None = None  # 1–27
    transceiver: ColumnNames | None = None  # A, B, "Class A", "Base Station", …
    utc_s: ColumnNames | None = None
    receiver: ColumnNames | None = None  # becomes the row's source
    imo: ColumnNames | None = None
    call_sign: ColumnNames | None = None
    name: ColumnNames | None = None
    ship_type: ColumnNames | None = None  # code or words
    length_m: ColumnNames | None = None
    beam_m: ColumnNames | None = None
    draught_m: ColumnNames | None = None
    to_bow_m: ColumnNames | None = None
    to_stern_m: ColumnNames | None = None
    to_port_m: ColumnNames | None = None
    to_starboard_m: ColumnNames | None = None
    destination: ColumnNames | None = None
    eta: ColumnNames | None = None


class TimeFormat(Strict):
    """How times are written.

    `auto` reads ISO 8601 and its relatives (T, space or underscore; with or without punctuation; fractions; zones) and
    numbers since 1970 in s, ms, µs or ns, told apart by their size. `day_first` is 31/12/2015 23:59:59, `month_first`
    12/31/2015. Anything with % is a strptime pattern. `zone` holds for times that name none themselves.
    """

    format: str = "auto"
    zone: str = "UTC"

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value not in ("auto", "day_first", "month_first") and "%" not in value:
            raise ValueError("write auto, day_first, month_first or a strptime pattern such as %d.%m.%Y %H:%M")
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("write the name of a time zone such as UTC or Europe/Oslo") from None
        return value


class Units(Strict):
    """The units in which the file gives its numbers; ours where left out."""

    lat: AngleUnit = "deg"
    lon: AngleUnit = "deg"
    sog: SpeedUnit = "kn"
    cog: AngleUnit = "deg"
    heading: AngleUnit = "deg"
    length_m: LengthUnit = "m"
    beam_m: LengthUnit = "m"
    draught_m: LengthUnit = "m"

    def factor(self, field: str) -> float:
        """What a number of this field is multiplied with to be in our unit."""
        unit = getattr(self, field, None)
        factors: Mapping[str, float] = {**SPEED_KN, **ANGLE_DEG, **LENGTH_M}
        return factors[unit] if unit is not None else 1.0


class Constants(Strict):
    """What is the same in every row and therefore in no column."""

    mmsi: int | None = Field(default=None, ge=1, le=999_999_999)
    msg_type: int | None = Field(default=None, ge=1, le=27)
    nav_status: int | None = Field(default=None, ge=0, le=15)


class ColumnMapping(Strict):
    """How a table's columns become our fields."""

    name: str = "generic"  # the feed's name in the `source` column
    columns: Columns = Columns()
    time: TimeFormat = TimeFormat()
    units: Units = Units()
    constants: Constants = Constants()
    delimiter: Literal[",", ";", "\t", "|"] | None = None  # None = the one that the header has most of
    decimal: Literal[".", ","] = "."
    nulls: tuple[str, ...] = ()  # further words for "no value"

    def names(self, field: str) -> tuple[str, ...]:
        """The plain names of a field's column, best first."""
        mapped: tuple[str, ...] | None = getattr(self.columns, field)
        return tuple(plain(name) for name in mapped) if mapped is not None else WELL_KNOWN[field]

    def resolve(self, header: Sequence[str]) -> dict[str, int]:
        """Our field → index of its column, for the fields that this header has."""
        index = {plain(name): i for i, name in reversed(list(enumerate(header)))}
        found: dict[str, int] = {}
        for field in Columns.model_fields:
            present = [index[name] for name in self.names(field) if name in index]
            if present:
                found[field] = present[0]
        return found

    def check(self, header: Sequence[str], *, mapped_too: bool) -> dict[str, int]:
        """Like `resolve`, but what every report needs, and with `mapped_too` every mapped column, must be there.

        Raises InputError, which names the missing columns and those there are.
        """
        found = self.resolve(header)
        missing: list[str] = []
        if mapped_too:
            missing = [f"'{getattr(self.columns, f)[0]}'" for f in Columns.model_fields if self._lacks(f, found)]
        if "mmsi" not in found and self.constants.mmsi is None:
            missing.append("the MMSI")
        if "t" not in found:
            missing.append("the time")
        if "wkb" not in found:
            missing += [words for field, words in _POSITION_WORDS.items() if field not in found]
        if missing:
            there = ", ".join(name for name in header[:30])
            raise InputError(f"has no column for {', '.join(missing)}; it has {there}; name the columns in a mapping")
        return found

    def _lacks(self, field: str, found: Mapping[str, int]) -> bool:
        return getattr(self.columns, field) is not None and field not in found


_POSITION_WORDS: Final = {"lat": "the latitude", "lon": "the longitude"}


def load_mapping(path: Path) -> ColumnMapping:
    """Read a ColumnMapping from YAML. Raises ConfigurationError, which names file and key."""
    return load_settings(ColumnMapping, path)
