"""Feedback: what a partner says of an alert that it was sent; one message, in the log a CloudEvent, over HTTP plain.

The partner makes `feedback_id`, so that what is sent twice counts once. Who says it is never read from the message: it
is whoever may write to the topic, or whoever proved at the door who it is. Fields that this version does not know are
kept as they came, as in envelopes.
"""

import re
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from maritime.errors import InputError
from maritime.sharing.canonical import canonical
from maritime.sharing.envelope import Time, Uuid4
from maritime.sharing.untrusted import read_object
from maritime.times import from_rfc3339

EVENT_TYPE: Final = "org.maritime-watch.feedback.v1"
MOST_BYTES: Final = 16 * 1024  # chosen: a note and a question of four octets a character fit
LONGEST_TEXT: Final = 2000  # characters; chosen: a page
LONGEST_ROLE: Final = 80
LONGEST_SHOWN: Final = 60  # of a wrong value

Kind = Literal["received", "confirmed", "dismissed", "request_for_information", "resolved"]
KINDS: Final[tuple[Kind, ...]] = ("received", "confirmed", "dismissed", "request_for_information", "resolved")
Reason = Literal[
    "ordinary_activity", "known_operation", "wrong_vessel", "wrong_position", "equipment_fault", "not_found", "other"
]
"""Why an alert is dismissed."""

# What is printed on a terminal must not act on it: no control characters but tab and line feed, no change of direction.
SAFE: Final = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, pattern=SAFE)]
Role = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_ROLE, pattern=SAFE, description="the role, not the name"),
]


_Model = TypeVar("_Model", bound=BaseModel)


class _Said(BaseModel):
    """What every message has."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    schema_version: Literal["1.0"] = "1.0"
    feedback_id: Uuid4 = Field(description="made by the partner; sent again, it is the same message")
    alert_id: Uuid4 = Field(description="as the partner knows it")
    revision: int = Field(ge=0, le=999_999_999, description="the one that it is about")
    at: Time = Field(description="when it was said")
    role: Role
    note: Text | None = None


class Received(_Said):
    """The alert has come to a person."""

    kind: Literal["received"]


class Confirmed(_Said):
    """It is as the alert says."""

    kind: Literal["confirmed"]


class Dismissed(_Said):
    """It is not as the alert says, or nothing to act on."""

    kind: Literal["dismissed"]
    reason: Reason


class Request(_Said):
    """A question to the originator, and by when an answer is of use."""

    kind: Literal["request_for_information"]
    question: Text
    answer_by: Time

    @model_validator(mode="after")
    def _there_is_time_to_answer(self) -> Self:
        if from_rfc3339(self.answer_by) <= from_rfc3339(self.at):
            raise ValueError("answer_by must be later than at")
        return self


class Resolved(_Said):
    """The partner has done with it; its open requests about it need no answer."""

    kind: Literal["resolved"]


Message = Received | Confirmed | Dismissed | Request | Resolved


class FeedbackMessage(RootModel[Annotated[Message, Field(discriminator="kind")]]):
    """What a partner says of an alert that it was sent."""


class FeedbackEvent(BaseModel):
    """Feedback as a CloudEvent 1.0 in structured JSON. The record's key is `data.alert_id`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    specversion: Literal["1.0"]
    id: Uuid4 = Field(description="data.feedback_id")
    source: str = Field(min_length=1, max_length=256, description="yours to choose; who you are is known otherwise")
    type: Literal["org.maritime-watch.feedback.v1"]
    subject: Uuid4 | None = Field(None, description="data.alert_id")
    time: Time | None = Field(None, description="data.at")
    datacontenttype: Literal["application/json"] = "application/json"
    data: FeedbackMessage

    @model_validator(mode="after")
    def _it_is_that_of_its_data(self) -> Self:
        if self.id != self.data.root.feedback_id:
            raise ValueError("id must be data.feedback_id")
        return self


class Said(NamedTuple):
    """A message and its canonical bytes as it came, with what this version does not know."""

    message: Message
    canonical: bytes


def read_message(document: bytes) -> Said:
    """Plain feedback, as over HTTP. Raises InputError for what is none, or is too large."""
    return _said(read_object(_bounded(document)))


def read_event(document: bytes) -> Said:
    """Feedback as a CloudEvent, as in the log. Raises InputError for what is none, or is too large."""
    record = read_object(_bounded(document))
    _validated(FeedbackEvent, record)
    return _said(record["data"])


def is_safe(text: str) -> bool:
    """Whether a text has nothing in it that a terminal acts on."""
    return re.fullmatch(SAFE, text) is not None


def event_of(message: Message, source: str) -> dict[str, Any]:
    """The CloudEvent that a partner writes."""
    return {
        "specversion": "1.0",
        "id": message.feedback_id,
        "source": source,
        "type": EVENT_TYPE,
        "subject": message.alert_id,
        "time": message.at,
        "datacontenttype": "application/json",
        "data": message.model_dump(mode="json", exclude_none=True),
    }


def _said(record: dict[str, Any]) -> Said:
    return Said(_validated(FeedbackMessage, record).root, canonical(record))


def _bounded(document: bytes) -> bytes:
    if len(document) > MOST_BYTES:
        raise InputError(f"the feedback has {len(document):,} bytes; at most {MOST_BYTES:,} are read")
    return document


def _validated(model: type[_Model], record: dict[str, Any]) -> _Model:
    try:
        return model.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        wrong = ascii(first["input"])[:LONGEST_SHOWN]
        raise InputError(f"the feedback is not valid: {where} is {wrong}: {first['msg'][:160]}") from None
