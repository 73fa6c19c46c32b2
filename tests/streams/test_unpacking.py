"""Batches that unpack to gigabytes are refused before they do."""

import gzip
import tracemalloc

import pytest
import zstandard
from kafka.record import default_records

from streams.kafka import unpacking

DECODERS = {
    "gzip": (gzip.compress, unpacking.gzip_decode),
    "zstd": (zstandard.ZstdCompressor().compress, unpacking.zstd_decode),
}


@pytest.mark.parametrize("name", DECODERS)
def test_what_was_packed_comes_back(name):
    pack, unpack = DECODERS[name]
    assert unpack(memoryview(pack(b"some records"))) == b"some records"
    assert unpack(pack(b"one") + pack(b"two")) == b"onetwo"


@pytest.mark.parametrize("name", DECODERS)
def test_a_bomb_is_refused_within_bounds(name, monkeypatch):
    pack, unpack = DECODERS[name]
    bomb = pack(bytes(10_000_000)) * 20
    monkeypatch.setattr(unpacking, "MOST_BYTES", 1_000_000)
    tracemalloc.start()
    with pytest.raises(unpacking.UnpacksToTooMuchError):
        unpack(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_the_client_uses_them():
    assert default_records.gzip_decode is unpacking.gzip_decode
    assert default_records.zstd_decode is unpacking.zstd_decode
