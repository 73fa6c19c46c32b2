"""Every message of every type as a plain dictionary, through pyais; for people, not for the hot path."""

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import pyais
from pyais.exceptions import AISBaseException

from maritime.ais.decoder import Decoder, Message
from maritime.columns import SourceTable
from maritime.times import to_rfc3339


def decode_all(
    blocks: Iterable[bytes], *, file: str = "-", start_ms: int | None = None, feed: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield each message of types 1 to 27 of a file or stream as a dictionary that `json.dumps` accepts.

    Keys are `file`, `line`, `t` (RFC 3339 or None), `source`, then the fields as pyais names them, enumerations as
    numbers and binary fields as hexadecimal text. A message that pyais cannot decode has the key `error` instead of
    fields. Sentences that the `Decoder` refuses give nothing here; `file`, `start_ms` and `feed` are the Decoder's.
    """
    decoder = Decoder(SourceTable(), file=file, start_ms=start_ms, feed=feed, max_rejects_kept=0)
    for block in blocks:
        decoder.feed(block)
        yield from (_as_dict(file, message) for message in decoder.messages())
    decoder.finish()
    yield from (_as_dict(file, message) for message in decoder.messages())


def _as_dict(file: str, message: Message) -> dict[str, Any]:
    head = {"file": file, "line": message.line, "t": to_rfc3339(message.t_ms), "source": message.source}
    try:
        fields = pyais.decode(sentence(message.payload, message.fill_bits)).asdict(enum_as_int=True)
    except (AISBaseException, ValueError) as error:
        return head | {"error": f"{type(error).__name__}: {error}"}
    return head | {name: _plain(value) for name, value in fields.items()}


def sentence(payload: str, fill_bits: int, talker: str = "AI") -> bytes:
    """One VDM sentence, however long, with its checksum; what pyais and most decoders take."""
    body = f"{talker}VDM,1,1,,A,{payload},{fill_bits}"
    check = 0
    for byte in body.encode("ascii"):
        check ^= byte
    return f"!{body}*{check:02X}".encode("ascii")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
