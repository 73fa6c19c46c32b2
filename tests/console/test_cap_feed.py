"""The Atom feed by what RFC 4287 demands, its messages by the official schema of CAP."""

import re
from datetime import datetime

import pytest
import xmlschema
from lxml import etree

from maritime.sharing.formats.cap import FORMAT
from maritime.units import HOUR_MS
from tests.console.house import ALERT, LONGER, NONE_AFTER_ALL, NOW_MS, alert
from tests.sharing.shared import official

NS = {"a": "http://www.w3.org/2005/Atom", "cap": "urn:oasis:names:tc:emergency:cap:1.2"}
FEED = "/cap/feed.atom"
ORDER = ("id", "title", "updated")


def faults(feed):
    """RFC 4287 §4.1.1, §4.1.2 and §4.2, as far as a feed without content in it goes."""
    if feed.tag != f"{{{NS['a']}}}feed":
        yield "no feed"
    for part in [feed, *feed.findall("a:entry", NS)]:
        for name in ORDER:
            elements = part.findall(f"a:{name}", NS)
            if len(elements) != 1 or not (elements[0].text or "").strip():
                yield f"{name} must be there once"
        for updated in part.findall("a:updated", NS):
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", updated.text or ""):
                yield "updated is no date"
            else:
                datetime.fromisoformat(updated.text)
        for each in part.findall("a:id", NS):
            if not re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each.text or ""):
                yield "id is no IRI"
        links = [(link.get("rel"), link.get("type"), link.get("hreflang")) for link in part.findall("a:link", NS)]
        if len(set(links)) < len(links) or any(not link.get("href") for link in part.findall("a:link", NS)):
            yield "links are not right"
    if not feed.findall("a:author/a:name", NS):
        yield "nobody wrote it"
    if not any(link.get("rel") == "self" for link in feed.findall("a:link", NS)):
        yield "it does not say where it is"
    ids = [each.text for each in feed.iterfind(".//a:id", NS)]
    if len(set(ids)) < len(ids):
        yield "two ids are the same"
    if [e.tag for e in feed if e.tag.endswith("entry")] != [e.tag for e in feed][
        -len(feed.findall("a:entry", NS)) or len(feed) :
    ]:
        yield "something follows the entries"


def feed_of(house, path=FEED, name="now"):
    answer = house.get(path, name)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/atom+xml;charset=utf-8"
    feed = etree.fromstring(answer.content)
    assert list(faults(feed)) == []
    return feed


def hrefs(feed, relation="alternate"):
    return [link.get("href") for link in feed.iterfind(".//a:link", NS) if link.get("rel") == relation]


@pytest.fixture(scope="module")
def cap():
    path = official("cap/cap12.xsd")
    return etree.XMLSchema(etree.parse(path)), xmlschema.XMLSchema(path)


def test_entries_lead_to_valid_messages_the_newest_first(house, cap):
    by_libxml, by_python = cap
    house.take(ALERT, alert(1))
    house.take(LONGER, at_ms=NOW_MS + HOUR_MS)
    house.take(NONE_AFTER_ALL, at_ms=NOW_MS + 2 * HOUR_MS)
    feed = feed_of(house)
    kinds = []
    for href in hrefs(feed):
        answer = house.get(href)
        assert answer.headers["Content-Type"] == "application/cap+xml;charset=utf-8"
        message = etree.fromstring(answer.content)
        assert by_libxml.validate(message), by_libxml.error_log
        by_python.validate(etree.ElementTree(message))
        assert message.xpath("cap:info/cap:language/text()", namespaces=NS) == ["en", "fr"]  # the partner's
        assert FORMAT.parse(answer.content).jws
        kinds.append(message.findtext("cap:msgType", namespaces=NS))
        message.remove(message.find("cap:status", NS))
        assert not by_libxml.validate(message)  # the judge can say no
    assert kinds == ["Cancel", "Update", "Alert", "Alert"]
    assert feed.findtext("a:updated", namespaces=NS) == "2026-03-14T23:00:00+00:00"


@pytest.mark.parametrize("name", [*ORDER, "author", "link"])
def test_the_judge_of_feeds_can_say_no(house, name):
    house.take(ALERT)
    feed = feed_of(house)
    feed.remove(feed.find(f"a:{name}", NS))
    assert list(faults(feed)) != []


def test_pages_hold_everything_once(house):
    house.take(*(alert(number) for number in range(7)))
    path, seen = f"{FEED}?limit=3", []
    while path:
        feed = feed_of(house, path)
        seen += hrefs(feed)
        path = next(iter(hrefs(feed, "next")), None)
        house.take(alert(len(seen) + 100))  # what is new comes before, not between
    assert len(seen) == len(set(seen)) == 7


def test_a_feed_without_entries_is_one(house):
    assert hrefs(feed_of(house)) == []


def test_exercises_have_a_feed_of_their_own(house):
    house.take(ALERT)
    house.take(alert(1), status="exercise")
    (real,), (exercise,) = hrefs(feed_of(house)), hrefs(feed_of(house, "/cap/exercise.atom"))
    statuses = [
        etree.fromstring(house.get(href).content).findtext("cap:status", namespaces=NS) for href in (real, exercise)
    ]
    assert statuses == ["Actual", "Exercise"]
    assert house.get("/cap/exercise.atom", "also").status_code == 404
    house.policy["partners"]["now"]["exercises"] = False
    house.write_policy()
    assert house.get(exercise).status_code == 404


def test_text_from_outside_stays_text(house):
    ship = '<script>alert("&amp;")</script>\x07'
    house.take(alert(1, evidence={"hours": 2.0, "ship": ship}))
    feed = feed_of(house, f"{FEED}?limit=9")
    assert not [each for each in feed.iter() if each.tag == "script"]


def test_the_address_comes_from_the_request_and_cannot_break_out(house):
    house.take(ALERT)
    answer = house.get(FEED, headers={"Host": 'x"><evil/>'})
    assert answer.status_code == 400
    feed = feed_of(house)
    assert all(href.startswith(f"{house.url}/cap/") for href in hrefs(feed) + hrefs(feed, "self"))


def test_behind_a_proxy_links_begin_with_the_public_address(build):
    house = build().start(origin="https://share.example")
    house.take(ALERT)
    feed = feed_of(house)
    assert all(href.startswith("https://share.example/cap/") for href in hrefs(feed) + hrefs(feed, "self"))
    links = house.get("/features/collections/actual/items").json()["links"]
    assert links[0]["href"] == "https://share.example/features/collections/actual/items"
