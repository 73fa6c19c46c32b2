"""The truth table: what a detector should find, and when, by the definitions of the behaviours.

A slow or landed span begins when the vessel has slowed down and ends when it gathers way; a silence lasts from the
last report that anybody heard to the first one after it.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from maritime.errors import ConfigurationError
from maritime.simulate.geometry import wrapped_lon_deg
from maritime.simulate.scenario import Beacon, Labelled, Receiver, Scenario, Span
from maritime.simulate.track import Performed, Track
from maritime.times import to_rfc3339

Ints = NDArray[np.int64]

LOITERING_KN: Final = (2.0, 3.0)  # in below, out above: docs, "Loitering"
LANDED_KN: Final = {"A": (0.2, 0.5), "B": (0.5, 0.5)}  # in below, out above: docs, "Unusual landing"


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One behaviour that is in the data; the fields are the columns of the truth table."""

    type: str
    mmsi: int | None  # None for an outage
    hull: str | None
    started_at: str  # RFC 3339
    ended_at: str | None  # None = still going on at the end
    lat: float | None
    lon: float | None
    scenario: str
    note: str


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The track of one hull and the times in ms UTC at which somebody heard it, in order."""

    track: Track
    hull: str
    heard_ms: Ints


def truth_rows(
    scenario: Scenario,
    name: str,
    witnessed: Sequence[Witnessed],
    beacons_ms: Sequence[Ints],
) -> list[TruthRow]:
    """Return what a scenario expects to be found, in order of time; `beacons_ms` is when each beacon was heard.

    Raises ConfigurationError when it expects what nobody could find, such as the silence of a vessel never heard.
    """
    rows = [row for hull in witnessed for row in _of_hull(scenario, name, hull)]
    for receiver in scenario.receivers:
        rows += [_of_outage(scenario, name, receiver, span) for span in receiver.outages if span.expect]
    for beacon, heard_ms in zip(scenario.beacons, beacons_ms, strict=True):
        rows += [_of_beacon(name, beacon, heard_ms)] if beacon.expect else []
    return sorted(rows, key=lambda row: (row.started_at, row.type, row.mmsi or 0))


def write_truth(rows: Sequence[TruthRow], out: IO[str]) -> None:
    """Write the truth table as CSV."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in fields(TruthRow)])
    writer.writerows(["" if value is None else value for value in astuple(row)] for row in rows)


def _of_hull(scenario: Scenario, name: str, hull: Witnessed) -> Iterator[TruthRow]:
    vessel = hull.track.vessel
    if vessel.expect:
        if hull.heard_ms.size == 0:
            raise ConfigurationError(f"Scenario '{name}' expects {vessel.expect} of {vessel.mmsi}, but nobody hears it")
        yield _row(scenario, name, hull, vessel, int(hull.heard_ms[0]), int(hull.heard_ms[-1]))
    for performed in hull.track.performed:
        beyond = performed.begin_s >= scenario.duration_h * 3600 and vessel.repeat
        if performed.step.expect and not beyond:
            yield _of_step(scenario, name, hull, performed)
    for silence in vessel.silences:
        if silence.expect:
            yield _of_silence(scenario, name, hull, silence)
    for withheld in vessel.withheld:
        if withheld.expect:
            yield _of_withheld(scenario, name, hull, withheld)


