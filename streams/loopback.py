"""Where servers of ours listen unless told otherwise: to this machine alone."""

from typing import Final

LOOPBACK: Final = "127.0.0.1"
