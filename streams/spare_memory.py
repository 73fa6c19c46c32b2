"""Memory that allocators keep after a peak, given back to the system.

Snapshots, restores and rebalances take for a moment several times what the state takes. Without this a detector would
keep the memory of its highest peak for ever: measured, a third more after its first restore.
"""

import ctypes
import os
from typing import Final

_libc: Final = ctypes.CDLL(None)
# From glibc's malloc.h. Without them a block that once was large raises the size up to which blocks come from the heap
# (to 32 MiB), and each thread keeps a heap of its own: holes that no trimming closes.
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_MAPPED_FROM_BYTES: Final = 128 * 1024  # glibc's own value, before it has been raised
_HEAPS: Final = 2  # chosen: the worker's thread and the clients' threads
ONE_POOL: Final = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""What the environment says to Arrow as it is loaded. Some of it keeps to the pool of then, whatever is set later."""


def one_allocator() -> None:
    """Let Arrow take its memory from the C library, for this whole process: pools of its own return little of it.

    Large blocks are mapped one by one, so that each goes back to the system when it is freed. To be called before
    pyarrow is imported: what is packed and unpacked takes its memory from the pool of then.
    """
    os.environ.update(ONE_POOL)
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    if hasattr(_libc, "mallopt"):  # glibc
        _libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM_BYTES)
        _libc.mallopt(_M_ARENA_MAX, _HEAPS)


def give_back() -> None:
    """Let go of what is free. Takes milliseconds; where the C library cannot do it, only Arrow's pool does."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if hasattr(_libc, "malloc_trim"):  # glibc
        _libc.malloc_trim(0)
