"""Known mooring places: the shipped registry of ports, and the user's own ports, marinas and anchorages."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, cast, get_args

import numpy as np
import numpy.typing as npt

from maritime.errors import ConfigurationError
from maritime.geo.geojson import read_features
from maritime.geo.lines import divided
from maritime.geo.near_tree import NearTree, near_tree
from maritime.geo.zones import ZoneArrays, zone_arrays

Kind = Literal["port", "marina", "anchorage"]
KINDS: Final = get_args(Kind)
REGISTRY: Final = Path(__file__).parent / "assets" / "ports.csv"
LONGEST_EDGE_M: Final = 10_000.0  # chosen: as a chord, such an edge passes 2 m under the sphere

# Names of columns and properties, in lower case with nothing but letters and digits; the first one present counts.
ALIASES: Final = {
    "name": ("name", "portname", "mainportname", "label"),
    "kind": ("kind",),
    "locode": ("locode", "unlocode"),
    "country": ("country", "countrycode", "iso3"),
    "lat": ("lat", "latitude", "latdeg", "y"),
    "lon": ("lon", "longitude", "londeg", "lng", "x"),
}


class PlaceArrays(NamedTuple):
    """The places for kernels: points and outlines in a tree, and the areas among them."""

    tree: NearTree
    run_place: npt.NDArray[np.int64]  # [runs of the tree] index of the place
    areas: ZoneArrays
    area_place: npt.NDArray[np.int64]  # [areas] index of the place
    lat_deg: npt.NDArray[np.float64]  # [places]
    lon_deg: npt.NDArray[np.float64]  # [places]


@dataclass(frozen=True, slots=True)
class Place:
    """One mooring place. An area's position is the middle of its outline's bounding box."""

    name: str | None
    kind: Kind
    locode: str | None  # UN/LOCODE without space
    country: str | None  # as its source writes it
    lat_deg: float
    lon_deg: float
    source: str  # "registry", or the name of the user's file


@dataclass(frozen=True, slots=True)
class Places:
    """All known mooring places; `nearest_place_m` gives indices into `places`."""

    places: tuple[Place, ...]
    arrays: PlaceArrays

    def name(self, index: int) -> str | None:
        """Name of a place, or else its UN/LOCODE; None for index -1, which is no place, and where neither is known."""
        return self.places[index].name or self.places[index].locode if index >= 0 else None

    @property
    def names(self) -> tuple[str | None, ...]:
        """Name of each place."""
        return tuple(place.name for place in self.places)

    @property
    def locodes(self) -> tuple[str | None, ...]:
        """UN/LOCODE of each place, without space."""
        return tuple(place.locode for place in self.places)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kind of each place."""
        return tuple(place.kind for place in self.places)


Outline = list[npt.NDArray[np.float64]]  # rings, float64[n, 2] of (lon, lat); empty for a point
Entry = tuple[Place, Outline]


def load_ports(user_files: Sequence[Path] = ()) -> Places:
    """The shipped registry and the user's files, `.geojson` / `.json` or CSV.

    A place has a position (columns `lat` and `lon`, or a GeoJSON point or polygon) and may have `name`, `kind` (port,
    marina or anchorage; port when not given), `locode` and `country`; columns are found by name in any order and case.
    Raises ConfigurationError, naming the file and the line or feature.
    """
    entries: list[Entry] = [(place, []) for place in _from_csv(REGISTRY, "registry")]
    for path in user_files:
        if path.suffix.lower() in (".geojson", ".json"):
            entries += _from_geojson(path)
        else:
            entries += [(place, []) for place in _from_csv(path, path.name)]
    return Places(tuple(place for place, _ in entries), _arrays(entries))


