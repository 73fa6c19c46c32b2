"""One Arrow record batch as bytes, and back from bytes that nobody vouches for.

An Arrow IPC stream states how large each compressed buffer will be, and a reader allocates what is stated. So before
anything is unpacked the stated sizes are added up, from the message's flatbuffer (Arrow's `format/Message.fbs`), and a
stream that would take more than MOST_UNPACKED_BYTES is refused. Afterwards the batch is checked in full: offsets,
bitmaps and texts. Whatever is wrong becomes a PoisonError.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from streams.poison import PoisonError

MOST_BYTES: Final = 512 * 1024  # the cap of a record: half of what a broker takes by default
MOST_UNPACKED_BYTES: Final = 4 * 1024 * 1024  # chosen: the writer packs a tenth of it at most
MOST_ROWS: Final = 65_536  # chosen: the writer packs a tenth of it at most

_WRITE: Final = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_READ: Final = pa.ipc.IpcReadOptions(use_threads=False)
_SCHEMA, _BATCH = "schema", "record batch"
_MESSAGE_HEADER, _BATCH_LENGTH, _BATCH_BUFFERS, _BATCH_COMPRESSION = 2, 0, 2, 3  # places of fields in Message.fbs
_BUFFER: Final = struct.Struct("<qq")  # offset in the body, length
_LENGTH: Final = struct.Struct("<q")
STORED: Final = -1  # the stated size of a buffer that was not worth compressing


def pack(batch: pa.RecordBatch) -> bytes:
    """The batch as an Arrow IPC stream with lz4 buffers."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=_WRITE) as writer:
        writer.write_batch(batch)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def unpack(value: bytes, schema: pa.Schema) -> pa.RecordBatch:
    """The one batch in an Arrow IPC stream of exactly this schema; raises PoisonError."""
    if len(value) > MOST_BYTES:
        raise PoisonError("oversize", f"{len(value)} bytes, {MOST_BYTES} are the most")
    try:
        _check_messages(value, schema)
        with pa.ipc.open_stream(pa.py_buffer(value), options=_READ) as reader:
            batch = reader.read_next_batch()
        batch.validate(full=True)
    except PoisonError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError, EOFError, struct.error, StopIteration) as error:
        raise PoisonError("bad_arrow", f"{' '.join(str(error).split())[:200] or type(error).__name__}") from None
    for column, field in zip(batch.columns, schema, strict=True):
        _check_nulls(column, field)
    return batch


def _check_messages(value: bytes, schema: pa.Schema) -> None:
    """That the stream holds the schema and one batch, and what that will take in memory."""
    messages = _messages(value)
    first = next(messages, None)
    if first is None or first.type != _SCHEMA:
        raise PoisonError("bad_arrow", "the stream does not begin with a schema")
    if not pa.ipc.read_schema(first).equals(schema):
        raise PoisonError("wrong_schema", "the columns are not those of this kind")
    second = next(messages, None)
    if second is None or second.type != _BATCH:
        raise PoisonError("bad_arrow", "the stream holds no batch")
    rows, size = _stated(bytes(second.metadata), second.body)
    if not 0 < rows <= MOST_ROWS:
        raise PoisonError("wrong_count", f"{rows} rows; 1 to {MOST_ROWS} are right")
    if size > MOST_UNPACKED_BYTES:
        raise PoisonError("oversize", f"{size} bytes unpacked, {MOST_UNPACKED_BYTES} are the most")
    if next(messages, None) is not None:
        raise PoisonError("bad_arrow", "the stream holds more than one batch")


def _messages(value: bytes) -> Iterator[Any]:
    reader = pa.ipc.MessageReader.open_stream(pa.py_buffer(value))
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        if message is None:
            return
        yield message


def _stated(metadata: bytes, body: pa.Buffer | None) -> tuple[int, int]:
    """How many rows a batch message states, and how many bytes its buffers will take."""
    (root,) = struct.unpack_from("<I", metadata, 0)
    header = _target(metadata, _field(metadata, root, _MESSAGE_HEADER))
    length_at = _field(metadata, header, _BATCH_LENGTH)
    rows = _LENGTH.unpack_from(metadata, length_at)[0] if length_at else 0
    compressed = _field(metadata, header, _BATCH_COMPRESSION) != 0
    buffers_at = _field(metadata, header, _BATCH_BUFFERS)
    if not buffers_at:
        return rows, 0
    vector = _target(metadata, buffers_at)
    (count,) = struct.unpack_from("<I", metadata, vector)
    if count * _BUFFER.size > len(metadata):
        raise PoisonError("bad_arrow", f"{count} buffers in {len(metadata)} bytes")
    content = memoryview(body) if body is not None else memoryview(b"")
    size = 0
    for i in range(count):
        offset, length = _BUFFER.unpack_from(metadata, vector + 4 + i * _BUFFER.size)
        if not (0 <= offset <= offset + length <= len(content)):
            raise PoisonError("bad_arrow", "a buffer lies outside the message")
        size += _unpacked(content[offset : offset + length]) if compressed and length else length
    return rows, size


def _unpacked(buffer: memoryview) -> int:
    (stated,) = _LENGTH.unpack_from(buffer, 0)
    if stated < STORED:
        raise PoisonError("bad_arrow", f"a buffer states {stated} bytes")
    return len(buffer) - _LENGTH.size if stated == STORED else int(stated)


def _field(metadata: bytes, table: int, place: int) -> int:
    """Where a field of a flatbuffer table stands; 0 when it is left out."""
    (back,) = struct.unpack_from("<i", metadata, table)
    vtable = table - back
    (vtable_bytes,) = struct.unpack_from("<H", metadata, vtable)
    slot = 4 + 2 * place
    if slot + 2 > vtable_bytes:
        return 0
    (offset,) = struct.unpack_from("<H", metadata, vtable + slot)
    return table + int(offset) if offset else 0


def _target(metadata: bytes, at: int) -> int:
    """Where the offset that stands at a place leads."""
    if not at:
        raise PoisonError("bad_arrow", "the message lacks a field")
    return at + int(struct.unpack_from("<I", metadata, at)[0])


def _check_nulls(column: pa.Array, field: pa.Field) -> None:
    """That nothing is null where nothing may be."""
    if not field.nullable and column.null_count:
        raise PoisonError("bad_arrow", f"column {field.name} has nulls")
    if pa.types.is_list(field.type):
        _check_nulls(column.values, field.type.value_field)
    elif pa.types.is_struct(field.type):
        for i, inner in enumerate(field.type):
            _check_nulls(column.field(i), inner)
