"""Points as well-known binary (OGC 06-103r4 §8.2), as GeoParquet and PostGIS hold them, to degrees."""

import numpy as np
import pyarrow as pa
import shapely

from maritime.sources.values import Numbers


def points(wkb: pa.Array) -> tuple[Numbers, Numbers]:
    """Latitudes and longitudes float64[n]: NaN where there is none or an empty one, infinity where it is no point."""
    texts = [_binary(value) for value in wkb.to_pylist()]
    geometries = shapely.from_wkb(texts, on_invalid="ignore")
    told = np.array([text is not None for text in texts], np.bool_)
    no_point = told & (shapely.get_type_id(geometries) != shapely.GeometryType.POINT)
    geometries[shapely.is_empty(geometries)] = None
    lon_deg, lat_deg = shapely.get_x(geometries), shapely.get_y(geometries)
    lat_deg[no_point] = np.inf
    lon_deg[no_point] = np.inf
    return lat_deg, lon_deg


def _binary(value: bytes | None) -> bytes | None:
    """A geometry's bytes; PostGIS writes them in hexadecimal digits, which begin with the digit 0."""
    if value is None or not value.startswith(b"0"):
        return value
    try:
        return bytes.fromhex(value.decode("ascii"))
    except ValueError:
        return value
