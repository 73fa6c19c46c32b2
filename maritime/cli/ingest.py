"""`maritime ingest`: AIS from files, networks and services into the log."""

import os
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from maritime.cli.log import (
    Config,
    MetricsHost,
    MetricsPort,
    client_of,
    log_as_json,
    served,
    settings_of,
    stopped_by_signals,
    the_kafka,
)
from maritime.cli.screen import Format, Json, print_json
from streams.loopback import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.ingest.ingester import IngestPace
    from streams.ingest.source import Source
    from streams.settings import IngestSettings

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE…",
        help="Files, directories to watch, tcp://HOST:PORT, udp://:PORT, http://:PORT, aisstream:, digitraffic:, "
        "mqtt://HOST, signalk://HOST.",
    ),
]


def ingest(
    sources: Sources,
    config: Config = None,
    member: Annotated[
        str, typer.Option(help="Name of this ingester; one started under the name of another takes its place.")
    ] = "ingest",
    format: Format = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
    as_json: Json = False,
) -> int:
    """Write what sources give into the log, with the heartbeats that tell detectors the time, until stopped.

    Files end; directories and networks do not. One ingester owns the log: give it all sources. Secrets come from the
    environment: MARITIME_AISSTREAM_KEY, MARITIME_HTTP_TOKEN, MARITIME_MQTT_PASSWORD, each also with _FILE.
    """
    the_kafka()
    log_as_json()
    import time

    from streams.ingest.ingester import Ingester
    from streams.observe.health import Pulse
    from streams.observe.log_metrics import LogMetrics
    from streams.observe.observed_transport import ObservedTransport
    from streams.observe.source_metrics import SourceMetrics

    settings, live = settings_of(config)
    opened = opened_sources(sources, format)
    metrics = LogMetrics()
    pulse = Pulse(time.monotonic)
    with (
        stopped_by_signals() as stop,
        served(metrics.registry, pulse, metrics_host, metrics_port),
        closing(ObservedTransport(client_of(live, "ingest", member), metrics)) as transport,
    ):
        ingester = Ingester(
            transport, opened, settings=settings, pace=pace_of(live.ingest), stop=stop, on_wait=pulse.turned
        )
        metrics.name_of = lambda code: ingester.table.name(code) or None
        metrics.registry.register(SourceMetrics(ingester.status, ingester.inboxes))
        ingester.run(after_step=lambda: pulse.turned(*ingester.why_not_ready()))
    counts = ingester.counters()
    if as_json:
        print_json(counts)
    else:
        print(f"{counts['reports']:,} reports and {counts['heartbeats']:,} heartbeats are in the log")
    return 0


def opened_sources(sources: "Sequence[str]", format: str | None) -> "list[Source]":
    """The sources that addresses name. Raises UsageError and ConfigurationError."""
    from streams.ingest.opening import open_source

    return [open_source(uri, environment=os.environ, rng=Random(), format=format) for uri in sources]


def pace_of(settings: "IngestSettings") -> "IngestPace":
    """The ingester's pace as the settings have it."""
    from streams.ingest.ingester import IngestPace

    return IngestPace(
        flush_s=settings.flush_s, hold_s=settings.hold_s, idle_s=settings.idle_s, stale_s=settings.stale_s
    )
