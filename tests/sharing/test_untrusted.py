"""JSON from others is read within bounds; whatever is wrong with it is said in one sentence."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.errors import InputError
from maritime.sharing.canonical import canonical
from maritime.sharing.untrusted import (
    MOST_BYTES,
    MOST_NESTED,
    Carried,
    at_most_one,
    attached,
    envelope_of,
    read_json,
    read_object,
)
from tests.sharing.samples import EVERY, JWS, cancel


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is there twice"),
        (b'{"a": NaN}', "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e999]", "1e999"),
        (b"9" * 5_000, "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" * (MOST_NESTED + 1) + b"]" * (MOST_NESTED + 1), "nested too deeply"),
        ('{"a": 1}'.encode("utf-16"), "not JSON"),
        (b'["\\ud800"]', "not Unicode"),
        (b'{"\\udfff": 1}', "not Unicode"),
        (b" " * (MOST_BYTES + 1), f"{MOST_BYTES + 1:,} bytes"),
    ],
)
def test_what_cannot_be_read_is_said(document, said):
    with pytest.raises(InputError, match=said) as caught:
        read_json(document)
    assert len(str(caught.value)) < 250


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=20))
def test_what_is_right_is_read(value):
    document = json.dumps(value).encode()
    assert read_json(document) == value


def test_the_deepest_that_is_read():
    value = json.loads("[" * (MOST_NESTED - 1) + "1" + "]" * (MOST_NESTED - 1))
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_an_input_error(document):
    with contextlib.suppress(InputError):
        read_json(document)


@pytest.mark.parametrize("envelope", EVERY)
def test_an_envelope_comes_back(envelope):
    assert envelope_of(envelope.to_dict()) == envelope
    assert canonical(read_object(envelope.canonical())) == envelope.canonical()
    assert Carried.embedded(envelope.canonical(), JWS.encode()) == Carried(envelope.to_dict(), JWS)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda record: record.pop("handling"), "handling"),
        (lambda record: record.update(alert_id="x"), "alert_id is 'x'"),
        (lambda record: record.update(revision="3"), "numbers as text"),
        (lambda record: record.update(expires=None), "null"),
        (lambda record: record.update(vessels=[]), "null or empty"),
        (lambda record: record.update(later=2**60), "canonical"),
        (lambda record: record["handling"].update(tlp="TLP:WHITE"), "handling.tlp is 'TLP:WHITE'"),
        (lambda record: record["event"].update(type="y" * 1_000), "event.type"),
    ],
)
def test_a_wrong_envelope_is_said(spoil, said):
    record = cancel().to_dict()
    spoil(record)
    with pytest.raises(InputError, match=said) as caught:
        envelope_of(record)
    assert len(str(caught.value)) < 350


def test_an_embedded_envelope_must_be_canonical():
    with pytest.raises(InputError, match="RFC 8785"):
        Carried.embedded(json.dumps(cancel().to_dict()).encode(), None)


@pytest.mark.parametrize("content", [None, b"1", b'"text"', b"[]"])
def test_what_is_no_envelope_is_said(content):
    with pytest.raises(InputError, match="carries no envelope"):
        Carried.embedded(content, None)


def test_a_signature_is_a_detached_one():
    for right in (None, "abc..d-_"):
        assert Carried(cancel().to_dict(), right).release().jws == right
    for wrong in ("", "a.b.c", "a..", "a..b\n", "a..b c"):
        with pytest.raises(InputError, match="detached JWS"):
            Carried(cancel().to_dict(), wrong).release()
    for none in (1, ["a..b"]):
        with pytest.raises(InputError, match="not text"):
            Carried.of({}, none)


@pytest.mark.parametrize("document", [b"[]", b"7", b"null"])
def test_an_object_is_an_object(document):
    with pytest.raises(InputError, match="an object is needed"):
        read_object(document)


def test_what_is_there_twice_is_refused():
    assert (at_most_one([], "numbers"), at_most_one([7], "numbers")) == (None, 7)
    with pytest.raises(InputError, match="2 numbers"):
        at_most_one([1, 2], "numbers")


def test_attachments_are_base64_also_with_line_breaks():
    assert attached([], "x.json") is None
    assert attached(["YWJj\n ZA=="], "x.json") == b"abcd"
    for wrong in ("ab?d", "a", "é", None, 1):
        with pytest.raises(InputError, match=r"'x\.json' is not base64"):
            attached([wrong], "x.json")
    with pytest.raises(InputError, match=r"2 attachments 'x\.json'"):
        attached(["", ""], "x.json")
