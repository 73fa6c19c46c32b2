"""The published schemas are those of the code, every real record fits them, and wrong ones do not."""

import copy
import importlib.util
import json

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from maritime.alerts.schema import AlertType, PublishedAlert
from maritime.alerts.spool import read_alerts
from maritime.columns import POSITION_SCHEMA, Reject
from maritime.replay import ALERT_TYPES, replay
from maritime.simulate import simulate
from streams import codec
from streams.dead_letters import letter_of_alert, letter_of_record, letter_of_row
from streams.memory import MemoryLog
from streams.murmur2 import murmur2, partition_of, vessel_key
from streams.snapshots import MANIFEST
from streams.topic_names import ALERTS, POSITIONS, REJECTS, RESCUE, STATE, VESSELS
from streams.transport import Partition, Record
from tests.cli.running import PROJECT
from tests.detect.fleet import fleet, statics
from tests.streams.live import drain, records, setup_of, topics, worker_of, write
from tests.streams.share.office import Office, alert
from tests.streams.share.office import records_of as shared_records

SCHEMAS = PROJECT / "docs" / "schemas"
SCENARIOS = ("demo_andaman", "distress_beacons", "outage_feed", "position_withheld", "shared_mmsi")


def schema(name):
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def faults(name, value):
    return [
        error.message for error in Draft202012Validator(schema(name), format_checker=FormatChecker()).iter_errors(value)
    ]


