"""Who can be named from a copy that names nobody: `python -m benchmarks.reidentification [--detectors]`.

Episodes of the vessels in the shared US tracks (silences, and slow stretches) become copies by a rule of the example
policy. An attacker who has every AIS report of that day looks for the vessel of each copy:

- who knows where vessels were counts those that reported from the cell in the step of time;
- who also knows what the alert is made of searches the tracks for the same behaviour, makes a copy of each as the rule
  does, and counts the vessels whose copies are the same to the byte;
- who keeps copies counts those that fit all copies that bear one pseudonym.

The chance to name the vessel is one in as many as were counted. Told are its mean over the copies, its worst, and how
many copies fit one vessel alone. The mean must not be above the bound that the rule states.

No rule protects from who runs these very detectors on the same reports: few vessels have an alert, and one in a cell
and step is named. `--detectors` tells that chance too. Nor is anything measured of attackers who see with more than
AIS, or who keep copies for longer than a day.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.deletion import FILES, read_reports, tracks_folder
from maritime.ais.flags import flag_of
from maritime.replay import replay
from maritime.sharing.envelope import Envelope, offset_time
from maritime.sharing.policy import ReleasePolicy, Rule
from maritime.sharing.policy_file import load_policy
from maritime.sharing.prepare import Address, prepare
from maritime.sharing.redact import redact
from maritime.times import from_rfc3339
from maritime.units import DAY_MS, HOUR_MS, MINUTE_MS

POLICY: Final = Path(__file__).resolve().parents[1] / "configs" / "sharing" / "national_centre.yaml"
PARTNER, RULE = "fisheries-agency", "patterns"
LEAST_MS: Final = HOUR_MS  # chosen: about the shortest that is told as a dark period or loitering
SLOW_KN: Final = 3.0  # chosen: slower than vessels go to somewhere
MOORED_KN: Final = 0.3  # chosen: what moored vessels report, as positions scatter
ATTACKERS: Final = ("where vessels were", "and the behaviour", "all copies of a pseudonym")
KEY: Final = bytes(range(32))  # of the pseudonyms: which one it is makes no difference to what is counted
ADDRESS: Final = Address("00000000-0000-4000-8000-000000000000", 0, "alert")
WIDTH: Final = 110


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that a vessel did, from one of the rows of the tracks to another."""

    type: str
    mmsi: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Chance:
    """With which chance an attacker names the vessel of a copy."""

    area: str
    type: str
    attacker: str
    copies: int
    mean: float
    worst: float
    certain: float  # share of copies that fit one vessel alone


