"""What holds for every format: nothing is lost, only what was carried counts, and hostile documents are refused."""

import base64
import contextlib
import hashlib
import json
import re
import time

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from maritime.errors import InputError, SignatureError
from maritime.sharing.envelope import Envelope
from maritime.sharing.formats import FORMATS, open_document, read
from maritime.sharing.keys import KeySet, SigningKey
from maritime.sharing.release import Release
from maritime.sharing.signatures import ENVELOPE, sign, sign_bytes, verify
from maritime.sharing.untrusted import MOST_BYTES, MOST_NESTED
from maritime.times import from_rfc3339
from tests.cli.running import PROJECT
from tests.sharing.envelopes import releases
from tests.sharing.samples import EVERY, JWS, full, named

KEY = SigningKey.from_seed(bytes(range(32)))
KEYS = KeySet((KEY.public(org_id="nmc.example"),))
NOW_MS = from_rfc3339("2026-04-01")

every_format = pytest.mark.parametrize("name", FORMATS)


def written(name, content):
    """The bytes of an envelope as they stand in a document of a format."""
    if name in ("cise", "cap", "misp"):
        return base64.b64encode(content)
    return rfc8785.dumps(content.decode()) if name == "stix" else content


def carrying(name, content, jws=JWS):
    """A document that carries other bytes in place of an envelope."""
    document = FORMATS[name].render(Release(full(), jws))
    before, after = (written(name, each) for each in (full().canonical(), content))
    assert document.count(before) == 1
    digests = (hashlib.sha1(each).hexdigest().encode() for each in (full().canonical(), content))  # of CAP
    return document.replace(before, after).replace(*digests)


def refused(parse, document, said):
    with pytest.raises(InputError, match=said) as caught:
        parse(document)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 400


@every_format
@pytest.mark.parametrize("jws", [None, JWS], ids=["unsigned", "signed"])
@pytest.mark.parametrize("envelope", EVERY, ids=named)
def test_every_sample_comes_back(name, envelope, jws):
    release = Release(envelope, jws)
    document = FORMATS[name].render(release)
    assert FORMATS[name].parse(document) == read(document) == release
    assert read(document).envelope.canonical() == envelope.canonical()
    assert open_document(document) == (envelope.to_dict(), jws)
    assert FORMATS[name].render(read(document)) == document


@every_format
@given(release=releases())
def test_hostile_text_comes_back(name, release):
    document = FORMATS[name].render(release)
    assert read(document) == release
    assert read(document).envelope.canonical() == release.envelope.canonical()
    assert FORMATS[name].render(read(document)) == document


def test_each_format_knows_its_own_documents_only():
    documents = {name: each.render(Release(full(), JWS)) for name, each in FORMATS.items()}
    for name, parsed in FORMATS.items():
        for other, document in documents.items():
            if other != name:
                refused(parsed.parse, document, "is no")
    assert len({(each.media_type, each.suffix) for each in FORMATS.values()}) == len(FORMATS)


def test_the_docs_name_every_format_and_every_field():
    pages = (PROJECT / "docs" / "sharing_formats.md").read_text(encoding="utf-8")
    for name, each in FORMATS.items():
        assert f"`{name}`" in pages
        assert f"`{each.media_type}`" in pages
        assert f"`{each.suffix}`" in pages
    told = set(re.findall(r"^\| `(\w+)", pages, re.MULTILINE))
    assert set(Envelope.model_fields) - told == {"schema_version"}


def test_an_envelope_beside_its_signature_is_a_document_too():
    envelope = full().to_dict()
    assert open_document(json.dumps({"envelope": envelope, "jws": JWS}).encode()) == (envelope, JWS)
    assert open_document(json.dumps({"envelope": envelope}).encode()) == (envelope, None)


@every_format
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_xml_in_other_encodings_is_found_out(name, encoding):
    document = FORMATS[name].render(Release(full(), JWS)).decode()
    other = document.partition("?>")[2].encode(encoding)
    if document.startswith("<?xml"):
        assert read(other) == Release(full(), JWS)
    else:
        refused(read, document.encode(encoding), "not JSON")  # RFC 8259 section 8.1


