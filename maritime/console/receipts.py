"""Receipts: that a partner's copy, or what it said, is in the originator's ledger, and the keys to verify it."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from aiohttp import web

from maritime.console.answers import HttpError, json_answer, not_here
from maritime.console.caller import CALLER, Reader
from maritime.console.query import Query
from maritime.console.watched import Watched
from maritime.errors import SignatureError, UsageError
from maritime.sharing.feedback_reading import FeedbackReading
from maritime.sharing.keys import KeySet
from maritime.sharing.receipts import Head, read_head
from maritime.sharing.sent import SentParcels

UUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
REVISION: Final = "[0-9]{1,9}"


class Receipts:
    """`/receipts/ALERT_ID/REVISION`, `/receipts/feedback/FEEDBACK_ID` and `/.well-known/jwks.json`."""

    def __init__(
        self, reader: Reader, keys: Watched[KeySet], heads: Watched[tuple[str, ...]] | None, clock_ms: Callable[[], int]
    ) -> None:
        """`heads` are the signed heads of the ledger, the newest last; without them there are no receipts."""
        self._reader, self._keys, self._heads, self._clock_ms = reader, keys, heads, clock_ms

    def routes(self) -> list[web.RouteDef]:
        """Their paths."""
        return [
            web.get(f"/receipts/{{alert_id:{UUID}}}/{{revision:{REVISION}}}", self._receipt),
            web.get(f"/receipts/feedback/{{feedback_id:{UUID}}}", self._of_feedback),
            web.get("/.well-known/jwks.json", self._jwks),
        ]

    async def _receipt(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        Query(request, ())
        alert_id, revision = request.match_info["alert_id"], int(request.match_info["revision"])
        return await self._proved(caller.name, lambda sent: sent.ledger.find(alert_id, revision, caller.name))

    async def _of_feedback(self, request: web.Request) -> web.Response:
        caller, feedback_id = request[CALLER], request.match_info["feedback_id"]
        Query(request, ())

        def place(sent: SentParcels) -> int:
            kept = FeedbackReading(sent.ledger.database).one(caller.name, feedback_id)
            if kept is None:
                raise not_here()
            return sent.ledger.find_words(kept.alert_id, caller.name, sha256(kept.message.encode()).hexdigest())

        return await self._proved(caller.name, place)

    async def _proved(self, partner: str, place: Callable[[SentParcels], int]) -> web.Response:
        newest = self._newest_head()

        def receipt(sent: SentParcels) -> dict[str, Any]:
            try:
                seq = place(sent)
            except UsageError:
                raise not_here() from None
            if newest is None or seq >= newest[1].size:
                raise HttpError(409, "no signed head covers this yet; ask again after the next", {})
            return {"receipt": sent.ledger.prove(seq, newest[1].size), "head": newest[0]}

        return json_answer(await self._reader.read(partner, receipt), "application/json")

    async def _jwks(self, request: web.Request) -> web.Response:
        Query(request, ())
        return web.Response(body=self._keys.current().to_jwks(), headers={"Content-Type": "application/jwk-set+json"})

    def _newest_head(self) -> tuple[str, Head] | None:
        """The newest head that the published keys verify."""
        for jws in reversed(self._heads.current() if self._heads else ()):
            try:
                return jws, read_head(jws, self._keys.current(), self._clock_ms())
            except SignatureError:
                continue
        return None