@dataclass(frozen=True, slots=True)
class Tracks:
    """All reports of an area, sorted by vessel and time: what the attacker has."""

    mmsi: np.ndarray
    t_ms: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    sog_kn: np.ndarray

    @classmethod
    def of(cls, reports: pd.DataFrame) -> "Tracks":
        """From a file as `read_reports` reads it."""
        lat, lon = (reports[name].astype(float).to_numpy() for name in ("LAT", "LON"))
        return cls(reports["mmsi"].to_numpy(), reports["t_ms"].to_numpy(), lat, lon, reports["sog_kn"].to_numpy())

    def episodes(self) -> Iterator[Episode]:
        """Silences of an hour and more, and stretches of an hour and more in which it was slow and not moored."""
        same = self.mmsi[1:] == self.mmsi[:-1]
        for i in np.flatnonzero(same & (np.diff(self.t_ms) >= LEAST_MS)):
            yield Episode("dark_period", int(self.mmsi[i]), int(i), int(i) + 1)
        is_slow = self.sog_kn <= SLOW_KN
        breaks = np.flatnonzero(~same | (is_slow[1:] != is_slow[:-1])) + 1
        for rows in np.split(np.arange(len(self.mmsi)), breaks):
            first, last = int(rows[0]), int(rows[-1])
            is_long = self.t_ms[last] - self.t_ms[first] >= LEAST_MS
            if is_slow[first] and is_long and self.sog_kn[rows].mean() >= MOORED_KN:
                yield Episode("loitering", int(self.mmsi[first]), first, last)

    def envelope(self, episode: Episode, policy: ReleasePolicy) -> Envelope:
        """The full view of an episode."""
        rows = (episode.first, episode.last) if episode.type == "dark_period" else (episode.first,)
        start_ms, end_ms = int(self.t_ms[episode.first]), int(self.t_ms[episode.last])
        places = [
            {
                "role": "position",
                "at": offset_time(int(self.t_ms[row])),
                "lat": float(self.lat[row]),
                "lon": float(self.lon[row]),
            }
            for row in rows
        ]
        mark = policy.mark_of(episode.type)
        assert mark is not None, f"the policy does not share {episode.type}"
        record: dict[str, Any] = {
            **ADDRESS.as_fields(),
            "status": "exercise",
            "originator": policy.originator.model_dump(),
            "sent": offset_time(end_ms),
            "expires": offset_time(end_ms + 30 * DAY_MS),
            "observed": {"start": offset_time(start_ms), "end": offset_time(end_ms)},
            "event": {"type": episode.type},
            "assessment": {"severity": "Moderate", "urgency": "Past", "certainty": "Likely"},
            "vessels": [{"mmsi": episode.mmsi, "flag": flag_of(episode.mmsi)}],
            "places": places,
            "handling": {"tlp": mark.tlp, "purpose": list(mark.purpose), "rel_to": list(mark.rel_to)},
            "evidence": [{"name": "hours", "value": (end_ms - start_ms) / HOUR_MS}],
        }
        return Envelope.model_validate(record)

    def seen_in(self, copy: Envelope, rule: Rule) -> frozenset[int]:
        """Vessels that reported from the copy's first cell in the step of its start, and later from all its cells."""
        fits = np.ones(len(self.mmsi), bool)
        if copy.observed is not None:
            since_ms = from_rfc3339(copy.observed.start)
            fits &= self.t_ms >= since_ms
            if copy.observed.end is not None:
                fits &= self.t_ms <= from_rfc3339(copy.observed.end)
        cells = [fits & inside for inside in self._cells(copy)]
        if cells and copy.observed is not None and rule.time_step_min is not None:
            cells.append(cells[0] & (self.t_ms < since_ms + rule.time_step_min * MINUTE_MS))
        found = set(self.mmsi[fits].tolist())
        for inside in cells:
            found &= set(self.mmsi[inside].tolist())
        return frozenset(found)

    def _cells(self, copy: Envelope) -> Iterator[np.ndarray]:
        if copy.geometry is None:
            return
        geometry = copy.geometry.model_dump()
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        for (ring,) in polygons:
            lons, lats = zip(*ring, strict=True)
            yield (
                (min(lats) <= self.lat) & (self.lat <= max(lats)) & (min(lons) <= self.lon) & (self.lon <= max(lons))
            )


def attack(tracks: Tracks, policy: ReleasePolicy, partner: str, rule: Rule) -> dict[tuple[str, str], list[float]]:
    """The chance of each copy, by type of alert and attacker."""
    copies = []
    for episode in tracks.episodes():
        envelope = tracks.envelope(episode, policy)
        due_ms = from_rfc3339(envelope.sent) + round(rule.delay_min * MINUTE_MS)
        copies.append(
            (episode, redact(envelope, rule, policy, partner, address=ADDRESS, now_ms=due_ms, pseudonym_key=KEY))
        )
    seen: dict[bytes, frozenset[int]] = {}
    alike: dict[bytes, set[int]] = defaultdict(set)
    linked: dict[int, frozenset[int]] = {}
    for episode, copy in copies:
        text = nameless(copy)
        if text not in seen:
            seen[text] = tracks.seen_in(copy, rule)
        alike[text].add(episode.mmsi)
    for episode, copy in copies:
        same = frozenset(alike[nameless(copy)])
        linked[episode.mmsi] = linked.get(episode.mmsi, same) & same
    chances: dict[tuple[str, str], list[float]] = defaultdict(list)
    for episode, copy in copies:
        text = nameless(copy)
        counted = (seen[text], alike[text], linked[episode.mmsi] if rule.pseudonyms else alike[text])
        for attacker, candidates in zip(ATTACKERS, counted, strict=True):
            assert episode.mmsi in candidates, f"a copy does not fit its own vessel: {text.decode()}"
            chances[episode.type, attacker].append(1.0 / len(candidates))
    return chances


