"""Idlers: connections that hold a place and send nothing, or take nothing, for too long; they are closed."""

from collections.abc import Iterable
from typing import Final

from aiohttp.web import RequestHandler

HEADERS_S: Final = 15.0  # for headers to come, an answer to be taken, and between two requests
MOST_IDLE: Final = 128  # chosen: more partners than there are, a few connections each


class Idlers:
    """Since when each connection has been idle."""

    def __init__(self, headers_s: float = HEADERS_S) -> None:
        self._headers_s = headers_s
        self._since_s: dict[RequestHandler, float] = {}

    def busy(self, connection: RequestHandler) -> None:
        """A request of it is being answered."""
        self._since_s[connection] = float("inf")

    def idle(self, connection: RequestHandler, now_s: float) -> None:
        """Its answer is ready to be taken."""
        self._since_s[connection] = now_s

    def close(self, connections: Iterable[RequestHandler], now_s: float) -> None:
        """Close those that have been idle for too long, and the longest idle of too many."""
        known = list(connections)
        self._since_s = {each: self._since_s.get(each, now_s) for each in known}
        idle = sorted((each for each in known if self._since_s[each] < float("inf")), key=self._since_s.__getitem__)
        for place, connection in enumerate(idle):
            is_over = place < len(idle) - MOST_IDLE or now_s - self._since_s[connection] > self._headers_s
            if is_over and connection.transport is not None:
                connection.transport.abort()  # to close would wait until all is taken
