"""GeoJSON features are valid by two judges, carry the envelope whole, and a track only where one is known."""

import itertools
import json
from datetime import datetime

import pytest
from geojson_pydantic import Feature
from hypothesis import given
from jsonschema import Draft7Validator
from pydantic import ValidationError
from shapely.geometry import Polygon

from maritime.sharing.formats.geojson import FORMAT, render
from maritime.sharing.release import Release
from maritime.sharing.wording import headline
from tests.contract.npm import npm_package
from tests.sharing.envelopes import releases
from tests.sharing.samples import EVERY, JWS, cancel, coarse, full, named

SCHEMA_VERSION = "1.0.5"
WRONG = {
    "no type": lambda feature: feature.pop("type"),
    "another type": lambda feature: feature.update(type="MovingFeature"),
    "no geometry": lambda feature: feature.pop("geometry"),
    "no properties": lambda feature: feature.pop("properties"),
    "properties as a list": lambda feature: feature.update(properties=[]),
    "a circle": lambda feature: feature.update(geometry={"type": "Circle", "coordinates": [1, 2]}),
    "text for a position": lambda feature: feature.update(geometry={"type": "Point", "coordinates": ["1", "x"]}),
    "half a position": lambda feature: feature.update(geometry={"type": "Point", "coordinates": [1]}),
    "an id that is a list": lambda feature: feature.update(id=[]),
}


def feature_of(envelope, jws=None):
    return json.loads(render(Release(envelope, jws)))


@pytest.fixture(scope="module")
def by_schema():
    """GeoJSON's own JSON Schema, from npm."""
    folder = npm_package("geojson-schema", SCHEMA_VERSION, "geojson-schema") / "node_modules" / "geojson-schema"
    schema = Draft7Validator(json.loads((folder / "Feature.json").read_text()))
    return lambda feature: [error.message for error in schema.iter_errors(feature)]


@pytest.mark.parametrize("envelope", EVERY, ids=named)
def test_every_envelope_is_a_feature(envelope):
    feature = feature_of(envelope)
    Feature.model_validate(feature, strict=False)
    assert feature["id"] == envelope.alert_id
    for polygon in polygons_in(feature["geometry"]):
        assert Polygon(polygon[0]).exterior.is_ccw  # RFC 7946 §3.1.6


@pytest.mark.node
@pytest.mark.parametrize("envelope", EVERY, ids=named)
def test_every_envelope_fits_the_schema_of_geojson(by_schema, envelope):
    assert by_schema(feature_of(envelope)) == []


@pytest.mark.parametrize("name", WRONG)
def test_pydantic_refuses_what_is_wrong(name):
    feature = feature_of(full())
    WRONG[name](feature)
    with pytest.raises(ValidationError):
        Feature.model_validate(feature)


@pytest.mark.node
@pytest.mark.parametrize("name", WRONG)
def test_the_schema_refuses_what_is_wrong(by_schema, name):
    feature = feature_of(full())
    WRONG[name](feature)
    assert by_schema(feature) != []


def polygons_in(geometry):
    if geometry is None:
        return []
    parts = geometry.get("geometries", [geometry])
    return [part["coordinates"] for part in parts if part["type"] == "Polygon"]


@pytest.mark.parametrize("envelope", [full("feed_stale"), cancel(), full(geometry=None)])
def test_an_absent_geometry_is_null(envelope):
    assert feature_of(envelope)["geometry"] is None


def test_native_properties_say_what_the_envelope_says():
    properties = feature_of(full("distress_beacon"))["properties"]
    assert properties["headline"] == headline(full("distress_beacon"))
    assert (properties["mmsi"], properties["name"], properties["tlp"]) == (567801002, "CHAO LE 2", "TLP:AMBER")
    assert (properties["distress"], properties["severity"]) == (True, "Extreme")
    assert properties["purpose"] == "maritime_safety; border_surveillance"
    assert all(isinstance(value, str | int | float) for value in properties.values())
    assert feature_of(cancel())["properties"]["kind"] == "cancel"
    assert feature_of(full(status="exercise"))["properties"]["status"] == "exercise"
    assert "mmsi" not in feature_of(coarse())["properties"]
    assert feature_of(coarse())["properties"]["pseudonym"] == "k3v9qzt2mw7xr4ah"


