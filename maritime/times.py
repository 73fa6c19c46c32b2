"""Times: milliseconds since 1970-01-01 UTC inside, RFC 3339 with `Z` outside."""

from datetime import UTC, datetime
from typing import Final

from maritime.errors import UsageError

NEVER: Final = -(1 << 62)
"""Before every time, in ms: it has not happened."""

LAST_MS: Final = 253_402_300_799_999
"""The last time that RFC 3339 can write, 9999-12-31T23:59:59.999Z, in ms."""

FAR: Final = 1 << 62
"""After every time, in ms: nothing is waited for."""

EPOCH_2000_S: Final = 946_684_800
"""2000-01-01T00:00:00Z in seconds since 1970."""

NEVER_S: Final = -(1 << 31)
"""NEVER, in the seconds since 2000-01-01 UTC that some kernels keep."""

FAR_S: Final = (1 << 31) - 1
"""FAR, in the same."""


def to_rfc3339(t_ms: int | None) -> str | None:
    """`1577836800000` → `"2020-01-01T00:00:00Z"`; fractions only where there are any; None stays None."""
    if t_ms is None:
        return None
    seconds, millis = divmod(int(t_ms), 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{millis:03d}Z" if millis else f"{text}Z"


def from_rfc3339(text: str) -> int:
    """`"2020-01-01T00:00:00Z"` → `1577836800000`. A date alone or a time without zone is taken as UTC.

    Raises UsageError when the text is not a time.
    """
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"'{text}' is not a time; write it as 2020-01-01T00:00:00Z") from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return round(parsed.timestamp() * 1000)
