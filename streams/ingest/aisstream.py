"""aisstream.io: a websocket of AIS from all over the world, for a free key.

The key comes from $MARITIME_AISSTREAM_KEY, or from the file that $MARITIME_AISSTREAM_KEY_FILE names, and from nowhere
else. The subscription must be sent within three seconds. Source: https://aisstream.io/documentation
"""

import json
from random import Random
from typing import Final

from pydantic import SecretStr

from maritime.columns import SourceTable
from maritime.sources import aisstream
from streams.ingest.messages import MessageDecoder
from streams.ingest.websocket import WebsocketSource

URL: Final = "wss://stream.aisstream.io/v0/stream"
WORLD: Final = (-90.0, -180.0, 90.0, 180.0)

Box = tuple[float, float, float, float]
"""South, west, north, east in degrees."""


def aisstream_source(name: str, key: SecretStr, rng: Random, *, box: Box = WORLD, url: str = URL) -> WebsocketSource:
    """The messages of an area."""
    south, west, north, east = box

    def subscription() -> str:
        return json.dumps(
            {
                "APIKey": key.get_secret_value(),
                "BoundingBoxes": [[[south, west], [north, east]]],
                "FilterMessageTypes": list(aisstream.MESSAGE_TYPES),
            }
        )

    return WebsocketSource(name, url, rng, _decoder, greeting=subscription, refusal=_refusal)


def _decoder(table: SourceTable, feed: str) -> MessageDecoder:
    return MessageDecoder(aisstream.LAYOUT, table, feed, unpack=aisstream.unpacked)


def _refusal(message: bytes) -> str | None:
    """`{"error":"Api Key Is Not Valid"}`: trying again would not help."""
    if not message.lstrip().startswith(b'{"error"'):
        return None
    try:
        return str(json.loads(message)["error"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
