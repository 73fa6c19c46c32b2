"""A million damaged sentences: no crash, and nothing is accepted whose checksum is wrong."""

import re

import numpy as np
import pyais
from numpy.typing import NDArray

from maritime.ais.decoder import Decoder
from maritime.columns import SourceTable
from tests import naive_ais

N_SENTENCES = 1_000_000
FIELDS = {
    "lat": 54.5,
    "lon": 10.25,
    "speed": 12.3,
    "course": 87.6,
    "heading": 88,
    "second": 7,
    "shipname": "EVER GIVEN",
}
FIELDS |= {
    "name": "KIEL",
    "callsign": "DABC",
    "text": "SART ACTIVE",
    "year": 2020,
    "month": 1,
    "day": 1,
    "imo": 9811000,
}


def sound_sentences() -> NDArray[np.uint8]:
    """One row per sentence of every bulk type, filled up with line ends; a tag block stands before every second one."""
    lines = []
    for number, msg_type in enumerate((1, 2, 3, 4, 5, 9, 11, 14, 18, 19, 21, 24, 27)):
        for part in pyais.encode_dict({"msg_type": msg_type, "mmsi": 257_000_000 + number, **FIELDS}, talker_id="AI"):
            tag = f"c:{1_577_836_800 + number},s:station{number}"
            lines += [part, f"\\{tag}*{naive_ais.checksum(tag.encode()):02X}\\{part}"]
    width = max(map(len, lines)) + 1
    return np.array([list(line.encode().ljust(width, b"\n")) for line in lines], dtype=np.uint8)


def damaged(rng: np.random.Generator, n: int) -> NDArray[np.uint8]:
    """N sentences, each with one to four bytes changed, dropped line ends among them."""
    sound = sound_sentences()
    log = sound[rng.integers(0, len(sound), n)]
    rows = np.arange(n)
    for _ in range(4):
        at = rng.integers(0, log.shape[1], n)
        log[rows, at] = np.where(rng.random(n) < 0.6, rng.integers(0, 256, n), log[rows, at])
    return log.ravel()


def has_sound_sentence(line: bytes) -> bool:
    """Whether any sentence in a line has the checksum that it states."""
    return any(
        naive_ais.checksum(body) == int(stated, 16)
        for body, stated in re.findall(rb"!(..VD[MO],[^!$\\*]*)\*([0-9A-Fa-f]{2})", line, re.DOTALL)
    )


def test_a_million_damaged_sentences() -> None:
    log = damaged(np.random.default_rng(1371), N_SENTENCES).tobytes()
    lines = re.split(rb"\r\n|\r|\n", log)
    decoder = Decoder(SourceTable(), start_ms=1_577_836_800_000)
    accepted: set[int] = set()
    refused = 0
    for start in range(0, len(log), 1 << 20):
        chunk = decoder.feed(log[start : start + (1 << 20)])
        accepted.update(message.line for message in decoder.messages())
        assert set(chunk.positions["line"].to_pylist()) <= accepted
        refused += sum(chunk.reject_counts.values())
    refused += sum(decoder.finish().reject_counts.values())
    assert len(accepted) > 10_000  # damage outside the sentence, or a checksum that fits by chance
    assert refused > N_SENTENCES // 2
    assert [line for line in accepted if not has_sound_sentence(lines[line - 1])] == []


def test_damaged_sentences_are_framed_as_by_the_slow_twin() -> None:
    from tests.ais.test_decoder import assert_as_the_slow_twin

    assert_as_the_slow_twin(damaged(np.random.default_rng(61162), 40_000).tobytes())
