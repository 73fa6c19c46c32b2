"""The model of envelopes refuses what no format could say, and keeps what it does not know."""

import pytest
from pydantic import ValidationError

from maritime.sharing.envelope import Envelope, Reference
from tests.sharing.samples import EVERY, changed, full, named

ALERT_ID = full().alert_id
SENT = "2026-03-14T20:45:00+00:00"


@pytest.mark.parametrize("envelope", EVERY, ids=named)
def test_what_it_says_is_what_it_reads(envelope):
    assert Envelope.model_validate(envelope.to_dict()) == envelope
    later = envelope.to_dict() | {"later": None, "and": [], "then": {"a": None}}
    assert Envelope.model_validate(later).to_dict() == later


@pytest.mark.parametrize("path", ["sent", "expires", "observed.start", "assessment.review.at", "handling.retain_until"])
@pytest.mark.parametrize(
    "time", ["2026-02-30T00:00:00+00:00", "2026-99-99T00:00:00+00:00", "2026-03-14T21:00:00Z", "2026-03-14", "soon", ""]
)
def test_a_time_that_is_none_is_refused(path, time):
    record = part = full().to_dict()
    *inner, name = path.split(".")
    for each in inner:
        part = part[each]
    part[name] = time
    with pytest.raises(ValidationError, match=path):
        Envelope.model_validate(record)


def test_a_reference_has_three_parts():
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
def test_another_reference_is_refused(reference):
    with pytest.raises(ValidationError, match="references"):
        full(references=[reference])


def test_an_offence_is_said_by_a_person():
    with pytest.raises(ValidationError, match="confirmed by a person"):
        changed(full(), event={"nature": "offence"}, assessment={"review": {"state": "unreviewed"}})
