import numpy as np
import pytest

from maritime.alerts.map import _degrees, _has_area, draw
from maritime.alerts.tracks import TrackSketch
from maritime.alerts.view import View
from maritime.geo.coastline import load_coastline
from tests.alerts.episodes import NOON_MS, alert

NOWHERE = np.empty(0)
SPAN = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T23:59:59Z"}
PNG = b"\x89PNG\r\n\x1a\n"


def view(lat, lon, must_lat=NOWHERE, must_lon=NOWHERE):
    return View.of(np.array(lat), np.array(lon), np.array(must_lat), np.array(must_lon), aspect=1.25)


def test_a_view_holds_its_points_in_the_middle():
    shown = view([37.0, 38.0], [-123.0, -122.0])
    assert shown.west < -123.0 < -122.0 < shown.east
    assert shown.south < 37.0 < 38.0 < shown.north
    assert (shown.west + shown.east) / 2 == pytest.approx(-122.5)


def test_a_view_over_the_antimeridian_is_narrow():
    shown = view([-17.0, -16.0, -16.5], [179.0, -179.0, 179.9])
    assert shown.east - shown.west < 10
    middle = (shown.west + shown.east) / 2
    assert abs(abs(middle) - 180) < 1
    assert shown.lon(np.array([179.0, -179.0])).tolist() == pytest.approx([middle - 1, middle + 1], abs=0.6)


def test_a_few_wild_fixes_do_not_zoom_out_but_an_alert_does():
    lat, lon = np.full(5_000, 37.0), np.full(5_000, -122.0)
    lat[:3], lon[:3] = -60.0, 100.0
    assert view(lat, lon).north - view(lat, lon).south < 1
    wide = view(lat, lon, [36.0], [-125.0])
    assert wide.west < -125.0
    assert wide.south < 36.0


@pytest.mark.parametrize(("lat", "lon"), [([89.9], [0.0]), ([-89.9, 89.9], [0.0, 180.0]), ([0.0], [180.0])])
def test_a_view_stays_on_the_earth(lat, lon):
    shown = view(lat, lon)
    assert -90 <= shown.south < shown.north <= 90
    assert -180 <= shown.west < 180
    assert shown.east - shown.west <= 360


def test_without_points_the_view_is_the_world():
    assert view([], []) == View(-180.0, 180.0, -85.0, 85.0)


def pixels(path):
    from matplotlib.image import imread

    return imread(path)


def sketch_across_180():
    sketch = TrackSketch()
    lon = np.linspace(179.5, 180.5, 50)
    t_ms = NOON_MS + np.arange(50) * 60_000
    sketch.add(np.full(50, 366_000_001, np.uint32), t_ms, np.full(50, -17.3), np.where(lon > 180, lon - 360, lon))
    return sketch


def counts(kind, n):
    return {"alerts_by_type": {kind: {"open": 0, "closed": n, "retracted": 0}}, "vessels": 1, "span": SPAN}


def test_alerts_and_tracks_are_drawn(tmp_path):
    far, coast = {"lat": -17.3, "lon": 179.5, "geometry": None}, load_coastline()
    draw(tmp_path / "none.png", [], sketch_across_180(), coast, counts("dark_period", 0))
    draw(tmp_path / "one.png", [alert(**far)], sketch_across_180(), coast, counts("dark_period", 1))
    draw(tmp_path / "gone.png", [alert(**far, state="retracted")], sketch_across_180(), coast, counts("dark_period", 0))
    assert (tmp_path / "one.png").read_bytes().startswith(PNG)
    none, one, gone = (pixels(tmp_path / f"{name}.png") for name in ("none", "one", "gone"))
    assert one.shape == none.shape
    black = (one[..., :3].sum(axis=2) < 0.05).sum() - (none[..., :3].sum(axis=2) < 0.05).sum()
    assert black > 100  # the marker of a dark period
    assert np.array_equal(gone, none)


