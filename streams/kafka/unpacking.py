"""Unpacking within bounds: a batch that somebody packed with gzip or Zstandard may unpack to far more than it was.

Partners write to topics of their own, and a few KiB of zeros, packed, are gigabytes when the client of the log unpacks
them. The client has no bound, so its two functions that need one are replaced here. LZ4 and Snappy unpack to no more
than 255 and some 21 times as much, which the largest batch of a topic bounds.
"""

import gzip
import io
from typing import Any, Final

import kafka.errors as kafka_errors
import zstandard
from kafka.record import default_records

MOST_BYTES: Final = 64 * 1024 * 1024  # chosen: the largest batch of ours has 1 MiB, packed


class UnpacksToTooMuchError(kafka_errors.CorruptRecordError):  # type: ignore[misc]
    """A batch is larger, unpacked, than anybody needs."""


def gzip_decode(packed: Any) -> bytes:
    """What a batch packed with gzip holds. Raises UnpacksToTooMuchError."""
    with gzip.GzipFile(fileobj=io.BytesIO(packed), mode="r") as reader:
        return _bounded(reader.read(MOST_BYTES + 1))


def zstd_decode(packed: Any) -> bytes:
    """What a batch packed with Zstandard holds. Raises UnpacksToTooMuchError."""
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed), read_across_frames=True) as reader:
        return _bounded(reader.read(MOST_BYTES + 1))


def _bounded(unpacked: bytes) -> bytes:
    if len(unpacked) > MOST_BYTES:
        raise UnpacksToTooMuchError(f"a batch unpacks to more than {MOST_BYTES:,} bytes")
    return unpacked


def bound_the_client() -> None:
    """Let the client of the log unpack within bounds."""
    default_records.gzip_decode = gzip_decode
    default_records.zstd_decode = zstd_decode
