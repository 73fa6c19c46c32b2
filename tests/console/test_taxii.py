"""TAXII 2.1, read by the OASIS client against a running server; what comes is valid STIX by the OASIS validator."""

import json
from threading import Thread

import pytest
import requests
from requests.auth import AuthBase
from stix2validator import ValidationOptions, validate_parsed_json
from taxii2client.v21 import Collection, Server, as_pages

from maritime.console.taxii import collection_id
from maritime.sharing.formats.stix import FORMAT
from maritime.sharing.ledger import Ledger
from maritime.units import DAY_MS, HOUR_MS
from tests.console.house import ALERT, LONGER, NONE_AFTER_ALL, NOW_MS, alert

TAXII = "application/taxii+json;version=2.1"
ROOT = "/taxii2/alerts/collections/actual/"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


class Bearer(AuthBase):
    def __init__(self, token):
        self.token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def server_of(house, name="now"):
    return Server(f"{house.url}/taxii2/", auth=Bearer(house.tokens[name]))


def collection_of(house, name="now", channel="actual"):
    return Collection(
        f"{house.url}/taxii2/alerts/collections/{collection_id('nmc.example', name, channel)}/",
        auth=Bearer(house.tokens[name]),
    )


def wrong_in(objects):
    bundle = {"type": "bundle", "id": "bundle--11111111-1111-4111-8111-111111111111", "objects": objects}
    options = ValidationOptions(version="2.1", strict=True, enforce_refs=True, disabled="uuid-check", silent=True)
    return [str(error) for error in validate_parsed_json(bundle, options).errors]


def identity(thing):
    return thing["id"], thing.get("modified") or thing.get("created"), json.dumps(thing, sort_keys=True)


def asked(house, path, name="now", accept=TAXII, **more):
    return house.get(path, name, headers={"Accept": accept} if accept else {"Accept": None}, **more)


def test_the_client_finds_its_own_collections_and_reads_valid_stix(house):
    house.take(ALERT, alert(1))
    house.take(alert(2), status="exercise")
    server = server_of(house)
    assert server.default.url == server.api_roots[0].url
    root = server.default
    assert root.versions == [TAXII]
    assert [(c.alias, c.can_read, c.can_write) for c in root.collections] == [
        ("actual", True, False),
        ("exercise", True, False),
    ]
    actual, exercise = (each.get_objects()["objects"] for each in root.collections)
    assert wrong_in(actual) == wrong_in(exercise) == []
    broken = json.loads(json.dumps(actual))
    next(each for each in broken if each["type"] == "incident")["confidence"] = 200
    assert wrong_in(broken) != []  # the judge can say no
    assert len([each for each in actual if each["type"] == "incident"]) == 2
    assert all("exercise" in each["labels"] for each in exercise if each["type"] == "incident")
    assert [c.alias for c in server_of(house, "also").default.collections] == ["actual"]


def test_the_client_also_gets_in_with_user_and_password(house):
    house.take(ALERT)
    server = Server(f"{house.url}/taxii2/", user="now", password=house.tokens["now"])
    assert server.default.collections[0].get_objects()["objects"]


def test_every_object_is_there_once_and_carries_the_release(house):
    parcels = house.take(*(alert(number) for number in range(5)))
    objects = collection_of(house).get_objects()["objects"]
    assert len({identity(each) for each in objects}) == len(objects)
    assert [each["type"] for each in objects].count("extension-definition") == 1
    incidents = [each for each in objects if each["type"] == "incident"]
    carried = {
        FORMAT.parse(json.dumps({"type": "bundle", "objects": [each]}).encode()).envelope.canonical()
        for each in incidents
    }
    assert carried == {parcel.envelope for parcel in parcels if parcel.partner == "now"}


@pytest.mark.parametrize("per_request", [1, 3, 100])
def test_pages_hold_everything_once_in_order(house, per_request):
    house.take(*(alert(number) for number in range(6)))
    collection = collection_of(house)
    whole = collection.get_objects(limit=1000)
    assert whole["more"] is False
    paged = [thing for page in as_pages(collection.get_objects, per_request) for thing in page.get("objects", [])]
    assert paged == whole["objects"]
    records = [thing for page in as_pages(collection.get_manifest, per_request) for thing in page.get("objects", [])]
    assert [each["id"] for each in records] == [each["id"] for each in paged]
    added = [each["date_added"] for each in records]
    assert added == sorted(set(added))


