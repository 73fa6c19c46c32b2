"""Memory that allocators keep after a peak, given back to the system.

Snapshots, restores and rebalances take for a moment several times what the state takes. Without this a detector would
keep the memory of its highest peak for ever: measured, a third more after its first restore.
"""

import ctypes
import gc
from typing import Final

import pyarrow as pa

_libc: Final = ctypes.CDLL(None)


def one_allocator() -> None:
    """Let Arrow take its memory from the C library, for this whole process: pools of its own return little of it."""
    pa.set_memory_pool(pa.system_memory_pool())


def give_back() -> None:
    """Let go of what is free. Takes milliseconds; where the C library cannot do it, only Arrow's pool does.

    Clients of the log that were closed are cycles, which hold what they had fetched until they are collected.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    if hasattr(_libc, "malloc_trim"):  # glibc
        _libc.malloc_trim(0)
