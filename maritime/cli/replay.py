"""`maritime replay`: AIS files in, alerts, map and tables out; or into the log, for detectors to read."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from maritime.cli.screen import Format, Json, Mapping, Start, newest_accepted_ms, print_json, time_of
from maritime.errors import UsageError

LOG: Final = "kafka"
TOP: Final = 20  # alerts printed


def replay(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT…", help="AIS files and directories, of any format.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the results; made if need be.")] = None,
    format: Format = None,
    mapping: Mapping = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of settings over the defaults.")] = None,
    start: Start = None,
    from_: Annotated[str | None, typer.Option("--from", help="Use only reports from this time on.")] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(help="Use only reports before this time; or 'kafka': into the log instead of a folder."),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="Into the log: event time against wall time; without it as fast as can be."),
    ] = None,
    area: Annotated[Path | None, typer.Option(help="GeoJSON polygons: tell only what happened inside them.")] = None,
    types: Annotated[str | None, typer.Option(help="Alert types to tell, with commas between.")] = None,
    zones: Annotated[Path | None, typer.Option(help="GeoJSON of named watch zones.")] = None,
    ports: Annotated[list[Path] | None, typer.Option(help="GeoJSON or CSV of further ports; may be repeated.")] = None,
    coastline: Annotated[Path | None, typer.Option(help="A finer coastline than the one shipped.")] = None,
    revisions: Annotated[bool, typer.Option("--revisions", help="Also write every revision of every alert.")] = False,
    draw_map: Annotated[bool, typer.Option("--map/--no-map", help="Draw map.png.")] = True,
    top: Annotated[int, typer.Option(min=0, help="How many alerts to print.")] = TOP,
    as_json: Json = False,
) -> int:
    """Find the alerts in AIS files; write them, a map and a summary; print the first by rank.

    Writes alerts.jsonl, .geojson, .csv, .parquet and .kml, episodes.parquet, rejects.jsonl, map.png and summary.json.
    """
    into_log, until = LOG in (to or []), [text for text in to or [] if text != LOG]
    if len(until) > 1:
        raise UsageError("--to is given for two times; give one time, and 'kafka' for the log")
    options: dict[str, Any] = {
        "start_ms": time_of(start, "--start"),
        "from_ms": time_of(from_, "--from"),
        "to_ms": time_of(until[0] if until else None, "--to"),
        "format": format,
    }
    if into_log:
        given: dict[str, object] = {"--out": out, "--area": area, "--types": types, "--zones": zones, "--ports": ports}
        given |= {"--coastline": coastline, "--revisions": revisions, "--no-map": not draw_map, "--top": top != TOP}
        for option in (name for name, value in given.items() if value):
            raise UsageError(f"{option} is for results, and `maritime detect` finds those of the log; leave it out")
        return _into_log(inputs, config, mapping, speed, options, as_json=as_json)
    if out is None:
        raise UsageError("--out is missing; name a folder for the results, or --to kafka")
    if speed is not None:
        raise UsageError("--speed is for --to kafka; a replay into a folder is as fast as it can be")
    import os
    import time

    from maritime.cli.kernels import ready_kernels
    from maritime.cli.progress import replay_progress
    from maritime.cli.tables import print_failures, print_ranked
    from maritime.config import LIVE_SECTIONS, load_settings
    from maritime.detect.places import EnginePlaces
    from maritime.detect.settings import DetectSettings
    from maritime.geo.zones import load_area
    from maritime.replay import replay as replay_files
    from maritime.sources.mapping import load_mapping

    settings = load_settings(DetectSettings, config, os.environ, besides=LIVE_SECTIONS)
    places = EnginePlaces.load(coastline=coastline, ports=tuple(ports or ()), zones=zones)
    compile_s = ready_kernels(places, quiet=as_json)
    with replay_progress(quiet=as_json) as progress:
        result = replay_files(
            inputs,
            out,
            settings=settings,
            places=places,
            mapping=load_mapping(mapping) if mapping else None,
            newest_ms=newest_accepted_ms(),
            area=load_area(area) if area else None,
            types=[kind.strip() for kind in types.split(",")] if types else None,
            revisions=revisions,
            draw_map=draw_map,
            progress=progress,
            stopwatch=time.monotonic,
            **options,
        )
    if as_json:
        print_json({"out": str(out), "compile_s": compile_s, **result.summary})
    else:
        print_ranked(result, top)
        print_failures(result.summary["failures"])
    return 1 if result.summary["failures"] else 0


def _into_log(
    inputs: list[Path],
    config: Path | None,
    mapping: Path | None,
    speed: float | None,
    options: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    """Push the reports into the log with heartbeats of event time, at a speed; detectors then find the same alerts."""
    import time
    from contextlib import closing
    from dataclasses import asdict

    from maritime.cli.log import client_of, settings_of, stopped_by_signals
    from maritime.cli.progress import replay_progress
    from maritime.cli.tables import print_failures
    from maritime.sources.mapping import load_mapping
    from streams.replay_feed import CHUNK_ROWS, SLICE_ROWS, Fed, feeding, pause_s

    settings, live = settings_of(config)
    if live.log.status != "exercise":
        raise UsageError(
            f"log.status is '{live.log.status}', and a replay must never pass for what happens now; "
            "set log.status: exercise (MARITIME_LOG__STATUS=exercise)"
        )
    fed, began = Fed(), time.monotonic()
    with (
        closing(client_of(live, "ingest", "replay")) as transport,
        stopped_by_signals() as stop,
        replay_progress(quiet=as_json) as progress,
    ):
        for fed in feeding(
            inputs,
            transport,
            settings=settings,
            mapping=load_mapping(mapping) if mapping else None,
            newest_ms=newest_accepted_ms(),
            chunk_rows=SLICE_ROWS if speed else CHUNK_ROWS,
            **options,
        ):
            if progress:
                progress(fed.bytes_read, fed.bytes_total, fed.reports)
            if stop.wait(pause_s(fed, speed, time.monotonic() - began)):
                break
    seconds = time.monotonic() - began
    failures = [asdict(failure) for failure in fed.failures]
    if as_json:
        told = {"reports": fed.reports, "statics": fed.statics, "heartbeats": fed.heartbeats}
        print_json({**told, "rejects": dict(fed.rejects), "failures": failures, "seconds": round(seconds, 3)})
    else:
        print(f"{fed.reports:,} reports and {fed.heartbeats:,} heartbeats are in the log, in {seconds:,.1f} s")
        print_failures(failures)
    return 1 if failures or stop.is_set() else 0