def test_polling_by_time_is_exact_while_more_is_sent(house):
    def send():
        with Ledger(house.folder / "ledger.db") as ledger:
            publisher = house.a_publisher(ledger)
            for number in range(40):
                publisher.take([alert(number)], "actual", NOW_MS)  # all in one millisecond

    sender = Thread(target=send)
    sender.start()
    seen, query = [], ""
    while True:
        over = not sender.is_alive()
        answer = asked(house, f"{ROOT}objects/?limit=7{query}")
        page = answer.json().get("objects", [])
        seen += [identity(each) for each in page]
        if page:
            query = f"&added_after={answer.headers['X-TAXII-Date-Added-Last']}"
        elif over:
            break
    sender.join()
    whole = [identity(each) for each in asked(house, f"{ROOT}objects/?limit=1000").json()["objects"]]
    assert seen == whole
    assert len([each for each in seen if each[0].startswith("incident--")]) == 40


def test_dates_are_told_and_right(house):
    house.take(ALERT)
    for path in ("objects/", "manifest/", "objects/?limit=2"):
        answer = asked(house, ROOT + path)
        first, last = (answer.headers[f"X-TAXII-Date-Added-{each}"] for each in ("First", "Last"))
        records = asked(house, f"{ROOT}manifest/").json()["objects"]
        dates = [each["date_added"] for each in records][: len(answer.json()["objects"])]
        assert (first, last) == (dates[0], dates[-1])
        assert answer.headers["Content-Type"] == TAXII
    assert asked(house, f"{ROOT}objects/?added_after={last}&limit=1000").json()["objects"]
    nothing = asked(house, f"{ROOT}objects/?added_after=2030-01-01T00:00:00.000000Z")
    assert (nothing.json(), "X-TAXII-Date-Added-First" in nothing.headers) == ({}, False)


def test_revisions_are_versions_and_the_last_counts_unless_asked(house):
    house.take(ALERT)
    house.take(LONGER, at_ms=NOW_MS + HOUR_MS)
    house.take(NONE_AFTER_ALL, at_ms=NOW_MS + 2 * HOUR_MS)
    collection = collection_of(house)
    (last,) = collection.get_objects(type="incident")["objects"]
    assert last["revoked"] is True
    versions = collection.object_versions(last["id"])["versions"]
    assert len(versions) == 3
    assert versions == sorted(versions)
    every = collection.get_object(last["id"], version="all")["objects"]
    assert [each["modified"] for each in every] == versions
    assert {each["created"] for each in every} == {versions[0]}
    assert [each.get("revoked", False) for each in every] == [False, False, True]
    assert collection.get_object(last["id"])["objects"] == [last]
    (first,) = collection.get_object(last["id"], version="first")["objects"]
    (second,) = collection.get_object(last["id"], version=versions[1])["objects"]
    assert [first["modified"], second["modified"]] == versions[:2]
    assert collection.get_object(last["id"], version=["first", "last"])["objects"] == [every[0], every[2]]


def test_a_version_is_found_however_its_time_is_written(house):
    house.take(ALERT)
    house.take(LONGER, at_ms=NOW_MS + HOUR_MS)
    collection = collection_of(house)
    (last,) = collection.get_objects(type="incident")["objects"]
    first, second = collection.object_versions(last["id"])["versions"]
    assert first.endswith(":00.000Z")
    for written in (first, first.replace(".000Z", "Z"), first.replace("Z", "000Z")):
        (found,) = collection.get_objects(type="incident", version=written)["objects"]
        assert found["modified"] == first
        (found,) = collection.get_object(last["id"], version=written)["objects"]
        assert found["modified"] == first
    assert collection.get_objects(type="incident", version=first.replace(".000Z", ".000001Z")) == {}
    both = collection.get_manifest(type="incident", version=[first.replace(".000Z", "Z"), "last"])["objects"]
    assert [each["version"] for each in both] == [first, second]