def test_a_track_over_the_antimeridian_is_no_line_around_the_world(tmp_path):
    draw(tmp_path / "map.png", [], sketch_across_180(), load_coastline(), counts("loitering", 0))
    image = pixels(tmp_path / "map.png")
    draw(tmp_path / "sea.png", [], _ends_of(sketch_across_180()), load_coastline(), counts("loitering", 0))
    changed = np.abs(image - pixels(tmp_path / "sea.png")).sum(axis=2) > 0.05
    columns = np.flatnonzero(changed.any(axis=0))
    assert columns.size > 300  # one line through the view, from end to end …
    assert np.diff(columns).max() < 5  # … without a break at 180°


def _ends_of(sketch):
    """The same view with no line in it: two vessels with one point each."""
    ends = TrackSketch()
    [track] = sketch.tracks()
    for mmsi, i in ((1, 0), (2, -1)):
        ends.add(
            np.array([mmsi], np.uint32),
            track.t_ms[[i]],
            track.lat_deg[[i]].astype(np.float64),
            track.lon_deg[[i]].astype(np.float64),
        )
    return ends


def sketch_of(*points):
    """A sketch of (MMSI, minute, latitude, longitude)."""
    sketch = TrackSketch()
    mmsi, minute, lat, lon = (np.array(column) for column in zip(*points, strict=True))
    sketch.add(mmsi.astype(np.uint32), NOON_MS + minute * 60_000, lat.astype(float), lon.astype(float))
    return sketch


def test_a_vessel_with_one_report_is_a_dot(tmp_path):
    far = [(366_000_001, 0, 30.0, -40.0), (366_000_002, 0, 32.0, -38.0)]
    draw(tmp_path / "two.png", [], sketch_of(*far), load_coastline(), counts("loitering", 0))
    draw(
        tmp_path / "three.png",
        [],
        sketch_of(*far, (366_000_003, 0, 31.0, -39.0)),
        load_coastline(),
        counts("loitering", 0),
    )
    changed = np.abs(pixels(tmp_path / "two.png") - pixels(tmp_path / "three.png")).sum(axis=2) > 0.05
    assert 1 <= changed.sum() < 200


def test_a_step_that_no_ship_can_make_is_no_line(tmp_path):
    there_and_back = [(366_000_001, minute, 30.0 + 2 * (minute == 1), -40.0) for minute in range(3)]
    dots = [(366_000_000 + minute, minute, lat, lon) for _, minute, lat, lon in there_and_back]
    draw(tmp_path / "leap.png", [], sketch_of(*there_and_back), load_coastline(), counts("loitering", 0))
    draw(tmp_path / "dots.png", [], sketch_of(*dots), load_coastline(), counts("loitering", 0))
    assert np.array_equal(pixels(tmp_path / "leap.png"), pixels(tmp_path / "dots.png"))


@pytest.mark.parametrize(
    ("value", "told"), [(52.925, "52.925° N"), (-0.05, "0.05° S"), (0.30000000000000004, "0.3° N"), (0.0, "0°")]
)
def test_a_degree_is_told_as_it_is(value, told):
    assert _degrees(value, "NS") == told


@pytest.mark.parametrize(
    ("kinds", "has"), [((), False), (("Point", "LineString"), False), (("Point", "MultiPolygon"), True)]
)
def test_the_legend_tells_of_areas_also_beside_points_and_lines(kinds, has):
    parts = [{"type": kind, "coordinates": []} for kind in kinds]
    assert _has_area({"type": "GeometryCollection", "geometries": parts}) is has
    assert not _has_area(None)


def test_without_anything_there_is_still_a_map(tmp_path):
    nothing = {"alerts_by_type": {}, "vessels": 0, "span": {"from": None, "to": None}}
    draw(tmp_path / "map.png", [], TrackSketch(), load_coastline(), nothing)
    assert (tmp_path / "map.png").read_bytes().startswith(PNG)