def attack_with_detectors(file: Path, policy: ReleasePolicy, partner: str, rule: Rule) -> list[float]:
    """The chance of each copy of a real alert, for who has all alerts of this program on the same reports."""
    copies = []
    with tempfile.TemporaryDirectory() as scratch:
        for alert in replay([file], Path(scratch) / "out", draw_map=False).alerts():
            if alert.state == "retracted" or (rule.types is not None and alert.type not in rule.types):
                continue
            sent_ms = max(alert.raised_ms, alert.ended_ms or 0)
            envelope = prepare(alert, policy, status="exercise", sent_ms=sent_ms, address=ADDRESS)
            assert envelope is not None, f"the policy does not share {alert.type}"
            due_ms = sent_ms + round(rule.delay_min * MINUTE_MS)
            copy = redact(envelope, rule, policy, partner, address=ADDRESS, now_ms=due_ms, pseudonym_key=KEY)
            copies.append((alert.mmsi, nameless(copy)))
    return [1.0 / len({mmsi for mmsi, text in copies if text == own}) for _, own in copies]


def nameless(copy: Envelope) -> bytes:
    """The copy's bytes without its pseudonyms, which tell an attacker nothing."""
    bare = [vessel.model_copy(update={"pseudonym": None}) for vessel in copy.vessels]
    return copy.model_copy(update={"vessels": bare}).canonical()


def measure(folder: Path, policy: ReleasePolicy, partner: str, rule: Rule) -> list[Chance]:
    """All chances, by area, type of alert and attacker."""
    found = []
    for area, name in FILES.items():
        for (kind, attacker), chances in sorted(
            attack(Tracks.of(read_reports(folder / name)), policy, partner, rule).items()
        ):
            told = np.array(chances)
            found.append(
                Chance(
                    area, kind, attacker, len(told), float(told.mean()), float(told.max()), float((told == 1.0).mean())
                )
            )
    return found


def means(found: Sequence[Chance]) -> dict[str, float]:
    """The mean over all copies, by attacker."""
    return {
        attacker: sum(each.mean * each.copies for each in found if each.attacker == attacker)
        / sum(each.copies for each in found if each.attacker == attacker)
        for attacker in ATTACKERS
    }


def show(found: Sequence[Chance], console: Console) -> None:
    """Print the chances, and the means over all copies."""
    table = Table(title="Chance to name the vessel of a copy, US coast, 2020-01-01")
    for heading in ("area", "type", "the attacker knows", "copies", "mean", "worst", "one vessel alone fits"):
        table.add_column(heading)
    for each in found:
        share = f"{each.certain:.0%}"
        table.add_row(
            each.area, each.type, each.attacker, str(each.copies), f"{each.mean:.2f}", f"{each.worst:.2f}", share
        )
    console.print(table)
    for attacker, mean in means(found).items():
        console.print(f"over all copies, {attacker}: {mean:.2f}")


def main(argv: Sequence[str] | None = None) -> None:
    """Print the figures; exit code 1 where a mean is above the bound that the rule states."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reidentification", description=__doc__)
    parser.add_argument("--policy", type=Path, default=POLICY)
    parser.add_argument("--partner", default=PARTNER)
    parser.add_argument("--rule", default=RULE, help="name of one of the partner's rules")
    parser.add_argument("--detectors", action="store_true", help="also who runs these detectors on the same reports")
    options = parser.parse_args(argv)
    policy = load_policy(options.policy)
    rules = [each.rule for each in policy.candidates(options.partner) if each.rule.name == options.rule]
    if not rules:
        parser.error(f"{options.partner} has no rule '{options.rule}'")
    found = measure(tracks_folder(), policy, options.partner, rules[0])
    show(found, Console(width=WIDTH))
    for area, name in FILES.items() if options.detectors else ():
        told = attack_with_detectors(tracks_folder() / name, policy, options.partner, rules[0])
        print(f"who runs these detectors on the same reports, {area}: {np.mean(told):.2f} over {len(told)} alerts")
    bound, largest = rules[0].reidentification_bound, max(means(found).values())
    print("the rule states no bound" if bound is None else f"the rule's bound: {bound:g}")
    if bound is not None and largest > bound:
        sys.exit(f"above the bound: {largest:.2f}")


if __name__ == "__main__":
    main()
