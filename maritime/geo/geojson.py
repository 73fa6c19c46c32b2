"""GeoJSON (RFC 7946) from users: named features with plain coordinate arrays, or an error that names the feature."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from maritime.errors import ConfigurationError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature; every coordinate array is float64[n, 2] of (lon, lat) in degrees."""

    where: str  # "zones.geojson: feature 3 'Port Blair'", to begin an error message with
    name: str | None
    properties: dict[str, Any]
    points: list[FloatArray] = field(default_factory=list)  # each of one point
    lines: list[FloatArray] = field(default_factory=list)
    polygons: list[list[FloatArray]] = field(default_factory=list)  # rings, closed; the first is the outer one


def read_features(path: Path) -> tuple[dict[str, Any], list[Feature]]:
    """The file's own members (without its features) and its features; a bare geometry is one feature.

    Raises ConfigurationError, naming file and feature, for anything that is not sound GeoJSON.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: is not JSON ({error}); give a GeoJSON file") from None
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        raise ConfigurationError(f"{path}: has no GeoJSON 'type'; give a FeatureCollection, a Feature or a geometry")
    match document["type"]:
        case "FeatureCollection":
            features = document.get("features")
        case "Feature":
            features = [document]
        case _:
            features = [{"type": "Feature", "geometry": document}]
    if not isinstance(features, list):
        raise ConfigurationError(f"{path}: 'features' is not a list; give a GeoJSON FeatureCollection")
    members = {key: member for key, member in document.items() if key not in ("features", "geometry", "coordinates")}
    return members, [_feature(path, number, feature) for number, feature in enumerate(features, 1)]


def _feature(path: Path, number: int, feature: Any) -> Feature:
    where = f"{path}: feature {number}"
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise ConfigurationError(f"{where} is not a GeoJSON Feature; wrap its geometry in one")
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise ConfigurationError(f"{where} has properties that are not an object; write them as {{…}}")
    name = next((str(properties[key]) for key in ("name", "Name", "NAME") if properties.get(key)), None)
    parsed = Feature(f"{where} '{name}'" if name else where, name, properties)
    _add(parsed, feature.get("geometry"))
    return parsed


def _add(feature: Feature, geometry: Any) -> None:
    """Sort one geometry's coordinates into the feature."""
    if not isinstance(geometry, dict):
        raise ConfigurationError(f"{feature.where} has no geometry; give it one or remove the feature")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    where = feature.where
    match kind:
        case "Point":
            feature.points.append(_positions(where, [coordinates]))
        case "MultiPoint":
            feature.points.extend(_positions(where, [point]) for point in _items(where, coordinates))
        case "LineString":
            feature.lines.append(_line(where, coordinates))
        case "MultiLineString":
            feature.lines.extend(_line(where, line) for line in _items(where, coordinates))
        case "Polygon":
            feature.polygons.append([_ring(where, ring) for ring in _items(where, coordinates)])
        case "MultiPolygon":
            for polygon in _items(where, coordinates):
                feature.polygons.append([_ring(where, ring) for ring in _items(where, polygon)])
        case "GeometryCollection":
            for part in _items(where, geometry.get("geometries")):
                _add(feature, part)
        case _:
            raise ConfigurationError(f"{where} has a geometry of type {kind!r}; use one of RFC 7946, such as Polygon")


def _items(where: str, coordinates: Any) -> Iterator[Any]:
    if not isinstance(coordinates, list) or not coordinates:
        raise ConfigurationError(f"{where} has empty or misplaced coordinates; see RFC 7946 section 3.1")
    yield from coordinates


def _positions(where: str, coordinates: Any) -> FloatArray:
    """float64[n, 2]; a third number, the height, is dropped."""
    try:
        array = np.array([(position[0], position[1]) for position in _items(where, coordinates)], np.float64)
    except (TypeError, ValueError, IndexError, KeyError):
        raise ConfigurationError(f"{where} has a position that is not [longitude, latitude] in numbers") from None
    bad = ~((np.abs(array[:, 0]) <= 360.0) & (np.abs(array[:, 1]) <= 90.0))
    if bad.any():
        lon, lat = array[bad][0]
        raise ConfigurationError(
            f"{where} has longitude {lon:g}, latitude {lat:g}, which is not on Earth; GeoJSON puts longitude first"
        )
    return array


def _line(where: str, coordinates: Any) -> FloatArray:
    line = _positions(where, coordinates)
    if len(line) < 2:
        raise ConfigurationError(f"{where} has a line of one position; give at least two")
    return line


def _ring(where: str, coordinates: Any) -> FloatArray:
    ring = _positions(where, coordinates)
    if len(ring) < 4 or (ring[0] != ring[-1]).any():
        raise ConfigurationError(f"{where} has a ring that is not closed; repeat its first position at its end")
    return ring
