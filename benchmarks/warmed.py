"""Places and compiled kernels, loaded when this is imported: a server that forks processes imports it beforehand."""

from typing import Final

from maritime.cli.kernels import ready_kernels
from maritime.detect.places import EnginePlaces

PLACES: Final = EnginePlaces.load()
ready_kernels(PLACES, quiet=True)