# Signatures


@every_format
@pytest.mark.parametrize("envelope", EVERY, ids=named)
def test_a_signature_holds_in_every_format(name, envelope):
    carried = open_document(FORMATS[name].render(Release(envelope, sign(envelope, KEY))))
    assert verify(*carried, KEYS, NOW_MS).kid == KEY.kid


@every_format
def test_an_altered_envelope_does_not_hold(name):
    altered = full().canonical().replace(b'"mmsi":567801002', b'"mmsi":567801003')
    assert altered != full().canonical()
    carried = open_document(carrying(name, altered, sign(full(), KEY)))
    with pytest.raises(SignatureError) as caught:
        verify(*carried, KEYS, NOW_MS)
    assert caught.value.reason == "altered"


@every_format
def test_a_newer_version_holds_though_it_is_not_known_here(name):
    newer = rfc8785.dumps(full().to_dict() | {"schema_version": "2.0", "wind": {"kn": None, "seen": []}})
    document = carrying(name, newer, sign_bytes(newer, KEY, ENVELOPE, detached=True))
    assert verify(*open_document(document), KEYS, NOW_MS).kid == KEY.kid
    refused(read, document, "schema_version is '2.0'")


# What is refused


SPOILT = {
    "no JSON": (b"<x/>", "not JSON"),
    "nothing": (b'""', "carries no envelope"),
    "a list": (b"[]", "carries no envelope"),
    "no envelope": (b"{}", "envelope is not valid"),
    "a wrong word": (full().canonical().replace(b'"update"', b'"order"'), "kind is 'order'"),
    "a negative count": (full().canonical().replace(b'"revision":2', b'"revision":-2'), "revision is -2"),
    "a null": (full().canonical().replace(b'"expires":"2026-03-17T21:00:00+00:00"', b'"expires":null'), "null"),
    "a time that is none": (full().canonical().replace(b"2026-03-17", b"2026-02-30"), "expires is '2026-02-30"),
    "a name twice": (full().canonical()[:-1] + b',"kind":"cancel"}', "'kind' is there twice"),
    "no number": (full().canonical().replace(b"0.329", b"NaN"), "NaN is no number"),
    "a number beyond a double": (full().canonical().replace(b"0.329", b"1e999"), "1e999 is too large"),
    "a number beyond JSON": (full().canonical().replace(b"0.329", b"9" * 30), "canonical"),
    "half a character": (full().canonical().replace(b"CHAO LE", b"\\ud800"), "not Unicode"),
}
DEEP = {
    "lists without end": b"[" * 100_000,
    "objects without end": b'{"a":' * 100_000,
    "lists": b"[" * MOST_NESTED + b"]" * MOST_NESTED,
}


@every_format
@pytest.mark.parametrize(("content", "said"), SPOILT.values(), ids=SPOILT)
def test_what_is_no_envelope_is_said(name, content, said):
    refused(read, carrying(name, content), said)


@every_format
@pytest.mark.parametrize("content", DEEP.values(), ids=DEEP)
def test_a_deep_envelope_is_refused(name, content):
    refused(read, carrying(name, b'{"x":' + content + b"}"), "nested too deeply|not JSON")


@pytest.mark.parametrize("name", ["cise", "cap", "stix", "misp"])  # the others have it as JSON, however written
def test_an_embedded_envelope_must_be_canonical(name):
    refused(read, carrying(name, json.dumps(full().to_dict()).encode()), "not canonical")
    refused(read, carrying(name, full().canonical() + b"\n"), "not canonical")


@every_format
@pytest.mark.parametrize("jws", ["a.b.c", "x", "", "a..b\n"])
def test_what_is_no_signature_is_said(name, jws):
    document = carrying(name, full().canonical(), jws)
    refused(read, document, "not a detached JWS")


