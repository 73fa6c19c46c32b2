"""Shapes of geometries, against shapely and by hand."""

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from shapely.geometry import shape

from maritime.geo.geodesy import distance_m
from maritime.sharing.shapes import circle_around, parts_of, shapes_of
from tests.sharing.samples import AREA, full

RING = AREA["coordinates"][0]
WHOLE = [
    {"type": "Point", "coordinates": [98.254947, 8.79967]},
    {"type": "Point", "coordinates": [98.254947, 8.79967, 12.0]},
    {"type": "MultiPoint", "coordinates": [[98.1, 8.7], [-180, 90]]},
    {"type": "LineString", "coordinates": [[98.1, 8.7], [98.2, 8.7999999]]},
    {"type": "MultiLineString", "coordinates": [[[98.1, 8.7], [98.2, 8.8]], [[1, 2], [3, 4], [5, 6]]]},
    AREA,
    {"type": "Polygon", "coordinates": [RING, [[98.1, 8.6], [98.1, 8.7], [98.2, 8.7], [98.1, 8.6]]]},
    {"type": "MultiPolygon", "coordinates": [[RING], [[[0, 0], [1, 0], [1, 1], [0, 0]]]]},
]


@pytest.mark.parametrize("geometry", WHOLE, ids=lambda each: each["type"])
def test_well_known_text_is_what_shapely_reads(geometry):
    (part,) = parts_of(geometry)
    assert shapely.from_wkt(part.wkt()).equals_exact(shapely.force_2d(shape(geometry)), 0.0)


def test_a_collection_is_points_and_polygons():
    parts = parts_of({"type": "GeometryCollection", "geometries": WHOLE})
    shapes = shapes_of(parts)
    assert shapes.points[:4] == [(98.254947, 8.79967), (98.254947, 8.79967), (98.1, 8.7), (-180.0, 90.0)]
    assert len(shapes.points) == 4 + 2 + 5
    assert [len(rings) for rings in shapes.polygons] == [1, 2, 1, 1]
    assert len(shapes.outline()) == 11 + 5 + 5 + 5 + 4


@pytest.mark.parametrize("kind", ["MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"])
def test_a_geometry_may_be_empty(kind):
    envelope = full(geometry={"type": kind, "coordinates": []})
    assert envelope.shapes().outline() == []
    assert full(geometry={"type": "GeometryCollection", "geometries": []}).shapes().outline() == []


def test_without_a_geometry_places_tell_where_it_is():
    assert full(geometry=None).shapes().points == [(98.1, 8.7), (98.254947, 8.79967)]
    assert full(geometry=None, places=[]).shapes().outline() == []


@pytest.mark.parametrize(
    ("kind", "coordinates", "said"),
    [
        ("Point", [], "no longitude"),
        ("Point", [98.0], "no longitude"),
        ("Point", [98.0, 91.0], "no longitude"),
        ("Point", [181.0, 0.0], "no longitude"),
        ("Point", [True, 0.0], "no longitude"),
        ("Point", [float("nan"), 0.0], "no longitude"),
        ("Point", [1.0, 0.0, "high"], "no longitude"),
        ("LineString", [98.0, 8.0], "where a list belongs"),
        ("LineString", [[98.0, 8.0]], "a line of 1"),
        ("LineString", [["98", "8"], [98.0, 8.0]], "no longitude"),
        ("MultiLineString", [[]], "is empty"),
        ("MultiPoint", [["98", "8"]], "no longitude"),
        ("Polygon", [[1, 2], [3, 4]], "where a list belongs"),
        ("Polygon", [[[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]], "not closed"),
        ("Polygon", [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]], "not closed"),
        ("Polygon", [RING[:-1]], "not closed"),
        ("MultiPolygon", [[]], "is empty"),
        ("MultiPolygon", [[[[0, 0], [1]]]], "no longitude"),
    ],
)
def test_an_envelope_with_a_wrong_geometry_is_refused(kind, coordinates, said):
    with pytest.raises(ValueError, match=said):
        parts_of({"type": kind, "coordinates": coordinates})
    with pytest.raises(ValidationError, match="geometry"):
        full(geometry={"type": kind, "coordinates": coordinates})
    with pytest.raises(ValidationError, match="geometry"):
        full(geometry={"type": "GeometryCollection", "geometries": [{"type": kind, "coordinates": coordinates}]})


@given(st.recursive(st.none() | st.floats() | st.integers() | st.text(max_size=3), st.lists, max_leaves=12))
def test_any_coordinates_are_read_or_refused(coordinates):
    for kind in ("Point", "LineString", "Polygon", "MultiPolygon", "MultiPoint", "MultiLineString"):
        try:
            envelope = full(geometry={"type": kind, "coordinates": coordinates})
        except ValidationError:
            continue
        assert isinstance(envelope.shapes().outline(), list)


POSITIONS = st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=1, max_size=6)


@given(POSITIONS, st.none() | st.floats(0, 1e6))
def test_a_circle_holds_what_it_is_around(positions, uncertainty_m):
    circle = circle_around(positions, uncertainty_m)
    for lon, lat in positions:
        assert distance_m(circle.lat, circle.lon, lat, lon) <= (circle.radius_m or 0.0) + 0.2  # six decimals
    assert (circle.radius_m or 0.0) >= (uncertainty_m or 0.0)


def test_a_circle_is_as_wide_as_is_known():
    assert circle_around([], 5.0) is None
    assert circle_around([(98.0, 8.0)], None) == (8.0, 98.0, None)
    assert circle_around([(98.0, 8.0)], 0.0) == (8.0, 98.0, 0.0)
    assert circle_around([(179.5, 0.0), (-179.0, 0.0)], None) == (0.0, -179.75, 83_397.0)
