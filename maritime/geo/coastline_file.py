"""A coastline in one compact file: whole steps of a grid, as differences, in variable-length integers, compressed.

8 bytes    MWCOAST1, the last being the version
32 bytes   SHA-256 of all that follows
4 bytes    length of the header, little endian
header     JSON: id, source, error_m, error_median_m, points, lines, lon and lat as [first, step]
zlib       integers: points of each line, then all longitudes, then all latitudes, each as the difference to the one
           before, zigzag (0, -1, 1, -2 … → 0, 1, 2, 3 …), seven bits a byte, least first, high bit = more follows
"""

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from maritime.errors import ConfigurationError

MAGIC: Final = b"MWCOAST1"
FINE_STEP_DEG: Final = 1e-6  # chosen: 0.1 m, finer than any surveyed shore


@dataclass(frozen=True, slots=True)
class Shore:
    """Coast lines as read. A line whose last point is its first is a ring of land (or of water within land)."""

    id: str
    source: str  # where it comes from, for people
    error_m: float  # 95 % of the coast lies nearer than this to the true one
    error_median_m: float
    lon_deg: npt.NDArray[np.float64]  # [n], all lines one after the other
    lat_deg: npt.NDArray[np.float64]  # [n]
    starts: npt.NDArray[np.int64]  # [lines + 1]; line k is [starts[k], starts[k + 1])


def write_shore(
    path: Path,
    shore: Shore,
    lon_grid: tuple[float, float] = (-180.0, FINE_STEP_DEG),
    lat_grid: tuple[float, float] = (-90.0, FINE_STEP_DEG),
) -> None:
    """Write the compact file; each grid is (first, step) in degrees, to which coordinates are rounded."""
    numbers = np.concatenate(
        [
            np.diff(shore.starts),
            *(
                np.diff(np.rint((values - first) / step).astype(np.int64), prepend=0)
                for values, (first, step) in ((shore.lon_deg, lon_grid), (shore.lat_deg, lat_grid))
            ),
        ]
    )
    header = json.dumps(
        {
            "id": shore.id,
            "source": shore.source,
            "error_m": shore.error_m,
            "error_median_m": shore.error_median_m,
            "points": len(shore.lon_deg),
            "lines": len(shore.starts) - 1,
            "lon": lon_grid,
            "lat": lat_grid,
        }
    ).encode()
    body = struct.pack("<I", len(header)) + header + zlib.compress(_varints(numbers), level=9)
    path.write_bytes(MAGIC + hashlib.sha256(body).digest() + body)


def read_shore(path: Path) -> Shore:
    """Read the compact file. ConfigurationError when it is of another version, cut short or altered."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the coastline cannot be read ({error.strerror}); give another file"
        ) from None
    magic, digest, body = content[:8], content[8:40], content[40:]
    if magic != MAGIC:
        raise ConfigurationError(
            f"{path}: begins with {magic!r}, not {MAGIC!r}; build it with scripts/build_coastline.py"
        )
    if hashlib.sha256(body).digest() != digest:
        raise ConfigurationError(f"{path}: the coastline is cut short or altered (SHA-256 differs); get it again")
    (header_length,) = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + header_length])
    numbers = _from_varints(zlib.decompress(body[4 + header_length :]))
    lengths, lon, lat = np.split(numbers, [header["lines"], header["lines"] + header["points"]])
    (lon_first, lon_step), (lat_first, lat_step) = header["lon"], header["lat"]
    return Shore(
        id=header["id"],
        source=header["source"],
        error_m=header["error_m"],
        error_median_m=header["error_median_m"],
        lon_deg=lon_first + np.cumsum(lon) * lon_step,
        lat_deg=lat_first + np.cumsum(lat) * lat_step,
        starts=np.concatenate([[0], np.cumsum(lengths)]),
    )


def _varints(numbers: npt.NDArray[np.int64]) -> bytes:
    zigzag = ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)
    groups = np.stack([(zigzag >> np.uint64(7 * k)) & np.uint64(0x7F) for k in range(10)], axis=1)
    size = np.maximum(1, 10 - np.argmax(groups[:, ::-1] != 0, axis=1))
    size[zigzag == 0] = 1
    place = np.arange(10)
    groups |= np.where(place < size[:, None] - 1, np.uint64(0x80), np.uint64(0))
    return bytes(groups[place < size[:, None]].astype(np.uint8))


def _from_varints(encoded: bytes) -> npt.NDArray[np.int64]:
    octets = np.frombuffer(encoded, np.uint8)
    ends = np.flatnonzero(octets < 0x80)
    starts = np.concatenate([[0], ends[:-1] + 1])
    zigzag = (octets[starts] & np.uint8(0x7F)).astype(np.uint64)
    longer = np.flatnonzero(ends > starts)
    for k in range(1, 10):
        zigzag[longer] |= (octets[starts[longer] + k] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * k)
        longer = longer[ends[longer] > starts[longer] + k]
    numbers: npt.NDArray[np.int64] = (zigzag >> np.uint64(1)).view(np.int64) ^ -(zigzag & np.uint64(1)).view(np.int64)
    return numbers
