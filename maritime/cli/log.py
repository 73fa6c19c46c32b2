"""The log for commands: its settings, its clients, and how a command that runs for long is told to stop."""

import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maritime.errors import ConfigurationError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from maritime.detect.settings import DetectSettings
    from streams.kafka import KafkaAdministration
    from streams.observe.health import Health
    from streams.settings import LiveSettings
    from streams.transport import Record, Transport

Config = Annotated[
    Path | None, typer.Option(help="YAML file of settings over the defaults: detection, `kafka` and `log`.")
]
Member = Annotated[
    str | None,
    typer.Option(
        help="Name of this process in the group; a restart under the same name takes up its work at once. "
        "Two processes of one name end each other. Without it: host and process number."
    ),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Serve /metrics, /healthz and /readyz at this port; 0 takes any, and says so."),
]
MetricsHost = Annotated[
    str, typer.Option(help="Address to serve them at; nobody else's but this machine's if left out.")
]


def settings_of(config: Path | None) -> "tuple[DetectSettings, LiveSettings]":
    """Settings of detection and of the log, from one file and the environment."""
    from maritime.config import LIVE_SECTIONS, load_settings
    from maritime.detect.settings import DetectSettings
    from streams.settings import LiveSettings

    live = load_settings(LiveSettings, config, os.environ, besides=DetectSettings.model_fields)
    return load_settings(DetectSettings, config, os.environ, besides=LIVE_SECTIONS), live


def client_of(live: "LiveSettings", group: str, member: str | None) -> "Transport":
    """A client of the log, actual or exercise. It connects when it is first used."""
    kafka = the_kafka()
    from streams.exercise import named, of_the_log
    from streams.settings import password_from

    name = member or f"{socket.gethostname()}.{os.getpid()}"
    status = live.log.status
    return of_the_log(
        kafka.KafkaTransport(live.kafka, group=named(group, status), member=name, password=password_from(os.environ)),
        status,
    )


def administration_of(live: "LiveSettings") -> "KafkaAdministration":
    """Topics, permissions and users of the log. It connects now."""
    from streams.settings import password_from

    administration: KafkaAdministration = the_kafka().KafkaAdministration(live.kafka, password_from(os.environ))
    return administration


def the_kafka() -> Any:
    """The module that speaks Kafka; ConfigurationError where it is not installed."""
    try:
        import streams.kafka
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is not installed; install maritime-watch[live]") from None
    return streams.kafka


def log_as_json() -> None:
    """Log events as JSON lines on standard error, all secrets masked; to be called before the first connection."""
    from streams.observe.json_log import log_json_lines
    from streams.settings import secrets

    log_json_lines(secrets(os.environ))


@contextmanager
def served(registry: "CollectorRegistry", health: "Health", host: str, port: int | None) -> Iterator[None]:
    """Serve metrics and health while the command works; nothing without a port."""
    if port is None:
        yield
        return
    from streams.observe.status_server import StatusServer

    with StatusServer(registry, health, host, port) as server:
        if port == 0:
            print(f"maritime: metrics at http://{host}:{server.port}/metrics", file=sys.stderr)
        yield


@contextmanager
def stopped_by_signals() -> Iterator[Event]:
    """An event that the first Ctrl-C or termination signal sets, so that work ends in order; a second ends it now."""
    stop = Event()

    def told(signum: int, _frame: Any) -> None:
        if stop.is_set():
            raise SystemExit(128 + signum)
        print("maritime: stopping; once more to stop at once", file=sys.stderr)
        stop.set()

    before = {number: signal.signal(number, told) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def places_of(coastline: Path | None, ports: Sequence[Path] | None, zones: Path | None, *, quiet: bool) -> Any:
    """The places that detection knows, with kernels ready: compiling must not fall into a first transaction."""
    from maritime.cli.kernels import ready_kernels
    from maritime.detect.places import EnginePlaces

    places = EnginePlaces.load(coastline=coastline, ports=tuple(ports or ()), zones=zones)
    ready_kernels(places, quiet=quiet)
    return places


def letter_of(record: "Record") -> dict[str, Any]:
    """A dead letter as JSON can say it: its headers, and what was refused as `content`."""
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    return {**headers, "content": (record.value or b"").decode("utf-8", "backslashreplace")}
