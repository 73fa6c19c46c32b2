"""MISP: PyMISP, strict, with MISP's own object templates, reads what is written and refuses wrong values."""

import base64
import json
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from pymisp import MISPAttribute, MISPEvent, MISPObject
from pymisp.exceptions import PyMISPError

from maritime.errors import InputError
from maritime.sharing.envelope import TLP_ORDER
from maritime.sharing.formats.misp import FORMAT, JWS_COMMENT, render
from maritime.sharing.release import Release
from maritime.sharing.wording import headline
from tests.sharing.envelopes import releases
from tests.sharing.samples import EVERY, JWS, cancel, coarse, full


def event_of(envelope):
    return json.loads(render(Release(envelope, JWS)))["Event"]


def read(event):
    """What PyMISP makes of an event; every object must fit its template, every attribute its type and category."""
    event = json.loads(json.dumps(event))  # PyMISP takes apart what it reads
    for attribute in [*event["Attribute"], *(inner for each in event["Object"] for inner in each["Attribute"])]:
        checked = MISPAttribute(strict=True)
        checked.from_dict(**json.loads(json.dumps(attribute)))
    for each in event["Object"]:
        known = MISPObject(each["name"], strict=True)
        template = known._definition
        assert template, f"{each['name']} is no template"
        for attribute in each["Attribute"]:
            assert attribute["type"] == template["attributes"][attribute["object_relation"]]["misp-attribute"]
        known.from_dict(**json.loads(json.dumps(each)))
        known.to_dict(strict=True)
    whole = MISPEvent(strict_validation=True)
    whole.load({"Event": event})
    return whole


def values(event, name, number=0):
    found = [each for each in event["Object"] if each["name"] == name]
    return {each["object_relation"]: each["value"] for each in found[number]["Attribute"]}


@pytest.mark.parametrize("envelope", EVERY)
def test_pymisp_reads_it(envelope):
    event = event_of(envelope)
    whole = read(event)
    assert whole.uuid == envelope.alert_id
    assert whole.timestamp == datetime.fromisoformat(envelope.sent)
    assert whole.tags[0].name == "tlp:amber"
    attached = next(each for each in whole.attributes if each.value == "envelope.json")
    assert attached.data.getvalue() == envelope.canonical()
    assert not any(each.to_ids for each in whole.attributes)
    # what PyMISP writes again is still the release
    assert FORMAT.parse(json.dumps({"Event": json.loads(whole.to_json())}).encode()) == Release(envelope, JWS)


@pytest.mark.parametrize("envelope", EVERY)
def test_no_two_parts_have_one_uuid(envelope):
    event = event_of(envelope)
    parts = [event, *event["Attribute"], *event["Object"], *(i for each in event["Object"] for i in each["Attribute"])]
    ids = [each["uuid"] for each in parts]
    assert len(set(ids)) == len(ids)
    assert [str(uuid.UUID(each)) for each in ids] == ids


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event.update(distribution="6"),
        lambda event: event.update(threat_level_id="0"),
        lambda event: event.update(analysis="3"),
        lambda event: event.update(date="the fourteenth"),
        lambda event: event.pop("info"),
        lambda event: event["Attribute"][0].update(type="document"),
        lambda event: event["Attribute"][0].update(category="Network"),
        lambda event: event["Attribute"][0].update(category="Person"),
        lambda event: event["Attribute"][0].update(distribution="9"),
        lambda event: event["Object"][0].update(name="cap"),
        lambda event: event["Object"][0].update(template_version="99"),
        lambda event: event["Object"][0].update(template_uuid=str(uuid.UUID(int=1))),
        lambda event: event["Object"][0]["Attribute"][0].update(object_relation="severity"),
        lambda event: event["Object"][0]["Attribute"].append(event["Object"][0]["Attribute"][0]),
        lambda event: event["Object"][0].update(Attribute=event["Object"][0]["Attribute"][:1]),
        lambda event: event["Object"][-1]["Attribute"].pop(0),  # the MMSI, which an ais must have
        lambda event: event["Object"][0]["Attribute"][2].update(value="yesterday-ish"),
    ],
)
def test_pymisp_refuses_wrong_values(spoil):
    event = event_of(full())
    read(event)
    spoil(event)
    with pytest.raises((PyMISPError, AssertionError, KeyError)):
        read(event)


@settings(max_examples=25)
@given(releases())
def test_pymisp_reads_hostile_text(release):
    whole = read(json.loads(render(release))["Event"])
    assert FORMAT.parse(json.dumps({"Event": json.loads(whole.to_json())}).encode()) == release


def test_it_says_what_is_known():
    event = event_of(full("dark_period"))
    assert event["info"] == values(event, "cap-info")["headline"] == headline(full("dark_period"))
    assert (event["threat_level_id"], event["analysis"], event["published"]) == ("1", "1", True)
    assert event["date"] == "2026-03-14"
    assert event["Orgc"]["name"] == "National Maritime Centre"
    assert [each["name"] for each in event["Tag"]] == [
        "tlp:amber",
        'admiralty-scale:source-reliability="b"',
        'admiralty-scale:information-credibility="2"',
    ]
    assert values(event, "cap-alert")["msgType"] == "Update"
    assert values(event, "cap-alert")["references"] == (
        "nmc.example,4e423363-002e-410f-8563-edd7cb220a22@1,2026-03-14T20:45:00+00:00"
    )
    assert "onward sharing: with consent" in values(event, "cap-alert")["restriction"]
    assert values(event, "cap-info")["severity"] == "Severe"
    assert values(event, "ais")["MMSI"] == "567801002"
    assert values(event, "ais")["type-of-ship"] == "37"
    assert values(event, "ais", 1) == {"MMSI": "567000999"}
    assert float(values(event, "geolocation")["accuracy-radius"]) > 0
    assert values(event, "geolocation", 1)["text"] == "last report"
    area = next(each for each in event["Object"] if each["name"] == "geojson")["Attribute"][0]
    assert json.loads(base64.b64decode(area["data"])) == full("dark_period").to_dict()["geometry"]


