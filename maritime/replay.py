"""Replay, the main job: AIS files in, alerts out, in one process.

Files become chunks of reports in time order; each chunk moves the heartbeats on; the heartbeats move the engine on;
what the engine finds is written down. The alerts depend on the reports and the settings alone.
"""

import json
import platform
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, Final

import maritime
from maritime.alerts.alert import Alert, Detector
from maritime.alerts.output import OutputFolder
from maritime.alerts.recorder import CLOCK_AHEAD, CLOCK_OFF, FILES, FUTURE, LATE, MAP, SUMMARY, Recorder
from maritime.alerts.spool import read_alerts
from maritime.columns import Chunk, SourceTable
from maritime.config import config_sha256
from maritime.detect.engine import Engine
from maritime.detect.heartbeat import HeartbeatMaker
from maritime.detect.places import EnginePlaces
from maritime.detect.settings import DetectSettings
from maritime.errors import UsageError
from maritime.geo.zones import Area
from maritime.sources.inputs import Inputs
from maritime.sources.mapping import ColumnMapping
from maritime.sources.naming import shown
from maritime.sources.ordering import in_time_order
from maritime.sources.span import check_span, within

DETECTOR: Final = "maritime-watch"
ALERT_TYPES: Final = (
    "dark_period",
    "distress_beacon",
    "identity_clash",
    "loitering",
    "position_withheld",
    "reception_outage",
    "unusual_landing",
)

Progress = Callable[[int, int, int], None]
"""Called now and then with bytes read, bytes in all, and reports so far."""


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay left: the folder of its files and the summary, as `summary.json` has it."""

    out: Path
    summary: dict[str, Any]

    def alerts(self) -> Iterator[Alert]:
        """The alerts, by the time they were raised."""
        return read_alerts(self.out / "alerts.jsonl")


def replay(
    paths: Sequence[Path | str],
    out: Path,
    *,
    settings: DetectSettings | None = None,
    places: EnginePlaces | None = None,
    format: str | None = None,
    mapping: ColumnMapping | None = None,
    start_ms: int | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    newest_ms: int | None = None,
    area: Area | None = None,
    types: Collection[str] | None = None,
    revisions: bool = False,
    draw_map: bool = True,
    progress: Progress | None = None,
    stopwatch: Callable[[], float] | None = None,
) -> ReplayResult:
    """Find the alerts in AIS files and directories and write them, with a map and a summary, into the folder `out`.

    Times are ms UTC: `start_ms` is when a log without times begins; only reports in `[from_ms, to_ms)` are used;
    reports after `newest_ms` are refused. `area` and `types` choose which alerts are told; what is learned comes from
    all reports. `stopwatch` gives seconds and lets the summary state the speed.

    Raises UsageError for an unknown alert type, an empty span or an input that would be overwritten, ConfigurationError
    for wrong settings, OutputError when `out` cannot be written. An input that cannot be read is listed under
    `failures` in the summary, and the others are used.
    """
    _check_types(types)
    check_span(from_ms, to_ms)
    settings = settings or DetectSettings()
    sources = SourceTable()
    inputs = Inputs(
        paths,
        sources,
        format=format,
        mapping=mapping,
        start_ms=start_ms,
        newest_ms=newest_ms,
        results=[out / name for name in FILES],
    )
    places = places or EnginePlaces.load()
    engine = Engine(settings, places, sources)
    heartbeats = HeartbeatMaker(settings.time, settings.clocks)
    detector = Detector(DETECTOR, maritime.__version__, config_sha256(settings))
    started_s = stopwatch() if stopwatch else 0.0

    with (
        OutputFolder(out, owned=FILES) as folder,
        Recorder(folder, detector, area=area.contains if area else None, types=types, revisions=revisions) as record,
    ):
        chunks = in_time_order(inputs, lateness_ms=round(settings.time.lateness_s * 1000), spill_dir=out)
        for chunk in within(_told(chunks, inputs, progress), from_ms, to_ms):
            record.chunk(chunk)
            beats = heartbeats.feed(chunk.positions, chunk.clock)
            believed, ahead = heartbeats.believed(chunk.positions)
            engine.feed(believed, chunk.statics)
            for episode in engine.advance(beats):
                record.episode(episode)
            record.refused(chunk.file, engine.take_late(), LATE)
            record.refused(chunk.file, [ahead] if ahead else [], CLOCK_AHEAD)
            _refuse_clocks(engine, heartbeats, record)
        for episode in chain(engine.advance(heartbeats.finish()), engine.open_episodes()):
            record.episode(episode)
        _refuse_clocks(engine, heartbeats, record)
        record.refused("", engine.take_waiting(), FUTURE)

        summary = {
            "versions": _versions(),
            "config_sha256": detector.config_sha256,
            "coastline": places.coastline.id,
            **record.finish(),
            "inputs": [shown(file) for file in inputs.files],
            "failures": [asdict(failure) for failure in inputs.failures],
            "clocks": heartbeats.clocks(sources.name),
            "engine": dict(sorted(engine.counters.items())),
        }
        if draw_map:
            from maritime.alerts.map import draw

            draw(folder.partial(MAP), record.alerts(), record.sketch, places.coastline, summary)
        if stopwatch:
            seconds = stopwatch() - started_s
            summary["seconds"] = round(seconds, 3)
            summary["reports_per_s"] = round(record.tally.reports / seconds) if seconds > 0 else None
        folder.partial(SUMMARY).write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return ReplayResult(out, summary)


def _refuse_clocks(engine: Engine, heartbeats: HeartbeatMaker, record: Recorder) -> None:
    """Keep and count the reports that the engine refused for the clock of their source."""
    for batch in engine.take_refused():
        heartbeats.refuse(batch)
        record.refused("", [batch], CLOCK_OFF)


def _check_types(types: Collection[str] | None) -> None:
    for kind in types or ():
        if kind not in ALERT_TYPES:
            raise UsageError(f"'{kind}' is not an alert type; the types are {', '.join(ALERT_TYPES)}")


def _told(chunks: Iterable[Chunk], inputs: Inputs, progress: Progress | None) -> Iterator[Chunk]:
    """Pass the chunks on, telling `progress` how far they are."""
    bytes_read = reports = 0
    for chunk in chunks:
        bytes_read += chunk.bytes_read
        reports += chunk.positions.num_rows
        if progress:
            progress(bytes_read, inputs.total_bytes, reports)
        yield chunk


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("numba", "numpy", "pyarrow")}
    return {"maritime-watch": maritime.__version__, "python": platform.python_version(), **packages}
