"""Peaks of memory go back to the system."""

import os
from pathlib import Path

import numpy as np
import pytest

from streams.spare_memory import give_back

MIB = 2**20


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to see the memory of this process")
def test_what_was_freed_leaves_the_process():
    kept = []
    for _ in range(2_000):  # blocks below the size that is always returned, with something small behind each
        block = np.ones(100_000, np.uint8)
        kept.append(bytes(2_000))
        del block
    peak = [np.ones(100_000, np.uint8) for _ in range(1_000)]
    stop = [bytes(3_000) for _ in range(1_000)]
    before = resident_bytes()
    del peak
    give_back()
    assert before - resident_bytes() > 80 * MIB
    assert len(kept) + len(stop) == 3_000