def test_filters_are_kept(house):
    house.take(ALERT, alert(1))
    collection = collection_of(house)
    types = {each["type"] for each in collection.get_objects(type=["incident", "location"])["objects"]}
    assert types == {"incident", "location"}
    records = collection.get_manifest()["objects"]
    assert [each["id"] for each in collection.get_objects(id=records[3]["id"])["objects"]] == [records[3]["id"]]
    assert collection.get_objects(type="malware") == {}
    assert collection.get_objects(spec_version="2.0") == {}
    assert len(collection.get_objects(spec_version="2.1")["objects"]) == len(records)
    assert {each["media_type"] for each in records} == {"application/stix+json;version=2.1"}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=x",
        "next=x",
        "next=-2",
        "added_after=yesterday",
        "added_after=2026-03-14",
        "added_after=2026-03-14T21:00:00.1x0Z",
        "match[colour]=blue",
        "match[version]=newest",
        "match[version]=2026-03-14",
        "limit=1&limit=2",
    ],
)
def test_what_cannot_be_meant_is_refused_as_taxii_says(house, query):
    answer = asked(house, f"{ROOT}objects/?{query}")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == TAXII
    assert answer.json()["title"]
    assert answer.json()["http_status"] == "400"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (TAXII, 200),
        ("application/taxii+json; version=2.1", 200),
        ("application/taxii+json", 200),
        ("text/html, application/taxii+json;version=2.1;q=0.5", 200),
        ("*/*", 200),
        ("application/taxii+json;version=2.0", 406),
        ("application/vnd.oasis.taxii+json;version=2.0", 406),
        ("application/json", 406),
        ("text/html", 406),
    ],
)
def test_only_taxii_2_1_is_spoken(house, accept, status):
    house.take(ALERT)
    for path in (
        "/taxii2/",
        "/taxii2/alerts/",
        "/taxii2/alerts/collections/",
        ROOT,
        f"{ROOT}manifest/",
        f"{ROOT}objects/",
    ):
        assert asked(house, path, accept=accept).status_code == status


def test_nothing_can_be_added_or_deleted(house):
    house.take(ALERT)
    record = asked(house, f"{ROOT}manifest/").json()["objects"][0]
    assert asked(house, f"{ROOT}objects/", method="POST", json={"objects": []}).status_code == 403
    assert asked(house, f"{ROOT}objects/{record['id']}/", method="DELETE").status_code == 403
    other = ROOT.replace("actual", collection_id("nmc.example", "also", "actual"))
    assert asked(house, f"{other}objects/", method="POST", json={"objects": []}).status_code == 404
    assert asked(house, f"{ROOT}manifest/", method="POST").status_code == 405


def test_what_is_not_there_is_404_in_the_form_of_taxii(house):
    house.take(ALERT)
    for path in (
        "/taxii2/other/",
        "/taxii2/alerts/status/1/",
        "/taxii2/alerts/collections/unknown/",
        f"{ROOT}objects/incident--00000000-0000-4000-8000-000000000000/",
        f"{ROOT}objects/incident--00000000-0000-4000-8000-000000000000/versions/",
    ):
        answer = asked(house, path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, TAXII)


def test_after_a_purge_what_others_refer_to_is_still_there(house):
    house.take(ALERT)
    collection = collection_of(house)
    before = {each["id"] for each in collection.get_objects()["objects"]}
    house.take(alert(1), at_ms=NOW_MS + DAY_MS)
    collection.get_objects()  # it is indexed
    house.clock_ms = NOW_MS + 90 * DAY_MS  # the first has gone, the second has a day
    after = collection.get_objects()["objects"]
    assert wrong_in(after) == []
    kept = {each["id"] for each in after if each["type"] in ("identity", "extension-definition", "marking-definition")}
    assert kept
    assert kept <= {each["id"] for each in after}
    assert len([each for each in after if each["type"] == "incident"]) == 1
    assert {i for i in before if i.startswith("extension-definition")} <= {each["id"] for each in after}


def test_collections_have_ids_of_version_4_that_stay(house):
    made = collection_id("nmc.example", "now", "actual")
    assert made == collection_id("nmc.example", "now", "actual") != collection_id("nmc.example", "now", "exercise")
    assert made[14] == "4"
    assert made[19] in "89ab"


def test_the_client_without_a_token_is_told_so(house):
    with pytest.raises(requests.exceptions.HTTPError, match="401"):
        _ = Server(f"{house.url}/taxii2/").title
