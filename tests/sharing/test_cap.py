"""CAP messages are valid by the official schema, by two validators, and by what CAP 1.2 says beyond its schema."""

import itertools
import re

import pytest
import xmlschema
from hypothesis import given
from lxml import etree
from shapely.geometry import Polygon, shape
from shapely.ops import unary_union

from maritime.errors import InputError, UsageError
from maritime.sharing.formats.cap import FORMAT, render
from maritime.sharing.release import Release
from maritime.sharing.wording import LANGUAGES
from tests.sharing.envelopes import releases
from tests.sharing.samples import AREA, EVERY, JWS, cancel, changed, coarse, full, named
from tests.sharing.shared import official

NS = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
WORD = r"[^\s,<&]+"
NUMBER = r"-?\d+(\.\d+)?"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


@pytest.fixture(scope="module")
def judge():
    """What the official schema says by lxml and by xmlschema, and what CAP 1.2 says beside it."""
    path = official("cap/cap12.xsd")
    by_libxml, by_python = etree.XMLSchema(etree.parse(path)), xmlschema.XMLSchema(path)

    def faults(document):
        tree = etree.fromstring(document)
        found = [] if by_libxml.validate(tree) else [error.message for error in by_libxml.error_log]
        assert bool(found) == bool(list(by_python.iter_errors(etree.ElementTree(tree)))), "the validators disagree"
        return found + list(semantic_faults(tree))

    return faults


def semantic_faults(alert):
    """CAP 1.2 §3.2: what it asks in words. Written without the module under test."""

    def said(path, start=alert):
        return start.findtext(path, namespaces=NS)

    def every(path, start=alert):
        return [element.text or "" for element in start.iterfind(path, NS)]

    yield from (
        f"{name} is no word" for name in ("identifier", "sender") if not re.fullmatch(WORD, said(f"cap:{name}"))
    )
    yield from (
        f"{element.tag} is empty" for element in alert.iter() if not len(element) and not (element.text or "").strip()
    )
    scope, restriction, addresses = said("cap:scope"), said("cap:restriction"), said("cap:addresses")
    if (scope == "Restricted") != bool(restriction):
        yield "restriction goes with Restricted"
    if scope == "Private" and not addresses:
        yield "Private needs addresses"
    if said("cap:msgType") in ("Update", "Cancel", "Ack", "Error") and not said("cap:references"):
        yield "there is nothing that it refers to"
    if said("cap:msgType") == "Alert" and said("cap:references"):
        yield "an alert refers to nothing"
    for reference in (said("cap:references") or "").split():
        if not re.fullmatch(rf"{WORD},{WORD},{TIME.pattern}", reference):
            yield f"{reference} is not sender,identifier,sent"
    for time in [*every("cap:sent"), *every(".//cap:onset"), *every(".//cap:effective"), *every(".//cap:expires")]:
        if not TIME.fullmatch(time):
            yield f"{time} does not end in +00:00"
    infos = alert.findall("cap:info", NS)
    languages = every("cap:info/cap:language")
    if len(set(languages)) != len(infos):
        yield "a language is there twice or missing"
    for info in infos:
        if len(said("cap:headline", info) or "") > 160:
            yield "the headline is too long"
        for same in ("urgency", "severity", "certainty", "category", "eventCode/cap:value", "expires"):
            if every(f"cap:{same}", info) != every(f"cap:{same}", infos[0]):
                yield f"{same} differs between languages"
        for resource in info.iterfind("cap:resource", NS):
            if not every("cap:mimeType", resource) or not every("cap:uri", resource):
                yield "a resource without type or name"
    for polygon in every(".//cap:polygon"):
        pairs = polygon.split(" ")
        if len(pairs) < 4 or pairs[0] != pairs[-1] or not all(map(is_pair, pairs)):
            yield f"{polygon:.60} is no polygon"
    for circle in every(".//cap:circle"):
        if (
            not re.fullmatch(rf"\S+ {NUMBER}", circle)
            or not is_pair(circle.split(" ")[0])
            or "-" in circle.split(" ")[1]
        ):
            yield f"{circle} is no circle"


def is_pair(text):
    if not re.fullmatch(f"{NUMBER},{NUMBER}", text):
        return False
    lat, lon = map(float, text.split(","))
    return abs(lat) <= 90 and abs(lon) <= 180


def tree_of(envelope, *args):
    return etree.fromstring(render(Release(envelope), *args))


def texts(tree, path):
    return [element.text for element in tree.iterfind(path, NS)]


def text(tree, path):
    return tree.findtext(path, namespaces=NS)


