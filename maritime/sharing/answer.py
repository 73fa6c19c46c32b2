"""Answer: what the originator's people say to a partner's request for information; to that partner alone, and signed.

The words are a person's. Nothing is added to them but which request they answer, and what the partner told itself.
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from maritime.sharing.canonical import canonical
from maritime.sharing.envelope import OrgId, Time, Uuid4
from maritime.sharing.feedback import SAFE, Role
from maritime.sharing.formats.format import to_json

EVENT_TYPE: Final = "org.maritime-watch.answer.v1"
ANSWER: Final = "maritime-answer+jws"
"""The `typ` of a signature over an answer."""
LONGEST_ANSWER: Final = 4000  # characters; chosen: two pages


class AnswerOriginator(BaseModel):
    """Who answers."""

    model_config = ConfigDict(extra="allow", frozen=True)

    org_id: OrgId


class Answer(BaseModel):
    """An answer to one request. There may be several; the newest `sent` counts."""

    model_config = ConfigDict(extra="allow", frozen=True)

    schema_version: Literal["1.0"] = "1.0"
    answer_id: Uuid4
    feedback_id: Uuid4 = Field(description="of the request")
    alert_id: Uuid4 = Field(description="as the partner knows it")
    originator: AnswerOriginator
    sent: Time = Field(description="when it was signed")
    role: Role
    text: str = Field(min_length=1, max_length=LONGEST_ANSWER, pattern=SAFE)

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON says it."""
        return self.model_dump(mode="json")

    def canonical(self) -> bytes:
        """Its canonical bytes (RFC 8785): what is signed."""
        return canonical(self.to_dict())


class AnswerEvent(BaseModel):
    """An answer as a CloudEvent 1.0 in structured JSON. The record's key is `data.alert_id`."""

    specversion: Literal["1.0"]
    id: Uuid4 = Field(description="data.answer_id; what comes twice has the same")
    source: str = Field(pattern="^/org/[a-z0-9][a-z0-9.-]{0,62}$")
    type: Literal["org.maritime-watch.answer.v1"]
    subject: Uuid4 = Field(description="data.feedback_id")
    time: Time = Field(description="data.sent")
    datacontenttype: Literal["application/json"]
    partitionkey: Uuid4 = Field(description="data.alert_id")
    jws: str = Field(description="detached JWS (RFC 7515 appendix F), typ maritime-answer+jws, over RFC 8785 of data")
    data: Answer


def render(answer: Answer, jws: str) -> bytes:
    """An answer and its signature as a CloudEvent."""
    return to_json(
        {
            "specversion": "1.0",
            "type": EVENT_TYPE,
            "source": f"/org/{answer.originator.org_id}",
            "id": answer.answer_id,
            "time": answer.sent,
            "subject": answer.feedback_id,
            "datacontenttype": "application/json",
            "partitionkey": answer.alert_id,
            "jws": jws,
            "data": answer.to_dict(),
        }
    )
