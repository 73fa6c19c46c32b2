"""The envelope: what it takes, what it refuses, and its canonical bytes."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import rfc8785
from pydantic import ValidationError

from maritime.sharing.envelope import Envelope, Reference, known, offset_time
from tests.sharing.samples import EVERY, full

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/envelope.schema.json").read_text())
JUDGE = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def changed(**changes: Any) -> dict[str, Any]:
    return full().to_dict() | changes


WRONG = (
    changed(alert_id="4e423363-002e-110f-8563-edd7cb220a22"),  # version 1: tells when it was made
    changed(alert_id="4e423363002e410f8563edd7cb220a22"),
    changed(revision=-1),
    changed(kind="retract"),
    changed(status="Actual"),
    changed(schema_version="2.0"),
    changed(sent="2026-03-14T21:00:00Z"),  # CAP wants the offset in figures
    changed(sent="2026-03-14T21:00:00+07:00"),
    changed(event={"type": "Loitering"}),
    changed(event={"type": "loitering", "headline": "x" * 161}),
    changed(handling={"tlp": "TLP:WHITE", "purpose": ["customs"], "rel_to": []}),
    changed(handling={"tlp": "TLP:RED", "purpose": [], "rel_to": []}),
    changed(handling={"tlp": "TLP:RED", "purpose": ["espionage"], "rel_to": []}),
    changed(vessels=[{"mmsi": 1 << 30}]),
    changed(vessels=[{"flag": "Thailand"}]),
    changed(places=[{"role": "stop", "lat": 91.0, "lon": 0.0}]),
    changed(places=[{"role": "stop", "lat": 9.0, "lon": 0.0, "cog_deg": 360.0}]),
    changed(geometry={"type": "Circle", "coordinates": [0, 0]}),
    changed(safety={"distress": True, "sar_phase": "alert"}),
    {name: value for name, value in changed().items() if name != "handling"},
)


@pytest.mark.parametrize("envelope", EVERY, ids=lambda e: f"{e.event.type}-{e.kind}-{e.revision}")
def test_every_envelope_fits_its_published_schema_and_comes_back(envelope: Envelope) -> None:
    JUDGE.validate(json.loads(envelope.canonical()))
    again = Envelope.model_validate_json(envelope.canonical())
    assert again == envelope
    assert again.canonical() == envelope.canonical() == rfc8785.dumps(json.loads(envelope.canonical()))


@pytest.mark.parametrize("record", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_refused_by_model_and_schema(record: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Envelope.model_validate(record)
    assert not JUDGE.is_valid(record)


@pytest.mark.parametrize(
    "time", ["2026-02-30T00:00:00+00:00", "2026-13-01T00:00:00+00:00", "2026-01-01T25:00:00+00:00"]
)
def test_times_must_exist(time: str) -> None:
    with pytest.raises(ValidationError, match="is not a time"):
        Envelope.model_validate(changed(sent=time))


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_numbers_must_be_finite(number: float) -> None:
    with pytest.raises(ValidationError):
        Envelope.model_validate(changed(position_uncertainty_m=number))


def test_an_offence_has_been_confirmed_by_somebody_in_a_role() -> None:
    offence = changed(event={"type": "unusual_landing", "nature": "offence", "subtype": "named"})
    Envelope.model_validate(offence)
    for review in (None, {"state": "unreviewed"}, {"state": "confirmed"}, {"state": "dismissed", "role": "officer"}):
        told = {"severity": "Severe", "urgency": "Past", "certainty": "Likely", "review": review}
        with pytest.raises(ValidationError, match="offence"):
            Envelope.model_validate(offence | {"assessment": told})


def test_unknown_fields_are_kept_as_they_came() -> None:
    record = changed(later={"a": None, "b": [], "c": 1.5}, vessels=[{"mmsi": 5, "role": "subject", "hull": {}}])
    envelope = Envelope.model_validate(record)
    assert json.loads(envelope.canonical()) == record
    assert "later" not in known(envelope)
    assert "hull" not in known(envelope)["vessels"][0]


def test_what_is_not_known_is_left_out_and_empty_evidence_is_not() -> None:
    envelope = full(evidence=[{"name": "modes", "value": []}, {"name": "source", "value": None}])
    said = envelope.to_dict()
    assert said["evidence"] == [{"name": "modes", "value": []}, {"name": "source"}]
    assert "safety" not in said


def test_times_are_written_with_an_offset() -> None:
    assert offset_time(1577836800000) == "2020-01-01T00:00:00+00:00"
    assert offset_time(1577836800123) == "2020-01-01T00:00:00.123+00:00"


ALERT_ID = full().alert_id
SENT = "2026-03-14T20:45:00+00:00"


def test_a_reference_has_three_parts() -> None:
    (text,) = full().references
    assert Reference.parse(text) == (ALERT_ID, 1, SENT)
    assert full(references=[f"{ALERT_ID}@1@2026-03-14T20:45:00.250+00:00"]).references


@pytest.mark.parametrize(
    "reference",
    [
        "",
        ALERT_ID,
        f"{ALERT_ID}@1",
        f"{ALERT_ID}@x@{SENT}",
        f"{ALERT_ID}@-1@{SENT}",
        f"{ALERT_ID}@1@2026-03-14T20:45:00Z",
        f"{ALERT_ID}@1@2026-02-30T20:45:00+00:00",
        f"{ALERT_ID}@1@{SENT}\n",
        f"<x>@1@{SENT}",
        f"a b@2@{SENT}",
    ],
)
def test_another_reference_is_refused(reference: str) -> None:
    with pytest.raises(ValidationError, match="references"):
        full(references=[reference])
