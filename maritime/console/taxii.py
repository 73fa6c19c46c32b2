"""TAXII 2.1 (OASIS): a partner's channels as collections of STIX objects, to be read and not to be written.

    /taxii2/                                          discovery
    /taxii2/alerts/                                   API root
    /taxii2/alerts/collections/                       the caller's own
    /taxii2/alerts/collections/ID/                    ID or alias: `actual`, `exercise`
    …/manifest/  …/objects/  …/objects/ID/  …/objects/ID/versions/

Every error that the standard lets say less says less: a collection of somebody else is not there.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from maritime.console.answers import TAXII, HttpError, json_answer, not_here
from maritime.console.caller import CALLER, TITLES, Caller, Reader
from maritime.console.query import Query, time_in
from maritime.console.stix_feed import StixFeed
from maritime.console.stix_index import Choice, Entry, Wanted
from maritime.sharing.desk import Channel
from maritime.sharing.sent import SentParcels

ROOT: Final = "/taxii2/alerts/"
STIX: Final = "application/stix+json;version=2.1"
ACCEPTED: Final = frozenset({TAXII, "application/taxii+json", "application/*", "*/*"})
MOST: Final = 1_000  # objects in an answer; chosen: some megabytes
DEFAULT: Final = 100
LARGEST_BODY: Final = 1  # bytes: nothing can be added
LONGEST_ID: Final = 128
COMMON: Final = ("added_after", "limit", "next")
FILTERS: Final = ("match[id]", "match[type]", "match[version]", "match[spec_version]")
OF_ONE: Final = ("match[version]", "match[spec_version]")
LAST: Final = (1 << 63) - 1
CHOICES: Final[tuple[Choice, ...]] = ("first", "last", "all")


class Taxii:
    """The endpoints of TAXII 2.1 §4 and §5."""

    def __init__(self, reader: Reader, indexes: Path | None = None) -> None:
        """`indexes` is the folder in which the index of each collection is kept; None: they end with the program."""
        self._reader, self._indexes = reader, indexes
        self._feeds: dict[tuple[str, Channel], StixFeed] = {}

    def routes(self) -> list[web.RouteDef]:
        """Their paths."""
        one = f"{ROOT}collections/{{collection}}/"
        thing = f"{one}objects/{{object:[a-z0-9-]+--[0-9a-f-]+}}/"
        return [
            web.get("/taxii2/", self._discovery),
            web.get(ROOT, self._root),
            web.get(f"{ROOT}collections/", self._collections),
            web.get(one, self._collection),
            web.get(f"{one}manifest/", self._manifest),
            web.get(f"{one}objects/", self._objects),
            web.post(f"{one}objects/", self._no_writing),
            web.get(thing, self._object),
            web.delete(thing, self._no_writing),
            web.get(f"{thing}versions/", self._versions),
        ]

    async def _discovery(self, request: web.Request) -> web.Response:
        _accepts(request)
        return json_answer({"title": "Shared alerts", "default": ROOT, "api_roots": [ROOT]}, TAXII)

    async def _root(self, request: web.Request) -> web.Response:
        _accepts(request)
        return json_answer({"title": "Shared alerts", "versions": [TAXII], "max_content_length": LARGEST_BODY}, TAXII)

    async def _collections(self, request: web.Request) -> web.Response:
        _accepts(request)
        caller = request[CALLER]
        return json_answer({"collections": [_described(caller, channel) for channel in caller.channels]}, TAXII)

    async def _collection(self, request: web.Request) -> web.Response:
        _accepts(request)
        caller = request[CALLER]
        return json_answer(_described(caller, _channel(request)), TAXII)

    async def _no_writing(self, request: web.Request) -> web.Response:
        _channel(request)
        raise HttpError(403, "this collection is to be read, not to be written")

    async def _manifest(self, request: web.Request) -> web.Response:
        def records(sent: SentParcels, feed: StixFeed, entries: list[Entry]) -> list[Any]:
            return [
                {"id": each.id, "date_added": each.added, "version": each.version, "media_type": STIX}
                for each in entries
            ]

        return await self._page(request, (*COMMON, *FILTERS), "objects", records)

    async def _objects(self, request: web.Request) -> web.Response:
        return await self._page(request, (*COMMON, *FILTERS), "objects", _contents)

    async def _object(self, request: web.Request) -> web.Response:
        return await self._page(request, (*COMMON, *OF_ONE), "objects", _contents)

    async def _versions(self, request: web.Request) -> web.Response:
        def versions(sent: SentParcels, feed: StixFeed, entries: list[Entry]) -> list[Any]:
            return [each.version for each in entries]

        return await self._page(request, (*COMMON, "match[spec_version]"), "versions", versions, version="all")

    async def _page(
        self,
        request: web.Request,
        known: tuple[str, ...],
        name: str,
        content: Callable[[SentParcels, StixFeed, list[Entry]], list[Any]],
        version: Choice = "last",
    ) -> web.Response:
        """A page of what fits the filters; nothing fits: an empty object."""
        _accepts(request)
        caller, channel, query = request[CALLER], _channel(request), Query(request, known)
        limit = query.count("limit", DEFAULT, 1, MOST)
        after_us = _after_us(query)
        object_id = request.match_info.get("object")
        wanted, feed = _wanted(query, object_id, version), self._feed(caller, channel)

        def page(sent: SentParcels) -> tuple[list[Entry], list[Any]]:
            if object_id is not None and not feed.has(sent, object_id):
                raise not_here()
            fitting = feed.page(sent, wanted, after_us, limit + 1)
            return fitting, content(sent, feed, fitting[:limit])

        fitting, told = await self._reader.read(caller.name, page)
        shown = fitting[:limit]
        if not shown:
            return json_answer({}, TAXII)
        answer: dict[str, Any] = {"more": len(fitting) > limit, name: told}
        if answer["more"]:
            answer["next"] = str(shown[-1].added_us)
        dates = {"X-TAXII-Date-Added-First": shown[0].added, "X-TAXII-Date-Added-Last": shown[-1].added}
        return json_answer(answer, TAXII, dates)

    def _feed(self, caller: Caller, channel: Channel) -> StixFeed:
        key = caller.name, channel
        if key not in self._feeds:
            name = f"{collection_id(caller.org_id, caller.name, channel)}.db"
            self._feeds[key] = StixFeed(caller.name, channel, self._indexes and self._indexes / name)
        return self._feeds[key]


def collection_id(org_id: str, partner: str, channel: Channel) -> str:
    """The id of a partner's collection: a UUIDv4 in form, as TAXII asks, and always the same."""
    return str(UUID(bytes=sha256(f"{org_id}/{partner}/{channel}".encode()).digest()[:16], version=4))


