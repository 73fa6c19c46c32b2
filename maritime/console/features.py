"""Features: a channel as a collection in the manner of OGC API - Features 1.0 (OGC 17-069r4), for maps.

A feature is an alert, by its newest revision; one that was cancelled has no geometry and says so (`kind`). Filters look
at the released copy alone: what was coarsened is found where the copy says it is, what is withheld is not found.
"""

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from aiohttp import web
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from maritime.console.answers import HttpError, json_answer, not_here, origin_of
from maritime.console.caller import CALLER, TITLES, Caller, Reader
from maritime.console.events import LAST
from maritime.console.query import Query, time_in
from maritime.console.receipts import UUID
from maritime.sharing.desk import Channel
from maritime.sharing.envelope import Envelope
from maritime.sharing.formats.geojson import FORMAT
from maritime.sharing.sent import Sent, SentParcels
from maritime.times import LAST_MS, NEVER, from_rfc3339

JSON: Final = "application/json"
OPENAPI: Final = "application/vnd.oai.openapi+json;version=3.0"
MOST: Final = 500
MOST_LOOKED_AT: Final = 2_000  # of those that do not fit, too: then comes a page with less than was asked for
CONFORMANCE: Final = tuple(
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson")
)
PARAMETERS: Final = {
    "bbox": "west,south,east,north in degrees",
    "datetime": "a time, or FROM/TO with .. for an open end",
    "limit": f"at most {MOST}",
    "after": "of the link to the next page",
}


class Page(NamedTuple):
    """Features and, while there are more, after which sequence the next page begins."""

    features: list[dict[str, Any]]
    next_after: int | None


