"""Small kernels against their slow twins: bit fields and times."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from maritime.ais.kernels import messages, text
from maritime.ais.layout import NO_TIME
from tests import naive_ais

SIXBIT = st.lists(st.integers(0, 63), min_size=12, max_size=70)


@given(SIXBIT, st.integers(0, 9), st.integers(0, 400), st.integers(1, 57))
def test_bit_fields(chars: list[int], first_char: int, start: int, n_bits: int) -> None:
    bits = "".join(f"{char:06b}" for char in chars[first_char:])
    start %= len(bits)
    n_bits = min(n_bits, len(bits) - start)
    pool = np.array(chars, dtype=np.uint8)
    assert messages.unsigned(pool, first_char, np.int64(start), np.int64(n_bits)) == naive_ais.unsigned(
        bits, start, n_bits
    )
    assert messages.signed(pool, first_char, np.int64(start), np.int64(n_bits)) == naive_ais.signed(bits, start, n_bits)


def as_twin(t_ms: int) -> int | None:
    return None if t_ms == NO_TIME else t_ms


@given(st.from_regex(r"\A[0-9]{0,20}(\.[0-9]{0,4})?[a-z]?\Z"))
def test_epochs(words: str) -> None:
    block = np.frombuffer(words.encode() + b" ", dtype=np.uint8).copy()
    assert as_twin(text.epoch_ms(block, 0, len(words))) == naive_ais.epoch_ms(words)


CLOCKS = st.times().map(lambda clock: clock.strftime("%H:%M:%S"))
DATES = st.dates().map(lambda date: f"{date.year:04d}-{date.month:02d}-{date.day:02d}")
DAY_FIRST = st.dates().map(lambda date: f"{date.day:02d}/{date.month:02d}/{date.year:04d}")
COMPACT = st.datetimes().map(lambda moment: f"{moment.year:04d}{moment:%m%d}T{moment:%H%M%S}")
STAMPS = st.one_of(
    st.tuples(DATES | DAY_FIRST, st.sampled_from(" T"), CLOCKS, st.from_regex(r"\A([.,:][0-9]{1,6})?\Z")).map("".join),
    COMPACT,
    st.from_regex(r"\A[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4} [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}\Z"),
)


@settings(max_examples=1500)
@given(st.sampled_from(["", "[", ' "', "\t"]), STAMPS, st.sampled_from(["", "Z", "+02:00", "-0330", "+14", "] ", " x"]))
def test_prefixes(before: str, stamp: str, after: str) -> None:
    words = before + stamp + after
    block = np.frombuffer(words.encode() + b" ", dtype=np.uint8).copy()
    assert as_twin(text.prefix_ms(block, 0, len(words))) == naive_ais.prefix_ms(words), words
