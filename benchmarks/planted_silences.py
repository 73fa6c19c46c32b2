"""Silences planted in real tracks: reports deleted from vessels that were under way and well heard.

A *stretch* is a run of reports of one vessel without a hole; one that is long enough and nearly all under way is
*fit* to plant a silence in, for its vessel was certainly there, moving and transmitting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS

HOLE_MS: Final = 10 * MINUTE_MS  # definition of the benchmark: a longer pause ends a stretch
FIT_MS: Final = 6 * HOUR_MS  # … as long as the longest planted silence
UNDER_WAY_KN: Final = 1.0
UNDER_WAY_SHARE: Final = 0.8
PLANTED_H: Final = (1.0, 6.0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of reports of one vessel without a hole; both ends are reports."""

    mmsi: int
    first_ms: int
    last_ms: int
    fit: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """A planted silence: the reports of a vessel strictly between `start_ms` and `end_ms`, both kept, were deleted."""

    mmsi: int
    start_ms: int  # the last report before
    end_ms: int  # the first report after
    start_interval_ms: int  # from the last report to the first deleted one: how exactly the start can be known
    end_interval_ms: int

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


def stretches(reports: pd.DataFrame) -> list[Stretch]:
    """Return the stretches of a frame of reports (columns mmsi, t_ms, sog_kn; sorted by mmsi and t_ms)."""
    found = []
    for mmsi, track in reports.groupby("mmsi"):
        t_ms = track["t_ms"].to_numpy()
        under_way = track["sog_kn"].to_numpy() > UNDER_WAY_KN
        for rows in np.split(np.arange(len(t_ms)), np.flatnonzero(np.diff(t_ms) > HOLE_MS) + 1):
            first_ms, last_ms = int(t_ms[rows[0]]), int(t_ms[rows[-1]])
            fit = last_ms - first_ms >= FIT_MS and under_way[rows].mean() > UNDER_WAY_SHARE
            found.append(Stretch(int(mmsi), first_ms, last_ms, bool(fit)))
    return found


def plant(
    reports: pd.DataFrame, among: Sequence[Stretch], rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Silence]]:
    """Delete 1–6 hours from every fit stretch; return the reports that stay and the silences.

    Length and place are uniform; the first and the last report of the stretch stay.
    """
    mmsi, t_ms = reports["mmsi"].to_numpy(), reports["t_ms"].to_numpy()
    keep = np.ones(len(reports), bool)
    planted = []
    for stretch in among:
        if not stretch.fit:
            continue
        length_ms = rng.uniform(*PLANTED_H) * HOUR_MS
        cut_ms = rng.uniform(stretch.first_ms, stretch.last_ms - length_ms)
        own = mmsi == stretch.mmsi
        cut = own & (t_ms > cut_ms) & (t_ms < cut_ms + length_ms)
        before_ms, after_ms = t_ms[own & (t_ms <= cut_ms)].max(), t_ms[own & (t_ms >= cut_ms + length_ms)].min()
        keep &= ~cut
        planted.append(
            Silence(
                stretch.mmsi,
                int(before_ms),
                int(after_ms),
                int(t_ms[cut].min() - before_ms),
                int(after_ms - t_ms[cut].max()),
            )
        )
    return reports[keep], planted


def vessel_days(reports: pd.DataFrame) -> float:
    """Return the days from first to last report, summed over the vessels: never more than vessels times days."""
    t_ms = reports.groupby("mmsi")["t_ms"]
    return float((t_ms.max() - t_ms.min()).sum() / DAY_MS)
