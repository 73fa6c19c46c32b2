"""From a scenario to the log that its receivers would have written, and to the truth about it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maritime.alerts.output import whole_files
from maritime.errors import UsageError
from maritime.simulate.fleets import muster
from maritime.simulate.reception import Heard, Listener, hear, post
from maritime.simulate.scenario import Noise, Receiver, Satellite, Scenario, load_scenario
from maritime.simulate.sentences import Rows, decimal, lines, merge
from maritime.simulate.track import Track, sail
from maritime.simulate.transmit import (
    Broadcast,
    aid_broadcast,
    base_station_broadcast,
    beacon_broadcasts,
    vessel_broadcasts,
)
from maritime.simulate.truth import TruthRow, Witnessed, truth_rows, write_truth
from maritime.times import to_rfc3339

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What a simulation wrote."""

    scenario: str
    title: str
    seed: int
    started_at: str
    ended_at: str
    vessels: int
    vessel_days: float  # on the air, heard or not
    receivers: int
    messages: int  # heard, each reception counted
    bytes: int
    truths: dict[str, int]  # by type

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Scene:
    """A simulated scene: the hulls with their true tracks and when they were heard, the log, the truth table."""

    scenario: Scenario
    seed: int
    hulls: tuple[Witnessed, ...]
    log: bytes
    messages: int
    truth: tuple[TruthRow, ...]


def simulate(
    scenario_path: str | Path, out_nmea: str | Path, truth_csv: str | Path, seed: int | None = None
) -> SimulationSummary:
    """Play a scenario file and write its AIS log (NMEA with tag blocks) and its truth table (CSV).

    The same file and seed give the same bytes; `seed` replaces the scenario's own. The log is in order of arrival;
    a receiver whose clock is wrong stamps its lines wrongly.

    Both files appear, or neither. Raises ConfigurationError for a scenario that is wrong, UsageError for a seed
    below 0 or when both files are one, OutputError when one cannot be written.
    """
    if seed is not None and seed < 0:
        raise UsageError(f"seed {seed} is below 0; give a whole number from 0 on")
    path = Path(scenario_path)
    scene = play(load_scenario(path), path.stem, seed)
    table = StringIO()
    write_truth(scene.truth, table)
    with whole_files(Path(out_nmea), Path(truth_csv)) as (log, truth):
        log.write_bytes(scene.log)
        truth.write_text(table.getvalue(), encoding="utf-8", newline="")
    return summarise(scene, path.stem)


def play(scenario: Scenario, name: str, seed: int | None = None) -> Scene:
    """Simulate a scenario in memory; `name` is how the truth table calls it.

    Raises ConfigurationError when it expects a behaviour that nobody could find.
    """
    seed = scenario.seed if seed is None else seed
    duration_s = scenario.duration_h * 3600
    tracks = _tracks(scenario, seed)
    by_mmsi = {track.vessel.mmsi: track for track in tracks}
    listeners: tuple[Receiver | Satellite, ...] = (*scenario.receivers, *scenario.satellites)
    end_ms = scenario.start_ms + round(duration_s * 1000)
    posts = [
        post(receiver, by_mmsi, scenario.noise, scenario.start_ms, end_ms, _rng(seed, "receiver", number))
        for number, receiver in enumerate(listeners)
    ]
    log = _Log(posts, scenario.noise)
    witnessed = []
    for track, (mmsi, number) in zip(tracks, _hulls(track.vessel.mmsi for track in tracks), strict=True):
        rng = _rng(seed, "transmitter", mmsi, number)
        heard_ms = log.add(vessel_broadcasts(track, scenario.start_ms, scenario.noise, rng), rng)
        witnessed.append(Witnessed(track, f"{mmsi:09d}-{number}", heard_ms))
    for number, receiver in enumerate(scenario.receivers):
        if (broadcast := base_station_broadcast(receiver, scenario.start_ms, duration_s)) is not None:
            log.add([broadcast], _rng(seed, "base station", number))
    for aid in scenario.aids:
        rng = _rng(seed, "aid", aid.mmsi)
        log.add([aid_broadcast(aid, scenario.start_ms, duration_s, rng)], rng)
    beacons_ms = []
    for number, beacon in enumerate(scenario.beacons):
        rng = _rng(seed, "beacon", number)
        beacons_ms.append(log.add(beacon_broadcasts(beacon, scenario.start_ms, scenario.noise, rng), rng))
    truth = truth_rows(scenario, name, witnessed, beacons_ms)
    return Scene(scenario, seed, tuple(witnessed), log.text(), log.messages, tuple(truth))


