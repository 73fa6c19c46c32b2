"""`maritime run`: ingest and detect in one process without a broker, for a single station."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from maritime.cli.ingest import Sources, opened_sources, pace_of
from maritime.cli.log import Config, letter_of, log_as_json, places_of, settings_of, stopped_by_signals
from maritime.cli.screen import Format, Json, print_json
from maritime.errors import OutputError

if TYPE_CHECKING:
    from maritime.alerts.alert import Alert
    from streams.transport import Record


def run(
    sources: Sources,
    config: Config = None,
    format: Format = None,
    out: Annotated[
        Path | None, typer.Option(help="File to which every revision of every alert is added, as a JSON line.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="File to which what was refused is added, as JSON lines; else it is counted.")
    ] = None,
    zones: Annotated[Path | None, typer.Option(help="GeoJSON of named watch zones.")] = None,
    ports: Annotated[list[Path] | None, typer.Option(help="GeoJSON or CSV of further ports; may be repeated.")] = None,
    coastline: Annotated[Path | None, typer.Option(help="A finer coastline than the one shipped.")] = None,
    as_json: Json = False,
) -> int:
    """Watch sources and print alerts as they come, until stopped. What it knows ends with the process.

    Sources are those of `ingest`. With files alone it ends when they do.
    """
    from streams.spare_memory import one_allocator

    one_allocator()  # before anything loads Arrow
    from maritime.alerts.spool import json_line
    from streams.embedded import Embedded

    settings, live = settings_of(config)
    opened = opened_sources(sources, format)
    log_as_json()
    places = places_of(coastline, ports, zones, quiet=as_json)
    told = calls = refused = 0
    with ExitStack() as files:
        alert_file, reject_file = (_appended(path, files) if path else None for path in (out, rejects))

        def on_alert(alert: "Alert") -> None:
            nonlocal told
            told += 1
            if not as_json:
                print(_short(alert), flush=True)
            if alert_file:
                alert_file.write(json_line(alert))

        def on_call(event: dict[str, Any]) -> None:
            nonlocal calls
            calls += 1
            if not as_json:
                print(_short_call(event["data"]), flush=True)

        def on_reject(record: "Record") -> None:
            nonlocal refused
            refused += 1
            if reject_file:
                reject_file.write(json.dumps(letter_of(record), ensure_ascii=False).encode() + b"\n")

        with stopped_by_signals() as stop:
            embedded = Embedded(opened, on_alert, on_call, on_reject, places, settings, pace_of(live.ingest), stop)
            embedded.run()
    counts = embedded.ingester.counters() | {
        "revisions_of_alerts": told,
        "distress_calls": calls,
        "dead_letters": refused,
    }
    if as_json:
        print_json(counts)
    else:
        print(f"{counts['reports']:,} reports, {told:,} revisions of alerts, {refused:,} refused")
    return 0


def _appended(path: Path, files: ExitStack) -> BinaryIO:
    try:
        return files.enter_context(path.open("ab", buffering=0))
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another place") from None


def _short(alert: "Alert") -> str:
    from maritime.times import to_rfc3339

    where = "-" if alert.lat is None or alert.lon is None else f"{alert.lat:.4f} {alert.lon:.4f}"
    return f"{to_rfc3339(alert.raised_ms)}  {alert.severity}  {alert.type}  {alert.state}  {alert.hull}  {where}"


def _short_call(call: dict[str, Any]) -> str:
    where = "-" if call["lat"] is None else f"{call['lat']:.4f} {call['lon']:.4f}"
    return f"{call['heard_at']}  DISTRESS  {call['device'] or 'status 14'}  {call['mmsi']:09}  {where}"
