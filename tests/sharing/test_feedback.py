"""Feedback messages: what is one by the published schema is one here, and the other way round."""

import json
from contextlib import suppress
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from maritime.errors import InputError
from maritime.sharing.canonical import canonical
from maritime.sharing.feedback import KINDS, MOST_BYTES, Reason, event_of, read_event, read_message
from tests.cli.running import PROJECT
from tests.sharing.speaking import event, said

SCHEMAS = PROJECT / "docs" / "schemas"
WRONG: dict[str, dict[str, Any]] = {
    "no id": said(feedback_id=None),
    "an id that tells the time": said(feedback_id="018f3c1e-7b2a-7000-8000-000000000000"),
    "an id in capitals": said(alert_id=said()["alert_id"].upper()),
    "no alert": said(alert_id=None),
    "no revision": said(revision=None),
    "revision as text": said(revision="0"),
    "revision as truth": said(revision=True),
    "revision below zero": said(revision=-1),
    "no kind": said(kind="") | {"kind": None},
    "another kind": said("accepted"),
    "another version": said(schema_version="2.0"),
    "no time": said(at=None),
    "time with Z": said(at="2026-03-14T21:10:00Z"),
    "the 30th of February": said(at="2026-02-30T21:10:00+00:00"),
    "no role": said(role=None),
    "an empty role": said(role=""),
    "a long role": said(role="x" * 81),
    "a long note": said(note="x" * 2001),
    "a note that moves the cursor": said(note="fine \x1b[2J"),
    "a note that turns round": said(note="fine \u202e enif"),
    "dismissed without a reason": said("dismissed", reason=None),
    "dismissed for another reason": said("dismissed", reason="because"),
    "a request without a question": said("request_for_information", question=None),
    "a request without a deadline": said("request_for_information", answer_by=None),
    "a request with an empty question": said("request_for_information", question=""),
}


def judge(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FormatChecker())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_and_fits_the_published_schema(kind: str) -> None:
    record = said(kind, note="Seen by the patrol boat.\nPhotos exist.")
    read = read_message(json.dumps(record).encode())
    assert read.message.kind == kind
    assert read.canonical == canonical(record)
    assert judge("feedback").is_valid(record)
    assert judge("feedback_event").is_valid(event(record))
    assert read_event(json.dumps(event(record)).encode()) == read


@pytest.mark.parametrize("record", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused_here_and_by_the_published_schema(record: dict[str, Any]) -> None:
    assert not judge("feedback").is_valid(record)
    with pytest.raises(InputError):
        read_message(json.dumps(record).encode())
    assert not judge("feedback_event").is_valid(event(record))
    with pytest.raises(InputError):
        read_event(json.dumps(event(record)).encode())


def test_a_deadline_is_later_than_its_question() -> None:
    record = said("request_for_information", answer_by=said()["at"])
    with pytest.raises(InputError, match="answer_by must be later than at"):
        read_message(json.dumps(record).encode())


def test_fields_that_are_not_known_stay_and_count() -> None:
    record = said(seen_by={"boat": "P-17"})
    assert read_message(json.dumps(record).encode()).canonical == canonical(record)


@pytest.mark.parametrize(
    "changes",
    [
        {"specversion": "0.3"},
        {"type": "org.maritime-watch.envelope.v1"},
        {"source": ""},
        {"id": "11111111-2222-4333-8444-555555555555"},
        {"data": "confirmed"},
        {"datacontenttype": "text/plain"},
    ],
    ids=str,
)
def test_an_event_of_something_else_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        read_event(json.dumps(event(said(), **changes)).encode())


@pytest.mark.parametrize("reader", [read_message, read_event])
@pytest.mark.parametrize(
    "document",
    [b"", b"null", b"[]", b"{", b"\xff", b'{"a":1,"a":2}', b"[" * 5_000, b"{}" + b" " * MOST_BYTES, b'{"a":1e999}'],
    ids=lambda value: str(value[:12]),
)
def test_what_is_no_message_is_an_input_error(reader: Any, document: bytes) -> None:
    with pytest.raises(InputError):
        reader(document)


@given(
    st.binary(max_size=200)
    | st.recursive(st.text() | st.integers() | st.none(), st.lists).map(
        lambda value: json.dumps({**said(), "note": value, "role": value}).encode(errors="surrogatepass")
    )
)
def test_nothing_but_an_input_error_comes_of_it(document: bytes) -> None:
    with suppress(InputError):
        assert read_message(document).message.kind == "confirmed"


@pytest.mark.parametrize("kind", KINDS)
def test_the_sdk_of_cloudevents_reads_what_a_partner_writes(kind: str) -> None:
    message = read_message(json.dumps(said(kind)).encode()).message
    document = json.dumps(event_of(message, "/partner/fusion-centre")).encode()
    read = JSONFormat().read(CloudEvent, document)
    assert (read.get_id(), read.get_subject()) == (message.feedback_id, message.alert_id)
    assert read_event(document).message == message


def test_the_schema_names_every_reason() -> None:
    text = (SCHEMAS / "feedback.schema.json").read_text(encoding="utf-8")
    assert all(f'"{reason}"' in text for reason in Reason.__args__)  # type: ignore[attr-defined]
