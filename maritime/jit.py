"""How kernels are compiled."""

from typing import Any, Final

from numba import njit

# Kernels that allocate nothing run without numba's reference counts, whose atomic operations on every array handed
# from function to function take 40 % of the time (measured: decoder 1.6 → 2.6 million sentences per second, engine
# 0.9 → 2.7 million positions per second).
_OPTIONS: Final[dict[str, Any]] = {"cache": True, "nogil": True, "_nrt": False}


def kernel(function: Any) -> Any:
    """Compile a kernel that allocates no array."""
    return njit(**_OPTIONS)(function)


def inlined(function: Any) -> Any:
    """Compile a kernel into its callers.

    For what runs once per sentence or report: handing two dozen arrays on costs more than the work (measured: decoder
    2.6 → 4 million sentences per second).
    """
    return njit(forceinline=True, **_OPTIONS)(function)


def allocating_kernel(function: Any) -> Any:
    """Compile a kernel that makes arrays."""
    return njit(cache=True, nogil=True)(function)
