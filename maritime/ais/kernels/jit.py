"""How the decoder's kernels are compiled."""

from typing import Any, Final

from numba import njit

# The kernels allocate nothing, so they run without numba's reference counts, whose atomic operations on every array
# handed from function to function take 40 % of the time (measured: 1.6 → 2.6 million sentences per second).
_OPTIONS: Final[dict[str, Any]] = {"cache": True, "_nrt": False}


def kernel(function: Any) -> Any:
    """Compile a kernel."""
    return njit(**_OPTIONS)(function)


def inlined(function: Any) -> Any:
    """Compile a kernel into its callers.

    For what runs once per sentence: handing the two dozen arrays on costs more than the work (2.6 → 4 million).
    """
    return njit(forceinline=True, **_OPTIONS)(function)