@pytest.mark.parametrize(
    ("vessel", "template", "stated"),
    [
        ({"mmsi": 2570001}, "ais", {"MMSI": "002570001"}),
        ({"imo": 9074729, "ship_type": 70}, "ais-observation", {"IMO-number": "9074729"}),
    ],
)
def test_a_vessel_is_an_object_of_what_is_known(vessel, template, stated):
    event = event_of(full(vessels=[vessel]))
    read(event)
    assert values(event, template) == stated


def test_a_vessel_known_by_less_is_a_text():
    event = event_of(full(vessels=[{"pseudonym": "k3v9"}, {"name": "CHAO LE 2", "length_m": 12.5}, {}]))
    read(event)
    texts = [each["value"] for each in event["Attribute"] if each["type"] == "text" and each["comment"] != JWS_COMMENT]
    assert texts == ["k3v9", "vessel: subject; name: CHAO LE 2; length, m: 12.5", "vessel: subject"]


@pytest.mark.parametrize("tlp", TLP_ORDER)
@pytest.mark.parametrize("onward", ["originator_only", "with_consent", "permitted"])
def test_it_goes_no_further_than_it_may(tlp, onward):
    event = event_of(full(handling=full().to_dict()["handling"] | {"tlp": tlp, "onward": onward}))
    read(event)
    further = {"TLP:CLEAR": "3", "TLP:GREEN": "1"}.get(tlp, "0") if onward == "permitted" else "0"
    assert event["distribution"] == further
    assert values(event, "cap-alert")["scope"] == ("Private" if onward == "originator_only" else "Restricted")
    assert event["Tag"][0]["name"] == tlp.lower()
    assert {each["distribution"] for each in (*event["Attribute"], *event["Object"])} == {"5"}


def test_a_later_revision_is_an_edit_of_the_same_event():
    def ids(event):
        return {each["uuid"] for each in (event, *event["Attribute"], *event["Object"])}

    first = event_of(full(revision=0, kind="alert", references=[], sent="2026-03-14T20:45:00+00:00"))
    second = event_of(full(revision=1))
    assert ids(first) == ids(second)
    assert int(first["timestamp"]) < int(second["timestamp"])
    stamps = {each["timestamp"] for each in (*second["Attribute"], *second["Object"])}
    assert stamps == {second["timestamp"]}
    assert datetime.fromtimestamp(int(second["timestamp"]), UTC).isoformat() == full().sent


def test_a_cancel_takes_it_back():
    event = event_of(cancel())
    assert (event["uuid"], event["published"]) == (full().alert_id, False)
    assert event["info"] == "CANCELLED: No AIS reports received"
    assert values(event, "cap-alert")["msgType"] == "Cancel"
    told = event_of(full(kind="cancel", vessels=[{"mmsi": 567801002}, {"pseudonym": "k3v9"}]))
    read(told)
    deleted = {each["name"] for each in told["Object"] if each.get("deleted")}
    assert deleted == {"geolocation", "ais"}
    assert [each["value"] for each in told["Attribute"] if each.get("deleted")] == ["k3v9"]
    assert not any(each.get("deleted") for each in event_of(full())["Object"])


@pytest.mark.parametrize("status", ["exercise", "test", "system"])
def test_what_is_not_actual_says_so(status):
    event = event_of(full(status=status))
    assert event["info"].startswith(status.upper())
    assert values(event, "cap-alert")["status"] == status.capitalize()
    assert ("exercise:generic" in [each["name"] for each in event["Tag"]]) == (status == "exercise")


def test_a_coarse_copy_tells_no_more():
    event = event_of(coarse())
    for hidden in ("567801002", "9074729", "CHAO LE", "8.79967", "National Maritime", "watch@"):
        assert hidden not in json.dumps(event)
    assert event["threat_level_id"] == "2"
    assert event["analysis"] == "0"


def test_native_fields_are_not_trusted():
    event = event_of(full()) | {
        "uuid": str(uuid.UUID(int=1)),
        "info": "x",
        "Object": [],
        "Tag": [{"name": "tlp:clear"}],
    }
    assert FORMAT.parse(json.dumps({"Event": event}).encode()) == Release(full(), JWS)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda event: event.update(Attribute=[]), "carries no envelope"),
        (lambda event: event["Attribute"].append(event["Attribute"][0]), r"2 attachments 'envelope\.json'"),
        (lambda event: event["Attribute"].append(event["Attribute"][1]), "2 detached JWS"),
        (lambda event: event["Attribute"][0].pop("data"), "not base64"),
    ],
)
def test_what_is_no_release_is_said(spoil, said):
    event = event_of(full())
    spoil(event)
    with pytest.raises(InputError, match=said):
        FORMAT.parse(json.dumps({"Event": event}).encode())