@pytest.mark.parametrize("jws", [None, JWS])
@pytest.mark.parametrize("envelope", EVERY, ids=named)
def test_every_envelope_is_valid(judge, envelope, jws):
    assert judge(render(Release(envelope, jws))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cap:sent", "2026-03-14T21:00:00Z"),
        ("cap:sent", "2026-03-14T21:00:00.000+00:00"),
        ("cap:sent", "2026-03-14T21:00:00-07:00"),
        ("cap:status", "Real"),
        ("cap:msgType", "Revoke"),
        ("cap:msgType", "Alert"),
        ("cap:scope", "Secret"),
        ("cap:scope", "Public"),
        ("cap:scope", "Private"),
        ("cap:identifier", "an id"),
        ("cap:sender", "a,b"),
        ("cap:references", "4e423363@1"),
        ("cap:references", None),
        ("cap:restriction", None),
        ("cap:info/cap:severity", "High"),
        ("cap:info/cap:urgency", "Soon"),
        ("cap:info/cap:certainty", "Unlikely"),
        ("cap:info/cap:category", "Crime"),
        ("cap:info/cap:language", "fr"),
        ("cap:info/cap:headline", "x" * 161),
        ("cap:info/cap:headline", ""),
        ("cap:info/cap:expires", "tomorrow"),
        ("cap:info/cap:resource/cap:uri", None),
        ("cap:info/cap:area/cap:areaDesc", None),
        ("cap:info/cap:area/cap:polygon", "8,98 9,98 8,98"),
        ("cap:info/cap:area/cap:polygon", "8,98 9,98 9,99 8,99"),
        ("cap:info/cap:area/cap:polygon", "98,8 98,9 99,9 98,8"),
        ("cap:info/cap:area/cap:circle", "8.7,98.1"),
        ("cap:info/cap:area/cap:circle", "8.7 98.1 3"),
        ("cap:info/cap:area/cap:circle", "8.7,98.1 1e3"),
    ],
)
def test_the_judge_refuses_wrong_values(judge, path, value):
    tree = tree_of(full("dark_period"))
    assert judge(etree.tostring(tree)) == []
    element = tree.find(path, NS)
    if value is None:
        element.getparent().remove(element)
    else:
        element.text = value
    assert judge(etree.tostring(tree)) != []


def test_the_judge_agrees_with_official_samples(judge):
    ours = ("is empty", "does not end in +00:00", "is not sender,identifier,sent")  # stricter than CAP's own samples
    good = judge(official("cap/testdata/canada.cap").read_bytes())
    assert [fault for fault in good if not fault.endswith(ours)] == []
    for name in ("invalid", "canada_errors"):
        bad = judge(official(f"cap/testdata/{name}.cap").read_bytes())
        assert [fault for fault in bad if not fault.endswith(ours)] != [], name


def test_native_elements_say_what_the_envelope_says():
    tree = tree_of(full("unusual_landing"))
    assert text(tree, "cap:identifier") == "4e423363-002e-410f-8563-edd7cb220a22@2"
    assert text(tree, "cap:sender") == "nmc.example"
    assert text(tree, "cap:msgType") == "Update"
    assert text(tree, "cap:references") == (
        "nmc.example,4e423363-002e-410f-8563-edd7cb220a22@1,2026-03-14T20:45:00+00:00"
    )
    assert text(tree, "cap:incidents") == "0b7a9f4e-51a3-4d0e-9d57-6f1b4fd3a111"
    assert texts(tree, "cap:info/cap:language") == list(LANGUAGES)
    assert text(tree, "cap:info/cap:onset") == "2026-03-14T20:23:14+00:00"
    assert text(tree, "cap:info/cap:expires") == "2026-03-17T21:00:00+00:00"
    assert text(tree, "cap:info/cap:eventCode/cap:value") == "unusual_landing"
    assert text(tree, "cap:info/cap:area/cap:circle") == "8.79967,98.254947 0.03"
    assert [text(tree, f"cap:info/cap:{name}") for name in ("urgency", "severity", "certainty")] == [
        "Past", "Severe", "Likely",
    ]  # fmt: skip
    parameters = dict(
        zip(
            *(texts(tree.find("cap:info", NS), f"cap:parameter/cap:{part}") for part in ("valueName", "value")),
            strict=True,
        )
    )
    assert "mmsi: 567000999" in parameters["vessels"]
    assert parameters["observed_end"] == "2026-03-14T20:42:59.560+00:00"
    assert "Ko Ra <north> & south" in parameters["explanation"]


