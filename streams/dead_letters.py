"""Dead letters: what was refused goes to `ais.rejects` with its reason, and is never silently dropped.

Whole records that nobody can read keep their bytes and headers, and say where they lay; reports refused for their time
travel as the Arrow records they came in, cut to those rows, so that they can be read, and put right, again.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa

from maritime.columns import Reject
from streams.arrow_frames import MOST_BYTES
from streams.codec import pack_positions
from streams.topic_names import REJECTS
from streams.transport import Headers, Outgoing, Record

LETTER_ROWS: Final = 5_000  # chosen: as many as a record of reports holds
LONGEST_HEADERS: Final = 32  # chosen: ours are eight; a record with hundreds must not make its letter too large
LONGEST_HEADER_BYTES: Final = 256


def letter_of_record(record: Record, reason: str, by: bytes) -> Outgoing:
    """A record that is poison, as it lay in the log; a value above the cap is cut and says how long it was."""
    value = record.value or b""
    headers: Headers = (
        ("reason", reason.encode()),
        ("n", b"1"),
        ("of", b"record"),
        ("at", f"{record.partition.topic}/{record.partition.number}/{record.offset}".encode()),
        ("bytes", str(len(value)).encode()),
    )
    kept = tuple(
        (f"was.{name[:LONGEST_HEADER_BYTES]}", (text or b"")[:LONGEST_HEADER_BYTES])
        for name, text in record.headers[:LONGEST_HEADERS]
    )
    return Outgoing(REJECTS, value[:MOST_BYTES], by, headers=headers + kept)


def letters_of_reports(batches: Iterable[pa.RecordBatch], reason: str, by: bytes) -> Iterator[Outgoing]:
    """Reports that were refused, as records of reports."""
    for batch in batches:
        for begin in range(0, batch.num_rows, LETTER_ROWS):
            value, headers = pack_positions(batch.slice(begin, LETTER_ROWS))
            yield Outgoing(REJECTS, value, by, headers=(("reason", reason.encode()), ("of", b"reports"), *headers))


def letter_of_row(reject: Reject) -> Outgoing:
    """A row or sentence that a reader of files refused, keyed by its file."""
    at = f"{reject.file}:{reject.line}".encode()
    headers: Headers = (("reason", reject.reason.encode()), ("n", b"1"), ("of", b"row"), ("at", at[-1024:]))
    return Outgoing(REJECTS, reject.content, reject.file.encode()[-1024:] or None, headers=headers)


def letter_of_alert(key: bytes, value: bytes) -> Outgoing:
    """An alert that is larger than a record may be, cut: sent as it is, it would stop its partition for ever."""
    size = str(len(value)).encode()
    headers: Headers = (("reason", b"alert_too_large"), ("n", b"1"), ("of", b"alert"), ("bytes", size))
    return Outgoing(REJECTS, value[:MOST_BYTES], key, headers=headers)
