"""`maritime replay`: AIS files in, alerts, map and tables out."""

from pathlib import Path
from typing import Annotated

import typer

from maritime.cli.screen import Format, Json, Mapping, Start, newest_accepted_ms, print_json, time_of


def replay(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT…", help="AIS files and directories, of any format.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; made if need be.")],
    format: Format = None,
    mapping: Mapping = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of settings over the defaults.")] = None,
    start: Start = None,
    from_: Annotated[str | None, typer.Option("--from", help="Use only reports from this time on.")] = None,
    to: Annotated[str | None, typer.Option(help="Use only reports before this time.")] = None,
    area: Annotated[Path | None, typer.Option(help="GeoJSON polygons: tell only what happened inside them.")] = None,
    types: Annotated[str | None, typer.Option(help="Alert types to tell, with commas between.")] = None,
    zones: Annotated[Path | None, typer.Option(help="GeoJSON of named watch zones.")] = None,
    ports: Annotated[list[Path] | None, typer.Option(help="GeoJSON or CSV of further ports; may be repeated.")] = None,
    coastline: Annotated[Path | None, typer.Option(help="A finer coastline than the one shipped.")] = None,
    revisions: Annotated[bool, typer.Option("--revisions", help="Also write every revision of every alert.")] = False,
    draw_map: Annotated[bool, typer.Option("--map/--no-map", help="Draw map.png.")] = True,
    top: Annotated[int, typer.Option(min=0, help="How many alerts to print.")] = 20,
    as_json: Json = False,
) -> int:
    """Find the alerts in AIS files; write them, a map and a summary; print the first by rank.

    Writes alerts.jsonl, .geojson, .csv, .parquet and .kml, episodes.parquet, rejects.jsonl, map.png and summary.json.
    """
    import os
    import time

    from maritime.cli.kernels import ready_kernels
    from maritime.cli.progress import replay_progress
    from maritime.cli.tables import print_failures, print_ranked
    from maritime.config import load_settings
    from maritime.detect.places import EnginePlaces
    from maritime.detect.settings import DetectSettings
    from maritime.geo.zones import load_area
    from maritime.replay import replay as replay_files
    from maritime.sources.mapping import load_mapping

    settings = load_settings(DetectSettings, config, os.environ)
    options = {
        "start_ms": time_of(start, "--start"),
        "from_ms": time_of(from_, "--from"),
        "to_ms": time_of(to, "--to"),
    }
    places = EnginePlaces.load(coastline=coastline, ports=tuple(ports or ()), zones=zones)
    compile_s = ready_kernels(places, quiet=as_json)
    with replay_progress(quiet=as_json) as progress:
        result = replay_files(
            inputs,
            out,
            settings=settings,
            places=places,
            format=format,
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