def summarise(scene: Scene, name: str) -> SimulationSummary:
    """Count what a scene holds."""
    scenario = scene.scenario
    end_ms = scenario.start_ms + round(scenario.duration_h * 3_600_000)
    return SimulationSummary(
        scenario=name,
        title=scenario.title,
        seed=scene.seed,
        started_at=str(to_rfc3339(scenario.start_ms)),
        ended_at=str(to_rfc3339(end_ms)),
        vessels=len(scene.hulls),
        vessel_days=round(sum(float(hull.track.t_s[-1] - hull.track.t_s[0]) for hull in scene.hulls) / 86_400, 3),
        receivers=len(scenario.receivers) + len(scenario.satellites),
        messages=scene.messages,
        bytes=len(scene.log),
        truths=dict(Counter(row.type for row in scene.truth)),
    )


class _Log:
    """Collects what every receiver hears of each broadcast, and writes it in order of arrival."""

    def __init__(self, posts: list[Listener], noise: Noise) -> None:
        self._posts = posts
        self._noise = noise
        self._blocks: list[Rows] = []
        self._arrived_ms: list[Ints] = []
        self.messages = 0

    def add(self, broadcasts: Iterable[Broadcast], rng: np.random.Generator) -> Ints:
        """Let all receivers hear the broadcasts; return when anybody heard a position report, in ms UTC, in order."""
        reports_ms = [np.zeros(0, np.int64)]
        for sent in broadcasts:
            for listener in self._posts:
                heard = hear(listener, sent, self._noise, rng)
                self._write_down(listener, sent, heard)
                if sent.is_report:
                    reports_ms.append(sent.t_ms[heard.index])
        return np.unique(np.concatenate(reports_ms))

    def text(self) -> bytes:
        """Return all lines, in order of arrival."""
        if not self._blocks:
            return b""
        ranks = np.empty(self.messages, np.int64)
        ranks[np.argsort(np.concatenate(self._arrived_ms), kind="stable")] = np.arange(self.messages)
        ends = np.cumsum([block.shape[0] for block in self._blocks])[:-1]
        return merge(self._blocks, np.split(ranks, ends))

    def _write_down(self, listener: Listener, sent: Broadcast, heard: Heard) -> None:
        if heard.index.size == 0:
            return
        numbers = self.messages + np.arange(heard.index.size)
        channel = np.where(heard.index % 2, ord("B"), ord("A")).astype(np.uint8)[:, None]
        payload = sent.payload.rows(heard.index)
        serial = decimal(numbers % 9000 + 1000, 4)
        self._blocks.append(lines(payload, channel, listener.name, heard.stamped_ms, listener.in_ms, serial))
        self._arrived_ms.append(heard.arrived_ms)
        self.messages += heard.index.size


def _tracks(scenario: Scenario, seed: int) -> list[Track]:
    duration_s = scenario.duration_h * 3600
    taken = {vessel.mmsi for vessel in scenario.vessels}
    vessels = (*scenario.vessels, *muster(scenario.traffic, scenario.duration_h, taken, _rng(seed, "fleets")))
    sailed = (
        sail(vessel, duration_s, _rng(seed, "track", *hull))
        for vessel, hull in zip(vessels, _hulls(vessel.mmsi for vessel in vessels), strict=True)
    )
    return [track for track in sailed if track is not None]


def _hulls(mmsis: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Each MMSI with a number that counts the hulls behind it, from 1."""
    seen: Counter[int] = Counter()
    for mmsi in mmsis:
        seen[mmsi] += 1
        yield mmsi, seen[mmsi]


def _rng(seed: int, purpose: str, *key: int) -> np.random.Generator:
    """A random stream of its own for each thing, so that one more vessel changes no other."""
    return np.random.default_rng([seed, *purpose.encode(), *key])
