"""Feedback: what a partner says of its alerts over HTTP, and what it was answered.

Nothing is decided here and nothing is written into the ledger: what could be taken is laid into a folder, from which
the publisher takes it. That another partner's alert is there cannot be found out: it is answered as one that is not.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from maritime.console.answers import HttpError, json_answer, not_here
from maritime.console.caller import CALLER, Reader
from maritime.console.query import Query
from maritime.errors import InputError
from maritime.sharing.answer import Answer, render
from maritime.sharing.envelope import UUID4, offset_time
from maritime.sharing.feedback import MOST_BYTES, Said, read_event, read_message
from maritime.sharing.feedback_reading import FeedbackReading, Kept, Refusal, said_again
from maritime.sharing.feedback_spool import FeedbackSpool
from maritime.sharing.sent import SentParcels
from maritime.sharing.untrusted import read_object

PATH: Final = "/feedback"
MOST: Final = 200  # of a page
LAST: Final = (1 << 63) - 1  # of SQLite's numbers
READERS: Final[dict[str, Callable[[bytes], Said]]] = {
    "application/json": read_message,
    "application/cloudevents+json": read_event,
}
REFUSALS: Final[dict[Refusal, tuple[int, str]]] = {
    "id_used_otherwise": (409, "you have said something else under this feedback_id; make a new one"),
    "said_in_future": (400, "at is yet to come; set your clock"),
    "too_much": (409, "you have said as much of this alert as is kept; speak to the originator"),
}
"""All others are those of what is not there."""


class Feedback:
    """`POST /feedback`, `/feedback?after=SEQUENCE` and `/feedback/FEEDBACK_ID`."""

    def __init__(self, reader: Reader, spool: FeedbackSpool | None, clock_ms: Callable[[], int]) -> None:
        """Without `spool` nothing can be said, and what was said another way can be read."""
        self._reader, self._spool, self._clock_ms = reader, spool, clock_ms

    def routes(self) -> list[web.RouteDef]:
        """Its paths."""
        reading = [web.get(PATH, self._all), web.get(f"{PATH}/{{feedback_id:{UUID4}}}", self._one)]
        return reading if self._spool is None else [web.post(PATH, self._say), *reading]

    async def _say(self, request: web.Request) -> web.Response:
        caller, spool = request[CALLER], self._spool
        Query(request, ())
        read = READERS.get(request.content_type)
        if read is None:
            raise HttpError(415, f"send {' or '.join(READERS)}")
        try:
            said = read(await _body(request))
        except InputError as error:
            raise HttpError(400, str(error)) from None
        feedback_id = said.message.feedback_id

        def lay_down(sent: SentParcels) -> str:
            assert spool is not None
            reading = FeedbackReading(sent.ledger.database)
            refusal = reading.refusal(caller.name, said, self._clock_ms())
            if refusal is not None:
                raise _refused(refusal)
            if reading.is_known(caller.name, said):
                return "taken"
            waiting = spool.find(caller.name, feedback_id)
            if waiting not in (None, said.canonical):
                raise _refused("id_used_otherwise")
            if waiting is None and not spool.add(caller.name, feedback_id, said.canonical):
                raise HttpError(429, "too much of yours waits to be taken", {"Retry-After": "30"})
            return "waiting"

        state = await self._reader.read(caller.name, lay_down)
        status = HTTPStatus.OK if state == "taken" else HTTPStatus.ACCEPTED
        answer = json_answer(
            {"feedback_id": feedback_id, "state": state}, "application/json", {"Location": f"{PATH}/{feedback_id}"}
        )
        answer.set_status(status)
        return answer

    async def _all(self, request: web.Request) -> web.Response:
        caller, query = request[CALLER], Query(request, ("after", "limit"))
        after, limit = query.count("after", 0, 0, LAST), query.count("limit", 100, 1, MOST)

        def page(sent: SentParcels) -> list[dict[str, Any]]:
            reading = FeedbackReading(sent.ledger.database)
            return [_told(reading, kept) for kept in reading.of_partner(caller.name, after, limit + 1)]

        found = await self._reader.read(caller.name, page)
        headers = {}
        if len(found) > limit:
            headers["Link"] = f'<{PATH}?after={found[limit - 1]["sequence"]}&limit={limit}>; rel="next"'
        return json_answer({"feedback": found[:limit]}, "application/json", headers)

    async def _one(self, request: web.Request) -> web.Response:
        caller, feedback_id = request[CALLER], request.match_info["feedback_id"]
        Query(request, ())

        def one(sent: SentParcels) -> dict[str, Any]:
            reading = FeedbackReading(sent.ledger.database)
            kept = reading.one(caller.name, feedback_id)
            if kept is not None:
                return _told(reading, kept)
            if self._spool is not None and self._spool.find(caller.name, feedback_id) is not None:
                return {"feedback_id": feedback_id, "state": "waiting"}
            refusal = reading.refused(caller.name, feedback_id)
            if refusal is None:
                raise not_here()
            return {"feedback_id": feedback_id, "state": "refused", "reason": refusal}

        return json_answer(await self._reader.read(caller.name, one), "application/json")


def _refused(refusal: Refusal) -> HttpError:
    return HttpError(*REFUSALS[refusal]) if refusal in REFUSALS else not_here()


async def _body(request: web.Request) -> bytes:
    """What was sent. Raises HttpError (413) for more than feedback has, before all of it was read."""
    body = bytearray()
    if (request.content_length or 0) <= MOST_BYTES:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MOST_BYTES:
                break
        else:
            return bytes(body)
    raise HttpError(413, f"feedback has at most {MOST_BYTES:,} bytes")


def _told(reading: FeedbackReading, kept: Kept) -> dict[str, Any]:
    answers = [
        read_object(render(Answer.model_validate_json(each.answer), each.jws))
        for each in reading.answers(kept.partner, kept.feedback_id)
        if each.answer is not None and each.jws is not None
    ]
    return {
        "feedback_id": kept.feedback_id,
        "sequence": kept.sequence,
        "state": "taken",
        "taken_at": offset_time(kept.taken_ms),
        "message": said_again(kept),
        "answers": answers,
    }