def _from_csv(path: Path, source: str) -> Iterator[Place]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path}: the ports cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text; save the ports as CSV in UTF-8, or as GeoJSON") from None
    header = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",")
    columns = _known(rows.fieldnames or ())
    for wanted in ("lat", "lon"):
        if wanted not in columns:
            raise ConfigurationError(f"{path}: has no column '{wanted}'; name the columns name, lat, lon, kind")
    try:
        for row in rows:
            where = f"{path}: line {rows.line_num}"
            texts = _texts(row, columns)
            yield _place(
                where, texts, _degrees(where, texts, "lat", 90.0), _degrees(where, texts, "lon", 180.0), source
            )
    except csv.Error as error:
        raise ConfigurationError(f"{path}: line {rows.line_num} is not CSV ({error}); correct it") from None


def _from_geojson(path: Path) -> Iterator[Entry]:
    for feature in read_features(path)[1]:
        texts = _texts(feature.properties, _known(feature.properties))
        if not feature.points and not feature.polygons:
            raise ConfigurationError(f"{feature.where} is neither a point nor an area; give a place as one of them")
        for point in feature.points:
            yield _place(feature.where, texts, point[0, 1], point[0, 0], path.name), []
        if feature.polygons:
            outline = [ring for polygon in feature.polygons for ring in polygon]
            box = zone_arrays([outline]).boxes_deg[0]
            yield _place(feature.where, texts, box[1::2].mean(), box[::2].mean(), path.name), outline


def _known(keys: Iterable[str]) -> dict[str, list[str]]:
    """The columns or properties that hold each known field, the preferred one first."""
    plain = {re.sub(r"[^a-z0-9]", "", key.lower()): key for key in keys if key}
    present = {field: [plain[alias] for alias in aliases if alias in plain] for field, aliases in ALIASES.items()}
    return {field: found for field, found in present.items() if found}


def _texts(raw: Mapping[str, Any], known: dict[str, list[str]]) -> dict[str, str]:
    """The known fields that say something."""
    found = {field: [str(raw[key]).strip() for key in keys if raw[key] is not None] for field, keys in known.items()}
    return {field: next(filter(None, texts)) for field, texts in found.items() if any(texts)}


def _degrees(where: str, texts: dict[str, str], field: str, limit_deg: float) -> float:
    try:
        degrees = float(texts[field])
    except (KeyError, ValueError):
        degrees = float("nan")
    if not abs(degrees) <= limit_deg:
        wrong = texts.get(field, "")
        raise ConfigurationError(
            f"{where} has {field} '{wrong}'; give decimal degrees from -{limit_deg:g} to {limit_deg:g}"
        )
    return degrees


def _place(where: str, texts: dict[str, str], lat_deg: float, lon_deg: float, source: str) -> Place:
    kind = texts.get("kind", "port").lower()
    if kind not in KINDS:
        raise ConfigurationError(f"{where} is of kind '{kind}'; use one of {', '.join(KINDS)}")
    locode = texts.get("locode", "").replace(" ", "").upper() or None
    country = texts.get("country")
    return Place(texts.get("name"), cast(Kind, kind), locode, country, float(lat_deg), float(lon_deg), source)


def _arrays(entries: list[Entry]) -> PlaceArrays:
    """Points and outlines into one tree, outlines also as areas."""
    lines = [outline or [np.array([[place.lon_deg, place.lat_deg]])] for place, outline in entries]
    flat = [line for place in lines for line in place]
    points = np.concatenate(flat)
    lengths = [len(line) for line in flat]
    joined = np.ones(len(points), bool)
    joined[np.cumsum(lengths) - 1] = False
    place_of_line = np.repeat(np.arange(len(entries)), [len(place) for place in lines])
    place_of_point = np.repeat(place_of_line, lengths)
    lon_deg, lat_deg, origin = divided(points[:, 0], points[:, 1], joined, LONGEST_EDGE_M)
    tree = near_tree(lat_deg, lon_deg, joined[origin])
    areas = [k for k, (_, outline) in enumerate(entries) if outline]
    return PlaceArrays(
        tree=tree,
        run_place=place_of_point[origin][tree.run_first],
        areas=zone_arrays([entries[k][1] for k in areas]),
        area_place=np.array(areas, np.int64),
        lat_deg=np.array([place.lat_deg for place, _ in entries]),
        lon_deg=np.array([place.lon_deg for place, _ in entries]),
    )
