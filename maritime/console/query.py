"""Query: the parameters of a request, each known, once and within bounds."""

from collections.abc import Collection

from aiohttp import web

from maritime.console.answers import HttpError
from maritime.errors import UsageError
from maritime.times import from_rfc3339


class Query:
    """Raises HttpError (400), which names the parameter, for all that cannot be meant."""

    def __init__(self, request: web.Request, known: Collection[str]) -> None:
        """`known` are the parameters that there may be."""
        self._values: dict[str, str] = {}
        for name, value in request.query.items():
            if name not in known:
                raise HttpError(400, f"a parameter is not known here; there are {', '.join(sorted(known)) or 'none'}")
            if name in self._values:
                raise HttpError(400, f"{name} is given twice")
            self._values[name] = value

    def text(self, name: str) -> str | None:
        """A parameter as it is; None when it is not given."""
        return self._values.get(name)

    def count(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number; what is above `most` is taken for `most`."""
        text = self._values.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= least):
            raise HttpError(400, f"{name} must be a whole number of at least {least}")
        return min(int(text), most)

    def words(self, name: str) -> frozenset[str] | None:
        """A list with commas between; None when it is not given."""
        text = self._values.get(name)
        return None if text is None else frozenset(text.split(","))


def time_in(text: str, name: str) -> int:
    """A time in a parameter as ms UTC. Raises HttpError."""
    try:
        return from_rfc3339(text)
    except (UsageError, OverflowError):
        raise HttpError(400, f"{name} must be a time such as 2026-03-14T21:00:00Z") from None
