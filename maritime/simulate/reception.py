"""Who hears what: range, random loss, outages, a receiver that moves, satellite passes, duplicates, wrong clocks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maritime.simulate.geometry import distance_m
from maritime.simulate.scenario import Noise, Receiver, Satellite
from maritime.simulate.track import Track
from maritime.simulate.transmit import Broadcast
from maritime.units import NM_M

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Rng = np.random.Generator

HANDLING_MS: Final = 300  # chosen: a receiver passes a message on within this
REPEATED_MS: Final = (100, 2_500)  # chosen: how much later a relay brings the same message again


@dataclass(frozen=True, slots=True)
class Heard:
    """The messages of one broadcast that one receiver heard, n of them, a relayed one twice."""

    index: Ints  # into the broadcast
    arrived_ms: Ints  # true time of arrival, by which the log is ordered
    stamped_ms: Ints  # the receiver's own time, which may be wrong


@dataclass(frozen=True, slots=True)
class Listener:
    """A receiver with all that was drawn for it: its clock's error, and the passes of a satellite."""

    receiver: Receiver | Satellite
    clock_skew_ms: int
    passes_ms: NDArray[np.int64]  # int64[passes, 2]: begin and end; none for a coast station
    aboard: Track | None  # the track of the vessel that carries it
    start_ms: int

    @property
    def name(self) -> str:
        """The station name in the tag block."""
        return self.receiver.name

    @property
    def in_ms(self) -> bool:
        """Whether the tag block tells milliseconds."""
        return self.receiver.milliseconds


def post(
    receiver: Receiver | Satellite, tracks: Mapping[int, Track], noise: Noise, start_ms: int, end_ms: int, rng: Rng
) -> Listener:
    """Set up a receiver for the time of a scenario."""
    none = np.zeros((0, 2), np.int64)
    if isinstance(receiver, Satellite):
        period_ms = receiver.every_min * 60_000
        begins = np.arange(start_ms + rng.uniform(0, period_ms / 2), end_ms, period_ms)
        begins += rng.uniform(-0.1, 0.1, begins.size) * period_ms
        lengths = receiver.pass_min * 60_000 * rng.uniform(0.7, 1.2, begins.size)
        return Listener(receiver, 0, np.stack([begins, begins + lengths], axis=1).astype(np.int64), None, start_ms)
    skew_s = rng.uniform(-noise.clock_skew_s, noise.clock_skew_s)
    if receiver.clock_skew_s is not None:
        skew_s = receiver.clock_skew_s
    aboard = None if receiver.aboard is None else tracks.get(receiver.aboard)
    return Listener(receiver, round(skew_s * 1000), none, aboard, start_ms)


def hear(listener: Listener, sent: Broadcast, noise: Noise, rng: Rng) -> Heard:
    """Draw which messages of a broadcast a receiver hears, and when they reach it."""
    draws = rng.uniform(size=sent.t_ms.size)
    index = np.flatnonzero(draws < (1 - noise.loss) * _chance(listener, sent))
    arrived_ms = sent.t_ms[index] + rng.integers(0, HANDLING_MS, index.size)
    again = np.flatnonzero(rng.uniform(size=index.size) < noise.duplicates)
    index = np.concatenate([index, index[again]])
    arrived_ms = np.concatenate([arrived_ms, arrived_ms[again] + rng.integers(*REPEATED_MS, again.size)])
    return Heard(index, arrived_ms, arrived_ms + listener.clock_skew_ms)


def _chance(listener: Listener, sent: Broadcast) -> Floats:
    """Probability of each message to be heard, before random loss."""
    if isinstance(listener.receiver, Satellite):
        share = listener.receiver.hears_long_range if sent.long_range else listener.receiver.hears_others
        passing = np.zeros(sent.t_ms.size, bool)
        for begin_ms, end_ms in listener.passes_ms:
            passing |= (sent.t_ms >= begin_ms) & (sent.t_ms < end_ms)
        return np.where(passing, share, 0.0)
    if sent.long_range:
        return np.zeros(sent.t_ms.size)  # sent on channels 75 and 76, which coast stations do not listen to
    receiver = listener.receiver
    distance_nm = distance_m(sent.lat_deg, sent.lon_deg, *_places(listener, sent.t_ms)) / NM_M
    chance = 1 / (1 + np.exp(np.clip((distance_nm - receiver.range_nm) / receiver.roll_off_nm, -50, 50)))
    hours = (sent.t_ms - listener.start_ms) / 3_600_000
    for outage in receiver.outages:
        chance[(hours >= outage.from_h) & (hours < outage.to_h)] = 0.0
    return chance


def _places(listener: Listener, t_ms: Ints) -> tuple[Floats | float, Floats | float]:
    track = listener.aboard
    if track is not None:
        t_s = (t_ms - listener.start_ms) / 1000
        return np.interp(t_s, track.t_s, track.lat_deg), np.interp(t_s, track.t_s, track.lon_deg)
    assert isinstance(listener.receiver, Receiver)
    assert listener.receiver.at is not None
    return listener.receiver.at
