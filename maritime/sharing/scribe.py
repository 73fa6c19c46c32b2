"""Scribe: parts of envelopes as JSON says them. What is null, or empty where that is as good as nothing, is left out.

The copies of an alert differ by little: by the recipient's numbers and name. What they have in common is the very same
object in memory. A scribe that writes them all writes it once; two values that only look alike are both written.
"""

from functools import cache
from json.encoder import encode_basestring
from typing import Any

from pydantic import BaseModel

from maritime.sharing.canonical import in_bytes, in_order, written


class Scribe:
    """Writes canonical JSON (RFC 8785). What it has written must not change while it is used, as parts never do."""

    def __init__(self) -> None:
        self._texts: dict[int, tuple[Any, str]] = {}  # by identity; the value is kept, so that no other gets its number

    def canonical(self, part: BaseModel) -> bytes:
        """The canonical bytes of a part. Raises InputError for numbers and text that JSON cannot say exactly."""
        return in_bytes(self._written(part))

    def _written(self, value: Any) -> str:
        seen = self._texts.get(id(value))
        if seen is not None:
            return seen[1]
        kind = type(value)
        if kind is not list and not is_part(kind):
            return written(value)
        text = self._list(value) if kind is list else self._object(value)
        self._texts[id(value)] = (value, text)
        return text

    def _list(self, values: list[Any]) -> str:
        if values and is_part(type(values[0])):
            return f"[{','.join(map(self._written, values))}]"
        return written(values)

    def _object(self, part: BaseModel) -> str:
        extra, known = part.__pydantic_extra__, part.__dict__
        members = []
        if extra:
            fields = said(part) | extra
            members += [f"{encode_basestring(name)}:{self._written(fields[name])}" for name in in_order(fields)]
        else:
            for name, lead, empty_is_nothing in _in_order(type(part)):
                value = known[name]
                if value is not None and not (empty_is_nothing and value == []):
                    members.append(lead + (encode_basestring(value) if type(value) is str else self._written(value)))
        return f"{{{','.join(members)}}}"


def said(part: BaseModel) -> dict[str, Any]:
    """The fields of a part that its model knows and that say something."""
    return {
        name: value
        for name, _, empty_is_nothing in _fields(type(part))
        if (value := getattr(part, name)) is not None and not (empty_is_nothing and value == [])
    }


def in_json(value: Any) -> Any:
    """A part, or a list of them, as JSON says it; fields unknown to its model, and other values, as they are."""
    if is_part(type(value)):
        return {name: in_json(inner) for name, inner in said(value).items()} | (value.model_extra or {})
    return [in_json(each) if is_part(type(each)) else each for each in value] if isinstance(value, list) else value


def is_part(kind: type) -> bool:
    """Whether values of a type are parts of envelopes; pydantic's own `isinstance` takes ten times as long."""
    return BaseModel in kind.__mro__


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str, bool], ...]:
    """Of each field the name, how it begins in JSON, and whether an empty list there says nothing."""
    return tuple((name, f'"{name}":', field.default == []) for name, field in model.model_fields.items())


@cache
def _in_order(model: type[BaseModel]) -> tuple[tuple[str, str, bool], ...]:
    return tuple(sorted(_fields(model)))
