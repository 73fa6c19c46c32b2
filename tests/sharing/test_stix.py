"""STIX: the OASIS validator, strict, accepts what is written and refuses wrong values; nothing is lost."""

import copy
import json
import uuid

import pytest
from hypothesis import given, settings
from stix2validator import ValidationOptions, validate_parsed_json

from maritime.errors import InputError
from maritime.sharing.envelope import TLP_ORDER
from maritime.sharing.formats.stix import EXTENSION, FORMAT, TLP_IDS, render
from maritime.sharing.release import Release
from maritime.sharing.wording import headline
from tests.sharing.envelopes import releases
from tests.sharing.samples import EVERY, JWS, cancel, coarse, full


def wrong_in(bundle):
    """What the validator says; it takes what STIX recommends for what it demands, with one exception."""
    options = ValidationOptions(
        version="2.1",
        strict=True,
        strict_properties=True,
        enforce_refs=True,
        disabled="uuid-check",  # wants ids drawn at random; ours must be the same for the next revision
        silent=True,
    )
    return [str(error) for error in validate_parsed_json(copy.deepcopy(bundle), options).errors]


def bundle_of(envelope, **more):
    return json.loads(render(Release(envelope, JWS), **more))


def the(bundle, kind):
    found = [each for each in bundle["objects"] if each["type"] == kind]
    assert len(found) == 1, (kind, len(found))
    return found[0]


def kinds(bundle):
    return {each["type"] for each in bundle["objects"]}


@pytest.mark.parametrize("envelope", EVERY)
def test_the_validator_accepts_it(envelope):
    assert wrong_in(bundle_of(envelope)) == []


def _set(kind, **values):
    return lambda bundle: next(each for each in bundle["objects"] if each["type"] == kind).update(values)


def _del(kind, name):
    return lambda bundle: next(each for each in bundle["objects"] if each["type"] == kind).pop(name)


@pytest.mark.parametrize(
    "spoil",
    [
        _set("incident", confidence=101),
        _set("incident", confidence=0.95),
        _set("incident", modified="2020-01-01T00:00:00.000Z"),
        _set("incident", modified="2026-03-14T21:00:00+00:00"),
        _set("incident", id="incident--1"),
        _set("incident", lang="no language"),
        _set("incident", severity="Severe"),
        _set("incident", an_alert="x"),
        _set("incident", extensions={EXTENSION: {"envelope": "x"}}),
        _set("incident", extensions={"ours": {"extension_type": "property-extension"}}),
        _set("incident", object_marking_refs=[]),
        _set("incident", revoked="yes"),
        _del("incident", "name"),
        _set("location", latitude=91),
        _set("location", precision=-1.0, latitude="here"),
        _del("location", "longitude"),
        _set("observed-data", last_observed="2020-01-01T00:00:00.000Z"),
        _set("observed-data", number_observed=0),
        _set("observed-data", object_refs=[]),
        _set("identity", identity_class="Coast Guard"),
        _set("relationship", relationship_type="Related To"),
        _set("relationship", target_ref="location--00000000-0000-4000-8000-000000000000"),
        _del("maritime-vessel", "extensions"),
        _del("extension-definition", "schema"),
        _set("extension-definition", extension_types=["new"]),
        _del("marking-definition", "extensions"),
    ],
)
def test_the_validator_refuses_wrong_values(spoil):
    bundle = bundle_of(full())
    spoil(bundle)
    assert wrong_in(bundle)


@settings(max_examples=25)
@given(releases())
def test_the_validator_accepts_hostile_text(release):
    assert wrong_in(json.loads(render(release))) == []


def test_it_says_what_is_known():
    bundle = bundle_of(full("distress_beacon"))
    incident = the(bundle, "incident")
    assert incident["id"] == f"incident--{full().alert_id}"
    assert incident["name"] == headline(full("distress_beacon"))
    assert incident["name"].startswith("DISTRESS EPIRB-AIS: Emergency beacon")
    assert incident["confidence"] == 95
    assert "Because: place 50 km (threshold 3 km)" in incident["description"]
    alert = incident["extensions"][EXTENSION]
    assert (alert["severity"], alert["sar_phase"], alert["status"]) == ("Extreme", "distress", "actual")
    assert alert["envelope"].encode() == full("distress_beacon").canonical()
    assert alert["jws"] == JWS
    location = the(bundle, "location")
    assert (location["latitude"], location["longitude"], location["precision"]) == (8.79967, 98.254947, 30)
    observed = the(bundle, "observed-data")
    assert observed["first_observed"] == "2026-03-14T20:23:14.772Z"
    vessels = [each for each in bundle["objects"] if each["type"] == "maritime-vessel"]
    assert [each["mmsi"] for each in vessels] == ["567801002", "567000999"]
    assert alert["subject_refs"] == [vessels[0]["id"]]
    assert observed["object_refs"] == [each["id"] for each in vessels]
    linked = {each["target_ref"] for each in bundle["objects"] if each["type"] == "relationship"}
    assert linked == {location["id"], observed["id"]}


