"""CloudEvents: official schema and SDKs (Python, JavaScript) read what is written, and refuse wrong ones."""

import json
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
import rfc8785
from cloudevents.core.bindings.kafka import from_structured, to_structured
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from jsonschema import Draft7Validator, FormatChecker

from maritime.sharing.formats.cloudevent import EVENT_TYPE, FORMAT, render
from maritime.sharing.release import Release
from tests.contract.npm import npm_package
from tests.sharing.samples import EVERY, JWS, cancel, full
from tests.sharing.shared import official

SDK = "10.0.0"
SPOILED = {
    "no id": lambda event: event.pop("id"),
    "empty id": lambda event: event.update(id=""),
    "no source": lambda event: event.pop("source"),
    "no type": lambda event: event.pop("type"),
}


@pytest.fixture(scope="module")
def judge():
    schema = json.loads(official("cloudevents/cloudevents.json").read_text())
    return Draft7Validator(schema, format_checker=FormatChecker())


def spoiled(how, **changes):
    event = json.loads(render(Release(full(), JWS)))
    how(event)
    return event | changes


@pytest.mark.parametrize("envelope", EVERY)
def test_it_fits_the_official_schema(envelope, judge):
    assert list(judge.iter_errors(json.loads(render(Release(envelope, JWS), 7)))) == []


@pytest.mark.parametrize("how", SPOILED.values(), ids=SPOILED)
def test_the_official_schema_refuses_wrong_ones(how, judge):
    assert list(judge.iter_errors(spoiled(how)))


@pytest.mark.parametrize("envelope", EVERY)
def test_the_python_sdk_reads_it(envelope):
    document = render(Release(envelope, JWS), sequence=7)
    event = JSONFormat().read(CloudEvent, document)
    assert event.get_type() == EVENT_TYPE
    assert event.get_id() == f"{envelope.alert_id}@{envelope.revision}"
    assert event.get_source() == "/org/nmc.example"
    assert event.get_time() == datetime.fromisoformat(envelope.sent)
    assert event.get_subject() == event.get_extension("partitionkey") == envelope.alert_id
    assert event.get_dataschema() == "urn:maritime-watch:envelope:1"
    assert event.get_extension("correlationid") == envelope.context_id
    assert event.get_extension("expirytime") == envelope.expires
    assert event.get_extension("dataclassification") == envelope.handling.tlp
    assert event.get_extension("alertkind") == envelope.kind
    assert event.get_extension("alertstatus") == envelope.status
    assert event.get_extension("sequence") == "00000000000000000007"
    assert event.get_extension("jws") == JWS
    assert rfc8785.dumps(event.get_data()) == envelope.canonical()
    assert FORMAT.parse(JSONFormat().write(event)) == Release(envelope, JWS)
    in_kafka = to_structured(event, JSONFormat())
    assert in_kafka.key == envelope.alert_id
    assert FORMAT.parse(in_kafka.value) == Release(envelope, JWS)
    assert from_structured(in_kafka, JSONFormat(), CloudEvent).get_data() == event.get_data()


@pytest.mark.parametrize("how", [*SPOILED.values(), lambda event: event.update(Wrong_Name="x")])
def test_the_python_sdk_refuses_wrong_ones(how):
    event = spoiled(how)
    event.setdefault("id", None)  # the SDK makes up an id where there is none
    with pytest.raises(CloudEventValidationError):
        JSONFormat().read(CloudEvent, json.dumps(event))


@pytest.fixture(scope="module")
def in_javascript(tmp_path_factory):
    folder = npm_package("cloudevents", SDK, "cloudevents")

    def read(documents):
        path = tmp_path_factory.mktemp("events") / "events.json"
        path.write_text(json.dumps([document.decode() for document in documents]))
        command = ["node", str(Path(__file__).with_name("read_cloudevent.mjs")), str(folder), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


@pytest.mark.node
def test_the_javascript_sdk_reads_them(in_javascript):
    documents = [render(Release(envelope, JWS), number) for number, envelope in enumerate(EVERY)]
    for envelope, document, told in zip(EVERY, documents, in_javascript(documents), strict=True):
        assert "wrong" not in told, told
        written = json.loads(document)
        del written["data"]
        assert datetime.fromisoformat(told["attributes"].pop("time")) == datetime.fromisoformat(written.pop("time"))
        assert told["attributes"] == written
        assert rfc8785.dumps(told["data"]) == envelope.canonical()
        assert FORMAT.parse(told["written"].encode()) == Release(envelope, JWS)


@pytest.mark.node
def test_the_javascript_sdk_refuses_wrong_ones(in_javascript):
    wrong = {
        **{name: spoiled(how) for name, how in SPOILED.items() if not name.endswith("id")},  # it makes up an id
        "empty source": spoiled(dict, source=""),
        "upper case": spoiled(dict, Wrong="x"),
        "with a line": spoiled(dict, wrong_name="x"),
    }
    told = in_javascript([json.dumps(event).encode() for event in wrong.values()])
    assert [name for name, each in zip(wrong, told, strict=True) if "wrong" not in each] == []


def test_numbers_in_a_feed_order_as_text():
    texts = [json.loads(render(Release(cancel()), number))["sequence"] for number in (0, 9, 10, 2**64 - 1)]
    assert texts == sorted(texts)
    assert "sequence" not in json.loads(render(Release(cancel())))


@pytest.mark.parametrize("envelope", EVERY)
def test_it_is_canonical_whoever_wrote_the_envelope(envelope):
    event = render(Release(envelope, JWS), 7)
    assert event == rfc8785.dumps(json.loads(event))
    assert event == render(Release(envelope, JWS, envelope.canonical()), 7)


def test_what_is_unknown_is_left_out():
    event = json.loads(render(Release(cancel())))
    assert not {"correlationid", "expirytime", "jws"} & set(event)
    assert event["alertkind"] == "cancel"
    assert json.loads(render(Release(full(status="exercise"))))["alertstatus"] == "exercise"


def test_attributes_are_not_trusted():
    event = json.loads(render(Release(full())))
    event |= {"id": "other/0", "dataclassification": "TLP:CLEAR", "alertkind": "cancel", "subject": "x"}
    assert FORMAT.parse(json.dumps(event).encode()) == Release(full())


def test_an_event_of_another_type_is_read_by_what_it_carries():
    event = json.loads(render(Release(full(), JWS))) | {"type": "org.other.alert", "time": None}
    assert FORMAT.parse(json.dumps(event).encode()) == Release(full(), JWS)


def test_the_format():
    assert FORMAT.media_type == JSONFormat.CONTENT_TYPE
