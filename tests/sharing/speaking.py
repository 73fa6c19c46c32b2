"""What partners say, for tests."""

from typing import Any
from uuid import UUID

from maritime.sharing.envelope import offset_time
from maritime.times import from_rfc3339

ALERT_ID = "4e423363-002e-410f-8563-edd7cb220a22"
AT_MS = from_rfc3339("2026-03-14T21:10:00Z")


def feedback_id(number: int) -> str:
    return str(UUID(int=number, version=4))


def said(kind: str = "confirmed", number: int = 1, at_ms: int = AT_MS, **changes: Any) -> dict[str, Any]:
    """A message; `changes` replace fields, and None takes one away."""
    more: dict[str, Any] = {
        "dismissed": {"reason": "ordinary_activity"},
        "request_for_information": {"question": "Which flag?", "answer_by": offset_time(at_ms + 3_600_000)},
    }.get(kind, {})
    record = {
        "schema_version": "1.0",
        "feedback_id": feedback_id(number),
        "alert_id": ALERT_ID,
        "revision": 0,
        "kind": kind,
        "at": offset_time(at_ms),
        "role": "duty officer",
        **more,
        **changes,
    }
    return {name: value for name, value in record.items() if value is not None}


def event(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The message as a CloudEvent."""
    return {
        "specversion": "1.0",
        "id": record.get("feedback_id"),
        "source": "/partner/fusion-centre",
        "type": "org.maritime-watch.feedback.v1",
        "datacontenttype": "application/json",
        "data": record,
    } | changes