def test_references_point_at_the_message_before():
    before = full(revision=1, sent="2026-03-14T20:45:00.250+00:00", references=[], kind="alert")
    after = full(references=[f"{before.alert_id}@1@{before.sent}"])
    earlier = tree_of(before)
    named = ",".join(text(earlier, f"cap:{part}") for part in ("sender", "identifier", "sent"))
    assert text(tree_of(after), "cap:references") == named


def test_what_cannot_point_at_the_message_before(judge):
    untold = full(references=[])
    assert text(tree_of(untold), "cap:msgType") == "Alert"
    assert judge(render(Release(untold))) == []
    assert FORMAT.parse(render(Release(untold))).envelope.kind == "update"
    with pytest.raises(InputError, match="names no earlier message"):
        render(Release(changed(cancel(), references=[])))


def test_a_cancel_is_a_cancel(judge):
    tree = tree_of(cancel())
    assert text(tree, "cap:msgType") == "Cancel"
    assert texts(tree, ".//cap:area") == []
    assert {text(tree, f"cap:info/cap:{name}") for name in ("urgency", "severity", "certainty")} == {"Unknown"}


@pytest.mark.parametrize("status", ["actual", "exercise", "test", "system"])
def test_status_is_told(judge, status):
    document = render(Release(full(status=status)))
    assert judge(document) == []
    assert text(etree.fromstring(document), "cap:status") == status.capitalize()


@pytest.mark.parametrize(
    ("onward", "rel_to", "scope", "addresses"),
    [
        ("originator_only", ["rescue-centre"], "Private", "rescue-centre"),
        ("originator_only", ["Rescue Centre", 'a "b'], "Private", '"Rescue Centre" "a \'b"'),
        ("originator_only", [], "Restricted", None),
        ("with_consent", ["rescue-centre"], "Restricted", "rescue-centre"),
        ("permitted", [], "Restricted", None),
    ],
)
def test_scope_follows_handling(judge, onward, rel_to, scope, addresses):
    handling = {"tlp": "TLP:AMBER+STRICT", "purpose": ["customs"], "rel_to": rel_to, "onward": onward}
    document = render(Release(full(handling=handling)))
    tree = etree.fromstring(document)
    assert judge(document) == []
    assert (text(tree, "cap:scope"), text(tree, "cap:addresses")) == (scope, addresses)
    assert {"TLP:AMBER+STRICT", "purpose:customs", f"onward:{onward}"} <= set(texts(tree, "cap:code"))
    if scope == "Restricted":
        assert "TLP:AMBER+STRICT; purpose:customs" in text(tree, "cap:restriction")


def test_distress_is_for_rescue():
    assert set(texts(tree_of(full("distress_beacon")), "cap:info/cap:category")) == {"Rescue"}
    assert set(texts(tree_of(full("loitering")), "cap:info/cap:category")) == {"Transport"}


def test_languages_can_be_chosen(judge):
    document = render(Release(coarse(), JWS), ["id", "en"])
    assert judge(document) == []
    tree = etree.fromstring(document)
    assert texts(tree, "cap:info/cap:language") == ["id", "en"]
    assert len(texts(tree, ".//cap:derefUri")) == 2  # the envelope and its signature, once
    assert FORMAT.parse(document) == Release(coarse(), JWS)
    for wrong in ([], ["xx"]):
        with pytest.raises(UsageError):
            render(Release(coarse()), wrong)


HOLED = {
    "type": "Polygon",
    "coordinates": [
        [[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0], [0.0, 0.0]],
        [[2.0, 2.0], [2.0, 4.0], [4.0, 4.0], [4.0, 2.0], [2.0, 2.0]],
        [[3.0, 6.0], [3.0, 8.0], [7.0, 8.0], [7.0, 6.0], [3.0, 6.0]],
    ],
}
SPLIT = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[179.0, -1.0], [180.0, -1.0], [180.0, 1.0], [179.0, 1.0], [179.0, -1.0]]],
        [[[-180.0, -1.0], [-179.0, -1.0], [-179.0, 1.0], [-180.0, 1.0], [-180.0, -1.0]]],
    ],
}


@pytest.mark.parametrize("geometry", [AREA, HOLED, SPLIT, {"type": "GeometryCollection", "geometries": [HOLED, SPLIT]}])
def test_polygons_cover_the_same_area_without_holes(judge, geometry):
    document = render(Release(full(geometry=geometry)))
    assert judge(document) == []
    told = [
        Polygon([(float(lon), float(lat)) for lat, lon in (pair.split(",") for pair in polygon.split(" "))])
        for polygon in texts(etree.fromstring(document).find("cap:info", NS), ".//cap:polygon")
    ]
    area = unary_union([shape(part) for part in geometry.get("geometries", [geometry])])
    assert unary_union(told).symmetric_difference(area).area < 1e-9
    for one, other in itertools.combinations(told, 2):
        if geometry is HOLED:
            assert one.intersection(other).area < 1e-9


