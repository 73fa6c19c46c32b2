"""What the engine knows of places: coastline, ports and watch zones, loaded once and only read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from maritime.detect.kernels.identity import text_hash
from maritime.geo.coastline import Coastline, load_coastline
from maritime.geo.ports import Places, load_ports
from maritime.geo.zones import Zones, load_zones


@dataclass(frozen=True, slots=True)
class EnginePlaces:
    """Coastline, ports and watch zones of one engine."""

    coastline: Coastline
    ports: Places
    zones: Zones

    @classmethod
    def load(cls, coastline: Path | None = None, ports: Sequence[Path] = (), zones: Path | None = None) -> Self:
        """Load the shipped coastline and ports, with the user's files over or beside them.

        Raises ConfigurationError naming the file and feature that is wrong.
        """
        return cls(load_coastline(coastline), load_ports(ports), load_zones(zones))

    def port_hashes(self) -> dict[int, int]:
        """Hash of a port's name or UN/LOCODE → its row: how a declared destination finds its port."""
        hashes: dict[int, int] = {}
        for row, names in enumerate(zip(self.ports.names, self.ports.locodes, strict=True)):
            for name in names:
                if name and (key := hash_of(name)):
                    hashes.setdefault(key, row)
        return hashes


def hash_of(text: str) -> int:
    """text_hash of a Python string."""
    encoded: NDArray[np.uint8] = np.frombuffer(text.encode(), np.uint8)
    return int(text_hash(encoded, 0, len(encoded)))
