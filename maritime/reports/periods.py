"""Periods of the calendar, UTC. A report counts whole ones only, so that two reports never differ by a part of one."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from maritime.errors import UsageError
from maritime.times import to_rfc3339
from maritime.units import DAY_MS

PeriodKind = Literal["day", "week", "month"]
MOST_PERIODS: Final = 400  # chosen: a year of days and more; a longer report is cut in two


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A day, a week from Monday (ISO 8601) or a month."""

    first_day: date
    kind: PeriodKind

    @property
    def label(self) -> str:
        """`2026-03-14`, `2026-W11` or `2026-03`."""
        match self.kind:
            case "day":
                return self.first_day.isoformat()
            case "week":
                year, week, _ = self.first_day.isocalendar()
                return f"{year}-W{week:02d}"
            case "month":
                return f"{self.first_day:%Y-%m}"

    @property
    def start_ms(self) -> int:
        """When it begins, ms UTC."""
        return (self.first_day - date(1970, 1, 1)).days * DAY_MS

    @property
    def end_ms(self) -> int:
        """When the next one begins, ms UTC."""
        return self.next().start_ms

    def next(self) -> "Period":
        """The one after it."""
        match self.kind:
            case "day":
                return Period(self.first_day + timedelta(1), "day")
            case "week":
                return Period(self.first_day + timedelta(7), "week")
            case "month":
                return Period((self.first_day + timedelta(31)).replace(day=1), "month")

    def previous(self) -> "Period":
        """The one before it."""
        return period_of(self.start_ms - 1, self.kind)

    def last_year(self) -> "Period | None":
        """The same one of the year before: the date, the ISO week's number or the month; None where there was none."""
        try:
            if self.kind == "week":
                year, week, _ = self.first_day.isocalendar()
                return Period(date.fromisocalendar(year - 1, week, 1), "week")
            return Period(self.first_day.replace(year=self.first_day.year - 1), self.kind)
        except ValueError:  # week 53, the 29th of February
            return None


def period_of(t_ms: int, kind: PeriodKind) -> Period:
    """The period that a time, ms UTC, lies in. Raises UsageError for a time beyond the calendar."""
    try:
        day = datetime.fromtimestamp(t_ms // 1000, UTC).date()
        match kind:
            case "day":
                return Period(day, kind)
            case "week":
                return Period(day - timedelta(day.weekday()), kind)
            case "month":
                return Period(day.replace(day=1), kind)
    except (OverflowError, ValueError):
        raise UsageError(f"{t_ms} ms is no time of the calendar; give one between the years 1 and 9999") from None


def whole_periods(from_ms: int, to_ms: int, kind: PeriodKind) -> list[Period]:
    """The periods that lie wholly between two times, in order. Raises UsageError when there is none, or too many."""
    made: list[Period] = []
    period = period_of(from_ms, kind)
    if period.start_ms < from_ms:
        period = period.next()
    while period.end_ms <= to_ms:
        made.append(period)
        period = period.next()
        if len(made) > MOST_PERIODS:
            raise UsageError(f"there are more than {MOST_PERIODS} periods of a {kind} in that time; cut it in two")
    if not made:
        raise UsageError(
            f"no whole {kind} lies between {to_rfc3339(from_ms)} and {to_rfc3339(to_ms)}, and parts are not counted; "
            f"give --from and --to at least one {kind} apart, from its first day on"
        )
    return made