def mf_faults(feature):
    """MF-JSON Prism (OGC 19-045r3 §7.2): what it asks of a moving point. Written without the module under test."""
    moving = feature["temporalGeometry"]
    instants = [datetime.fromisoformat(each) for each in moving["datetimes"]]
    if moving["type"] != "MovingPoint":
        yield "type"
    if len(instants) < 2 or len(instants) != len(moving["coordinates"]):
        yield "an instant for each position, two or more"
    if any(before >= after for before, after in itertools.pairwise(instants)):
        yield "instants must increase"
    if moving["interpolation"] not in ("Discrete", "Step", "Linear", "Quadratic", "Cubic"):
        yield "interpolation"
    for group in feature.get("temporalProperties", []):
        measures = {name: measure for name, measure in group.items() if name != "datetimes"}
        if not measures:
            yield "no measures"
        for measure in measures.values():
            if measure["type"] != "Measure" or len(measure["values"]) != len(group["datetimes"]):
                yield "a value for each instant"
            if len(measure["form"]) != 3 and not measure["form"].startswith("http"):
                yield "form is a code of UNECE or a URI"
            if measure["interpolation"] not in ("Discrete", "Step", "Linear", "Regression"):
                yield "interpolation"


def place(at, lat=0.0, **more):
    return {"role": "position", "at": at and f"2026-03-14T{at}+00:00", "lat": lat, "lon": 1.0, **more}


def test_the_track_is_a_moving_point():
    feature = feature_of(full())
    assert list(mf_faults(feature)) == []
    assert feature["temporalGeometry"]["coordinates"] == [[98.1, 8.7], [98.254947, 8.79967]]
    assert feature["temporalProperties"][0]["sog_kn"]["values"] == [25.9, None]


def test_the_track_is_in_order_of_time_and_one_place_per_instant():
    shuffled = [
        place("10:00:01.500", 3.0),
        place("10:00:00.000", 1.0),
        place(None, 9.0),
        place("10:00:01", 2.0),
        place("10:00:00", 8.0),
    ]
    feature = feature_of(full(places=shuffled))
    assert list(mf_faults(feature)) == []
    assert [lat for _, lat in feature["temporalGeometry"]["coordinates"]] == [1.0, 2.0, 3.0]
    assert "temporalProperties" not in feature


@pytest.mark.parametrize(
    "places", [[], [place("10:00:00")], [place(None), place(None)], [place("10:00:00"), place("10:00:00", 5.0)]]
)
def test_without_two_instants_there_is_no_track(places):
    feature = feature_of(full(places=places))
    assert "temporalGeometry" not in feature
    assert "temporalProperties" not in feature


def test_the_check_of_tracks_finds_what_is_wrong():
    def spoilt(**changes):
        feature = feature_of(full())
        feature["temporalGeometry"].update(changes)
        return list(mf_faults(feature))

    assert spoilt(datetimes=["2026-03-14T20:42:59+00:00", "2026-03-14T20:23:14+00:00"])
    assert spoilt(coordinates=[[1, 2]])
    assert spoilt(interpolation="Spline")


def test_nothing_is_known_between_the_places():
    assert feature_of(full("dark_period"))["temporalGeometry"]["interpolation"] == "Discrete"


def test_native_fields_are_not_trusted():
    feature = feature_of(full(), JWS)
    feature["properties"] = {"mmsi": 1}
    feature["geometry"] = None
    assert FORMAT.parse(json.dumps(feature, indent=2).encode()) == Release(full(), JWS)


@given(releases())
def test_hostile_text_is_a_feature(release):
    Feature.model_validate(json.loads(render(release)))


def test_it_says_what_it_is():
    assert (FORMAT.media_type, FORMAT.suffix) == ("application/geo+json", ".geojson")