def _of_step(scenario: Scenario, name: str, hull: Witnessed, performed: Performed) -> TruthRow:
    track = hull.track
    landed = performed.step.expect == "unusual_landing"
    below_kn, above_kn = LANDED_KN[track.vessel.transceiver] if landed else LOITERING_KN
    inside = np.flatnonzero((track.t_s >= performed.begin_s) & (track.t_s <= performed.end_s))
    if inside.size == 0:
        raise ConfigurationError(
            f"Scenario '{name}' expects {performed.step.expect} of {track.vessel.mmsi} from hour "
            f"{performed.begin_s / 3600:.2f}, outside the scenario; let the step begin within {scenario.duration_h:g} h"
        )
    speed_kn = track.speed_kn[inside]
    if np.median(speed_kn) < below_kn:
        first, last = inside[speed_kn < below_kn][0], inside[speed_kn < above_kn][-1]
    else:  # circling, or adrift at some speed: the whole step
        first, last = inside[0], inside[-1]
    ended_ms = None if last == track.t_s.size - 1 else _ms(scenario, track.t_s[last])
    return _row(scenario, name, hull, performed.step, _ms(scenario, track.t_s[first]), ended_ms)


def _of_silence(scenario: Scenario, name: str, hull: Witnessed, silence: Span) -> TruthRow:
    before = hull.heard_ms[hull.heard_ms < _ms(scenario, silence.from_h * 3600)]
    after = hull.heard_ms[hull.heard_ms >= _ms(scenario, silence.to_h * 3600)]
    if before.size == 0:
        raise ConfigurationError(
            f"Scenario '{name}' expects the silence of {hull.track.vessel.mmsi} from hour {silence.from_h:g}, but "
            "nobody hears it before; let it be heard first"
        )
    return _row(scenario, name, hull, silence, int(before[-1]), int(after[0]) if after.size else None)


def _of_withheld(scenario: Scenario, name: str, hull: Witnessed, withheld: Span) -> TruthRow:
    from_ms, to_ms = (_ms(scenario, hours * 3600) for hours in (withheld.from_h, withheld.to_h))
    heard = hull.heard_ms[(hull.heard_ms >= from_ms) & (hull.heard_ms < to_ms)]
    if heard.size == 0:
        raise ConfigurationError(
            f"Scenario '{name}' expects that {hull.track.vessel.mmsi} withholds its position from hour "
            f"{withheld.from_h:g}, but nobody hears it then; let it be heard"
        )
    return _row(scenario, name, hull, withheld, int(heard[0]), int(heard[-1]))


def _of_outage(scenario: Scenario, name: str, receiver: Receiver, outage: Span) -> TruthRow:
    lat, lon = receiver.at or (None, None)
    started_at, ended_at = (to_rfc3339(_ms(scenario, h * 3600)) for h in (outage.from_h, outage.to_h))
    note = outage.note or receiver.name
    return TruthRow(str(outage.expect), None, None, str(started_at), ended_at, lat, lon, name, note)


def _of_beacon(name: str, beacon: Beacon, heard_ms: Ints) -> TruthRow:
    if heard_ms.size == 0:
        raise ConfigurationError(f"Scenario '{name}' expects the beacon {beacon.mmsi}, but nobody hears it")
    started_at, ended_at = to_rfc3339(int(heard_ms[0])), to_rfc3339(int(heard_ms[-1]))
    hull = f"{beacon.mmsi:09d}-1"
    return TruthRow(
        str(beacon.expect), beacon.mmsi, hull, str(started_at), ended_at, beacon.at[0], beacon.at[1], name, beacon.note
    )


def _row(
    scenario: Scenario, name: str, hull: Witnessed, label: Labelled, started_ms: int, ended_ms: int | None
) -> TruthRow:
    track = hull.track
    started_s = (started_ms - scenario.start_ms) / 1000
    lat, lon = np.interp(started_s, track.t_s, track.lat_deg), np.interp(started_s, track.t_s, track.lon_deg)
    return TruthRow(
        type=str(label.expect),
        mmsi=track.vessel.mmsi,
        hull=hull.hull,
        started_at=str(to_rfc3339(started_ms)),
        ended_at=to_rfc3339(ended_ms),
        lat=round(float(lat), 5),
        lon=round(float(wrapped_lon_deg(lon)), 5),
        scenario=name,
        note=label.note,
    )


def _ms(scenario: Scenario, t_s: float) -> int:
    return scenario.start_ms + round(float(t_s) * 1000)
