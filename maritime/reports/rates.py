"""Rates: alerts per vessel-hour with exact 95 % intervals, also where only larger counts are shown."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from maritime.evaluate.intervals import poisson_interval
from maritime.reports.tilted import TiltedSum


class HourlyRate(NamedTuple):
    """Alerts per vessel-hour: the estimate and its interval."""

    estimate: float
    low: float
    high: float


def hourly_rate(counts: Sequence[tuple[int, int]], least: int) -> HourlyRate | None:
    """The rate of cells given as (alerts, vessel-hours); None without vessel-hours.

    Where all counts are shown it is their sum over the hours, with the interval of a Poisson count. Where counts below
    `least` are not, the cells that are seen are those that happened to have many; their sum over their hours is too
    high, the more so the fewer hours there were. Then it is the median unbiased estimate for Poisson counts of one rate
    that are at least `least`, with the interval of that distribution.
    """
    counts = [(count, hours) for count, hours in counts if hours]
    total, all_hours = sum(count for count, _ in counts), sum(hours for _, hours in counts)
    if not all_hours:
        return None
    low, high = poisson_interval(total)
    if not least:
        return HourlyRate(total / all_hours, low / all_hours, high / all_hours)
    seen = TiltedSum.of_poisson(
        [hours for _, hours in counts],
        least,
        [_next_to_none(count, hours * high / all_hours) for count, hours in counts],
        total / all_hours,
    )
    return HourlyRate(seen.median_unbiased(total), *seen.interval(total))


def _next_to_none(count: int, mean: float) -> int:
    """A count beyond which a Poisson count of a mean, or what was seen, does not come: ten standard deviations."""
    return math.ceil(max(count, mean) + 10 * math.sqrt(max(count, mean)) + 20)