@every_format
def test_what_is_too_large_or_cannot_be_said_is_not_written(name):
    large = full(evidence=[{"name": "n", "value": "x" * MOST_BYTES}])
    refused(FORMATS[name].render, Release(large), f"at most {MOST_BYTES:,} are read")
    refused(FORMATS[name].render, Release(full(evidence=[{"name": "n", "value": 2**60}])), "leave it out")


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
OTHERS = {
    "nothing": (b"", "not JSON"),
    "spaces": (b" \n", "not JSON"),
    "bytes": (b"\x00\xff", "not JSON"),
    "text": (b"alert", "not JSON"),
    "a number": (b"1", "none of CISE message, CAP"),
    "a list": (b"[]", "none of CISE message, CAP"),
    "any object": (b"{}", "none of CISE message, CAP"),
    "lists without end": (b"[" * 100_000, "nested too deeply"),
    "objects without end": (b'{"type":' * 100_000, "nested too deeply"),
    "too large": (b" " * (MOST_BYTES + 1), "bytes"),
    "large XML": (b"<a>" + b" " * MOST_BYTES, "bytes"),
    "an event without data": (b'{"specversion": "1.0", "type": "org.other"}', "no envelope"),
    "an event of another version": (b'{"specversion": "0.3", "data": {}}', "none of"),
    "a feature without an envelope": (b'{"type": "Feature", "geometry": null, "properties": {}}', "no envelope"),
    "several features": (b'{"type": "FeatureCollection", "features": []}', "none of"),
    "a bundle of nothing": (b'{"type": "bundle", "objects": [1, null, {"type": "incident"}]}', "no envelope"),
    "a bundle of a number": (b'{"type": "bundle", "objects": 1}', "none of"),
    "an event of nothing": (b'{"Event": {}}', "none of"),
    "an event of no attributes": (b'{"Event": {"Attribute": [1]}}', "no envelope"),
    "a text for an envelope": (b'{"envelope": "x"}', "no envelope"),
    "a number for a signature": (b'{"envelope": {}, "jws": 1}', "not text"),
    "an open element": (b"<alert>", "no XML that can be read: line 1"),
    "elements without end": (b"<a>" * 100_000, "no XML"),
    "an encoding that does not exist": (b'<?xml version="1.0" encoding="x-none"?><a/>', "no XML"),
    "another element": (b"<alert/>", "none of"),
    "CAP of another version": (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.1"/>', "none of"),
    "CAP without an envelope": (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>', "no envelope"),
    "a DOCTYPE": (b"<!DOCTYPE x><x/>", "DOCTYPE"),
    "a DOCTYPE in UTF-16": ("<!DOCTYPE x><x/>".encode("utf-16"), "DOCTYPE"),
    "a file": (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e;</x>', "DOCTYPE"),
    "a billion laughs": (f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><x>&l9;</x>'.encode(), "DOCTYPE|no XML"),
}


@pytest.mark.parametrize(("document", "said"), OTHERS.values(), ids=OTHERS)
def test_other_documents_are_refused_in_one_sentence(document, said):
    refused(read, document, said)


WHOLE = {name: each.render(Release(full(), JWS)) for name, each in FORMATS.items()}


@every_format
@given(where=st.floats(0, 1), lost=st.integers(0, 40), found=st.binary(max_size=40))
def test_a_damaged_document_is_read_right_or_refused_in_one_sentence(name, where, lost, found):
    at = round(where * len(WHOLE[name]))
    damaged = WHOLE[name][:at] + found + WHOLE[name][at + lost :]
    for parse in (read, FORMATS[name].parse):
        try:
            parse(damaged)
        except InputError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017
            assert len(str(error)) < 400  # noqa: PT017


@every_format
def test_the_time_that_writing_takes_grows_with_what_there_is_to_write(name):
    """Others' envelopes may have as many vessels as fit: none is compared with all others."""

    def seconds(count):
        vessels = [{"length_m": number + 1.0, "role": "other"} for number in range(count)]
        release = Release(full(vessels=vessels))
        began_s = time.process_time()
        with contextlib.suppress(InputError):  # too large for this format
            FORMATS[name].render(release)
        return time.process_time() - began_s

    assert seconds(8_000) < 25 * max(seconds(1_000), 0.05)  # 64 times, if each is compared with each
