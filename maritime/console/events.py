"""Events: the feed of a channel as CloudEvents, one a line, for those who fetch with a loop and a number."""

from typing import Final

from aiohttp import web

from maritime.console.caller import CALLER, Reader
from maritime.console.query import Query
from maritime.sharing.formats.cloudevent import render

MEDIA_TYPE: Final = "application/x-ndjson"
MOST: Final = 500  # chosen: some megabytes
LAST: Final = (1 << 63) - 1  # of SQLite's numbers


class Events:
    """`/events?after=SEQUENCE`: what was sent after it. The `Link` to the next page is there while there is more."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def routes(self) -> list[web.RouteDef]:
        """Its paths."""
        return [web.get("/events", self._events)]

    async def _events(self, request: web.Request) -> web.Response:
        caller, query = request[CALLER], Query(request, ("after", "limit", "channel"))
        channel = caller.channel(query.text("channel") or "actual")
        after, limit = query.count("after", 0, 0, LAST), query.count("limit", 100, 1, MOST)

        found = await self._reader.read(
            caller.name,
            lambda sent: [
                (each.sequence, render(each.release(), each.sequence))
                for each in sent.parcels(caller.name, channel, after, limit + 1)
            ],
        )
        page, is_more = found[:limit], len(found) > limit
        headers = {"Content-Type": MEDIA_TYPE}
        if is_more:
            headers["Link"] = f'</events?channel={channel}&after={page[-1][0]}&limit={limit}>; rel="next"'
        return web.Response(body=b"".join(line + b"\n" for _, line in page), headers=headers)
