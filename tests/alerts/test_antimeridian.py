import pytest
from shapely.geometry import shape

from maritime.alerts.antimeridian import crosses, cut, nearest_turn, unwrapped


def test_a_geometry_that_does_not_cross_is_left_alone():
    line = {"type": "LineString", "coordinates": [[170, 0], [-5, 0], [-120, 3]]}
    point = {"type": "Point", "coordinates": [180, 0]}
    assert cut(line) is line
    assert cut(point) is point


def test_a_line_is_cut_in_two_at_180():
    pieces = cut({"type": "LineString", "coordinates": [[179, 10], [-179, 12]]})
    assert pieces["type"] == "MultiLineString"
    assert sorted(pieces["coordinates"]) == [[[-180, 11], [-179, 12]], [[179, 10], [180, 11]]]


def test_an_area_keeps_its_size_when_cut():
    ring = [[178, -1], [-178, -1], [-178, 1], [178, 1], [178, -1]]
    pieces = shape(cut({"type": "Polygon", "coordinates": [ring]}))
    assert pieces.geom_type == "MultiPolygon"
    assert pieces.area == pytest.approx(4 * 2)
    assert pieces.bounds == (-180, -1, 180, 1)


def test_each_part_of_a_collection_is_cut():
    point = {"type": "Point", "coordinates": [179, 1]}
    line = {"type": "LineString", "coordinates": [[-179, 0], [179, 0]]}
    parts = cut({"type": "GeometryCollection", "geometries": [point, line]})["geometries"]
    assert parts[0] == point
    assert parts[1]["type"] == "MultiLineString"


def test_unwrapped_runs_on_past_180_near_the_wanted_longitude():
    line = {"type": "LineString", "coordinates": [[179, 0], [-179, 0], [179.5, 0]]}
    assert crosses(line)
    assert unwrapped(line)["coordinates"] == [[179, 0], [181, 0], [179.5, 0]]
    assert unwrapped(line, near_lon=-170)["coordinates"] == [[-181, 0], [-179, 0], [-180.5, 0]]


def test_an_area_that_runs_on_past_180_is_cut():
    ring = [[178, -1], [182, -1], [182, 1], [178, 1], [178, -1]]
    assert shape(cut({"type": "Polygon", "coordinates": [ring]})).bounds == (-180, -1, 180, 1)


@pytest.mark.parametrize(("lon", "near", "expected"), [(-179, 179, 181), (179, -179, -181), (10, 0, 10), (350, 0, -10)])
def test_nearest_turn(lon, near, expected):
    assert nearest_turn(lon, near) == expected
