"""Unpacking within bounds: a batch that somebody packed with gzip or Zstandard may unpack to far more than it was.

Partners write to topics of their own, and a few KiB of zeros, packed, are gigabytes when the client of the log unpacks
them; or they pack in a way that the log takes and our library does not. The client has no bound and lets the library's
error through, so its functions are replaced here. LZ4 and Snappy unpack to no more than 255 and some 21 times as much,
which the largest batch of a topic bounds.
"""

import gzip
import io
from collections.abc import Callable
from typing import Any, Final

import kafka.errors as kafka_errors
import zstandard
from kafka.record import default_records

MOST_BYTES: Final = 64 * 1024 * 1024  # chosen: the largest batch of ours has 1 MiB, packed


class CannotUnpackError(kafka_errors.CorruptRecordError):  # type: ignore[misc]
    """A batch is larger, unpacked, than anybody needs, or cannot be unpacked at all."""


def gzip_decode(packed: Any) -> bytes:
    """What a batch packed with gzip holds. Raises CannotUnpackError when that is too much."""
    with gzip.GzipFile(fileobj=io.BytesIO(packed), mode="r") as reader:
        return _bounded(reader.read(MOST_BYTES + 1))


def zstd_decode(packed: Any) -> bytes:
    """What a batch packed with Zstandard holds. Raises CannotUnpackError when that is too much."""
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed), read_across_frames=True) as reader:
        return _bounded(reader.read(MOST_BYTES + 1))


def _bounded(unpacked: bytes) -> bytes:
    if len(unpacked) > MOST_BYTES:
        raise CannotUnpackError(f"a batch unpacks to more than {MOST_BYTES:,} bytes")
    return unpacked


def guarded(decode: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """The same, whose every failure is a CannotUnpackError."""

    def decoded(packed: Any) -> bytes:
        try:
            return decode(packed)
        except CannotUnpackError:
            raise
        except Exception as error:  # of four libraries, each with errors of its own
            raise CannotUnpackError(f"a batch cannot be unpacked ({type(error).__name__})") from error

    return decoded


def bound_the_client() -> None:
    """Let the client of the log unpack within bounds. To be done once."""
    default_records.gzip_decode = guarded(gzip_decode)
    default_records.zstd_decode = guarded(zstd_decode)
    default_records.lz4_decode = guarded(default_records.lz4_decode)
    default_records.snappy_decode = guarded(default_records.snappy_decode)