def test_an_area_that_crosses_itself_keeps_its_outline(judge):
    bow = [[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    hole = [[0.2, 0.5], [0.2, 0.6], [0.3, 0.6], [0.2, 0.5]]
    document = render(Release(full(geometry={"type": "Polygon", "coordinates": [bow, hole]})))
    assert judge(document) == []
    assert texts(etree.fromstring(document), ".//cap:polygon")[0] == "0,0 2,2 0,2 2,0 0,0"


def test_many_holes_are_no_deep_recursion():
    holes = [
        [[x, 1.0], [x, 2.0], [x + 0.01, 2.0], [x + 0.01, 1.0], [x, 1.0]] for x in (0.02 * n for n in range(1, 1_500))
    ]
    outer = [[0.0, 0.0], [40.0, 0.0], [40.0, 3.0], [0.0, 3.0], [0.0, 0.0]]
    tree = tree_of(full(geometry={"type": "Polygon", "coordinates": [outer, *holes]}), ["en"])
    assert len(texts(tree, ".//cap:polygon")) >= 1_500


@pytest.mark.parametrize(
    ("changes", "circles"),
    [
        ({"geometry": None}, ["8.7,98.1 0.03", "8.79967,98.254947 0.03"]),
        ({"geometry": None, "places": []}, []),
        ({"geometry": {"type": "MultiPoint", "coordinates": []}}, []),
        ({"geometry": {"type": "Point", "coordinates": [-0.00000001, 1e-7]}}, ["0,0 0.03"]),
        ({"position_uncertainty_m": None}, ["8.79967,98.254947 0"]),
        ({"position_uncertainty_m": 39_000.0}, ["8.79967,98.254947 39"]),
    ],
)
def test_points_are_circles_as_wide_as_they_are_uncertain(judge, changes, circles):
    document = render(Release(full(**changes)))
    assert judge(document) == []
    assert texts(etree.fromstring(document).find("cap:info", NS), ".//cap:circle") == circles


def test_nothing_is_added_that_the_envelope_does_not_say():
    told = re.findall(r"\d{4}-\d\d-\d\dT[\d:]{8}", render(Release(full())).decode())
    known = re.findall(r"\d{4}-\d\d-\d\dT[\d:]{8}", full().canonical().decode())
    assert set(told) <= set(known)
    assert "2026" not in re.sub("2026-03-15T06:00:00|2026-03-14T21:00:00", "", render(Release(cancel())).decode())


@given(releases())
def test_hostile_text_breaks_nothing(judge, release):
    assert judge(render(release)) == []


def test_native_values_are_not_trusted():
    tree = tree_of(full())
    tree.find("cap:sender", NS).text = "somebody.else"
    tree.find("cap:info/cap:severity", NS).text = "Minor"
    assert FORMAT.parse(etree.tostring(tree)) == Release(full())


def sample_files():
    folder = official("cap/testdata")
    return sorted(path for path in folder.iterdir() if path.is_file())


def test_the_official_samples_carry_no_envelope_and_say_so():
    files = sample_files()
    assert len(files) > 20
    for path in files:
        with pytest.raises(InputError) as said:
            FORMAT.parse(path.read_bytes())
        assert len(str(said.value).splitlines()) == 1, path.name


def spoilt(path, value, resource=0):
    tree = etree.fromstring(render(Release(full(), JWS)))
    tree.findall(".//cap:resource", NS)[resource].find(path, NS).text = value
    return etree.tostring(tree)


def test_damage_is_found_by_the_digest():
    for resource in (0, 1):
        with pytest.raises(InputError, match="another digest"):
            FORMAT.parse(spoilt("cap:digest", "00", resource))


def test_an_envelope_is_carried_once():
    tree = etree.fromstring(render(Release(full(), JWS)))
    tree.findall("cap:info", NS)[1].append(tree.find(".//cap:resource", NS).__copy__())
    with pytest.raises(InputError, match=r"2 attachments 'envelope\.json'"):
        FORMAT.parse(etree.tostring(tree))


def test_it_says_what_it_is():
    assert (FORMAT.media_type, FORMAT.suffix) == ("application/cap+xml", ".cap.xml")
