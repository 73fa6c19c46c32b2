"""`maritime tail`: print what passes through a topic, as JSON lines."""

import json
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maritime.cli.log import Config, client_of, letter_of, settings_of, stopped_by_signals

if TYPE_CHECKING:
    from streams.transport import Partition, Record, Transport

POLL_S = 0.5


class What(StrEnum):
    """What can be followed."""

    alerts = "alerts"
    rescue = "rescue"
    positions = "positions"
    rejects = "rejects"


def tail(
    what: Annotated[What, typer.Argument(help="Which records.")] = What.alerts,
    config: Config = None,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Also what is already there; else only what comes.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Wait for more; else end where the log ends now.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print whole records as JSON, one a line.")] = False,
) -> int:
    """Print what is committed, one record a line: alerts; what concerns rescue; positions; rejects."""
    from streams.topic_names import ALERTS, POSITIONS, REJECTS, RESCUE
    from streams.transport import Partition

    topic = {What.alerts: ALERTS, What.rescue: RESCUE, What.positions: POSITIONS, What.rejects: REJECTS}[what]
    _, live = settings_of(config)
    transport = client_of(live, f"tail.{socket.gethostname()}.{os.getpid()}", None)
    try:
        if not follow:
            if from_beginning:
                for number in range(transport.topics().get(topic, 0)):
                    _print(what, transport.read(Partition(topic, number)), as_json=as_json)
            return 0
        place = _From(transport, beginning=from_beginning)
        transport.subscribe(topic, place)
        with stopped_by_signals() as stop:
            while not stop.is_set():
                records = transport.poll(POLL_S)
                _print(what, records, as_json=as_json)
                place.passed(records)
    except BrokenPipeError:  # whoever read has had enough
        sys.stderr.close()
    finally:
        transport.close()
    return 0


class _From:
    """Sets out at the beginning or the end of a partition, and when it is assigned again goes on where it was."""

    def __init__(self, transport: "Transport", *, beginning: bool) -> None:
        self._transport = transport
        self._beginning = beginning
        self._next: dict[Partition, int] = {}

    def assigned(self, partitions: "Sequence[Partition]") -> None:
        for partition in partitions:
            if partition not in self._next:
                first, end = self._transport.bounds(partition)
                self._next[partition] = first if self._beginning else end
            self._transport.seek(partition, self._next[partition])

    def passed(self, records: "Iterable[Record]") -> None:
        """These were printed."""
        for record in records:
            self._next[record.partition] = record.offset + 1

    def revoked(self, partitions: "Sequence[Partition]") -> None:
        """Nothing is kept of a partition."""

    lost = revoked


def _print(what: What, records: "Iterable[Record]", *, as_json: bool) -> None:
    told, short = {
        What.alerts: (_alerts, ("time", "data.severity", "data.type", "data.state", "subject", "data.lat", "data.lon")),
        What.rescue: (_alerts, ("time", "data.type", "data.device", "data.state", "subject", "data.lat", "data.lon")),
        What.positions: (_positions, ("t", "mmsi", "lat", "lon", "sog", "cog")),
        What.rejects: (_rejects, ("reason", "content")),
    }[what]
    for record in records:
        for value in told(record) if record.value is not None else ():
            print(json.dumps(value, ensure_ascii=False, allow_nan=False) if as_json else _short(value, short))
    sys.stdout.flush()


def _short(value: dict[str, Any], names: Iterable[str]) -> str:
    """The named values on one line, without control characters."""
    words = []
    for name in names:
        inner: Any = value
        for part in name.split("."):
            inner = inner.get(part) if isinstance(inner, dict) else None
        words.append("-" if inner is None else str(inner))
    return "  ".join("".join(c if c.isprintable() else "\ufffd" for c in word) for word in words)


def _alerts(record: "Record") -> Iterator[dict[str, Any]]:
    yield json.loads(record.value or b"{}")


def _rejects(record: "Record") -> Iterator[dict[str, Any]]:
    yield letter_of(record)


def _positions(record: "Record") -> Iterator[dict[str, Any]]:
    from maritime.times import to_rfc3339
    from streams import codec
    from streams.poison import PoisonError

    try:
        if codec.kind_of(record.headers) != codec.POSITIONS:
            return
        batch = codec.unpack_positions(record.value, record.headers)
    except PoisonError as poison:
        yield {"poison": poison.reason, "partition": record.partition.number, "offset": record.offset}
        return
    for row in batch.to_pylist():
        known = {name: None if value != value else value for name, value in row.items()}
        yield known | {"t": to_rfc3339(row["t"])}
