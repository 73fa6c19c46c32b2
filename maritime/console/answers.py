"""Answers: how the server says what it says, and refuses what it does not."""

import json
from typing import Any, Final

from aiohttp import web

SECURITY: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "maritime",
}
"""On every answer: nothing of it is kept, run or framed by anybody."""
HSTS: Final = "max-age=31536000"  # RFC 6797; a year

PROBLEM: Final = "application/problem+json"  # RFC 9457
TAXII: Final = "application/taxii+json;version=2.1"
NOT_HERE: Final = "there is nothing here"  # the same for what is not and for what is somebody else's


ORIGIN: Final = web.AppKey("origin", str)
"""Under which address partners know the server, when it stands behind another; empty: as they asked."""


class HttpError(Exception):
    """The request is refused with a status; `detail` is a sentence that gives nothing away."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


def not_here() -> HttpError:
    """It is not there, or somebody else's: nobody learns which."""
    return HttpError(404, NOT_HERE)


def origin_of(request: web.Request) -> str:
    """Scheme, host and port for links."""
    return request.app[ORIGIN] or str(request.url.origin())


def json_answer(value: Any, media_type: str, headers: dict[str, str] | None = None) -> web.Response:
    """A value as JSON."""
    body = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return web.Response(body=body, headers={"Content-Type": media_type, **(headers or {})})


def refused(refusal: HttpError, path: str) -> web.Response:
    """A refusal in the form that the path's clients read: an error message of TAXII, or a problem (RFC 9457)."""
    if path.startswith("/taxii2/"):
        told: dict[str, Any] = {"title": refusal.detail, "http_status": str(refusal.status)}
        response = json_answer(told, TAXII, refusal.headers)
    else:
        told = {"title": refusal.detail, "status": refusal.status}
        response = json_answer(told, PROBLEM, refusal.headers)
    response.set_status(refusal.status)
    return response
