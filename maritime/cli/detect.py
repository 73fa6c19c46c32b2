"""`maritime detect`: a member of the group of detectors. Run as many as the traffic needs."""

from pathlib import Path
from typing import Annotated

import typer

from maritime.cli.log import Config, Member, client_of, places_of, settings_of, stopped_by_signals
from maritime.cli.screen import Json, print_json


def detect(
    config: Config = None,
    member: Member = None,
    zones: Annotated[Path | None, typer.Option(help="GeoJSON of named watch zones.")] = None,
    ports: Annotated[list[Path] | None, typer.Option(help="GeoJSON or CSV of further ports; may be repeated.")] = None,
    coastline: Annotated[Path | None, typer.Option(help="A finer coastline than the one shipped.")] = None,
    stop_when_idle_s: Annotated[
        float | None, typer.Option(min=0.0, help="End when nothing came for so long; else run until stopped.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Read reports from the log and publish alerts, each exactly once, until stopped.

    Every member of a group needs the same settings, ports, zones and coastline.
    """
    from streams.detector import DetectSetup
    from streams.worker import DetectWorker, Pace

    settings, live = settings_of(config)
    places = places_of(coastline, ports, zones, quiet=as_json)
    worker = DetectWorker(
        lambda: client_of(live, live.log.group, member),
        DetectSetup(settings, places, live.log.partitions),
        Pace(cycle_s=live.log.cycle_s, snapshot_every_s=live.log.snapshot_every_s),
    )
    with stopped_by_signals() as stop:
        worker.run(stop, stop_when_idle_s=stop_when_idle_s)
    if as_json:
        print_json(worker.counters())
    else:
        counts = worker.counters()
        print(f"{counts['records']:,} records, {counts['alerts']:,} revisions of alerts, {counts['rejects']:,} rejects")
    return 0
