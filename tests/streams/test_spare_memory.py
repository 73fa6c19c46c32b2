"""Peaks of memory go back to the system."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from streams.spare_memory import ONE_POOL, give_back

MIB = 2**20


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to see the memory of this process")
def test_what_was_freed_leaves_the_process():
    give_back()  # loads what it needs
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


NO_OTHER_POOL = """
from streams.spare_memory import one_allocator

one_allocator()
import pyarrow as pa
from streams.arrow_frames import pack, unpack

batch = pa.record_batch({"t": pa.array(range(60_000), pa.int64())})
assert unpack(pack(batch), batch.schema).equals(batch)
for name in pa.supported_memory_backends():
    print(name, getattr(pa, f"{name}_memory_pool")().max_memory())
"""


def test_frames_take_no_memory_of_arrows_own_pools():
    """Packing took it from the pool that Arrow had chosen as it was loaded, which kept 70 MiB of a detector."""
    environment = {name: value for name, value in os.environ.items() if name not in ONE_POOL}
    told = subprocess.run(
        [sys.executable, "-c", NO_OTHER_POOL], check=True, timeout=60, capture_output=True, text=True, env=environment
    )
    most = {name: int(most) for name, most in map(str.split, told.stdout.splitlines())}
    assert most.pop("system") > 480_000
    assert not any(most.values())


FIRST_OF_ALL = """
import sys
from streams import spare_memory

spare_memory.one_allocator = lambda: sys.exit(40 + ("pyarrow" in sys.modules))
from maritime.cli import main

main()
"""


@pytest.mark.parametrize("arguments", [["detect"], ["run", "nothing.nmea"]], ids=["detect", "run"])
def test_the_command_chooses_its_allocator_before_it_loads_arrow(arguments):
    told = subprocess.run([sys.executable, "-c", FIRST_OF_ALL, *arguments], check=False, timeout=60)
    assert told.returncode == 40
