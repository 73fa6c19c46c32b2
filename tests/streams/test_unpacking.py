"""Batches that unpack to gigabytes, or not at all, are refused before they do harm."""

import gzip
import tracemalloc

import lz4.frame
import pytest
import zstandard
from kafka.errors import UnsupportedCodecError
from kafka.record import default_records

from maritime.errors import RefusedError
from streams.kafka import unpacking
from streams.kafka.client import in_our_words

PACKERS = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress, "lz4": lz4.frame.compress}


def decoder(name):
    """As the client of the log uses it."""
    return getattr(default_records, f"{name}_decode")


@pytest.mark.parametrize("name", PACKERS)
def test_what_was_packed_comes_back(name):
    assert decoder(name)(PACKERS[name](b"some records")) == b"some records"


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_bomb_is_refused_within_bounds(name, monkeypatch):
    pack = PACKERS[name]
    assert decoder(name)(pack(b"one") + pack(b"two")) == b"onetwo"
    bomb = pack(bytes(10_000_000)) * 20
    monkeypatch.setattr(unpacking, "MOST_BYTES", 1_000_000)
    tracemalloc.start()
    with pytest.raises(unpacking.CannotUnpackError):
        decoder(name)(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize("name", ["gzip", "zstd", "lz4", "snappy"])
def test_what_cannot_be_unpacked_is_refused_and_ends_nothing(name):
    with pytest.raises(unpacking.CannotUnpackError) as raised:
        decoder(name)(b"not packed at all")
    assert isinstance(in_our_words(raised.value, "reading"), RefusedError)


def test_a_codec_that_is_not_installed_is_refused():
    assert isinstance(in_our_words(UnsupportedCodecError("snappy"), "reading"), RefusedError)
