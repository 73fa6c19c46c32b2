"""CAP feed: a channel as an Atom feed (RFC 4287), the newest first, each entry with its CAP 1.2 message."""

from typing import Final

from aiohttp import web
from lxml import etree

from maritime.console.answers import not_here, origin_of
from maritime.console.caller import CALLER, TITLES, Caller, Reader
from maritime.console.events import LAST
from maritime.console.query import Query
from maritime.console.receipts import REVISION, UUID
from maritime.sharing.desk import Channel
from maritime.sharing.envelope import Envelope
from maritime.sharing.formats.cap import FORMAT, render
from maritime.sharing.formats.ids import derived
from maritime.sharing.wording import LANGUAGES, headline, one_line

ATOM: Final = "http://www.w3.org/2005/Atom"
MOST: Final = 200
NEVER: Final = "1970-01-01T00:00:00+00:00"  # RFC 4287 §4.1.1: a feed has a time, also one without entries


class CapFeed:
    """`/cap/feed.atom`, `/cap/exercise.atom` and the messages, `/cap/ALERT_ID/REVISION.cap`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def routes(self) -> list[web.RouteDef]:
        """Their paths."""
        return [
            web.get("/cap/{feed:feed|exercise}.atom", self._feed),
            web.get(f"/cap/{{alert_id:{UUID}}}/{{revision:{REVISION}}}.cap", self._message),
        ]

    async def _feed(self, request: web.Request) -> web.Response:
        caller, query = request[CALLER], Query(request, ("before", "limit"))
        name = request.match_info["feed"]
        channel = caller.channel("actual" if name == "feed" else name)
        before, limit = query.count("before", LAST, 1, LAST), query.count("limit", 50, 1, MOST)
        found = await self._reader.read(
            caller.name,
            lambda sent: [
                (each.sequence, each.release().envelope)
                for each in sent.newest(caller.name, channel, before, limit + 1)
            ],
        )
        here = origin_of(request)
        page = found[:limit]
        path = f"{here}/cap/{name}.atom"
        links = {"self": f"{here}{request.rel_url}"}
        if len(found) > limit:
            links["next"] = f"{path}?before={page[-1][0]}&limit={limit}"  # RFC 5005 §3
        feed = _feed(caller, channel, links, [envelope for _, envelope in page], here)
        return web.Response(body=feed, headers={"Content-Type": "application/atom+xml;charset=utf-8"})

    async def _message(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        Query(request, ())
        alert_id, revision = request.match_info["alert_id"], int(request.match_info["revision"])
        languages = [each for each in caller.partner.languages if each in LANGUAGES] or LANGUAGES[:1]

        found = await self._reader.read(caller.name, lambda sent: sent.revision(caller.name, alert_id, revision))
        if found is None or found[0] not in caller.channels:
            raise not_here()
        return web.Response(
            body=render(found[1].release(), languages), headers={"Content-Type": f"{FORMAT.media_type};charset=utf-8"}
        )


def _feed(caller: Caller, channel: Channel, links: dict[str, str], envelopes: list[Envelope], here: str) -> bytes:
    feed = etree.XML(f'<feed xmlns="{ATOM}"/>')
    _add(feed, "id", f"urn:uuid:{derived('cap-feed', caller.org_id, caller.name, channel)}")
    _add(feed, "title", TITLES[channel])
    _add(feed, "updated", max((each.sent for each in envelopes), default=NEVER))
    _add(etree.SubElement(feed, _tag("author")), "name", caller.org_id)
    for relation, href in links.items():
        etree.SubElement(feed, _tag("link"), {"rel": relation, "href": href, "type": "application/atom+xml"})
    for each in envelopes:
        entry = etree.SubElement(feed, _tag("entry"))
        _add(entry, "id", f"urn:uuid:{derived('cap', each.alert_id, each.revision)}")
        _add(entry, "title", headline(each))
        _add(entry, "updated", each.sent)
        _add(entry, "summary", f"{each.kind} {each.event.type}, {each.handling.tlp}")
        etree.SubElement(
            entry,
            _tag("link"),
            {
                "rel": "alternate",
                "href": f"{here}/cap/{each.alert_id}/{each.revision}.cap",
                "type": FORMAT.media_type,
            },
        )
    return etree.tostring(feed, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _tag(name: str) -> str:
    return f"{{{ATOM}}}{name}"


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _tag(name)).text = one_line(text)
