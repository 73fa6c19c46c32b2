"""`maritime detect`: a member of the group of detectors. Run as many as the traffic needs."""

from pathlib import Path
from typing import Annotated

import typer

from maritime.cli.log import (
    Config,
    Member,
    MetricsHost,
    MetricsPort,
    client_of,
    log_as_json,
    places_of,
    served,
    settings_of,
    stopped_by_signals,
    the_kafka,
)
from maritime.cli.screen import Json, print_json
from streams.loopback import LOOPBACK


def detect(
    config: Config = None,
    member: Member = None,
    zones: Annotated[Path | None, typer.Option(help="GeoJSON of named watch zones.")] = None,
    ports: Annotated[list[Path] | None, typer.Option(help="GeoJSON or CSV of further ports; may be repeated.")] = None,
    coastline: Annotated[Path | None, typer.Option(help="A finer coastline than the one shipped.")] = None,
    stop_when_idle_s: Annotated[
        float | None, typer.Option(min=0.0, help="End when nothing came for so long; else run until stopped.")
    ] = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
    as_json: Json = False,
) -> int:
    """Read reports from the log and publish alerts, each exactly once, until stopped.

    Every member of a group needs the same settings, ports, zones and coastline.
    """
    the_kafka()
    from streams.spare_memory import one_allocator

    one_allocator()  # before anything loads Arrow
    from streams.detector import DetectSetup
    from streams.observe.observed_worker import ObservedWorker
    from streams.worker import Pace

    settings, live = settings_of(config)
    places = places_of(coastline, ports, zones, quiet=as_json)
    worker = ObservedWorker(
        lambda: client_of(live, live.log.group, member),
        DetectSetup(settings, places, live.log.partitions, live.ingest.stale_s, live.log.status),
        Pace(cycle_s=live.log.cycle_s, snapshot_every_s=live.log.snapshot_every_s),
    )
    log_as_json()
    with stopped_by_signals() as stop, served(worker.registry, worker, metrics_host, metrics_port):
        worker.run(stop, stop_when_idle_s=stop_when_idle_s)
    counts = worker.worker.counters()
    if as_json:
        print_json(counts)
    else:
        print(f"{counts['records']:,} records, {counts['alerts']:,} revisions of alerts, {counts['rejects']:,} rejects")
    return 0
