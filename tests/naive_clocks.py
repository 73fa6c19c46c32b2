"""Receivers' clocks as obvious loops: the specification of maritime/tracks/clock_kernels.py.

Nothing here forgets by decay: what is on the dial is kept report by report with its age, and summed when asked.
"""

from collections import deque
from statistics import median

NEVER = None
HALF_LIFE_MIN = 10
WINDOW_MIN = 10


class NaiveClock:
    """What is known of one source's clock; minutes are full minutes since 1970, all else in ms."""

    def __init__(self):
        self.base = deque(maxlen=31)
        self.last_base_ms = NEVER
        self.seconds = set()  # (minute that ends after it, mmsi, receive time, second of the receive time − utc second)
        self.heard_min = NEVER
        self.off = False
        self.offset_ms = NEVER
        self.by = NEVER

    def judge(self, now_min, off_ms, dial_off_ms, dial_reports, dial_vessels, dial_share):
        self.off, self.offset_ms, self.by = False, NEVER, NEVER
        if len(self.base) >= 5 and now_min * 60_000 - self.last_base_ms <= 3_600_000:
            self.offset_ms, self.by = median(self.base), "base_station"
            self.off = abs(self.offset_ms) > off_ms
            return
        last_min = max((m for m, *_ in self.seconds), default=now_min)
        weight = dict.fromkeys(range(60), 0.0)
        for minute, _, _, second in self.seconds:
            weight[second] += 0.5 ** ((last_min - minute) / HALF_LIFE_MIN)
        total = sum(weight.values())
        window = (last_min - 1) // WINDOW_MIN
        vessels = {m for minute, m, *_ in self.seconds if (minute - 1) // WINDOW_MIN >= window - 1}
        if total < dial_reports or len(vessels) < dial_vessels:
            return
        near = {k: sum(weight[(k + d) % 60] for d in range(-3, 4)) for k in range(60)}
        place = max(range(60), key=lambda k: (round(near[k], 6), -k))
        if near[place] < dial_share * total:
            return
        offset_s = place + sum(d * weight[(place + d) % 60] for d in range(-3, 4)) / near[place]
        self.offset_ms = ((offset_s + 30) % 60 - 30) * 1000
        self.by = "utc_second"
        self.off = abs(self.offset_ms) > dial_off_ms


def judged(reports, base_times, minutes, off_ms, dial_off_ms, dial_reports, dial_vessels, dial_share, refuse_ms):
    """After each minute: {source: (offset in ms, by what, doubt)} of the sources whose clock is off.

    `reports` (source, mmsi, receive time, utc second), `base_times` (source, receive time, time transmitted).
    """
    clocks = {}
    told = []
    for now_min in minutes:
        now_ms = now_min * 60_000
        touched = set()
        for source, t_ms, reported_ms in sorted({b for b in base_times if now_ms - 60_000 <= b[1] < now_ms}):
            clock = clocks.setdefault(source, NaiveClock())
            clock.base.append(t_ms - reported_ms)
            clock.last_base_ms = t_ms
            touched.add(source)
        for source, mmsi, t_ms, utc_s in reports:
            if now_ms - 60_000 <= t_ms < now_ms:
                clock = clocks.setdefault(source, NaiveClock())
                clock.heard_min = now_min
                if utc_s < 60:
                    clock.seconds.add((now_min, mmsi, t_ms, (t_ms // 1000 - utc_s) % 60))
                    touched.add(source)
        for source in touched:
            clocks[source].judge(now_min, off_ms, dial_off_ms, dial_reports, dial_vessels, dial_share)
        right = any(
            not c.off and c.heard_min is not NEVER and now_min - c.heard_min <= WINDOW_MIN for c in clocks.values()
        )
        state = {}
        for source, clock in clocks.items():
            if clock.off:
                gross = right and clock.by == "base_station" and abs(clock.offset_ms) > refuse_ms
                state[source] = (clock.offset_ms, clock.by, "refused" if gross else "off", right)
        told.append(state)
    return told
