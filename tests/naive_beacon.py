"""Distress beacons and withheld positions of one hull written again over its whole list of reports."""

import math
from collections.abc import Sequence
from typing import NamedTuple

MINUTE = 60_000


class Report(NamedTuple):
    t: int
    lat: float
    lon: float
    status: int
    msg_type: int


class Told(NamedTuple):
    """One revision of an episode."""

    revision: int
    state: str
    alerted: bool
    told: int
    start: int
    end: int | None
    reports: int
    lat: float | None


def beat_after(beats: Sequence[int], t: int) -> int:
    """The heartbeat at which a report is processed."""
    return min(b for b in beats if b > t)


def runs(reports: Sequence[Report], beats: Sequence[int], pause: int) -> list[tuple[list[Report], int | None]]:
    """Reports without a pause that a heartbeat saw, and the heartbeat that ended each run (None = it lasts)."""
    found: list[tuple[list[Report], int | None]] = []
    for i, r in enumerate(reports):
        seen_end = min((b for b in beats if b > r.t + pause), default=None)
        if not found or found[-1][1] is not None:
            found.append(([], None))
        found[-1][0].append(r)
        following = reports[i + 1].t if i + 1 < len(reports) else math.inf
        if seen_end is not None and seen_end <= following:
            found[-1] = (found[-1][0], seen_end)
    return found


def beacons(mmsi: int, reports: Sequence[Report], beats: Sequence[int]) -> list[Told]:
    """Every revision of the distress episodes, those open at the end last."""
    device = str(mmsi)[:3] in ("970", "972", "974")
    active = [r.status == 14 and (device or r.msg_type <= 3) for r in reports]
    chosen = [r for r, a in zip(reports, active, strict=True) if device or a]
    told: list[Told] = []
    for run, end in runs(chosen, beats, 30 * MINUTE):
        revision, alerted = 0, False
        for i, r in enumerate(run):
            known = [x.lat for x in run[: i + 1] if x.lat == x.lat]
            what = None
            if not alerted and r.status == 14:
                alerted, what = True, "open"
            elif alerted and len(known) == 1 and r.lat == r.lat:
                what = "open"
            if what:
                lat = known[-1] if known else None
                told.append(Told(revision, what, True, beat_after(beats, r.t), run[0].t, None, i + 1, lat))
                revision += 1
        known = [x.lat for x in run if x.lat == x.lat]
        lat = known[-1] if known else None
        if end is not None:
            told.append(Told(revision, "closed", alerted, end, run[0].t, run[-1].t, len(run), lat))
        elif not alerted:
            told.append(Told(revision, "open", False, beats[-1], run[0].t, None, len(run), lat))
    return told


def withholdings(reports: Sequence[Report], beats: Sequence[int]) -> list[Told]:
    """Every revision of the episodes without a position, those open at the end last."""
    told: list[Told] = []
    i = 0
    while i < len(reports):
        without = []
        while i < len(reports) and math.isnan(reports[i].lat):
            without.append(reports[i])
            i += 1
        back = reports[i] if i < len(reports) else None
        known = [r for r in reports[:i] if not math.isnan(r.lat)]
        for run, paused in runs(without, beats, 60 * MINUTE):
            revision, alerted = 0, False
            lat = known[-1].lat if known else None
            for n, r in enumerate(run, 1):
                if not alerted and n >= 3 and r.t - run[0].t >= 30 * MINUTE and len(known) >= 14:
                    alerted = True
                    told.append(Told(0, "open", True, beat_after(beats, r.t), run[0].t, None, n, lat))
                    revision = 1
            ends, at = (run[-1].t, paused), run[-1].t
            if run[-1] is without[-1] and back is not None and (paused is None or paused > back.t):
                ends, at = (back.t, beat_after(beats, back.t)), back.t
            elif paused is None:
                if not alerted and run[-1].t - run[0].t >= 30 * MINUTE:
                    told.append(Told(revision, "open", False, beats[-1], run[0].t, None, len(run), lat))
                continue
            if alerted or at - run[0].t >= 30 * MINUTE:
                told.append(Told(revision, "closed", alerted, ends[1], run[0].t, ends[0], len(run), lat))
        i += back is not None
    return told


def text_hash(text: str) -> int:
    """FNV-1a, 64 bit, over capital letters, digits and what is beyond ASCII, in UTF-8."""
    kept = [b for b in text.upper().encode() if chr(b).isalnum() or b >= 128] if text.isascii() else None
    if kept is None:
        kept = [b - 32 if 97 <= b <= 122 else b for b in text.encode()]
        kept = [b for b in kept if 48 <= b <= 57 or 65 <= b <= 90 or b >= 128]
    h = 0xCBF29CE484222325
    for b in kept:
        h = (h ^ b) * 0x100000001B3 % 2**64
    return h if kept else 0
