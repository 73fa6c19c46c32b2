"""Hours of live operation on a real broker: `python -m benchmarks.soak [--minutes N] [--out FILE]`.

A feed of 10,000 positions/s, two detectors and a broker. Sampled are memory and open files of the detectors and how
far the group is behind; on the way a third detector joins, leaves again, and the broker is killed and started anew.
Memory and files must be after all that what they were before it, when the detectors were warm, and the lag must return
to nothing. The report is Markdown.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from benchmarks.detector_process import CONTEXT, Detectors
from benchmarks.live import ingest_live
from benchmarks.live_log import LiveLog
from maritime.errors import TransportError
from streams.topic_names import POSITIONS
from streams.transport import Partition
from streams.worker import Pace
from tests.broker.kafka_broker import Broker

PER_S: Final = 10_000
VESSELS: Final = 20_000
PARTITIONS: Final = 6
WARM_UP: Final = 0.25  # of the time: the feed's vessels are known, snapshots have been written
FLAT: Final = 0.05
LAG_TARGET: Final = 20  # records, of which a second brings a dozen
HANDLES_TARGET: Final = 4
REBALANCES: Final = (0.40, 0.55)  # of the time: a third detector comes, and goes
RESTART: Final = 0.65
SETTLED: Final = 0.75  # of the time: all events are past, and as many detectors share the work as before them


@dataclass(frozen=True, slots=True)
class Sample:
    """One look."""

    minute: float
    memory_mib: float  # of the two detectors that stay
    own_mib: float  # of it what is no file's, which the system could drop
    files: int
    behind: int | None  # records; None while the log does not answer
    event: str


def sample(began_s: float, stay: Sequence[BaseProcess], behind: int | None, event: str) -> Sample:
    """Look at the detectors that stay."""
    pages = sum(int(Path(f"/proc/{each.pid}/statm").read_text().split()[1]) for each in stay)
    files = sum(len(os.listdir(f"/proc/{each.pid}/fd")) for each in stay)
    own_kib = sum(
        int(line.split()[1])
        for each in stay
        for line in Path(f"/proc/{each.pid}/status").read_text().splitlines()
        if line.startswith("RssAnon")
    )
    memory_mib = pages * os.sysconf("SC_PAGESIZE") / 2**20
    return Sample((time.monotonic() - began_s) / 60, memory_mib, own_kib / 2**10, files, behind, event)


def behind(log: LiveLog, client: Any) -> int | None:
    """How many records the group has not committed; None when the log does not answer."""
    try:
        ends = {n: client.bounds(Partition(POSITIONS, n))[1] for n in range(log.topics[POSITIONS])}
        return sum(max(0, end - (client.committed(Partition(POSITIONS, n)) or 0) - 1) for n, end in ends.items())
    except TransportError:
        return None


def run(minutes: float) -> list[Sample]:
    """Let it run, and sample about 120 times."""
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        (folder / "broker").mkdir()
        broker = Broker(folder / "broker")
        try:
            broker.start()
            with closing(
                LiveLog(broker.bootstrap, partitions=PARTITIONS, group="soak", session_timeout_ms=10_000)
            ) as log:
                samples = _soak(broker, log, folder, minutes * 60.0)
        finally:
            broker.kill()
    return samples


def _soak(broker: Broker, log: LiveLog, folder: Path, seconds: float) -> list[Sample]:
    samples = []
    with Detectors(log.live, folder) as all_:
        stay = [all_.start(f"w{i}", pace=Pace(cycle_s=0.5, snapshot_every_s=30.0)) for i in range(2)]
        watch = log.client(group=log.live.log.group)
        time.sleep(4.0)
        began_s = time.monotonic()
        events = [(REBALANCES[0], "a third joins"), (REBALANCES[1], "it leaves"), (RESTART, "broker killed, started")]
        third = feeder = None
        every_s = max(1.0, seconds / 120)
        while (elapsed_s := time.monotonic() - began_s) < seconds:
            if feeder is None or not feeder.is_alive():  # it does not outlive the broker, as a supervisor would see to
                arguments = (log.live, seconds - elapsed_s, PER_S, VESSELS)
                feeder = CONTEXT.Process(target=ingest_live, args=arguments, daemon=True)
                feeder.start()
            event = ""
            if events and elapsed_s > events[0][0] * seconds:
                event = events.pop(0)[1]
                if third is None:
                    third = all_.start("third", pace=Pace(cycle_s=0.5, snapshot_every_s=30.0))
                elif event == "it leaves":
                    all_.stop(third)
                else:
                    broker.kill()
                    broker.start()
                    log.free()
            samples.append(sample(began_s, stay, behind(log, watch), event))
            print(samples[-1], flush=True)
            time.sleep(every_s)
        if feeder is not None:
            feeder.join(30.0)
        time.sleep(5.0)
        samples.append(sample(began_s, stay, behind(log, watch), "the feed ended"))
    return samples


def report(samples: Sequence[Sample], minutes: float) -> tuple[str, bool]:
    """The report, and whether all was flat."""
    before = [s for s in samples if WARM_UP <= s.minute / minutes < REBALANCES[0]]
    after = [s for s in samples if s.minute / minutes >= SETTLED]
    first_mib, last_mib = (statistics.median(s.memory_mib for s in part) for part in (before, after))
    first_files, last_files = (statistics.median(s.files for s in part) for part in (before, after))
    growth = last_mib / first_mib - 1
    left = samples[-1].behind
    is_flat = abs(growth) <= FLAT and abs(last_files - first_files) <= HANDLES_TARGET
    is_right = is_flat and left is not None and left <= LAG_TARGET
    lines = [
        f"# Soak of {minutes:g} minutes at {PER_S:,} positions/s",
        "",
        f"Two detectors, a third for a while, one broker, {os.cpu_count()} processors."
        + ("" if minutes >= 60 else " This is a short run: the hour is not measured."),
        "",
        "| | measured | target |",
        "|---|---|---|",
        f"| memory of two detectors, before and after the events | {first_mib:.0f} and {last_mib:.0f} MiB "
        f"({growth:+.1%}) | ± {FLAT:.0%} |",
        f"| open files, before and after the events | {first_files:g} and {last_files:g} | ± {HANDLES_TARGET} |",
        f"| records behind in the end | {left} | ≤ {LAG_TARGET} |",
        f"| all | {'met' if is_right else 'missed'} | |",
        "",
        "| minute | MiB | of its own | files | records behind | |",
        "|---|---|---|---|---|---|",
    ]
    step = max(1, len(samples) // 40)
    lines += [
        f"| {s.minute:.1f} | {s.memory_mib:.0f} | {s.own_mib:.0f} | {s.files} | "
        f"{'–' if s.behind is None else s.behind} | {s.event} |"
        for i, s in enumerate(samples)
        if i % step == 0 or s.event
    ]
    return "\n".join(lines) + "\n", is_right


def main(argv: Sequence[str] | None = None) -> None:
    """Run, write the report; exit code 1 where something was not flat."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long")
    parser.add_argument("--out", type=Path, help="file for the report; without it on the screen")
    given = parser.parse_args(argv)
    # What compiling takes would stay with the detectors and hide what they take themselves.
    subprocess.run([sys.executable, "-m", "benchmarks.warmed"], check=True)
    text, is_right = report(run(given.minutes), given.minutes)
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text)
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