class Features:
    """`/features` and what it links to."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def routes(self) -> list[web.RouteDef]:
        """Their paths."""
        one = "/features/collections/{collection}"
        return [
            web.get("/features", self._landing),
            web.get("/features/", self._landing),
            web.get("/features/api", self._api),
            web.get("/features/conformance", self._conformance),
            web.get("/features/collections", self._collections),
            web.get(one, self._collection),
            web.get(f"{one}/items", self._items),
            web.get(f"{one}/items/{{alert_id:{UUID}}}", self._item),
        ]

    async def _landing(self, request: web.Request) -> web.Response:
        Query(request, ())
        here = _here(request)
        links = [
            _link("self", here, JSON),
            _link("service-desc", f"{here}/api", OPENAPI),
            _link("conformance", f"{here}/conformance", JSON),
            _link("data", f"{here}/collections", JSON),
        ]
        return json_answer({"title": "Shared alerts", "links": links}, JSON)

    async def _api(self, request: web.Request) -> web.Response:
        Query(request, ())
        return json_answer(_openapi(_here(request)), OPENAPI)

    async def _conformance(self, request: web.Request) -> web.Response:
        Query(request, ())
        return json_answer({"conformsTo": CONFORMANCE}, JSON)

    async def _collections(self, request: web.Request) -> web.Response:
        Query(request, ())
        here, caller = _here(request), request[CALLER]
        described = [_described(here, channel) for channel in caller.channels]
        return json_answer({"links": [_link("self", f"{here}/collections", JSON)], "collections": described}, JSON)

    async def _collection(self, request: web.Request) -> web.Response:
        Query(request, ())
        return json_answer(_described(_here(request), _channel(request)), JSON)

    async def _items(self, request: web.Request) -> web.Response:
        caller, channel, query = request[CALLER], _channel(request), Query(request, PARAMETERS)
        limit, after = query.count("limit", 100, 1, MOST), query.count("after", 0, 0, LAST)
        area, when = _area(query.text("bbox")), _interval(query.text("datetime"))

        def fits(envelope: Envelope) -> bool:
            return _lies_in(envelope, area) and _was_in(envelope, when)

        page = await self._reader.read(caller.name, lambda sent: _page(sent, caller, channel, after, limit, fits))
        here = origin_of(request)
        links = [_link("self", f"{here}{request.rel_url}", FORMAT.media_type)]
        if page.next_after is not None:
            url = request.rel_url.update_query(after=str(page.next_after), limit=str(limit))
            links.append(_link("next", f"{here}{url}", FORMAT.media_type))
        return json_answer(
            {
                "type": "FeatureCollection",
                "features": page.features,
                "numberReturned": len(page.features),
                "links": links,
            },
            FORMAT.media_type,
        )

    async def _item(self, request: web.Request) -> web.Response:
        caller, channel = request[CALLER], _channel(request)
        Query(request, ())
        alert_id = request.match_info["alert_id"]
        found = await self._reader.read(caller.name, lambda sent: sent.of_alert(caller.name, channel, alert_id))
        if found is None:
            raise not_here()
        here = f"{_here(request)}/collections/{channel}"
        links = [
            _link("self", f"{here}/items/{alert_id}", FORMAT.media_type),
            _link("collection", here, JSON),
        ]
        return json_answer({**_feature(found), "links": links}, FORMAT.media_type)


def _page(
    sent: SentParcels, caller: Caller, channel: Channel, after: int, limit: int, fits: Callable[[Envelope], bool]
) -> Page:
    features: list[dict[str, Any]] = []
    looked_at = 0
    while found := sent.current(caller.name, channel, after, limit + 1):
        for each in found:
            if len(features) == limit or looked_at == MOST_LOOKED_AT:
                return Page(features, after)
            if fits(each.release().envelope):
                features.append(_feature(each))
            looked_at += 1
            after = each.sequence
    return Page(features, None)


def _feature(parcel: Sent) -> dict[str, Any]:
    feature: dict[str, Any] = json.loads(FORMAT.render(parcel.release()))
    return feature


def _lies_in(envelope: Envelope, area: BaseGeometry | None) -> bool:
    if area is None:
        return True
    if envelope.geometry is None:
        return False
    return bool(shape(envelope.geometry.model_dump()).intersects(area))


def _was_in(envelope: Envelope, when: tuple[int, int] | None) -> bool:
    """Whether it was observed then; where that is withheld, whether it was sent then."""
    if when is None:
        return True
    observed = envelope.observed
    begin = from_rfc3339(observed.start if observed else envelope.sent)
    end = from_rfc3339(observed.end) if observed and observed.end else begin if observed is None else LAST_MS
    return begin <= when[1] and end >= when[0]


def _area(text: str | None) -> BaseGeometry | None:
    """A box, of four numbers or of six with heights; its west may lie east of its east, over 180°."""
    if text is None:
        return None
    try:
        numbers = [float(each) for each in text.split(",")]
        west, south, east, north = numbers if len(numbers) == 4 else (*numbers[0:2], *numbers[3:5])
    except ValueError:
        raise HttpError(400, f"bbox is {PARAMETERS['bbox']}") from None
    if len(numbers) not in (4, 6) or not (
        abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90  # false for NaN
    ):
        raise HttpError(400, f"bbox is {PARAMETERS['bbox']}")
    if west <= east:
        return box(west, south, east, north)
    return unary_union([box(west, south, 180, north), box(-180, south, east, north)])


def _interval(text: str | None) -> tuple[int, int] | None:
    """From when to when, in ms; both included."""
    if text is None:
        return None
    begin, slash, end = text.partition("/")
    if not slash:
        at_ms = time_in(begin, "datetime")
        return at_ms, at_ms
    first = NEVER if begin in ("", "..") else time_in(begin, "datetime")
    last = LAST_MS if end in ("", "..") else time_in(end, "datetime")
    if first > last:
        raise HttpError(400, "datetime ends before it begins")
    return first, last


def _here(request: web.Request) -> str:
    return f"{origin_of(request)}/features"


def _channel(request: web.Request) -> Channel:
    return request[CALLER].channel(request.match_info["collection"])


def _link(relation: str, href: str, media_type: str) -> dict[str, str]:
    return {"rel": relation, "href": href, "type": media_type}


def _described(here: str, channel: Channel) -> dict[str, Any]:
    path = f"{here}/collections/{channel}"
    return {
        "id": channel,
        "title": TITLES[channel],
        "itemType": "feature",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": [_link("self", path, JSON), _link("items", f"{path}/items", FORMAT.media_type)],
    }


def _openapi(here: str) -> dict[str, Any]:
    """What OGC 17-069r4 asks an API to say of itself, as OpenAPI 3.0."""
    answered = {"200": {"description": "what was asked for"}}
    queries = [
        {"name": name, "in": "query", "description": said, "schema": {"type": "string"}}
        for name, said in PARAMETERS.items()
    ]
    in_path = {
        name: {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("collection", "alert_id")
    }
    of_one = [in_path["collection"]]
    paths = {
        "/": [],
        "/conformance": [],
        "/collections": [],
        "/collections/{collection}": of_one,
        "/collections/{collection}/items": of_one + queries,
        "/collections/{collection}/items/{alert_id}": [*of_one, in_path["alert_id"]],
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "Shared alerts", "version": "1"},
        "servers": [{"url": here}],
        "paths": {path: {"get": {"parameters": told, "responses": answered}} for path, told in paths.items()},
    }