def _described(caller: Caller, channel: Channel) -> dict[str, Any]:
    return {
        "id": collection_id(caller.org_id, caller.name, channel),
        "title": TITLES[channel],
        "alias": channel,
        "can_read": True,
        "can_write": False,
        "media_types": [STIX],
    }


def _channel(request: web.Request) -> Channel:
    """The channel of the collection in the path. Raises HttpError (404)."""
    caller, named = request[CALLER], request.match_info["collection"]
    for channel in caller.channels:
        if named in (channel, collection_id(caller.org_id, caller.name, channel)):
            return channel
    raise not_here()


def _accepts(request: web.Request) -> None:
    """See that the client reads TAXII 2.1 (§3.6). Raises HttpError (406)."""
    told = request.headers.get("Accept", "*/*").replace(" ", "").lower().split(",")
    if not any(each.partition(";q=")[0] in ACCEPTED for each in told):
        raise HttpError(406, f"there is {TAXII} here")


def _contents(sent: SentParcels, feed: StixFeed, entries: list[Entry]) -> list[Any]:
    return feed.content(sent, entries)


def _after_us(query: Query) -> int:
    """After which microsecond: of `added_after`, and of `next` where it is given."""
    after_us = query.count("next", -1, 0, LAST)
    text = query.text("added_after")
    return after_us if text is None else max(after_us, _micros(text, "added_after"))


def _micros(text: str, name: str) -> int:
    """A time of TAXII in microseconds; what is finer is left out. Raises HttpError (400)."""
    whole, dot, fraction = text.removesuffix("Z").partition(".")
    if not text.endswith("Z") or (dot and not (fraction.isascii() and fraction.isdigit())):
        raise HttpError(400, f"{name} must be a time such as 2026-03-14T21:00:00.000000Z")
    micros = int(fraction[:6].ljust(6, "0")) if dot else 0
    return time_in(f"{whole}Z", name) * 1000 + micros


def _wanted(query: Query, object_id: str | None, version: Choice) -> Wanted:
    """What the `match` parameters ask for (§3.4): all of them, each by any of its words."""
    ids = query.words("match[id]") if object_id is None else frozenset({object_id})
    types, versions = query.words("match[type]"), query.words("match[version]") or frozenset({version})
    if not (query.words("match[spec_version]") or {"2.1"}) & {"2.1"}:
        types = frozenset()
    choices = frozenset(choice for choice in CHOICES if choice in versions)
    times = versions.difference(CHOICES)
    return Wanted(ids, types, choices, frozenset(_micros(each, "match[version]") for each in times))