@pytest.mark.parametrize("tlp", TLP_ORDER)
def test_handling_is_marked(tlp):
    envelope = full(handling=full().to_dict()["handling"] | {"tlp": tlp})
    bundle = bundle_of(envelope)
    assert wrong_in(bundle) == []
    marking, said = (each for each in bundle["objects"] if each["type"] == "marking-definition")
    assert marking["id"] == TLP_IDS[tlp]
    assert marking["name"] == tlp
    assert "onward sharing: with consent" in said["definition"]["statement"]
    assert "maritime_safety, border_surveillance" in said["definition"]["statement"]
    unmarked = kinds(bundle) - {"marking-definition", "extension-definition"}
    for each in bundle["objects"]:
        if each["type"] in unmarked and each.get("name") != "maritime-watch":
            assert each["object_marking_refs"] == [marking["id"], said["id"]]


def test_a_later_revision_is_a_later_version():
    first = bundle_of(full(revision=0, kind="alert", references=[], sent="2026-03-14T20:45:00+00:00"))
    second = bundle_of(full(revision=1), first_sent="2026-03-14T20:45:00+00:00")
    ids = [{each["id"] for each in bundle["objects"]} for bundle in (first, second)]
    assert ids[0] == ids[1]
    assert first["id"] != second["id"]
    for kind in ("incident", "location", "observed-data"):
        assert the(first, kind)["created"] == the(second, kind)["created"] == "2026-03-14T20:45:00.000Z"
        assert the(first, kind)["modified"] < the(second, kind)["modified"]
    assert wrong_in(second) == []


def test_a_cancel_revokes():
    revoked = the(bundle_of(cancel()), "incident")
    assert revoked["revoked"] is True
    assert revoked["name"] == "CANCELLED: No AIS reports received"
    assert revoked["id"] == the(bundle_of(full("dark_period")), "incident")["id"]
    assert not {"location", "observed-data", "maritime-vessel"} & kinds(bundle_of(cancel()))
    assert "revoked" not in the(bundle_of(full()), "incident")


@pytest.mark.parametrize("status", ["exercise", "test", "system"])
def test_what_is_not_actual_says_so(status):
    incident = the(bundle_of(full(status=status)), "incident")
    assert incident["name"].startswith(status.upper())
    assert status in incident["labels"]
    assert "not an actual event" in incident["description"]


def test_a_coarse_copy_tells_no_more():
    document = render(Release(coarse()))
    for hidden in ("567801002", "9074729", "CHAO LE", "8.79967", "National Maritime", "watch@"):
        assert hidden not in document.decode()
    vessel, location = (the(json.loads(document), kind) for kind in ("maritime-vessel", "location"))
    assert vessel["pseudonym"] == "k3v9qzt2mw7xr4ah"
    assert (location["latitude"], location["longitude"]) == (8.75, 98.25)
    assert location["precision"] == 39_092  # to the corners of the cell; its stated uncertainty is a little less


def test_an_area_over_180_degrees_is_one():
    halves = [
        [[[179.5, 0], [180, 0], [180, 1], [179.5, 1], [179.5, 0]]],
        [[[-180, 0], [-179, 0], [-179, 1], [-180, 0]]],
    ]
    location = the(bundle_of(full(geometry={"type": "MultiPolygon", "coordinates": halves})), "location")
    assert location["longitude"] == -179.75
    assert location["precision"] < 110_000
    assert "location" not in kinds(bundle_of(full(geometry={"type": "Polygon", "coordinates": []})))


def test_a_vessel_is_the_same_in_every_alert_and_none_without_its_identity():
    def ids(envelope):
        return [each["id"] for each in bundle_of(envelope)["objects"] if each["type"] == "maritime-vessel"]

    other = full(alert_id=str(uuid.UUID(int=7, version=4)))
    assert ids(other) == ids(full())
    nameless = [{"ship_type": 30}, {"ship_type": 30}]
    assert len(ids(full(vessels=nameless))) == 1  # no two things have one id
    assert ids(full(vessels=nameless)) != ids(full(vessels=nameless, alert_id=other.alert_id))


def test_an_originator_known_by_less_does_not_replace_one_known_by_more():
    def version(envelope):
        bundle = bundle_of(envelope)
        creator = the(bundle, "incident")["created_by_ref"]
        return next((each["id"], each["modified"]) for each in bundle["objects"] if each["id"] == creator)

    assert version(cancel())[0] == version(full())[0]
    assert version(cancel())[1] < version(full())[1]


def test_native_fields_are_not_trusted():
    bundle = bundle_of(full())
    incident = the(bundle, "incident")
    incident |= {"name": "x", "revoked": True}
    incident["extensions"][EXTENSION]["severity"] = "Minor"
    assert FORMAT.parse(json.dumps(bundle).encode()) == Release(full(), JWS)


def test_two_alerts_in_one_bundle_are_refused():
    bundle = bundle_of(full())
    bundle["objects"].append(the(bundle, "incident"))
    with pytest.raises(InputError, match="2 incidents with an envelope"):
        FORMAT.parse(json.dumps(bundle).encode())
