"""Maritime anomaly detection on AIS: files or streams in, explained alerts out.

`maritime.read(path)` gives the position reports of any AIS file as a pandas DataFrame, `maritime.detect(path_or_frame)`
its alerts. Both load their machinery at first use, so that `import maritime` costs nothing.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import maritime.detect as _engine_package
from maritime.kernel_cache import use_kernel_cache

if TYPE_CHECKING:
    import pandas as pd

    from maritime.frames import Config, read

__version__ = "0.1.0"
__all__ = ["__version__", "detect", "read"]

use_kernel_cache()  # before anything imports numba


class _Detect(ModuleType):
    """`maritime.detect` is the package of the engine, and the function of that name when it is called."""

    def __call__(self, path_or_frame: Any, config: "Config" = None) -> "pd.DataFrame":
        """See `maritime.frames.detect`."""
        from maritime import frames

        return frames.detect(path_or_frame, config)


detect = sys.modules[_engine_package.__name__]
detect.__class__ = _Detect


def __getattr__(name: str) -> Any:
    if name == "read":
        from maritime import frames

        return frames.read
    raise AttributeError(f"module 'maritime' has no attribute '{name}'")
