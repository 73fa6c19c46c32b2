"""The feed of CloudEvents, receipts and keys; paging misses nothing and repeats nothing while more is sent."""

import json
from threading import Thread

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat

from maritime.sharing.formats.cloudevent import FORMAT
from maritime.sharing.keys import KeySet
from maritime.sharing.ledger import Ledger
from maritime.sharing.receipts import check_receipt, read_head
from maritime.sharing.signatures import verify
from tests.console.house import ALERT, LONGER, NOW_MS, alert


def lines_of(answer):
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.content.splitlines()]


def test_events_are_read_by_the_sdk_and_their_signatures_hold(house):
    house.take(ALERT, alert(1))
    house.take(LONGER)
    answer = house.get("/events?after=0")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    for line in answer.content.splitlines():
        message = HTTPMessage({"content-type": "application/cloudevents+json"}, line)
        event = from_structured(message, JSONFormat())
        assert event.get_type() == "org.maritime-watch.envelope.v1"
        release = FORMAT.parse(line)
        verify(release.envelope.to_dict(), release.jws, house.keys, house.clock_ms)
    assert [int(each["sequence"]) for each in lines_of(answer)] == [1, 2, 3]
    assert [int(each["sequence"]) for each in lines_of(house.get("/events?after=2"))] == [3]
    assert lines_of(house.get("/events?after=3")) == []
    assert lines_of(house.get("/events?channel=exercise")) == []


def test_exercises_are_apart(house):
    house.take(ALERT)
    house.take(alert(1), status="exercise")
    assert {each["alertstatus"] for each in lines_of(house.get("/events"))} == {"actual"}
    assert {each["alertstatus"] for each in lines_of(house.get("/events?channel=exercise"))} == {"exercise"}
    assert house.get("/events?channel=exercise", "also").status_code == 404


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "after=1&after=2", "unknown=1", "after=9e9"])
def test_what_cannot_be_meant_is_refused(house, query):
    assert house.get(f"/events?{query}").status_code == 400


def test_pages_are_exact_while_more_is_sent(house):
    def send():
        with Ledger(house.folder / "ledger.db") as ledger:
            publisher = house.a_publisher(ledger)
            for number in range(60):
                publisher.take([alert(number)], "actual", NOW_MS)

    sender = Thread(target=send)
    sender.start()
    seen, after = [], 0
    while sender.is_alive() or lines_of(house.get(f"/events?after={after}")):
        page = lines_of(house.get(f"/events?after={after}&limit=7"))
        seen += [int(each["sequence"]) for each in page]
        after = seen[-1] if seen else 0
    sender.join()
    assert seen == list(range(1, 61))


def test_the_link_leads_through_all_pages(house):
    house.take(*(alert(number) for number in range(10)))
    path, seen = "/events?limit=4", []
    while path:
        answer = house.get(path)
        seen += [int(each["sequence"]) for each in lines_of(answer)]
        path = answer.links.get("next", {}).get("url")
    assert seen == list(range(1, 11))


def test_a_receipt_proves_the_copy_under_the_newest_head(house):
    house.take(ALERT)
    (line,) = house.get("/events").content.splitlines()
    copy = FORMAT.parse(line).envelope
    path = f"/receipts/{copy.alert_id}/{copy.revision}"
    assert house.get(path).status_code == 409  # no head covers it yet
    house.sign_head()
    house.take(alert(1))
    house.sign_head()
    told = house.get(path).json()
    keys = KeySet.from_jwks(house.get("/.well-known/jwks.json").content)
    head = read_head(told["head"], keys, house.clock_ms)
    check_receipt(told["receipt"], head, copy.canonical())
    assert head.size == len(house.ledger)
    assert house.get(f"/receipts/{copy.alert_id}/7").status_code == 404


def test_a_head_that_the_keys_do_not_verify_is_not_given(house):
    house.take(ALERT)
    house.sign_head()
    copy = FORMAT.parse(house.get("/events").content.splitlines()[0]).envelope
    with (house.folder / "heads").open("a") as file:
        file.write("e30.e30.AA\n")
    assert house.get(f"/receipts/{copy.alert_id}/0").status_code == 200
    (house.folder / "jwks.json").write_text('{"keys":[]}')
    assert house.get(f"/receipts/{copy.alert_id}/0").status_code == 409


def test_the_keys_are_those_that_are_published(house):
    answer = house.get("/.well-known/jwks.json")
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert answer.content == (house.folder / "jwks.json").read_bytes()
    assert "d" not in answer.json()["keys"][0]