def contract():
    spec = importlib.util.spec_from_file_location("write_contract", PROJECT / "scripts" / "write_contract.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_files_are_what_the_code_says():
    files = contract().files()
    for path, text in files.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is old; run python scripts/write_contract.py"
    assert {path for path in files if path.parent == SCHEMAS} == set(SCHEMAS.iterdir())


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.schema.json")), ids=lambda path: path.name)
def test_the_schemas_are_schemas(path):
    Draft202012Validator.check_schema(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def alerts(tmp_path_factory):
    """All revisions of alerts of every type."""
    found = []
    for name in SCENARIOS:
        folder = tmp_path_factory.mktemp(name)
        simulate(PROJECT / "configs" / "scenarios" / f"{name}.yaml", folder / "in.nmea", folder / "truth.csv")
        replay([folder / "in.nmea"], folder / "out", revisions=True, draw_map=False)
        found += read_alerts(folder / "out" / "alert_revisions.jsonl")
    return found


def events_of(alerts):
    return [json.loads(codec.pack_alert(alert)[1].value) for alert in alerts]


def test_real_alerts_of_every_type_fit(alerts):
    known = set(PublishedAlert.model_fields)
    assert {alert.type for alert in alerts} >= set(ALERT_TYPES) - {"feed_stale"}
    assert {alert.state for alert in alerts} >= {"open", "closed"}
    for event in events_of(alerts):
        assert faults("alert_event", event) == [], event["id"]
        assert faults("alert", event["data"]) == []
        assert set(event["data"]) == known
        assert set(event) == set(schema("alert_event")["properties"])


def test_the_schema_knows_every_type():
    assert set(ALERT_TYPES) <= set(AlertType.__args__)


WRONG = {
    "no id": lambda event: event.pop("id"),
    "another version": lambda event: event.update(specversion="0.3"),
    "an id without revision": lambda event: event.update(id=event["id"].partition("/")[0]),
    "a type that is not the alert's": lambda event: event.update(type=event["type"] + "x"),
    "a time without zone": lambda event: event.update(time=event["time"].rstrip("Z")),
    "a key with letters": lambda event: event.update(partitionkey="12345678x"),
    "no alert": lambda event: event.pop("data"),
    "an unknown type": lambda event: event["data"].update(type="pirates"),
    "an unknown state": lambda event: event["data"].update(state="done"),
    "a misspelt field": lambda event: event["data"].update(serverity=event["data"].pop("severity")),
    "a confidence in percent": lambda event: event["data"].update(confidence=80),
    "a latitude beyond the pole": lambda event: event["data"].update(lat=91.0),
    "an MMSI as text": lambda event: event["data"].update(mmsi="123456789"),
    "a revision below zero": lambda event: event["data"].update(revision=-1),
    "a reason without a term": lambda event: event["data"]["reasons"].append({"value": 1, "threshold": 1, "unit": "h"}),
    "evidence as a list": lambda event: event["data"].update(evidence=[]),
    "evidence of a wrong kind": lambda event: event["data"]["evidence"].update(own_reception=3.0),
    "a geometry that is none": lambda event: event["data"].update(geometry={"type": "Circle", "coordinates": []}),
    "a digest cut short": lambda event: event["data"]["detector"].update(config_sha256="abc"),
    "NaN as a number": lambda event: event["data"].update(score="NaN"),
}


@pytest.fixture(scope="module")
def live():
    """A log with everything in it that a run leaves."""
    log = MemoryLog(topics(2))
    write(log, fleet(), statics())
    write(log, fleet().slice(0, 5), statics().slice(0, 0), finish=False)  # late by now
    drain([worker := worker_of(log, setup_of(2))])
    worker.stop()
    return log


@pytest.mark.parametrize("name", WRONG)
def test_wrong_alerts_do_not_fit(name, live):
    event = json.loads(records(live, ALERTS)[0].value)
    assert faults("alert_event", event) == []
    wrong = copy.deepcopy(event)
    WRONG[name](wrong)
    assert faults("alert_event", wrong), name


def test_fields_may_be_added(live):
    event = json.loads(records(live, ALERTS)[0].value)
    event["data"]["evidence"]["new"] = event["data"]["new"] = event["new"] = 1
    assert faults("alert_event", event) == []


def test_distress_calls_fit_and_wrong_ones_do_not(live):
    events = [json.loads(record.value) for record in records(live, RESCUE)]
    calls = [event for event in events if event["type"] == "org.maritime-watch.distress.v1"]
    alerts = [event for event in events if event not in calls]
    assert calls
    assert alerts
    assert [faults("distress_event", call) for call in calls] == [[]] * len(calls)
    assert [faults("alert_event", alert) for alert in alerts] == [[]] * len(alerts)
    assert faults("distress_event", alerts[0])
    for field, value in {"device": "buoy", "call": 3, "lat": 91, "heard_at": "now"}.items():
        assert faults("distress_event", {**calls[0], "data": {**calls[0]["data"], field: value}}), field


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """What partners' topics hold after alerts, an update, a cancel and an exercise."""
    office = Office(tmp_path_factory.mktemp("office"))
    office.write(shared_records([alert(0), alert(1)]))
    office.write(shared_records([alert(0, 1)]))
    office.write(shared_records([alert(1, 1, state="retracted")]))
    office.write(shared_records([alert(2)], "exercise"))
    office.work()
    return [*office.got("fleet"), *office.got("fleet", exercise=True)]


def test_what_partners_are_sent_fits_and_wrong_ones_do_not(delivered):
    assert {event["alertkind"] for event in delivered} == {"alert", "update", "cancel"}
    assert {event["alertstatus"] for event in delivered} == {"actual", "exercise"}
    for event in delivered:
        assert faults("envelope_event", event) == [], event["id"]
        assert set(event) <= set(schema("envelope_event")["properties"])
    wrong = {"jws": None, "sequence": "1", "time": "now", "id": "1@1", "dataclassification": "RED", "dataschema": "x"}
    for field, value in wrong.items():
        assert faults("envelope_event", {**delivered[0], field: value}), field


def texts(headers):
    return {name: value.decode() for name, value in headers}


def test_vessels_manifests_and_headers_of_batches_fit(live):
    vessels = [json.loads(record.value) for record in records(live, VESSELS)]
    assert vessels
    assert [faults("vessel", vessel) for vessel in vessels] == [[]] * len(vessels)
    assert faults("vessel", {**vessels[0], "mmsi": "1"})
    assert faults("vessel", {"mmsi": 1})
    manifests = [json.loads(r.value) for r in records(live, STATE) if r.key.endswith(MANIFEST.encode())]
    assert manifests
    assert [faults("snapshot_manifest", manifest) for manifest in manifests] == [[]] * len(manifests)
    assert set(manifests[0]) == set(schema("snapshot_manifest")["properties"])
    assert faults("snapshot_manifest", {**manifests[0], "slot": 2})
    batches = [texts(record.headers) for record in records(live, POSITIONS)]
    assert {batch["kind"] for batch in batches} >= {codec.POSITIONS, codec.STATICS, codec.HEARTBEATS, codec.NAMES}
    assert all(faults("batch_headers", batch) == [] for batch in batches)
    assert faults("batch_headers", {**batches[0], "kind": "json"})
    assert faults("batch_headers", {**batches[0], "n": "-1"})


def test_dead_letters_fit(live):
    record = Record(Partition(POSITIONS, 0), 7, b"bytes", headers=(("kind", b"x"),))
    made = [
        *records(live, REJECTS),
        letter_of_record(record, "bad_arrow", b"k"),
        letter_of_row(Reject("day.csv", 3, "no_time", b"1,2,3")),
        letter_of_alert(b"000000001", b"{}"),
    ]
    assert {dict(letter.headers)["of"] for letter in made} == {b"reports", b"record", b"row", b"alert"}
    for letter in made:
        assert faults("dead_letter_headers", texts(letter.headers)) == []
    assert faults("dead_letter_headers", {**texts(made[0].headers), "of": "page"})
    assert faults("dead_letter_headers", {"of": "row", "n": "1"})


def test_the_murmur2_vectors_are_right_by_kafkas_own_client():
    vectors = json.loads((SCHEMAS / "murmur2-vectors.json").read_text())["vectors"]
    theirs = pytest.importorskip("kafka.partitioner.default", reason="kafka-python is not installed").murmur2
    for vector in vectors:
        key = vector["key"].encode()
        unsigned = theirs(key) & 0xFFFFFFFF
        assert vector["murmur2"] == murmur2(key) == unsigned - (1 << 32) * (unsigned >> 31)
        for n, partition in vector["partition_of"].items():
            assert partition == partition_of(key, int(n)) == (unsigned & 0x7FFFFFFF) % int(n)
    assert {vessel_key(1).decode(), vessel_key(999_999_999).decode()} <= {vector["key"] for vector in vectors}


def test_positions_have_the_columns_that_the_docs_list():
    page = (PROJECT / "docs" / "streams.md").read_text(encoding="utf-8")
    for field in POSITION_SCHEMA:
        assert f"| `{field.name}` |" in page, field.name
