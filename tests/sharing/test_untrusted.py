"""JSON from others is read within bounds; whatever is wrong with it is said in one sentence."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maritime.errors import InputError
from maritime.sharing.untrusted import (
    MOST_BYTES,
    MOST_NESTED,
    envelope_of,
    only,
    read_envelope,
    read_json,
    read_signature,
)
from tests.sharing.samples import EVERY, cancel


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
        (b'["\\ud800"]', "not Unicode"),
        (b'{"\\udfff": 1}', "not Unicode"),
        (b" " * (MOST_BYTES + 1), f"{MOST_BYTES + 1} bytes"),
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
    assert read_envelope(envelope.canonical()) == envelope
    assert envelope_of(envelope.to_dict()) == envelope


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


@pytest.mark.parametrize("record", [None, 1, "text", [], {}])
def test_what_is_no_envelope_is_said(record):
    with pytest.raises(InputError, match="envelope is not valid"):
        envelope_of(record)


def test_an_embedded_envelope_must_be_canonical():
    with pytest.raises(InputError, match="RFC 8785"):
        read_envelope(json.dumps(cancel().to_dict()).encode())


def test_a_signature_is_a_detached_one():
    assert read_signature(None) is None
    assert read_signature("abc..d-_") == "abc..d-_"
    for wrong in ("", "a.b.c", "a..", "a..b\n", "a..b c", 1, ["a..b"]):
        with pytest.raises(InputError, match="detached JWS"):
            read_signature(wrong)


def test_one_is_needed():
    assert only([7], "numbers") == 7
    for wrong in ([], [1, 2]):
        with pytest.raises(InputError, match=f"{len(wrong)} numbers"):
            only(wrong, "numbers")
