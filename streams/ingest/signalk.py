"""Signal K: the deltas of all vessels that a boat's server knows.

The whole stream is asked for (`subscribe=all`), in which a server passes on what it received as it received it; a
subscription by path would take position and speed apart. Source:
https://signalk.org/specification/1.5.0/doc/streaming_api.html
"""

from collections.abc import Iterator
from random import Random

from maritime.columns import SourceTable
from maritime.sources import signalk
from maritime.sources.json_records import Json
from streams.ingest.messages import MessageDecoder
from streams.ingest.websocket import WebsocketSource

PATH = "/signalk/v1/stream?subscribe=all&sendMeta=none"


def signalk_source(name: str, host: str, port: int, rng: Random, *, tls: bool = False) -> WebsocketSource:
    """The stream of a server."""
    return WebsocketSource(name, f"{'wss' if tls else 'ws'}://{host}:{port}{PATH}", rng, _decoder)


def _decoder(table: SourceTable, feed: str) -> MessageDecoder:
    return MessageDecoder(signalk.LAYOUT, table, feed, spread=_records)


def _records(delta: Json) -> Iterator[Json]:
    if not signalk.is_report(delta) and "self" not in delta and "roles" not in delta:
        yield {}  # neither a delta nor a server's greeting: a reject
    yield from signalk.records_of(delta)
